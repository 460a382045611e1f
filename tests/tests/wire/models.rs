//! Models that the local Bedrock, as AWS, does not serve.

use bedrock_adapter::dialogue::Input;

use crate::client::{Wire, target};

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
            "us.anthropic.claude-sonnet-4-6",
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
