//! Cohere Command and Command Light.
//! Source: AWS userguide, `model-parameters-cohere-command`; recorded traffic for the answers.

use serde::{Deserialize, Serialize};

use super::cohere_command_r::finish;
use super::transcript::Markers;
use super::{Bounds, Chunk, Completion, Finish, Input, InvocationMetrics, Rule, Usage, lenient};
use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    generations: Vec<Generated>,
}

#[derive(Debug, Deserialize)]
struct Generated {
    #[serde(deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// A piece of the answer, its end, or the whole of it, which comes in one chunk where the body
/// asked for no other.
#[derive(Debug, Deserialize)]
pub(super) struct StreamChunk {
    #[serde(default)]
    generations: Vec<Generated>,
    #[serde(default, deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    is_finished: Option<bool>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

/// The page knows no form of a conversation; these are Cohere's own names of who speaks.
const MARKERS: Markers = Markers {
    user: "User:",
    assistant: "Chatbot:",
};

/// What ends the model's turn in a transcript, so that it does not write the user's next one.
const NEXT_USER_TURN: &str = "\nUser:";

/// How many stop sequences the page allows.
const MOST_STOPS: usize = 4;

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(4_096);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 5.0),
            default: "0.9",
        },
        Parameter::TopP => Rule::Mapped {
            native: "p",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.75",
        },
        Parameter::TopK => Rule::Mapped {
            native: "k",
            bounds: Bounds::Integer(0, 500),
            default: "0, off",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "max_tokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "20",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stop_sequences",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "none; `\\nUser:` is added in a transcript where there is room",
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
    let mut stop: Vec<&str> = inference
        .stop
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let prompt = match input {
        Input::Prompt(prompt) => prompt.to_owned(),
        Input::Conversation(conversation) => {
            if !stop.contains(&NEXT_USER_TURN) && stop.len() < MOST_STOPS {
                stop.push(NEXT_USER_TURN);
            }
            MARKERS.write(conversation)
        }
    };
    Request {
        prompt,
        temperature: inference.temperature,
        p: inference.top_p,
        k: inference.top_k,
        max_tokens: inference.max_tokens,
        stop_sequences: stop,
    }
}

/// The same body for a streamed answer: without `stream` the answer comes in one chunk.
pub(super) fn streamed(body: &[u8]) -> Vec<u8> {
    // An object that has at least its prompt.
    let open = body.strip_suffix(b"}").unwrap_or(body);
    [open, br#","stream":true}"#].concat()
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let generated = response
        .generations
        .into_iter()
        .next()
        .ok_or_else(|| Error::malformed("cohere-command", "generations[0]"))?;
    Ok(Completion {
        text: generated.text,
        finish: generated
            .finish_reason
            .map_or(Ok(Finish::EndOfTurn), finish)?,
        ..Completion::default()
    })
}

/// The last chunk has no text.
pub(super) fn decode_chunk(chunk: StreamChunk) -> Result<Chunk, Error> {
    let StreamChunk {
        generations,
        text,
        is_finished,
        finish_reason,
        metrics,
    } = chunk;
    let (text, reason, ended) = match generations.into_iter().next() {
        Some(whole) => (whole.text, whole.finish_reason, true),
        None => (text, finish_reason, is_finished == Some(true)),
    };
    let unsaid = ended.then_some(Finish::EndOfTurn);
    Ok(Chunk {
        text,
        finish: reason.map(finish).transpose()?.or(unsaid),
        usage: metrics.map(Usage::from),
        ..Chunk::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_for_a_stream_says_so() {
        let inference = Inference::default();
        let request = encode(Input::Prompt("Hello {you}"), &inference);
        let body = streamed(&serde_json::to_vec(&request).unwrap());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"prompt": "Hello {you}", "stream": true})
        );
    }
}
