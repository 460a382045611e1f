//! Cohere Command R and R+ (`docs: model-parameters-cohere-command-r-plus`; whole answers
//! recorded). Nothing was recorded of the stream; its events are those of Cohere's own API here.

use serde::{Deserialize, Serialize};

use super::{
    End, Ending, Metrics, Speaker, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit, not_played,
};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, TEXTS, UNIT, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const SAID: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["USER", "CHATBOT"])),
    required("message", TEXT),
]);
const HISTORY: Shape = Shape::List {
    items: &SAID,
    min: 0,
    max: usize::MAX,
};
const LIST: Shape = Shape::List {
    items: &Shape::Any,
    min: 0,
    max: usize::MAX,
};
const TOP_K: Shape = Shape::Number {
    min: 0.0,
    max: 500.0,
};
const SEED: Shape = Shape::Integer {
    min: 0,
    max: i64::MAX,
};
const REQUEST: Shape = Shape::Object(&[
    required("message", NON_EMPTY),
    optional("chat_history", HISTORY),
    optional("preamble", TEXT),
    optional("documents", LIST),
    optional("search_queries_only", Shape::Flag),
    optional(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional("temperature", UNIT),
    optional(
        "p",
        Shape::Number {
            min: 0.01,
            max: 0.99,
        },
    ),
    optional("k", TOP_K),
    optional(
        "prompt_truncation",
        Shape::OneOf(&["OFF", "AUTO_PRESERVE_ORDER"]),
    ),
    optional("frequency_penalty", UNIT),
    optional("presence_penalty", UNIT),
    optional("seed", SEED),
    optional("return_prompt", Shape::Flag),
    optional("tools", LIST),
    optional("tool_results", LIST),
    optional("stop_sequences", TEXTS),
    optional("raw_prompting", Shape::Flag),
]);
/// What Converse takes beside its own parameters.
pub(crate) const FIELDS: Shape = Shape::Object(&[
    optional("k", TOP_K),
    optional("frequency_penalty", UNIT),
    optional("presence_penalty", UNIT),
    optional("seed", SEED),
]);

#[derive(Deserialize)]
struct Request {
    message: String,
    #[serde(default)]
    chat_history: Vec<Said>,
    #[serde(default)]
    preamble: String,
    #[serde(default)]
    documents: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    search_queries_only: bool,
    max_tokens: Option<i64>,
    #[serde(default = "default_temperature")]
    temperature: f64,
    #[serde(default = "default_p")]
    p: f64,
    #[serde(default)]
    k: f64,
    #[serde(default)]
    frequency_penalty: f64,
    #[serde(default)]
    presence_penalty: f64,
    seed: Option<i64>,
    #[serde(default)]
    return_prompt: bool,
    #[serde(default)]
    tools: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    tool_results: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    stop_sequences: Vec<String>,
    #[serde(default)]
    raw_prompting: bool,
}

#[derive(Deserialize)]
struct Said {
    role: Speaks,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Speaks {
    User,
    Chatbot,
}

fn default_temperature() -> f64 {
    0.3
}

fn default_p() -> f64 {
    0.75
}

#[derive(Serialize)]
struct Answer<'a> {
    response_id: &'a str,
    text: &'a str,
    generation_id: &'a str,
    chat_history: [Entry<'a>; 1],
    finish_reason: &'static str,
}

/// On AWS the history repeats the request's turns before the answer; here it has the answer alone.
#[derive(Serialize)]
struct Entry<'a> {
    role: &'static str,
    message: &'a str,
}

/// One event of the stream.
#[derive(Serialize)]
#[serde(tag = "event_type", rename_all = "kebab-case")]
enum Event<'a> {
    StreamStart {
        is_finished: bool,
        generation_id: &'a str,
    },
    TextGeneration {
        is_finished: bool,
        text: &'a str,
    },
    StreamEnd {
        is_finished: bool,
        finish_reason: &'static str,
        response: Box<Whole<'a>>,
        #[serde(rename = "amazon-bedrock-invocationMetrics")]
        metrics: Metrics,
    },
}

