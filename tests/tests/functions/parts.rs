//! What a chat holds beside text, and what a request says beside the common parameters, from the
//! event to the local Bedrock and back.

use end_to_end::{Answer, Ask, Event, Stack, marked};
use serde_json::{Value, json};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// 640 by 480 pixels; no client looks further.
const GIF: &str = "data:image/gif;base64,R0lGODlhgALgAQ==";

fn chat(content: Value) -> Event {
    let messages = json!([{"role": "user", "content": content}]);
    Event::file("chat-http-v2")
        .marked()
        .with_field("messages", messages)
}

fn image() -> Value {
    json!({"type": "image_url", "image_url": {"url": GIF, "detail": "high"}})
}

fn file() -> Value {
    let file =
        json!({"filename": marked("private.md"), "file_data": "data:text/markdown;base64,IyBh"});
    json!({"type": "file", "file": file})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": marked(text)})
}

fn said(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("/choices/0/message/content")
}

#[tokio::test]
async fn an_image_and_a_file_reach_the_model() {
    let mut stack = Stack::start("chat", &[]).await;
    let answer = stack
        .function
        .call(&chat(json!([image(), file(), text("What is it?")])))
        .await;
    let said = said(&answer);
    assert!(said.contains("[image: gif, 640x480, not seen]"), "{said}");
    assert!(said.contains("[document: md, 3 bytes"), "{said}");
}

#[tokio::test]
async fn what_goes_over_the_wire_is_converses() {
    let ask = Ask::CHAT;
    let mut asked = ask.of([ask.answer(&["Hello"])]).await;
    let cached =
        json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    let messages = json!([{"role": "user", "content": [image(), file(), cached]}]);
    let event = ask
        .event()
        .with_field("model", "us.amazon.nova-lite-v1:0".into())
        .with_field("messages", messages);
    let answer = asked.function.call(&event).await;
    assert_eq!(said(&answer), marked("Hello"));
    let sent = asked.upstream.requests()[0].json();
    let content = sent["messages"][0]["content"].as_array().expect("content");
    assert_eq!(content[0]["image"]["format"], "gif");
    assert_eq!(content[0]["image"]["source"]["bytes"], "R0lGODlhgALgAQ==");
    assert_eq!(content[1]["document"]["format"], "md");
    assert_eq!(content[2], json!({"text": "a"}));
    assert_eq!(
        content[3],
        json!({"cachePoint": {"type": "default", "ttl": "1h"}})
    );
}

#[tokio::test]
async fn a_model_that_does_not_see_is_shown_nothing() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = chat(json!([image(), text("What is it?")]))
        .with_field("model", "us.amazon.nova-micro-v1:0".into());
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.error()["code"], "unsupported_parameter");
    assert_eq!(
        answer.error()["param"],
        "messages[0].content[0].image_url.url"
    );
    assert_eq!(stack.bedrock.calls().await.received, 0);
}

#[tokio::test]
async fn what_a_model_thought_comes_first_and_goes_back_signed() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = chat(json!([text("Why?")]))
        .with_field("model", SONNET.into())
        .with_field("temperature", Value::Null)
        .with_field("max_tokens", 2_048.into())
        .with_field("reasoning_effort", "medium".into());
    let answer = stack.function.call(&event).await;
    said(&answer);
    let message = answer.body["choices"][0]["message"].clone();
    let thought = message["reasoning_content"].as_str().expect("a thought");
    // Half of 2,048.
    assert!(thought.contains("with 1024 tokens"), "{thought}");
    assert_eq!(message["thinking_blocks"][0]["thinking"], thought);
    assert!(message["thinking_blocks"][0]["signature"].is_string());
    let details = &answer.body["usage"]["completion_tokens_details"];
    assert_eq!(details, &json!({}));

    // It goes back as it came, and in no other way.
    let mut body = event.body();
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(message);
    messages.push(json!({"role": "user", "content": "And then?"}));
    let goes_on = stack.function.call(&event.clone().with_body(&body)).await;
    said(&goes_on);
    body["messages"][1]["thinking_blocks"][0]["thinking"] = json!("forged");
    let forged = stack.function.call(&event.clone().with_body(&body)).await;
    assert_eq!(forged.status, 400, "{forged:?}");

    let streamed = stack
        .function
        .call(&event.with_field("stream", true.into()))
        .await;
    let deltas: Vec<&Value> = streamed
        .data()
        .filter_map(|data| data["choices"][0].get("delta"))
        .collect();
    let told: String = deltas
        .iter()
        .filter_map(|delta| delta["reasoning_content"].as_str())
        .collect();
    assert!(told.contains("[simulated]"), "{streamed:?}");
    let place = |has: &dyn Fn(&Value) -> bool| deltas.iter().position(|delta| has(delta));
    let signed = place(&|delta| delta["thinking_blocks"][0]["signature"].is_string());
    let spoke = place(&|delta| {
        delta["content"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    });
    assert!(signed.is_some() && signed < spoke, "{streamed:?}");
    assert!(streamed.is_done());
}

