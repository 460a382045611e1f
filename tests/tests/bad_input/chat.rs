//! What is wrong with a conversation.

use end_to_end::{Ask, CANARY, Event};
use serde_json::{Value, json};

use crate::bad::{Bad, refused, refused_with};

fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

fn system(content: impl Into<Value>) -> Value {
    json!({"role": "system", "content": content.into()})
}

/// These messages, with what is wrong and where.
fn history(good: &Event, messages: Value, param: &str, code: &'static str) -> Bad {
    let what = format!("{:.80}", messages.to_string());
    let event = good.clone().with_field("messages", messages);
    Bad::new(what, event, code).param(param)
}

/// Sends conversations with one wrong part each, and where in it and how it is wrong.
async fn wrong(parts: impl Fn() -> Vec<(Value, &'static str, &'static str)>) {
    refused("chat", |good| {
        let content = parts().into_iter().map(|(part, place, code)| {
            let text = json!({"type": "text", "text": CANARY});
            let messages = json!([user(json!([text, part]))]);
            history(
                good,
                messages,
                &format!("messages[0].content[1]{place}"),
                code,
            )
        });
        content.collect()
    })
    .await;
}

/// Sends conversations with one part each that nobody takes.
async fn parts(parts: impl Fn() -> Vec<Value>) {
    wrong(|| {
        let parts = parts().into_iter();
        parts
            .map(|part| (part, "", "unsupported_parameter"))
            .collect()
    })
    .await;
}

/// An image by its URL.
fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// Checks which system prompt and which turns a history becomes, over Converse.
async fn becomes(messages: Value, system: Value, turns: &[(&str, &str)]) {
    let ask = Ask::CHAT;
    let mut asked = ask.of([ask.answer(&["Hello"])]).await;
    let event = ask.event().with_field("messages", messages.clone());
    let answer = asked.function.call(&event).await;
    ask.check(&answer, "Hello");
    let sent = asked.upstream.requests()[0].json();
    let turns: Vec<_> = turns
        .iter()
        .map(|(role, text)| json!({"role": role, "content": [{"text": text}]}))
        .collect();
    assert_eq!(sent["messages"], json!(turns), "{messages}");
    assert_eq!(sent["system"], system, "{messages}");
}

