//! The canary sings: a function that tells of what it is asked fails the test that asked it. See
//! `tests/examples/singing.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use end_to_end::{CANARY, Event, Function};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

/// Asks a function that tells of it in this way, and ends it; whether that failed.
async fn sings(way: &str, content: &Value) -> bool {
    let mut function = Function::start("singing", &[]).await;
    let event = Event::from(json!({"sing": way, "prompt": content}));
    function.invoke_event(&event).await;
    catch_unwind(AssertUnwindSafe(|| drop(function))).is_err()
}

const WAYS: [&str; 4] = ["output", "base64", "errors", "report"];

#[tokio::test]
async fn whatever_a_function_tells_of_content_fails_its_test() {
    for way in WAYS {
        assert!(sings(way, &json!(CANARY)).await, "{way}");
        let text = format!("a \"{CANARY}\"\n\u{e9}");
        assert!(sings(way, &json!([text])).await, "{way}");
    }
}

#[tokio::test]
async fn what_is_no_content_fails_no_test() {
    for way in WAYS {
        assert!(!sings(way, &json!("a fact")).await, "{way}");
    }
    assert!(!sings("nowhere", &json!(CANARY)).await);
}

#[tokio::test]
async fn a_test_that_asks_for_the_output_fails_as_well() {
    let mut function = Function::start("singing", &[]).await;
    let event = Event::from(json!({"sing": "output", "prompt": CANARY}));
    function.invoke_event(&event).await;
    let stopped = AssertUnwindSafe(function.stop()).catch_unwind().await;
    assert!(stopped.is_err());
}

#[tokio::test]
async fn a_function_that_ended_by_itself_is_looked_at_too() {
    let mut function = Function::start("singing", &[]).await;
    let event = Event::from(json!({"sing": "output", "prompt": CANARY}));
    function.invoke_event(&event).await;
    function.terminate();
    let ended = function.ended(Duration::from_secs(5)).await;
    assert!(ended.is_some(), "it lives on");
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(function)));
    assert!(dropped.is_err());
}
