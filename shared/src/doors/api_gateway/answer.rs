//! Answers on their way out: as Lambda's streaming response, or as the object of the event's version.

use std::convert::Infallible;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body as Text;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_runtime::{FunctionResponse, MetadataPrelude, StreamResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Version, server_sent_events};
use crate::Error;
use crate::api::document::Document;
use crate::doors::queue::Failures;
use crate::error::{self, RequestFault, Retry};
use crate::reply::Events;
use crate::telemetry::Line;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The chunks of a streamed answer's body. What goes wrong is said in the body, in its own format.
pub type Chunks = BoxStream<'static, Result<Bytes, Infallible>>;

/// What the Runtime API is given.
pub type Response = FunctionResponse<Buffered, Chunks>;

/// An answer that is one object, in the shape that the event's sender reads. Version 1 of HTTP refuses
/// an answer with keys that are not its own, such as version 2's cookies.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Buffered {
    /// To a REST API.
    V1(ApiGatewayProxyResponse),
    /// To an HTTP API or a function URL.
    V2(ApiGatewayV2httpResponse),
    /// To a queue.
    Failures(Failures),
    /// To whoever needs no answer.
    Nothing(()),
    /// To a caller who invoked the function itself.
    Bare(Box<RawValue>),
    /// To the same, what went wrong.
    Error(error::Body),
}

impl Buffered {
    /// An answer's JSON by itself.
    pub(crate) fn bare(json: String) -> Self {
        match RawValue::from_string(json) {
            Ok(json) => Self::Bare(json),
            // Our own documents are JSON.
            Err(_) => Self::Error(Error::defect("json").body()),
        }
    }
}

/// An answer.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: BoxStream<'static, Bytes>,
}

impl Answer {
    /// One JSON document.
    pub(crate) fn whole(document: Document, line: &Line) -> Self {
        Self {
            status: StatusCode::OK,
            headers: headers(line, "application/json"),
            body: stream::iter(document.chunks()).boxed(),
        }
    }

    /// Documents as they come, as server-sent events. The line is logged when they end.
    pub(crate) fn streamed(events: Events, line: Line) -> Self {
        let mut headers = headers(&line, "text/event-stream");
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Self {
            status: StatusCode::OK,
            headers,
            body: server_sent_events::frame(events, line).boxed(),
        }
    }

    /// Nothing but headers: the answer to a browser that asks what it may ask.
    pub(crate) fn preflight(line: &Line) -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            headers: bookkeeping(line),
            body: stream::empty().boxed(),
        }
    }

    /// What went wrong.
    pub(crate) fn of_error(error: &Error, line: &Line) -> Self {
        let row = error.row();
        let mut headers = headers(line, "application/json");
        if row.retry == Retry::Never {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = error.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Error::Request(RequestFault::MethodNotAllowed { allow }) = error {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        // The body is plain data, which always serializes.
        let body = serde_json::to_vec(&error.body()).unwrap_or_default();
        Self {
            // The table's numbers are statuses.
            status: StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body: stream::iter([Bytes::from(body)]).boxed(),
        }
    }

    /// The same answer with further headers.
    pub(crate) fn with(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// As Lambda's streaming response: a prelude, then the body as it comes.
    pub(crate) fn streaming(self) -> Response {
        FunctionResponse::StreamingResponse(StreamResponse {
            metadata_prelude: MetadataPrelude {
                status_code: self.status,
                headers: self.headers,
                cookies: Vec::new(),
            },
            stream: self.body.map(Ok).boxed(),
        })
    }

    /// As one object, once the body is complete, with the size that the body has in it: it is a JSON
    /// string there, so what is JSON itself is escaped once more.
    pub(crate) async fn buffered(self, version: Version) -> (Response, usize) {
        let parts: Vec<Bytes> = self.body.collect().await;
        // Bodies are JSON and events, which are text.
        let text = String::from_utf8(parts.concat()).unwrap_or_default();
        let size = text.len() + text.bytes().map(escapes).sum::<usize>();
        let status = self.status.as_u16().into();
        let body = Some(Text::Text(text));
        let answer = match version {
            Version::V1 => {
                let mut answer = ApiGatewayProxyResponse::default();
                answer.status_code = status;
                answer.headers = self.headers;
                answer.body = body;
                Buffered::V1(answer)
            }
            Version::V2 => {
                let mut answer = ApiGatewayV2httpResponse::default();
                answer.status_code = status;
                answer.headers = self.headers;
                answer.body = body;
                Buffered::V2(answer)
            }
        };
        (FunctionResponse::BufferedResponse(answer), size)
    }
}

/// How many bytes more than one a byte takes in a JSON string.
const fn escapes(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0x00..0x20 => 5,
        _ => 0,
    }
}

fn headers(line: &Line, content_type: &'static str) -> HeaderMap {
    let mut headers = bookkeeping(line);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
}

/// What every answer says of itself.
fn bookkeeping(line: &Line) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(PROCESSING_MS, line.milliseconds().into())]);
    // Lambda's ids are UUIDs, which are good header values.
    if let Ok(id) = HeaderValue::from_str(line.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    headers
}
