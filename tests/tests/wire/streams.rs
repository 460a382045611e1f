//! Streams that go wrong: never a finished answer, never a second call.

use bedrock_adapter::families::Input;
use bedrock_adapter::model::Api;
use futures_util::future::join_all;

use crate::client::{NOVA, Wire, target};

/// Checks a stream that breaks after its first text, on a server of its own.
async fn check(api: Api, marker: &str, code: &str) {
    let wire = Wire::with_faults().await;
    let target = target(NOVA, None, Some(api));
    let prompt = format!("Hello [[fault:{marker}]]");
    let streamed = wire.stream(&target, Input::Prompt(&prompt), 50);
    let streamed = streamed.await.expect("a stream that begins");
    let error = streamed.error.expect(marker);
    assert_eq!(error.row().code, code, "{api:?} {marker}: {error}");
    assert_eq!(streamed.finish, None, "{api:?} {marker}: not finished");
    assert!(streamed.text.starts_with("[simulated]"), "{api:?} {marker}");
    let calls = wire.server.calls().await;
    assert_eq!(
        (calls.received, calls.generated),
        (1, 1),
        "{api:?} {marker}: calls"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_and_is_paid_for_once() {
    let rows = [
        ("cut", "upstream_truncated"),
        ("cut_frame", "upstream_truncated"),
        ("no_end", "upstream_truncated"),
        ("bad_crc", "upstream_truncated"),
        ("exception:ThrottlingException", "rate_limit_exceeded"),
        ("exception:ModelStreamErrorException", "model_error"),
        ("exception:InternalServerException", "upstream_error"),
        (
            "exception:ServiceUnavailableException",
            "service_unavailable",
        ),
        ("exception:ValidationException", "request_refused"),
    ];
    let checks = [Api::Invoke, Api::Converse]
        .into_iter()
        .flat_map(|api| rows.map(|(marker, code)| check(api, marker, code)));
    join_all(checks).await;
    // An exception that the model of ConverseStream does not have.
    let marker = "exception:ModelTimeoutException";
    check(Api::Invoke, marker, "model_timeout").await;
}

#[tokio::test]
async fn a_fault_before_the_first_chunk_is_the_calls_own_error() {
    let rows = [
        ("error:ValidationException", "request_refused", 1),
        ("error:ModelTimeoutException", "model_timeout", 1),
        ("throttle", "rate_limit_exceeded", 3),
    ];
    let checks = [Api::Invoke, Api::Converse].into_iter().flat_map(|api| {
        rows.map(|(marker, code, received)| async move {
            let wire = Wire::with_faults().await;
            let target = target(NOVA, None, Some(api));
            let prompt = format!("Hello [[fault:{marker}]]");
            let streamed = wire.stream(&target, Input::Prompt(&prompt), 50);
            let error = streamed.await.expect_err(marker);
            assert_eq!(error.row().code, code, "{api:?} {marker}: {error}");
            assert_eq!(wire.server.calls().await.received, received, "{marker}");
        })
    });
    join_all(checks).await;
}

#[tokio::test]
async fn a_stream_of_another_family_is_not_an_answer() {
    for api in [Api::Invoke, Api::Converse] {
        let wire = Wire::with_faults().await;
        let target = target(NOVA, None, Some(api));
        let prompt = "Hello [[fault:wrong_family]]";
        let streamed = wire.stream(&target, Input::Prompt(prompt), 50);
        // Chunks of an unknown kind are passed over, so what is missing is the end.
        let error = streamed.await.unwrap_err();
        assert_eq!(error.row().code, "upstream_truncated", "{api:?}");
    }
}