#[tokio::test]
async fn a_cached_prompt_is_written_once_and_then_read() {
    let mut stack = Stack::start("chat", &[]).await;
    let cached =
        json!({"type": "text", "text": "one two three", "cache_control": {"type": "ephemeral"}});
    let event = chat(json!([cached, text("What?")]));
    let mut details = Vec::new();
    for _ in 0..2 {
        let answer = stack.function.call(&event).await;
        said(&answer);
        details.push(answer.body["usage"]["prompt_tokens_details"].clone());
    }
    let counts =
        |read: u64, written: u64| json!({"cached_tokens": read, "cache_write_tokens": written});
    assert_eq!(details, [counts(0, 3), counts(3, 0)]);
}

#[tokio::test]
async fn a_request_may_add_a_guardrail_and_is_told_what_it_did() {
    let mut stack = Stack::start("chat", &[]).await;
    let guardrail = json!({"identifier": "localguard01", "version": "1", "trace": "enabled"});
    let event = chat(json!([text("guardrail-blocks-this")])).with_field("guardrail", guardrail);
    let answer = stack.function.call(&event).await;
    assert!(said(&answer).contains("The guardrail blocked"));
    assert_eq!(answer.text("/choices/0/finish_reason"), "content_filter");
    let expected = json!({"action": "intervened", "policies": ["word"]});
    assert_eq!(answer.body["guardrail"], expected);
    let streamed = event
        .with_field("stream", true.into())
        .with_field("stream_options", json!({"include_usage": true}));
    let answer = stack.function.call(&streamed).await;
    let last = answer.data().last().expect("a chunk");
    assert_eq!(last["guardrail"], expected);
}

#[tokio::test]
async fn the_deployments_guardrail_is_not_replaced() {
    let own = [("GUARDRAIL_ID", "localguard01"), ("GUARDRAIL_VERSION", "1")];
    let mut stack = Stack::start("chat", &own).await;
    let named = |id: &str| {
        let guardrail = json!({"identifier": id, "version": "1"});
        chat(json!([text("guardrail-blocks-this")])).with_field("guardrail", guardrail)
    };
    let answer = stack.function.call(&named("localguard01")).await;
    assert_eq!(answer.body["guardrail"]["action"], "intervened");
    let answer = stack.function.call(&named("another")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.error()["param"], "guardrail");
    assert_eq!(answer.error()["code"], "unsupported_parameter");
}

#[tokio::test]
async fn tier_latency_and_fields_go_there_and_back() {
    let mut stack = Stack::start("chat", &[]).await;
    let event = chat(json!([text("Hello")]))
        .with_field("model", "us.amazon.nova-pro-v1:0".into())
        .with_field("service_tier", "flex".into())
        .with_field("performance_config", json!({"latency": "optimized"}));
    let answer = stack.function.call(&event).await;
    said(&answer);
    assert_eq!(answer.body["service_tier"], "flex");
    assert_eq!(answer.body["performance_config"]["latency"], "optimized");

    let event = chat(json!([text("Hello")]))
        .with_field("model", SONNET.into())
        .with_field("additional_model_request_fields", json!({"top_k": 5}))
        .with_field(
            "additional_model_response_field_paths",
            json!(["/stop_sequence"]),
        );
    let answer = stack.function.call(&event).await;
    said(&answer);
    let fields = &answer.body["choices"][0]["additional_model_response_fields"];
    assert_eq!(fields, &json!({"stop_sequence": null}));
    let answer = stack
        .function
        .call(&event.with_field("top_k", 3.into()))
        .await;
    assert_eq!(
        answer.error()["param"],
        "additional_model_request_fields.top_k"
    );
}

#[tokio::test]
async fn invoke_model_is_told_in_headers_and_in_its_own_body() {
    let ask = Ask::TEXT;
    let mut asked = ask.of([ask.answer(&["Hello"])]).await;
    let event = ask
        .event()
        .with_field("service_tier", "priority".into())
        .with_field("performance_config", json!({"latency": "optimized"}))
        .with_field(
            "guardrail",
            json!({"identifier": "abc", "version": "DRAFT"}),
        )
        .with_field("additional_model_request_fields", json!({"own": {"a": 1}}));
    let answer = asked.function.call(&event).await;
    ask.check(&answer, "Hello");
    let request = asked.upstream.last();
    for (name, value) in [
        ("x-amzn-bedrock-service-tier", "priority"),
        ("x-amzn-bedrock-performanceconfig-latency", "optimized"),
        ("x-amzn-bedrock-guardrailidentifier", "abc"),
        ("x-amzn-bedrock-guardrailversion", "DRAFT"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.json()["own"], json!({"a": 1}));
}
