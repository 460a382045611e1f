//! Each text family's whole answer, and Converse's.

use serde_json::{Value, json};

use crate::client::{Bedrock, TAKEN};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456";
const PROVISIONED: &str = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/titan1234567";

/// Calls a model; returns the answer and its text at `path`.
fn check(bedrock: &Bedrock, model: &str, body: &Value, path: &str) -> (Value, String) {
    let answer = bedrock.invoke(model, body);
    assert_eq!(answer.status, 200, "{model}: {}", answer.message());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-local-backend"), "simulator");
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    for name in TAKEN {
        let value = answer.header(name);
        assert!(value.parse::<u64>().is_ok(), "{model}: {name}: {value}");
    }
    let json = answer.json();
    let text = json
        .pointer(path)
        .and_then(Value::as_str)
        .expect("a text")
        .to_owned();
    assert!(text.contains("[simulated]"), "{model}: {text}");
    (json, text)
}

fn messages(content: &str) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": content}],
    })
}

#[test]
fn titan_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "amazon.titan-tg1-large",
        "amazon.titan-text-lite-v1",
        "amazon.titan-text-express-v1",
        "amazon.titan-text-premier-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1",
        PROVISIONED,
    ] {
        let body = json!({"inputText": "one two three"});
        let (answer, text) = check(&bedrock, model, &body, "/results/0/outputText");
        assert!(
            text.starts_with('\n') && text.contains("one two three"),
            "{text}"
        );
        assert_eq!(answer["inputTextTokenCount"], 3);
        assert_eq!(answer["results"][0]["completionReason"], "FINISH");
    }
}

#[test]
fn titan_reads_a_conversation_and_stops_where_it_is_told() {
    let bedrock = Bedrock::start();
    let body = json!({
        "inputText": "User: I am Ada.\nBot: Hello.\nUser: Who am I?\nBot:",
        "textGenerationConfig": {"maxTokenCount": 4, "stopSequences": ["User:"]},
    });
    let model = "amazon.titan-text-lite-v1";
    let (answer, _) = check(&bedrock, model, &body, "/results/0/outputText");
    assert_eq!(answer["results"][0]["tokenCount"], 4);
    assert_eq!(answer["results"][0]["completionReason"], "LENGTH");
    let whole = json!({"inputText": body["inputText"]});
    let (_, text) = check(&bedrock, model, &whole, "/results/0/outputText");
    for part in ["3 turn(s)", "I am Ada.", "Who am I?"] {
        assert!(text.contains(part), "{part} is missing from {text}");
    }
}

#[test]
fn claude_completes_text_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "anthropic.claude-v2",
        "anthropic.claude-v2:1",
        "anthropic.claude-instant-v1",
    ] {
        let body =
            json!({"prompt": "\n\nHuman: Hello you\n\nAssistant:", "max_tokens_to_sample": 200});
        let (answer, text) = check(&bedrock, model, &body, "/completion");
        assert!(
            text.starts_with(' ') && text.contains("Hello you"),
            "{text}"
        );
        assert_eq!(answer["type"], "completion");
        assert_eq!(answer["stop_reason"], "stop_sequence");
        assert_eq!(answer["stop"], "\n\nHuman:");
    }
    let stopped = json!({
        "prompt": "\n\nHuman: Hi\n\nAssistant:",
        "max_tokens_to_sample": 200,
        "stop_sequences": ["model"],
    });
    let (answer, text) = check(&bedrock, "anthropic.claude-v2", &stopped, "/completion");
    assert_eq!(answer["stop"], "model");
    assert!(!text.contains("model"), "{text}");
    let short = json!({"prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 2});
    let (answer, _) = check(&bedrock, "anthropic.claude-v2", &short, "/completion");
    assert_eq!(
        (&answer["stop_reason"], &answer["stop"]),
        (&json!("max_tokens"), &Value::Null)
    );
}

#[test]
fn claude_answers_messages_in_its_own_format() {
    let bedrock = Bedrock::start();
    for (model, name) in [
        (SONNET, "claude-sonnet-4-5-20250929"),
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            "claude-3-haiku-20240307",
        ),
        ("global.anthropic.claude-sonnet-5", "claude-sonnet-5"),
        (IMPORTED, "claude-3-5-haiku-20241022"),
        // The old text models take this body too.
        ("anthropic.claude-v2:1", "claude-2.1"),
    ] {
        let (answer, text) = check(&bedrock, model, &messages("Hello you"), "/content/0/text");
        assert!(text.contains("Hello you"), "{text}");
        assert_eq!(answer["model"], name);
        assert_eq!(answer["type"], "message");
        assert_eq!(answer["stop_reason"], "end_turn");
        assert_eq!(answer["stop_sequence"], Value::Null);
        assert_eq!(answer["usage"]["input_tokens"], 2);
        assert!(
            answer["id"]
                .as_str()
                .is_some_and(|id| id.starts_with("msg_bdrk_"))
        );
    }
}

