//! What the caller is told when Bedrock fails, and how many calls were made until then.

use std::time::{Duration, Instant};

use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::families::{Finish, Input};
use bedrock_adapter::generation::Call;
use bedrock_adapter::model::Api;
use end_to_end::Refusing;
use futures_util::future::join_all;

use crate::client::{NOVA, Wire, at_most, connection, read_to_end, sdk, target};

const WAYS: [Api; 2] = [Api::Invoke, Api::Converse];

/// The prompt that asks for a fault.
fn prompt(marker: &str) -> String {
    format!("Hello [[fault:{marker}]]")
}

/// Checks the error of one fault on a whole answer, and the calls that were made: received and,
/// of these, paid for. Each check has a server of its own, so that they can run side by side.
async fn check(api: Api, marker: &str, code: &str, calls: (u64, u64)) {
    let wire = Wire::with_faults().await;
    let target = target(NOVA, None, Some(api));
    let prompt = prompt(marker);
    let sent = wire.send(&target, Input::Prompt(&prompt), 20);
    let error = sent.await.expect_err(marker);
    assert_eq!(error.row().code, code, "{api:?} {marker}: {error}");
    let counted = wire.server.calls().await;
    assert_eq!(
        (counted.received, counted.generated),
        calls,
        "{api:?} {marker}: calls"
    );
}

#[tokio::test]
async fn each_refusal_of_bedrock_has_its_row_and_is_repeated_only_where_that_can_help() {
    let rows = [
        ("error:ValidationException", "request_refused", 1),
        ("error:ConflictException", "request_refused", 1),
        ("error:ResourceNotFoundException", "model_not_found", 1),
        ("error:AccessDeniedException", "upstream_access_denied", 1),
        ("error:ServiceQuotaExceededException", "quota_exceeded", 1),
        ("error:ModelErrorException", "model_error", 1),
        ("error:ModelTimeoutException", "model_timeout", 1),
        ("error:ModelNotReadyException", "model_not_ready", 3),
        ("error:InternalServerException", "upstream_error", 3),
        (
            "error:ServiceUnavailableException",
            "service_unavailable",
            3,
        ),
        ("throttle", "rate_limit_exceeded", 3),
    ];
    let checks = WAYS.into_iter().flat_map(|api| {
        rows.map(|(marker, code, received)| check(api, marker, code, (received, 0)))
    });
    join_all(checks).await;
}

#[tokio::test]
async fn an_answer_that_has_begun_is_paid_for_once_whatever_becomes_of_it() {
    let rows = [
        (Api::Invoke, "cut", "upstream_truncated", 1),
        (Api::Converse, "cut", "upstream_truncated", 1),
        (Api::Invoke, "wrong_family", "upstream_malformed", 1),
        (Api::Converse, "wrong_family", "upstream_malformed", 1),
        // A proxy's page and an empty answer come from no model.
        (Api::Invoke, "garbage", "upstream_malformed", 0),
        (Api::Converse, "garbage", "upstream_malformed", 0),
        (Api::Invoke, "empty", "upstream_malformed", 0),
        (Api::Converse, "empty", "upstream_malformed", 0),
    ];
    let checks =
        rows.map(|(api, marker, code, generated)| check(api, marker, code, (1, generated)));
    join_all(checks).await;
}

#[tokio::test]
async fn a_call_that_is_throttled_twice_succeeds_at_the_third() {
    let checks = WAYS.map(|api| async move {
        let wire = Wire::with_faults().await;
        let target = target(NOVA, None, Some(api));
        let prompt = prompt("throttle:2");
        let sent = wire.send(&target, Input::Prompt(&prompt), 20);
        assert!(sent.await.unwrap().text.contains("[simulated]"));
        let calls = wire.server.calls().await;
        assert_eq!((calls.received, calls.generated), (3, 1), "{api:?}");
    });
    join_all(checks).await;
}

#[tokio::test]
async fn the_caller_is_told_to_wait_as_long_as_bedrock_says() {
    let wire = Wire::with_faults().await;
    for (marker, seconds) in [("retry_after:100", 1), ("error:ModelNotReadyException", 2)] {
        let target = target(NOVA, None, Some(Api::Invoke));
        let prompt = prompt(marker);
        let sent = wire.send(&target, Input::Prompt(&prompt), 20);
        let error = sent.await.unwrap_err();
        assert_eq!(error.retry_after(), Some(seconds), "{marker}");
    }
}

