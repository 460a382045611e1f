//! Server-sent events, as strictly as `http-api.md` has them: each is one line and a blank one.

use std::time::Instant;

use serde_json::Value;

use crate::streamed::Chunk;

/// A line of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSent {
    /// When its end had come.
    pub at: Instant,
    /// What it says.
    pub data: Data,
}

/// What a line of a stream says.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `data: {…}`
    Json(Value),
    /// `data: [DONE]`
    Done,
    /// `: …`, which decoders pass over.
    Comment(String),
}

/// The longest line that decoders are known to take.
const LONGEST_LINE: usize = 128 * 1024;

/// Reads a body to its end, which must be the end of an event; of a body that was `cut`, as far as
/// whole events go.
pub(crate) fn read(chunks: &[Chunk], cut: bool) -> Vec<ServerSent> {
    let mut events = Vec::new();
    let mut text = Vec::new();
    for chunk in chunks {
        text.extend_from_slice(&chunk.bytes);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let rest = text.split_off(end + 2);
            text.truncate(end);
            events.push(ServerSent {
                at: chunk.at,
                data: read_line(&text),
            });
            text = rest;
        }
    }
    assert!(cut || text.is_empty(), "a stream ends with a whole event");
    events
}

fn read_line(line: &[u8]) -> Data {
    assert!(line.len() < LONGEST_LINE, "a line of {} bytes", line.len());
    let line = str::from_utf8(line).expect("UTF-8");
    assert!(!line.contains(['\n', '\r']), "one line: {line}");
    match (line.strip_prefix("data: "), line.strip_prefix(": ")) {
        (Some("[DONE]"), _) => Data::Done,
        (Some(json), _) => Data::Json(serde_json::from_str(json).expect("JSON")),
        (None, Some(comment)) => Data::Comment(comment.to_owned()),
        (None, None) => panic!("neither data nor a comment: {line}"),
    }
}
