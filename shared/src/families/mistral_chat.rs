//! Mistral, chat completions: Large 2407, Pixtral Large.
//! Source: AWS userguide, `model-parameters-mistral-chat-completion` and
//! `model-parameters-mistral-large-2407`. Nothing was recorded, of the stream least of all, so it is
//! read whichever of Mistral's two forms it has.

use serde::{Deserialize, Serialize};

use super::parameter::MOST_STOPS;
use super::{
    Bounds, Chunk, Completion, Conversation, Finish, Input, InvocationMetrics, Role, Rule, Usage,
    lenient,
};
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
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

/// The page says `message` and `stop_reason`; Mistral's own API has `finish_reason`, and `delta` in
/// a stream.
#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    delta: Option<Said>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
}

impl Choice {
    fn said(self) -> (Option<String>, Option<Finish>) {
        let said = self.message.or(self.delta).map(|said| said.content);
        let reason = self.stop_reason.or(self.finish_reason);
        (said, reason.map(finish))
    }
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
    choices: Vec<Choice>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
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
    let Conversation { system, turns } = match input {
        Input::Prompt(prompt) => Conversation::of_prompt(prompt),
        Input::Conversation(conversation) => conversation.clone(),
    };
    let system = system.map(|content| Message {
        role: "system",
        content,
    });
    let turns = turns.into_iter().map(|turn| Message {
        role: match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: turn.text,
    });
    Request {
        messages: system.into_iter().chain(turns).collect(),
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        stop: inference.stop.as_deref(),
    }
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let Response { choices, usage } = response;
    let said = choices.into_iter().next().map(Choice::said);
    let Some((Some(text), reason)) = said else {
        return Err(Error::malformed("mistral-chat", "choices[0].message"));
    };
    Ok(Completion {
        text,
        finish: reason.unwrap_or(Finish::EndOfTurn),
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

pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    let StreamChunk { choices, metrics } = chunk;
    let said = choices.into_iter().next().map(Choice::said);
    let (text, finish) = said.unwrap_or_default();
    Chunk {
        text: text.unwrap_or_default(),
        finish,
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        "stop" => Finish::EndOfTurn,
        "length" => Finish::Length,
        "tool_calls" => Finish::ToolUse,
        _ => Finish::Other(reason),
    }
}
