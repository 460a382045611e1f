//! What a function answers to an HTTP event.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use crate::server_sent::{self, Data, ServerSent};
use crate::streamed::{Chunk, End, Streamed};

/// An answer of a function, as API Gateway reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u64,
    /// Headers, with their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body where it is JSON, else null.
    pub body: Value,
    /// The body as it came.
    pub content: String,
    /// The body's server-sent events where it has them, else none.
    pub events: Vec<ServerSent>,
    /// How it came.
    pub way: Way,
}

/// How an answer came.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// In one piece.
    Buffered,
    /// Piece by piece.
    Streamed {
        /// When status and headers had come.
        prelude: Instant,
        /// The pieces of the body.
        chunks: Vec<Chunk>,
        /// How it ended.
        end: End,
    },
}

impl Answer {
    /// Reads what the function gave to the Runtime API in one piece.
    pub(crate) fn read(response: &Value) -> Self {
        assert_eq!(response.get("isBase64Encoded"), Some(&Value::Bool(false)));
        let text = response.get("body").and_then(Value::as_str);
        let bytes = Bytes::copy_from_slice(text.expect("a body").as_bytes());
        let chunk = Chunk {
            at: Instant::now(),
            bytes,
        };
        Self::of(response, &[chunk], Way::Buffered)
    }

    /// Reads what the function streamed to the Runtime API.
    pub(crate) fn read_streamed(streamed: Streamed) -> Self {
        let (prelude, at) = streamed.prelude.expect("a prelude");
        let way = Way::Streamed {
            prelude: at,
            chunks: streamed.body.clone(),
            end: streamed.end,
        };
        Self::of(&prelude, &streamed.body, way)
    }

    fn of(head: &Value, chunks: &[Chunk], way: Way) -> Self {
        let field = |name: &str| head.get(name).unwrap_or(&Value::Null);
        let headers: BTreeMap<_, _> = field("headers")
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().expect("a header's text");
                (name.to_ascii_lowercase(), value.to_owned())
            })
            .collect();
        let bytes: Vec<u8> = chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.iter().copied())
            .collect();
        let kind = headers.get("content-type").map_or("", String::as_str);
        let cut = matches!(&way, Way::Streamed { end, .. } if *end != End::Complete);
        let body = match kind {
            "application/json" if !cut => serde_json::from_slice(&bytes).expect("a JSON body"),
            _ => Value::Null,
        };
        let events = match kind {
            "text/event-stream" => server_sent::read(chunks, cut),
            _ => Vec::new(),
        };
        Self {
            status: field("statusCode").as_u64().expect("a status"),
            body,
            content: String::from_utf8_lossy(&bytes).into_owned(),
            events,
            way,
            headers,
        }
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} of {self:?}"))
    }

    /// The error's object, which must have its four keys and no other.
    pub fn error(&self) -> &Value {
        error_of(&self.body)
    }

    /// The JSON of its server-sent events, in their order.
    pub fn data(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter_map(|event| match &event.data {
            Data::Json(value) => Some(value),
            Data::Done | Data::Comment(_) => None,
        })
    }

    /// Whether its last server-sent event is `[DONE]`.
    pub fn is_done(&self) -> bool {
        self.events
            .last()
            .is_some_and(|event| event.data == Data::Done)
    }

    /// The error that its last server-sent event is.
    pub fn last_error(&self) -> &Value {
        match self.events.last().map(|event| &event.data) {
            Some(Data::Json(value)) => error_of(value),
            last => panic!("no error at the end: {last:?}"),
        }
    }

    /// When status and headers came, piece by piece or else not at all.
    pub fn prelude(&self) -> Instant {
        match &self.way {
            Way::Streamed { prelude, .. } => *prelude,
            Way::Buffered => panic!("not streamed: {self:?}"),
        }
    }

    /// How a streamed answer ended.
    pub fn end(&self) -> &End {
        match &self.way {
            Way::Streamed { end, .. } => end,
            Way::Buffered => panic!("not streamed: {self:?}"),
        }
    }
}

/// The error's object, which must have its four keys and no other.
fn error_of(body: &Value) -> &Value {
    let error = body.get("error");
    let error = error.unwrap_or_else(|| panic!("no error in {body}"));
    let keys: Vec<_> = error.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["code", "message", "param", "type"]);
    error
}
