//! Streams: each family's chunks, Converse's events, and that they come one by one.

use std::time::Duration;

use local_bedrock::Config;
use serde_json::{Value, json};

use crate::client::{Bedrock, Stream, StreamEnd, TAKEN};

const STREAM: &str = "invoke-with-response-stream";
const CONVERSE: &str = "converse-stream";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// Streams a native body, checks what all families share, returns the chunks.
fn check(bedrock: &Bedrock, model: &str, body: &Value, text_at: &str) -> Vec<Value> {
    let stream = bedrock.stream(model, STREAM, body);
    check_envelope(&stream);
    let chunks = stream.chunks();
    assert_eq!(
        chunks.len(),
        stream.frames.len(),
        "{model}: other events than chunks"
    );
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk.pointer(text_at)?.as_str())
        .collect();
    assert!(
        text.contains("[simulated]") && text.contains("Hello you"),
        "{model}: {text}"
    );
    for (index, chunk) in chunks.iter().enumerate() {
        let metrics = &chunk["amazon-bedrock-invocationMetrics"];
        assert_eq!(
            metrics.is_object(),
            index + 1 == chunks.len(),
            "{model}: {chunk}"
        );
    }
    let metrics = &chunks[chunks.len() - 1]["amazon-bedrock-invocationMetrics"];
    assert!(
        metrics["inputTokenCount"].as_u64() > Some(0),
        "{model}: {metrics}"
    );
    assert!(
        metrics["outputTokenCount"].as_u64() > Some(0),
        "{model}: {metrics}"
    );
    assert!(metrics["firstByteLatency"].as_u64() <= metrics["invocationLatency"].as_u64());
    chunks
}

fn check_envelope(stream: &Stream) {
    assert_eq!(stream.end, StreamEnd::Clean);
    assert_eq!(
        stream.headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert_eq!(
        stream.headers["x-amzn-bedrock-content-type"],
        "application/json"
    );
    assert_eq!(stream.headers["x-local-backend"], "simulator");
    for name in TAKEN {
        assert!(!stream.headers.contains_key(name), "{name}");
    }
    for frame in &stream.frames {
        assert_eq!(frame.header(":message-type"), "event");
        assert_eq!(frame.header(":content-type"), "application/json");
    }
}

fn conversation() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "Hello you"}]}]})
}

#[test]
fn titan_streams_its_chunks() {
    let bedrock = Bedrock::start();
    let body = json!({"inputText": "Hello you"});
    let chunks = check(&bedrock, "amazon.titan-tg1-large", &body, "/outputText");
    let last = &chunks[chunks.len() - 1];
    assert!(chunks[0]["completionReason"].is_null());
    assert_eq!(last["completionReason"], "FINISH");
    assert_eq!(last["inputTextTokenCount"], 2);
    assert_eq!(last["index"], 0);
    assert!(last["totalOutputTextTokenCount"].is_u64());
}

#[test]
fn claude_streams_completions() {
    let bedrock = Bedrock::start();
    let body = json!({"prompt": "\n\nHuman: Hello you\n\nAssistant:", "max_tokens_to_sample": 99});
    let chunks = check(&bedrock, "anthropic.claude-v2", &body, "/completion");
    let last = &chunks[chunks.len() - 1];
    assert!(chunks[0]["stop_reason"].is_null() && chunks[0]["stop"].is_null());
    assert_eq!(last["stop_reason"], "stop_sequence");
    assert_eq!(last["stop"], "\n\nHuman:");
}

