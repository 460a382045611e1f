//! DeepSeek R1 (`docs: model-parameters-deepseek`; nothing was recorded). It thinks first: behind the
//! `<think>` that a prompt ends with, or behind one of its own.

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit, prompt};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, UNIT, Wording, optional, required};
use crate::text::{Finish, Options};

const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
    optional(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: 32_768,
        },
    ),
    optional(
        "stop",
        Shape::List {
            items: &TEXT,
            min: 0,
            max: 10,
        },
    ),
]);

/// What is played for a thought.
const THOUGHT: &str = "[simulated] No language model thought this.\n</think>\n\n";

#[derive(Deserialize)]
struct Request {
    prompt: String,
    #[serde(default = "one")]
    temperature: f64,
    top_p: Option<f64>,
    max_tokens: Option<i64>,
    #[serde(default)]
    stop: Vec<String>,
}

fn one() -> f64 {
    1.0
}

#[derive(Serialize)]
struct Answer<'a> {
    choices: [Choice<'a>; 1],
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    stop_reason: Option<&'static str>,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    let tokens = request.max_tokens.unwrap_or(UNASKED_LIMIT);
    Ok(TextRequest {
        family: TextFamily::DeepSeekR1 {
            begun: request.prompt.trim_end().ends_with("<think>"),
        },
        turns: prompt::barred(&request.prompt),
        options: Options {
            max_tokens: limit(tokens.min(model.max_output)),
            temperature: request.temperature,
            top_p: request.top_p.filter(|top_p| *top_p > 0.0),
            top_k: None,
            stop: request.stop,
        },
    })
}

fn thought(begun: bool) -> String {
    format!("{}{THOUGHT}", if begun { "" } else { "<think>\n" })
}

/// Writes an answer.
pub(super) fn answer(begun: bool, text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        choices: [Choice {
            text: &format!("{}{text}", thought(begun)),
            stop_reason: Some(reason(&end.ending)),
        }],
        metrics: None,
    })
}

/// The page has no word for moderation; this is the one of OpenAI's API.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "stop",
        Ending::Finished(Finish::Length) => "length",
        Ending::Filtered => "content_filter",
    }
}

/// The stream's state.
#[derive(Debug)]
pub(crate) struct Chunks {
    begun: bool,
}

impl Chunks {
    pub(super) fn new(begun: bool) -> Self {
        Self { begun }
    }

    pub(super) fn begin(&mut self) -> Vec<Vec<u8>> {
        // A tag may come in two pieces.
        let thought = thought(self.begun);
        let (one, other) = thought.split_once("ink>\n\n").unwrap_or((&thought, ""));
        [one, &format!("ink>\n\n{other}")]
            .into_iter()
            .flat_map(|piece| self.chunk(piece, None))
            .collect()
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        self.chunk(text, None)
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        self.chunk("", Some(end))
    }

    fn chunk(&self, text: &str, end: Option<&End>) -> Vec<Vec<u8>> {
        chunk(&Answer {
            choices: [Choice {
                text,
                stop_reason: end.map(|end| reason(&end.ending)),
            }],
            metrics: end.map(Metrics::from),
        })
    }
}
