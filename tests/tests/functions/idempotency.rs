//! A request that its caller gave a key is answered once, and paid for once.

use std::collections::BTreeMap;

use end_to_end::{Answer, Ask, Asked, CANARY, Cloud, Event, On, Operation, S3, Script, marked};
use futures_util::future::join_all;
use serde_json::json;

/// Where answers are kept.
const KEPT: [(&str, &str); 1] = [("RESULT_BUCKET", S3::RESULTS)];

fn keyed(ask: Ask) -> Event {
    ask.event().with_header("Idempotency-Key", CANARY)
}

async fn asked(ask: Ask, scripts: impl IntoIterator<Item = Script>) -> Asked {
    ask.with(&KEPT, scripts).await
}

async fn call(asked: &mut Asked) -> Answer {
    asked.function.call(&keyed(asked.ask)).await
}

fn is_replayed(answer: &Answer) -> bool {
    let said = answer.header("idempotent-replayed");
    assert!(["", "true"].contains(&said), "{answer:?}");
    said == "true"
}

/// The headers, but for those that are a request's own.
fn headers(answer: &Answer) -> BTreeMap<String, String> {
    const OWN: [&str; 3] = [
        "idempotent-replayed",
        "openai-processing-ms",
        "x-request-id",
    ];
    let mut headers = answer.headers.clone();
    headers.retain(|name, _| !OWN.contains(&name.as_str()));
    headers
}

/// Writes of answers that are kept.
fn answers(ask: Ask) -> On {
    let name = Cloud::short_name(ask.function());
    Operation::PutObject.on(format!("locks/{name}/answers/"))
}

#[tokio::test]
async fn the_same_request_again_has_the_same_answer_and_is_not_paid_for() {
    for ask in Ask::ALL {
        let mut asked = asked(ask, [ask.answer(&["Good ", "morning", "\u{2028}\n\u{e9}"])]).await;
        let first = call(&mut asked).await;
        ask.check(&first, "Good morning\u{2028}\n\u{e9}");
        assert!(!is_replayed(&first), "{ask:?}");
        for _ in 0..2 {
            let again = call(&mut asked).await;
            assert_eq!(again.status, 200, "{ask:?}: {again:?}");
            assert_eq!(again.content, first.content, "{ask:?}: byte for byte");
            assert_eq!(headers(&again), headers(&first), "{ask:?}");
            assert!(is_replayed(&again), "{ask:?}: {again:?}");
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        }
        assert_eq!(asked.upstream.count(), 1, "{ask:?}: one paid call");
        let pictures = usize::from(ask == Ask::IMAGE);
        assert_eq!(asked.s3.keys().await.len(), pictures, "{ask:?}");
        // Another key is another request.
        let other = ask
            .event()
            .with_header("Idempotency-Key", &marked("another"));
        let answer = asked.function.call(&other).await;
        assert!(answer.status == 200 && !is_replayed(&answer), "{answer:?}");
        assert_eq!(asked.upstream.count(), 2, "{ask:?}");
    }
}

#[tokio::test]
async fn while_a_request_is_worked_on_the_same_one_is_told_to_wait() {
    for ask in Ask::ALL {
        let cloud = Cloud::playing([ask.answer(&["Hello"])]).await;
        let mut first = cloud.start_function(ask.function(), &[]).await;
        let mut second = cloud.start_function(ask.function(), &[]).await;
        // The answer is there, and about to be kept.
        let held = cloud.s3.hold(&answers(ask));
        let event = keyed(ask);
        let (whole, early) = tokio::join!(first.call(&event), async {
            held.until(1).await;
            let early = second.call(&event).await;
            held.release();
            early
        });
        assert_eq!(early.status, 409, "{ask:?}: {early:?}");
        assert_eq!(
            early.error().get("code"),
            Some(&json!("idempotency_in_progress"))
        );
        let wait: u64 = early.header("retry-after").parse().expect("seconds");
        // It is there long before the other's time is up.
        assert!((1..=5).contains(&wait), "{ask:?}: {wait}");
        assert_eq!(early.header("x-should-retry"), "", "{ask:?}");
        ask.check(&whole, "Hello");
        let late = second.call(&event).await;
        assert!(is_replayed(&late), "{ask:?}: {late:?}");
        assert_eq!(late.content, whole.content, "{ask:?}");
        assert_eq!(cloud.paid_calls().await, 1, "{ask:?}");
    }
}