#[test]
fn claude_reads_system_blocks_and_prefill() {
    let bedrock = Bedrock::start();
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Count"}]},
            {"role": "assistant", "content": "One,"},
        ],
        "stop_sequences": ["goes"],
    });
    let (answer, text) = check(&bedrock, SONNET, &body, "/content/0/text");
    assert!(
        text.contains("Be brief.") && text.contains("Count"),
        "{text}"
    );
    assert_eq!(answer["stop_sequence"], "goes");
}

#[test]
fn nova_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "amazon.nova-micro-v1:0",
        "eu.amazon.nova-pro-v1:0",
        "us.amazon.nova-2-lite-v1:0",
    ] {
        let body = json!({
            "schemaVersion": "messages-v1",
            "system": [{"text": "Be brief."}],
            "messages": [{"role": "user", "content": [{"text": "Hello"}, {"text": "you"}]}],
            "inferenceConfig": {"max_new_tokens": 3},
        });
        let (answer, _) = check(&bedrock, model, &body, "/output/message/content/0/text");
        assert_eq!(answer["stopReason"], "max_tokens");
        assert_eq!(answer["usage"]["inputTokens"], 4);
        assert_eq!(answer["usage"]["outputTokens"], 3);
        assert_eq!(answer["usage"]["totalTokens"], 7);
    }
}

#[test]
fn jamba_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "ai21.jamba-instruct-v1:0",
        "ai21.jamba-1-5-mini-v1:0",
        "ai21.jamba-1-5-large-v1:0",
    ] {
        let body = json!({
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "I am Ada."},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "Who am I?"},
            ],
            "stop": "nowhere",
            "n": 1,
        });
        let (answer, text) = check(&bedrock, model, &body, "/choices/0/message/content");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        assert_eq!(answer["usage"]["prompt_tokens"], 9);
        let mut short = body.clone();
        short["max_tokens"] = json!(2);
        let (answer, _) = check(&bedrock, model, &short, "/choices/0/message/content");
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
        assert_eq!(answer["usage"]["completion_tokens"], 2);
    }
}

#[test]
fn command_r_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in ["cohere.command-r-v1:0", "cohere.command-r-plus-v1:0"] {
        let body = json!({
            "message": "Who am I?",
            "chat_history": [
                {"role": "USER", "message": "I am Ada."},
                {"role": "CHATBOT", "message": "Hello."},
            ],
            "preamble": "Be brief.",
            "search_queries_only": false,
        });
        let (answer, text) = check(&bedrock, model, &body, "/text");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["finish_reason"], "COMPLETE");
        assert_eq!(answer["chat_history"][0]["role"], "CHATBOT");
        let short = json!({"message": "Hi", "max_tokens": 2});
        let (answer, _) = check(&bedrock, model, &short, "/text");
        assert_eq!(answer["finish_reason"], "MAX_TOKENS");
    }
}

#[test]
fn jurassic_2_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in ["ai21.j2-mid-v1", "ai21.j2-ultra-v1"] {
        let body = json!({
            "prompt": "Be brief.\n\nUser: I am Ada.\nAssistant: Hello.\nUser: Who am I?\nAssistant:",
            "countPenalty": {"scale": 0, "applyToNumbers": false},
            "stopSequences": ["\nUser:"],
        });
        let (answer, text) = check(&bedrock, model, &body, "/completions/0/data/text");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["id"], 1234);
        assert_eq!(
            answer["completions"][0]["finishReason"],
            json!({"reason": "endoftext"})
        );
        let short = json!({"prompt": "one two three", "maxTokens": 2});
        let (answer, _) = check(&bedrock, model, &short, "/completions/0/data/text");
        let completion = &answer["completions"][0];
        assert_eq!(
            completion["finishReason"],
            json!({"reason": "length", "length": 2})
        );
        assert_eq!(
            completion["data"]["tokens"].as_array().map(Vec::len),
            Some(2)
        );
        assert_eq!(answer["prompt"]["tokens"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn jurassic_2_neither_streams_nor_converses() {
    let bedrock = Bedrock::start();
    let model = "ai21.j2-mid-v1";
    for (operation, body, part) in [
        (
            "invoke-with-response-stream",
            json!({"prompt": "Hello"}),
            "The model is unsupported for streaming.",
        ),
        (
            "converse",
            json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}),
            "This action doesn't support the model",
        ),
    ] {
        let answer = bedrock.call(model, operation, body.to_string());
        assert_eq!(answer.status, 400, "{operation}");
        assert!(
            answer.message().contains(part),
            "{operation}: {}",
            answer.message()
        );
    }
    let details = bedrock.get(&format!("/foundation-models/{model}")).json();
    assert_eq!(details["modelDetails"]["responseStreamingSupported"], false);
    assert_eq!(bedrock.get("/_local/calls").json()["generated"], 0);
}

