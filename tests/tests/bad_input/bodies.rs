//! What is wrong with a body, whatever the function.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{CANARY, Event, Stack};
use serde_json::{Value, json};

use crate::bad::{Bad, FUNCTIONS, answered, check_log, everywhere, good, refused, refused_with};

/// A body of any bytes, which only base64 can bring.
fn bytes(good: &Event, what: &str, bytes: &[u8], code: &'static str) -> Bad {
    let event = good.clone().with_text(&STANDARD.encode(bytes));
    Bad::new(what, event.with("/isBase64Encoded", true.into()), code)
}

/// The body with one more field in front, whose value need not be JSON.
fn with_raw(good: &Event, name: &str, value: &str) -> String {
    let body = good.body().to_string();
    let rest = body.strip_prefix('{').expect("an object");
    format!("{{\"{name}\":{value},{rest}")
}

end_to_end::rows! {
    b01_a_request_without_a_body_is_refused:
    "empty body, missing body, `null`: 400 body_required" => {
        everywhere(|good| {
            let absent = |body: &str| Bad::text(good, body, "body_required");
            let missing = good.clone().with("/body", Value::Null);
            vec![
                Bad::new("no body", missing, "body_required"),
                absent(""),
                absent(" \n "),
                absent("null"),
            ]
        })
        .await;
    }

    b02_a_body_that_is_not_one_json_object_is_refused_by_its_place_alone:
    "not JSON, trailing garbage, two documents: 400 invalid_json with the place and nothing of the body" => {
        everywhere(|good| {
            let broken = |text: &str| Bad::text(good, text, "invalid_json");
            let body = good.body().to_string();
            vec![
                broken("{"),
                broken(CANARY),
                broken("[]"),
                broken("5"),
                broken(&format!("\"{CANARY}\"")),
                broken(&format!("{body} {CANARY}")),
                broken(&format!("{body}{body}")),
                broken(&format!("{{'{CANARY}':'a'}}")),
                broken(&format!("{{\"{CANARY}\": ")),
            ]
        })
        .await;
        let mut stack = Stack::start("chat", &[]).await;
        for event in good("chat") {
            let answer = stack.function.call(&event.with_text(&format!("{{\n{CANARY}"))).await;
            let message = answer.text("/error/message");
            assert!(message.ends_with("at line 2, column 1."), "{message}");
            assert!(!message.contains(CANARY), "{message}");
        }
    }

    b04_a_body_in_another_encoding_is_refused:
    "UTF-8 with a byte order mark, UTF-16, invalid UTF-8: 400 invalid_json" => {
        everywhere(|good| {
            let body = good.body().to_string();
            let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let latin1 = [b"{\"user\":\"".as_slice(), &[0xe9], b"\"}"].concat();
            vec![
                Bad::text(good, &format!("\u{feff}{body}"), "invalid_json"),
                bytes(good, "UTF-16", &utf16, "invalid_json"),
                bytes(good, "UTF-16 with a mark", &[b"\xff\xfe", utf16.as_slice()].concat(), "invalid_json"),
                bytes(good, "Latin-1", &latin1, "invalid_json"),
            ]
        })
        .await;
    }

    b05_half_a_character_is_refused:
    "a lone surrogate `\\ud800`: 400" => {
        let prompt = |good: &Event| {
            let text = r#"{"prompt":"\ud800"}"#;
            vec![Bad::text(good, text, "invalid_value").param("prompt")]
        };
        refused("text-completion", prompt).await;
        refused("image-generation", prompt).await;
        refused("chat", |good| {
            let text = r#"{"messages":[{"role":"user","content":"\ud800"}]}"#;
            let text = Bad::text(good, text, "invalid_value");
            vec![text.param("messages[0].content")]
        })
        .await;
        everywhere(|good| {
            let text = with_raw(good, "model", r#""\udc00""#).replacen("\"model\"", "\"family\"", 1);
            vec![Bad::text(good, &text, "invalid_value").param("family")]
        })
        .await;
    }

    b06_a_body_that_nests_too_deep_is_refused:
    "nesting of 129 and of 100,000: 400, and the stack stands" => {
        let nested = |depth: usize, [open, close]: [&str; 2]| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        let brackets = [["[", "]"], ["{\"a\":", "}"]];
        everywhere(|good| {
            let depths = [129, 100_000].into_iter();
            let bodies = depths.flat_map(|depth| [nested(depth, brackets[0]), "[".repeat(depth)]);
            bodies.map(|body| Bad::text(good, &body, "invalid_json")).collect()
        })
        .await;
        // In a field that is let pass whatever it says, the field is at fault, at some depth.
        for (function, _) in FUNCTIONS {
            let mut stack = Stack::start(function, &[]).await;
            for (depth, pair) in [(129, 0), (129, 1), (100_000, 0), (100_000, 1)] {
                for good in good(function) {
                    let body = with_raw(&good, "metadata", &nested(depth, brackets[pair]));
                    let answer = stack.function.call(&good.with_text(&body)).await;
                    assert_eq!(answer.status, 400, "{function} {depth}: {answer:?}");
                    assert_eq!(answer.error()["code"], "invalid_value", "{answer:?}");
                    assert!(answer.text("/error/param").starts_with("metadata"), "{answer:?}");
                }
            }
            assert_eq!(stack.bedrock.calls().await.received, 0);
            assert_eq!(stack.function.call(&good(function)[0]).await.status, 200);
            check_log(stack, function).await;
        }
    }

    b07_a_key_that_stands_there_twice_is_refused:
    "duplicate keys: 400" => {
        everywhere(|good| {
            let doubled = |name, value| {
                Bad::text(good, &with_raw(good, name, value), "invalid_json")
            };
            vec![
                doubled("model", "\"a\""),
                doubled("user", "\"a\""),
                Bad::text(good, &with_raw(good, "n", "1,\"n\":1"), "invalid_json"),
                Bad::text(good, &with_raw(good, "odd", "1,\"odd\":1"), "invalid_json"),
            ]
        })
        .await;
        refused("text-completion", |good| {
            vec![Bad::text(good, &with_raw(good, "prompt", "\"a\""), "invalid_json")]
        })
        .await;
        refused("chat", |good| {
            let text = r#"{"messages":[{"role":"user","role":"user","content":"a"}]}"#;
            vec![Bad::text(good, text, "invalid_value").param("messages[0]")]
        })
        .await;
    }

    b08_a_number_that_is_none_or_out_of_range_is_refused_by_its_field:
    "1e400, NaN, -0, 2^63, 1.5 for an integer, \"5\" for a number: 400 with the field" => {
        let integers = |good: &Event, name: &str| {
            ["1e400", "-1e400", "-0", "9223372036854775808", "18446744073709551616", "1.5", "1e0", "\"5\"", "true", "[]"]
                .map(|number| {
                    let body = good.body();
                    let mut rest = body.as_object().expect("an object").clone();
                    rest.remove(name);
                    let good = good.clone().with_body(&rest.into());
                    let text = with_raw(&good, name, number);
                    Bad::text(&good, &text, "invalid_value").param(name)
                })
                .into_iter()
        };
        let no_json = |good: &Event| {
            ["NaN", "Infinity", "-Infinity", "0x10", "01", "+1", ".5", "1."]
                .map(|number| Bad::text(good, &with_raw(good, "top_k", number), "invalid_json"))
                .into_iter()
        };
        everywhere(|good| integers(good, "n").chain(no_json(good)).collect()).await;
        for function in ["text-completion", "chat"] {
            refused(function, |good| {
                let mut table: Vec<_> = integers(good, "max_tokens").collect();
                for number in ["1e400", "\"0.5\"", "null_", "true"] {
                    let body = good.body();
                    let mut rest = body.as_object().expect("an object").clone();
                    rest.remove("temperature");
                    let good = good.clone().with_body(&rest.into());
                    let text = with_raw(&good, "temperature", number);
                    let code = match number {
                        "null_" => "invalid_json",
                        _ => "invalid_value",
                    };
                    let bad = Bad::text(&good, &text, code);
                    table.push(match number {
                        "null_" => bad,
                        _ => bad.param("temperature"),
                    });
                }
                table
            })
            .await;
        }
        refused("image-generation", |good| integers(good, "seed").collect()).await;
    }

    b09_a_field_that_nobody_knows_is_refused_with_the_nearest_known_one:
    "unknown field: 400 unknown_parameter that names it and the nearest known one; one that cannot be honoured: unsupported_parameter" => {
        everywhere(|good| {
            vec![
                Bad::field(good, "max_token", json!(5), "unknown_parameter"),
                Bad::field(good, "modell", json!("a"), "unknown_parameter"),
                Bad::field(good, CANARY, json!(5), "unknown_parameter"),
                Bad::field(good, "", json!(5), "unknown_parameter"),
                Bad::field(good, "store", json!(true), "unsupported_parameter"),
                Bad::invalid(good, "family", json!("gpt")),
            ]
        })
        .await;
        for function in ["text-completion", "chat"] {
            let mut stack = Stack::start(function, &[]).await;
            for (unknown, known) in [("max_token", "max_tokens"), ("temprature", "temperature")] {
                for event in good(function) {
                    let answer = stack.function.call(&event.with_field(unknown, json!(1))).await;
                    let says = format!("`{unknown}` is not a known field; did you mean `{known}`?");
                    assert_eq!(answer.text("/error/message"), says);
                }
            }
        }
    }

    b10_a_body_over_the_limit_is_refused_with_the_limit:
    "a body of more than 6 MB, 10 MB, 10 MB of spaces, more than MAX_BODY_BYTES: 413 request_too_large that names the limit" => {
        let large = |text: &str, good: &Event| {
            Bad::text(good, text, "request_too_large").status(413)
        };
        everywhere(|good| vec![large(&" ".repeat(6 * 1024 * 1024 + 1), good)]).await;
        // What a body of this size is of changes nothing for the other functions.
        refused("text-completion", |good| {
            let prompt = "a".repeat(10 * 1024 * 1024);
            let body = format!("{{\"user\":\"{prompt}\"}}");
            vec![
                large(&body, good),
                large(&" ".repeat(10 * 1024 * 1024), good),
                bytes(good, "8 MB in base64", &[b' '; 8 * 1024 * 1024], "request_too_large").status(413),
            ]
        })
        .await;
        let limit = [("MAX_BODY_BYTES", "1000")];
        for function in ["text-completion", "chat", "image-generation"] {
            refused_with(&limit, function, |good| {
                vec![large(&" ".repeat(1_001), good), bytes(good, "base64", &[b' '; 1_001], "request_too_large").status(413)]
            })
            .await;
        }
        let mut stack = Stack::start("chat", &limit).await;
        for event in good("chat") {
            let answer = stack.function.call(&event.clone().with_text(&" ".repeat(1_001))).await;
            assert!(answer.text("/error/message").contains("1000"), "{answer:?}");
            // At the limit a body is read.
            let body = event.body().to_string();
            let padded = format!("{body}{}", " ".repeat(1_000 - body.len()));
            assert_eq!(stack.function.call(&event.with_text(&padded)).await.status, 200);
        }
    }

    b11_a_body_that_is_said_to_be_base64_and_is_not_is_refused:
    "isBase64Encoded with invalid base64: 400 invalid_json" => {
        everywhere(|good| {
            let body = good.body().to_string();
            ["a!", "=", "a", "e30", body.as_str(), CANARY]
                .map(|text| {
                    let event = good.clone().with_text(text);
                    Bad::new(text, event.with("/isBase64Encoded", true.into()), "invalid_json")
                })
                .into()
        })
        .await;
    }

    b12_a_body_in_base64_is_read_as_any_other:
    "base64 of a good body: accepted" => {
        let encoded = |good: &Event| {
            let body = STANDARD.encode(good.body().to_string());
            vec![good.clone().with_text(&body).with("/isBase64Encoded", true.into())]
        };
        answered(&[], encoded, |_| {}).await;
    }
}