#[tokio::test]
async fn a_deadline_bounds_a_server_that_never_answers() {
    let checks = WAYS.into_iter().flat_map(|api| {
        ["stall", "stall_body"].map(|marker| async move {
            let wire = Wire::with_faults().await;
            let target = target(NOVA, None, Some(api));
            let prompt = prompt(marker);
            let call = Call::prepare(&target, Input::Prompt(&prompt), &at_most(20)).unwrap();
            let started = Instant::now();
            let deadline = Deadline::within(Duration::from_millis(400));
            let sent = Box::pin(call.send(&wire.client, &target, deadline));
            let error = sent.await.unwrap_err();
            let code = error.row().code;
            assert_eq!(code, "deadline_exceeded", "{api:?} {marker}: {error}");
            let took = started.elapsed();
            assert!(took < Duration::from_secs(3), "{api:?} {marker}: {took:?}");
            assert_eq!(wire.server.calls().await.received, 1, "{api:?} {marker}");
        })
    });
    join_all(checks).await;
}

/// The SDK by itself gives up on a body that stalls for five seconds.
#[tokio::test]
async fn nothing_but_the_deadline_ends_a_body_that_stalls() {
    let wire = Wire::with_faults().await;
    let target = target(NOVA, None, Some(Api::Invoke));
    let prompt = prompt("stall_body");
    let call = Call::prepare(&target, Input::Prompt(&prompt), &at_most(20)).unwrap();
    let time = Duration::from_millis(6_500);
    let started = Instant::now();
    let sent = Box::pin(call.send(&wire.client, &target, Deadline::within(time)));
    let error = sent.await.unwrap_err();
    assert_eq!(error.row().code, "deadline_exceeded", "{error}");
    assert!(started.elapsed() >= time, "{:?}", started.elapsed());
    assert_eq!(wire.server.calls().await.received, 1);
}

#[tokio::test]
async fn a_deadline_bounds_a_stream_that_stops() {
    for api in WAYS {
        let wire = Wire::with_faults().await;
        let target = target(NOVA, None, Some(api));
        let prompt = prompt("stall_body");
        let call = Call::prepare(&target, Input::Prompt(&prompt), &at_most(20)).unwrap();
        // Long enough for the stream to begin on a busy machine.
        let deadline = Deadline::within(Duration::from_secs(2));
        let stream = call.stream(&wire.client, &target, deadline).await.unwrap();
        let streamed = read_to_end(stream).await;
        let code = streamed.error.map(|error| error.row().code);
        assert_eq!(code, Some("deadline_exceeded"), "{api:?}");
        assert_eq!(streamed.finish, None, "{api:?}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_but_in_time_is_taken() {
    let wire = Wire::with_faults().await;
    let target = target(NOVA, None, None);
    let prompt = prompt("delay:100");
    let sent = wire.send(&target, Input::Prompt(&prompt), 20);
    assert_eq!(sent.await.unwrap().finish, Finish::EndOfTurn);
    assert_eq!(wire.server.calls().await.received, 1);
}

#[tokio::test]
async fn moderation_by_the_model_is_a_reason_to_end_and_no_error() {
    let wire = Wire::with_faults().await;
    for api in WAYS {
        let target = target(NOVA, None, Some(api));
        let prompt = prompt("filtered");
        let sent = wire.send(&target, Input::Prompt(&prompt), 20);
        assert_eq!(sent.await.unwrap().finish, Finish::Filtered, "{api:?}");
    }
}

#[tokio::test]
async fn a_model_that_cannot_serve_is_named_with_what_to_do() {
    let wire = Wire::with_faults().await;
    for (model, code, says) in [
        (
            "amazon.titan-tg1-large",
            "model_retired",
            "us.amazon.nova-micro-v1:0",
        ),
        (
            "anthropic.claude-v2",
            "model_retired",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("meta.llama9-v1:0", "model_not_found", "meta.llama9-v1:0"),
        (
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "invalid_value",
            "inference profile",
        ),
    ] {
        let target = target(model, None, None);
        let sent = wire.send(&target, Input::Prompt("Hello"), 20);
        let error = sent.await.expect_err(model);
        assert_eq!(
            (error.row().code, error.param()),
            (code, Some("model")),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(wire.server.calls().await.generated, 0);
}

#[tokio::test]
async fn a_bedrock_that_cannot_be_reached_is_unavailable() {
    let nobody = Refusing::start();
    let client = Bedrock::connect(&sdk(None).await, &connection(&nobody.url())).await;
    let target = target(NOVA, None, None);
    let call = Call::prepare(&target, Input::Prompt("Hello"), &at_most(20)).unwrap();
    let deadline = Deadline::within(Duration::from_secs(20));
    let error = call.send(&client, &target, deadline).await.unwrap_err();
    assert_eq!(error.row().code, "service_unavailable", "{error}");
    assert_eq!(error.retry_after(), Some(2));
}
