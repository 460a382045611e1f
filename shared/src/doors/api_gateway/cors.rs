//! Which web pages may read the answers.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// What a page's script may read of an answer besides its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, openai-processing-ms, x-should-retry, idempotent-replayed, \
     x-history-trimmed",
);

/// What official clients send from a browser; `user-agent` is what Node's client sets. API Gateway
/// answers the same where it answers preflights itself.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, openai-organization, openai-project, \
     user-agent, x-stainless-arch, x-stainless-async, x-stainless-custom-event-handler, \
     x-stainless-custom-poll-interval, x-stainless-helper-method, x-stainless-lang, \
     x-stainless-os, x-stainless-package-version, x-stainless-poll-helper, \
     x-stainless-raw-response, x-stainless-read-timeout, x-stainless-retry-count, \
     x-stainless-runtime, x-stainless-runtime-version, x-stainless-stream-helper, \
     x-stainless-timeout",
);

/// How long a browser may remember a preflight's answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origin whose pages may read the answers, if any. It is one, never all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors(pub Option<HeaderValue>);

/// What a browser says of the page that asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    origin: Option<HeaderValue>,
    /// Whether it asks what it may ask.
    preflight: bool,
}

impl Page {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            origin: headers.get(header::ORIGIN).cloned(),
            preflight: method == Method::OPTIONS
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        }
    }

    pub(super) const fn is_preflight(&self) -> bool {
        self.preflight
    }
}

impl Cors {
    /// The headers that let the page read the answer; none for a page that may not. `methods` are
    /// those of the functions' route.
    pub(super) fn headers(
        &self,
        page: &Page,
        methods: &'static str,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let Some(origin) = &self.0 else {
            return Vec::new();
        };
        // Who caches the answer must not show it to a page of another origin.
        let mut headers = vec![(header::VARY, HeaderValue::from_static("origin"))];
        if page.origin.as_ref() != Some(origin) {
            return headers;
        }
        headers.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
        if page.preflight {
            headers.extend([
                (
                    header::ACCESS_CONTROL_ALLOW_METHODS,
                    HeaderValue::from_static(methods),
                ),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
            ]);
        } else {
            headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_gateway_allows_and_exposes_the_same_headers() {
        let template = include_str!("../../../../template.yaml").replace("\\\n", "");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let template = words(&template.replace('\\', ""));
        for headers in [ALLOWED_HEADERS, EXPOSED] {
            let listed = format!("\"'{}'\"", headers.to_str().unwrap());
            assert!(template.contains(&listed), "{listed}");
        }
    }
}
