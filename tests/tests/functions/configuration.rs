//! What the environment changes.

use std::time::Duration;

use end_to_end::{Bedrock, Event, Function, Refusing, Stack, Sts, Witness};
use serde_json::json;

#[tokio::test]
async fn the_environment_names_the_model_of_a_request_that_names_none() {
    for (function, variable, event, body, model) in [
        (
            "text-completion",
            "DEFAULT_TEXT_MODEL",
            "text-completion-http-v2",
            json!({"prompt": "Hello"}),
            "anthropic.claude-instant-v1",
        ),
        (
            "chat",
            "DEFAULT_CHAT_MODEL",
            "chat-http-v2",
            json!({"messages": [{"role": "user", "content": "Hello"}]}),
            "anthropic.claude-instant-v1",
        ),
        (
            "image-generation",
            "DEFAULT_IMAGE_MODEL",
            "image-generation-http-v2",
            json!({"prompt": "a lake at dawn"}),
            "stability.stable-diffusion-xl",
        ),
    ] {
        let event = Event::file(event).with_body(&body);
        let mut stack = Stack::start(function, &[(variable, model)]).await;
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "{function}: {answer:?}");
        assert_eq!(stack.bedrock.calls().await.kinds[0].1, model, "{function}");
    }
}

#[tokio::test]
async fn the_environment_says_how_long_an_images_url_lives() {
    let mut stack = Stack::start("image-generation", &[("IMAGE_URL_SECONDS", "60")]).await;
    let event = Event::file("image-generation-http-v2");
    let answer = stack.function.call(&event).await;
    let url = answer.text("/data/0/url");
    assert!(url.contains("X-Amz-Expires=60&"), "{url}");
}

#[tokio::test]
async fn an_alias_stands_for_its_model_and_keeps_its_name() {
    let aliases = json!({
        "gpt-4o": "us.amazon.nova-lite-v1:0",
        "ours": {
            "model": "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456",
            "family": "claude-messages",
            "api": "invoke",
        },
    });
    let environment = [
        ("MODEL_ALIASES", aliases.to_string()),
        ("DEFAULT_CHAT_MODEL", "ours".to_owned()),
    ];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut stack = Stack::start("chat", &environment).await;
    let event = Event::file("chat-http-v2").with_field("model", "gpt-4o".into());
    let answer = stack.function.call(&event).await;
    assert_eq!((answer.status, answer.text("/model")), (200, "gpt-4o"));
    let event = event.with_body(&json!({"messages": [{"role": "user", "content": "Hello"}]}));
    let answer = stack.function.call(&event).await;
    assert_eq!((answer.status, answer.text("/model")), (200, "ours"));
    let calls = stack.bedrock.calls().await;
    let operations: Vec<_> = calls.kinds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(operations, ["InvokeModel", "Converse"]);
}

#[tokio::test]
async fn only_the_models_that_the_environment_allows_are_called() {
    let environment = [
        ("ALLOWED_MODELS", "us.amazon.nova-micro-v1:0"),
        ("DEFAULT_CHAT_MODEL", "us.amazon.nova-micro-v1:0"),
    ];
    let mut stack = Stack::start("chat", &environment).await;
    let event = Event::file("chat-http-v2");
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.error()["code"], "model_not_allowed");
    assert_eq!(answer.error()["type"], "permission_error");
    assert_eq!(stack.bedrock.calls().await.received, 0);
    let allowed = event.with_field("model", "us.amazon.nova-micro-v1:0".into());
    assert_eq!(stack.function.call(&allowed).await.status, 200);
}

#[tokio::test]
async fn the_role_in_the_environment_is_assumed_and_its_credentials_sign() {
    let sts = Sts::start().await;
    let witness = Witness::start().await;
    let environment = [
        ("AWS_ENDPOINT_URL_STS", sts.url()),
        ("BEDROCK_ENDPOINT_URL", witness.url()),
        ("BEDROCK_REGION", "eu-central-1"),
        (
            "BEDROCK_ASSUME_ROLE",
            "arn:aws:iam::123456789012:role/models",
        ),
        ("BEDROCK_ROLE_SESSION_NAME", "guide-reader"),
    ];
    let mut function = Function::start("text-completion", &environment).await;
    let answer = function.call(&Event::file("text-completion-http-v2")).await;
    assert!(sts.requests()[0].contains("RoleSessionName=guide-reader"));
    let signatures = witness.signatures();
    assert_eq!(signatures.len(), 1);
    assert!(signatures[0].contains(Sts::ROLE_ACCESS_KEY_ID));
    assert!(signatures[0].contains("/eu-central-1/bedrock/"));
    assert!(signatures[0].ends_with(Sts::ROLE_SESSION_TOKEN));
    // The operator's affair: the caller's own key is fine, and the role is not for its eyes.
    assert_eq!(answer.status, 500);
    assert_eq!(answer.error()["code"], "upstream_access_denied");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert!(!answer.body.to_string().contains("arn:"));
}