#[test]
fn command_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in ["cohere.command-text-v14", "cohere.command-light-text-v14"] {
        let body = json!({
            "prompt": "Be brief.\n\nUser: I am Ada.\nChatbot: Hello.\nUser: Who am I?\nChatbot:",
            "max_tokens": 200,
            "stop_sequences": ["\nUser:"],
            "return_likelihoods": "NONE",
        });
        let (answer, text) = check(&bedrock, model, &body, "/generations/0/text");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["generations"][0]["finish_reason"], "COMPLETE");
        let unasked = json!({"prompt": "one two three four five six seven eight nine ten"});
        let (answer, text) = check(&bedrock, model, &unasked, "/generations/0/text");
        assert_eq!(answer["generations"][0]["finish_reason"], "MAX_TOKENS");
        assert_eq!(text.split_whitespace().count(), 20);
    }
}

#[test]
fn mistral_completes_text_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "mistral.mistral-7b-instruct-v0:2",
        "mistral.mixtral-8x7b-instruct-v0:1",
        "mistral.mistral-large-2402-v1:0",
        "mistral.mistral-small-2402-v1:0",
    ] {
        let body = json!({
            "prompt": "<s>[INST] I am Ada. [/INST] Hello.</s>[INST] Who am I? [/INST]",
            "stop": ["nowhere"],
        });
        let (answer, text) = check(&bedrock, model, &body, "/outputs/0/text");
        for part in ["3 turn(s)", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["outputs"][0]["stop_reason"], "stop");
        let short = json!({"prompt": "Hi", "max_tokens": 2});
        let (answer, _) = check(&bedrock, model, &short, "/outputs/0/text");
        assert_eq!(answer["outputs"][0]["stop_reason"], "length");
    }
}

#[test]
fn mistral_chats_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in [
        "mistral.mistral-large-2407-v1:0",
        "us.mistral.pixtral-large-2502-v1:0",
    ] {
        let body = json!({
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "I am Ada."}]},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "Who am I?"},
            ],
        });
        let (answer, text) = check(&bedrock, model, &body, "/choices/0/message/content");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["choices"][0]["stop_reason"], "stop");
    }
}

#[test]
fn llama_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    let two = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nI am Ada. [/INST] Hello. </s><s>[INST] Who am I? [/INST]";
    let three = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nI am Ada.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho am I?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
    let four = three
        .replace("<|start_header_id|>", "<|header_start|>")
        .replace("<|end_header_id|>", "<|header_end|>")
        .replace("<|eot_id|>", "<|eot|>");
    for (model, prompt) in [
        ("meta.llama2-13b-chat-v1", two),
        ("meta.llama3-8b-instruct-v1:0", three),
        ("us.meta.llama3-3-70b-instruct-v1:0", three),
        (
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/llama1234567",
            three,
        ),
        ("us.meta.llama4-scout-17b-instruct-v1:0", &four),
    ] {
        let body = json!({"prompt": prompt});
        let (answer, text) = check(&bedrock, model, &body, "/generation");
        for part in ["3 turn(s)", "Be brief.", "I am Ada.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["stop_reason"], "stop");
        assert_eq!(answer["prompt_token_count"], 9);
        let short = json!({"prompt": prompt, "max_gen_len": 2});
        let (answer, _) = check(&bedrock, model, &short, "/generation");
        assert_eq!(answer["stop_reason"], "length");
        assert_eq!(answer["generation_token_count"], 2);
    }
}

#[test]
fn deepseek_thinks_before_it_answers() {
    let bedrock = Bedrock::start();
    let model = "us.deepseek.r1-v1:0";
    let asked = "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Who am I?<｜Assistant｜><think>\n";
    for (prompt, begins) in [
        (asked, "[simulated]"),
        ("Who am I?", "<think>\n[simulated]"),
    ] {
        let body = json!({"prompt": prompt});
        let (answer, text) = check(&bedrock, model, &body, "/choices/0/text");
        let (thought, said) = text.split_once("</think>").expect("a thought");
        assert!(thought.starts_with(begins), "{text}");
        assert!(
            said.contains("1 turn(s)") && said.contains("Who am I?"),
            "{text}"
        );
        assert_eq!(answer["choices"][0]["stop_reason"], "stop");
    }
}

