//! What the caller is told when something on the way answers in Bedrock's place.

use std::time::Duration;

use bedrock_adapter::Error;
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::families::Input;
use bedrock_adapter::generation::Call;
use bedrock_adapter::model::Api;
use end_to_end::Gateway;

use crate::client::{NOVA, at_most, connection, sdk, target};

const PAGE: &str = "<html><body>secret-host.internal</body></html>";

async fn call(gateway: &Gateway, api: Api) -> Error {
    let sdk = Box::pin(sdk(None)).await;
    let client = Box::pin(Bedrock::connect(&sdk, &connection(gateway.url()))).await;
    let target = target(NOVA, None, Some(api));
    let call = Call::prepare(&target, Input::Prompt("Hello"), &at_most(20)).expect("a good call");
    let sent = call.send(&client, &target, Deadline::within(Duration::from_secs(20)));
    Box::pin(sent).await.expect_err("a gateway is no model")
}

#[tokio::test]
async fn a_page_is_told_by_its_status_and_never_passed_on() {
    for api in [Api::Invoke, Api::Converse] {
        for (status, code, requests) in [
            (429, "rate_limit_exceeded", 3),
            (503, "service_unavailable", 3),
            // The model may still be at work: another call would be paid for too.
            (502, "upstream_error", 1),
            (504, "model_timeout", 1),
        ] {
            let gateway = Gateway::with_page(status, PAGE).await;
            let error = call(&gateway, api).await;
            assert_eq!(error.row().code, code, "{api:?} {status}: {error}");
            assert_eq!(gateway.requests(), requests, "{api:?} {status}");
            assert!(!error.to_string().contains("secret-host"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_dropped_is_no_fault_of_credentials() {
    let gateway = Gateway::hanging_up().await;
    let error = call(&gateway, Api::Converse).await;
    assert_eq!(error.row().code, "service_unavailable", "{error}");
}
