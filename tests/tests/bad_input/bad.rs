//! Requests that must be refused.

use end_to_end::{Answer, CANARY, Event, Stack};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A request that must be refused.
#[derive(Debug)]
pub(crate) struct Bad {
    /// What is wrong, for the test's own message.
    pub(crate) what: String,
    event: Event,
    status: u64,
    code: &'static str,
    param: Option<String>,
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
    pub(crate) fn param(self, param: &str) -> Self {
        Self {
            param: Some(param.to_owned()),
            ..self
        }
    }

    /// A field of the body that is at fault at this value.
    pub(crate) fn field(good: &Event, name: &str, value: Value, code: &'static str) -> Self {
        let what = format!("{name} = {value:.60}");
        let event = good.clone().with_field(name, value);
        Self::new(what, event, code).param(name)
    }

    /// A field of the body whose value is not allowed.
    pub(crate) fn invalid(good: &Event, name: &str, value: Value) -> Self {
        Self::field(good, name, value, "invalid_value")
    }

    /// A body that need not be JSON.
    pub(crate) fn text(good: &Event, text: &str, code: &'static str) -> Self {
        let what = format!("{text:.40?}");
        Self::new(what, good.clone().with_text(text), code)
    }
}

/// A function's name, and the file of `events/` that it answers.
pub(crate) const FUNCTIONS: [(&str, &str); 3] = [
    ("text-completion", "text-completion"),
    ("chat", "chat"),
    ("image-generation", "image-generation"),
];

/// The formats of an event.
const FORMATS: [&str; 2] = ["http-v2", "rest-v1"];

/// A request that the function answers, in either format.
pub(crate) fn good(function: &str) -> [Event; 2] {
    FORMATS.map(|format| {
        let event = Event::file(&format!("{function}-{format}"));
        event.marked().with_field("user", CANARY.into())
    })
}

/// Sends bad requests, made of a good one, to every function in both formats.
pub(crate) async fn everywhere(table: impl Fn(&Event) -> Vec<Bad>) {
    let checks = FUNCTIONS.map(|(function, _)| refused(function, &table));
    join_all(checks).await;
}

/// Sends bad requests, made of a good one, to a function in both formats.
pub(crate) async fn refused(function: &str, table: impl Fn(&Event) -> Vec<Bad>) {
    refused_with(&[], function, table).await;
}

/// The same, with these variables in the function's environment.
pub(crate) async fn refused_with(
    environment: &[(&str, &str)],
    function: &str,
    table: impl Fn(&Event) -> Vec<Bad>,
) {
    let good = good(function);
    let checks = good.iter().map(|good| {
        let table = table(good);
        Box::pin(check(environment, function, good, table))
    });
    join_all(checks).await;
}

/// Sends every bad request to one process; then a good one, which must be answered.
pub(crate) async fn check(
    environment: &[(&str, &str)],
    function: &str,
    good: &Event,
    table: Vec<Bad>,
) {
    assert!(!table.is_empty());
    let mut stack = Stack::start(function, environment).await;
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
    check_log(stack, function).await;
}

/// Checks that a function's log tells of no panic.
pub(crate) async fn check_log(stack: Stack, function: &str) {
    let output = stack.function.stop().await;
    assert!(!output.contains("panicked"), "{function}: {output}");
}

fn check_one(bad: &Bad, answer: &Answer) {
    let what = &bad.what;
    assert_eq!(answer.status, bad.status, "{what}: {answer:?}");
    let error = answer.error();
    assert_eq!(error["code"], bad.code, "{what}: {answer:?}");
    assert_eq!(error["param"], json!(bad.param), "{what}: {answer:?}");
    let r#type = match bad.status {
        403 => "permission_error",
        _ => "invalid_request_error",
    };
    assert_eq!(error["type"], r#type, "{what}");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.ends_with(['.', '?', '…']),
        "{what}: a sentence: {message}"
    );
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    assert_eq!(answer.header("x-request-id").len(), 36, "{what}");
    // A status that clients do not repeat by themselves says nothing of retries.
    assert_eq!(answer.header("retry-after"), "", "{what}");
    assert_eq!(answer.header("x-should-retry"), "", "{what}");
    let allow = if bad.status == 405 { "POST" } else { "" };
    assert_eq!(answer.header("allow"), allow, "{what}");
}

/// Sends good requests, made of another, to every function in both formats; all are answered.
pub(crate) async fn answered(
    environment: &[(&str, &str)],
    events: impl Fn(&Event) -> Vec<Event>,
    check: impl Fn(&Answer),
) {
    let checks = FUNCTIONS.iter().flat_map(|(function, _)| {
        good(function).map(|good| answered_by(environment, function, events(&good), &check))
    });
    join_all(checks).await;
}

/// Sends good requests to one process; all are answered.
pub(crate) async fn answered_by(
    environment: &[(&str, &str)],
    function: &str,
    events: Vec<Event>,
    check: impl Fn(&Answer),
) {
    let mut stack = Stack::start(function, environment).await;
    for event in &events {
        let answer = stack.function.call(event).await;
        assert_eq!(answer.status, 200, "{function}: {answer:?}");
        check(&answer);
    }
    let generated = stack.bedrock.calls().await.generated;
    assert_eq!(generated, events.len() as u64, "{function}");
    check_log(stack, function).await;
}
