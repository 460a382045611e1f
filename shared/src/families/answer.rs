//! What a model answers, the same for all families.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use super::lenient;
use crate::closed_set::closed_set;
use crate::dialogue::ToolUse;

/// What a text model answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The text, as the model wrote it.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens used, where the body says it.
    pub usage: Option<Usage>,
    /// The tools that the model calls, in its order.
    pub tool_calls: Vec<ToolUse>,
    /// What the model thought before it wrote, in its order.
    pub reasoning: Vec<Reasoning>,
    /// What else the answer says.
    pub beside: Beside,
}

impl Completion {
    /// The answer as a stream would have brought it.
    pub fn into_chunks(self) -> Vec<Chunk> {
        let Self {
            text,
            finish,
            usage,
            tool_calls,
            reasoning,
            beside,
        } = self;
        let thought = |thought| Chunk {
            reasoning: Some(thought),
            ..Chunk::default()
        };
        let tool = |delta| Chunk {
            tool: Some(delta),
            ..Chunk::default()
        };
        let mut chunks = Vec::new();
        for block in reasoning {
            match block {
                Reasoning::Text { text, signature } => {
                    chunks.push(thought(Thought::Text(text)));
                    chunks.extend(signature.map(Thought::Signature).map(thought));
                }
                Reasoning::Redacted(bytes) => chunks.push(thought(Thought::Redacted(bytes))),
            }
        }
        chunks.push(Chunk {
            text,
            ..Chunk::default()
        });
        for ToolUse { id, name, input } in tool_calls {
            chunks.push(tool(ToolDelta::Begins { id, name }));
            chunks.push(tool(ToolDelta::Input(input.to_string())));
        }
        chunks.push(Chunk {
            finish: Some(finish),
            usage,
            beside,
            ..Chunk::default()
        });
        chunks
    }
}

/// A block of what a model thought before it wrote.
#[derive(Clone, PartialEq, Eq)]
pub enum Reasoning {
    /// What it thought, and its maker's signature of it, where there is one: to be handed back
    /// unchanged.
    Text {
        /// What it thought.
        text: String,
        /// The signature; opaque.
        signature: Option<String>,
    },
    /// What it thought, encrypted by its maker: to be handed back unchanged.
    Redacted(Bytes),
}

/// Sizes alone: what a model thought is content.
impl fmt::Debug for Reasoning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, signature } => {
                let signed = signature.is_some();
                write!(formatter, "Text({} bytes, signed: {signed})", text.len())
            }
            Self::Redacted(bytes) => write!(formatter, "Redacted({} bytes)", bytes.len()),
        }
    }
}

/// A piece of what a model thinks, of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thought {
    /// More of it.
    Text(String),
    /// The signature of the block so far.
    Signature(String),
    /// A whole block, encrypted.
    Redacted(Bytes),
}

/// What an answer says beside text, end and tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// The service tier that it was answered in, in Bedrock's word.
    pub tier: Option<String>,
    /// The latency that it was answered with, in Bedrock's word.
    pub latency: Option<String>,
    /// Fields of the model's own answer that the request asked for.
    pub fields: Option<serde_json::Value>,
    /// The policies of a guardrail that found something, where the request asked for its trace.
    pub policies: Vec<Policy>,
}

closed_set! {
    /// A policy of a guardrail's.
    pub enum Policy {
        /// Denied topics.
        Topic = "topic",
        /// Harmful content.
        Content = "content",
        /// Words.
        Word = "word",
        /// Personal data.
        SensitiveInformation = "sensitive_information",
        /// Grounding in a source.
        ContextualGrounding = "contextual_grounding",
        /// Rules that are reasoned over.
        AutomatedReasoning = "automated_reasoning",
    }
}

/// One part of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// More text; often empty.
    pub text: String,
    /// Why the answer ended, once it has.
    pub finish: Option<Finish>,
    /// Tokens used, once that is known.
    pub usage: Option<Usage>,
    /// More of what the model thinks.
    pub reasoning: Option<Thought>,
    /// What else the answer says, once that is known.
    pub beside: Beside,
    /// More of a call of a tool.
    pub tool: Option<ToolDelta>,
}

/// A piece of a call of a tool, of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolDelta {
    /// The call begins.
    Begins {
        /// What its result refers to.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of the JSON that the tool is given, for the call that began last; maybe empty.
    Input(String),
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Finish {
    /// The model had said all; so an answer ended that does not say why.
    #[default]
    EndOfTurn,
    /// A stop sequence came up.
    StopSequence,
    /// The most tokens were reached.
    Length,
    /// The model's context window was full.
    ContextWindow,
    /// The model asks for a tool.
    ToolUse,
    /// The model's own moderation filtered the answer.
    Filtered,
    /// A guardrail of Bedrock's intervened.
    Guardrail,
    /// A reason that this version does not know, in the model's own word.
    Other(String),
}

/// Tokens used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, without those that came from or went to a cache.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
    /// Tokens read from a cache.
    pub cache_read: u64,
    /// Tokens written to a cache.
    pub cache_write: u64,
}

impl Usage {
    /// The sum over several answers; `None` as soon as one of them does not say.
    pub fn sum(mut counts: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        counts.try_fold(Self::default(), |sum, usage| Some(sum + usage?))
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
        }
    }
}

/// What an image model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures<'a> {
    /// The images, in the model's order.
    pub pictures: Vec<Picture<'a>>,
    /// Whether the model filtered some, so that there are fewer than it was asked for.
    pub filtered: bool,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture<'a> {
    /// The image file, still in base64 and within the answer, which is not to be held twice.
    pub base64: Cow<'a, str>,
    /// The seed that makes it again, where the model says it.
    pub seed: Option<u64>,
}

impl<'a> Pictures<'a> {
    /// The answer of a model that makes one at a time.
    pub(super) fn of(picture: Picture<'a>) -> Self {
        Self {
            pictures: vec![picture],
            filtered: false,
        }
    }
}

/// A file in base64, borrowed from an answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct File<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The seeds of an image family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    /// The least that makes an image again.
    pub first: i64,
    /// The largest.
    pub last: i64,
    /// The one that the model takes where the request says none; `None` if it takes one at random.
    pub default: Option<i64>,
}

impl Seeds {
    /// The seed so many steps behind another, past the last from the first again. One that makes no
    /// image again stays as it is: it is random, or out of range and left for the family to refuse.
    pub fn after(self, seed: i64, steps: usize) -> i64 {
        let Self { first, last, .. } = self;
        if !(first..=last).contains(&seed) {
            return seed;
        }
        let steps = i64::try_from(steps).unwrap_or_default();
        (seed - first + steps) % (last - first + 1) + first
    }
}

/// What the last chunk of every InvokeModelWithResponseStream carries beside the model's own keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvocationMetrics {
    #[serde(default, deserialize_with = "lenient::count")]
    input_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_write_input_token_count: Option<u64>,
}

impl From<InvocationMetrics> for Usage {
    fn from(metrics: InvocationMetrics) -> Self {
        Self {
            input: metrics.input_token_count.unwrap_or(0),
            output: metrics.output_token_count.unwrap_or(0),
            cache_read: metrics.cache_read_input_token_count.unwrap_or(0),
            cache_write: metrics.cache_write_input_token_count.unwrap_or(0),
        }
    }
}
