//! Meta Llama: 2, 3 (3.1, 3.2, 3.3 too) and 4, which differ in how a conversation is written.
//! Source: AWS userguide, `model-parameters-meta`, and Meta's model cards for the prompts; recorded
//! traffic for the answers of Llama 2 and 3.

use serde::Serialize;

use super::template::{Around, System, Template};
use super::{Bounds, Input, Rule};
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request {
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_gen_len: Option<i64>,
}

/// `<s>[INST] <<SYS>>\n…\n<</SYS>>\n\n… [/INST] … </s><s>[INST] … [/INST]`
pub(super) const LLAMA_2: Template = Template {
    begin: "",
    system: System::InFirstTurn(Around {
        before: "<<SYS>>\n",
        after: "\n<</SYS>>\n\n",
    }),
    user: Around {
        before: "<s>[INST] ",
        after: " [/INST]",
    },
    assistant: Around {
        before: " ",
        after: " </s>",
    },
    answer: "",
    special: &[
        "<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>",
    ],
};

/// `<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n…<|eot_id|>…`
pub(super) const LLAMA_3: Template = Template {
    begin: "<|begin_of_text|>",
    system: System::Apart(Around {
        before: "<|start_header_id|>system<|end_header_id|>\n\n",
        after: "<|eot_id|>",
    }),
    user: Around {
        before: "<|start_header_id|>user<|end_header_id|>\n\n",
        after: "<|eot_id|>",
    },
    assistant: Around {
        before: "<|start_header_id|>assistant<|end_header_id|>\n\n",
        after: "<|eot_id|>",
    },
    answer: "<|start_header_id|>assistant<|end_header_id|>\n\n",
    special: &["<|"],
};

/// `<|begin_of_text|><|header_start|>user<|header_end|>\n\n…<|eot|>…`: the model card's. The AWS page
/// has Llama 3's for it too.
pub(super) const LLAMA_4: Template = Template {
    begin: "<|begin_of_text|>",
    system: System::Apart(Around {
        before: "<|header_start|>system<|header_end|>\n\n",
        after: "<|eot|>",
    }),
    user: Around {
        before: "<|header_start|>user<|header_end|>\n\n",
        after: "<|eot|>",
    },
    assistant: Around {
        before: "<|header_start|>assistant<|header_end|>\n\n",
        after: "<|eot|>",
    },
    answer: "<|header_start|>assistant<|header_end|>\n\n",
    special: &["<|"],
};

/// The page's limit of `max_gen_len` is 2048, but newer models' cards go higher, and an import has
/// its own: only a known model's is checked.
pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.5",
        },
        Parameter::TopP => Rule::Mapped {
            native: "top_p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.9",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_gen_len",
            bounds: Bounds::up_to_known(model),
            default: "512",
        },
        Parameter::Stop
        | Parameter::TopK
        | Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => Rule::NO_SUCH,
    }
}

pub(super) fn encode(template: &Template, input: Input<'_>, inference: &Inference) -> Request {
    Request {
        prompt: match input {
            Input::Prompt(prompt) => prompt.to_owned(),
            Input::Conversation(conversation) => template.write(conversation),
        },
        temperature: inference.temperature,
        top_p: inference.top_p,
        max_gen_len: inference.max_tokens,
    }
}
