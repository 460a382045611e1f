//! Text families.

use serde_json::{Value, json};

use super::{check, check_rows};
use crate::client::Bedrock;

const TITAN: &str = "amazon.titan-text-express-v1";
const CLAUDE_V2: &str = "anthropic.claude-v2";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-micro-v1:0";

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
                "0 is not greater than 0",
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
fn jamba_is_strict() {
    let valid = json!({
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 4096, "temperature": 2, "top_p": 1, "stop": ["x"], "n": 1,
        "frequency_penalty": 0, "presence_penalty": 0,
    });
    check_rows(
        "ai21.jamba-1-5-large-v1:0",
        &valid,
        &[
            (
                "/messages",
                Value::Null,
                "required key [messages] not found",
            ),
            (
                "/messages",
                json!([{"role": "tool", "content": "Hi"}]),
                "tool is not a valid enum value",
            ),
            (
                "/messages",
                json!([{"role": "system", "content": "Hi"}]),
                "no user or assistant message found",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": [{"text": "Hi"}]}]),
                "#/messages/0/content: expected type: String, found: JSONArray",
            ),
            (
                "/max_tokens",
                json!(4097),
                "4097 is not less or equal to 4096",
            ),
            ("/temperature", json!(2.1), "2.1 is not less or equal to 2"),
            ("/top_p", json!(0), "0 is not greater than 0"),
            ("/n", json!(17), "17 is not less or equal to 16"),
            ("/n", json!(2), "does not play several answers"),
            ("/presence_penalty", json!(1), "does not play penalties"),
            (
                "/top_k",
                json!(5),
                "extraneous key [top_k] is not permitted",
            ),
        ],
    );
}

#[test]
fn command_r_is_strict() {
    let valid = json!({
        "message": "Hi", "chat_history": [], "preamble": "Be brief.", "max_tokens": 4096,
        "temperature": 1, "p": 0.99, "k": 500, "frequency_penalty": 0, "presence_penalty": 0,
        "prompt_truncation": "OFF", "return_prompt": false, "stop_sequences": ["x"],
    });
    check_rows(
        "cohere.command-r-v1:0",
        &valid,
        &[
            ("/message", Value::Null, "required key [message] not found"),
            ("/message", json!(""), "expected minLength: 1, actual: 0"),
            (
                "/chat_history",
                json!([{"role": "SYSTEM", "message": "Hi"}]),
                "SYSTEM is not a valid enum value",
            ),
            (
                "/max_tokens",
                json!(4097),
                "4097 is not less or equal to 4096",
            ),
            ("/p", json!(1), "1 is not less or equal to 0.99"),
            ("/k", json!(501), "501 is not less or equal to 500"),
            (
                "/return_prompt",
                json!("no"),
                "expected type: Boolean, found: String",
            ),
            ("/return_prompt", json!(true), "does not play"),
            ("/documents", json!([{"a": "b"}]), "does not play documents"),
            ("/tools", json!([{"name": "t"}]), "does not play tools"),
            ("/presence_penalty", json!(0.5), "does not play penalties"),
            ("/seed", json!(5), "does not play seeds"),
            (
                "/prompt",
                json!("Hi"),
                "extraneous key [prompt] is not permitted",
            ),
        ],
    );
}

