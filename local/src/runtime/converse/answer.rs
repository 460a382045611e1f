//! What Converse and ConverseStream answer.

use serde::Serialize;

use super::cache::{Cached, Prefix, Prefixes};
use super::guardrail::{Outcome, Trace};
use super::thinking::Thought;
use super::tools::{Called, Said};
use crate::error::to_json;
use crate::families::{End, Ending};
use crate::frame::Event;
use crate::text::Finish;

/// How Converse's answers look.
#[derive(Debug)]
pub(crate) struct Format {
    /// Whether `additionalModelResponseFieldPaths` asked for Claude's `/stop_sequence`.
    pub(super) with_stop_sequence: bool,
    /// What the model is said to think before it answers.
    pub(super) thought: Option<Thought>,
    /// What the guardrail did, if one was asked for.
    pub(super) outcome: Option<Outcome>,
    pub(super) tier: Option<String>,
    pub(super) latency: Option<String>,
    /// What stands before the request's last cache point.
    pub(super) prefix: Option<Prefix>,
    pub(super) cached: Option<Cached>,
    /// What is said in the backend's place.
    pub(super) said: Option<Said>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    output: Output<'a>,
    #[serde(flatten)]
    stop: Stop<'a>,
    usage: TokenUsage,
    metrics: Latency,
    #[serde(flatten)]
    served: Served<'a>,
}

#[derive(Serialize)]
struct Output<'a> {
    message: Spoken<'a>,
}

