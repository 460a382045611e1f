//! Mistral's chat completions (`docs: model-parameters-mistral-chat-completion,
//! model-parameters-mistral-large-2407`). Nothing was recorded; a stream's chunks have the form of
//! the whole answer here, with `message` for its pieces, as the text completions' have.

use serde::{Deserialize, Serialize};

use super::{
    End, Ending, Metrics, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit, not_played,
};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{Shape, TEXT, TEXTS, UNIT, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const LIST: Shape = Shape::List {
    items: &Shape::Any,
    min: 0,
    max: usize::MAX,
};
/// Pixtral's content may be in parts.
const PARTS: Shape = Shape::List {
    items: &Shape::Object(&[
        required("type", Shape::OneOf(&["text", "image_url"])),
        optional("text", TEXT),
        optional("image_url", Shape::Any),
    ]),
    min: 1,
    max: usize::MAX,
};
const MESSAGE: Shape = Shape::Object(&[
    required(
        "role",
        Shape::OneOf(&["system", "user", "assistant", "tool"]),
    ),
    required("content", Shape::TextOrList(&PARTS)),
    optional("tool_calls", LIST),
    optional("tool_call_id", TEXT),
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
    optional("tools", LIST),
    optional("tool_choice", Shape::OneOf(&["auto", "any", "none"])),
    optional(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    // Not every model's; see `takes_stop`.
    optional("stop", TEXTS),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
]);

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    tools: Vec<serde::de::IgnoredAny>,
    max_tokens: Option<i64>,
    #[serde(default = "default_temperature")]
    temperature: f64,
    #[serde(default = "one")]
    top_p: f64,
    #[serde(default)]
    stop: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    role: Speaks,
    content: Content,
    #[serde(default)]
    tool_calls: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A picture has no text.
#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaks {
    System,
    User,
    Assistant,
    Tool,
}

fn default_temperature() -> f64 {
    0.7
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
    index: usize,
    message: Said<'a>,
    stop_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: &'a str,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if !request.tools.is_empty() {
        return Err(not_played("tools"));
    }
    if !request.stop.is_empty() && !takes_stop(model) {
        return Err(malformed("#: extraneous key [stop] is not permitted"));
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
    let mut turns = Vec::new();
    for message in request.messages {
        let role = match message.role {
            Speaks::System => Role::System,
            Speaks::User => Role::User,
            Speaks::Assistant if message.tool_calls.is_empty() => Role::Assistant,
            Speaks::Assistant | Speaks::Tool => return Err(not_played("tools")),
        };
        turns.push(Turn {
            role,
            text: text_of(message.content)?,
        });
    }
    Ok(TextRequest {
        family: TextFamily::MistralChat,
        turns,
        options: Options {
            max_tokens: limit(request.max_tokens.unwrap_or(UNASKED_LIMIT)),
            temperature: request.temperature,
            // 0 would leave nothing to choose from.
            top_p: Some(request.top_p).filter(|top_p| *top_p > 0.0),
            top_k: None,
            stop: request.stop,
        },
    })
}

fn text_of(content: Content) -> Result<String, Failure> {
    match content {
        Content::Text(text) => Ok(text),
        Content::Parts(parts) => {
            let texts: Option<Vec<String>> = parts.into_iter().map(|part| part.text).collect();
            let texts = texts.ok_or_else(|| not_played("pictures"))?;
            Ok(texts.join("\n"))
        }
    }
}

/// Large 2407 refuses stop sequences (litellm issue 5592); the page's text speaks of them.
pub(crate) fn takes_stop(model: &Model) -> bool {
    !model.id.contains("-2407-")
}

fn one_choice<'a>(
    content: &'a str,
    stop_reason: Option<&'static str>,
    metrics: Option<Metrics>,
) -> Answer<'a> {
    Answer {
        choices: [Choice {
            index: 0,
            message: Said {
                role: "assistant",
                content,
            },
            stop_reason,
        }],
        metrics,
    }
}

/// Writes an answer.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    to_json(&one_choice(text, Some(reason(&end.ending)), None))
}

fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "stop",
        Ending::Finished(Finish::Length) => "length",
        // The page has no word for it.
        Ending::Filtered => "content_filter",
    }
}

/// The stream, which has no state.
#[derive(Debug, Default)]
pub(crate) struct Chunks;

impl Chunks {
    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        chunk(&one_choice(text, None, None))
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&one_choice("", Some(reason(&end.ending)), Some(end.into())))
    }
}
