//! Anthropic Claude, Messages: Claude 3 and later.
//! Source: AWS userguide, `model-parameters-anthropic-claude-messages`; recorded traffic for the
//! answers.

use serde::{Deserialize, Serialize};

use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Usage,
    lenient,
};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    anthropic_version: &'static str,
    max_tokens: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
}

/// A block of any type; only text blocks have text.
#[derive(Debug, Deserialize)]
struct Block {
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_creation_input_tokens: Option<u64>,
}

/// One event of the stream. The types differ in what they carry; a key that means something means
/// the same in each.
#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default)]
    content_block: Option<Block>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// The only version that Bedrock takes.
const VERSION: &str = "bedrock-2023-05-31";

/// The field is required and has no default of its own.
const DEFAULT_MAX_TOKENS: i64 = 1_024;

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "1",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.999",
        },
        Parameter::TopK => Rule::Mapped {
            native: "top_k",
            bounds: Bounds::Integer(0, 500),
            default: "off",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: match model.and_then(|model| model.max_output) {
                Some(most) => Bounds::Integer(1, i64::from(most)),
                None => Bounds::Positive,
            },
            default: "1024, ours: the field is required",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop_sequences",
            bounds: Bounds::Texts {
                most: 8_191,
                form: None,
            },
            default: "none",
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

pub(super) fn encode<'a>(input: Input<'_>, inference: &'a Inference) -> Request<'a> {
    let conversation = match input {
        Input::Prompt(prompt) => Conversation::of_prompt(prompt),
        Input::Conversation(conversation) => conversation.clone(),
    };
    let message = |turn: super::Turn| Message {
        role: match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: turn.text,
    };
    Request {
        anthropic_version: VERSION,
        max_tokens: inference.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        system: conversation.system,
        messages: conversation.turns.into_iter().map(message).collect(),
        temperature: inference.temperature,
        top_p: inference.top_p,
        top_k: inference.top_k,
        stop_sequences: inference.stop.as_deref(),
    }
}

pub(super) fn decode(response: Response) -> Completion {
    let Response {
        content,
        stop_reason,
        usage,
    } = response;
    Completion {
        text: content.into_iter().map(|block| block.text).collect(),
        finish: stop_reason.map_or(Finish::EndOfTurn, finish),
        usage: usage.map(|tokens| Usage {
            input: tokens.input_tokens.unwrap_or(0),
            output: tokens.output_tokens.unwrap_or(0),
            cache_read: tokens.cache_read_input_tokens.unwrap_or(0),
            cache_write: tokens.cache_creation_input_tokens.unwrap_or(0),
        }),
        ..Completion::default()
    }
}

/// Usage comes from the metrics of the last event: the counts of `message_delta` differ from them
/// on tool use, and only the metrics are the same for all families.
pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk {
        content_block,
        delta,
        metrics,
    } = chunk;
    let (text, stop_reason) = match (content_block, delta) {
        (Some(block), _) => (block.text, None),
        (None, Some(delta)) => (delta.text, delta.stop_reason),
        (None, None) => (String::new(), None),
    };
    Chunk {
        text,
        finish: stop_reason.map(finish),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        "end_turn" => Finish::EndOfTurn,
        "stop_sequence" => Finish::StopSequence,
        "max_tokens" => Finish::Length,
        "model_context_window_exceeded" => Finish::ContextWindow,
        "tool_use" => Finish::ToolUse,
        "refusal" => Finish::Filtered,
        _ => Finish::Other(reason),
    }
}
