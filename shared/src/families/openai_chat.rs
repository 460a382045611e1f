//! OpenAI's gpt-oss, and what else takes the body of OpenAI's chat completions.
//! Source: AWS userguide, `model-parameters-openai`; no traffic was recorded.

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
    max_completion_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
}

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 2.0),
            default: "1",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "1",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_completion_tokens",
            bounds: Bounds::up_to_known(model),
            default: "the model's own",
        },
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
        max_completion_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        stop: inference.stop.as_deref(),
    }
}
