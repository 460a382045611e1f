//! Chat with the history kept in the request.

use end_to_end::{Answer, Event, Stack};
use serde_json::json;

/// Checks that the answer is one of the whole history in `events/chat-*.json`: the simulator says
/// what it was given.
fn check(answer: &Answer, model: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let request_id = answer.header("x-request-id");
    assert_eq!(answer.text("/id"), format!("chatcmpl-{request_id}"));
    assert_eq!(answer.text("/object"), "chat.completion");
    assert_eq!(answer.text("/model"), model);
    assert_eq!(answer.text("/choices/0/message/role"), "assistant");
    assert_eq!(answer.text("/choices/0/finish_reason"), "stop");
    for null in ["/choices/0/message/refusal", "/choices/0/logprobs"] {
        let value = answer.body.pointer(null);
        assert!(value.is_some_and(|value| value.is_null()), "{null}");
    }
    let text = answer.text("/choices/0/message/content");
    assert!(text.starts_with("[simulated]"), "{text}");
    for part in [
        "3 turn(s)",
        "You are a helpful assistant.",
        "My dog is called Rex.",
        "Write one sentence about my dog.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(answer.body["usage"]["prompt_tokens"].as_u64() > Some(15));
}

#[tokio::test]
async fn the_history_and_the_system_prompt_reach_the_model_over_converse() {
    let mut stack = Stack::start("chat", &[]).await;
    for event in ["chat-http-v2", "chat-rest-v1"] {
        let answer = stack.function.call(&Event::file(event).marked()).await;
        check(&answer, "us.amazon.nova-lite-v1:0");
    }
    let nova = ("Converse".to_owned(), "amazon.nova-lite-v1:0".to_owned());
    assert_eq!(stack.bedrock.calls().await.kinds, [nova]);
}

#[tokio::test]
async fn the_history_reaches_the_model_over_its_own_transcript_too() {
    let mut stack = Stack::start("chat", &[]).await;
    for model in [
        "us.amazon.nova-lite-v1:0",
        "anthropic.claude-v2:1",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    ] {
        let event = Event::file("chat-http-v2")
            .marked()
            .with_field("model", model.into())
            .with_field("api", "invoke".into());
        check(&stack.function.call(&event).await, model);
    }
    let calls = stack.bedrock.calls().await;
    let operations = calls.kinds.iter().map(|(operation, _)| operation.as_str());
    assert_eq!(operations.collect::<Vec<_>>(), ["InvokeModel"; 3]);
}

#[tokio::test]
async fn a_model_without_converse_is_given_its_own_transcript_unasked() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = Event::file("chat-http-v2")
        .marked()
        .with_field("model", "amazon.titan-tg1-large".into());
    let answer = stack.function.call(&event).await;
    check(&answer, "amazon.titan-tg1-large");
    let titan = (
        "InvokeModel".to_owned(),
        "amazon.titan-tg1-large".to_owned(),
    );
    assert_eq!(stack.bedrock.calls().await.kinds, [titan]);
}

#[tokio::test]
async fn a_turn_that_is_lost_would_show() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = Event::file("chat-http-v2").marked();
    let whole = stack.function.call(&event).await;
    let mut body = event.body();
    body["messages"].as_array_mut().unwrap().remove(2);
    let shorter = stack.function.call(&event.with_body(&body)).await;
    let content = "/choices/0/message/content";
    assert_ne!(whole.text(content), shorter.text(content));
}

#[tokio::test]
async fn an_answer_can_be_sent_back_as_the_next_turn() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = Event::file("chat-http-v2").marked();
    let answer = stack.function.call(&event).await;
    let mut body = event.body();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(answer.body["choices"][0]["message"].clone());
    messages.push(json!({"role": "user", "content": "And one about my cat."}));
    let answer = stack.function.call(&event.with_body(&body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = answer.text("/choices/0/message/content");
    assert!(text.contains("5 turn(s)"), "{text}");
    assert!(text.contains("And one about my cat."), "{text}");
}

#[tokio::test]
async fn n_alternatives_are_n_calls() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = Event::file("chat-http-v2")
        .marked()
        .with_field("n", 2.into());
    let answer = stack.function.call(&event).await;
    check(&answer, "us.amazon.nova-lite-v1:0");
    assert_eq!(answer.body["choices"][1]["index"], 1);
    assert_eq!(stack.bedrock.calls().await.generated, 2);
}
