//! A control plane that refuses, is away, or is none.

use std::time::Duration;

use end_to_end::{Bedrock, Refusing, Sts, Witness};

use crate::control_plane::ControlPlane;
use crate::{Stack, listing, retrieval, start};

#[tokio::test]
async fn a_listing_is_asked_for_once_in_five_minutes() {
    let mut stack = Stack::start(&[]).await;
    for _ in 0..3 {
        assert_eq!(stack.list(&[]).await.status, 200);
        let one = stack.retrieve("us.amazon.nova-lite-v1:0").await;
        assert_eq!(one.status, 200);
    }
    let calls = stack.calls().await;
    assert_eq!(calls["ListFoundationModels"], 1);
    assert_eq!(calls["ListInferenceProfiles"], 2, "one for each type");
    assert_eq!(calls.len(), 2, "{calls:?}");
}

#[tokio::test]
async fn access_that_is_denied_is_the_operators_affair() {
    let witness = Witness::start().await;
    let mut function = start(witness.url(), &[]).await;
    for event in [listing(&[]), retrieval("us.amazon.nova-lite-v1:0")] {
        let answer = function.call(&event).await;
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(answer.error()["code"], "upstream_access_denied");
        assert_eq!(answer.error()["type"], "api_error");
        assert_eq!(answer.header("x-should-retry"), "false");
        assert!(!answer.body.to_string().contains("arn:"));
    }
    let log = function.stop().await;
    assert!(log.contains("AccessDeniedException"), "{log}");
    assert!(!log.contains("assumed-role"), "{log}");
}

#[tokio::test]
async fn the_role_and_region_of_the_connection_are_used_and_its_endpoint_is_not() {
    let sts = Sts::start().await;
    let witness = Witness::start().await;
    let nobody = Refusing::start();
    let runtime = nobody.url();
    let environment = [
        ("AWS_ENDPOINT_URL_STS", sts.url()),
        ("BEDROCK_ENDPOINT_URL", runtime.as_str()),
        ("BEDROCK_REGION", "eu-central-1"),
        (
            "BEDROCK_ASSUME_ROLE",
            "arn:aws:iam::123456789012:role/models",
        ),
    ];
    let mut function = start(witness.url(), &environment).await;
    assert_eq!(function.call(&listing(&[])).await.status, 500);
    let signatures = witness.signatures();
    assert!(!signatures.is_empty());
    for signature in signatures {
        assert!(signature.contains(Sts::ROLE_ACCESS_KEY_ID), "{signature}");
        assert!(signature.contains("/eu-central-1/bedrock/"), "{signature}");
    }
}

#[tokio::test]
async fn a_control_plane_that_cannot_be_reached_is_unavailable_for_now() {
    let nobody = Refusing::start();
    let mut function = start(&nobody.url(), &[]).await;
    let answer = function.call(&listing(&[])).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error()["code"], "service_unavailable");
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn what_is_no_bedrock_is_told_without_its_words() {
    for (status, page, code, told) in [
        (200, "<html>canary</html>", "upstream_malformed", 502),
        (
            200,
            r#"{"modelSummaries": "canary"}"#,
            "upstream_malformed",
            502,
        ),
        (403, "<html>canary</html>", "upstream_access_denied", 500),
        (502, "<html>canary</html>", "upstream_error", 502),
        (504, "<html>canary</html>", "deadline_exceeded", 504),
    ] {
        let plane = ControlPlane::start().await;
        plane.answer_with(status, page);
        let mut function = start(plane.url(), &[]).await;
        let answer = function.call(&listing(&[])).await;
        assert_eq!(answer.status, told, "{status}: {answer:?}");
        assert_eq!(answer.error()["code"], code, "{status}");
        assert_eq!(answer.header("x-should-retry"), "false");
        let message = answer.text("/error/message");
        assert!(!message.contains("canary"), "{message}");
        for word in ["model's answer", "billed", "the model"] {
            assert!(!message.contains(word), "{status}: {message}");
        }
    }
}

#[tokio::test]
async fn throttling_is_waited_out_or_told() {
    let plane = ControlPlane::start().await;
    plane.throttle("/foundation-models", 2);
    let mut function = start(plane.url(), &[]).await;
    assert_eq!(function.call(&listing(&[])).await.status, 200);
    assert_eq!(plane.count("/foundation-models"), 3);

    let plane = ControlPlane::start().await;
    plane.throttle("/inference-profiles", 100);
    let mut function = start(plane.url(), &[]).await;
    let answer = function.call(&listing(&[])).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert_eq!(answer.error()["code"], "rate_limit_exceeded");
    assert_eq!(answer.error()["type"], "rate_limit_error");
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn a_failure_is_not_kept_and_hides_behind_no_old_answer() {
    let plane = ControlPlane::start().await;
    plane.throttle("/inference-profiles", 100);
    let mut function = start(plane.url(), &[]).await;
    assert_eq!(function.call(&listing(&[])).await.status, 429);
    plane.throttle("/inference-profiles", 0);
    assert_eq!(function.call(&listing(&[])).await.status, 200);
}

#[tokio::test]
async fn every_page_of_the_profiles_is_read() {
    let plane = ControlPlane::start().await;
    let mut function = start(plane.url(), &[]).await;
    let answer = function.call(&listing(&[])).await;
    assert_eq!(crate::ids(&answer), plane.ids());
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let plane = ControlPlane::start().await;
    plane.never_end();
    let mut function = start(plane.url(), &[]).await;
    let answer = function.call(&listing(&[])).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert_eq!(answer.error()["code"], "upstream_malformed");
}

#[tokio::test]
async fn an_answer_comes_before_lambdas_own_deadline() {
    let plane = ControlPlane::start().await;
    plane.stall();
    let mut function = start(plane.url(), &[]).await;
    // The process has started before its time is measured.
    let bad = function.call(&listing(&[("colour", "red")])).await;
    assert_eq!(bad.status, 400);
    let started = std::time::Instant::now();
    let time = Duration::from_millis(1_200);
    let answer = function.call_within(&listing(&[]), time).await;
    assert!(started.elapsed() < time, "{:?}", started.elapsed());
    assert_eq!(answer.status, 504, "{answer:?}");
    assert_eq!(answer.error()["code"], "deadline_exceeded");
    assert_eq!(answer.header("x-should-retry"), "false");
    let message = answer.text("/error/message");
    assert!(!message.contains("billed"), "{message}");
}

#[tokio::test]
async fn nothing_that_a_caller_sends_is_logged() {
    let bedrock = Bedrock::start();
    let environment = [("RUST_LOG", "trace")];
    let mut function = start(&bedrock.url(), &environment).await;
    for event in [
        retrieval("canary"),
        retrieval("canary.canary"),
        listing(&[("provider", "canary")]),
        listing(&[("canary", "canary")]),
    ] {
        assert!(function.call(&event).await.status >= 400);
    }
    assert_eq!(function.call(&listing(&[])).await.status, 200);
    let log = function.stop().await;
    assert!(!log.contains("canary"), "{log}");
    assert_eq!(log.lines().count(), 5, "{log}");
}
