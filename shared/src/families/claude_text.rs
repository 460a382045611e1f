//! Anthropic Claude, text completions: v2, v2:1, Instant.
//! Source: AWS userguide, `model-parameters-anthropic-claude-text-completion`; recorded traffic
//! for the answers.

use serde::{Deserialize, Serialize};

use super::parameter::MOST_STOPS;
use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Usage,
    lenient,
};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    prompt: String,
    max_tokens_to_sample: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(deserialize_with = "lenient::text")]
    completion: String,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default, deserialize_with = "lenient::text")]
    completion: String,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    stop: Option<String>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

const HUMAN: &str = "\n\nHuman:";
const ASSISTANT: &str = "\n\nAssistant:";

/// The field is required; this is the page's default.
const DEFAULT_MAX_TOKENS: i64 = 200;

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(4_096);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "1",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "1",
        },
        Parameter::TopK => Rule::Mapped {
            native: "top_k",
            bounds: Bounds::Integer(0, 500),
            default: "250",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens_to_sample",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "200",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop_sequences",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "`\\n\\nHuman:`, built in",
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

pub(super) fn encode<'a>(
    model: Option<&Entry>,
    input: Input<'_>,
    inference: &'a Inference,
) -> Request<'a> {
    // Before 2.1 a prompt must begin with a Human turn.
    let takes_system = model.is_some_and(|model| model.id == "anthropic.claude-v2:1");
    Request {
        prompt: match input {
            Input::Prompt(prompt) => framed(prompt),
            Input::Conversation(conversation) if takes_system => transcript(conversation),
            Input::Conversation(conversation) => transcript(&conversation.with_folded_system()),
        },
        max_tokens_to_sample: inference.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        temperature: inference.temperature,
        top_p: inference.top_p,
        top_k: inference.top_k,
        stop_sequences: inference.stop.as_deref(),
    }
}

/// The model refuses a prompt that does not go from a Human turn to an Assistant turn. One that
/// already has both is sent as it is, but for the two newlines that must stand before its first
/// marker; any other becomes the one Human turn.
fn framed(prompt: &str) -> String {
    let has_turns = match prompt.find(HUMAN) {
        Some(human) => prompt
            .get(human..)
            .is_some_and(|rest| rest.contains(ASSISTANT)),
        None => false,
    };
    match prompt.trim_start().strip_prefix("Human:") {
        Some(rest) if rest.contains(ASSISTANT) => format!("{HUMAN}{rest}"),
        _ if has_turns => prompt.to_owned(),
        _ => format!("{HUMAN} {prompt}{ASSISTANT}"),
    }
}

/// `{system}\n\nHuman: …\n\nAssistant: …\n\nHuman: …\n\nAssistant:`. A marker within a turn is kept
/// from the beginning of its line by a space.
fn transcript(conversation: &Conversation) -> String {
    let mut text = conversation
        .system
        .as_deref()
        .map(harmless)
        .unwrap_or_default();
    for turn in &conversation.turns {
        text.push_str(match turn.role {
            Role::User => HUMAN,
            Role::Assistant => ASSISTANT,
        });
        text.push(' ');
        text.push_str(&harmless(&turn.text));
    }
    if !conversation.ends_with_prefill() {
        text.push_str(ASSISTANT);
    }
    text
}

fn harmless(text: &str) -> String {
    text.replace(HUMAN, "\n\n Human:")
        .replace(ASSISTANT, "\n\n Assistant:")
}

pub(super) fn decode(response: Response) -> Completion {
    let Response {
        completion,
        stop_reason,
        stop,
    } = response;
    Completion {
        text: completion,
        finish: stop_reason.map_or(Finish::EndOfTurn, |reason| finish(reason, stop.as_deref())),
        ..Completion::default()
    }
}

pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk {
        completion,
        stop_reason,
        stop,
        metrics,
    } = chunk;
    Chunk {
        text: completion,
        finish: stop_reason.map(|reason| finish(reason, stop.as_deref())),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String, stop: Option<&str>) -> Finish {
    match (reason.as_str(), stop) {
        // The natural end is the built-in stop sequence.
        ("stop_sequence", None | Some(HUMAN)) => Finish::EndOfTurn,
        ("stop_sequence", Some(_)) => Finish::StopSequence,
        ("max_tokens", _) => Finish::Length,
        _ => Finish::Other(reason),
    }
}
