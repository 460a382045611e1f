//! Chat over Converse: the same request and answer for all models. A pure mapping to and from the
//! SDK's types, which hold no client.

mod blocks;
mod capable;
mod fields;
mod reasoning;
mod tools;
mod trace;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Response;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ContentBlockDelta, ContentBlockStart, ConverseOutput, ConverseStreamOutput,
    InferenceConfiguration, Message, OutputConfig, PerformanceConfigLatency,
    PerformanceConfiguration, ReasoningContentBlock, ReasoningContentBlockDelta, ServiceTier,
    ServiceTierType, StopReason, SystemContentBlock, TokenUsage, ToolConfiguration,
};
use aws_smithy_types::Document;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Error;
use crate::api::inference::{self, Inference, Parameter};
use crate::api::options::{Guardrail, Latency, Options, Tier};
use crate::dialogue::{Dialogue, ToolUse};
use crate::families::{
    self, Beside, Bounds, Chunk, Completion, Finish, Reasoning, Rule, Thought, ToolDelta, Usage,
};
use crate::model::{Entry, TextFamily};

pub(crate) use fields::merge;
pub use reasoning::wants_no_bound;
pub use tools::{ToldByTool, told_by_tool};

/// The name that errors give to this way.
const NAME: &str = "Converse";

const DEFAULT: &str = "the model's own";

/// What is sent beside the model's id.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The turns.
    pub messages: Vec<Message>,
    /// The system prompt.
    pub system: Option<Vec<SystemContentBlock>>,
    /// The parameters that Converse has itself.
    pub inference_config: Option<InferenceConfiguration>,
    /// The parameters that only the family has.
    pub additional_fields: Option<Document>,
    /// The fields of the model's own answer that are asked for.
    pub response_paths: Option<Vec<String>>,
    /// The guardrail that the request names.
    pub guardrail: Option<Guardrail>,
    /// The service tier, where it is not the default.
    pub tier: Option<ServiceTier>,
    /// The latency, where the request says it.
    pub latency: Option<PerformanceConfiguration>,
    /// The tools.
    pub tools: Option<ToolConfiguration>,
    /// The form of the answer, where Bedrock holds the model to it.
    pub output: Option<OutputConfig>,
    /// Whether the answer is what a tool is given: see [`told_by_tool`].
    pub answers_by_tool: bool,
    /// Whether the model calls no tools in streamed answers, so that only a whole one is asked for.
    pub whole_only: bool,
}

/// What Converse does with a parameter, for this model.
pub fn rule(family: Option<TextFamily>, model: Option<&Entry>, parameter: Parameter) -> Rule {
    if let Some(refused) = families::quirk(model, parameter) {
        return refused;
    }
    let base = |native: &'static str, usual: Bounds| match family {
        None => Rule::Mapped {
            native,
            bounds: usual,
            default: DEFAULT,
        },
        Some(family) => match families::rule(family, model, parameter) {
            // Converse has them for every model: Llama's own body knows no `stop`.
            Rule::Refused { .. } if parameter == Parameter::Stop => Rule::Mapped {
                native,
                bounds: usual,
                default: DEFAULT,
            },
            rule => renamed(rule, native),
        },
    };
    match parameter {
        Parameter::Temperature => {
            match base("inferenceConfig.temperature", Bounds::Number(0.0, 1.0)) {
                // Some families go higher in their own bodies.
                Rule::Mapped {
                    native,
                    bounds,
                    default,
                } => Rule::Mapped {
                    native,
                    bounds: bounds.up_to(1.0),
                    default,
                },
                Rule::Refused { reason } => Rule::Refused { reason },
            }
        }
        Parameter::TopP => base("inferenceConfig.topP", Bounds::Number(0.0, 1.0)),
        Parameter::MaxTokens => base(
            "inferenceConfig.maxTokens",
            Bounds::Integer(1, i64::from(i32::MAX)),
        ),
        Parameter::Stop => base(
            "inferenceConfig.stopSequences",
            Bounds::Texts {
                most: 2_500,
                form: None,
            },
        ),
        Parameter::TopK
        | Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => {
            let known = family.and_then(|family| Some((family, additional(family, parameter)?)));
            known.map_or(Rule::NO_SUCH, |(family, native)| {
                renamed(families::rule(family, model, parameter), native)
            })
        }
    }
}

