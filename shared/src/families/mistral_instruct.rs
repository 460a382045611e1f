//! Mistral, text completions: 7B Instruct, Mixtral 8x7B Instruct, Large and Small 2402.
//! Source: AWS userguide, `model-parameters-mistral-text-completion`; recorded traffic for the
//! answers. [`super::any_answer`] reads them, since an imported model may answer in another
//! shape.

use serde::Serialize;

use super::template::{Around, System, Template};
use super::{Bounds, Input, Rule};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
}

/// There is no place for a system prompt, so it goes into the first user turn. The tokenizers of
/// the later models know special tokens for tools and for the system prompt too.
const TEMPLATE: Template = Template {
    begin: "<s>",
    system: System::InFirstTurn(Around {
        before: "",
        after: "\n\n",
    }),
    user: Around {
        before: "[INST] ",
        after: " [/INST]",
    },
    assistant: Around {
        before: " ",
        after: "</s>",
    },
    answer: "",
    special: &[
        "<s>",
        "</s>",
        "[INST]",
        "[/INST]",
        "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]",
        "[TOOL_CALLS]",
        "[TOOL_RESULTS]",
        "[/TOOL_RESULTS]",
        "[SYSTEM_PROMPT]",
        "[/SYSTEM_PROMPT]",
    ],
};

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(8_192);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.5 or 0.7, by model",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.9 or 1, by model",
        },
        Parameter::TopK => Rule::Mapped {
            native: "top_k",
            bounds: Bounds::Integer(1, 200),
            default: "50 or off, by model",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "512 or 8192, by model",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop",
            bounds: Bounds::Texts {
                most: 10,
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
    Request {
        prompt: match input {
            Input::Prompt(prompt) => prompt.to_owned(),
            Input::Conversation(conversation) => TEMPLATE.write(conversation),
        },
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        top_k: inference.top_k,
        stop: inference.stop.as_deref(),
    }
}