#[test]
fn claude_streams_message_events() {
    let bedrock = Bedrock::start();
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hello you"}],
    });
    let chunks = check(&bedrock, SONNET, &body, "/delta/text");
    let mut types: Vec<&str> = chunks
        .iter()
        .filter_map(|chunk| chunk["type"].as_str())
        .collect();
    types.dedup();
    assert_eq!(
        types,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let delta = &chunks[chunks.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert!(delta["usage"]["output_tokens"].as_u64() > Some(1));
}

#[test]
fn nova_streams_its_events() {
    let bedrock = Bedrock::start();
    let chunks = check(
        &bedrock,
        "amazon.nova-micro-v1:0",
        &conversation(),
        "/contentBlockDelta/delta/text",
    );
    assert_eq!(chunks[0], json!({"messageStart": {"role": "assistant"}}));
    assert_eq!(chunks[1]["contentBlockDelta"]["contentBlockIndex"], 0);
    assert_eq!(
        chunks[2],
        json!({"contentBlockStop": {"contentBlockIndex": 0}})
    );
    assert_eq!(chunks[3]["contentBlockDelta"]["contentBlockIndex"], 1);
    assert_eq!(
        chunks[chunks.len() - 2],
        json!({"messageStop": {"stopReason": "end_turn"}})
    );
    assert!(chunks[chunks.len() - 1]["metadata"]["usage"]["totalTokens"].is_u64());
}

#[test]
fn jamba_streams_deltas() {
    let bedrock = Bedrock::start();
    let body = json!({"messages": [{"role": "user", "content": "Hello you"}]});
    let chunks = check(
        &bedrock,
        "ai21.jamba-1-5-mini-v1:0",
        &body,
        "/choices/0/delta/content",
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let last = &chunks[chunks.len() - 1];
    assert!(chunks[1]["choices"][0]["finish_reason"].is_null());
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["usage"]["prompt_tokens"], 2);
}

#[test]
fn command_r_streams_coheres_events() {
    let bedrock = Bedrock::start();
    let body = json!({"message": "Hello you"});
    let chunks = check(&bedrock, "cohere.command-r-plus-v1:0", &body, "/text");
    let mut types: Vec<&str> = chunks
        .iter()
        .filter_map(|chunk| chunk["event_type"].as_str())
        .collect();
    types.dedup();
    assert_eq!(types, ["stream-start", "text-generation", "stream-end"]);
    let last = &chunks[chunks.len() - 1];
    assert_eq!(last["is_finished"], true);
    assert_eq!(last["finish_reason"], "COMPLETE");
    assert_eq!(last["response"]["meta"]["billed_units"]["input_tokens"], 2);
}

#[test]
fn command_streams_pieces_where_the_body_asks_for_them() {
    let bedrock = Bedrock::start();
    let model = "cohere.command-text-v14";
    let mut body = json!({"prompt": "Hello you", "max_tokens": 99, "stream": true});
    let chunks = check(&bedrock, model, &body, "/text");
    let last = &chunks[chunks.len() - 1];
    assert_eq!(chunks[0]["is_finished"], false);
    assert_eq!(last["is_finished"], true);
    assert_eq!(last["finish_reason"], "COMPLETE");
    assert!(chunks.len() > 5 && last["text"].is_null());
    body["stream"] = json!(false);
    let chunks = check(&bedrock, model, &body, "/generations/0/text");
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0]["generations"][0]["finish_reason"], "COMPLETE");
}

#[test]
fn mistral_streams_outputs() {
    let bedrock = Bedrock::start();
    let body = json!({"prompt": "<s>[INST] Hello you [/INST]"});
    let model = "mistral.mistral-7b-instruct-v0:2";
    let chunks = check(&bedrock, model, &body, "/outputs/0/text");
    let last = &chunks[chunks.len() - 1];
    assert!(chunks[0]["outputs"][0]["stop_reason"].is_null());
    assert_eq!(last["outputs"][0]["stop_reason"], "stop");
}

#[test]
fn mistral_streams_choices() {
    let bedrock = Bedrock::start();
    let body = json!({"messages": [{"role": "user", "content": "Hello you"}]});
    let model = "mistral.mistral-large-2407-v1:0";
    let chunks = check(&bedrock, model, &body, "/choices/0/message/content");
    let last = &chunks[chunks.len() - 1];
    assert!(chunks[0]["choices"][0]["stop_reason"].is_null());
    assert_eq!(last["choices"][0]["stop_reason"], "stop");
}

#[test]
fn llama_streams_generations() {
    let bedrock = Bedrock::start();
    let body = json!({"prompt": "Hello you"});
    for model in [
        "meta.llama2-13b-chat-v1",
        "meta.llama3-8b-instruct-v1:0",
        "us.meta.llama4-scout-17b-instruct-v1:0",
    ] {
        let chunks = check(&bedrock, model, &body, "/generation");
        assert!(chunks[0]["stop_reason"].is_null());
        let last = &chunks[chunks.len() - 1];
        assert_eq!(last["stop_reason"], "stop");
        assert_eq!(last["prompt_token_count"], 2);
    }
}

