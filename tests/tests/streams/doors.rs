//! How answers leave: streamed or buffered, by either responder, to either format of event.

use end_to_end::{Answer, Ask, End, Event, Way};
use serde_json::json;

/// The same request as an event of a REST API.
fn as_rest(ask: Ask, event: &Event) -> Event {
    Event::file(&format!("{}-rest-v1", ask.function())).with_body(&event.body())
}

/// What must not depend on the door.
fn essence(ask: Ask, answer: &Answer) -> impl PartialEq + std::fmt::Debug + use<> {
    let headers: Vec<_> = answer.headers.keys().cloned().collect();
    (
        answer.status,
        headers,
        ask.said(answer),
        ask.ended(answer),
        answer.is_done(),
    )
}

#[tokio::test]
async fn every_answer_leaves_streamed_and_is_whole() {
    for ask in Ask::ALL {
        let mut asked = ask.of([ask.answer(&["Hello"])]).await;
        let bad = ask.event().with_field("n", 0.into());
        let lost = ask.event().with_path("/v1/nothing");
        for (event, status) in [(ask.event(), 200), (bad, 400), (lost, 404)] {
            let events = [as_rest(ask, &event), event];
            for event in events
                .into_iter()
                .filter(|event| status != 404 || !event.is_rest())
            {
                let answer = asked.function.call(&event).await;
                assert_eq!(answer.status, status, "{ask:?}: {answer:?}");
                assert_eq!(answer.end(), &End::Complete, "{ask:?}: {answer:?}");
                assert!(!answer.content.is_empty(), "{ask:?}");
                if status == 200 {
                    ask.check(&answer, "Hello");
                } else {
                    assert_eq!(answer.header("content-type"), "application/json");
                    answer.error();
                }
            }
        }
    }
}

#[tokio::test]
async fn the_door_changes_nothing_of_an_answer() {
    for ask in Ask::ALL {
        let mut expected = None;
        for (response, responder) in [
            ("stream", "direct"),
            ("stream", "stock"),
            ("buffered", "direct"),
            ("buffered", "stock"),
        ] {
            let environment = [
                ("HTTP_RESPONSE", response),
                ("RUNTIME_RESPONDER", responder),
            ];
            let mut asked = ask
                .with(&environment, [ask.answer(&["Hello ", "world"])])
                .await;
            let event = ask.event();
            for event in [as_rest(ask, &event), event] {
                let answer = asked.function.call(&event).await;
                ask.check(&answer, "Hello world");
                let buffered = answer.way == Way::Buffered;
                assert_eq!(buffered, response == "buffered", "{ask:?} {responder}");
                let essence = essence(ask, &answer);
                let expected = expected.get_or_insert_with(|| self::essence(ask, &answer));
                assert_eq!(&essence, expected, "{ask:?} {response} {responder}");
            }
        }
    }
}

#[tokio::test]
async fn a_buffered_event_stream_is_one_body() {
    let ask = Ask::CHAT_STREAM;
    let environment = [("HTTP_RESPONSE", "buffered")];
    let mut asked = ask
        .with(&environment, [ask.answer(&["Hello ", "world"])])
        .await;
    let answer = asked.call().await;
    assert_eq!(answer.way, Way::Buffered);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(answer.content.starts_with("data: {"), "{answer:?}");
    assert!(answer.content.ends_with("data: [DONE]\n\n"), "{answer:?}");
    let refused = ask.event().with_field("max_tokens", json!(0));
    let answer = asked.function.call(&refused).await;
    assert_eq!((answer.status, answer.way.clone()), (400, Way::Buffered));
    assert_eq!(answer.error()["param"], "max_tokens");
}

/// Lambda would refuse it, when it has been paid for.
#[tokio::test]
async fn an_answer_that_cannot_be_sent_whole_is_refused_before_it_is_paid_for() {
    let ask = Ask::TEXT;
    let long = ask
        .event()
        .with_field("prompt", "a".repeat(900_000).into())
        .with_field("echo", true.into())
        .with_field("n", 10.into());
    let script = [ask.answer(&["Hello"])];
    let mut asked = ask.with(&[("HTTP_RESPONSE", "buffered")], script).await;
    let answer = asked.function.call(&long).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(answer.error()["code"], "answer_too_large");
    assert_eq!(asked.upstream.count(), 0);
    asked.lives_on().await;
}

/// Escaped within the answer's object, it is more than it was.
#[tokio::test]
async fn an_answer_that_turns_out_too_large_is_never_posted() {
    let ask = Ask::TEXT;
    let script = [ask.answer(&["\u{1}".repeat(950_000).as_str()])];
    let mut asked = ask.with(&[("HTTP_RESPONSE", "buffered")], script).await;
    let answer = asked.call().await;
    assert_eq!(answer.status, 413, "{}", answer.status);
    assert_eq!(answer.error()["code"], "answer_too_large");
    asked.lives_on().await;
}
