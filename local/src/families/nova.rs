//! Amazon Nova text (`docs: nova complete-request-schema`; recorded).

use serde::{Deserialize, Serialize};

use super::{
    End, Ending, Metrics, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit, not_played,
    take_turns,
};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

/// Temperature has no zero in Nova's table.
pub(crate) const LEAST_TEMPERATURE: f64 = 0.00001;

const SYSTEM_BLOCK: Shape = Shape::Object(&[
    optional("text", NON_EMPTY),
    optional("cachePoint", Shape::Any),
]);
const BLOCK: Shape = Shape::Object(&[
    optional("text", NON_EMPTY),
    optional("image", Shape::Any),
    optional("video", Shape::Any),
    optional("toolUse", Shape::Any),
    optional("toolResult", Shape::Any),
    optional("cachePoint", Shape::Any),
]);
const MESSAGE: Shape = Shape::Object(&[
    required("role", Shape::OneOf(&["user", "assistant"])),
    required(
        "content",
        Shape::List {
            items: &BLOCK,
            min: 1,
            max: usize::MAX,
        },
    ),
]);
const TOKENS: Shape = Shape::Integer {
    min: 1,
    max: i64::MAX,
};
const CONFIG: Shape = Shape::Object(&[
    optional("maxTokens", TOKENS),
    optional("max_new_tokens", TOKENS),
    optional(
        "temperature",
        Shape::Number {
            min: LEAST_TEMPERATURE,
            max: 1.0,
        },
    ),
    optional("topP", Shape::Number { min: 0.0, max: 1.0 }),
    optional("topK", Shape::Integer { min: 0, max: 128 }),
    optional(
        "stopSequences",
        Shape::List {
            items: &NON_EMPTY,
            min: 0,
            max: usize::MAX,
        },
    ),
    optional("reasoningConfig", Shape::Any),
]);
const REQUEST: Shape = Shape::Object(&[
    optional("schemaVersion", Shape::OneOf(&["messages-v1"])),
    optional(
        "system",
        Shape::List {
            items: &SYSTEM_BLOCK,
            min: 0,
            max: usize::MAX,
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
    optional("inferenceConfig", CONFIG),
    optional("toolConfig", Shape::Any),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    system: Vec<Block>,
    messages: Vec<Message>,
    #[serde(default)]
    inference_config: Config,
    tool_config: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Vec<Block>,
}

/// Only text is read; a block without it is of another kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    text: Option<String>,
    cache_point: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Config {
    max_tokens: Option<i64>,
    #[serde(rename = "max_new_tokens")]
    max_new_tokens: Option<i64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<usize>,
    #[serde(default)]
    stop_sequences: Vec<String>,
    reasoning_config: Option<Reasoning>,
}

#[derive(Deserialize)]
struct Reasoning {
    #[serde(rename = "type")]
    kind: String,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if request.tool_config.is_some() {
        return Err(not_played("tools"));
    }
    let config = request.inference_config;
    if config
        .reasoning_config
        .is_some_and(|reasoning| reasoning.kind != "disabled")
    {
        return Err(not_played("reasoning"));
    }
    let max_tokens = config.max_tokens.or(config.max_new_tokens);
    if let Some(tokens) = max_tokens.filter(|tokens| *tokens > model.max_output) {
        return Err(malformed(&format!(
            "#/inferenceConfig/maxTokens: {tokens} is not less or equal to {}",
            model.max_output
        )));
    }
    let mut turns = Vec::new();
    let system = text_of(request.system, "system")?;
    if !system.is_empty() {
        turns.push(Turn {
            role: Role::System,
            text: system,
        });
    }
    let roles = take_turns(request.messages.iter().map(|message| message.role.as_str()))?;
    for (index, (role, message)) in roles.into_iter().zip(request.messages).enumerate() {
        turns.push(Turn {
            role,
            text: text_of(message.content, &format!("messages/{index}"))?,
        });
    }
    Ok(TextRequest {
        family: TextFamily::Nova,
        turns,
        options: Options {
            max_tokens: limit(max_tokens.unwrap_or(UNASKED_LIMIT)),
            temperature: config.temperature.unwrap_or(0.7),
            top_p: Some(config.top_p.unwrap_or(0.9)).filter(|top_p| *top_p > 0.0),
            top_k: config.top_k.filter(|top_k| *top_k > 0),
            stop: config.stop_sequences,
        },
    })
}

fn text_of(blocks: Vec<Block>, path: &str) -> Result<String, Failure> {
    let mut texts = Vec::new();
    for block in blocks {
        match (block.text, block.cache_point) {
            (Some(text), _) => texts.push(text),
            (None, Some(_)) => {}
            (None, None) => return Err(not_played(&format!("blocks other than text ({path})"))),
        }
    }
    Ok(texts.join("\n\n"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    output: Output<'a>,
    stop_reason: &'static str,
    usage: TokenUsage,
}

#[derive(Serialize)]
struct Output<'a> {
    message: Spoken<'a>,
}

#[derive(Serialize)]
struct Spoken<'a> {
    role: &'static str,
    content: [TextBlock<'a>; 1],
}

#[derive(Serialize)]
struct TextBlock<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenUsage {
    input_tokens: usize,
    output_tokens: usize,
    total_tokens: usize,
    cache_read_input_token_count: usize,
    cache_write_input_token_count: usize,
}

impl From<&End> for TokenUsage {
    fn from(end: &End) -> Self {
        Self {
            input_tokens: end.usage.input,
            output_tokens: end.usage.output,
            total_tokens: end.usage.input + end.usage.output,
            cache_read_input_token_count: 0,
            cache_write_input_token_count: 0,
        }
    }
}

/// Writes an answer.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        output: Output {
            message: Spoken {
                role: "assistant",
                content: [TextBlock { text }],
            },
        },
        stop_reason: reason(&end.ending),
        usage: end.into(),
    })
}

fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn) => "end_turn",
        Ending::Finished(Finish::StopSequence(_)) => "stop_sequence",
        Ending::Finished(Finish::Length) => "max_tokens",
        Ending::Filtered => "content_filtered",
    }
}

/// One key a chunk.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Event<'a> {
    #[serde(rename_all = "camelCase")]
    MessageStart { role: &'static str },
    #[serde(rename_all = "camelCase")]
    ContentBlockDelta {
        delta: TextBlock<'a>,
        content_block_index: usize,
    },
    #[serde(rename_all = "camelCase")]
    ContentBlockStop { content_block_index: usize },
    #[serde(rename_all = "camelCase")]
    MessageStop { stop_reason: &'static str },
}

/// The last chunk has the metrics beside its event.
#[derive(Serialize)]
struct Last {
    metadata: Metadata,
    #[serde(rename = "amazon-bedrock-invocationMetrics")]
    metrics: NovaMetrics,
}

#[derive(Serialize)]
struct Metadata {
    usage: TokenUsage,
    metrics: Empty,
    trace: Empty,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaMetrics {
    #[serde(flatten)]
    metrics: Metrics,
    cache_read_input_token_count: usize,
    cache_write_input_token_count: usize,
}

/// The stream's state. Nova's index grows with every delta, and each is followed by a stop.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    index: usize,
}

impl Chunks {
    pub(super) fn begin(&mut self) -> Vec<Vec<u8>> {
        chunk(&Event::MessageStart { role: "assistant" })
    }

    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        let content_block_index = self.index;
        self.index += 1;
        let delta = TextBlock { text };
        vec![
            to_json(&Event::ContentBlockDelta {
                delta,
                content_block_index,
            }),
            to_json(&Event::ContentBlockStop {
                content_block_index,
            }),
        ]
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        vec![
            to_json(&Event::MessageStop {
                stop_reason: reason(&end.ending),
            }),
            to_json(&Last {
                metadata: Metadata {
                    usage: end.into(),
                    metrics: Empty {},
                    trace: Empty {},
                },
                metrics: NovaMetrics {
                    metrics: end.into(),
                    cache_read_input_token_count: 0,
                    cache_write_input_token_count: 0,
                },
            }),
        ]
    }
}
