//! Bedrock's event stream goes wrong.

use std::time::Duration;

use bytes::Bytes;
use end_to_end::{Answer, Ask, Asked, Script, Task, frames};
use serde_json::json;

use crate::told::{Told, answered_after, check_broken, each, refused, row, row_of, timed};

/// What a function is allowed to take in the worst case: Lambda gives it 128 MB.
const MOST_MEMORY: u64 = 100 * 1024 * 1024;

/// A stream that has begun and said "Hello ".
fn begun(ask: Ask) -> Script {
    Script::stream().frames([ask.begin(), ask.delta("Hello ")])
}

/// Asks in both ways for a stream that breaks after "Hello ", and checks that it ends in an error
/// with this code.
async fn broken(rest: impl Fn(Ask, Script) -> Script, code: &str) {
    broken_with(&[], rest, code, |_, _| {}).await;
}

async fn broken_with(
    environment: &[(&str, &str)],
    rest: impl Fn(Ask, Script) -> Script,
    code: &str,
    check: impl Fn(&Asked, &Answer),
) {
    each(Ask::STREAMED, async |ask| {
        let mut asked = ask.with(environment, [rest(ask, begun(ask))]).await;
        let answer = asked.call().await;
        check_broken(&asked, &answer, "Hello ", code);
        check(&asked, &answer);
        asked.lives_on().await;
    })
    .await;
}

/// Checks that the connection was dropped, whose server would have held it open for ever.
async fn dropped(rest: impl Fn(Ask, Script) -> Script, code: &str) {
    each(Ask::STREAMED, async |ask| {
        let script = rest(ask, begun(ask)).hold();
        let mut asked = ask.with(&[("IDLE_TIMEOUT_SECONDS", "2")], [script]).await;
        let answer = asked.call().await;
        check_broken(&asked, &answer, "Hello ", code);
        asked.upstream.until_dropped(1).await;
        asked.lives_on().await;
    })
    .await;
}

/// The name of an exception in a frame.
fn in_frame(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_lowercase())
}

