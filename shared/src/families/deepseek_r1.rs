//! DeepSeek R1.
//! Source: AWS userguide, `model-parameters-deepseek`; no traffic was recorded.

use serde::Serialize;

use super::template::{Around, System, Template};
use super::{Bounds, Input, Rule};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
}

/// `<｜begin▁of▁sentence｜>…<｜User｜>…<｜Assistant｜>…<｜end▁of▁sentence｜>…<｜Assistant｜><think>\n`,
/// with bars of full width. The page has one turn; the rest is the model card's.
const TEMPLATE: Template = Template {
    begin: "<｜begin▁of▁sentence｜>",
    system: System::Apart(Around {
        before: "",
        after: "",
    }),
    user: Around {
        before: "<｜User｜>",
        after: "",
    },
    assistant: Around {
        before: "<｜Assistant｜>",
        after: "<｜end▁of▁sentence｜>",
    },
    answer: "<｜Assistant｜><think>\n",
    special: &["<｜", "<|", "<think>", "</think>"],
};

const MAX_TOKENS: u32 = 32_768;

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model
        .and_then(|model| model.max_output)
        .unwrap_or(MAX_TOKENS);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "the model's own",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "the model's own",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "the model's own",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop",
            bounds: Bounds::Texts {
                most: 10,
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
        prompt: match input {
            Input::Prompt(prompt) => prompt.to_owned(),
            Input::Conversation(conversation) => TEMPLATE.write(conversation),
        },
        temperature: inference.temperature,
        top_p: inference.top_p,
        max_tokens: inference.max_tokens,
        stop: inference.stop.as_deref(),
    }
}
