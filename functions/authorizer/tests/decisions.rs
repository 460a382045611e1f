//! The built binary, from an event to its answer, over the Runtime API.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod runtime_api;

use serde_json::{Value, json};

use runtime_api::{Function, Outcome};

/// The event in `events/` with another header.
fn with_header(header: &str) -> String {
    let event = include_str!("../../../events/authorizer-token.json");
    let mut event: Value = serde_json::from_str(event).expect("an event");
    event["authorizationToken"] = header.into();
    event.to_string()
}

fn lines(output: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).expect("a line of JSON");
    output.lines().map(read).collect()
}

#[tokio::test]
async fn a_key_is_handed_over_and_never_logged() {
    let key = "canary0123456789abcdefghij";
    let mut function = Function::start().await;
    let outcome = function
        .decide(&with_header(&format!("Bearer {key}")))
        .await;
    let Outcome::Response(answer) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(answer["usageIdentifierKey"], key);
    assert_eq!(
        answer["policyDocument"]["Statement"][0]["Resource"],
        json!(["arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/*"])
    );
    let output = function.stop().await;
    assert!(!output.contains("canary"), "{output}");
    let lines = lines(&output);
    assert_eq!(lines.len(), 1, "{output}");
    assert_eq!(lines[0]["message"], "handed over");
    assert_eq!(lines[0]["principal"], answer["principalId"]);
}

#[tokio::test]
async fn what_is_no_key_is_unauthorized_and_never_logged() {
    let mut function = Function::start().await;
    for header in [
        "Bearer canary",
        "Basic canary0123456789abcdefghij",
        "canary0123456789abcdefghij",
        "Bearer canary0123456789\u{7}abcdefghij",
    ] {
        let outcome = function.decide(&with_header(header)).await;
        let Outcome::Error(error) = outcome else {
            panic!("{header:?}: {outcome:?}")
        };
        assert_eq!(error["errorMessage"], "Unauthorized", "{header:?}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let output = function.stop().await;
    assert!(!output.contains("canary"), "{output}");
    let lines = lines(&output);
    assert_eq!(lines.len(), 4, "one for each: {output}");
    for line in lines {
        assert_eq!(line["level"], "INFO", "{output}");
        assert_eq!(line["message"], "refused", "{output}");
    }
}

#[tokio::test]
async fn an_event_of_something_else_is_an_error_that_quotes_nothing() {
    let mut function = Function::start().await;
    for event in [
        r#"{"type":"REQUEST","headers":{"authorization":"Bearer canary0123456789abcdefghij"}}"#,
        r#"{"type":"TOKEN","authorizationToken":{"canary":1},"methodArn":"canary"}"#,
        r#""Bearer canary0123456789abcdefghij""#,
        "null",
    ] {
        let outcome = function.decide(event).await;
        let Outcome::Error(error) = outcome else {
            panic!("{event}: {outcome:?}")
        };
        assert_eq!(error["errorMessage"], "UnsupportedEvent", "{event}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    // The environment lives on.
    let outcome = function
        .decide(&with_header("Bearer abcdefghij0123456789"))
        .await;
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    let output = function.stop().await;
    assert!(!output.contains("canary"), "{output}");
    assert_eq!(lines(&output).len(), 5, "{output}");
}