#[test]
fn deepseek_streams_its_thought_first() {
    let bedrock = Bedrock::start();
    let body = json!({"prompt": "Hello you"});
    let chunks = check(&bedrock, "us.deepseek.r1-v1:0", &body, "/choices/0/text");
    let said: Vec<_> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
        .collect();
    assert!(said[0].starts_with("<think>") && !said[0].contains("</think>"));
    assert!(said.concat().contains("</think>\n\n[simulated]"));
    assert_eq!(
        chunks[chunks.len() - 1]["choices"][0]["stop_reason"],
        "stop"
    );
}

#[test]
fn openai_streams_deltas() {
    let bedrock = Bedrock::start();
    let body = json!({"messages": [{"role": "user", "content": "Hello you"}]});
    let path = "/choices/0/delta/content";
    let chunks = check(&bedrock, "openai.gpt-oss-20b-1:0", &body, path);
    assert_eq!(chunks[0]["object"], "chat.completion.chunk");
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let last = &chunks[chunks.len() - 1];
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["usage"]["prompt_tokens"], 2);
}

#[test]
fn qwen_streams_deltas() {
    let bedrock = Bedrock::start();
    let body = json!({"messages": [{"role": "user", "content": "Hello you"}]});
    let path = "/choices/0/delta/content";
    let chunks = check(&bedrock, "qwen.qwen3-32b-v1:0", &body, path);
    let last = &chunks[chunks.len() - 1];
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["usage"]["prompt_tokens"], 2);
}

#[test]
fn converse_streams_inline_events() {
    let bedrock = Bedrock::start();
    for model in [
        "amazon.titan-text-lite-v1",
        "anthropic.claude-v2:1",
        SONNET,
        "us.amazon.nova-lite-v1:0",
    ] {
        let stream = bedrock.stream(model, CONVERSE, &conversation());
        check_envelope(&stream);
        let mut events = stream.events();
        events.dedup();
        assert_eq!(
            events,
            [
                "messageStart",
                "contentBlockDelta",
                "contentBlockStop",
                "messageStop",
                "metadata"
            ]
        );
        let payloads: Vec<Value> = stream.frames.iter().map(|frame| frame.payload()).collect();
        assert!(
            payloads.iter().all(|payload| payload["p"].is_string()),
            "no padding"
        );
        let text: String = payloads
            .iter()
            .filter_map(|payload| payload["delta"]["text"].as_str())
            .collect();
        assert!(text.contains("Hello you"), "{model}: {text}");
        assert_eq!(payloads[payloads.len() - 2]["stopReason"], "end_turn");
        assert!(payloads[payloads.len() - 1]["usage"]["totalTokens"].is_u64());
        assert!(payloads[payloads.len() - 1]["metrics"]["latencyMs"].is_u64());
    }
}

#[test]
fn words_arrive_as_they_are_written() {
    let delay = 25;
    let bedrock = Bedrock::with(&Config {
        chunk_delay_ms: delay,
        ..Config::simulator()
    });
    let stream = bedrock.stream("us.amazon.nova-micro-v1:0", CONVERSE, &conversation());
    let words: Vec<Duration> = stream
        .frames
        .iter()
        .filter(|frame| frame.header(":event-type") == "contentBlockDelta")
        .map(|frame| frame.at)
        .collect();
    let pauses = u32::try_from(words.len() - 1).expect("a few words");
    let spread = words[words.len() - 1] - words[0];
    assert!(pauses > 10, "too few words to tell");
    // Held back, they would all have come at the end.
    assert!(
        spread >= Duration::from_millis(delay) * pauses / 2,
        "{spread:?} for {pauses} pauses"
    );
    assert!(
        words[0] < words[words.len() - 1] / 2,
        "the first word came at {:?}",
        words[0]
    );
}

#[test]
fn a_reader_that_leaves_does_not_disturb_the_next() {
    let bedrock = Bedrock::with(&Config {
        chunk_delay_ms: 5,
        ..Config::simulator()
    });
    for _ in 0..3 {
        let response = ureq::post(format!(
            "{}/model/us.amazon.nova-micro-v1%3A0/converse-stream",
            bedrock.url()
        ))
        .send(conversation().to_string())
        .expect("an answer");
        drop(response);
    }
    let stream = bedrock.stream("us.amazon.nova-micro-v1:0", CONVERSE, &conversation());
    assert_eq!(stream.events().last(), Some(&"metadata"));
}
