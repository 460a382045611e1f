//! What is refused, and in which words.

mod chat;
mod images;
mod text;

use serde_json::{Value, json};

use crate::client::Bedrock;

const TITAN: &str = "amazon.titan-text-express-v1";
const SDXL_10: &str = "stability.stable-diffusion-xl-v1";

/// A body is refused as a `ValidationException` whose message holds `part`.
fn check(bedrock: &Bedrock, model: &str, operation: &str, body: &str, part: &str) {
    let answer = bedrock.call(model, operation, body);
    let shown: String = body.chars().take(200).collect();
    assert_eq!(answer.status, 400, "{model} {operation} {shown}");
    assert_eq!(
        answer.header("x-amzn-errortype"),
        "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/"
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    let message = answer.message();
    assert!(
        message.contains(part),
        "{model} {operation} {shown}: {message}"
    );
}

fn check_rows(model: &str, valid: &Value, rows: &[(&str, Value, &str)]) {
    let bedrock = Bedrock::start();
    let accepted = bedrock.invoke(model, valid);
    assert_eq!(accepted.status, 200, "{model}: {}", accepted.message());
    for (pointer, value, part) in rows {
        let body = with(valid, pointer, value);
        check(&bedrock, model, "invoke", &body.to_string(), part);
    }
    assert_eq!(
        bedrock.get("/_local/calls").json()["generated"],
        1,
        "a refused call was paid for"
    );
}

/// `valid` with another value at `pointer`; null takes the key away.
fn with(valid: &Value, pointer: &str, value: &Value) -> Value {
    let mut body = valid.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let object = body
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("an object");
    if value.is_null() {
        object.remove(key);
    } else {
        object.insert(key.to_owned(), value.clone());
    }
    body
}

#[test]
fn a_body_is_json_of_a_bearable_size() {
    let bedrock = Bedrock::start();
    let not_json = "Malformed input request, please reformat your input and try again.";
    for body in [
        "",
        "{",
        "{\"inputText\": \"a\"} x",
        "\u{feff}{}",
        "{\"inputText\": \"\\ud800\"}",
    ] {
        check(&bedrock, TITAN, "invoke", body, not_json);
    }
    check(&bedrock, TITAN, "invoke", &"[".repeat(100_000), not_json);
    check(
        &bedrock,
        TITAN,
        "invoke",
        "null",
        "#: expected type: JSONObject, found: Null",
    );
    check(
        &bedrock,
        TITAN,
        "invoke",
        "{\"a\": 1, \"b\": 2}",
        "3 schema violations found",
    );
    let long = format!("{{\"inputText\": \"{}\"}}", "a".repeat(25_000_000));
    check(
        &bedrock,
        TITAN,
        "invoke",
        &long,
        "length less than or equal to 25000000",
    );
}

#[test]
fn models_are_known_and_called_as_they_can_be() {
    let bedrock = Bedrock::start();
    for (model, operation, part) in [
        (
            "amazon.titan-none",
            "invoke",
            "The provided model identifier is invalid.",
        ),
        (
            "xx.amazon.nova-micro-v1:0",
            "converse",
            "The provided model identifier is invalid.",
        ),
        (
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "invoke",
            "Invocation of model ID anthropic.claude-sonnet-4-5-20250929-v1:0 with on-demand \
             throughput isn\u{2019}t supported. Retry your request with the ID or ARN of an \
             inference profile that contains this model.",
        ),
    ] {
        check(&bedrock, model, operation, "{}", part);
    }
    let picture = json!({"text_prompts": [{"text": "a"}]}).to_string();
    check(
        &bedrock,
        SDXL_10,
        "invoke-with-response-stream",
        &picture,
        "The model is unsupported for streaming.",
    );
}
