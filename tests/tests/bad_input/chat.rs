//! What is wrong with a request for the next turn of a conversation.

use end_to_end::Event;
use serde_json::{Value, json};

use crate::{Bad, check};

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn table(good: &Event) -> Vec<Bad> {
    let field = |name, value, code| Bad::field(good, name, value, code);
    let history = |messages: Value, param, code| {
        let what = messages.to_string().chars().take(80).collect::<String>();
        let event = good.clone().with_field("messages", messages);
        Bad::new(what, event, code).param(param)
    };
    let part =
        |part: Value, code| history(json!([user(json!([part]))]), "messages[0].content[0]", code);
    let url = |url: &str| {
        part(
            json!({"type": "image_url", "image_url": {"url": url}}),
            "unsupported_parameter",
        )
    };
    let without_messages = good.clone().with_body(&json!({"max_tokens": 5}));
    vec![
        Bad::new(
            "no messages",
            without_messages,
            "missing_required_parameter",
        )
        .param("messages"),
        history(json!([]), "messages", "invalid_value"),
        history(json!("Hello"), "messages", "invalid_value"),
        history(
            json!([{"role": "system", "content": "Be brief."}]),
            "messages",
            "invalid_value",
        ),
        history(
            json!(vec![user(json!("a")); 10_001]),
            "messages",
            "invalid_value",
        ),
        history(
            json!([{"role": "assistant", "content": "a"}]),
            "messages[0].role",
            "invalid_value",
        ),
        history(
            json!([{"role": "wizard", "content": "a"}]),
            "messages[0].role",
            "invalid_value",
        ),
        history(
            json!([user(json!("a")), user(json!(" \u{200b}"))]),
            "messages[1].content",
            "invalid_value",
        ),
        history(
            json!([user(json!(7))]),
            "messages[0].content",
            "invalid_value",
        ),
        // URLs are never fetched, least of all these.
        url("http://169.254.169.254/latest/meta-data/"),
        url("file:///etc/passwd"),
        url("http://[::1]/"),
        part(
            json!({"type": "document", "s3Location": {"uri": "s3://a/b"}}),
            "unsupported_parameter",
        ),
        field(
            "tools",
            json!([{"type": "function"}]),
            "unsupported_parameter",
        ),
        field("logprobs", json!(true), "unsupported_parameter"),
        field("temperature", json!(1.5), "invalid_value"),
        field("temperature", json!("hot"), "invalid_value"),
        field("max_tokens", json!(0), "invalid_value"),
        field("max_completion_tokens", json!(65), "invalid_value"),
        field("seed", json!(7), "unsupported_parameter"),
        field("mesages", json!([]), "unknown_parameter"),
        field(
            "model",
            json!("stability.stable-diffusion-xl-v1"),
            "unsupported_model",
        ),
        Bad::new(
            "an imported model without its family",
            good.clone().with_field(
                "model",
                json!("arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456"),
            ),
            "model_family_required",
        )
        .param("family"),
    ]
}

#[tokio::test]
async fn a_bad_conversation_is_refused() {
    let good = Event::file("chat-http-v2");
    check("chat", &good, table(&good)).await;
    let good = Event::file("chat-rest-v1");
    check("chat", &good, table(&good)).await;
}