#[test]
fn jurassic_2_is_strict() {
    let valid = json!({
        "prompt": "Hi", "maxTokens": 8191, "temperature": 1, "topP": 1, "stopSequences": ["x"],
        "presencePenalty": {"scale": 0, "applyToWhitespaces": true, "applyToPunctuations": true},
        "countPenalty": {"scale": 0, "applyToStopwords": true, "applyToEmojis": true},
        "frequencyPenalty": {"scale": 0, "applyToPunctuation": true, "applyToNumbers": true},
    });
    check_rows(
        "ai21.j2-ultra-v1",
        &valid,
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            ("/prompt", json!(""), "expected minLength: 1, actual: 0"),
            (
                "/maxTokens",
                json!(8192),
                "8192 is not less or equal to 8191",
            ),
            ("/temperature", json!(1.1), "1.1 is not less or equal to 1"),
            (
                "/presencePenalty",
                json!(1),
                "expected type: JSONObject, found: Integer",
            ),
            (
                "/presencePenalty/scale",
                json!(5.1),
                "5.1 is not less or equal to 5",
            ),
            (
                "/countPenalty/scale",
                json!(1.1),
                "1.1 is not less or equal to 1",
            ),
            (
                "/frequencyPenalty/scale",
                json!(501),
                "501 is not less or equal to 500",
            ),
            (
                "/frequencyPenalty/scale",
                json!(500),
                "does not play penalties",
            ),
            (
                "/countPenalty/applyToAll",
                json!(true),
                "extraneous key [applyToAll] is not permitted",
            ),
            ("/topK", json!(5), "extraneous key [topK] is not permitted"),
        ],
    );
}

#[test]
fn command_is_strict() {
    let valid = json!({
        "prompt": "Hi", "temperature": 5, "p": 1, "k": 500, "max_tokens": 4096,
        "stop_sequences": ["a", "b", "c", "d"], "num_generations": 1, "truncate": "END",
    });
    check_rows(
        "cohere.command-text-v14",
        &valid,
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            ("/temperature", json!(5.1), "5.1 is not less or equal to 5"),
            ("/k", json!(501), "501 is not less or equal to 500"),
            ("/max_tokens", json!(0), "0 is not greater or equal to 1"),
            (
                "/stop_sequences",
                json!(["a", "b", "c", "d", "e"]),
                "#/stop_sequences",
            ),
            (
                "/stream",
                json!("yes"),
                "expected type: Boolean, found: String",
            ),
            (
                "/truncate",
                json!("MIDDLE"),
                "MIDDLE is not a valid enum value",
            ),
            (
                "/num_generations",
                json!(2),
                "does not play several answers",
            ),
            (
                "/return_likelihoods",
                json!("ALL"),
                "does not play likelihoods",
            ),
            (
                "/logit_bias",
                json!({"11": 5}),
                "does not play `logit_bias`",
            ),
            (
                "/top_p",
                json!(0.5),
                "extraneous key [top_p] is not permitted",
            ),
        ],
    );
}

#[test]
fn mistral_text_is_strict() {
    let valid = json!({
        "prompt": "<s>[INST] Hi [/INST]", "max_tokens": 4096, "temperature": 1, "top_p": 1,
        "top_k": 200, "stop": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
    });
    check_rows(
        "mistral.mixtral-8x7b-instruct-v0:1",
        &valid,
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            (
                "/max_tokens",
                json!(4097),
                "4097 is not less or equal to 4096",
            ),
            ("/temperature", json!(1.1), "1.1 is not less or equal to 1"),
            ("/top_k", json!(0), "0 is not greater or equal to 1"),
            ("/top_k", json!(201), "201 is not less or equal to 200"),
            (
                "/stop",
                json!("x"),
                "expected type: JSONArray, found: String",
            ),
            (
                "/messages",
                json!([]),
                "extraneous key [messages] is not permitted",
            ),
        ],
    );
}

#[test]
fn mistral_chat_is_strict() {
    let user = json!({"role": "user", "content": "Hi"});
    let valid = json!({
        "messages": [user], "max_tokens": 8192, "temperature": 1, "top_p": 1,
        "tools": [], "tool_choice": "auto",
    });
    check_rows(
        "mistral.mistral-large-2407-v1:0",
        &valid,
        &[
            (
                "/messages",
                json!([{"role": "developer", "content": "Hi"}]),
                "developer is not a valid enum value",
            ),
            (
                "/messages",
                json!([user, {"role": "tool", "content": "{}", "tool_call_id": "t1"}]),
                "does not play tools",
            ),
            (
                "/messages",
                json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
                "does not play pictures",
            ),
            (
                "/max_tokens",
                json!(8193),
                "8193 is not less or equal to 8192",
            ),
            (
                "/stop",
                json!(["x"]),
                "extraneous key [stop] is not permitted",
            ),
            (
                "/tools",
                json!([{"type": "function"}]),
                "does not play tools",
            ),
            (
                "/tool_choice",
                json!("required"),
                "required is not a valid enum value",
            ),
            (
                "/top_k",
                json!(5),
                "extraneous key [top_k] is not permitted",
            ),
        ],
    );
}

