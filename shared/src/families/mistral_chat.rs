//! Mistral, chat completions: Large 2407, Pixtral Large.
//! Source: AWS userguide, `model-parameters-mistral-chat-completion` and
//! `model-parameters-mistral-large-2407`. Nothing was recorded, of the stream least of all; what
//! comes is read by [`super::any_answer`], whichever of Mistral's two forms it has.

use serde::Serialize;

use super::chat_completions::{Message, messages};
use super::parameter::MOST_STOPS;
use super::{Bounds, Input, Rule};
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
}

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(8_192);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.7",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "1",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "8192",
        },
        // The page speaks of it, and its schema has it not; a real Large 2407 refuses it
        // (litellm issue 5592), which the catalogue knows.
        Parameter::Stop => Rule::Mapped {
            native: "stop",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "none",
        },
        Parameter::TopK
        | Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
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
    }
}
