//! API Gateway's REST proxy events (v1), and HTTP API and function URL events (v2).
//!
//! The event is read without `lambda_http`'s conversion to `http::Request`, which panics on some
//! Host headers, queries and bodies: see `docs/decisions/`.

mod answer;
mod cors;
mod server_sent_events;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use lambda_http::request::LambdaRequest;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Error;
use crate::error::RequestFault;

pub(crate) use answer::Answer;
pub use answer::{Buffered, Chunks, Response};
pub use cors::Cors;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest path and query: no URL is longer.
const LONGEST_TARGET: usize = 64 * 1024 - 1;

/// The end of a route's path that stands for the rest of a request's path.
const REST: &str = "{id+}";

/// One route of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The only method.
    pub method: &'static str,
    /// The path, without a stage. One that ends with `/{id+}` takes any further path.
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

/// What a task is given of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// What the path has in the place of `{id+}`, decoded.
    pub rest: Option<String>,
    /// The parameters of the query.
    pub query: Vec<(String, String)>,
    /// The body; empty for a route that is read only.
    pub body: Vec<u8>,
}

/// The HTTP request within an event.
#[derive(Debug)]
pub struct Request {
    version: Version,
    method: Method,
    path: String,
    /// As it came, where the event has it.
    raw_query: Option<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<String>,
    is_base64: bool,
    accepted: i64,
}

/// An event that cannot be read.
#[derive(Debug)]
pub struct Unread {
    /// What is wrong with it.
    pub error: Error,
    /// The version that the answer must be in, if it is a gateway that waits for one: a request
    /// may have a header, say, that cannot be read.
    pub version: Option<Version>,
}

impl Unread {
    fn of(event: &str) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Shape<'a> {
            #[serde(default)]
            version: Option<&'a str>,
            #[serde(rename = "requestContext")]
            _context: IgnoredAny,
        }

        let shape = serde_json::from_str::<Shape<'_>>(event).ok();
        let reason = match shape {
            Some(_) => "its request cannot be read",
            None => "it is not a request from API Gateway or a function URL",
        };
        Self {
            error: RequestFault::EventUnsupported(reason).into(),
            version: shape.map(|shape| match shape.version {
                Some("2.0") => Version::V2,
                Some(_) | None => Version::V1,
            }),
        }
    }
}

impl Request {
    /// Reads an event.
    pub fn read(event: &str) -> Result<Self, Unread> {
        let read = serde_json::from_str(event).map_err(|_| Unread::of(event))?;
        let request = Self::of(read).ok_or_else(|| Unread::of(event))?;
        match request.is_possible() {
            true => Ok(request),
            false => Err(Unread::of(event)),
        }
    }

    fn of(event: LambdaRequest) -> Option<Self> {
        match event {
            LambdaRequest::ApiGatewayV1(event) => Some(Self {
                version: Version::V1,
                method: event.http_method,
                path: without_stage(
                    event.path.unwrap_or_default(),
                    event.request_context.stage.as_deref(),
                ),
                raw_query: None,
                query: pairs(match event.multi_value_query_string_parameters.is_empty() {
                    false => event.multi_value_query_string_parameters.iter(),
                    true => event.query_string_parameters.iter(),
                }),
                headers: merged(event.headers, event.multi_value_headers),
                body: event.body,
                is_base64: event.is_base64_encoded,
                accepted: event.request_context.request_time_epoch,
            }),
            LambdaRequest::ApiGatewayV2(event) => Some(Self {
                version: Version::V2,
                method: event.request_context.http.method,
                path: without_stage(
                    event.raw_path.unwrap_or_default(),
                    event.request_context.stage.as_deref(),
                ),
                raw_query: event.raw_query_string,
                query: pairs(event.query_string_parameters.iter()),
                headers: event.headers,
                body: event.body,
                is_base64: event.is_base64_encoded,
                accepted: event.request_context.time_epoch,
            }),
            // The enum is open: other sources are not compiled in.
            _ => None,
        }
    }