end_to_end::rows! {
    b29_a_history_that_is_none_is_refused_and_the_others_are_merged:
    "messages empty, begun by the assistant, of unknown roles: 400 with the index; users in a row, the system in the middle: merged; the assistant last: a prefill" => {
        refused("chat", |good| {
            let without = good.clone().with_body(&json!({"max_tokens": 5, "user": CANARY}));
            let history = |messages, param| history(good, messages, param, "invalid_value");
            vec![
                Bad::new("no messages", without, "missing_required_parameter").param("messages"),
                Bad::field(good, "messages", json!(null), "missing_required_parameter"),
                history(json!([]), "messages"),
                history(json!(CANARY), "messages"),
                history(json!({"role": "user"}), "messages"),
                history(json!([system("Be brief.")]), "messages"),
                history(json!([assistant("a")]), "messages[0].role"),
                history(json!([system("s"), assistant("a"), user("b")]), "messages[1].role"),
                history(json!([user("a"), {"role": "wizard", "content": "a"}]), "messages[1].role"),
                history(json!([{"content": "a"}]), "messages[0]"),
                history(json!([5]), "messages[0]"),
            ]
        })
        .await;
        let turns = [("user", "a\n\nb"), ("assistant", "c"), ("user", "d")];
        let both = json!([{"text": "s\n\nt"}]);
        let messages = json!([system("s"), user("a"), user("b"), assistant("c"), system("t"), user("d")]);
        becomes(messages, both, &turns).await;
        let prefill = [("user", "a"), ("assistant", "Once")];
        becomes(json!([user("a"), assistant("Once ")]), json!(null), &prefill).await;
    }

    b30_a_blank_last_message_is_refused_and_a_blank_earlier_one_left_out:
    "blank text, null content, no parts: 400 as the last message, left out before it" => {
        let blanks = || {
            let part = |text: &str| json!({"type": "text", "text": text});
            vec![
                json!(null),
                json!(""),
                json!(" \u{200b}\n"),
                json!([]),
                json!([part("")]),
                json!([part(" "), part("\u{feff}")]),
            ]
        };
        refused("chat", |good| {
            let last = blanks().into_iter().map(|blank| {
                let messages = json!([user(CANARY), assistant("b"), user(blank)]);
                history(good, messages, "messages[2].content", "invalid_value")
            });
            let part = json!([user(json!([{"type": "text"}]))]);
            let number = json!([user(7)]);
            last.chain([
                history(good, part, "messages[0].content[0].text", "missing_required_parameter"),
                history(good, number, "messages[0].content", "invalid_value"),
            ])
            .collect()
        })
        .await;
        for blank in blanks() {
            let messages = json!([user("a"), assistant(blank), user("b")]);
            becomes(messages, json!(null), &[("user", "a\n\nb")]).await;
        }
    }

    b31_a_history_over_the_limits_is_refused_with_the_limit:
    "10,001 messages, more than 4,000,000 characters: 400 history_too_long; over the body's limit: 413; over the model's window: 400 context_length_exceeded (with F14)" => {
        refused("chat", |good| {
            let long = |messages| history(good, messages, "messages", "history_too_long");
            let large = json!([user("a".repeat(6 * 1024 * 1024))]);
            vec![
                long(json!(vec![user("a"); 10_001])),
                long(json!([user("a".repeat(4_000_001))])),
                long(json!([user("a".repeat(3_000_000)), assistant("b"), user("c".repeat(1_000_000))])),
                Bad::new("6 MB", good.clone().with_field("messages", large), "request_too_large").status(413),
            ]
        })
        .await;
        let limits = [("MAX_MESSAGES", "5"), ("MAX_HISTORY_CHARACTERS", "200")];
        refused_with(&limits, "chat", |good| {
            let long = |messages| history(good, messages, "messages", "history_too_long");
            vec![long(json!(vec![user("a"); 6])), long(json!(vec![user("a".repeat(41)); 5]))]
        })
        .await;
        let mut stack = end_to_end::Stack::start("chat", &limits).await;
        for (messages, status, limit) in [
            (json!(vec![user("a".repeat(40)); 5]), 200, ""),
            (json!(vec![user("\u{1f98a}".repeat(40)); 5]), 200, ""),
            (json!(vec![user("a".repeat(41)); 5]), 400, "200"),
            (json!(vec![user("a"); 6]), 400, "5"),
        ] {
            let event = Event::file("chat-http-v2").with_field("messages", messages);
            let event = event.with_field("user", CANARY.into());
            let answer = stack.function.call(&event).await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert!(answer.content.contains(limit), "{answer:?}");
        }
    }

    b32_a_url_of_an_image_is_never_fetched:
    "image parts with URLs of metadata services, files, loopback, names: 400, and nothing connects" => {
        let trap = end_to_end::Upstream::playing([end_to_end::Script::silence()]).await;
        let url = format!("{}/a.png", trap.url());
        wrong(|| {
            let urls = [
                "https://169.254.169.254/latest/meta-data/",
                "http://169.254.169.254/latest/meta-data/",
                "file:///etc/passwd",
                "http://[::1]/",
                "http://localhost/a.png",
                "https://rebind.example/a.png",
                "gopher://127.0.0.1/",
                "//169.254.169.254/",
                &url,
            ];
            let refused = |url| (image(url), ".image_url.url", "unsupported_parameter");
            urls.map(refused).into()
        })
        .await;
        assert_eq!(trap.connections(), 0);
    }

    b33_an_image_or_file_that_is_none_is_refused_by_its_path:
    "data: URLs whose bytes are no image or document, too large, of another kind, or not base64: 400 by path, and no call" => {
        let large = format!("data:image/png;base64,{}", "A".repeat(5_300_000));
        wrong(|| {
            let urls = [
                "data:image/png;base64,iVBORw0KGgo=",
                "data:image/png;base64,a!",
                "data:text/html;base64,AAAA",
                "data:image/svg+xml;base64,PHN2Zy8+",
                "data:image/png;base64,iVBORw0KGgpQSwMEFAAAAAA=",
                "data:image/png,abc",
                // 8,001 pixels wide.
                "data:image/gif;base64,R0lGODlhQR8BAA==",
                &large,
            ];
            let refused = |url| (image(url), ".image_url.url", "invalid_value");
            urls.map(refused).into()
        })
        .await;
        wrong(|| {
            let file = |data: &str, name: &str| {
                let file = json!({"file_data": data, "filename": name});
                (json!({"type": "file", "file": file}), ".file.file_data", "invalid_value")
            };
            vec![
                file("data:application/pdf;base64,AAAA", "a.pdf"),
                file("data:text/plain;base64,/w==", "a.txt"),
                file("data:application/x-msdownload;base64,TVo=", "a.exe"),
                file("data:text/plain;base64,", "a.txt"),
            ]
        })
        .await;
        parts(|| {
            vec![
                json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
                json!({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}),
            ]
        })
        .await;
    }

    b34_a_place_in_s3_is_not_taken_from_a_caller:
    "s3Location from the caller: 400" => {
        let location = json!({"s3Location": {"uri": "s3://another/secret"}});
        parts(|| {
            vec![
                json!({"type": "document", "s3Location": {"uri": "s3://another/secret"}}),
                json!({"type": "image", "source": location}),
                json!({"type": "video", "video": {"source": location}}),
            ]
        })
        .await;
        wrong(|| {
            let id = json!({"type": "file", "file": {"file_id": "s3://another/secret"}});
            let data = json!({"type": "file", "file": {"file_data": "s3://another/secret"}});
            vec![
                (id, ".file.file_id", "unsupported_parameter"),
                (data, ".file.file_data", "unsupported_parameter"),
            ]
        })
        .await;
        refused("chat", |good| {
            let part = json!({"type": "text", "text": "a", "s3Location": {"uri": "s3://a/b"}});
            let param = "messages[0].content[0].s3Location";
            vec![history(good, json!([user(json!([part]))]), param, "unknown_parameter")]
        })
        .await;
    }

    b35_tools_and_their_uses_are_checked:
    "tools, choices, calls and results that are malformed or do not go together: 400 by name" => {
        refused("chat", |good| {
            let bad = |name, value, param: &str, code| Bad::field(good, name, value, code).param(param);
            let tool = |function: Value| json!([{"type": "function", "function": function}]);
            let call = |id: &str, arguments: &str| {
                json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}})
            };
            let called = |calls: Value| {
                json!({"role": "assistant", "content": null, "tool_calls": calls})
            };
            let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "5"});
            let function = json!([user("a"), {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}}, user("b")]);
            let one = called(json!([call("t1", "{}")]));
            vec![
                bad("tools", json!({"f": {}}), "tools", "invalid_value"),
                bad("tools", json!([{"type": "web_search"}]), "tools[0].type", "unsupported_parameter"),
                bad("tools", tool(json!({"name": CANARY.repeat(9)})), "tools[0].function.name", "invalid_value"),
                bad("tools", tool(json!({"name": "f g"})), "tools[0].function.name", "invalid_value"),
                bad("tools", tool(json!({"name": "f", "parameters": {"type": "string"}})), "tools[0].function.parameters", "invalid_value"),
                bad("tool_choice", json!("required"), "tool_choice", "invalid_value"),
                bad("functions", json!([{"name": "f"}]), "functions", "unsupported_parameter"),
                bad("function_call", json!({"name": "f"}), "function_call", "unsupported_parameter"),
                history(good, json!([user("a"), one, user("b")]), "messages[1].tool_calls", "invalid_value"),
                history(good, json!([user("a"), one]), "messages[1].tool_calls", "invalid_value"),
                history(good, json!([user("a"), one, result("t2")]), "messages[2].tool_call_id", "invalid_value"),
                history(good, json!([user("a"), result("t1")]), "messages[1].tool_call_id", "invalid_value"),
                history(good, json!([user("a"), called(json!([call("t1", "[]")])), result("t1")]), "messages[1].tool_calls[0].function.arguments", "invalid_value"),
                history(good, json!([user("a"), called(json!([call("t1", &"[".repeat(500))])), result("t1")]), "messages[1].tool_calls[0].function.arguments", "invalid_value"),
                history(good, function, "messages[1].function_call", "unsupported_parameter"),
            ]
        })
        .await;
        parts(|| {
            vec![
                json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
                json!({"type": "tool_result", "tool_use_id": "t", "content": "5"}),
                json!({"toolUse": {"toolUseId": "t", "name": "f", "input": {}}, "type": "toolUse"}),
            ]
        })
        .await;
    }
}

/// `response_format`: unknown types, and schemas without a name or an object.
#[tokio::test]
async fn a_form_of_the_answer_is_checked() {
    refused("chat", |good| {
        let format = |format: Value, param: &str, code| {
            Bad::field(good, "response_format", format, code).param(param)
        };
        let schema = |schema: Value| json!({"type": "json_schema", "json_schema": schema});
        vec![
            format(json!("json"), "response_format", "invalid_value"),
            format(
                json!({"type": "grammar"}),
                "response_format.type",
                "invalid_value",
            ),
            format(
                json!({"type": "json_schema"}),
                "response_format.json_schema",
                "missing_required_parameter",
            ),
            format(
                schema(json!({"name": "a"})),
                "response_format.json_schema.schema",
                "missing_required_parameter",
            ),
            format(
                schema(json!({"name": "a b", "schema": {}})),
                "response_format.json_schema.name",
                "invalid_value",
            ),
            format(
                schema(json!({"name": "a", "schema": {"type": "array"}})),
                "response_format.json_schema.schema",
                "invalid_value",
            ),
        ]
    })
    .await;
}