/// A family's own rule with its own bounds; only the name is Converse's.
fn renamed(rule: Rule, native: &'static str) -> Rule {
    match rule {
        Rule::Mapped { bounds, .. } => Rule::Mapped {
            native,
            bounds,
            default: DEFAULT,
        },
        Rule::Refused { reason } => Rule::Refused { reason },
    }
}

/// Where a parameter goes that only the family has; `None` where it has none, and for those that
/// Converse has itself.
fn additional(family: TextFamily, parameter: Parameter) -> Option<&'static str> {
    match family {
        TextFamily::ClaudeMessages | TextFamily::ClaudeText | TextFamily::MistralInstruct => {
            (parameter == Parameter::TopK).then_some("additionalModelRequestFields.top_k")
        }
        TextFamily::NovaText => (parameter == Parameter::TopK)
            .then_some("additionalModelRequestFields.inferenceConfig.topK"),
        TextFamily::Jamba => match parameter {
            Parameter::PresencePenalty => Some("additionalModelRequestFields.presence_penalty"),
            Parameter::FrequencyPenalty => Some("additionalModelRequestFields.frequency_penalty"),
            Parameter::Temperature
            | Parameter::TopP
            | Parameter::TopK
            | Parameter::MaxTokens
            | Parameter::MinTokens
            | Parameter::Stop
            | Parameter::CountPenalty
            | Parameter::LengthPenalty
            | Parameter::RepetitionPenalty
            | Parameter::Seed => None,
        },
        TextFamily::CohereCommandR => match parameter {
            Parameter::TopK => Some("additionalModelRequestFields.k"),
            Parameter::PresencePenalty => Some("additionalModelRequestFields.presence_penalty"),
            Parameter::FrequencyPenalty => Some("additionalModelRequestFields.frequency_penalty"),
            Parameter::Seed => Some("additionalModelRequestFields.seed"),
            Parameter::Temperature
            | Parameter::TopP
            | Parameter::MaxTokens
            | Parameter::MinTokens
            | Parameter::Stop
            | Parameter::CountPenalty
            | Parameter::LengthPenalty
            | Parameter::RepetitionPenalty => None,
        },
        TextFamily::CohereCommand => {
            (parameter == Parameter::TopK).then_some("additionalModelRequestFields.k")
        }
        TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepseekR1
        | TextFamily::OpenaiChat
        | TextFamily::Qwen => None,
        TextFamily::TitanText | TextFamily::Jurassic2 | TextFamily::MistralChat => None,
    }
}

/// The request for the next turn.
pub fn encode(
    family: Option<TextFamily>,
    model: Option<&Entry>,
    dialogue: &Dialogue,
    inference: &Inference,
    options: &Options,
) -> Result<Request, Error> {
    families::check(
        family.map_or(NAME, TextFamily::name),
        inference,
        |parameter| rule(family, model, parameter),
    )?;
    capable::check(family, model, dialogue)?;
    let inference = &families::settle(model, inference)?;
    let folded;
    let dialogue = match model {
        Some(model) if !model.capabilities.system_prompt => {
            folded = dialogue.with_folded_system();
            &folded
        }
        Some(_) | None => dialogue,
    };
    let messages = dialogue.turns.iter().map(blocks::message);
    let Options {
        thinking,
        guardrail,
        tier,
        latency,
        request_fields,
        response_paths,
    } = options;
    let mut own = additional_fields(family, inference);
    let means = tools::means((family, model), dialogue, &mut own)?;
    let asked = reasoning::Asked {
        prefill: dialogue.ends_with_prefill(),
        forced_tool: means.is_forced,
    };
    reasoning::ask((family, model), *thinking, inference, asked, &mut own)?;
    merge(&mut own, request_fields)?;
    Ok(Request {
        messages: messages.collect::<Result<_, _>>()?,
        system: blocks::system(&dialogue.system)?,
        inference_config: inference_config(inference),
        additional_fields: fields::written(own),
        response_paths: (!response_paths.is_empty()).then(|| response_paths.clone()),
        guardrail: guardrail.clone(),
        tier: tier.map(service_tier).transpose()?,
        latency: latency.map(performance),
        tools: means.tools,
        output: means.output,
        answers_by_tool: means.answers_by_tool,
        whole_only: means.whole_only,
    })
}

