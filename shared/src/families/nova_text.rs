//! Amazon Nova, understanding models: Micro, Lite, Pro, Premier, 2 Lite.
//! Source: Nova userguide, `complete-request-schema`; recorded traffic for the answers.

use serde::{Deserialize, Serialize};

use super::parameter::MOST_STOPS;
use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Usage,
    lenient,
};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    schema_version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Text>,
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Config::is_empty")]
    inference_config: Config<'a>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: [Text; 1],
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
}

impl Config<'_> {
    fn is_empty(&self) -> bool {
        let Self {
            max_tokens,
            temperature,
            top_p,
            top_k,
            stop_sequences,
        } = self;
        max_tokens.is_none()
            && temperature.is_none()
            && top_p.is_none()
            && top_k.is_none()
            && stop_sequences.is_none()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    output: Output,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Debug, Deserialize)]
struct Output {
    message: Answer,
}

#[derive(Debug, Deserialize)]
struct Answer {
    content: Vec<Block>,
}

/// A block of any kind; only text blocks have text.
#[derive(Debug, Deserialize)]
struct Block {
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_write_input_token_count: Option<u64>,
}

/// One event of the stream: one of these keys, and the metrics on the last.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamChunk {
    #[serde(default)]
    content_block_delta: Option<BlockDelta>,
    #[serde(default)]
    message_stop: Option<MessageStop>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

#[derive(Debug, Deserialize)]
struct BlockDelta {
    delta: Block,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    stop_reason: String,
}

/// The native body takes no smaller temperature. A request's 0 becomes this, which comes to the
/// same: the likeliest token each time.
const LEAST_TEMPERATURE: f64 = 0.000_01;

const SCHEMA_VERSION: &str = "messages-v1";

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "inferenceConfig.temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.7",
        },
        Parameter::TopP => Rule::Mapped {
            native: "inferenceConfig.topP",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.9",
        },
        Parameter::TopK => Rule::Mapped {
            native: "inferenceConfig.topK",
            bounds: Bounds::Integer(0, 128),
            default: "50",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "inferenceConfig.maxTokens",
            bounds: match model.and_then(|model| model.max_output) {
                Some(most) => Bounds::Integer(1, i64::from(most)),
                None => Bounds::Positive,
            },
            default: "the model's own",
        },
        Parameter::Stop => Rule::Mapped {
            native: "inferenceConfig.stopSequences",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
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
        content: [Text { text: turn.text }],
    };
    Request {
        schema_version: SCHEMA_VERSION,
        system: conversation
            .system
            .into_iter()
            .map(|text| Text { text })
            .collect(),
        messages: conversation.turns.into_iter().map(message).collect(),
        inference_config: Config {
            max_tokens: inference.max_tokens,
            temperature: inference
                .temperature
                .map(|value| value.max(LEAST_TEMPERATURE)),
            top_p: inference.top_p,
            top_k: inference.top_k,
            stop_sequences: inference.stop.as_deref(),
        },
    }
}

pub(super) fn decode(response: Response) -> Completion {
    let Response {
        output,
        stop_reason,
        usage,
    } = response;
    Completion {
        text: output
            .message
            .content
            .into_iter()
            .map(|block| block.text)
            .collect(),
        finish: stop_reason.map_or(Finish::EndOfTurn, finish),
        usage: usage.map(|tokens| Usage {
            input: tokens.input_tokens.unwrap_or(0),
            output: tokens.output_tokens.unwrap_or(0),
            cache_read: tokens.cache_read_input_token_count.unwrap_or(0),
            cache_write: tokens.cache_write_input_token_count.unwrap_or(0),
        }),
        ..Completion::default()
    }
}

/// The block index rises with every delta, so that it says nothing about paragraphs.
pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk {
        content_block_delta,
        message_stop,
        metrics,
    } = chunk;
    Chunk {
        text: content_block_delta
            .map(|block| block.delta.text)
            .unwrap_or_default(),
        finish: message_stop.map(|stop| finish(stop.stop_reason)),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        "end_turn" => Finish::EndOfTurn,
        "stop_sequence" => Finish::StopSequence,
        "max_tokens" => Finish::Length,
        "tool_use" => Finish::ToolUse,
        "content_filtered" => Finish::Filtered,
        _ => Finish::Other(reason),
    }
}
