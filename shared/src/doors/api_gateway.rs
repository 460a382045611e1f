//! API Gateway's REST proxy events (v1), and HTTP API and function URL events (v2).
//!
//! The event is read without `lambda_http`'s conversion to `http::Request`, which panics on some
//! Host headers, queries and bodies: see `docs/decisions/`.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use lambda_http::request::LambdaRequest;
use serde::Serialize;

use crate::Error;
use crate::error::{RequestFault, Retry};

/// The largest body that is read. API Gateway's own limit is 10 MB, Lambda's is 6 MB of event.
const LARGEST_BODY: usize = 6 * 1024 * 1024;

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The only method.
    pub method: &'static str,
    /// The path, without a stage.
    pub path: &'static str,
}

/// The version of an event's format, and of its answer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// REST APIs.
    V1,
    /// HTTP APIs and function URLs.
    V2,
}

/// The HTTP request within an event.
#[derive(Debug)]
pub struct Request {
    version: Version,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<String>,
    is_base64: bool,
}

impl Request {
    /// Reads an event.
    pub fn read(event: &str) -> Result<Self, Error> {
        let unsupported = |why| Error::from(RequestFault::EventUnsupported(why));
        let event: LambdaRequest = serde_json::from_str(event)
            .map_err(|_| unsupported("it is not a request from API Gateway or a function URL"))?;
        match event {
            LambdaRequest::ApiGatewayV1(event) => Ok(Self {
                version: Version::V1,
                method: event.http_method,
                path: without_stage(
                    event.path.unwrap_or_default(),
                    event.request_context.stage.as_deref(),
                ),
                headers: merged(event.headers, event.multi_value_headers),
                body: event.body,
                is_base64: event.is_base64_encoded,
            }),
            LambdaRequest::ApiGatewayV2(event) => Ok(Self {
                version: Version::V2,
                method: event.request_context.http.method,
                path: without_stage(
                    event.raw_path.unwrap_or_default(),
                    event.request_context.stage.as_deref(),
                ),
                headers: event.headers,
                body: event.body,
                is_base64: event.is_base64_encoded,
            }),
            // The enum is open: other sources are not compiled in.
            _ => Err(unsupported("it is of another HTTP service")),
        }
    }

    /// The version that the answer must be in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The body, if the request is for this route and sends JSON.
    pub fn body_for(self, route: Route) -> Result<Vec<u8>, Error> {
        if self.path != route.path {
            return Err(RequestFault::RouteNotFound.into());
        }
        if self.method.as_str() != route.method {
            return Err(RequestFault::MethodNotAllowed {
                allow: route.method,
            }
            .into());
        }
        if !sends_json(&self.headers) {
            return Err(RequestFault::MediaTypeUnsupported.into());
        }
        let text = self.body.unwrap_or_default();
        let body = match self.is_base64 {
            false => text.into_bytes(),
            true => STANDARD
                .decode(text)
                .map_err(|_| Error::from(RequestFault::BodyNotBase64))?,
        };
        match body.len() {
            size if size > LARGEST_BODY => Err(RequestFault::BodyTooLarge {
                size,
                limit: LARGEST_BODY,
            }
            .into()),
            _ => Ok(body),
        }
    }
}

/// v1 events may carry a header in either map, or in both.
fn merged(mut headers: HeaderMap, multi: HeaderMap) -> HeaderMap {
    for (name, value) in &multi {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// v2 paths begin with the stage, unless it is `$default`; v1 paths do under a bare stage URL.
fn without_stage(path: String, stage: Option<&str>) -> String {
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match rest {
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        Some(_) | None => path,
    }
}

/// JSON in UTF-8, not compressed. A missing content type is let pass; it says nothing wrong.
fn sends_json(headers: &HeaderMap) -> bool {
    let plain = match headers.get(header::CONTENT_ENCODING) {
        None => true,
        Some(encoding) => encoding.as_bytes().eq_ignore_ascii_case(b"identity"),
    };
    let json = match headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str())
    {
        None => true,
        Some(Err(_)) => false,
        Some(Ok(value)) => {
            let mut parts = value.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let charset_ok = parts.all(|parameter| {
                match parameter.to_ascii_lowercase().strip_prefix("charset=") {
                    Some(charset) => charset.trim_matches('"') == "utf-8",
                    None => true,
                }
            });
            charset_ok && (media == "application/json" || media.ends_with("+json"))
        }
    };
    plain && json
}

/// An answer, in the shape of the event's version: version 1 refuses an answer with keys that are
/// not its own, such as version 2's cookies.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a REST API.
    V1(ApiGatewayProxyResponse),
    /// To an HTTP API or a function URL.
    V2(ApiGatewayV2httpResponse),
}

impl Answer {
    /// The answer to a request that went well.
    pub fn of(
        body: &impl Serialize,
        version: Version,
        request_id: &str,
        milliseconds: u64,
    ) -> Result<Self, Error> {
        let body = serde_json::to_string(body).map_err(|_| Error::defect("answer"))?;
        Ok(Self::new(
            version,
            200,
            headers(request_id, milliseconds),
            body,
        ))
    }

    /// The answer to a request that failed.
    pub fn of_error(error: &Error, version: Version, request_id: &str, milliseconds: u64) -> Self {
        let row = error.row();
        let mut headers = headers(request_id, milliseconds);
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
        let body = serde_json::to_string(&error.body()).unwrap_or_default();
        Self::new(version, row.status, headers, body)
    }

    fn new(version: Version, status: u16, headers: HeaderMap, body: String) -> Self {
        let body = Some(Body::Text(body));
        match version {
            Version::V1 => {
                let mut answer = ApiGatewayProxyResponse::default();
                answer.status_code = status.into();
                answer.headers = headers;
                answer.body = body;
                Self::V1(answer)
            }
            Version::V2 => {
                let mut answer = ApiGatewayV2httpResponse::default();
                answer.status_code = status.into();
                answer.headers = headers;
                answer.body = body;
                Self::V2(answer)
            }
        }
    }
}

fn headers(request_id: &str, milliseconds: u64) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (PROCESSING_MS, milliseconds.into()),
    ]);
    // Lambda's ids are UUIDs, which are good header values.
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers
}

#[cfg(test)]
mod tests;
