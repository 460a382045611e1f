//! Qwen3 (its model cards name no body; langchain-aws sends OpenAI's messages). What it thinks stands
//! before its text in a tag.

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, Speaker, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{Shape, TEXT, TEXTS, UNIT, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const MESSAGE: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["system", "user", "assistant"])),
    required("content", TEXT),
]);
const REQUEST: Shape = Shape::Object(&[
    required(
        "messages",
        Shape::List {
            items: &MESSAGE,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional("temperature", Shape::Number { min: 0.0, max: 2.0 }),
    optional("top_p", UNIT),
    optional("stop", Shape::TextOrList(&TEXTS)),
    // Only the value that says nothing is taken over InvokeModel.
    optional("stream", Shape::Any),
    optional("model", TEXT),
]);

/// What is played for a thought.
const THOUGHT: &str = "<think>\n[simulated] No language model thought this.\n</think>\n\n";

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    max_tokens: Option<i64>,
    #[serde(default = "one")]
    temperature: f64,
    top_p: Option<f64>,
    #[serde(default)]
    stop: Stop,
    #[serde(default)]
    stream: bool,
    model: Option<String>,
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

fn one() -> f64 {
    1.0
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    object: &'static str,
    choices: [Choice<'a>; 1],
    usage: Tokens,
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
struct Tokens {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
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
    if request.stream {
        return Err(malformed("#/stream: true is not permitted"));
    }
    if request.model.is_some_and(|named| named != model.id) {
        return Err(malformed("#/model: it is not the model of the path"));
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
        family: TextFamily::Qwen,
        turns: turns.collect(),
        options: Options {
            max_tokens: limit(tokens.min(model.max_output)),
            temperature: request.temperature,
            top_p: request.top_p.filter(|top_p| *top_p > 0.0),
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
        object: "chat.completion",
        choices: [Choice {
            index: 0,
            message: Said {
                role: "assistant",
                content: &format!("{THOUGHT}{text}"),
            },
            finish_reason: reason(&end.ending),
        }],
        usage: end.into(),
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
            object: "chat.completion.chunk",
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
        let content = THOUGHT;
        self.chunk(Delta { role, content }, None)
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