end_to_end::rows! {
    f34_a_stream_without_its_end_is_never_complete:
    "a clean end of file without messageStop, also behind metadata: error event, no [DONE]" => {
        broken(|_, script| script.end(), "upstream_truncated").await;
        broken(|ask, script| script.frame(&ask.usage()).end(), "upstream_truncated").await;
    }

    f35_a_frame_that_is_cut_is_an_error_behind_the_text_so_far:
    "a frame cut by the end of the body or of the connection: the text so far, no finish reason, an error event" => {
        let half = |ask: Ask| {
            let frame = ask.delta("never whole");
            frame.slice(..frame.len() / 2)
        };
        broken(|ask, script| script.frame(&half(ask)).end(), "upstream_truncated").await;
        broken(|ask, script| script.frame(&half(ask)).close(), "upstream_truncated").await;
    }

    f36_a_wrong_checksum_is_an_error_and_ends_the_connection:
    "a wrong checksum of a frame or of its prelude: error event, the connection is dropped" => {
        let delta = |ask: Ask| ask.delta("never good");
        dropped(|ask, script| script.frame(&frames::with_bad_crc(&delta(ask))), "upstream_truncated")
            .await;
        let spoil = frames::with_bad_prelude_crc;
        dropped(|ask, script| script.frame(&spoil(&delta(ask))), "upstream_truncated").await;
    }

    f37_a_frame_that_claims_two_gigabytes_is_an_error_and_takes_no_memory:
    "a prelude that claims 2 GB: error event, without the memory" => {
        let check = |asked: &Asked, _: &Answer| {
            let peak = asked.function.peak_memory();
            assert!(peak < MOST_MEMORY, "{:?}: {} MB", asked.ask, peak >> 20);
        };
        let end = |_, script: Script| script.frame(&frames::huge_prelude()).end();
        broken_with(&[], end, "upstream_truncated", check).await;
        // The server goes on for longer than any frame is.
        let filler = Bytes::from(vec![0; 1024 * 1024]);
        let flood = |_, script: Script| {
            let script = script.frame(&frames::huge_prelude());
            script.frames(vec![filler.clone(); 60]).end()
        };
        broken_with(&[], flood, "upstream_truncated", check).await;
    }

    f38_a_throttle_as_the_first_event_is_a_429_like_any_other:
    "throttlingException as first event: asked again, as nothing was sent yet; then 429 after 3 calls" => {
        let throttled = || Script::stream_of([frames::exception("throttlingException", "Slow.")]);
        answered_after(Ask::STREAMED, |_| vec![throttled(), throttled()]).await;
        let told = Told::new(429, "rate_limit_exceeded", 3);
        refused(Ask::STREAMED, |_| vec![throttled()], told).await;
        // The other exceptions keep their status as well.
        let first = async |name: &str, status, code, calls| {
            let script = Script::stream_of([frames::exception(&in_frame(name), "No.")]);
            refused(Ask::STREAMED, |_| vec![script.clone()], Told::new(status, code, calls)).await;
        };
        tokio::join!(
            first("InternalServerException", 502, "upstream_error", 3),
            first("ServiceUnavailableException", 503, "service_unavailable", 3),
            first("ModelStreamErrorException", 502, "model_error", 1),
            first("ValidationException", 400, "request_refused", 1),
        );
    }

    f39_an_exception_behind_text_is_an_error_event_of_its_own_class:
    "an exception after text: error event with its true type and code, no retry" => {
        for (name, r#type, code) in [
            ("ThrottlingException", "rate_limit_error", "rate_limit_exceeded"),
            ("ModelStreamErrorException", "api_error", "model_error"),
            ("InternalServerException", "api_error", "upstream_error"),
            ("ServiceUnavailableException", "api_error", "service_unavailable"),
            ("ValidationException", "invalid_request_error", "request_refused"),
        ] {
            let exception = frames::exception(&in_frame(name), "Sorry.");
            let rest = |_, script: Script| script.frame(&exception).end();
            let check = |_: &Asked, answer: &Answer| assert_eq!(row_of(answer), row(r#type, code));
            broken_with(&[], rest, code, check).await;
        }
        // ConverseStream has no such exception.
        let exception = frames::exception("modelTimeoutException", "Sorry.");
        let script = begun(Ask::TEXT_STREAM).frame(&exception).end();
        let mut asked = Ask::TEXT_STREAM.of([script]).await;
        let answer = asked.call().await;
        check_broken(&asked, &answer, "Hello ", "model_timeout");
    }

    f40_an_unknown_exception_is_an_error_and_an_unknown_event_is_passed_over:
    "an exception of an unknown name: error event; an event of an unknown kind: nothing" => {
        let exception = frames::exception("sleepyException", "Sorry.");
        broken(|_, script| script.frame(&exception).end(), "upstream_error").await;
        each(Ask::STREAMED, async |ask| {
            let unknown = frames::event("sleepEvent", &json!({"hours": 8}));
            let script = begun(ask).frame(&unknown).frame(&ask.delta("world"));
            let script = script.frames(ask.finish("end_turn")).end();
            let mut asked = ask.of([script]).await;
            ask.check(&asked.call().await, "Hello world");
        })
        .await;
    }

    f41_a_payload_that_is_not_json_is_an_error:
    "an event whose payload is not JSON: error event" => {
        let kind = |ask: Ask| match ask.task {
            Task::Chat => "contentBlockDelta",
            Task::Text | Task::Image => "chunk",
        };
        let outer = |ask: Ask| frames::event_of(kind(ask), b"{\"delta\": ");
        broken(|ask, script| script.frame(&outer(ask)).end(), "upstream_truncated").await;
        // InvokeModel's payload has the model's own within.
        let inner = frames::chunk_of(b"<html>");
        let mut asked = Ask::TEXT_STREAM
            .of([begun(Ask::TEXT_STREAM).frame(&inner).end()])
            .await;
        let answer = asked.call().await;
        check_broken(&asked, &answer, "Hello ", "upstream_malformed");
    }

    f42_a_stream_in_segments_of_one_byte_says_the_same:
    "1-byte TCP segments: an identical answer" => {
        each(Ask::ALL, async |ask| {
            let script = match ask {
                // A picture has more bytes than one wants to send one by one.
                Ask::IMAGE => Script::json(&end_to_end::ask::picture_of(&end_to_end::drawing(64, 64))),
                ask => ask.answer(&["Good ", "morning, ", "Grüße \u{1f600}."]),
            };
            let mut asked = ask.of([script.clone(), script.bytewise()]).await;
            let whole = asked.call().await;
            let split = asked.call().await;
            assert_eq!((whole.status, split.status), (200, 200), "{ask:?}: {split:?}");
            assert_eq!(ask.said(&whole), ask.said(&split), "{ask:?}");
            assert_eq!(ask.ended(&whole), ask.ended(&split), "{ask:?}");
            assert_eq!(whole.events.len(), split.events.len(), "{ask:?}");
            assert_eq!(whole.is_done(), split.is_done(), "{ask:?}");
        })
        .await;
    }

    f43_a_gap_between_frames_ends_at_our_own_limit:
    "a stream that pauses for longer than IDLE_TIMEOUT_SECONDS: error event, the call is dropped" => {
        let idle = &[("IDLE_TIMEOUT_SECONDS", "1")];
        each(Ask::STREAMED, async |ask| {
            let mut asked = ask.with(idle, [begun(ask).hold()]).await;
            let (answer, took) = timed(asked.call()).await;
            check_broken(&asked, &answer, "Hello ", "model_timeout");
            let limit = Duration::from_secs(1);
            assert!((limit..limit * 4).contains(&took), "{ask:?}: {took:?}");
            asked.upstream.until_dropped(1).await;
            asked.lives_on().await;
        })
        .await;
    }

    f44_a_reset_within_a_stream_is_an_error_and_not_repeated:
    "RST within a stream: error event, no retry" => {
        // What was sent before a reset may be lost with it: first it has to be read.
        let pause = Duration::from_millis(200);
        broken(|_, script| script.wait(pause).reset(), "upstream_truncated").await;
    }
}
