//! Several answers in one stream.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{Answer, Ask, Script, frames, unmarked};
use serde_json::{Value, json};

const PAUSE: Duration = Duration::from_millis(30);

/// A stream that says these parts one after another.
fn slowly(ask: Ask, parts: &[&str]) -> Script {
    let parts = parts.iter();
    let said = parts.fold(Script::stream().frame(&ask.begin()), |script, part| {
        script.frame(&ask.delta(part)).wait(PAUSE)
    });
    said.frames(ask.finish("end_turn")).end()
}

/// Index and text of each chunk that has a text.
fn texts(answer: &Answer) -> Vec<(u64, String)> {
    let choices = answer
        .data()
        .flat_map(|data| data["choices"].as_array().expect("choices"));
    let texts = choices.filter_map(|choice| {
        let text = choice.pointer("/delta/content").or(choice.get("text"))?;
        let text = text.as_str().filter(|text| !text.is_empty())?;
        Some((choice["index"].as_u64().expect("an index"), unmarked(text)))
    });
    texts.collect()
}

#[tokio::test]
async fn three_streams_interleave_each_with_its_index_and_their_usage_is_summed() {
    for ask in Ask::STREAMED {
        let scripts = ["a", "b", "c"].map(|letter| slowly(ask, &[letter; 5]));
        let mut asked = ask.of(scripts).await;
        let event = ask
            .event()
            .with_field("n", 3.into())
            .with_field("stream_options", json!({"include_usage": true}));
        let answer = asked.function.call(&event).await;
        assert!(answer.is_done(), "{ask:?}: {answer:?}");
        assert_eq!(asked.upstream.count(), 3, "{ask:?}");
        let texts = texts(&answer);
        let whole: BTreeSet<String> = (0..3)
            .map(|index| {
                let own = texts.iter().filter(|(of, _)| *of == index);
                own.map(|(_, text)| text.as_str()).collect()
            })
            .collect();
        let expected = ["aaaaa", "bbbbb", "ccccc"].map(str::to_owned);
        assert_eq!(whole, BTreeSet::from(expected), "{ask:?}: {texts:?}");
        let first = |index| texts.iter().position(|(of, _)| *of == index);
        let last = |index| texts.iter().rposition(|(of, _)| *of == index);
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            assert!(
                first(one) < last(other),
                "{ask:?}: one after another: {texts:?}"
            );
        }
        let ends = answer
            .data()
            .flat_map(|data| data["choices"].as_array().unwrap());
        let ends: BTreeSet<_> = ends
            .filter(|choice| choice["finish_reason"] == "stop")
            .map(|choice| choice["index"].as_u64())
            .collect();
        assert_eq!(ends, BTreeSet::from([Some(0), Some(1), Some(2)]), "{ask:?}");
        let usage = &answer.data().last().unwrap()["usage"];
        let counts = ["prompt_tokens", "completion_tokens", "total_tokens"];
        assert_eq!(
            counts.map(|name| &usage[name]),
            [&json!(9), &json!(15), &json!(24)]
        );
    }
}

#[tokio::test]
async fn one_stream_that_fails_before_the_first_text_fails_the_request() {
    for ask in Ask::STREAMED {
        let refused = Script::error(403, "AccessDeniedException", "No.");
        let mut asked = ask.of([refused.clone(), refused]).await;
        let answer = asked
            .function
            .call(&ask.event().with_field("n", 2.into()))
            .await;
        assert_eq!(answer.status, 500, "{ask:?}: {answer:?}");
        assert_eq!(answer.error()["code"], "upstream_access_denied");
    }
}

/// What the client is told decides whether it asks, and pays, again.
#[tokio::test]
async fn streams_that_are_all_throttled_may_be_asked_for_again_and_others_may_not() {
    for ask in Ask::STREAMED {
        let wait = ["x-amz-retry-after: 25000"];
        let throttled = || Script::error_with(429, "ThrottlingException", "Slow down.", &wait);
        let mut asked = ask.of([throttled(), throttled()]).await;
        let both = ask.event().with_field("n", 2.into());
        let answer = asked.function.call(&both).await;
        assert_eq!(answer.status, 429, "{ask:?}: {answer:?}");
        assert_eq!(answer.header("retry-after"), "25", "{ask:?}");
        assert_eq!(answer.header("x-should-retry"), "", "{ask:?}");

        let mut asked = ask.of([throttled(), ask.answer(&["Hello"])]).await;
        let answer = asked.function.call(&both).await;
        assert_eq!(answer.status, 429, "{ask:?}: {answer:?}");
        assert_eq!(answer.header("retry-after"), "", "{ask:?}");
        assert_eq!(answer.header("x-should-retry"), "false", "{ask:?}");
    }
}

#[tokio::test]
async fn one_stream_that_breaks_is_an_error_of_all_and_the_others_are_dropped() {
    for ask in Ask::STREAMED {
        let begun = Script::stream().frames([ask.begin(), ask.delta("Hello")]);
        let exception = frames::exception("modelStreamErrorException", "Sorry.");
        let breaks = begun.clone().wait(PAUSE * 3).frame(&exception).end();
        let mut asked = ask.of([breaks, begun.clone().hold(), begun.hold()]).await;
        let answer = asked
            .function
            .call(&ask.event().with_field("n", 3.into()))
            .await;
        assert_eq!(
            answer.last_error()["code"],
            "model_error",
            "{ask:?}: {answer:?}"
        );
        assert!(!answer.content.contains("[DONE]"));
        asked.upstream.until_dropped(2).await;
        asked.lives_on().await;
    }
}

#[tokio::test]
async fn several_prompts_are_streamed_with_the_index_of_prompt_and_answer() {
    let ask = Ask::TEXT_STREAM;
    let mut asked = ask
        .of(["a", "b", "c", "d"].map(|letter| slowly(ask, &[letter; 2])))
        .await;
    let event = ask
        .event()
        .with_field("prompt", json!(["one", "two"]))
        .with_field("n", 2.into());
    let answer = asked.function.call(&event).await;
    assert!(answer.is_done(), "{answer:?}");
    let indices: BTreeSet<_> = texts(&answer).iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, BTreeSet::from([0, 1, 2, 3]));
    let mut prompts: Vec<Value> = asked
        .upstream
        .requests()
        .iter()
        .map(|request| request.json()["messages"][0]["content"][0]["text"].clone())
        .collect();
    prompts.sort_by_key(ToString::to_string);
    assert_eq!(prompts, ["one", "one", "two", "two"]);
}
