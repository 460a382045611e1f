//! API Gateway's REST proxy events (v1), and HTTP API and function URL events (v2).
//!
//! The event is read without `lambda_http`'s conversion to `http::Request`, which panics on some
//! Host headers, queries and bodies: see `docs/decisions/`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, header};
use lambda_http::request::LambdaRequest;
use serde::Serialize;

use crate::Error;
use crate::error::{RequestFault, Retry};

/// The largest body that is read. API Gateway's own limit is 10 MB, Lambda's is 6 MB of event.
const LARGEST_BODY: usize = 6 * 1024 * 1024;

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

/// An answer, in the shape that both event versions take.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
    /// An empty list in version 2, where the local emulator asks for it; version 1 refuses an
    /// answer that has the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<[&'static str; 0]>,
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
        let headers = headers(request_id, milliseconds);
        Ok(Self::new(200, headers, body, version))
    }

    /// The answer to a request that failed.
    pub fn of_error(error: &Error, version: Version, request_id: &str, milliseconds: u64) -> Self {
        let row = error.row();
        let mut headers = headers(request_id, milliseconds);
        if row.retry == Retry::Never {
            headers.insert("x-should-retry", "false".to_owned());
        }
        if let Some(seconds) = error.retry_after() {
            headers.insert("retry-after", seconds.to_string());
        }
        if let Error::Request(RequestFault::MethodNotAllowed { allow }) = error {
            headers.insert("allow", (*allow).to_owned());
        }
        // The body is plain data, which always serializes.
        let body = serde_json::to_string(&error.body()).unwrap_or_default();
        Self::new(row.status, headers, body, version)
    }

    const fn new(
        status_code: u16,
        headers: BTreeMap<&'static str, String>,
        body: String,
        version: Version,
    ) -> Self {
        let cookies = match version {
            Version::V1 => None,
            Version::V2 => Some([]),
        };
        Self {
            status_code,
            headers,
            body,
            is_base64_encoded: false,
            cookies,
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status_code
    }
}

fn headers(request_id: &str, milliseconds: u64) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("content-type", "application/json".to_owned()),
        ("openai-processing-ms", milliseconds.to_string()),
        ("x-request-id", request_id.to_owned()),
    ])
}

#[cfg(test)]
mod tests;