#[tokio::test]
async fn a_key_whose_request_failed_unpaid_may_be_used_again() {
    for ask in Ask::ALL {
        // As often as the function asks by itself.
        let throttle = || Script::error(429, "ThrottlingException", "Too many requests.");
        let scripts = [throttle(), throttle(), throttle(), ask.answer(&["Hello"])];
        let mut asked = asked(ask, scripts).await;
        let failed = call(&mut asked).await;
        assert_eq!(failed.status, 429, "{ask:?}: {failed:?}");
        assert_eq!(asked.upstream.count(), 3, "{ask:?}");
        let answer = call(&mut asked).await;
        ask.check(&answer, "Hello");
        assert!(!is_replayed(&answer), "{ask:?}");
        assert!(is_replayed(&call(&mut asked).await), "{ask:?}");
        assert_eq!(asked.upstream.count(), 4, "{ask:?}");
    }
}

/// Two calls that may have been paid for, and what the third request is told.
async fn interrupted(ask: Ask, broken: Script, check: impl Fn(&Answer)) {
    let mut asked = asked(ask, [broken]).await;
    for calls in [1, 2] {
        check(&call(&mut asked).await);
        assert_eq!(asked.upstream.count(), calls, "{ask:?}");
    }
    for _ in 0..2 {
        let third = call(&mut asked).await;
        assert_eq!(third.status, 504, "{ask:?}: {third:?}");
        assert_eq!(third.error().get("code"), Some(&json!("interrupted")));
        assert_eq!(third.header("x-should-retry"), "false", "{ask:?}");
        assert_eq!(asked.upstream.count(), 2, "{ask:?}: no third call");
    }
}

#[tokio::test]
async fn after_two_failures_that_may_have_been_paid_for_there_is_no_third_call() {
    for ask in Ask::ALL {
        let broken = Script::error(424, "ModelErrorException", "The model failed.");
        interrupted(ask, broken, |answer| {
            assert_eq!(answer.status, 502, "{ask:?}: {answer:?}");
            assert_eq!(answer.error().get("code"), Some(&json!("model_error")));
        })
        .await;
    }
    for ask in Ask::STREAMED {
        let broken = Script::stream_of([ask.begin(), ask.delta("Hel")]);
        interrupted(ask, broken, |answer| {
            assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
            assert_eq!(
                answer.last_error().get("code"),
                Some(&json!("upstream_truncated"))
            );
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_sent_all_the_same() {
    for ask in Ask::ALL {
        let mut asked = asked(ask, [ask.answer(&["Hello"])]).await;
        asked.s3.fail(answers(ask).denied().always());
        let answer = call(&mut asked).await;
        ask.check(&answer, "Hello");
        asked.s3.heal();
        // It is made, and paid for, once more.
        let again = call(&mut asked).await;
        ask.check(&again, "Hello");
        assert!(!is_replayed(&again), "{ask:?}");
        assert!(is_replayed(&call(&mut asked).await), "{ask:?}");
        assert_eq!(asked.upstream.count(), 2, "{ask:?}");
    }
}

#[tokio::test]
async fn without_the_lock_nothing_is_paid_for() {
    // Each tries for a while.
    join_all(Ask::ALL.map(|ask| async move {
        let mut asked = asked(ask, [ask.answer(&["Hello"])]).await;
        let lock = Operation::PutObject.on("locks/");
        for (fault, status, code) in [
            (lock.slow_down(), 503, "storage_unavailable"),
            (lock.denied(), 500, "storage_access_denied"),
            (lock.kms_throttled(), 503, "encryption_unavailable"),
            (lock.kms_denied(), 500, "encryption_access_denied"),
        ] {
            asked.s3.fail(fault.always());
            let answer = call(&mut asked).await;
            assert_eq!(answer.status, status, "{ask:?}: {answer:?}");
            assert_eq!(answer.error().get("code"), Some(&json!(code)));
            let later = answer.header("retry-after").parse::<u64>().is_ok();
            assert_eq!(later, status == 503, "{ask:?}: {answer:?}");
            assert_eq!(asked.upstream.count(), 0, "{ask:?}");
            asked.s3.heal();
        }
        ask.check(&call(&mut asked).await, "Hello");
    }))
    .await;
}
