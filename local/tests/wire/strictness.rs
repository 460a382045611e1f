//! What is refused, and in which words.

use serde_json::{Value, json};

use crate::client::Bedrock;

const TITAN: &str = "amazon.titan-text-express-v1";
const CLAUDE_V2: &str = "anthropic.claude-v2";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-micro-v1:0";
const SDXL_08: &str = "stability.stable-diffusion-xl";
const SDXL_10: &str = "stability.stable-diffusion-xl-v1";
const CORE: &str = "stability.stable-image-core-v1:1";

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
fn titan_is_strict() {
    let valid = json!({
        "inputText": "Hello",
        "textGenerationConfig": {"temperature": 0.5, "topP": 0.9, "maxTokenCount": 8192, "stopSequences": ["|", "User:"]},
    });
    check_rows(
        TITAN,
        &valid,
        &[
            (
                "/inputText",
                Value::Null,
                "#: required key [inputText] not found",
            ),
            (
                "/inputText",
                json!(""),
                "#/inputText: expected minLength: 1, actual: 0",
            ),
            (
                "/inputText",
                json!(5),
                "#/inputText: expected type: String, found: Integer",
            ),
            (
                "/top_k",
                json!(5),
                "Malformed input request: #: extraneous key [top_k] is not permitted, please reformat your input and try again.",
            ),
            (
                "/textGenerationConfig/topK",
                json!(5),
                "#/textGenerationConfig: extraneous key [topK] is not permitted",
            ),
            (
                "/textGenerationConfig/temperature",
                json!(1.5),
                "#/textGenerationConfig/temperature: 1.5 is not less or equal to 1",
            ),
            (
                "/textGenerationConfig/temperature",
                json!("hot"),
                "expected type: Number, found: String",
            ),
            (
                "/textGenerationConfig/topP",
                json!(0),
                "is not greater or equal to",
            ),
            (
                "/textGenerationConfig/maxTokenCount",
                json!(8193),
                "8193 is not less or equal to 8192",
            ),
            (
                "/textGenerationConfig/maxTokenCount",
                json!(1.5),
                "expected type: Integer, found: Double",
            ),
            (
                "/textGenerationConfig/stopSequences",
                json!(["END"]),
                r"string [END] does not match pattern ^(\|+|User:)$",
            ),
            (
                "/textGenerationConfig",
                json!([]),
                "expected type: JSONObject, found: JSONArray",
            ),
        ],
    );
}

#[test]
fn each_titan_has_its_own_limit() {
    let bedrock = Bedrock::start();
    for (model, limit) in [
        ("amazon.titan-text-lite-v1", 4096),
        ("amazon.titan-text-express-v1", 8192),
        ("amazon.titan-text-premier-v1:0", 3072),
    ] {
        let body = |tokens: i64| json!({"inputText": "a", "textGenerationConfig": {"maxTokenCount": tokens}});
        assert_eq!(bedrock.invoke(model, &body(limit)).status, 200, "{model}");
        let over = body(limit + 1).to_string();
        check(&bedrock, model, "invoke", &over, "is not less or equal to");
    }
}

#[test]
fn claude_text_completions_are_strict() {
    let valid = json!({
        "prompt": "\n\nHuman: Hi\n\nAssistant:",
        "max_tokens_to_sample": 4096,
        "temperature": 1, "top_p": 1, "top_k": 500,
        "stop_sequences": ["x"], "anthropic_version": "bedrock-2023-05-31",
    });
    check_rows(
        CLAUDE_V2,
        &valid,
        &[
            (
                "/prompt",
                json!("Hi"),
                r#"Invalid prompt: prompt must start with "\n\nHuman:" turn"#,
            ),
            (
                "/prompt",
                json!("\n\nHuman: Hi"),
                r#"prompt must end with "\n\nAssistant:" turn"#,
            ),
            (
                "/max_tokens_to_sample",
                Value::Null,
                "required key [max_tokens_to_sample] not found",
            ),
            (
                "/max_tokens_to_sample",
                json!(4097),
                "4097 is not less or equal to 4096",
            ),
            (
                "/temperature",
                json!(-0.1),
                "-0.1 is not greater or equal to 0",
            ),
            ("/top_k", json!(501), "501 is not less or equal to 500"),
            (
                "/stop_sequences",
                json!("x"),
                "expected type: JSONArray, found: String",
            ),
            (
                "/stop_sequences",
                json!([1]),
                "#/stop_sequences/0: expected type: String",
            ),
            (
                "/max_tokens",
                json!(5),
                "extraneous key [max_tokens] is not permitted",
            ),
        ],
    );
}