#[test]
fn llama_is_strict() {
    let valid =
        json!({"prompt": "Hi", "temperature": 1, "top_p": 0, "max_gen_len": 4096, "images": []});
    check_rows(
        "meta.llama3-8b-instruct-v1:0",
        &valid,
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            ("/prompt", json!(""), "expected minLength: 1, actual: 0"),
            ("/temperature", json!(1.1), "1.1 is not less or equal to 1"),
            ("/top_p", json!(-1), "-1 is not greater or equal to 0"),
            ("/max_gen_len", json!(0), "0 is not greater or equal to 1"),
            (
                "/max_gen_len",
                json!(4097),
                "4097 is not less or equal to 4096",
            ),
            ("/images", json!(["AA=="]), "does not play pictures"),
            (
                "/stop",
                json!(["x"]),
                "extraneous key [stop] is not permitted",
            ),
        ],
    );
}

#[test]
fn deepseek_is_strict() {
    let valid =
        json!({"prompt": "Hi", "temperature": 1, "top_p": 1, "max_tokens": 32_768, "stop": ["x"]});
    check_rows(
        "us.deepseek.r1-v1:0",
        &valid,
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            ("/temperature", json!(1.1), "1.1 is not less or equal to 1"),
            (
                "/max_tokens",
                json!(32_769),
                "32769 is not less or equal to 32768",
            ),
            (
                "/stop",
                json!(vec!["x"; 11]),
                "expected maximum item count: 10, found: 11",
            ),
            (
                "/top_k",
                json!(5),
                "extraneous key [top_k] is not permitted",
            ),
        ],
    );
}

#[test]
fn openai_is_strict() {
    let valid = json!({
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_completion_tokens": 16_384, "temperature": 2, "top_p": 1, "stop": ["x"], "stream": false,
    });
    check_rows(
        "openai.gpt-oss-20b-1:0",
        &valid,
        &[
            (
                "/messages",
                Value::Null,
                "required key [messages] not found",
            ),
            (
                "/messages",
                json!([{"role": "tool", "content": "Hi"}]),
                "tool is not a valid enum value",
            ),
            (
                "/messages",
                json!([{"role": "system", "content": "Hi"}]),
                "no user or assistant message found",
            ),
            ("/temperature", json!(2.1), "2.1 is not less or equal to 2"),
            ("/stream", json!(true), "#/stream: true is not permitted"),
            ("/model", json!("gpt-4o"), "not the model of the path"),
            (
                "/max_tokens",
                json!(5),
                "extraneous key [max_tokens] is not permitted",
            ),
        ],
    );
}

#[test]
fn qwen_is_strict() {
    let valid = json!({
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 8192, "temperature": 2, "top_p": 1, "stop": "x", "stream": false,
    });
    check_rows(
        "qwen.qwen3-32b-v1:0",
        &valid,
        &[
            (
                "/messages",
                json!([{"role": "developer", "content": "Hi"}]),
                "developer is not a valid enum value",
            ),
            ("/temperature", json!(2.1), "2.1 is not less or equal to 2"),
            ("/stream", json!(true), "#/stream: true is not permitted"),
            (
                "/max_gen_len",
                json!(5),
                "extraneous key [max_gen_len] is not permitted",
            ),
        ],
    );
}
