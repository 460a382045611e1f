//! S3 fails, refuses, or takes a write without saying so.

use end_to_end::{Cloud, Fault, Message, On, Operation};
use futures_util::future::join_all;

use crate::requests::{
    LOCKS, RESULTS, asking, asking_for_a_picture, code, ids, lives_on, lock, log, put, result,
    says, status, turn, wait, writes,
};

/// Where the functions write: the lock of any, its result, and a picture.
const WRITES: [(&str, &str); 4] = [
    ("chat", LOCKS),
    ("chat", RESULTS),
    ("image-generation", "images/"),
    ("image-generation", RESULTS),
];

fn asking_of(name: &str) -> Message {
    match name {
        "image-generation" => asking_for_a_picture(),
        _ => asking("Hello"),
    }
}

fn on(prefix: &str) -> On {
    Operation::PutObject.on(prefix)
}

/// Lets a write go wrong once, or as often as the fault says; the message is done all the same, at
/// once, and for one call.
async fn overcome(name: &str, prefix: &str, fault: Fault, statuses: &[u16]) {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function(name, &[]).await;
    let message = asking_of(name);
    cloud.s3.fail(fault);
    put(&cloud, name, std::slice::from_ref(&message));
    let failures = turn(&cloud, name, &mut function).await;
    assert!(failures.is_empty(), "{name} {prefix}: {failures:?}");
    assert_eq!(status(&cloud, name, &message), 200, "{name} {prefix}");
    assert_eq!(writes(&cloud, prefix), statuses, "{name} {prefix}");
    assert_eq!(cloud.paid_calls().await, 1, "{name} {prefix}");
}

/// The lock cannot be written for a reason of this code: the message comes back unpaid, and is done
/// once the reason is gone.
async fn kept_off(fault: Fault, expected: &str) {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let message = asking("Hello");
    cloud.s3.fail(fault.always());
    put(&cloud, "chat", std::slice::from_ref(&message));
    let failures = turn(&cloud, "chat", &mut function).await;
    assert_eq!(failures, ids([&message]), "{expected}");
    assert_eq!(cloud.paid_calls().await, 0, "{expected}");
    assert_eq!(result(&cloud, "chat", &message), None, "{expected}");
    let wait = wait(&cloud, &message);
    assert!(wait.is_some_and(|wait| wait <= 10), "{expected}: {wait:?}");
    let attempts = writes(&cloud, LOCKS).len();
    assert!(attempts <= 18, "{expected}: {attempts} attempts");
    cloud.s3.heal();
    assert!(turn(&cloud, "chat", &mut function).await.is_empty());
    assert_eq!(status(&cloud, "chat", &message), 200, "{expected}");
    assert_eq!(cloud.paid_calls().await, 1, "{expected}");
    let log = log(function).await;
    assert!(says(&log, "code", expected), "{expected}: {log:?}");
}

/// What is kept of a paid answer cannot be written: after so many turns it has this result, and two
/// calls are the most that were paid for.
async fn lost(name: &str, prefix: &str, heals_after: usize, expected: (u64, &str, usize)) {
    let (expected_status, expected_code, calls) = expected;
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function(name, &[]).await;
    let message = asking_of(name);
    cloud.s3.fail(on(prefix).internal_error().always());
    put(&cloud, name, std::slice::from_ref(&message));
    for number in 0..heals_after {
        let failures = turn(&cloud, name, &mut function).await;
        assert_eq!(failures, ids([&message]), "{name} {prefix}: {number}");
        let lock = lock(&cloud, name, &message);
        let held = lock.get("held").and_then(serde_json::Value::as_bool);
        assert_eq!(held, Some(false), "{name} {prefix}: {lock}");
    }
    if heals_after > 0 {
        cloud.s3.heal();
    }
    // As often as one likes.
    for _ in 0..3 {
        put(&cloud, name, std::slice::from_ref(&message));
        let failures = loop {
            let failures = turn(&cloud, name, &mut function).await;
            if heals_after > 0 || failures.is_empty() {
                break failures;
            }
        };
        assert!(failures.is_empty(), "{name} {prefix}: {failures:?}");
    }
    assert_eq!(
        status(&cloud, name, &message),
        expected_status,
        "{name} {prefix}"
    );
    if expected_status != 200 {
        assert_eq!(
            code(&cloud, name, &message),
            expected_code,
            "{name} {prefix}"
        );
    }
    assert_eq!(cloud.paid_calls().await, calls, "{name} {prefix}");
    lives_on(&cloud, name, &mut function).await;
}

