//! What Converse takes and answers beside text: pictures, documents, thoughts, cache points, a
//! guardrail, tiers and latency.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::client::Bedrock;

const NOVA: &str = "amazon.nova-lite-v1:0";
const MICRO: &str = "amazon.nova-micro-v1:0";
const PRO: &str = "amazon.nova-pro-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";
const TITAN: &str = "amazon.titan-text-express-v1";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The head of a GIF with this width and height.
fn gif(width: u16, height: u16) -> String {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    BASE64_STANDARD.encode([b"GIF89a".as_slice(), &size].concat())
}

fn image(format: &str, bytes: &str) -> Value {
    json!({"image": {"format": format, "source": {"bytes": bytes}}})
}

fn document(name: &str) -> Value {
    json!({"document": {"format": "txt", "name": name, "source": {"bytes": "YWJj"}}})
}

fn user(content: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[track_caller]
fn answer(bedrock: &Bedrock, model: &str, body: &Value) -> Value {
    let answer = bedrock.call(model, "converse", body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

#[track_caller]
fn refused(bedrock: &Bedrock, model: &str, body: &Value, part: &str) {
    for operation in ["converse", "converse-stream"] {
        let answer = bedrock.call(model, operation, body.to_string());
        assert!(answer.status >= 400, "{body}");
        assert!(answer.message().contains(part), "{}", answer.message());
    }
}

#[test]
fn a_picture_and_a_document_are_labelled() {
    let bedrock = Bedrock::start();
    let content = json!([image("gif", &gif(640, 480)), document("notes (1)"), {"text": "What?"}]);
    let text = answer(&bedrock, NOVA, &user(&content))["output"].to_string();
    assert!(
        text.contains("[image: gif, 640x480, not seen] [document: txt, 3 bytes, not read]"),
        "{text}"
    );
}

#[test]
fn a_picture_or_document_that_bedrock_would_refuse_is_refused() {
    let bedrock = Bedrock::start();
    let text = json!({"text": "What?"});
    for (model, content, part) in [
        (
            MICRO,
            json!([image("gif", &gif(1, 1))]),
            "doesn't support the image",
        ),
        (NOVA, json!([image("png", &gif(1, 1))]), "its bytes are gif"),
        (
            NOVA,
            json!([image("gif", "YWJj")]),
            "Could not process image",
        ),
        (NOVA, json!([image("gif", "")]), "has no bytes"),
        (NOVA, json!([image("gif", &gif(8_001, 1))]), "8000 pixels"),
        (
            NOVA,
            json!(vec![image("gif", &gif(1, 1)); 21]),
            "too many images",
        ),
        (
            NOVA,
            json!([document("a_b"), text]),
            "can only contain alphanumeric",
        ),
        (
            NOVA,
            json!([document("a  b"), text]),
            "can only contain alphanumeric",
        ),
        (
            NOVA,
            json!([document("a")]),
            "A text block must be included",
        ),
        (
            NOVA,
            json!([
                document("a"),
                document("b"),
                document("c"),
                document("d"),
                document("e"),
                document("f"),
                text
            ]),
            "too many documents",
        ),
    ] {
        refused(&bedrock, model, &user(&content), part);
    }
    let said = json!({"role": "assistant", "content": [image("gif", &gif(1, 1))]});
    let asked = json!({"role": "user", "content": [text]});
    let body = json!({"messages": [asked, said, asked]});
    refused(&bedrock, NOVA, &body, "the user's alone");
}

#[test]
fn a_model_thinks_before_it_answers_and_takes_back_what_it_signed() {
    let bedrock = Bedrock::start();
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1_024}});
    let body = with(
        with(
            user(&json!([{"text": "Why?"}])),
            "inferenceConfig",
            json!({"maxTokens": 2_000}),
        ),
        "additionalModelRequestFields",
        thinking,
    );
    let whole = answer(&bedrock, SONNET, &body);
    let content = whole["output"]["message"]["content"].clone();
    let thought = content[0]["reasoningContent"]["reasoningText"].clone();
    assert!(
        thought["text"]
            .as_str()
            .expect("a text")
            .contains("[simulated]")
    );
    assert!(content[1]["text"].is_string());

    let stream = bedrock.stream(SONNET, "converse-stream", &body);
    let deltas: Vec<Value> = stream
        .frames
        .iter()
        .filter(|frame| frame.header(":event-type") == "contentBlockDelta")
        .map(crate::client::Frame::payload)
        .collect();
    let said: String = deltas
        .iter()
        .filter_map(|delta| delta["delta"]["reasoningContent"]["text"].as_str())
        .collect();
    assert_eq!(said, thought["text"].as_str().expect("a text"));
    let signed = deltas
        .iter()
        .find(|delta| delta["delta"]["reasoningContent"]["signature"].is_string())
        .expect("a signature");
    assert_eq!(
        signed["delta"]["reasoningContent"]["signature"],
        thought["signature"]
    );
    assert!(
        deltas
            .iter()
            .any(|delta| delta["contentBlockIndex"] == 1 && delta["delta"]["text"].is_string())
    );

    let goes_on = |content: Value| {
        let said = json!({"role": "assistant", "content": content});
        let asked = json!({"role": "user", "content": [{"text": "Why?"}]});
        with(body.clone(), "messages", json!([asked, said, asked]))
    };
    answer(&bedrock, SONNET, &goes_on(content.clone()));
    let mut forged = content.clone();
    forged[0]["reasoningContent"]["reasoningText"]["text"] = json!("I thought so.");
    refused(&bedrock, SONNET, &goes_on(forged), "Invalid `signature`");
    let mut unsigned = content;
    unsigned[0]["reasoningContent"]["reasoningText"] = json!({"text": "a"});
    refused(
        &bedrock,
        SONNET,
        &goes_on(unsigned),
        "signature: Field required",
    );
}

