//! API Gateway's REST proxy events (v1), and HTTP API and function URL events (v2).
//!
//! The event is read without `lambda_http`'s conversion to `http::Request`, which panics on some
//! Host headers, queries and bodies: see `docs/decisions/`.

mod answer;
mod cors;
mod form;
mod idempotency;
mod server_sent_events;

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
use form::{decoded, is_host, is_query, sends_json};
pub use idempotency::IdempotencyKey;

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

impl Route {
    /// This route, if it is the path's, with the rest of the path.
    fn rest_of<'p>(&self, path: &'p str) -> Option<(&Self, Option<&'p str>)> {
        match self.path.strip_suffix(REST) {
            None => (path == self.path).then_some((self, None)),
            Some(stem) => {
                let rest = path.strip_prefix(stem)?;
                (!rest.is_empty()).then_some((self, Some(rest)))
            }
        }
    }
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

impl Input {
    /// A body, and nothing besides.
    pub fn of(body: Vec<u8>) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }
}

/// The HTTP request within an event.
#[derive(Debug)]
pub struct Request {
    version: Version,
    method: Method,
    path: String,
    stage: Option<String>,
    /// As it came, where the event has it.
    raw_query: Option<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<String>,
    is_base64: bool,
    accepted: i64,
    /// Whom the gateway took the caller for.
    caller: Option<String>,
    key_id: Option<String>,
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
            request_context: Context,
        }

        #[derive(Deserialize)]
        struct Context {
            /// A load balancer's.
            #[serde(default)]
            elb: Option<IgnoredAny>,
        }

        let shape = serde_json::from_str::<Shape<'_>>(event).ok();
        let shape = shape.filter(|shape| shape.request_context.elb.is_none());
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
                path: event.path.unwrap_or_default(),
                stage: event.request_context.stage,
                raw_query: None,
                query: pairs(match event.multi_value_query_string_parameters.is_empty() {
                    false => event.multi_value_query_string_parameters.iter(),
                    true => event.query_string_parameters.iter(),
                }),
                headers: merged(event.headers, event.multi_value_headers),
                body: event.body,
                is_base64: event.is_base64_encoded,
                accepted: event.request_context.request_time_epoch,
                caller: idempotency::caller_v1(&event.request_context.identity),
                key_id: event.request_context.identity.api_key_id,
            }),
            LambdaRequest::ApiGatewayV2(event) => Some(Self {
                version: Version::V2,
                method: event.request_context.http.method,
                path: event.raw_path.unwrap_or_default(),
                stage: event.request_context.stage,
                raw_query: event.raw_query_string,
                query: pairs(event.query_string_parameters.iter()),
                headers: event.headers,
                body: event.body,
                is_base64: event.is_base64_encoded,
                accepted: event.request_context.time_epoch,
                caller: idempotency::caller_v2(event.request_context.authorizer.as_ref()),
                key_id: None,
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

    /// The id of the API key that it came with, as the gateway says it.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The caller's key for being answered once only, if there is one.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Error> {
        match self.method {
            // What only reads may be done as often as one likes.
            Method::GET => Ok(None),
            _ => IdempotencyKey::read(&self.headers, self.caller.as_deref()),
        }
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
        // v2 paths begin with the stage, unless it is `$default`; v1 paths do under a bare stage URL.
        let stage = self.stage.as_deref();
        let behind_stage = stage.and_then(|stage| self.path.strip_prefix('/')?.strip_prefix(stage));
        [Some(self.path.as_str()), behind_stage]
            .into_iter()
            .flatten()
            .find_map(|path| routes.iter().find_map(|route| route.rest_of(path)))
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

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
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

#[cfg(test)]
mod tests;