fn inference_config(inference: &Inference) -> Option<InferenceConfiguration> {
    let Inference {
        temperature,
        top_p,
        max_tokens,
        stop,
        ..
    } = inference;
    let given = temperature.is_some() || top_p.is_some() || max_tokens.is_some() || stop.is_some();
    given.then(|| {
        InferenceConfiguration::builder()
            .set_temperature(temperature.map(|value| value as f32))
            .set_top_p(top_p.map(|value| value as f32))
            .set_max_tokens(max_tokens.map(|value| i32::try_from(value).unwrap_or(i32::MAX)))
            .set_stop_sequences(stop.clone())
            .build()
    })
}

fn additional_fields(family: Option<TextFamily>, inference: &Inference) -> Map<String, Value> {
    let mut fields = Map::new();
    for (parameter, value) in inference.given() {
        let Some(native) = family.and_then(|family| additional(family, parameter)) else {
            continue;
        };
        let mut names = native.split('.');
        // Behind `additionalModelRequestFields`.
        if let Some(first) = names.nth(1) {
            let value = names.rev().fold(json(value), |value, name| {
                Value::Object(Map::from_iter([(name.to_owned(), value)]))
            });
            fields.insert(first.to_owned(), value);
        }
    }
    fields
}

fn json(value: inference::Value<'_>) -> Value {
    match value {
        inference::Value::Number(number) => Value::from(number),
        inference::Value::Integer(number) => Value::from(number),
        inference::Value::Texts(texts) => Value::from(texts),
    }
}

/// The tier in the SDK's type.
pub(crate) const fn tier_type(tier: Tier) -> ServiceTierType {
    match tier {
        Tier::Flex => ServiceTierType::Flex,
        Tier::Priority => ServiceTierType::Priority,
        Tier::Reserved => ServiceTierType::Reserved,
    }
}

/// The latency in the SDK's type.
pub(crate) const fn latency_type(latency: Latency) -> PerformanceConfigLatency {
    match latency {
        Latency::Standard => PerformanceConfigLatency::Standard,
        Latency::Optimized => PerformanceConfigLatency::Optimized,
    }
}

fn service_tier(tier: Tier) -> Result<ServiceTier, Error> {
    ServiceTier::builder()
        .r#type(tier_type(tier))
        .build()
        .map_err(|_| Error::defect("converse::service_tier"))
}

fn performance(latency: Latency) -> PerformanceConfiguration {
    PerformanceConfiguration::builder()
        .latency(latency_type(latency))
        .build()
}

