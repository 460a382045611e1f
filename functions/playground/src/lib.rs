//! The playground: one page to try every function in, at `/` of the API.
//!
//! The function hands out the page and does nothing else: it calls nothing, holds no key and may
//! do nothing but write its log. The page calls the API as any client does, with a key that is typed in. Source of the
//! answer's form, which the REST API, the HTTP API and function URLs share: the API Gateway developer
//! guide's page `set-up-lambda-proxy-integrations`.

mod log;
pub mod page;

use std::collections::BTreeMap;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use page::Page;

/// What of an event counts: its method, where either version of the format has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    http_method: Option<String>,
    #[serde(default)]
    request_context: Context,
}

#[derive(Debug, Default, Deserialize)]
struct Context {
    http: Option<Http>,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

/// An answer of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    /// None; but `cargo lambda` reads no answer without the key.
    multi_value_headers: BTreeMap<&'static str, Vec<String>>,
    body: String,
    is_base64_encoded: bool,
    /// None. Version 2 has the key and the REST API refuses an answer with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<[String; 0]>,
}

/// Runs the function until the environment ends.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    log::init();
    let page = Arc::new(Page::new());
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let page = Arc::clone(&page);
        async move {
            Ok::<_, lambda_runtime::Error>(answer(
                &page,
                event.payload.get(),
                &event.context.request_id,
            ))
        }
    }))
    .await
}

/// The page for `GET` and `HEAD`; to anything else the API's own error, 405.
pub fn answer(page: &Page, event: &str, request_id: &str) -> Answer {
    let event: Event = serde_json::from_str(event).unwrap_or_default();
    let http = event.request_context.http.map(|http| http.method);
    let cookies = http.is_some().then_some([]);
    // `cargo lambda` writes version 2 with version 1's key as well, and always GET in it.
    let answer = match http.or(event.http_method).as_deref() {
        Some("GET") => handed_out(page, page.html.clone(), request_id),
        Some("HEAD") => handed_out(page, String::new(), request_id),
        Some(_) | None => refused(request_id),
    };
    Answer { cookies, ..answer }
}

fn handed_out(page: &Page, body: String, request_id: &str) -> Answer {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", &page.policy),
        // A deployment's next version shows at once.
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ];
    with_headers(200, &headers, body, request_id)
}

fn refused(request_id: &str) -> Answer {
    const BODY: &str = r#"{"error":{"message":"the playground takes GET","type":"invalid_request_error","param":null,"code":"method_not_allowed"}}"#;
    let headers = [("content-type", "application/json"), ("allow", "GET, HEAD")];
    with_headers(405, &headers, BODY.to_owned(), request_id)
}

fn with_headers(
    status_code: u16,
    headers: &[(&'static str, &str)],
    body: String,
    request_id: &str,
) -> Answer {
    let id = ("x-request-id", request_id);
    let all = headers.iter().copied().chain([id]);
    Answer {
        status_code,
        headers: all.map(|(name, value)| (name, value.to_owned())).collect(),
        multi_value_headers: BTreeMap::new(),
        body,
        is_base64_encoded: false,
        cookies: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str =
        r#"{"resource":"/","path":"/","httpMethod":"GET","requestContext":{"stage":"live"}}"#;
    const LOCAL: &str =
        r#"{"version":"2.0","httpMethod":"GET","requestContext":{"http":{"method":"DELETE"}}}"#;
    const HTTP: &str =
        r#"{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET","path":"/"}}}"#;

    fn asked(event: &str) -> Answer {
        answer(&Page::new(), event, "an-id")
    }

    #[test]
    fn either_version_of_an_event_gets_the_page() {
        for event in [REST, HTTP] {
            let answer = asked(event);
            assert_eq!(answer.status_code, 200, "{event}");
            assert!(answer.body.starts_with("<!doctype html>"), "{event}");
            assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
            assert_eq!(
                answer.headers["content-security-policy"],
                Page::new().policy
            );
            assert_eq!(answer.headers["x-request-id"], "an-id");
        }
    }

    #[test]
    fn only_version_2_has_cookies() {
        for (event, has) in [(REST, false), (HTTP, true)] {
            let answer = serde_json::to_value(asked(event)).unwrap();
            assert_eq!(answer.get("cookies").is_some(), has, "{event}");
            assert!(answer["multiValueHeaders"].is_object());
        }
    }

    #[test]
    fn a_head_has_no_body() {
        let answer = asked(&REST.replace("GET", "HEAD"));
        assert_eq!((answer.status_code, answer.body.as_str()), (200, ""));
    }

    #[test]
    fn any_other_event_is_refused_in_the_shape_of_the_api() {
        for event in [
            &*REST.replace("GET", "POST"),
            &*HTTP.replace("GET", "PUT"),
            LOCAL,
            "{}",
            "[]",
            "null",
        ] {
            let answer = asked(event);
            assert_eq!(answer.status_code, 405, "{event}");
            assert_eq!(answer.headers["allow"], "GET, HEAD");
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"]["code"], "method_not_allowed");
            assert!(body["error"].as_object().unwrap().contains_key("param"));
        }
    }
}
