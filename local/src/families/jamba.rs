//! AI21 Jamba (`docs: model-parameters-jamba`; whole answers recorded). Nothing was recorded of the
//! stream; it has the chunks of OpenAI's chat completions here, as clients of Bedrock read it.

use serde::{Deserialize, Serialize};

use super::{
    End, Ending, Metrics, Speaker, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit, not_played,
};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{Shape, TEXT, TEXTS, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const MESSAGE: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["system", "user", "assistant"])),
    required("content", TEXT),
]);
/// The page names no bounds.
const PENALTY: Shape = Shape::Number {
    min: f64::MIN,
    max: f64::MAX,
};
const REQUEST: Shape = Shape::Object(&[
    required(
        "messages",
        Shape::List {
            items: &MESSAGE,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional("max_tokens", Shape::Integer { min: 0, max: 4096 }),
    optional("temperature", Shape::Number { min: 0.0, max: 2.0 }),
    optional("top_p", Shape::Positive { max: 1.0 }),
    optional("stop", Shape::TextOrList(&TEXTS)),
    optional("n", Shape::Integer { min: 1, max: 16 }),
    optional("frequency_penalty", PENALTY),
    optional("presence_penalty", PENALTY),
]);
/// What Converse takes beside its own parameters.
pub(crate) const FIELDS: Shape = Shape::Object(&[
    optional("frequency_penalty", PENALTY),
    optional("presence_penalty", PENALTY),
]);

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    max_tokens: Option<i64>,
    #[serde(default = "default_temperature")]
    temperature: f64,
    top_p: Option<f64>,
    #[serde(default)]
    stop: Stop,
    #[serde(default = "one")]
    n: u32,
    #[serde(default)]
    frequency_penalty: f64,
    #[serde(default)]
    presence_penalty: f64,
}

#[derive(Deserialize)]
struct Message {
    role: Speaks,
    content: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Speaks {
    System,
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

impl Default for Stop {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

fn default_temperature() -> f64 {
    1.0
}

fn one() -> u32 {
    1
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    choices: [Choice<'a>; 1],
    usage: Tokens,
    meta: Meta,
    model: &'a str,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: usize,
    message: Said<'a>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    request_duration_millis: u64,
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    choices: [Step<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Tokens>,
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
struct Step<'a> {
    index: usize,
    delta: Delta<'a>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    content: &'a str,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if request.n > 1 {
        return Err(not_played("several answers to one request"));
    }
    if request.frequency_penalty != 0.0 || request.presence_penalty != 0.0 {
        return Err(not_played("penalties"));
    }
    if request
        .messages
        .iter()
        .all(|message| message.role == Speaks::System)
    {
        return Err(malformed("#/messages: no user or assistant message found"));
    }
    let turns = request.messages.into_iter().map(|message| Turn {
        role: match message.role {
            Speaks::System => Role::System,
            Speaks::User => Role::User,
            Speaks::Assistant => Role::Assistant,
        },
        text: message.content,
    });
    let tokens = request.max_tokens.unwrap_or(UNASKED_LIMIT);
    Ok(TextRequest {
        family: TextFamily::Jamba,
        turns: turns.collect(),
        options: Options {
            max_tokens: limit(tokens.min(model.max_output)),
            temperature: request.temperature,
            top_p: request.top_p,
            top_k: None,
            stop: match request.stop {
                Stop::One(text) => vec![text],
                Stop::Several(texts) => texts,
            },
        },
    })
}

/// Writes an answer.
pub(super) fn answer(speaker: &Speaker, text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        id: &speaker.message_id,
        choices: [Choice {
            index: 0,
            message: Said {
                role: "assistant",
                content: text,
            },
            finish_reason: reason(&end.ending),
        }],
        usage: end.into(),
        meta: Meta {
            request_duration_millis: end.latency,
        },
        model: speaker.model.id,
    })
}

impl From<&End> for Tokens {
    fn from(end: &End) -> Self {
        Self {
            prompt_tokens: end.usage.input,
            completion_tokens: end.usage.output,
            total_tokens: end.usage.input + end.usage.output,
        }
    }
}

/// The page has no word for moderation; this is the one of OpenAI's API, whose answers these are.
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
    speaker: Speaker,
}

impl Chunks {
    pub(super) fn new(speaker: Speaker) -> Self {
        Self { speaker }
    }

    fn chunk(&self, delta: Delta<'_>, end: Option<&End>) -> Vec<Vec<u8>> {
        chunk(&Chunk {
            id: &self.speaker.message_id,
            choices: [Step {
                index: 0,
                delta,
                finish_reason: end.map(|end| reason(&end.ending)),
            }],
            usage: end.map(Tokens::from),
            metrics: end.map(Metrics::from),
        })
    }

    pub(super) fn begin(&mut self) -> Vec<Vec<u8>> {
        let role = Some("assistant");
        self.chunk(Delta { role, content: "" }, None)
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        let delta = Delta {
            role: None,
            content: text,
        };
        self.chunk(delta, None)
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        let delta = Delta {
            role: None,
            content: "",
        };
        self.chunk(delta, Some(end))
    }
}
