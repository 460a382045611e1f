//! What a function writes to its log: facts, and nothing that a caller or a model said.

use end_to_end::{Bedrock, CANARY, Event, Function, Stack, TRACE};
use serde_json::{Value, json};

/// The body that each function is asked with; the second makes it fail.
fn bodies(function: &str) -> [Value; 2] {
    match function {
        "image-generation" => [
            json!({"prompt": CANARY, "negative_prompt": CANARY, "user": CANARY}),
            json!({"prompt": CANARY, CANARY: CANARY}),
        ],
        "chat" => [
            json!({"messages": [{"role": "system", "content": CANARY}, {"role": "user", "content": CANARY}]}),
            json!({"messages": [{"role": CANARY, "content": CANARY}], "model": CANARY}),
        ],
        _ => [
            json!({"prompt": CANARY, "stop": [CANARY]}),
            json!({"prompt": CANARY, "model": CANARY}),
        ],
    }
}

#[tokio::test]
async fn no_word_of_a_request_or_an_answer_is_logged_at_any_level() {
    for (function, event) in [
        ("text-completion", "text-completion-http-v2"),
        ("chat", "chat-http-v2"),
        ("image-generation", "image-generation-http-v2"),
    ] {
        let mut stack = Stack::start(function, &[]).await;
        let [good, bad] = bodies(function);
        let answer = stack
            .function
            .call(&Event::file(event).with_body(&good))
            .await;
        assert_eq!(answer.status, 200, "{function}: {answer:?}");
        let answer = stack
            .function
            .call(&Event::file(event).with_body(&bad))
            .await;
        assert!(answer.status >= 400, "{function}: {answer:?}");
        let broken = Event::file(event).with_text(&format!("{{\"{CANARY}\": "));
        stack.function.call(&broken).await;
        let output = stack.function.stop().await;
        assert!(output.contains("answered"), "{function}: {output}");
    }
}

/// Bedrock's own words may quote the prompt. The caller may read them, the log may not.
#[tokio::test]
async fn what_bedrock_says_of_a_request_is_told_to_the_caller_and_not_logged() {
    let bedrock = Bedrock::with_faults();
    let url = bedrock.url();
    let environment = [("BEDROCK_ENDPOINT_URL", url.as_str())];
    let mut function = Function::start("chat", &environment).await;
    let content = format!("[[fault:{CANARY}]]");
    let event = Event::file("chat-http-v2")
        .marked()
        .with_field("messages", json!([{"role": "user", "content": content}]));
    let answer = function.call(&event).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error()["code"], "request_refused");
    assert!(answer.text("/error/message").contains(CANARY));
    let output = function.stop().await;
    assert!(output.contains("request_refused"), "{output}");
}

#[tokio::test]
async fn each_request_is_one_line_of_facts() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = Event::file("chat-http-v2").marked();
    let answered = stack.function.call(&event).await;
    let unknown = event.with_field("model", "gpt-4o".into());
    let refused = stack.function.call(&unknown).await;
    let output = stack.function.stop().await;
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        // Metrics have lines of their own.
        .filter(|line: &Value| line.get("_aws").is_none())
        .collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["message"], "answered");
    assert_eq!(lines[0]["request_id"], answered.header("x-request-id"));
    assert_eq!(lines[0]["model"], "us.amazon.nova-lite-v1:0");
    assert_eq!(
        lines[0]["input_tokens"],
        answered.body["usage"]["prompt_tokens"]
    );
    assert!(lines[0]["milliseconds"].is_u64(), "{output}");
    let trace = lines[0]["trace_id"].as_str().expect("an id");
    assert!(TRACE.starts_with(&format!("Root={trace};")), "{trace}");
    assert_eq!(lines[1]["message"], "refused");
    assert_eq!(lines[1]["request_id"], refused.header("x-request-id"));
    assert_eq!(lines[1]["code"], "model_not_found");
}