#[tokio::test]
async fn an_answer_comes_before_lambdas_own_deadline() {
    let bedrock = Bedrock::with_faults();
    let url = bedrock.url();
    let environment = [("BEDROCK_ENDPOINT_URL", url.as_str())];
    let mut function = Function::start("chat", &environment).await;
    // The process has started before its time is measured.
    let refused = function.call(&Event::file("bad-method-http-v2")).await;
    assert_eq!(refused.status, 405);
    let event = Event::file("chat-http-v2").with_body(&json!({
        "model": "us.amazon.nova-lite-v1:0",
        "messages": [{"role": "user", "content": "Hello [[fault:stall]]"}],
    }));
    let started = std::time::Instant::now();
    let time = Duration::from_millis(1_200);
    let answer = function.call_within(&event, time).await;
    assert!(started.elapsed() < time, "{:?}", started.elapsed());
    assert_eq!(answer.status, 504);
    assert_eq!(answer.error()["code"], "deadline_exceeded");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert_eq!(bedrock.calls().await.received, 1, "the call may be billed");
}

#[tokio::test]
async fn a_bedrock_that_cannot_be_reached_is_unavailable_for_now() {
    let nobody = Refusing::start();
    let url = nobody.url();
    let environment = [("BEDROCK_ENDPOINT_URL", url.as_str())];
    for (function, event) in [
        ("text-completion", "text-completion-http-v2"),
        ("chat", "chat-http-v2"),
        ("image-generation", "image-generation-http-v2"),
    ] {
        let mut stack = Stack::start(function, &environment).await;
        let answer = stack.function.call(&Event::file(event)).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.error()["code"], "service_unavailable");
        assert_eq!(answer.error()["type"], "api_error");
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!(answer.header("x-should-retry"), "");
        assert_eq!(stack.s3.keys().await, Vec::<String>::new());
        let bad = Event::file(event).with_field("n", 0.into());
        let answer = stack.function.call(&bad).await;
        assert_eq!(answer.status, 400, "{function} lives on");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_stored_is_an_error_that_says_so() {
    let nobody = Refusing::start();
    let url = nobody.url();
    let mut stack = Stack::start("image-generation", &[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let event = Event::file("image-generation-http-v2");
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error()["code"], "storage_unavailable");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert_eq!(answer.header("retry-after"), "", "a retry pays again");
    assert_eq!(stack.bedrock.calls().await.generated, 1, "paid for once");
    assert_eq!(stack.s3.keys().await, Vec::<String>::new());
    let bad = event.with_field("steps", 0.into());
    let answer = stack.function.call(&bad).await;
    assert_eq!(answer.status, 400, "the process lives on");
}

#[tokio::test]
async fn an_unusable_image_is_not_stored() {
    let bedrock = Bedrock::with_faults();
    let url = bedrock.url();
    let mut stack = Stack::start("image-generation", &[("BEDROCK_ENDPOINT_URL", &url)]).await;
    for (marker, status, code) in [
        ("bad_image", 502, "image_invalid"),
        ("bad_crc", 502, "image_invalid"),
        ("cut", 502, "upstream_truncated"),
        ("filtered", 400, "content_policy_violation"),
    ] {
        let prompt = format!("a lake [[fault:{marker}]]");
        let event = Event::file("image-generation-http-v2").with_body(&json!({"prompt": prompt}));
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, status, "{marker}: {answer:?}");
        assert_eq!(answer.error()["code"], code, "{marker}");
    }
    assert_eq!(bedrock.calls().await.generated, 4, "each is paid for once");
    assert_eq!(stack.s3.keys().await, Vec::<String>::new());
}