/// The answer: its text blocks joined, the tools that are called, and what the model thought before;
/// other blocks change nothing.
pub fn decode(response: Response) -> Result<Completion, Error> {
    let usage = usage_of(&response);
    let policies = response.trace.and_then(|trace| trace.guardrail);
    let beside = Beside {
        tier: response.service_tier.map(|tier| said(tier.r#type.as_str())),
        latency: response
            .performance_config
            .map(|config| said(config.latency.as_str())),
        fields: response.additional_model_response_fields.map(fields::read),
        policies: policies.map(trace::policies).unwrap_or_default(),
    };
    let Some(ConverseOutput::Message(message)) = response.output else {
        return Err(Error::malformed(NAME, "output.message"));
    };
    let mut text = String::new();
    let mut reasoning = Vec::new();
    let mut tool_calls = Vec::new();
    for block in message.content {
        match block {
            ContentBlock::Text(more) => text.push_str(&more),
            ContentBlock::ReasoningContent(block) => reasoning.extend(thought(block)),
            ContentBlock::ToolUse(block) => tool_calls.push(ToolUse {
                id: block.tool_use_id,
                name: block.name,
                input: fields::read(block.input),
            }),
            // The SDK's enum is open.
            _ => {}
        }
    }
    Ok(Completion {
        text,
        finish: finish(&response.stop_reason),
        usage,
        reasoning,
        beside,
        tool_calls,
    })
}

fn said(word: &str) -> String {
    word.to_owned()
}

fn thought(block: ReasoningContentBlock) -> Option<Reasoning> {
    match block {
        ReasoningContentBlock::ReasoningText(block) => Some(Reasoning::Text {
            text: block.text,
            signature: block.signature,
        }),
        ReasoningContentBlock::RedactedContent(blob) => {
            Some(Reasoning::Redacted(Bytes::from(blob.into_inner())))
        }
        // The SDK's enum is open.
        _ => None,
    }
}

fn thought_delta(delta: ReasoningContentBlockDelta) -> Option<Thought> {
    match delta {
        ReasoningContentBlockDelta::Text(text) => Some(Thought::Text(text)),
        ReasoningContentBlockDelta::Signature(signature) => Some(Thought::Signature(signature)),
        ReasoningContentBlockDelta::RedactedContent(blob) => {
            Some(Thought::Redacted(Bytes::from(blob.into_inner())))
        }
        // The SDK's enum is open.
        _ => None,
    }
}

/// Tokens used, where the answer says it.
pub(crate) fn usage_of(response: &Response) -> Option<Usage> {
    response.usage.as_ref().map(usage)
}

/// One event of a streamed answer.
pub fn decode_chunk(event: ConverseStreamOutput) -> Chunk {
    match event {
        ConverseStreamOutput::ContentBlockStart(event) => match event.start {
            Some(ContentBlockStart::ToolUse(start)) => Chunk {
                tool: Some(ToolDelta::Begins {
                    id: start.tool_use_id,
                    name: start.name,
                }),
                ..Chunk::default()
            },
            _ => Chunk::default(),
        },
        ConverseStreamOutput::ContentBlockDelta(event) => match event.delta {
            Some(ContentBlockDelta::Text(text)) => Chunk {
                text,
                ..Chunk::default()
            },
            Some(ContentBlockDelta::ReasoningContent(delta)) => Chunk {
                reasoning: thought_delta(delta),
                ..Chunk::default()
            },
            Some(ContentBlockDelta::ToolUse(delta)) => Chunk {
                tool: Some(ToolDelta::Input(delta.input)),
                ..Chunk::default()
            },
            _ => Chunk::default(),
        },
        ConverseStreamOutput::MessageStop(event) => Chunk {
            finish: Some(finish(&event.stop_reason)),
            beside: Beside {
                fields: event.additional_model_response_fields.map(fields::read),
                ..Beside::default()
            },
            ..Chunk::default()
        },
        ConverseStreamOutput::Metadata(event) => Chunk {
            usage: event.usage.as_ref().map(usage),
            beside: Beside {
                tier: event.service_tier.map(|tier| said(tier.r#type.as_str())),
                latency: event
                    .performance_config
                    .map(|config| said(config.latency.as_str())),
                fields: None,
                policies: event
                    .trace
                    .and_then(|trace| trace.guardrail)
                    .map(trace::policies)
                    .unwrap_or_default(),
            },
            ..Chunk::default()
        },
        // The SDK's enum is open: a new kind of event changes nothing.
        _ => Chunk::default(),
    }
}

fn usage(tokens: &TokenUsage) -> Usage {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
    Usage {
        input: count(tokens.input_tokens),
        output: count(tokens.output_tokens),
        cache_read: tokens.cache_read_input_tokens.map_or(0, count),
        cache_write: tokens.cache_write_input_tokens.map_or(0, count),
    }
}

fn finish(reason: &StopReason) -> Finish {
    match reason {
        StopReason::EndTurn => Finish::EndOfTurn,
        StopReason::StopSequence => Finish::StopSequence,
        StopReason::MaxTokens => Finish::Length,
        StopReason::ModelContextWindowExceeded => Finish::ContextWindow,
        StopReason::ToolUse => Finish::ToolUse,
        StopReason::ContentFiltered => Finish::Filtered,
        StopReason::GuardrailIntervened => Finish::Guardrail,
        other => Finish::Other(other.as_str().to_owned()),
    }
}
