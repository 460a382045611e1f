//! Cohere Command R and R+.
//! Source: AWS userguide, `model-parameters-cohere-command-r-plus`; recorded traffic for the whole
//! answers. Nothing was recorded of the stream, whose events are Cohere's own.

use serde::{Deserialize, Serialize};

use super::parameter::MOST_STOPS;
use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Turn,
    Usage, lenient,
};
use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::error::{Cause, FieldFault, UpstreamFault};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chat_history: Vec<Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preamble: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<&'a [String]>,
}

#[derive(Debug, Serialize)]
struct Said {
    role: &'static str,
    message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// One event of the stream, or, as one sample of AWS has it, a part with its text alone. The last
/// event repeats the whole answer in `response`, which is not read again.
#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    is_finished: Option<bool>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

/// The page states no range; this is what JSON carries exactly.
const LARGEST_SEED: i64 = (1 << 53) - 1;

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.3",
        },
        Parameter::TopP => Rule::Mapped {
            native: "p",
            bounds: Bounds::Number(0.01, 0.99),
            default: "0.75",
        },
        Parameter::TopK => Rule::Mapped {
            native: "k",
            bounds: Bounds::Integer(0, 500),
            default: "0, off",
        },
        // The page states no limit.
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: match model.and_then(|model| model.max_output) {
                Some(most) => Bounds::Integer(1, i64::from(most)),
                None => Bounds::Positive,
            },
            default: "the model's own",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop_sequences",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "none",
        },
        Parameter::PresencePenalty => Rule::Mapped {
            native: "presence_penalty",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0",
        },
        Parameter::FrequencyPenalty => Rule::Mapped {
            native: "frequency_penalty",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0",
        },
        Parameter::Seed => Rule::Mapped {
            native: "seed",
            bounds: Bounds::Integer(0, LARGEST_SEED),
            default: "random",
        },
        Parameter::MinTokens
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty => Rule::NO_SUCH,
    }
}

/// The last turn is the `message`, which is the user's.
pub(super) fn encode<'a>(input: Input<'_>, inference: &'a Inference) -> Result<Request<'a>, Error> {
    let Conversation { system, mut turns } = match input {
        Input::Prompt(prompt) => Conversation::of_prompt(prompt),
        Input::Conversation(conversation) => conversation.clone(),
    };
    let message = match turns.pop() {
        Some(Turn {
            role: Role::User,
            text,
        }) => text,
        Some(Turn {
            role: Role::Assistant,
            ..
        })
        | None => return Err(no_prefill()),
    };
    let chat_history = turns.into_iter().map(|turn| Said {
        role: match turn.role {
            Role::User => "USER",
            Role::Assistant => "CHATBOT",
        },
        message: turn.text,
    });
    Ok(Request {
        message,
        chat_history: chat_history.collect(),
        preamble: system,
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        p: inference.top_p,
        k: inference.top_k,
        frequency_penalty: inference.frequency_penalty,
        presence_penalty: inference.presence_penalty,
        seed: inference.seed,
        stop_sequences: inference.stop.as_deref(),
    })
}

fn no_prefill() -> Error {
    Error::Field {
        param: "messages".to_owned(),
        fault: FieldFault::Unsupported {
            by: "cohere-command-r",
            reason: "the last message must be the user's; it cannot go on from an assistant's",
        },
    }
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let Response {
        text,
        finish_reason,
    } = response;
    Ok(Completion {
        text,
        finish: finish_reason.map_or(Ok(Finish::EndOfTurn), finish)?,
        ..Completion::default()
    })
}

pub(super) fn decode_chunk(chunk: StreamChunk) -> Result<Chunk, Error> {
    let StreamChunk {
        text,
        is_finished,
        finish_reason,
        metrics,
    } = chunk;
    let ended = match (finish_reason, is_finished) {
        (Some(reason), _) => Some(finish(reason)?),
        (None, Some(true)) => Some(Finish::EndOfTurn),
        (None, Some(false) | None) => None,
    };
    Ok(Chunk {
        text,
        finish: ended,
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    })
}

/// The page has the reasons in lower case, the wire in upper case.
pub(super) fn finish(reason: String) -> Result<Finish, Error> {
    match reason.to_ascii_lowercase().as_str() {
        "complete" => Ok(Finish::EndOfTurn),
        "stop_sequence" => Ok(Finish::StopSequence),
        "max_tokens" => Ok(Finish::Length),
        "error_toxic" => Ok(Finish::Filtered),
        "error_limit" => Ok(Finish::ContextWindow),
        "error" => Err(Error::Upstream {
            fault: UpstreamFault::ModelFailed,
            cause: Cause::of("FinishReasonError"),
        }),
        _ => Ok(Finish::Other(reason)),
    }
}
