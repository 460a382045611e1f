//! What the environment changes.

use end_to_end::{Ask, Event, Function, Refusing, Stack, Sts, Task, Witness};
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
        let event = Event::file(event).with_body(&body).marked();
        let mut stack = Stack::start(function, &[(variable, model)]).await;
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "{function}: {answer:?}");
        assert_eq!(stack.bedrock.calls().await.kinds[0].1, model, "{function}");
    }
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
    let event = Event::file("chat-http-v2")
        .marked()
        .with_field("model", "gpt-4o".into());
    let answer = stack.function.call(&event).await;
    assert_eq!((answer.status, answer.text("/model")), (200, "gpt-4o"));
    let body = json!({"messages": [{"role": "user", "content": "Hello"}]});
    let event = event.with_body(&body).marked();
    let answer = stack.function.call(&event).await;
    assert_eq!((answer.status, answer.text("/model")), (200, "ours"));
    let calls = stack.bedrock.calls().await;
    let operations: Vec<_> = calls.kinds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(operations, ["InvokeModel", "Converse"]);
}

/// A profile of the account's own, in each of the ways to its model.
#[tokio::test]
async fn a_model_that_is_allowed_by_its_arn_is_called_by_it() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456";
    for ask in Ask::ALL {
        let family = match ask.task {
            Task::Chat | Task::Text => "nova-text",
            Task::Image => "stable-image",
        };
        let variable = match ask.task {
            Task::Chat => "DEFAULT_CHAT_MODEL",
            Task::Text => "DEFAULT_TEXT_MODEL",
            Task::Image => "DEFAULT_IMAGE_MODEL",
        };
        let allowed = format!("{},{arn}", ask.model());
        let environment = [
            ("ALLOWED_MODELS", allowed.as_str()),
            (variable, ask.model()),
        ];
        let mut asked = ask.with(&environment, [ask.answer(&["Hello"])]).await;
        let event = ask
            .event()
            .with_field("model", arn.into())
            .with_field("family", family.into());
        let event = match ask.task {
            Task::Chat => event.with_field("api", "converse".into()),
            Task::Text | Task::Image => event,
        };
        let answer = asked.function.call(&event).await;
        ask.check(&answer, "Hello");
        let path = asked.upstream.last().path;
        assert!(path.contains("abc123def456"), "{ask:?}: {path}");
    }
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
    let answer = function
        .call(&Event::file("text-completion-http-v2").marked())
        .await;
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
async fn an_image_that_cannot_be_stored_is_an_error_that_says_so() {
    let nobody = Refusing::start();
    let url = nobody.url();
    let mut stack = Stack::start("image-generation", &[("AWS_ENDPOINT_URL_S3", &url)]).await;
    let event = Event::file("image-generation-http-v2").marked();
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.error()["code"], "answer_not_stored");
    assert_eq!(answer.header("x-should-retry"), "false");
    assert_eq!(answer.header("retry-after"), "", "a retry pays again");
    assert_eq!(stack.bedrock.calls().await.generated, 1, "paid for once");
    assert_eq!(stack.s3.keys().await, Vec::<String>::new());
    let bad = event.with_field("steps", 0.into());
    let answer = stack.function.call(&bad).await;
    assert_eq!(answer.status, 400, "the process lives on");
}
