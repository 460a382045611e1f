//! Answers on the wire, and the faults that strike there.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::fault::Fault;
use crate::text::Usage;

/// What a call took, as InvokeModel's headers say it. The other operations have no such headers
/// (recorded): they say it in the body.
pub(super) struct Taken {
    /// None for a picture: whether AWS sends token counts with one is not known.
    pub tokens: Option<Usage>,
    /// Milliseconds.
    pub latency: u64,
}

/// A whole answer.
pub(super) struct Answer {
    pub body: Vec<u8>,
    pub backend: String,
    /// Of InvokeModel only.
    pub taken: Option<Taken>,
}

const BACKEND: HeaderName = HeaderName::from_static("x-local-backend");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Long enough for what was sent before a cut to leave the process.
pub(super) const FLUSH: Duration = Duration::from_millis(20);

impl Answer {
    pub(super) fn into_response(self, fault: Option<Fault>) -> Response {
        let length = self.body.len();
        let mut response = Response::new(body(self.body, fault));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::CONTENT_LENGTH, length.into());
        insert_backend(headers, &self.backend);
        if let Some(taken) = self.taken {
            taken.insert(headers);
        }
        response
    }
}

impl Taken {
    fn insert(self, headers: &mut HeaderMap) {
        let name = HeaderName::from_static("x-amzn-bedrock-invocation-latency");
        headers.insert(name, self.latency.into());
        if let Some(usage) = self.tokens {
            let name = HeaderName::from_static("x-amzn-bedrock-input-token-count");
            headers.insert(name, usage.input.into());
            let name = HeaderName::from_static("x-amzn-bedrock-output-token-count");
            headers.insert(name, usage.output.into());
        }
    }
}

/// A stream of frames. An error among them closes the connection.
pub(super) fn event_stream(
    frames: impl stream::Stream<Item = Result<Bytes, Broken>> + Send + 'static,
    backend: &str,
) -> Response {
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static("application/vnd.amazon.eventstream");
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(HeaderName::from_static("x-amzn-bedrock-content-type"), JSON);
    insert_backend(headers, backend);
    response
}

/// 200, but not from a model.
pub(super) fn garbage() -> Response {
    let mut response = Response::new(Body::from("<html><body>It works!</body></html>"));
    let html = HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

/// 200 and nothing.
pub(super) fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// Makes the checksum of a PNG's last data chunk wrong.
pub(super) fn spoil_png(png: &mut [u8]) {
    // The file ends in the 12 bytes of IEND; the checksum of what precedes it comes right before.
    let end = png.len().saturating_sub(12);
    if let Some(byte) = png.get_mut(..end).and_then(<[u8]>::last_mut) {
        *byte ^= 0xff;
    }
}

/// The connection is to be closed before the answer's end.
#[derive(Debug, thiserror::Error)]
#[error("an injected fault cuts the connection")]
pub(crate) struct Broken;

fn insert_backend(headers: &mut HeaderMap, backend: &str) {
    if let Ok(value) = HeaderValue::from_str(backend) {
        headers.insert(BACKEND, value);
    }
}

fn body(mut bytes: Vec<u8>, fault: Option<Fault>) -> Body {
    match fault {
        Some(Fault::Cut) => {
            bytes.truncate(bytes.len() / 2);
            let half = stream::iter([Ok(bytes)]);
            let cut = stream::once(async {
                tokio::time::sleep(FLUSH).await;
                Err(Broken)
            });
            Body::from_stream(half.chain(cut))
        }
        Some(Fault::StallBody) => {
            bytes.truncate(bytes.len() / 2);
            let half = stream::iter([Ok::<_, Broken>(bytes)]);
            Body::from_stream(half.chain(stream::pending()))
        }
        _ => Body::from(bytes),
    }
}
