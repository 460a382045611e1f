//! A history that is longer than its model's window, and models that Bedrock does not serve.

use end_to_end::{Ask, Asked, Event, Script};
use serde_json::{Value, json};

/// Bedrock counts no tokens for it; it has a window of 8,192.
const LLAMA: &str = "meta.llama3-8b-instruct-v1:0";

/// Bedrock counts its tokens.
const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

/// Leaves 9,000 tokens of Claude's window.
const LITTLE: [(&str, &str); 1] = [("HISTORY_MARGIN_TOKENS", "190000")];

/// A chat of this model, whose first and third turns have this letter so often.
fn chat(ask: Ask, model: &str, max_tokens: u64, length: usize, truncation: Value) -> Event {
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a".repeat(length)},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "b".repeat(length)},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "Why?"},
    ]);
    ask.event()
        .with_field("model", model.into())
        .with_field("max_tokens", max_tokens.into())
        .with_field("messages", messages)
        .with_field("truncation", truncation)
}

fn count(tokens: u64) -> Script {
    Script::json(&json!({"inputTokens": tokens}))
}

/// What the turns that reached the model begin with.
fn turns(asked: &Asked) -> Vec<String> {
    let request = asked.upstream.last().json();
    let turns = request["messages"].as_array().expect("messages");
    let text = |turn: &Value| {
        turn["content"][0]["text"]
            .as_str()
            .map(|text| text[..1].to_owned())
    };
    turns.iter().filter_map(text).collect()
}

/// The operations that Bedrock was asked for.
fn operations(asked: &Asked) -> Vec<String> {
    let requests = asked.upstream.requests();
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    requests.iter().map(|request| last(&request.path)).collect()
}

#[tokio::test]
async fn the_oldest_turns_are_left_out_and_the_answer_says_how_many() {
    let mut asked = Ask::CHAT.of([Ask::CHAT.answer(&["Because."])]).await;
    let event = chat(Ask::CHAT, LLAMA, 4_000, 6_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-history-trimmed"), "2");
    assert_eq!(answer.body["history_trimmed"], 2);
    assert_eq!(turns(&asked), ["b", "N", "W"]);
    let request = asked.upstream.last().json();
    assert_eq!(request["system"][0]["text"], "Be brief.");
}

#[tokio::test]
async fn a_stream_says_it_first() {
    let ask = Ask::CHAT_STREAM;
    let mut asked = ask.of([ask.answer(&["Be", "cause."])]).await;
    let event = chat(ask, LLAMA, 4_000, 6_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.header("x-history-trimmed"), "2", "{answer:?}");
    let said: Vec<_> = answer
        .data()
        .map(|data| data.get("history_trimmed"))
        .collect();
    assert_eq!(said[0], Some(&json!(2)));
    assert!(said[1..].iter().all(Option::is_none), "{answer:?}");
    assert_eq!(turns(&asked), ["b", "N", "W"]);
}

#[tokio::test]
async fn a_history_is_left_whole_unless_somebody_asks() {
    const AUTO: [(&str, &str); 1] = [("HISTORY_TRIMMING", "auto")];
    for (environment, truncation, trimmed) in [
        (&[][..], Value::Null, ""),
        (&[], "disabled".into(), ""),
        (&AUTO, "disabled".into(), ""),
        (&AUTO, Value::Null, "2"),
    ] {
        let answer = Ask::CHAT.answer(&["Because."]);
        let mut asked = Ask::CHAT.with(environment, [answer]).await;
        let event = chat(Ask::CHAT, LLAMA, 4_000, 6_000, truncation.clone());
        let answer = asked.function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("x-history-trimmed"), trimmed, "{truncation}");
        let left = if trimmed.is_empty() { 5 } else { 3 };
        assert_eq!(turns(&asked).len(), left, "{truncation}");
    }
}

#[tokio::test]
async fn a_history_that_fits_is_left_whole() {
    let mut asked = Ask::CHAT.of([Ask::CHAT.answer(&["Because."])]).await;
    let event = chat(Ask::CHAT, CLAUDE, 1_000, 6_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.header("x-history-trimmed"), "", "{answer:?}");
    assert_eq!(answer.body.get("history_trimmed"), None);
    assert_eq!(operations(&asked), ["converse"], "it is not even counted");
}

