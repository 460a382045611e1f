//! What Converse and ConverseStream are asked.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::cache::Prefix;
use super::parts::{self, Counted};
use super::{Format, guardrail, thinking, tools};
use crate::catalogue::{Converse, Family, Model, Resolved};
use crate::error::{Failure, to_json};
use crate::families::{TextFamily, TextRequest, UNASKED_LIMIT};
use crate::families::{
    claude_messages, command_r, jamba, limit, mistral_chat, mistral_instruct, not_played,
    take_turns, titan,
};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, TEXTS, UNIT, Wording, optional, required};
use crate::text::{Options, Role, Turn};

/// Blocks are read for their text; other kinds are refused by name.
const BLOCKS: Shape = Shape::List {
    items: &Shape::Any,
    min: 0,
    max: usize::MAX,
};
const MESSAGE: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["user", "assistant"])),
    required("content", BLOCKS),
]);
const CONFIG: Shape = Shape::Object(&[
    optional(
        "maxTokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional("temperature", UNIT),
    optional("topP", UNIT),
    optional(
        "stopSequences",
        Shape::List {
            items: &NON_EMPTY,
            min: 0,
            max: 2500,
        },
    ),
]);
const REQUEST: Shape = Shape::Object(&[
    required(
        "messages",
        Shape::List {
            items: &MESSAGE,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional("system", BLOCKS),
    optional("inferenceConfig", CONFIG),
    optional("toolConfig", tools::SHAPE),
    optional("guardrailConfig", guardrail::SHAPE),
    optional("additionalModelRequestFields", Shape::Any),
    optional(
        "additionalModelResponseFieldPaths",
        Shape::List {
            items: &TEXT,
            min: 0,
            max: 10,
        },
    ),
    optional("promptVariables", Shape::Any),
    optional("requestMetadata", Shape::Any),
    optional("performanceConfig", PERFORMANCE),
    optional("serviceTier", TIER),
    optional("outputConfig", tools::OUTPUT),
]);

const PERFORMANCE: Shape = Shape::Object(&[required(
    "latency",
    Shape::OneOf(&["standard", "optimized"]),
)]);
const TIER: Shape = Shape::Object(&[required(
    "type",
    Shape::OneOf(&["default", "flex", "priority", "reserved"]),
)]);

/// What each family takes in `additionalModelRequestFields`.
const CLAUDE_FIELDS: Shape = Shape::Object(&[
    optional("top_k", Shape::Integer { min: 0, max: 500 }),
    optional("anthropic_beta", TEXTS),
    optional("thinking", Shape::Any),
    optional("tool_choice", CLAUDE_CHOICE),
    optional("output_config", Shape::Any),
]);
/// Claude's own word for which tools it calls.
const CLAUDE_CHOICE: Shape = Shape::Object(&[
    required("type", Shape::OneOf(&["auto", "any", "tool"])),
    optional("name", TEXT),
    optional("disable_parallel_tool_use", Shape::Any),
]);
const NOVA_FIELDS: Shape = Shape::Object(&[
    optional(
        "inferenceConfig",
        Shape::Object(&[optional("topK", Shape::Integer { min: 0, max: 128 })]),
    ),
    optional("reasoningConfig", Shape::Any),
]);
const NO_FIELDS: Shape = Shape::Object(&[]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    system: Vec<Block>,
    #[serde(default)]
    inference_config: Config,
    tool_config: Option<tools::Config>,
    guardrail_config: Option<guardrail::Config>,
    performance_config: Option<Performance>,
    service_tier: Option<Tier>,
    output_config: Option<tools::Output>,
    additional_model_request_fields: Option<serde_json::Value>,
    #[serde(default)]
    additional_model_response_field_paths: Vec<String>,
}

#[derive(Deserialize)]
struct Performance {
    latency: String,
}

#[derive(Deserialize)]
struct Tier {
    r#type: String,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Vec<Block>,
}

/// A block has exactly one key, which names its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Block {
    Text(String),
    CachePoint(parts::CachePoint),
    Image(parts::Image),
    Document(parts::Document),
    Video(IgnoredAny),
    Audio(IgnoredAny),
    ToolUse(tools::ToolUse),
    ToolResult(tools::ToolResult),
    GuardContent(IgnoredAny),
    ReasoningContent(parts::Reasoning),
    CitationsContent(IgnoredAny),
    SearchResult(IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Config {
    max_tokens: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(default)]
    stop_sequences: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "top_k")]
    claude_top_k: Option<usize>,
    #[serde(rename = "k")]
    cohere_top_k: Option<f64>,
    seed: Option<serde::de::IgnoredAny>,
    thinking: Option<thinking::Claude>,
    tool_choice: Option<ClaudeChoice>,
    #[serde(default)]
    inference_config: NovaConfig,
    reasoning_config: Option<thinking::Nova>,
    #[serde(default, rename = "frequency_penalty")]
    frequency_penalty: f64,
    #[serde(default, rename = "presence_penalty")]
    presence_penalty: f64,
}

#[derive(Deserialize)]
struct ClaudeChoice {
    #[serde(default)]
    disable_parallel_tool_use: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct NovaConfig {
    top_k: Option<usize>,
}

/// What is kept in mind from block to block.
struct Reading<'a> {
    model: &'a Model,
    /// All text so far, for the cache.
    so_far: String,
    cache_points: usize,
    prefix: Option<Prefix>,
    tools: tools::History,
    /// Whether the last turn holds a result.
    has_result: bool,
}

impl Reading<'_> {
    fn cache_point(&mut self, point: &parts::CachePoint) -> Result<(), Failure> {
        self.cache_points += 1;
        point.check(self.model, self.cache_points)?;
        self.prefix = Some(Prefix {
            fingerprint: thinking::fingerprint(&format!("{}\n{}", self.model.id, self.so_far)),
            tokens: self.so_far.split_whitespace().count(),
        });
        Ok(())
    }
}

