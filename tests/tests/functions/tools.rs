//! Tools and JSON answers in chats.

use end_to_end::{Answer, Ask, CANARY, Event, Script, Stack, marked};
use serde_json::{Value, json};

const NOVA: &str = "us.amazon.nova-lite-v1:0";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const LLAMA: &str = "us.meta.llama3-1-70b-instruct-v1:0";

fn ask(model: &str, messages: &[Value], options: &Value) -> Event {
    let mut body = json!({"model": model, "messages": messages});
    let fields = body.as_object_mut().expect("an object");
    fields.extend(options.as_object().expect("an object").clone());
    Event::file("chat-http-v2").with_body(&body)
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": marked(text)})
}

fn tools() -> Value {
    let tool = |name: &str| {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    json!([tool("get_weather"), tool("get_time")])
}

fn schema() -> Value {
    let schema = json!({
        "type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false,
    });
    json!({"type": "json_schema", "json_schema": {"name": "fox", "schema": schema, "strict": true}})
}

/// The calls of a streamed answer, put together as clients do.
fn joined(answer: &Answer) -> Vec<Value> {
    let mut calls: Vec<(Value, String)> = Vec::new();
    for data in answer.data() {
        let pieces = data.pointer("/choices/0/delta/tool_calls");
        for piece in pieces.and_then(Value::as_array).into_iter().flatten() {
            let arguments = piece["function"]["arguments"].as_str().expect("arguments");
            let index = piece["index"].as_u64().expect("an index");
            let index = usize::try_from(index).expect("a small index");
            if piece["id"].is_string() {
                assert_eq!(index, calls.len(), "{piece}");
                calls.push((piece.clone(), String::new()));
            }
            calls[index].1.push_str(arguments);
        }
    }
    let whole = |(begun, arguments): (Value, String)| {
        json!({
            "id": begun["id"], "type": begun["type"],
            "function": {"name": begun["function"]["name"], "arguments": arguments},
        })
    };
    calls.into_iter().map(whole).collect()
}

fn text_of(answer: &Answer) -> String {
    let texts = answer.data().filter_map(|data| {
        let text = data.pointer("/choices/0/delta/content")?;
        text.as_str().map(str::to_owned)
    });
    texts.collect()
}

fn end_of(answer: &Answer) -> String {
    let ends = answer.data().filter_map(|data| {
        let reason = data.pointer("/choices/0/finish_reason")?;
        reason.as_str().map(str::to_owned)
    });
    ends.last().expect("an end")
}

#[tokio::test]
async fn a_call_and_its_result_go_to_and_fro() {
    let mut stack = Stack::start("chat", &[]).await;
    let options = json!({"tools": tools()});
    let mut messages = vec![user("Use get_weather and get_time.")];
    let first = stack.function.call(&ask(NOVA, &messages, &options)).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.text("/choices/0/finish_reason"), "tool_calls");
    assert_eq!(first.text("/choices/0/stop_reason"), "tool_use");
    let message = first.body["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().expect("calls").clone();
    assert_eq!(calls.len(), 2, "{message}");
    let arguments = calls[0]["function"]["arguments"].as_str().expect("a text");
    let arguments: Value = serde_json::from_str(arguments).expect("JSON");
    assert_eq!(arguments, json!({"city": "[simulated] city"}));

    messages.push(message);
    for (call, content) in calls.iter().zip(["21 degrees", "noon"]) {
        messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": content}));
    }
    for options in [options, json!({})] {
        let second = stack.function.call(&ask(NOVA, &messages, &options)).await;
        assert_eq!(second.status, 200, "{second:?}");
        assert_eq!(second.text("/choices/0/finish_reason"), "stop");
        let text = second.text("/choices/0/message/content");
        assert!(
            text.contains("[result: 21 degrees] [result: noon]"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_streamed_answer_has_the_same_calls() {
    let mut stack = Stack::start("chat", &[]).await;
    for options in [
        json!({"tools": tools()}),
        json!({"tools": tools(), "tool_choice": "required"}),
        json!({"tools": tools(), "tool_choice": {"type": "function", "function": {"name": "get_time"}}}),
    ] {
        let messages = [user("Use get_weather and get_time.")];
        let event = ask(NOVA, &messages, &options);
        let whole = stack.function.call(&event).await;
        let message = &whole.body["choices"][0]["message"];
        let streamed = event.with_field("stream", true.into());
        let streamed = stack.function.call(&streamed).await;
        assert_eq!(json!(joined(&streamed)), message["tool_calls"]);
        assert_eq!(
            text_of(&streamed),
            message["content"].as_str().unwrap_or_default()
        );
        assert_eq!(end_of(&streamed), "tool_calls");
        assert!(streamed.is_done());
    }
}

#[tokio::test]
async fn a_schema_is_answered_in_json_by_the_models_own_means_or_a_tool() {
    let mut stack = Stack::start("chat", &[]).await;
    for model in [NOVA, SONNET] {
        let options = json!({"response_format": schema()});
        let event = ask(model, &[user("Describe a fox.")], &options);
        let whole = stack.function.call(&event).await;
        assert_eq!(whole.status, 200, "{whole:?}");
        let text = whole.text("/choices/0/message/content");
        let fox: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(
            fox,
            json!({"name": "[simulated] name", "age": 1}),
            "{model}"
        );
        assert_eq!(whole.text("/choices/0/finish_reason"), "stop");
        assert!(
            whole.body["choices"][0]["message"]
                .get("tool_calls")
                .is_none()
        );

        let streamed = event.with_field("stream", true.into());
        let streamed = stack.function.call(&streamed).await;
        assert_eq!(text_of(&streamed), text, "{model}");
        assert_eq!(end_of(&streamed), "stop");
        assert_eq!(joined(&streamed), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_model_that_streams_no_calls_is_asked_whole_and_answers_as_a_stream() {
    let usage = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 8});
    let call =
        json!({"toolUse": {"toolUseId": "t1", "name": "get_time", "input": {"city": CANARY}}});
    let answered = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": CANARY}, call]}},
        "stopReason": "tool_use", "usage": usage, "metrics": {"latencyMs": 7},
    });
    let mut asked = Ask::CHAT_STREAM.of([Script::json(&answered)]).await;
    let options = json!({
        "tools": tools(), "stream": true, "stream_options": {"include_usage": true},
    });
    let event = ask(LLAMA, &[user("What time is it?")], &options);
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(text_of(&answer), CANARY);
    let arguments = json!({"city": CANARY}).to_string();
    let expected = json!([{"id": "t1", "type": "function", "function": {"name": "get_time", "arguments": arguments}}]);
    assert_eq!(json!(joined(&answer)), expected);
    assert_eq!(end_of(&answer), "tool_calls");
    assert!(answer.is_done());
    let last = answer.data().last().expect("a chunk");
    assert_eq!(last["usage"]["total_tokens"], 8);
    let sent = asked.upstream.requests()[0].json();
    assert_eq!(
        sent["toolConfig"]["tools"][1]["toolSpec"]["name"],
        "get_time"
    );
}

#[tokio::test]
async fn what_a_model_cannot_do_is_refused_by_name_and_not_paid_for() {
    let mut stack = Stack::start("chat", &[]).await;
    let json_object = json!({"type": "json_object"});
    for (model, options, param) in [
        (
            "amazon.titan-text-express-v1",
            json!({"tools": tools()}),
            "tools",
        ),
        (
            "amazon.titan-text-express-v1",
            json!({"response_format": json_object}),
            "response_format",
        ),
        (
            NOVA,
            json!({"tools": tools(), "response_format": schema()}),
            "response_format",
        ),
        (
            NOVA,
            json!({"tools": tools(), "parallel_tool_calls": false}),
            "parallel_tool_calls",
        ),
        (NOVA, json!({"tools": tools(), "api": "invoke"}), "tools"),
    ] {
        let answer = stack
            .function
            .call(&ask(model, &[user("Hello")], &options))
            .await;
        assert_eq!(answer.status, 400, "{options}: {answer:?}");
        assert_eq!(answer.error()["code"], "unsupported_parameter", "{options}");
        assert_eq!(answer.error()["param"], param, "{options}");
    }
    assert_eq!(stack.bedrock.calls().await.kinds, []);
}