#[test]
fn thinking_that_bedrock_would_refuse_is_refused() {
    let bedrock = Bedrock::start();
    let asks = |model: &str, config: Value, fields: Value, part: &str| {
        let body = with(user(&json!([{"text": "Why?"}])), "inferenceConfig", config);
        let body = with(body, "additionalModelRequestFields", fields);
        refused(&bedrock, model, &body, part);
    };
    let thinks = |budget: i64| json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
    asks(
        SONNET,
        json!({"maxTokens": 1_024}),
        thinks(1_024),
        "must be greater",
    );
    asks(
        SONNET,
        json!({}),
        thinks(1_023),
        "greater than or equal to 1024",
    );
    asks(
        SONNET,
        json!({"temperature": 0.5}),
        thinks(1_024),
        "may only be set to 1",
    );
    let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
    asks(haiku, json!({}), thinks(1_024), "not permitted");
    let effort = |effort: &str| json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}});
    asks(
        NOVA_2,
        json!({"maxTokens": 9}),
        effort("high"),
        "must be unset",
    );
    asks(
        NOVA,
        json!({}),
        effort("low"),
        "extraneous key [reasoningConfig]",
    );
}

#[test]
fn nova_2_thinks_and_does_not_show_it() {
    let bedrock = Bedrock::start();
    let fields = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}});
    let body = with(
        user(&json!([{"text": "Why?"}])),
        "additionalModelRequestFields",
        fields,
    );
    let content = answer(&bedrock, NOVA_2, &body)["output"]["message"]["content"].clone();
    let expected = json!({"reasoningContent": {"reasoningText": {"text": "[REDACTED]"}}});
    assert_eq!(content[0], expected);
}

#[test]
fn a_beginning_is_written_to_the_cache_once_and_then_read() {
    let bedrock = Bedrock::start();
    let point = json!({"cachePoint": {"type": "default"}});
    let body = |question: &str| {
        let body = user(&json!([{"text": "one two three"}, point, {"text": question}]));
        with(body, "system", json!([{"text": "Be brief."}]))
    };
    let cached = |body: &Value| {
        let usage = answer(&bedrock, NOVA, body)["usage"].clone();
        (
            usage["cacheReadInputTokens"].as_u64(),
            usage["cacheWriteInputTokens"].as_u64(),
        )
    };
    assert_eq!(cached(&body("What?")), (Some(0), Some(4)));
    assert_eq!(cached(&body("Why?")), (Some(4), Some(0)));
    assert_eq!(cached(&user(&json!([{"text": "What?"}]))), (None, None));
    refused(
        &bedrock,
        TITAN,
        &user(&json!([{"text": "a"}, point])),
        "did not allow prompt caching",
    );
    let five = json!([{"text": "a"}, point, point, point, point, point]);
    refused(&bedrock, NOVA, &user(&five), "A maximum of 4");
}

#[test]
fn the_local_guardrail_blocks_a_word() {
    let bedrock = Bedrock::start();
    let ask =
        |text: &str, config: Value| with(user(&json!([{"text": text}])), "guardrailConfig", config);
    let config = |trace: &str| json!({"guardrailIdentifier": "localguard01", "guardrailVersion": "1", "trace": trace});
    let passed = answer(&bedrock, NOVA, &ask("Hello", config("enabled")));
    assert_eq!(passed["stopReason"], "end_turn");
    let blocked = ask("guardrail-blocks-this", config("enabled"));
    let whole = answer(&bedrock, NOVA, &blocked);
    assert_eq!(whole["stopReason"], "guardrail_intervened");
    assert!(
        whole["output"]
            .to_string()
            .contains("[simulated] The guardrail blocked")
    );
    let words = "/trace/guardrail/inputAssessment/localguard01/wordPolicy/customWords/0/action";
    assert_eq!(whole.pointer(words), Some(&json!("BLOCKED")));
    let stream = bedrock.stream(NOVA, "converse-stream", &blocked);
    let texts = stream.frames.iter().map(crate::client::Frame::payload);
    let text: String = texts
        .filter_map(|payload| Some(payload["delta"]["text"].as_str()?.to_owned()))
        .collect();
    assert_eq!(text, "[simulated] The guardrail blocked this prompt.");
    let quiet = answer(
        &bedrock,
        NOVA,
        &ask("guardrail-blocks-this", config("disabled")),
    );
    assert!(quiet["trace"].is_null());
    let other = json!({"guardrailIdentifier": "other", "guardrailVersion": "1"});
    refused(&bedrock, NOVA, &ask("Hello", other), "does not exist");
}

#[test]
fn tier_and_latency_are_said_back() {
    let bedrock = Bedrock::start();
    let ask = || user(&json!([{"text": "Hello"}]));
    let fast = json!({"latency": "optimized"});
    let body = with(
        with(ask(), "serviceTier", json!({"type": "flex"})),
        "performanceConfig",
        fast.clone(),
    );
    let whole = answer(&bedrock, PRO, &body);
    assert_eq!(
        (&whole["serviceTier"]["type"], &whole["performanceConfig"]),
        (&json!("flex"), &fast)
    );
    let stream = bedrock.stream(PRO, "converse-stream", &body);
    let last = stream.frames.last().expect("a frame").payload();
    assert_eq!(
        (&last["serviceTier"]["type"], &last["performanceConfig"]),
        (&json!("flex"), &fast)
    );
    refused(
        &bedrock,
        NOVA,
        &with(ask(), "performanceConfig", fast),
        "is not supported for",
    );
    let tier = json!({"type": "best"});
    refused(
        &bedrock,
        NOVA,
        &with(ask(), "serviceTier", tier),
        "not a valid enum value",
    );
}
