//! What Converse and ConverseStream answer.

use serde::Serialize;

use crate::error::to_json;
use crate::families::{End, Ending};
use crate::frame::Event;
use crate::text::Finish;

/// How Converse's answers look.
#[derive(Debug)]
pub(crate) struct Format {
    /// Whether `additionalModelResponseFieldPaths` asked for Claude's `/stop_sequence`.
    pub(super) with_stop_sequence: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    output: Output<'a>,
    #[serde(flatten)]
    stop: Stop<'a>,
    usage: TokenUsage,
    metrics: Latency,
}

#[derive(Serialize)]
struct Output<'a> {
    message: Spoken<'a>,
}

#[derive(Serialize)]
struct Spoken<'a> {
    role: &'static str,
    content: Vec<TextBlock<'a>>,
}

#[derive(Serialize)]
struct TextBlock<'a> {
    text: &'a str,
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
    delta: TextBlock<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBlockStop {
    content_block_index: usize,
}

#[derive(Serialize)]
struct Metadata {
    usage: TokenUsage,
    metrics: Latency,
}

impl Format {
    /// A whole answer.
    pub(crate) fn answer(&self, text: &str, end: &End) -> Vec<u8> {
        let content = if text.is_empty() {
            vec![]
        } else {
            vec![TextBlock { text }]
        };
        to_json(&Answer {
            output: Output {
                message: Spoken {
                    role: "assistant",
                    content,
                },
            },
            stop: self.stop(end),
            usage: usage(end),
            metrics: Latency {
                latency_ms: end.latency,
            },
        })
    }

    /// Before any text.
    pub(crate) fn begin(&self) -> Vec<Event> {
        vec![Event::inline(
            "messageStart",
            &MessageStart { role: "assistant" },
            0,
        )]
    }

    /// More text; a text block has no start event.
    pub(crate) fn text(&self, text: &str) -> Vec<Event> {
        let delta = ContentBlockDelta {
            content_block_index: 0,
            delta: TextBlock { text },
        };
        vec![Event::inline("contentBlockDelta", &delta, text.len())]
    }

    /// After the last text.
    pub(crate) fn end(&self, end: &End) -> Vec<Event> {
        let metadata = Metadata {
            usage: usage(end),
            metrics: Latency {
                latency_ms: end.latency,
            },
        };
        vec![
            Event::inline(
                "contentBlockStop",
                &ContentBlockStop {
                    content_block_index: 0,
                },
                7,
            ),
            Event::inline("messageStop", &self.stop(end), 3),
            Event::inline("metadata", &metadata, 17),
        ]
    }

    fn stop<'a>(&self, end: &'a End) -> Stop<'a> {
        let (stop_reason, stop_sequence) = match &end.ending {
            Ending::Finished(Finish::EndOfTurn) => ("end_turn", None),
            Ending::Finished(Finish::StopSequence(stop)) => ("stop_sequence", Some(stop.as_str())),
            Ending::Finished(Finish::Length) => ("max_tokens", None),
            Ending::Filtered => ("content_filtered", None),
        };
        Stop {
            stop_reason,
            additional_model_response_fields: self
                .with_stop_sequence
                .then_some(StopSequence { stop_sequence }),
        }
    }
}

fn usage(end: &End) -> TokenUsage {
    TokenUsage {
        input_tokens: end.usage.input,
        output_tokens: end.usage.output,
        total_tokens: end.usage.input + end.usage.output,
    }
}
