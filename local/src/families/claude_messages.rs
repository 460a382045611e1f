//! Anthropic Claude Messages (`docs: model-parameters-anthropic-claude-messages`; recorded).

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, Speaker, TextFamily, TextRequest, chunk, limit, not_played};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{Field, NON_EMPTY, Shape, TEXT, TEXTS, UNIT, Wording, optional, required};
use crate::text::{Finish, Options, Role, Turn};

/// Blocks are read for their text; other kinds are refused by their `type`.
const BLOCKS: Shape = Shape::List {
    items: &Shape::Any,
    min: 0,
    max: usize::MAX,
};

const TEXT_BLOCK: Shape = Shape::Object(&[
    required("type", Shape::OneOf(&["text"])),
    required("text", TEXT),
    optional("cache_control", Shape::Any),
]);
const TEXT_BLOCKS: Shape = Shape::List {
    items: &TEXT_BLOCK,
    min: 0,
    max: usize::MAX,
};

const MESSAGE: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["user", "assistant"])),
    required("content", Shape::TextOrList(&BLOCKS)),
]);

const FIELDS: &[Field] = &[
    required("anthropic_version", Shape::OneOf(&["bedrock-2023-05-31"])),
    required(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    required(
        "messages",
        Shape::List {
            items: &MESSAGE,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional("system", Shape::TextOrList(&TEXT_BLOCKS)),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
    optional("top_k", Shape::Integer { min: 0, max: 500 }),
    optional(
        "stop_sequences",
        Shape::List {
            items: &NON_EMPTY,
            min: 0,
            max: 8191,
        },
    ),
    optional("tools", Shape::Any),
    optional("tool_choice", Shape::Any),
    optional("thinking", Shape::Any),
    optional("output_config", Shape::Any),
    optional("anthropic_beta", TEXTS),
];

#[derive(Deserialize)]
struct Request {
    max_tokens: i64,
    messages: Vec<Message>,
    system: Option<Content>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<usize>,
    #[serde(default)]
    stop_sequences: Vec<String>,
    #[serde(default)]
    tools: Vec<serde::de::IgnoredAny>,
    thinking: Option<Thinking>,
}

#[derive(Deserialize)]
struct Message {
    role: Speaks,
    content: Content,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Speaks {
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &Shape::Object(FIELDS), Wording::Native)?;
    if request.max_tokens > model.max_output {
        return Err(Failure::validation(format!(
            "max_tokens: {} > {}, which is the maximum allowed number of output tokens for {}",
            request.max_tokens,
            model.max_output,
            model.anthropic_name()
        )));
    }
    check_sampling(model, request.temperature, request.top_p)?;
    if !request.tools.is_empty() {
        return Err(not_played("tools"));
    }
    if request
        .thinking
        .is_some_and(|thinking| thinking.kind != "disabled")
    {
        return Err(not_played("thinking"));
    }
    let mut turns = Vec::new();
    if let Some(system) = request.system {
        let text = text_of(system, "system")?;
        if !text.is_empty() {
            turns.push(Turn {
                role: Role::System,
                text,
            });
        }
    }
    let count = request.messages.len();
    for (index, message) in request.messages.into_iter().enumerate() {
        let path = format!("messages.{index}");
        let is_prefill = index + 1 == count && matches!(message.role, Speaks::Assistant);
        let text = text_of(message.content, &path)?;
        if text.trim().is_empty() && !is_prefill {
            return Err(Failure::validation(format!(
                "{path}: all messages must have non-empty content except for the optional final \
                 assistant message"
            )));
        }
        if is_prefill && text.ends_with(char::is_whitespace) {
            return Err(Failure::validation(
                "messages: final assistant content cannot end with trailing whitespace",
            ));
        }
        let role = match message.role {
            Speaks::User => Role::User,
            Speaks::Assistant => Role::Assistant,
        };
        turns.push(Turn { role, text });
    }
    check_alternation(&turns)?;
    turns.retain(|turn| !turn.text.is_empty());
    Ok(TextRequest {
        family: TextFamily::ClaudeMessages,
        turns,
        options: Options {
            max_tokens: limit(request.max_tokens),
            temperature: request.temperature.unwrap_or(1.0),
            top_p: request.top_p.filter(|top_p| *top_p > 0.0),
            top_k: request.top_k.filter(|top_k| *top_k > 0),
            stop: request.stop_sequences,
        },
    })
}

/// Newer Claudes take one of the two, the newest neither.
pub(crate) fn check_sampling(
    model: &Model,
    temperature: Option<f64>,
    top_p: Option<f64>,
) -> Result<(), Failure> {
    if model.without_sampling() && (temperature.is_some() || top_p.is_some()) {
        let name = if temperature.is_some() {
            "temperature"
        } else {
            "top_p"
        };
        return Err(Failure::validation(format!(
            "`{name}` is deprecated for this model."
        )));
    }
    if model.one_of_temperature_and_top_p() && temperature.is_some() && top_p.is_some() {
        return Err(Failure::validation(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only \
             one.",
        ));
    }
    Ok(())
}

/// User first, then in turns. Anthropic's own API also merges neighbours of one role; this is the
/// stricter reading, so that what passes here passes there.
fn check_alternation(turns: &[Turn]) -> Result<(), Failure> {
    let spoken: Vec<Role> = turns
        .iter()
        .map(|turn| turn.role)
        .filter(|role| *role != Role::System)
        .collect();
    if spoken.first() != Some(&Role::User) {
        return Err(Failure::validation(
            "messages: first message must use the \"user\" role",
        ));
    }
    let repeated = spoken
        .iter()
        .zip(spoken.iter().skip(1))
        .find(|(one, next)| one == next);
    match repeated {
        None => Ok(()),
        Some((role, _)) => {
            let role = if *role == Role::User {
                "user"
            } else {
                "assistant"
            };
            Err(Failure::validation(format!(
                "messages: roles must alternate between \"user\" and \"assistant\", but found \
                 multiple \"{role}\" roles in a row"
            )))
        }
    }
}

fn text_of(content: Content, path: &str) -> Result<String, Failure> {
    let blocks = match content {
        Content::Text(text) => return Ok(text),
        Content::Blocks(blocks) => blocks,
    };
    let mut texts = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        match (block.kind.as_str(), block.text) {
            ("text", Some(text)) if text.trim().is_empty() => {
                return Err(Failure::validation(
                    "messages: text content blocks must be non-empty",
                ));
            }
            ("text", Some(text)) => texts.push(text),
            ("text", None) => {
                return Err(Failure::validation(format!(
                    "{path}.content.{index}.text.text: Field required"
                )));
            }
            (kind, _) => return Err(not_played(&format!("`{kind}` blocks ({path})"))),
        }
    }
    Ok(texts.join("\n\n"))
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<TextBlock<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    usage: InputUsage,
}

#[derive(Serialize)]
struct TextBlock<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct InputUsage {
    input_tokens: usize,
    output_tokens: usize,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart {
        message: Answer<'a>,
    },
    ContentBlockStart {
        index: usize,
        content_block: TextBlock<'a>,
    },
    ContentBlockDelta {
        index: usize,
        delta: TextBlock<'a>,
    },
    ContentBlockStop {
        index: usize,
    },
    MessageDelta {
        delta: StopDelta<'a>,
        usage: OutputUsage,
    },
    MessageStop {
        #[serde(rename = "amazon-bedrock-invocationMetrics")]
        metrics: Metrics,
    },
}

#[derive(Serialize)]
struct StopDelta<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
struct OutputUsage {
    output_tokens: usize,
}

fn message<'a>(speaker: &'a Speaker, content: Vec<TextBlock<'a>>, usage: InputUsage) -> Answer<'a> {
    Answer {
        id: &speaker.message_id,
        kind: "message",
        role: "assistant",
        model: speaker.model.anthropic_name(),
        content,
        stop_reason: None,
        stop_sequence: None,
        usage,
    }
}

/// Writes an answer.
pub(super) fn answer(speaker: &Speaker, text: &str, end: &End) -> Vec<u8> {
    let (stop_reason, stop_sequence) = reason(&end.ending);
    let usage = InputUsage {
        input_tokens: end.usage.input,
        output_tokens: end.usage.output,
    };
    let content = if text.is_empty() {
        vec![]
    } else {
        vec![TextBlock { kind: "text", text }]
    };
    to_json(&Answer {
        stop_reason: Some(stop_reason),
        stop_sequence,
        ..message(speaker, content, usage)
    })
}

fn reason(ending: &Ending) -> (&'static str, Option<&str>) {
    match ending {
        Ending::Finished(Finish::EndOfTurn) => ("end_turn", None),
        Ending::Finished(Finish::StopSequence(stop)) => ("stop_sequence", Some(stop)),
        Ending::Finished(Finish::Length) => ("max_tokens", None),
        Ending::Filtered => ("refusal", None),
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

    pub(super) fn begin(&mut self) -> Vec<Vec<u8>> {
        // Recordings have an output count of 1 or more here; it means nothing yet.
        let usage = InputUsage {
            input_tokens: self.speaker.estimated_input,
            output_tokens: 1,
        };
        let message = message(&self.speaker, Vec::new(), usage);
        let content_block = TextBlock {
            kind: "text",
            text: "",
        };
        vec![
            to_json(&Event::MessageStart { message }),
            to_json(&Event::ContentBlockStart {
                index: 0,
                content_block,
            }),
        ]
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        let delta = TextBlock {
            kind: "text_delta",
            text,
        };
        chunk(&Event::ContentBlockDelta { index: 0, delta })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        let (stop_reason, stop_sequence) = reason(&end.ending);
        vec![
            to_json(&Event::ContentBlockStop { index: 0 }),
            to_json(&Event::MessageDelta {
                delta: StopDelta {
                    stop_reason,
                    stop_sequence,
                },
                usage: OutputUsage {
                    output_tokens: end.usage.output,
                },
            }),
            to_json(&Event::MessageStop {
                metrics: end.into(),
            }),
        ]
    }
}
