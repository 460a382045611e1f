//! Cohere Command and Command Light (`docs: model-parameters-cohere-command`; recorded).

use serde::{Deserialize, Serialize};

use super::{
    End, Ending, Metrics, Speaker, TextFamily, TextRequest, chunk, limit, lines, not_played,
};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, UNIT, Wording, optional, required};
use crate::text::{Finish, Options};

const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    optional("temperature", Shape::Number { min: 0.0, max: 5.0 }),
    optional("p", UNIT),
    optional(
        "k",
        Shape::Number {
            min: 0.0,
            max: 500.0,
        },
    ),
    optional("max_tokens", Shape::Integer { min: 1, max: 4096 }),
    optional(
        "stop_sequences",
        Shape::List {
            items: &TEXT,
            min: 0,
            max: 4,
        },
    ),
    optional(
        "return_likelihoods",
        Shape::OneOf(&["GENERATION", "ALL", "NONE"]),
    ),
    optional("stream", Shape::Flag),
    optional("num_generations", Shape::Integer { min: 1, max: 5 }),
    optional("logit_bias", Shape::Any),
    optional("truncate", Shape::OneOf(&["NONE", "START", "END"])),
]);

#[derive(Deserialize)]
struct Request {
    prompt: String,
    #[serde(default = "default_temperature")]
    temperature: f64,
    #[serde(default = "default_p")]
    p: f64,
    #[serde(default)]
    k: f64,
    #[serde(default = "default_max_tokens")]
    max_tokens: i64,
    #[serde(default)]
    stop_sequences: Vec<String>,
    return_likelihoods: Option<String>,
    #[serde(default)]
    stream: bool,
    num_generations: Option<u32>,
    logit_bias: Option<serde::de::IgnoredAny>,
}

fn default_temperature() -> f64 {
    0.9
}

fn default_p() -> f64 {
    0.75
}

fn default_max_tokens() -> i64 {
    20
}

#[derive(Serialize)]
struct Answer<'a> {
    generations: [Generation<'a>; 1],
    id: &'a str,
    prompt: &'static str,
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
struct Generation<'a> {
    finish_reason: &'static str,
    id: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Piece<'a> {
    is_finished: bool,
    text: &'a str,
}

/// The end has no text.
#[derive(Serialize)]
struct Last {
    finish_reason: &'static str,
    is_finished: bool,
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    metrics: Metrics,
}

/// Reads a request. One that does not say `stream` has its answer at once, over the streaming
/// operation too.
pub(super) fn read(_model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    for (present, what) in [
        (
            request.num_generations.is_some_and(|count| count > 1),
            "several answers to one request",
        ),
        (
            request
                .return_likelihoods
                .is_some_and(|likelihoods| likelihoods != "NONE"),
            "likelihoods",
        ),
        (request.logit_bias.is_some(), "`logit_bias`"),
    ] {
        if present {
            return Err(not_played(what));
        }
    }
    Ok(TextRequest {
        family: if request.stream {
            TextFamily::Command
        } else {
            TextFamily::CommandAtOnce
        },
        turns: lines::turns(&request.prompt, "User:", "Chatbot:"),
        options: Options {
            max_tokens: limit(request.max_tokens),
            temperature: request.temperature,
            // 0 and 1 turn it off.
            top_p: Some(request.p).filter(|top_p| *top_p > 0.0 && *top_p < 1.0),
            // A whole number in every request; the page says float.
            top_k: Some(request.k as usize).filter(|top_k| *top_k > 0),
            stop: request.stop_sequences,
        },
    })
}

/// Writes an answer; recorded ones begin with a blank. On AWS it repeats the prompt.
pub(super) fn answer(speaker: &Speaker, text: &str, end: &End) -> Vec<u8> {
    to_json(&whole(speaker, &format!(" {text}"), end, None))
}

fn whole<'a>(
    speaker: &'a Speaker,
    text: &'a str,
    end: &End,
    metrics: Option<Metrics>,
) -> Answer<'a> {
    Answer {
        generations: [Generation {
            finish_reason: reason(&end.ending),
            id: &speaker.message_id,
            text,
        }],
        id: &speaker.message_id,
        prompt: "",
        metrics,
    }
}

/// A stop sequence ends an answer like any other.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "COMPLETE",
        Ending::Finished(Finish::Length) => "MAX_TOKENS",
        Ending::Filtered => "ERROR_TOXIC",
    }
}

/// The stream's state.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    begun: bool,
}

impl Chunks {
    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        let lead = if std::mem::replace(&mut self.begun, true) {
            ""
        } else {
            " "
        };
        chunk(&Piece {
            is_finished: false,
            text: &format!("{lead}{text}"),
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&Last {
            finish_reason: reason(&end.ending),
            is_finished: true,
            metrics: end.into(),
        })
    }
}

/// The state of a stream of one chunk (recorded).
#[derive(Debug)]
pub(crate) struct AtOnce {
    speaker: Speaker,
    text: String,
}

impl AtOnce {
    pub(super) fn new(speaker: Speaker) -> Self {
        Self {
            speaker,
            text: " ".to_owned(),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        self.text.push_str(text);
        Vec::new()
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&whole(&self.speaker, &self.text, end, Some(end.into())))
    }
}