/// Reads a request for a model.
///
/// # Errors
///
/// `ValidationException` as Bedrock words it.
pub(crate) fn read(
    resolved: &Resolved,
    body: &[u8],
    is_streamed: bool,
) -> Result<(TextRequest, Format), Failure> {
    let model = resolved.model;
    let (Family::Text(family), Converse::WithSystem | Converse::WithoutSystem) =
        (model.family, resolved.converse)
    else {
        return Err(Failure::validation(
            "This action doesn't support the model that you provided. Try again with a supported \
             text or chat model.",
        ));
    };
    let request: Request = read_body(body, &REQUEST, Wording::Converse)?;
    let fields = read_fields(family, request.additional_model_request_fields)?;
    let beside = thinking::Beside {
        max_tokens: request.inference_config.max_tokens,
        temperature: request.inference_config.temperature,
        top_p: request.inference_config.top_p,
        top_k: fields.claude_top_k.is_some() || fields.inference_config.top_k.is_some(),
        prefill: request.messages.len().is_multiple_of(2),
    };
    let options = options(model, family, request.inference_config, &fields)?;
    let thought = match thinking::of_claude(model, fields.thinking, beside)? {
        None => thinking::of_nova(model, fields.reasoning_config, beside)?,
        thought => thought,
    };
    let latency = request.performance_config.map(|config| config.latency);
    if latency.as_deref() == Some("optimized") && !hurries(model) {
        return Err(Failure::validation(format!(
            "Latency performance configuration is not supported for {}.",
            model.id
        )));
    }
    let mut reading = Reading {
        model,
        so_far: String::new(),
        cache_points: 0,
        prefix: None,
        tools: tools::History::default(),
        has_result: false,
    };
    let mut turns = Vec::new();
    if !request.system.is_empty() {
        if resolved.converse == Converse::WithoutSystem {
            return Err(Failure::validation(
                "This model doesn't support system messages. Try again without a system message \
                 or use a model that supports system messages.",
            ));
        }
        turns.push(Turn {
            role: Role::System,
            text: text_of(&mut reading, request.system, Role::System, "system")?,
        });
    }
    turns.extend(read_messages(&mut reading, request.messages, family)?);
    let last = turns.last().filter(|_| !reading.has_result);
    let last = last.map(|turn| turn.text.as_str());
    let one = fields
        .tool_choice
        .is_some_and(|choice| choice.disable_parallel_tool_use);
    let made_up = tools::said(
        model,
        (request.tool_config, request.output_config),
        &reading.tools,
        last,
        (one, is_streamed),
    )?;
    let said = turns.iter().filter(|turn| turn.role != Role::Assistant);
    let said: Vec<&str> = said.map(|turn| turn.text.as_str()).collect();
    let outcome = request
        .guardrail_config
        .map(|config| guardrail::look(config, &said.join("\n")))
        .transpose()?;
    let paths = request.additional_model_response_field_paths;
    let with_stop_sequence = matches!(family, TextFamily::ClaudeText | TextFamily::ClaudeMessages)
        && paths.iter().any(|path| path == "/stop_sequence");
    Ok((
        TextRequest {
            family,
            turns,
            options,
        },
        Format {
            with_stop_sequence,
            thought,
            outcome,
            tier: request.service_tier.map(|tier| tier.r#type),
            latency,
            prefix: reading.prefix,
            cached: None,
            said: made_up,
        },
    ))
}

/// User first, then in turns; Titan cannot go on from an assistant's text.
fn read_messages(
    reading: &mut Reading<'_>,
    messages: Vec<Message>,
    family: TextFamily,
) -> Result<Vec<Turn>, Failure> {
    let mut turns = Vec::new();
    let roles = take_turns(messages.iter().map(|message| message.role.as_str()))?;
    let ends_with_assistant = roles.last() == Some(&Role::Assistant);
    for (index, (role, message)) in roles.into_iter().zip(messages).enumerate() {
        let path = format!("messages.{index}.content");
        reading.has_result = false;
        let text = text_of(reading, message.content, role, &path)?;
        reading.tools.turn(index)?;
        if text.is_empty() {
            return Err(Failure::validation(format!(
                "The content field in the Message object at messages.{index} is empty. Add a \
                 ContentBlock object to the content field and try again."
            )));
        }
        turns.push(Turn { role, text });
    }
    if ends_with_assistant && family == TextFamily::Titan {
        return Err(Failure::validation(
            "A conversation must end with a user message. Try again with a conversation that ends \
             with a user message.",
        ));
    }
    Ok(turns)
}

/// Models that have optimized latency (`docs: latency-optimized-inference`).
fn hurries(model: &Model) -> bool {
    model.id == "amazon.nova-pro-v1:0" || model.id.contains("claude-3-5-haiku")
}

fn text_of(
    reading: &mut Reading<'_>,
    blocks: Vec<Block>,
    role: Role,
    path: &str,
) -> Result<String, Failure> {
    let mut texts = Vec::new();
    let mut counted = Counted::default();
    for (index, block) in blocks.into_iter().enumerate() {
        let unplayed = match block {
            Block::Text(text) if text.trim().is_empty() => {
                return Err(Failure::validation(format!(
                    "The text field in the ContentBlock object at {path}.{index} is blank. Add \
                     text to the text field, and try again."
                )));
            }
            Block::Text(text) => {
                counted.text();
                reading.so_far.push_str(&text);
                texts.push(text);
                continue;
            }
            Block::CachePoint(point) => {
                reading.cache_point(&point)?;
                continue;
            }
            Block::Image(_) | Block::Document(_) if role != Role::User => {
                return Err(Failure::validation(format!(
                    "Images and documents are the user's alone ({path}.{index})."
                )));
            }
            Block::Image(image) => {
                let label = counted.image(reading.model, image)?;
                reading.so_far.push_str(&label);
                texts.push(label);
                continue;
            }
            Block::Document(document) => {
                let label = counted.document(document)?;
                reading.so_far.push_str(&label);
                texts.push(label);
                continue;
            }
            Block::ReasoningContent(block) => {
                let is_assistant = role == Role::Assistant;
                block.check(reading.model, is_assistant, &format!("{path}.{index}"))?;
                continue;
            }
            Block::ToolUse(block) => {
                let label = block.read(&mut reading.tools, role == Role::Assistant)?;
                reading.so_far.push_str(&label);
                texts.push(label);
                continue;
            }
            Block::ToolResult(block) => {
                let label = block.read(&mut reading.tools, role == Role::Assistant)?;
                reading.has_result = true;
                reading.so_far.push_str(&label);
                texts.push(label);
                continue;
            }
            Block::Video(_) => "video",
            Block::Audio(_) => "audio",
            Block::GuardContent(_) => "guardContent",
            Block::CitationsContent(_) => "citationsContent",
            Block::SearchResult(_) => "searchResult",
        };
        return Err(not_played(&format!("`{unplayed}` blocks ({path}.{index})")));
    }
    counted.check(path)?;
    Ok(texts.join("\n\n"))
}

fn read_fields(family: TextFamily, fields: Option<serde_json::Value>) -> Result<Fields, Failure> {
    let Some(fields) = fields else {
        return Ok(Fields::default());
    };
    let shape = match family {
        TextFamily::ClaudeText | TextFamily::ClaudeMessages => CLAUDE_FIELDS,
        TextFamily::Nova => NOVA_FIELDS,
        TextFamily::Jamba => jamba::FIELDS,
        TextFamily::Llama2
        | TextFamily::Llama3
        | TextFamily::Llama4
        | TextFamily::DeepSeekR1 { .. }
        | TextFamily::OpenAi
        | TextFamily::Qwen => NO_FIELDS,
        TextFamily::CommandR => command_r::FIELDS,
        TextFamily::Titan
        | TextFamily::Jurassic2
        | TextFamily::Command
        | TextFamily::CommandAtOnce
        | TextFamily::MistralChat => NO_FIELDS,
        TextFamily::MistralInstruct => mistral_instruct::FIELDS,
    };
    let fields: Fields =
        read_body(&to_json(&fields), &shape, Wording::Native).map_err(|failure| {
            Failure::validation(format!(
                "The model returned the following errors: {}",
                failure.message
            ))
        })?;
    if fields.frequency_penalty != 0.0 || fields.presence_penalty != 0.0 {
        return Err(not_played("penalties"));
    }
    if fields.seed.is_some() {
        return Err(not_played("seeds of texts"));
    }
    Ok(fields)
}

fn options(
    model: &Model,
    family: TextFamily,
    config: Config,
    fields: &Fields,
) -> Result<Options, Failure> {
    if config
        .max_tokens
        .is_some_and(|tokens| tokens > model.max_output)
    {
        return Err(Failure::validation(format!(
            "The maximum tokens you requested exceeds the model limit of {0}. Try again with a \
             maximum tokens value that is lower than {0}.",
            model.max_output
        )));
    }
    let refused = |stop: &&String| family == TextFamily::Titan && !titan::is_stop_sequence(stop);
    if config.stop_sequences.iter().any(|stop| refused(&stop)) {
        return Err(Failure::validation(
            "The model returned the following errors: Malformed input request: string does not \
             match pattern ^(\\|+|User:)$, please reformat your input and try again.",
        ));
    }
    if !config.stop_sequences.is_empty()
        && family == TextFamily::MistralChat
        && !mistral_chat::takes_stop(model)
    {
        return Err(Failure::validation(
            "The model returned the following errors: Malformed input request: #: extraneous key \
             [stop] is not permitted, please reformat your input and try again.",
        ));
    }
    let (temperature, top_p) = match family {
        TextFamily::Titan => (0.7, Some(0.9)),
        TextFamily::Jurassic2 => (0.5, Some(0.5)),
        TextFamily::Command | TextFamily::CommandAtOnce => (0.9, Some(0.75)),
        TextFamily::MistralInstruct => mistral_instruct::defaults(model),
        TextFamily::MistralChat => (0.7, Some(1.0)),
        TextFamily::Nova => (0.7, Some(0.9)),
        TextFamily::Jamba
        | TextFamily::DeepSeekR1 { .. }
        | TextFamily::OpenAi
        | TextFamily::Qwen => (1.0, None),
        TextFamily::Llama2 | TextFamily::Llama3 | TextFamily::Llama4 => (0.5, Some(0.9)),
        TextFamily::CommandR => (0.3, Some(0.75)),
        TextFamily::ClaudeText | TextFamily::ClaudeMessages => {
            claude_messages::check_sampling(model, config.temperature, config.top_p)?;
            (1.0, None)
        }
    };
    Ok(Options {
        max_tokens: limit(config.max_tokens.unwrap_or(UNASKED_LIMIT)),
        temperature: config.temperature.unwrap_or(temperature),
        top_p: config.top_p.or(top_p).filter(|top_p| *top_p > 0.0),
        top_k: fields
            .claude_top_k
            .or(fields.inference_config.top_k)
            // A whole number in every request; the page says float.
            .or(fields.cohere_top_k.map(|top_k| top_k as usize))
            .filter(|top_k| *top_k > 0),
        stop: config.stop_sequences,
    })
}