#[derive(Serialize)]
struct Spoken<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// A block of a message, or its delta in a stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Block<'a> {
    Text(&'a str),
    ReasoningContent(ReasoningContent<'a>),
    /// In a whole answer.
    ToolUse(ToolUse<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: &'a str,
    name: &'a str,
    input: &'a serde_json::Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ReasoningContent<'a> {
    /// In a whole answer.
    ReasoningText(ReasoningText<'a>),
    /// In a stream.
    Text(&'a str),
    Signature(&'a str),
}

#[derive(Serialize)]
struct ReasoningText<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

/// What is said of how the answer came about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Served<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    performance_config: Option<PerformanceConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<ServiceTier<'a>>,
}

#[derive(Serialize)]
struct PerformanceConfig<'a> {
    latency: &'a str,
}

#[derive(Serialize)]
struct ServiceTier<'a> {
    r#type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'a> {
    stop_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<StopSequence<'a>>,
}

#[derive(Serialize)]
struct StopSequence<'a> {
    stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenUsage {
    input_tokens: usize,
    output_tokens: usize,
    total_tokens: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_input_tokens: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Latency {
    latency_ms: u64,
}

#[derive(Serialize)]
struct MessageStart {
    role: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockDelta<'a> {
    content_block_index: usize,
    delta: Block<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockStart<'a> {
    content_block_index: usize,
    start: Start<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Start<'a> {
    #[serde(rename_all = "camelCase")]
    ToolUse { tool_use_id: &'a str, name: &'a str },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolDelta<'a> {
    content_block_index: usize,
    delta: ToolInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ToolInput<'a> {
    ToolUse { input: &'a str },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockStop {
    content_block_index: usize,
}

#[derive(Serialize)]
struct Metadata<'a> {
    usage: TokenUsage,
    metrics: Latency,
    #[serde(flatten)]
    served: Served<'a>,
}

impl Format {
    /// A whole answer.
    pub(crate) fn answer(&self, text: &str, end: &End) -> Vec<u8> {
        let mut content = Vec::new();
        let text = match self.blocked() {
            Some(message) => message,
            None => {
                content.extend(self.thought.as_ref().map(|thought| {
                    Block::ReasoningContent(ReasoningContent::ReasoningText(ReasoningText {
                        text: &thought.text,
                        signature: thought.signature.as_deref(),
                    }))
                }));
                self.said.as_ref().map_or(text, |said| said.text.as_str())
            }
        };
        if !text.is_empty() {
            content.push(Block::Text(text));
        }
        content.extend(self.calls().iter().map(|call| {
            Block::ToolUse(ToolUse {
                tool_use_id: &call.id,
                name: &call.name,
                input: &call.input,
            })
        }));
        to_json(&Answer {
            output: Output {
                message: Spoken {
                    role: "assistant",
                    content,
                },
            },
            stop: self.stop(end),
            usage: self.usage(end),
            metrics: Latency {
                latency_ms: end.latency,
            },
            served: self.served(),
        })
    }

    /// Asks the cache of prompts.
    pub(crate) fn look_up(self, prefixes: &Prefixes) -> Self {
        Self {
            cached: prefixes.look_up(self.prefix),
            ..self
        }
    }

    /// What the guardrail says in the model's place.
    fn blocked(&self) -> Option<&'static str> {
        self.outcome.and_then(Outcome::message)
    }

    /// The calls of tools; none where a guardrail blocks.
    fn calls(&self) -> &[Called] {
        match (&self.said, self.blocked()) {
            (Some(said), None) => &said.calls,
            (Some(_) | None, _) => &[],
        }
    }

    /// Whether there is a block of text.
    fn has_text(&self) -> bool {
        let said = self.said.as_ref().filter(|_| self.blocked().is_none());
        said.is_none_or(|said| !said.text.is_empty())
    }

    fn served(&self) -> Served<'_> {
        Served {
            trace: self.outcome.and_then(Outcome::trace),
            performance_config: self
                .latency
                .as_deref()
                .map(|latency| PerformanceConfig { latency }),
            service_tier: self.tier.as_deref().map(|r#type| ServiceTier { r#type }),
        }
    }

    /// The index of the block with the answer's text.
    fn text_index(&self) -> usize {
        usize::from(self.thought.is_some() && self.blocked().is_none())
    }

    /// Before any text.
    pub(crate) fn begin(&self) -> Vec<Event> {
        let mut events = vec![Event::inline(
            "messageStart",
            &MessageStart { role: "assistant" },
            0,
        )];
        match (self.blocked(), &self.thought) {
            (Some(message), _) => events.extend(self.text_delta(message)),
            (None, Some(thought)) => events.extend(think(thought)),
            (None, None) => {}
        }
        if let (None, Some(said)) = (self.blocked(), &self.said) {
            let words = said.text.split_inclusive(' ');
            events.extend(words.flat_map(|word| self.text_delta(word)));
        }
        events
    }

    /// More text; a text block has no start event.
    pub(crate) fn text(&self, text: &str) -> Vec<Event> {
        match self.blocked() {
            Some(_) => Vec::new(),
            None if self.said.is_some() => Vec::new(),
            None => self.text_delta(text),
        }
    }

    fn text_delta(&self, text: &str) -> Vec<Event> {
        vec![delta(self.text_index(), Block::Text(text), text.len())]
    }

    /// After the last text.
    pub(crate) fn end(&self, end: &End) -> Vec<Event> {
        let metadata = Metadata {
            usage: self.usage(end),
            metrics: Latency {
                latency_ms: end.latency,
            },
            served: self.served(),
        };
        let mut events = Vec::new();
        let mut index = self.text_index();
        if self.has_text() {
            events.push(stopped(index));
            index += 1;
        }
        for call in self.calls() {
            events.extend(called(index, call));
            index += 1;
        }
        events.push(Event::inline("messageStop", &self.stop(end), 3));
        events.push(Event::inline("metadata", &metadata, 17));
        events
    }

    /// No model works for what a guardrail blocks.
    fn usage(&self, end: &End) -> TokenUsage {
        let (input, output) = match self.blocked() {
            Some(_) => (0, 0),
            None => (end.usage.input, end.usage.output),
        };
        let output = match self.said.as_ref().filter(|_| self.blocked().is_none()) {
            Some(said) => said.words(),
            None => output,
        };
        let thought = self.thought.as_ref().filter(|_| self.blocked().is_none());
        let thought = thought.map_or(0, |thought| thought.text.split_whitespace().count());
        let Cached { read, written } = self.cached.unwrap_or_default();
        let (input, output) = (input.saturating_sub(read + written), output + thought);
        TokenUsage {
            input_tokens: input,
            output_tokens: output,
            total_tokens: input + read + written + output,
            cache_read_input_tokens: self.cached.map(|cached| cached.read),
            cache_write_input_tokens: self.cached.map(|cached| cached.written),
        }
    }

    fn stop<'a>(&self, end: &'a End) -> Stop<'a> {
        let (stop_reason, stop_sequence) = match &end.ending {
            Ending::Finished(Finish::EndOfTurn) => ("end_turn", None),
            Ending::Finished(Finish::StopSequence(stop)) => ("stop_sequence", Some(stop.as_str())),
            Ending::Finished(Finish::Length) => ("max_tokens", None),
            Ending::Filtered => ("content_filtered", None),
        };
        let stop_reason = match self.blocked() {
            Some(_) => "guardrail_intervened",
            None if !self.calls().is_empty() => "tool_use",
            None => stop_reason,
        };
        Stop {
            stop_reason,
            additional_model_response_fields: self
                .with_stop_sequence
                .then_some(StopSequence { stop_sequence }),
        }
    }
}

/// The events of what a model thinks; no event starts its block.
fn think(thought: &Thought) -> Vec<Event> {
    let said = |content| Block::ReasoningContent(content);
    let mut events: Vec<Event> = thought
        .text
        .split_inclusive(' ')
        .map(|word| delta(0, said(ReasoningContent::Text(word)), word.len()))
        .collect();
    if let Some(signature) = &thought.signature {
        events.push(delta(0, said(ReasoningContent::Signature(signature)), 11));
    }
    events.push(stopped(0));
    events
}

/// The events of a call: its input comes in pieces of JSON.
fn called(content_block_index: usize, call: &Called) -> Vec<Event> {
    let start = ContentBlockStart {
        content_block_index,
        start: Start::ToolUse {
            tool_use_id: &call.id,
            name: &call.name,
        },
    };
    let mut events = vec![Event::inline("contentBlockStart", &start, 5)];
    let json = call.input.to_string();
    events.extend(json.split_inclusive(['{', ',', ' ']).map(|input| {
        let delta = ToolDelta {
            content_block_index,
            delta: ToolInput::ToolUse { input },
        };
        Event::inline("contentBlockDelta", &delta, input.len())
    }));
    events.push(stopped(content_block_index));
    events
}

fn stopped(content_block_index: usize) -> Event {
    let stop = ContentBlockStop {
        content_block_index,
    };
    Event::inline("contentBlockStop", &stop, 7)
}

fn delta(content_block_index: usize, delta: Block<'_>, padding: usize) -> Event {
    let delta = ContentBlockDelta {
        content_block_index,
        delta,
    };
    Event::inline("contentBlockDelta", &delta, padding)
}
