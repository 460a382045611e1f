//! Text completion.

use end_to_end::{Answer, Event, Stack, marked};
use serde_json::json;

const PROMPT: &str = "What is the capital of France?";

/// Checks everything that an answer with one choice has, whatever the model.
fn check(answer: &Answer, model: &str, finish: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    let request_id = answer.header("x-request-id");
    assert_eq!(answer.text("/id"), format!("cmpl-{request_id}"));
    assert_eq!(answer.text("/object"), "text_completion");
    assert_eq!(answer.text("/model"), model);
    let choices = answer.body["choices"].as_array().expect("choices");
    assert_eq!(choices.len(), 1);
    let text = answer.text("/choices/0/text");
    assert!(text.contains("[simulated]"), "{text}");
    assert_eq!(answer.text("/choices/0/finish_reason"), finish);
    let usage = &answer.body["usage"];
    let count = |name: &str| usage[name].as_u64().expect("a count");
    assert_eq!(count("prompt_tokens"), 7, "the prompt's words");
    let completion_tokens = count("completion_tokens");
    assert_eq!(count("total_tokens"), 7 + completion_tokens);
}

#[tokio::test]
async fn titan_completes_a_prompt_that_comes_over_either_kind_of_api() {
    let mut stack = Stack::start("text-completion", &[]).await;
    for event in ["text-completion-http-v2", "text-completion-rest-v1"] {
        let answer = stack.function.call(&Event::file(event).marked()).await;
        check(&answer, "amazon.titan-tg1-large", "stop");
        assert!(answer.text("/choices/0/text").contains(PROMPT), "{event}");
    }
    let calls = stack.bedrock.calls().await;
    assert_eq!((calls.received, calls.generated), (2, 2));
    let tg1_large = (
        "InvokeModel".to_owned(),
        "amazon.titan-tg1-large".to_owned(),
    );
    assert_eq!(calls.kinds, [tg1_large]);
}

#[tokio::test]
async fn claude_v2_completes_a_prompt_in_its_text_form() {
    let mut stack = Stack::start("text-completion", &[]).await;
    let event = Event::file("text-completion-http-v2")
        .marked()
        .with_field("model", "anthropic.claude-v2".into());
    let answer = stack.function.call(&event).await;
    check(&answer, "anthropic.claude-v2", "stop");
    assert!(answer.text("/choices/0/text").contains(PROMPT));
    let short = event.with_field("max_tokens", 5.into());
    let answer = stack.function.call(&short).await;
    check(&answer, "anthropic.claude-v2", "length");
    assert_eq!(answer.body["usage"]["completion_tokens"], 5);
}

#[tokio::test]
async fn several_prompts_give_n_choices_each_in_the_order_of_the_prompts() {
    let mut stack = Stack::start("text-completion", &[]).await;
    let event = Event::file("text-completion-http-v2").with_body(&json!({
        "model": "anthropic.claude-v2",
        "prompt": [marked("a red fox"), marked("a blue whale")],
        "n": 2,
        "echo": true,
        "max_tokens": 100,
    }));
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (index, prompt) in ["a red fox", "a red fox", "a blue whale", "a blue whale"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(answer.body["choices"][index]["index"], index);
        let text = answer.text(&format!("/choices/{index}/text"));
        let prompt = marked(prompt);
        assert!(text.starts_with(&prompt), "echoed: {text}");
        assert!(text.contains(&format!("says \"{prompt}\"")), "{text}");
    }
    assert_eq!(answer.body["choices"].as_array().unwrap().len(), 4);
    assert_eq!(stack.bedrock.calls().await.generated, 4);
}