/// What the last event repeats.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    answer: Answer<'a>,
    meta: Meta,
}

#[derive(Serialize)]
struct Meta {
    api_version: Version,
    billed_units: Units,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct Units {
    input_tokens: usize,
    output_tokens: usize,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    for (present, what) in [
        (
            !(request.tools.is_empty() && request.tool_results.is_empty()),
            "tools",
        ),
        (!request.documents.is_empty(), "documents"),
        (request.search_queries_only, "search queries"),
        (request.return_prompt, "`return_prompt`"),
        (request.raw_prompting, "`raw_prompting`"),
        (request.seed.is_some(), "seeds of texts"),
        (
            request.frequency_penalty != 0.0 || request.presence_penalty != 0.0,
            "penalties",
        ),
    ] {
        if present {
            return Err(not_played(what));
        }
    }
    if let Some(tokens) = request
        .max_tokens
        .filter(|tokens| *tokens > model.max_output)
    {
        return Err(malformed(&format!(
            "#/max_tokens: {tokens} is not less or equal to {}",
            model.max_output
        )));
    }
    let preamble = (!request.preamble.is_empty()).then_some(Turn {
        role: Role::System,
        text: request.preamble,
    });
    let history = request.chat_history.into_iter().map(|said| Turn {
        role: match said.role {
            Speaks::User => Role::User,
            Speaks::Chatbot => Role::Assistant,
        },
        text: said.message,
    });
    let message = Turn {
        role: Role::User,
        text: request.message,
    };
    Ok(TextRequest {
        family: TextFamily::CommandR,
        turns: preamble
            .into_iter()
            .chain(history)
            .chain([message])
            .collect(),
        options: Options {
            max_tokens: limit(request.max_tokens.unwrap_or(UNASKED_LIMIT)),
            temperature: request.temperature,
            top_p: Some(request.p),
            // A whole number in every request; the page says float.
            top_k: Some(request.k as usize).filter(|top_k| *top_k > 0),
            stop: request.stop_sequences,
        },
    })
}

impl<'a> Answer<'a> {
    fn new(speaker: &'a Speaker, text: &'a str, end: &End) -> Self {
        Self {
            response_id: &speaker.message_id,
            text,
            generation_id: &speaker.message_id,
            chat_history: [Entry {
                role: "CHATBOT",
                message: text,
            }],
            finish_reason: reason(&end.ending),
        }
    }
}

/// Writes an answer.
pub(super) fn answer(speaker: &Speaker, text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer::new(speaker, text, end))
}

/// Recorded in upper case; the page has them in lower case.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "COMPLETE",
        Ending::Finished(Finish::Length) => "MAX_TOKENS",
        Ending::Filtered => "ERROR_TOXIC",
    }
}

/// The stream's state: the last event repeats the text.
#[derive(Debug)]
pub(crate) struct Chunks {
    speaker: Speaker,
    text: String,
}

impl Chunks {
    pub(super) fn new(speaker: Speaker) -> Self {
        Self {
            speaker,
            text: String::new(),
        }
    }

    pub(super) fn begin(&mut self) -> Vec<Vec<u8>> {
        chunk(&Event::StreamStart {
            is_finished: false,
            generation_id: &self.speaker.message_id,
        })
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        self.text.push_str(text);
        chunk(&Event::TextGeneration {
            is_finished: false,
            text,
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        let meta = Meta {
            api_version: Version { version: "1" },
            billed_units: Units {
                input_tokens: end.usage.input,
                output_tokens: end.usage.output,
            },
        };
        chunk(&Event::StreamEnd {
            is_finished: true,
            finish_reason: reason(&end.ending),
            response: Box::new(Whole {
                answer: Answer::new(&self.speaker, &self.text, end),
                meta,
            }),
            metrics: end.into(),
        })
    }
}