#[test]
fn claude_messages_are_strict() {
    let user = json!({"role": "user", "content": "Hi"});
    let valid = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 64_000,
        "messages": [user],
        "temperature": 0.5,
        "top_k": 3,
        "thinking": {"type": "disabled"},
    });
    check_rows(
        SONNET,
        &valid,
        &[
            (
                "/anthropic_version",
                Value::Null,
                "required key [anthropic_version] not found",
            ),
            (
                "/anthropic_version",
                json!("2023-06-01"),
                "is not a valid enum value",
            ),
            (
                "/max_tokens",
                Value::Null,
                "required key [max_tokens] not found",
            ),
            ("/max_tokens", json!(0), "0 is not greater or equal to 1"),
            ("/max_tokens", json!(64_001), "max_tokens: 64001 > 64000"),
            (
                "/model",
                json!("claude"),
                "extraneous key [model] is not permitted",
            ),
            (
                "/stream",
                json!(true),
                "extraneous key [stream] is not permitted",
            ),
            ("/temperature", json!(1.1), "1.1 is not less or equal to 1"),
            (
                "/top_p",
                json!(0.5),
                "`temperature` and `top_p` cannot both be specified",
            ),
            (
                "/messages",
                json!([]),
                "expected minimum item count: 1, found: 0",
            ),
            (
                "/messages",
                json!([{"role": "system", "content": "a"}]),
                "not a valid enum value",
            ),
            (
                "/messages",
                json!([{"role": "assistant", "content": "a"}]),
                "first message must use",
            ),
            ("/messages", json!([user, user]), "roles must alternate"),
            (
                "/messages",
                json!([{"role": "user", "content": ""}]),
                "must have non-empty content",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": [{"type": "text", "text": " "}]}]),
                "text content blocks must be non-empty",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": [{"type": "image", "source": {}}]}]),
                "The local server does not play `image` blocks",
            ),
            (
                "/messages",
                json!([user, {"role": "assistant", "content": "a "}]),
                "cannot end with trailing whitespace",
            ),
            (
                "/tools",
                json!([{"name": "t"}]),
                "The local server does not play tools",
            ),
            (
                "/thinking",
                json!({"type": "adaptive"}),
                "The local server does not play thinking",
            ),
        ],
    );
}

#[test]
fn the_newest_claudes_take_no_sampling() {
    let bedrock = Bedrock::start();
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 1,
    });
    let model = "us.anthropic.claude-opus-5";
    check(
        &bedrock,
        model,
        "invoke",
        &body.to_string(),
        "`temperature` is deprecated",
    );
}

#[test]
fn nova_is_strict() {
    let user = json!({"role": "user", "content": [{"text": "Hi"}]});
    let valid = json!({
        "messages": [user],
        "inferenceConfig": {"maxTokens": 5, "temperature": 1, "topP": 1, "topK": 128},
    });
    check_rows(
        NOVA,
        &valid,
        &[
            (
                "/messages",
                Value::Null,
                "required key [messages] not found",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": "Hi"}]),
                "#/messages/0/content: expected type: JSONArray, found: String",
            ),
            (
                "/messages",
                json!([user, user]),
                "must alternate between user and assistant",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": [{"image": {}}]}]),
                "The local server does not play blocks other than text",
            ),
            (
                "/max_tokens",
                json!(5),
                "extraneous key [max_tokens] is not permitted",
            ),
            (
                "/inferenceConfig/temperature",
                json!(0),
                "0 is not greater or equal to 0.00001",
            ),
            (
                "/inferenceConfig/topK",
                json!(129),
                "129 is not less or equal to 128",
            ),
            (
                "/inferenceConfig/maxTokens",
                json!(10_001),
                "10001 is not less or equal to 10000",
            ),
            (
                "/schemaVersion",
                json!("v2"),
                "v2 is not a valid enum value",
            ),
        ],
    );
}

#[test]
fn sdxl_is_strict() {
    let valid = json!({
        "text_prompts": [{"text": "a", "weight": 0.5}],
        "width": 640, "height": 1536,
        "cfg_scale": 35, "steps": 150, "seed": 4_294_967_295_u32, "samples": 1,
        "sampler": "DDIM", "style_preset": "anime", "clip_guidance_preset": "NONE", "extras": {},
    });
    check_rows(
        SDXL_10,
        &valid,
        &[
            (
                "/text_prompts",
                Value::Null,
                "required key [text_prompts] not found",
            ),
            (
                "/text_prompts",
                json!([]),
                "expected minimum item count: 1, found: 0",
            ),
            (
                "/text_prompts",
                json!([{"text": "a".repeat(2001)}]),
                "expected maxLength: 2000",
            ),
            (
                "/prompt",
                json!("a"),
                "extraneous key [prompt] is not permitted",
            ),
            (
                "/width",
                json!(512),
                "the allowed dimensions are 1024x1024, 1152x896",
            ),
            ("/width", Value::Null, "but we received 1024x1536"),
            ("/height", json!(0), "0 is not greater or equal to 1"),
            ("/cfg_scale", json!(35.1), "35.1 is not less or equal to 35"),
            ("/steps", json!(9), "9 is not greater or equal to 10"),
            ("/steps", json!(151), "151 is not less or equal to 150"),
            ("/seed", json!(-1), "-1 is not greater or equal to 0"),
            (
                "/seed",
                json!(4_294_967_296_u64),
                "is not less or equal to 4294967295",
            ),
            ("/seed", json!(1.5), "expected type: Integer, found: Double"),
            ("/samples", json!(2), "2 is not less or equal to 1"),
            (
                "/sampler",
                json!("EULER"),
                "EULER is not a valid enum value",
            ),
            (
                "/style_preset",
                json!("anim\u{e9}"),
                "is not a valid enum value",
            ),
            (
                "/image_strength",
                json!(0.5),
                "extraneous key [image_strength] is not permitted",
            ),
            (
                "/mask_source",
                json!("MASK_IMAGE_WHITE"),
                "schema violations found",
            ),
        ],
    );
    check_rows(
        SDXL_08,
        &json!({"text_prompts": [{"text": "a"}], "cfg_scale": 30, "steps": 10, "seed": 0}),
        &[
            ("/cfg_scale", json!(31), "31 is not less or equal to 30"),
            (
                "/width",
                json!(512),
                "extraneous key [width] is not permitted",
            ),
            (
                "/style_preset",
                json!("anime"),
                "extraneous key [style_preset] is not permitted",
            ),
        ],
    );
}

