//! A record's work panics. The function is `chat` with a defect: see `tests/examples/panicking.rs`.

use end_to_end::{Cloud, Event, Outcome, S3};
use serde_json::json;

use crate::requests::{
    asking, asking_for, ids, lives_on, lock, log, put, question, says, status, turn, wait,
};

const NAME: &str = "panicking";

end_to_end::rows! {
    f55_a_panic_fails_its_own_record_only:
    "a panic in record 3 of 10, while it is read and while it is answered: record 3 alone is reported, the others are done, the environment lives, and neither the report nor the log has the panic's text" => {
        for place in ["[[panic:parse]]", "[[panic:answer]]"] {
            let cloud = Cloud::start().await;
            let mut function = cloud.start_function(NAME, &[]).await;
            let mut messages = asking_for(10);
            messages[2] = asking(place);
            put(&cloud, NAME, &messages);
            let failures = turn(&cloud, NAME, &mut function).await;
            assert_eq!(failures, ids([&messages[2]]), "{place}");
            for (number, message) in messages.iter().enumerate() {
                let expected = if number == 2 { 0 } else { 200 };
                assert_eq!(status(&cloud, NAME, message), expected, "{place}: {number}");
            }
            let wait = wait(&cloud, &messages[2]);
            assert!(wait.is_some_and(|wait| wait <= 10), "{place}: {wait:?}");
            lives_on(&cloud, NAME, &mut function).await;

            // Without a queue the invocation fails, and says how many records and not why.
            let body = question(place).to_string();
            let stored = cloud.s3.put(S3::REQUESTS, "requests/chat/a.json", body);
            let outcome = function.invoke_event(&Event::upload(&stored)).await;
            let failed = ("RecordsFailed", "1 of 1 records failed; the log says why.");
            assert_eq!(outcome.error(), failed, "{place}");
            let http = Event::file("chat-http-v2").with_body(&question(place));
            let answer = function.call(&http).await;
            assert_eq!((answer.status, &answer.error()["code"]), (500, &json!("internal_error")));
            assert!(!answer.content.contains(place), "{answer:?}");
            let log = log(function).await;
            assert!(says(&log, "message", "panicked"), "{place}: {log:?}");
        }
    }

    f56_a_panic_while_a_lock_is_held_gives_it_back:
    "a panic before the call, with the lock held: the lock is free at once, the same environment does the next message and this one; a panic after the call: two calls at most" => {
        let cloud = Cloud::start().await;
        let mut function = cloud.start_function(NAME, &[]).await;
        let message = asking("[[panic:once]]");
        put(&cloud, NAME, std::slice::from_ref(&message));
        assert_eq!(turn(&cloud, NAME, &mut function).await, ids([&message]));
        assert_eq!(lock(&cloud, NAME, &message).get("held"), Some(&json!(false)));
        let another = asking("Hello");
        put(&cloud, NAME, std::slice::from_ref(&another));
        while !cloud.sqs.waiting(Cloud::queue(NAME)).is_empty() {
            assert!(turn(&cloud, NAME, &mut function).await.is_empty());
        }
        assert_eq!(status(&cloud, NAME, &message), 200);
        assert_eq!(status(&cloud, NAME, &another), 200);
        assert_eq!(cloud.paid_calls().await, 2);

        let message = asking("[[panic:answer]]");
        put(&cloud, NAME, std::slice::from_ref(&message));
        cloud.sqs.give_up_after(Cloud::queue(NAME), 5);
        let outcomes = cloud.drive(NAME, &mut function).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Response(_))));
        assert_eq!(outcomes[0].failures(), ids([&message]));
        assert_eq!(outcomes[1].failures(), ids([&message]));
        assert_eq!(cloud.paid_calls().await, 4, "never a third call");
        lives_on(&cloud, NAME, &mut function).await;
    }
}
