//! Mistral, text completions: 7B Instruct, Mixtral 8x7B Instruct, Large and Small 2402.
//! Source: AWS userguide, `model-parameters-mistral-text-completion`; recorded traffic for the
//! answers.

use serde::{Deserialize, Serialize};

use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Usage,
    lenient,
};
use crate::Error;
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

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    outputs: Vec<Output>,
}

#[derive(Debug, Deserialize)]
struct Output {
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default)]
    outputs: Vec<Output>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

/// What the model takes for structure, not text. The tokenizers of the later models know those of
/// tools and of the system prompt too.
const MARKERS: [&str; 11] = [
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
];

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
            Input::Conversation(conversation) => transcript(conversation),
        },
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        top_k: inference.top_k,
        stop: inference.stop.as_deref(),
    }
}

/// `<s>[INST] … [/INST] …</s>[INST] … [/INST]`. There is no place for a system prompt, so it goes
/// into the first user turn.
fn transcript(conversation: &Conversation) -> String {
    let folded = conversation.with_folded_system();
    let mut text = "<s>".to_owned();
    for (index, turn) in folded.turns.iter().enumerate() {
        let said = harmless(&turn.text);
        match turn.role {
            Role::User => {
                text.push_str("[INST] ");
                text.push_str(&said);
                text.push_str(" [/INST]");
            }
            Role::Assistant => {
                text.push(' ');
                text.push_str(&said);
                if index + 1 < folded.turns.len() {
                    text.push_str("</s>");
                }
            }
        }
    }
    text
}

/// A marker within a turn is broken by a space behind its first character.
fn harmless(text: &str) -> String {
    MARKERS.iter().fold(text.to_owned(), |text, marker| {
        let (first, rest) = marker.split_at(1);
        text.replace(marker, &format!("{first} {rest}"))
    })
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let output = response
        .outputs
        .into_iter()
        .next()
        .ok_or_else(|| Error::malformed("mistral-instruct", "outputs[0]"))?;
    Ok(Completion {
        text: output.text,
        finish: output.stop_reason.map_or(Finish::EndOfTurn, finish),
        ..Completion::default()
    })
}

pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk { outputs, metrics } = chunk;
    let (text, reason) = outputs
        .into_iter()
        .next()
        .map_or((String::new(), None), |output| {
            (output.text, output.stop_reason)
        });
    Chunk {
        text,
        finish: reason.map(finish),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        // A stop sequence says the same.
        "stop" => Finish::EndOfTurn,
        "length" => Finish::Length,
        _ => Finish::Other(reason),
    }
}
