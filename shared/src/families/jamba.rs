//! AI21 Jamba: Instruct, 1.5 Mini, 1.5 Large.
//! Source: AWS userguide, `model-parameters-jamba`, and AI21's Jamba API that it refers to for the
//! answers; recorded traffic for the whole answers, none for the stream.

use serde::{Deserialize, Serialize};

use super::chat_completions::{Message, finish, messages};
use super::parameter::MOST_STOPS;
use super::{Bounds, Chunk, Completion, Finish, Input, InvocationMetrics, Rule, Usage, lenient};
use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "lenient::text")]
    content: String,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    completion_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default)]
    choices: Vec<Step>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

#[derive(Debug, Deserialize)]
struct Step {
    #[serde(default)]
    delta: Option<Said>,
    /// What a chunk with all of the answer would have.
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// The page states no range for the penalties; this is the one of OpenAI's API, whose names they
/// have.
const PENALTY: Bounds = Bounds::Number(-2.0, 2.0);

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(4_096);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 2.0),
            default: "1",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::NumberAbove(0.0, 1.0),
            default: "the model's own",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "4096",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "none",
        },
        Parameter::PresencePenalty => Rule::Mapped {
            native: "presence_penalty",
            bounds: PENALTY,
            default: "0",
        },
        Parameter::FrequencyPenalty => Rule::Mapped {
            native: "frequency_penalty",
            bounds: PENALTY,
            default: "0",
        },
        Parameter::TopK
        | Parameter::MinTokens
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => Rule::NO_SUCH,
    }
}

pub(super) fn encode<'a>(input: Input<'_>, inference: &'a Inference) -> Request<'a> {
    Request {
        messages: messages(input),
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        stop: inference.stop.as_deref(),
        frequency_penalty: inference.frequency_penalty,
        presence_penalty: inference.presence_penalty,
    }
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let Response { choices, usage } = response;
    let choice = choices
        .into_iter()
        .next()
        .ok_or_else(|| Error::malformed("jamba", "choices[0]"))?;
    Ok(Completion {
        text: choice.message.content,
        finish: choice.finish_reason.map_or(Finish::EndOfTurn, finish),
        usage: usage.and_then(|tokens| {
            Some(Usage {
                input: tokens.prompt_tokens?,
                output: tokens.completion_tokens?,
                ..Usage::default()
            })
        }),
        ..Completion::default()
    })
}

/// The first chunk may have the role alone, and one after the last text the usage alone.
pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk { choices, metrics } = chunk;
    let (delta, reason) = choices.into_iter().next().map_or((None, None), |step| {
        (step.delta.or(step.message), step.finish_reason)
    });
    Chunk {
        text: delta.map(|delta| delta.content).unwrap_or_default(),
        finish: reason.filter(|reason| !reason.is_empty()).map(finish),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}