#[test]
fn stable_image_core_is_strict() {
    check_rows(
        CORE,
        &json!({"prompt": "a", "negative_prompt": "b", "mode": "text-to-image", "aspect_ratio": "9:21", "output_format": "png", "seed": 1}),
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            (
                "/prompt",
                json!("a".repeat(10_001)),
                "expected maxLength: 10000",
            ),
            (
                "/aspect_ratio",
                json!("7:3"),
                "7:3 is not a valid enum value",
            ),
            (
                "/mode",
                json!("image-to-image"),
                "is not a valid enum value",
            ),
            ("/output_format", json!("jpeg"), "it paints PNG only"),
            (
                "/output_format",
                json!("bmp"),
                "bmp is not a valid enum value",
            ),
            (
                "/text_prompts",
                json!([]),
                "extraneous key [text_prompts] is not permitted",
            ),
        ],
    );
}

#[test]
fn converse_is_strict() {
    let bedrock = Bedrock::start();
    let user = json!({"role": "user", "content": [{"text": "Hi"}]});
    let unsupported = "This action doesn't support the model that you provided. Try again with a \
                       supported text or chat model.";
    let prefilled = json!([user, {"role": "assistant", "content": [{"text": "a"}]}]);
    for (model, extra, part) in [
        ("amazon.titan-tg1-large", json!({}), unsupported),
        (SDXL_10, json!({}), unsupported),
        (
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456",
            json!({}),
            unsupported,
        ),
        (
            TITAN,
            json!({"system": [{"text": "a"}]}),
            "doesn't support system messages",
        ),
        (
            TITAN,
            json!({"messages": prefilled}),
            "must end with a user message",
        ),
        (
            TITAN,
            json!({"inferenceConfig": {"stopSequences": ["END"]}}),
            "The model returned the following errors: Malformed input request",
        ),
        (
            NOVA,
            json!({"messages": []}),
            "expected minimum item count: 1, found: 0",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}),
            "must start with a user message",
        ),
        (
            NOVA,
            json!({"messages": [user, user]}),
            "must alternate between user and assistant",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": []}]}),
            "messages.0 is empty",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": [{"text": " "}]}]}),
            "The text field in the ContentBlock object at messages.0.content.0 is blank.",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": [{"image": {}}]}]}),
            "The local server does not play `image` blocks",
        ),
        (
            NOVA,
            json!({"inferenceConfig": {"temperature": 2}}),
            "2 is not less or equal to 1",
        ),
        (
            NOVA,
            json!({"inferenceConfig": {"maxTokens": 10_001}}),
            "exceeds the model limit of 10000",
        ),
        (
            SONNET,
            json!({"inferenceConfig": {"temperature": 0.5, "topP": 0.5}}),
            "cannot both be specified",
        ),
        (
            SONNET,
            json!({"additionalModelRequestFields": {"topK": 5}}),
            "The model returned the following errors: Malformed input request: #: extraneous key [topK]",
        ),
        (
            NOVA,
            json!({"toolConfig": {"tools": []}}),
            "The local server does not play tools",
        ),
        (
            NOVA,
            json!({"guardrailConfig": {}}),
            "The local server does not play guardrails",
        ),
        (NOVA, json!({"message": []}), "extraneous key [message]"),
    ] {
        let mut body = json!({"messages": [user]});
        let object = body.as_object_mut().expect("an object");
        object.extend(extra.as_object().expect("an object").clone());
        for operation in ["converse", "converse-stream"] {
            check(&bedrock, model, operation, &body.to_string(), part);
        }
    }
    assert_eq!(
        bedrock.get("/_local/calls").json()["generated"],
        0,
        "a refused call was paid for"
    );
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
