//! An answer that a function streams to the Runtime API.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// What stands between the metadata and the body.
const DELIMITER: &[u8] = &[0; 8];

/// An answer as it came.
#[derive(Debug)]
pub struct Streamed {
    /// `{statusCode, headers, cookies}`, and when its end had come.
    pub prelude: Option<(Value, Instant)>,
    /// The body.
    pub body: Vec<Chunk>,
    /// How it ended.
    pub end: End,
    /// What came of the prelude so far.
    head: Vec<u8>,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// When it came.
    pub at: Instant,
    /// Its bytes.
    pub bytes: Bytes,
}

/// How a streamed answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With its last chunk.
    Complete,
    /// With trailers that say that the function failed: the type, and the report in base64.
    Failed(String, String),
    /// The connection broke.
    Broken,
    /// The Runtime API closed the connection.
    HungUp,
}

impl End {
    /// What the trailers say.
    pub(crate) fn of_trailers(trailers: &HeaderMap) -> Self {
        let trailer = |name: &str| {
            let value = trailers.get(name).map(|value| value.to_str());
            value.and_then(Result::ok).map(str::to_owned)
        };
        match trailer("lambda-runtime-function-error-type") {
            Some(kind) => Self::Failed(
                kind,
                trailer("lambda-runtime-function-error-body").unwrap_or_default(),
            ),
            None => Self::Complete,
        }
    }
}

impl Streamed {
    /// Nothing has come yet.
    pub(crate) fn new() -> Self {
        Self {
            prelude: None,
            body: Vec::new(),
            end: End::Complete,
            head: Vec::new(),
        }
    }

    /// Takes the next chunk: of the prelude, of the body, or the end of one and the begin of the
    /// other.
    pub(crate) fn push(&mut self, chunk: Chunk) {
        if self.prelude.is_some() {
            self.body.push(chunk);
            return;
        }
        self.head.extend_from_slice(&chunk.bytes);
        let delimiter = self
            .head
            .windows(DELIMITER.len())
            .position(|window| window == DELIMITER);
        let Some(end) = delimiter else { return };
        let rest = self.head.split_off(end).split_off(DELIMITER.len());
        let prelude = serde_json::from_slice(&self.head).expect("a prelude of JSON");
        self.prelude = Some((prelude, chunk.at));
        if !rest.is_empty() {
            self.body.push(Chunk {
                at: chunk.at,
                bytes: rest.into(),
            });
        }
    }
}