#[tokio::test]
async fn bedrock_counts_where_it_can() {
    let answer = Ask::CHAT.answer(&["Because."]);
    let scripts = [count(12_000), count(8_000), answer];
    let mut asked = Ask::CHAT.with(&LITTLE, scripts).await;
    let event = chat(Ask::CHAT, CLAUDE, 1_000, 15_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-history-trimmed"), "2");
    assert_eq!(turns(&asked), ["b", "N", "W"]);
    assert_eq!(
        operations(&asked),
        ["count-tokens", "count-tokens", "converse"]
    );
    let first = &asked.upstream.requests()[0];
    assert!(
        first.path.contains("/anthropic.claude-haiku"),
        "the model behind the profile: {}",
        first.path
    );
    let counted = &first.json()["input"]["converse"];
    assert_eq!(counted["messages"].as_array().map(Vec::len), Some(5));
    assert_eq!(counted["system"][0]["text"], "Be brief.");
}

#[tokio::test]
async fn a_count_that_says_it_fits_keeps_the_whole_history() {
    let scripts = [count(9_000), Ask::CHAT.answer(&["Because."])];
    let mut asked = Ask::CHAT.with(&LITTLE, scripts).await;
    let event = chat(Ask::CHAT, CLAUDE, 1_000, 15_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.header("x-history-trimmed"), "", "{answer:?}");
    assert_eq!(turns(&asked).len(), 5);
}

#[tokio::test]
async fn what_cannot_be_counted_is_estimated() {
    let refused = Script::error(403, "AccessDeniedException", "not authorized");
    let scripts = [refused, Ask::CHAT.answer(&["Because."])];
    let mut asked = Ask::CHAT.with(&LITTLE, scripts).await;
    let event = chat(Ask::CHAT, CLAUDE, 1_000, 15_000, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-history-trimmed"), "2");
    assert_eq!(operations(&asked), ["count-tokens", "converse"]);
}

#[tokio::test]
async fn a_turn_that_does_not_fit_by_itself_is_refused_before_the_model_is_called() {
    let mut asked = Ask::CHAT.with(&LITTLE, [count(12_000)]).await;
    let event = chat(Ask::CHAT, CLAUDE, 1_000, 1, "auto".into()).with_field(
        "messages",
        json!([{"role": "user", "content": "a".repeat(30_000)}]),
    );
    let answer = asked.function.call(&event).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.error()["code"], "context_length_exceeded");
    assert_eq!(operations(&asked), ["count-tokens"]);
}

#[tokio::test]
async fn an_answer_that_fills_the_window_leaves_no_room() {
    let mut asked = Ask::CHAT.of([]).await;
    let event = chat(Ask::CHAT, LLAMA, 4_000, 1, "auto".into());
    let whole = [("HISTORY_MARGIN_TOKENS", "8192")];
    let answer = asked
        .function
        .call(&event.clone().with_field("truncation", "often".into()))
        .await;
    assert_eq!(answer.error()["param"], "truncation", "{answer:?}");
    let mut asked = Ask::CHAT.with(&whole, []).await;
    let answer = asked.function.call(&event).await;
    assert_eq!(
        answer.error()["code"],
        "context_length_exceeded",
        "{answer:?}"
    );
    assert!(operations(&asked).is_empty());
}

#[tokio::test]
async fn a_window_that_is_not_known_cannot_be_kept() {
    let titan = "amazon.titan-tg1-large";
    let mut asked = Ask::CHAT.of([]).await;
    let event = chat(Ask::CHAT, titan, 100, 1, "auto".into());
    let answer = asked.function.call(&event).await;
    assert_eq!(
        answer.error()["code"],
        "unsupported_parameter",
        "{answer:?}"
    );
    assert_eq!(answer.error()["param"], "truncation");
    assert!(operations(&asked).is_empty());
}

#[tokio::test]
async fn a_model_that_needs_a_profile_is_refused_with_the_profiles_id() {
    let says = "Invocation of model ID amazon.nova-lite-v1:0 with on-demand throughput isn\u{2019}t \
                supported. Retry your request with the ID or ARN of an inference profile that \
                contains this model.";
    for (environment, profile) in [
        (&[][..], "us.amazon.nova-lite-v1:0"),
        (
            &[("BEDROCK_REGION", "eu-west-1")],
            "eu.amazon.nova-lite-v1:0",
        ),
    ] {
        let script = Script::error(400, "ValidationException", says);
        let mut asked = Ask::CHAT.with(environment, [script]).await;
        let event = Ask::CHAT
            .event()
            .with_field("model", "amazon.nova-lite-v1:0".into());
        let answer = asked.function.call(&event).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.error()["code"], "invalid_value");
        assert_eq!(answer.error()["param"], "model");
        assert!(
            answer.text("/error/message").contains(profile),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_model_that_is_closed_to_the_account_is_retired_for_it() {
    let says = "Access denied. This Model is marked by provider as Legacy and you have not been \
                actively using the model in the last 30 days. Please upgrade to an active model on \
                Amazon Bedrock";
    for (status, kind) in [
        (404, "ResourceNotFoundException"),
        (400, "ValidationException"),
    ] {
        let mut asked = Ask::CHAT.of([Script::error(status, kind, says)]).await;
        let event = Ask::CHAT.event().with_field("model", LLAMA.into());
        let answer = asked.function.call(&event).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert_eq!(answer.error()["code"], "model_retired");
        let message = answer.text("/error/message");
        assert!(message.contains("us.amazon.nova-micro-v1:0"), "{message}");
    }
}