end_to_end::rows! {
    f45_a_write_that_is_slowed_down_twice_succeeds:
    "PUT 503 SlowDown x 2, of a lock, a result, a picture: success after 3 attempts, 1 call" => {
        let parts = WRITES.map(|(name, prefix)| async move {
            let fault = on(prefix).slow_down().times(2);
            overcome(name, prefix, fault, &[503, 503, 200]).await;
        });
        join_all(parts.map(Box::pin)).await;
    }

    f46_a_write_whose_answer_is_lost_is_known_for_our_own:
    "PUT done and its answer lost: the lock's repetition is told 412, its owner is read and work goes on; done once" => {
        let lock = async {
            let cloud = Cloud::start().await;
            let mut function = cloud.start_function("chat", &[]).await;
            let message = asking("Hello");
            cloud.s3.fail(on(LOCKS).lost());
            put(&cloud, "chat", std::slice::from_ref(&message));
            assert!(turn(&cloud, "chat", &mut function).await.is_empty());
            assert_eq!(status(&cloud, "chat", &message), 200);
            assert_eq!(writes(&cloud, LOCKS), [0, 412]);
            assert_eq!(cloud.s3.count(&Operation::GetObject.on(LOCKS)), 1, "read once");
            assert_eq!(cloud.paid_calls().await, 1);
            assert_eq!(cloud.sqs.visibilities(), []);
        };
        let others = WRITES.into_iter().skip(1).map(|(name, prefix)| async move {
            // A result is written where there is none, so that its own first writing is in its way.
            let second = if prefix.starts_with("results/") { 412 } else { 200 };
            overcome(name, prefix, on(prefix).lost(), &[0, second]).await;
        });
        tokio::join!(Box::pin(lock), Box::pin(join_all(others.map(Box::pin))));
    }

    f47_a_write_that_met_another_is_made_again:
    "PUT 409, of a lock, a result, a picture: made again, never taken for \"held\" or for done; always 409: comes back unpaid" => {
        let parts = WRITES.map(|(name, prefix)| async move {
            overcome(name, prefix, on(prefix).conflict(), &[409, 200]).await;
            let fault = on(prefix).conflict().times(2);
            overcome(name, prefix, fault, &[409, 409, 200]).await;
        });
        tokio::join!(
            Box::pin(join_all(parts.map(Box::pin))),
            Box::pin(kept_off(on(LOCKS).conflict(), "storage_unavailable")),
        );
    }

    f50_a_paid_answer_that_cannot_be_kept_costs_one_more_call_at_most:
    "PUT of a picture or a result fails after the model was paid: reported, the second run succeeds with 1 more call; for good: the error is the result after 2 calls, and there is never a third" => {
        let parts = [
            ("image-generation", "images/", 1, (200, "", 2)),
            ("image-generation", "images/", 0, (503, "answer_not_stored", 2)),
            ("image-generation", RESULTS, 1, (200, "", 2)),
            ("chat", RESULTS, 1, (200, "", 2)),
            // Nothing at all can be written, not even the error.
            ("chat", RESULTS, 2, (504, "interrupted", 2)),
        ];
        let parts = parts.map(|(name, prefix, heals_after, expected)| {
            Box::pin(lost(name, prefix, heals_after, expected))
        });
        join_all(parts).await;
    }

    f54_a_key_of_kms_that_cannot_be_used_is_told_apart_from_s3:
    "PUT refused for the key (denied, throttled, disabled) and for the bucket: reported unpaid, each under its own code in the log; throttled once: success" => {
        let parts = [
            (on(LOCKS).kms_denied(), "encryption_access_denied"),
            (on(LOCKS).kms_throttled(), "encryption_unavailable"),
            (on(LOCKS).kms_disabled(), "encryption_unavailable"),
            (on(LOCKS).denied(), "storage_access_denied"),
            (on(LOCKS).slow_down(), "storage_unavailable"),
        ];
        let parts = parts.map(|(fault, code)| Box::pin(kept_off(fault, code)));
        let throttled = on(LOCKS).kms_throttled();
        tokio::join!(
            Box::pin(join_all(parts)),
            Box::pin(overcome("chat", LOCKS, throttled, &[400, 200])),
        );
    }

    f69_a_clock_that_is_wrong_is_an_error_that_ends:
    "S3 says RequestTimeTooSkewed: at most a few attempts, reported unpaid as storage_unavailable, done when the clock is right (a full disk: nothing is written to one; memory: F28; that Lambda ends what uses too much: F48)" => {
        kept_off(on(LOCKS).skewed(), "storage_unavailable").await;
        // Once, as when the clock is wrong by some minutes: the SDK asks again with S3's time.
        overcome("chat", LOCKS, on(LOCKS).skewed(), &[403, 200]).await;
    }
}
