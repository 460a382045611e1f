//! Bad input: each is refused with its own status, code and field, nothing is paid for or stored,
//! and the same process answers the next request.

#![expect(
    clippy::expect_used,
    reason = "clippy.toml allows it in test functions, this allows what those call"
)]

mod bodies;
mod chat;
mod envelopes;
mod files;
mod images;
mod text;

use end_to_end::{Answer, Event, Stack};
use serde_json::{Value, json};

/// A request that must be refused.
#[derive(Debug)]
pub(crate) struct Bad {
    /// What is wrong, for the test's own message.
    what: String,
    event: Event,
    status: u64,
    code: &'static str,
    param: Option<&'static str>,
}

impl Bad {
    /// With status 400.
    pub(crate) fn new(what: impl Into<String>, event: Event, code: &'static str) -> Self {
        Self {
            what: what.into(),
            event,
            status: 400,
            code,
            param: None,
        }
    }

    /// With another status.
    pub(crate) fn status(self, status: u64) -> Self {
        Self { status, ..self }
    }

    /// With a field that is at fault.
    pub(crate) fn param(self, param: &'static str) -> Self {
        Self {
            param: Some(param),
            ..self
        }
    }

    /// A field of the body that is at fault at this value.
    pub(crate) fn field(
        good: &Event,
        name: &'static str,
        value: Value,
        code: &'static str,
    ) -> Self {
        let what = format!("{name} = {value}");
        let event = good.clone().with_field(name, value);
        Self::new(what, event, code).param(name)
    }
}

/// A function's name, and a file of `events/` that it answers.
pub(crate) const FUNCTIONS: [(&str, &str); 3] = [
    ("text-completion", "text-completion-http-v2"),
    ("chat", "chat-http-v2"),
    ("image-generation", "image-generation-http-v2"),
];

/// Sends every bad request to one process; then a good one, which must be answered.
pub(crate) async fn check(function: &str, good: &Event, table: Vec<Bad>) {
    let mut stack = Stack::start(function, &[]).await;
    for bad in table {
        let answer = stack.function.call(&bad.event).await;
        check_one(&bad, &answer);
    }
    let calls = stack.bedrock.calls().await;
    assert_eq!(calls.received, 0, "{function}: no model was called");
    assert_eq!(stack.s3.keys().await, Vec::<String>::new(), "{function}");

    let answer = stack.function.call(good).await;
    assert_eq!(answer.status, 200, "{function} lives on: {answer:?}");
    assert_eq!(stack.bedrock.calls().await.generated, 1);
    let output = stack.function.stop().await;
    assert!(!output.contains("panicked"), "{function}: {output}");
}

fn check_one(bad: &Bad, answer: &Answer) {
    let what = &bad.what;
    assert_eq!(answer.status, bad.status, "{what}: {answer:?}");
    let error = answer.error();
    assert_eq!(error["code"], bad.code, "{what}: {answer:?}");
    assert_eq!(error["param"], json!(bad.param), "{what}: {answer:?}");
    assert_eq!(error["type"], "invalid_request_error", "{what}");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.ends_with(['.', '?', '…']),
        "{what}: a sentence: {message}"
    );
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    assert_eq!(answer.header("x-request-id").len(), 36, "{what}");
    // A status that clients do not repeat by themselves says nothing of retries.
    assert_eq!(answer.header("retry-after"), "", "{what}");
    let allow = if bad.status == 405 { "POST" } else { "" };
    assert_eq!(answer.header("allow"), allow, "{what}");
}
