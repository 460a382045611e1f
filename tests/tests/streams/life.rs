//! When a stream begins, what it does in a silence, and when it ends.

use std::time::{Duration, Instant};

use end_to_end::{Ask, Data, End, Script};

/// A stream that has begun and said "Hello ".
fn begun(ask: Ask) -> Script {
    Script::stream().frames([ask.begin(), ask.delta("Hello ")])
}

#[tokio::test]
async fn the_status_waits_for_the_first_event_from_bedrock() {
    for ask in Ask::STREAMED {
        let pause = Duration::from_millis(300);
        let late = Script::stream().wait(pause).then_all(
            Script::new()
                .frames(ask.frames(&["Hello"], "end_turn"))
                .end(),
        );
        let mut asked = ask.of([late]).await;
        let answer = asked.call().await;
        ask.check(&answer, "Hello");
        let request = &asked.upstream.requests()[0];
        assert!(request.emitted[0] - request.at >= pause);
        assert!(answer.prelude() >= request.emitted[0], "{ask:?}");
    }
}

#[tokio::test]
async fn a_silence_is_filled_with_comments() {
    for ask in [Ask::CHAT_STREAM] {
        let pause = Duration::from_millis(5_600);
        let rest = Script::new()
            .frame(&ask.delta("world"))
            .frames(ask.finish("end_turn"))
            .end();
        let mut asked = ask.of([begun(ask).wait(pause).then_all(rest)]).await;
        let answer = asked.call().await;
        ask.check(&answer, "Hello world");
        let comments: Vec<_> = answer
            .events
            .iter()
            .filter(|event| matches!(event.data, Data::Comment(_)))
            .collect();
        assert_eq!(comments.len(), 1, "{answer:?}");
        assert_eq!(comments[0].data, Data::Comment("ping".to_owned()));
        // Within the silence, and not with what came after it.
        let emitted = &asked.upstream.requests()[0].emitted;
        assert!(comments[0].at > emitted[1] && comments[0].at < emitted[2]);
    }
}

/// With the runtime's own responder the call is dropped too, but with it the process ends.
#[tokio::test]
async fn a_caller_that_goes_ends_the_call_that_writes_for_it() {
    for ask in Ask::STREAMED {
        // In a silence, and in the middle of a flow.
        let flow = std::iter::repeat_n(ask.delta("more "), 500);
        let flow = flow.fold(begun(ask), |script, frame| {
            script.frame(&frame).wait(Duration::from_millis(10))
        });
        for script in [begun(ask).hold(), flow.hold()] {
            let mut asked = ask.of([script]).await;
            let answer = asked.function.hang_up_on(&ask.event(), 2).await;
            assert_eq!(answer.end(), &End::HungUp);
            let began = Instant::now();
            asked.upstream.until_dropped(1).await;
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "{ask:?}: {took:?}");
            asked.lives_on().await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_outlives_the_request_ends_in_an_error_before_lambdas_deadline() {
    for ask in Ask::STREAMED {
        let flow = std::iter::repeat_n(ask.delta("more "), 500);
        let flow = flow.fold(begun(ask), |script, frame| {
            script.frame(&frame).wait(Duration::from_millis(20))
        });
        let mut asked = ask.of([flow.hold()]).await;
        let began = Instant::now();
        let time = Duration::from_millis(800);
        let answer = asked.call_within(time).await;
        let took = began.elapsed();
        assert!(took < ask.time(time), "{ask:?}: {took:?}");
        assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
        assert_eq!(answer.last_error()["code"], "deadline_exceeded", "{ask:?}");
        assert!(ask.said(&answer).starts_with("Hello more more "), "{ask:?}");
        asked.upstream.until_dropped(1).await;
        asked.lives_on().await;
    }
}

#[tokio::test]
async fn an_answer_is_logged_when_it_has_ended_with_what_it_took() {
    for ask in Ask::STREAMED {
        let mut asked = ask.of([ask.answer(&["Hello"])]).await;
        asked.call().await;
        asked.lives_on().await;
        let log = asked.function.stop().await;
        let line = log.lines().find(|line| line.contains("\"answered\""));
        let line = line.expect("a line");
        assert!(line.contains("\"output_tokens\":5"), "{line}");
        assert!(line.contains(ask.model()), "{line}");
    }
}