#[test]
fn openai_answers_in_its_own_format() {
    let bedrock = Bedrock::start();
    for model in ["openai.gpt-oss-120b-1:0", "openai.gpt-oss-20b-1:0"] {
        let body = json!({
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "Who am I?"},
            ],
            "model": model,
            "stream": false,
            "stop": "nowhere",
        });
        let (answer, text) = check(&bedrock, model, &body, "/choices/0/message/content");
        assert!(text.starts_with("<reasoning>[simulated]"), "{text}");
        for part in ["1 turn(s)", "Be brief.", "Who am I?"] {
            assert!(text.contains(part), "{part} is missing from {text}");
        }
        assert_eq!(answer["object"], "chat.completion");
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        assert_eq!(answer["usage"]["prompt_tokens"], 5);
    }
}

#[test]
fn qwen_thinks_before_it_answers() {
    let bedrock = Bedrock::start();
    let body = json!({
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who am I?"},
        ],
        "max_tokens": 100,
    });
    let path = "/choices/0/message/content";
    let (answer, text) = check(&bedrock, "qwen.qwen3-32b-v1:0", &body, path);
    assert!(text.starts_with("<think>\n[simulated]"), "{text}");
    for part in ["1 turn(s)", "Be brief.", "Who am I?"] {
        assert!(text.contains(part), "{part} is missing from {text}");
    }
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["usage"]["prompt_tokens"], 5);
}

#[test]
fn converse_answers_alike_for_every_chat_model() {
    let bedrock = Bedrock::start();
    for (model, system) in [
        ("amazon.titan-text-express-v1", None),
        ("anthropic.claude-v2", Some("Be brief.")),
        (SONNET, Some("Be brief.")),
        ("us.amazon.nova-lite-v1:0", Some("Be brief.")),
        ("ai21.jamba-1-5-mini-v1:0", Some("Be brief.")),
        ("meta.llama2-13b-chat-v1", Some("Be brief.")),
        ("meta.llama3-8b-instruct-v1:0", Some("Be brief.")),
        ("us.meta.llama4-scout-17b-instruct-v1:0", Some("Be brief.")),
        ("us.deepseek.r1-v1:0", Some("Be brief.")),
        ("openai.gpt-oss-20b-1:0", Some("Be brief.")),
        ("qwen.qwen3-32b-v1:0", Some("Be brief.")),
        ("cohere.command-r-v1:0", Some("Be brief.")),
        ("mistral.mistral-7b-instruct-v0:2", None),
        ("mistral.mistral-large-2402-v1:0", Some("Be brief.")),
        ("mistral.mistral-large-2407-v1:0", Some("Be brief.")),
    ] {
        let mut body = json!({
            "messages": [
                {"role": "user", "content": [{"text": "I am Ada."}]},
                {"role": "assistant", "content": [{"text": "Hello."}]},
                {"role": "user", "content": [{"text": "Who am I?"}]},
            ],
            "inferenceConfig": {"maxTokens": 200, "temperature": 0.5},
        });
        if let Some(system) = system {
            body["system"] = json!([{"text": system}]);
        }
        let answer = bedrock.call(model, "converse", body.to_string());
        assert_eq!(answer.status, 200, "{model}: {}", answer.message());
        for name in TAKEN {
            assert_eq!(answer.header(name), "", "{model}: {name}");
        }
        assert_eq!(answer.header("x-local-backend"), "simulator");
        let json = answer.json();
        assert_eq!(json["output"]["message"]["role"], "assistant");
        assert_eq!(json["stopReason"], "end_turn");
        assert!(json["metrics"]["latencyMs"].is_u64());
        let usage = &json["usage"];
        let sum = usage["inputTokens"]
            .as_u64()
            .zip(usage["outputTokens"].as_u64());
        assert_eq!(
            sum.map(|(input, output)| input + output),
            usage["totalTokens"].as_u64()
        );
        let text = json["output"]["message"]["content"][0]["text"]
            .as_str()
            .expect("a text");
        for part in [
            "3 turn(s)",
            "I am Ada.",
            "Who am I?",
            system.unwrap_or_default(),
        ] {
            assert!(
                text.contains(part),
                "{model}: {part} is missing from {text}"
            );
        }
    }
}

#[test]
fn converse_tells_claudes_stop_sequence_when_asked() {
    let bedrock = Bedrock::start();
    let body = json!({
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"stopSequences": ["model"]},
        "additionalModelRequestFields": {"top_k": 5},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    });
    let answer = bedrock.call(SONNET, "converse", body.to_string()).json();
    assert_eq!(answer["stopReason"], "stop_sequence");
    assert_eq!(
        answer["additionalModelResponseFields"],
        json!({"stop_sequence": "model"})
    );
}

#[test]
fn without_faults_a_marker_is_ordinary_text() {
    let bedrock = Bedrock::start();
    let body = json!({"inputText": "[[fault:throttle]] Hello"});
    let (_, text) = check(
        &bedrock,
        "amazon.titan-tg1-large",
        &body,
        "/results/0/outputText",
    );
    assert!(text.contains("[[fault:throttle]] Hello"), "{text}");
}
