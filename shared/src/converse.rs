//! Chat over Converse: the same request and answer for all models. A pure mapping to and from the
//! SDK's types, which hold no client.

use std::collections::HashMap;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Response;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ContentBlockDelta, ConversationRole, ConverseOutput, ConverseStreamOutput,
    InferenceConfiguration, Message, StopReason, SystemContentBlock, TokenUsage,
};
use aws_smithy_types::{Document, Number};

use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::families::{self, Bounds, Chunk, Completion, Conversation, Finish, Role, Rule, Usage};
use crate::model::{Entry, TextFamily};

/// The name that errors give to this way.
const NAME: &str = "Converse";

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
}

/// What Converse does with a parameter, for this model.
pub fn rule(family: Option<TextFamily>, model: Option<&Entry>, parameter: Parameter) -> Rule {
    // A known family keeps its own bounds; only the name is Converse's.
    let base = |native: &'static str, usual: Bounds| match family {
        None => Rule::Mapped {
            native,
            bounds: usual,
            default: "the model's own",
        },
        Some(family) => match families::rule(family, model, parameter) {
            Rule::Mapped { bounds, .. } => Rule::Mapped {
                native,
                bounds,
                default: "the model's own",
            },
            Rule::Refused { reason } => Rule::Refused { reason },
        },
    };
    match parameter {
        Parameter::Temperature => base("inferenceConfig.temperature", Bounds::Number(0.0, 1.0)),
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
        Parameter::TopK => match family {
            Some(TextFamily::ClaudeMessages | TextFamily::ClaudeText) => base(
                "additionalModelRequestFields.top_k",
                Bounds::Integer(0, 500),
            ),
            Some(TextFamily::NovaText) => base(
                "additionalModelRequestFields.inferenceConfig.topK",
                Bounds::Integer(0, 128),
            ),
            Some(TextFamily::TitanText) | None => Rule::NO_SUCH,
        },
        Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => Rule::NO_SUCH,
    }
}

/// The request for the next turn.
pub fn encode(
    family: Option<TextFamily>,
    model: Option<&Entry>,
    conversation: &Conversation,
    inference: &Inference,
) -> Result<Request, Error> {
    families::check(
        family.map_or(NAME, TextFamily::name),
        inference,
        |parameter| rule(family, model, parameter),
    )?;
    let inference = &families::settle(model, inference)?;
    let folded;
    let conversation = match model {
        Some(model) if !model.system_prompt => {
            folded = conversation.with_folded_system();
            &folded
        }
        Some(_) | None => conversation,
    };
    let messages = conversation
        .turns
        .iter()
        .map(|turn| {
            Message::builder()
                .role(match turn.role {
                    Role::User => ConversationRole::User,
                    Role::Assistant => ConversationRole::Assistant,
                })
                .content(ContentBlock::Text(turn.text.clone()))
                .build()
                .map_err(|_| Error::defect("converse::encode"))
        })
        .collect::<Result<_, _>>()?;
    let system = conversation
        .system
        .clone()
        .map(|text| vec![SystemContentBlock::Text(text)]);
    Ok(Request {
        messages,
        system,
        inference_config: inference_config(inference),
        additional_fields: additional_fields(family, inference.top_k),
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

fn additional_fields(family: Option<TextFamily>, top_k: Option<i64>) -> Option<Document> {
    let object = |name: &str, value| Document::Object(HashMap::from([(name.to_owned(), value)]));
    let top_k = Document::Number(Number::PosInt(top_k?.unsigned_abs()));
    match family {
        Some(TextFamily::ClaudeMessages | TextFamily::ClaudeText) => Some(object("top_k", top_k)),
        Some(TextFamily::NovaText) => Some(object("inferenceConfig", object("topK", top_k))),
        Some(TextFamily::TitanText) | None => None,
    }
}

/// The answer: its text blocks joined, whatever other blocks stand beside them.
pub fn decode(response: Response) -> Result<Completion, Error> {
    let usage = usage_of(&response);
    let Some(ConverseOutput::Message(message)) = response.output else {
        return Err(Error::malformed(NAME, "output.message"));
    };
    let text = message
        .content
        .into_iter()
        .filter_map(|block| match block {
            ContentBlock::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    Ok(Completion {
        text,
        finish: finish(&response.stop_reason),
        usage,
    })
}

/// Tokens used, where the answer says it.
pub(crate) fn usage_of(response: &Response) -> Option<Usage> {
    response.usage.as_ref().map(usage)
}

/// One event of a streamed answer.
pub fn decode_chunk(event: ConverseStreamOutput) -> Chunk {
    match event {
        ConverseStreamOutput::ContentBlockDelta(event) => match event.delta {
            Some(ContentBlockDelta::Text(text)) => Chunk {
                text,
                ..Chunk::default()
            },
            _ => Chunk::default(),
        },
        ConverseStreamOutput::MessageStop(event) => Chunk {
            finish: Some(finish(&event.stop_reason)),
            ..Chunk::default()
        },
        ConverseStreamOutput::Metadata(event) => Chunk {
            usage: event.usage.as_ref().map(usage),
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