    /// Whether a client can have sent this to a gateway. Nothing here depends on it, but what cannot
    /// have been sent was made up, and is better told so than served.
    fn is_possible(&self) -> bool {
        let host = match self.headers.get(header::HOST).map(HeaderValue::to_str) {
            None | Some(Ok("")) => true,
            Some(Ok(host)) => is_host(host),
            Some(Err(_)) => false,
        };
        let query = self.raw_query.as_deref().unwrap_or_default();
        let short = self.path.len() + query.len() < LONGEST_TARGET;
        host && short && is_query(query)
    }

    /// The version that the answer must be in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// When the gateway accepted it, in milliseconds since 1970; 0 where it does not say.
    pub const fn accepted(&self) -> i64 {
        self.accepted
    }

    /// The headers that let the page of this request read the answer.
    pub(crate) fn cors(&self, cors: &Cors, routes: &[Route]) -> Vec<(HeaderName, HeaderValue)> {
        let methods = self.route(routes).map_or("", |(route, _)| route.method);
        cors.headers(&self.page(), methods)
    }

    /// Whether a browser asks what it may ask of one of these routes, before it does.
    pub(crate) fn is_preflight(&self, routes: &[Route]) -> bool {
        self.page().is_preflight() && self.route(routes).is_some()
    }

    fn page(&self) -> cors::Page {
        cors::Page::of(&self.method, &self.headers)
    }

    /// The route whose path this request has, and the rest of the path.
    fn route<'a>(&self, routes: &'a [Route]) -> Option<(&'a Route, Option<&str>)> {
        routes
            .iter()
            .find_map(|route| match route.path.strip_suffix(REST) {
                None => (self.path == route.path).then_some((route, None)),
                Some(stem) => {
                    let rest = self.path.strip_prefix(stem)?;
                    (!rest.is_empty()).then_some((route, Some(rest)))
                }
            })
    }

    /// What the task is given, if the request is for one of its routes and well-formed.
    pub fn input_for(self, routes: &[Route], largest_body: usize) -> Result<Input, Error> {
        let (route, rest) = self
            .route(routes)
            .ok_or_else(|| Error::from(RequestFault::RouteNotFound))?;
        if self.method.as_str() != route.method {
            let allow = route.method;
            return Err(RequestFault::MethodNotAllowed { allow }.into());
        }
        if self.headers.contains_key(IDEMPOTENCY_KEY) {
            return Err(RequestFault::IdempotencyUnsupported.into());
        }
        let rest = rest
            .map(|rest| percent_decode_str(rest).decode_utf8())
            .transpose()
            .map_err(|_| Error::from(RequestFault::RouteNotFound))?
            .map(std::borrow::Cow::into_owned);
        let body = match route.method {
            "GET" => Vec::new(),
            _ if !sends_json(&self.headers) => {
                return Err(RequestFault::MediaTypeUnsupported.into());
            }
            _ => decoded(self.body, self.is_base64, largest_body)?,
        };
        Ok(Input {
            rest,
            query: self.query,
            body,
        })
    }
}

/// A name or an address, and perhaps a port.
fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        match port.map(|port| port.strip_prefix(':')) {
            Some(Some(port)) => port.parse::<u16>().is_ok(),
            // What stands before the host would be a user.
            Some(None) => authority.as_str() == authority.host(),
            None => false,
        }
    })
}

/// What may stand behind a URL's question mark.
fn is_query(text: &str) -> bool {
    text.is_empty() || !text.contains('#') && format!("/?{text}").parse::<PathAndQuery>().is_ok()
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn decoded(body: Option<String>, is_base64: bool, limit: usize) -> Result<Vec<u8>, Error> {
    let text = body.unwrap_or_default();
    let too_large = |size| Error::from(RequestFault::BodyTooLarge { size, limit });
    // What is far too large is not decoded first.
    if text.len() / 4 * 3 > limit {
        return Err(too_large(text.len()));
    }
    let body = match is_base64 {
        false => text.into_bytes(),
        true => STANDARD
            .decode(text)
            .map_err(|_| Error::from(RequestFault::BodyNotBase64))?,
    };
    match body.len() {
        size if size > limit => Err(too_large(size)),
        _ => Ok(body),
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

#[cfg(test)]
mod tests;
