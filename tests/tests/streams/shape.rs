//! What stands in the chunks.

use end_to_end::{Answer, Ask, Event, Stack, Task, marked};
use serde_json::{Value, json};

/// The same of all chunks, which they must agree in.
fn common<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let mut values: Vec<_> = answer.data().map(|data| &data[name]).collect();
    values.dedup();
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values[0]
}

/// The chunks' only choices.
fn choices(answer: &Answer) -> Vec<&Value> {
    let choices = answer.data().map(|data| {
        let choices = data["choices"].as_array().expect("choices");
        assert_eq!(choices.len(), 1, "{data}");
        assert_eq!(choices[0]["index"], 0, "{data}");
        assert_eq!(choices[0]["logprobs"], Value::Null, "{data}");
        &choices[0]
    });
    choices.collect()
}

#[tokio::test]
async fn an_event_stream_says_so_and_is_not_cached() {
    for ask in Ask::STREAMED {
        let mut asked = ask.of([ask.answer(&["Hello ", "world"])]).await;
        let answer = asked.call().await;
        ask.check(&answer, "Hello world");
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.header("cache-control"), "no-cache");
        let id = answer.header("x-request-id");
        let (prefix, object) = match ask.task {
            Task::Chat => ("chatcmpl", "chat.completion.chunk"),
            Task::Text | Task::Image => ("cmpl", "text_completion"),
        };
        assert_eq!(common(&answer, "id"), &json!(format!("{prefix}-{id}")));
        assert_eq!(common(&answer, "object"), object);
        assert_eq!(common(&answer, "model"), ask.model());
        assert!(common(&answer, "created").as_u64() > Some(1_700_000_000));
        assert!(!answer.content.contains("event:"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_chat_begins_with_its_role_and_ends_with_its_reason() {
    let ask = Ask::CHAT_STREAM;
    let mut asked = ask.of([ask.answer(&["Hello ", "world"])]).await;
    let answer = asked.call().await;
    let choices = choices(&answer);
    let deltas: Vec<_> = choices
        .iter()
        .map(|choice| choice["delta"].clone())
        .collect();
    assert_eq!(
        deltas,
        [
            json!({"role": "assistant", "content": ""}),
            json!({"content": marked("Hello ")}),
            json!({"content": marked("world")}),
            json!({}),
        ]
    );
    let reasons: Vec<_> = choices
        .iter()
        .map(|choice| &choice["finish_reason"])
        .collect();
    assert_eq!(
        reasons,
        [&json!(null), &json!(null), &json!(null), &json!("stop")]
    );
    assert_eq!(choices[3]["stop_reason"], "end_turn");
}

#[tokio::test]
async fn a_completion_is_streamed_in_the_shape_of_its_whole_answer() {
    let ask = Ask::TEXT_STREAM;
    let mut asked = ask.of([ask.answer(&["Hello ", "world"])]).await;
    let answer = asked.call().await;
    let choices = choices(&answer);
    let texts: Vec<_> = choices.iter().map(|choice| &choice["text"]).collect();
    assert_eq!(
        texts,
        [
            &json!(marked("Hello ")),
            &json!(marked("world")),
            &json!("")
        ]
    );
    assert_eq!(choices[2]["finish_reason"], "stop");
    assert_eq!(choices[2]["stop_reason"], "end_turn");
}

#[tokio::test]
async fn usage_is_one_more_chunk_where_it_was_asked_for_and_else_no_key() {
    for ask in Ask::STREAMED {
        let mut asked = ask.of([ask.answer(&["Hello ", "world"])]).await;
        let without = asked.call().await;
        assert!(
            without.data().all(|data| data.get("usage").is_none()),
            "{without:?}"
        );

        let event = ask
            .event()
            .with_field("stream_options", json!({"include_usage": true}));
        let with = asked.function.call(&event).await;
        ask.check(&with, "Hello world");
        let chunks: Vec<_> = with.data().collect();
        let (last, earlier) = chunks.split_last().unwrap();
        assert!(
            earlier
                .iter()
                .all(|data| data.get("usage") == Some(&Value::Null)),
            "{with:?}"
        );
        assert_eq!(last["choices"], json!([]));
        assert_eq!(last["usage"]["prompt_tokens"], 3);
        assert_eq!(last["usage"]["completion_tokens"], 5);
        assert_eq!(last["usage"]["total_tokens"], 8);
        assert_eq!(chunks.len(), without.data().count() + 1);
    }
}

#[tokio::test]
async fn options_of_a_stream_without_a_stream_are_refused() {
    for ask in Ask::STREAMED {
        let mut asked = ask.of([ask.answer(&["never"])]).await;
        for event in [
            ask.event().with_field("stream", false.into()),
            ask.event().with_field("stream", Value::Null),
        ] {
            let event = event.with_field("stream_options", json!({"include_usage": true}));
            let answer = asked.function.call(&event).await;
            assert_eq!(answer.status, 400, "{answer:?}");
            assert_eq!(answer.error()["param"], "stream_options");
        }
        assert_eq!(asked.upstream.count(), 0);
    }
}

/// Over every family and both ways to it, as the local Bedrock streams them.
#[tokio::test]
async fn a_stream_says_the_same_as_the_whole_answer() {
    for (ask, models) in [
        (
            Ask::CHAT_STREAM,
            [
                ("us.amazon.nova-lite-v1:0", "converse"),
                ("us.amazon.nova-lite-v1:0", "invoke"),
                ("anthropic.claude-v2:1", "invoke"),
                ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "invoke"),
            ],
        ),
        (
            Ask::TEXT_STREAM,
            [
                ("amazon.titan-tg1-large", "invoke"),
                ("anthropic.claude-v2", "invoke"),
                ("us.amazon.nova-lite-v1:0", "invoke"),
                ("us.amazon.nova-lite-v1:0", "converse"),
            ],
        ),
    ] {
        let mut stack = Stack::start(ask.function(), &[]).await;
        for (model, api) in models {
            let event: Event = ask.event_of(&marked("Tell me of foxes & \"quotes\".\n😀"));
            let event = event
                .with_field("model", model.into())
                .with_field("api", api.into());
            let streamed = stack.function.call(&event).await;
            let whole = event.with_field("stream", false.into());
            let whole = stack.function.call(&whole).await;
            assert_eq!(
                (streamed.status, whole.status),
                (200, 200),
                "{model}: {streamed:?}"
            );
            let once = Ask {
                streamed: false,
                ..ask
            };
            assert_eq!(ask.said(&streamed), once.said(&whole), "{model} {api}");
            assert_eq!(ask.ended(&streamed), once.ended(&whole), "{model} {api}");
            assert!(streamed.data().count() > 5, "{model} {api}: {streamed:?}");
            assert!(streamed.is_done(), "{model} {api}");
        }
    }
}
