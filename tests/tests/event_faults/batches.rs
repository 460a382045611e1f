//! Batches of which some or all records fail.

use std::time::{Duration, Instant};

use end_to_end::{Ask, Cloud, Event, Message, Operation, Outcome, Script, Sqs};
use serde_json::json;

use crate::requests::{
    RESULTS, asking, asking_for, ids, lives_on, log, put, result, says, status, take, turn, wait,
};

/// Calls a function that works on one record at a time and is out of time at record 4 of 10.
async fn out_of_time(scripts: Vec<Script>, time: Duration, calls: usize) {
    let cloud = Cloud::playing(scripts).await;
    let one = [("BATCH_CONCURRENCY", "1")];
    let mut function = cloud.start_function("chat", &one).await;
    // From here on time is measured, and a process takes some to start.
    let nothing = Event::messages(Sqs::CHAT, &[]);
    assert!(function.invoke_event(&nothing).await.failures().is_empty());
    let messages = asking_for(10);
    put(&cloud, "chat", &messages);
    let delivery = take(&cloud, "chat");
    let began = Instant::now();
    let outcome = function.invoke_within(&delivery.event, time).await;
    let took = began.elapsed();
    cloud.sqs.settle_outcome(&delivery, &outcome);
    assert_eq!(outcome.failures(), ids(&messages[3..]), "{took:?}");
    assert!(
        took <= time - Duration::from_millis(500),
        "{took:?} of {time:?}"
    );
    assert_eq!(cloud.paid_calls().await, calls);
    for (number, message) in messages.iter().enumerate() {
        let expected = if number < 3 { 200 } else { 0 };
        assert_eq!(status(&cloud, "chat", message), expected, "{number}");
    }
    for message in &messages[4..] {
        assert_eq!(wait(&cloud, message), Some(1), "not begun, so soon again");
    }
    let log = log(function).await;
    assert!(says(&log, "code", "not_begun"), "{log:?}");
}

fn grouped(group: &str, text: &str) -> Message {
    asking(text).in_group(group)
}

end_to_end::rows! {
    f57_what_is_not_done_in_time_is_reported_in_time:
    "the time is up at record 4 of 10, before it or within its call: records 4 to 10 are reported at least 500 ms before Lambda's deadline, 1 to 3 are done" => {
        let answer = || Ask::CHAT.answer(&["Hello"]);
        // Of 8 s, the last record may begin after 3.7.
        let slow = Script::new().wait(Duration::from_millis(1_400)).then_all(answer());
        let stalled = vec![answer(), answer(), answer(), Script::silence()];
        tokio::join!(
            out_of_time(vec![slow], Duration::from_secs(8), 3),
            out_of_time(stalled, Duration::from_secs(4), 4),
        );
    }

    f60_behind_a_failure_a_group_keeps_its_order:
    "FIFO, groups A and B mixed, A2 fails: A2 and A3 are reported, B1 to B3 done, nothing behind A2 is begun, no visibility is changed; then A2 and A3, in this order" => {
        let cloud = Cloud::with_faults().await;
        let mut function = cloud.start_function("chat", &[]).await;
        // It is throttled for as often as it is asked in one invocation.
        let second = "[[fault:throttle:3]]";
        let messages = [("A", "1"), ("B", "1"), ("A", second), ("B", "2"), ("A", "3"), ("B", "3")]
            .map(|(group, text)| grouped(group, text));
        for message in &messages {
            cloud.sqs.put(Sqs::FIFO, message.clone());
        }
        let outcomes = cloud.sqs.drive(Sqs::FIFO, &mut function, 10).await;
        let failures: Vec<_> = outcomes.iter().map(Outcome::failures).collect();
        assert_eq!(failures, [ids([&messages[2], &messages[4]]), ids([])]);
        assert_eq!(cloud.sqs.visibilities(), []);
        assert_eq!(cloud.paid_calls().await, 6);
        let kept = cloud.s3.requests_of(&Operation::PutObject.on(RESULTS));
        let order = |index: usize| {
            let message = &messages[index];
            let mut kept = kept.iter();
            let place = kept.position(|seen| seen.name.contains(&message.id));
            place.unwrap_or_else(|| panic!("no result of {index}"))
        };
        assert!(order(0) < order(2) && order(2) < order(4), "A's order");
        assert!(order(1) < order(3) && order(3) < order(5), "B's order");
        let first = |index| order(index) < order(2);
        assert!([1, 3, 5].into_iter().all(first), "B does not wait for A");
        let begun = cloud.s3.requests_of(&Operation::PutObject.on("locks/"));
        let begun = begun.iter().filter(|seen| seen.name.contains(&messages[4].id));
        assert_eq!(begun.count(), 1, "A3 was begun once");
    }

    f61_when_all_fail_all_are_reported:
    "all 10 records fail, some to be retried, some that nobody can read: 10 identifiers in an answer, not an error of the invocation" => {
        let cloud = Cloud::with_faults().await;
        let mut function = cloud.start_function("chat", &[]).await;
        let messages: Vec<_> = (0..10)
            .map(|number| match number % 3 {
                0 => Message::new("nonsense"),
                1 => asking("[[fault:error:AccessDeniedException]]"),
                _ => Message::new(json!({"version": 7}).to_string()),
            })
            .collect();
        put(&cloud, "chat", &messages);
        assert_eq!(turn(&cloud, "chat", &mut function).await, ids(&messages));
        for message in &messages {
            assert_eq!(result(&cloud, "chat", message), None);
            assert!(wait(&cloud, message).is_some_and(|wait| wait <= 10));
        }
        assert_eq!(cloud.sqs.waiting(Sqs::CHAT).len(), 10);
        lives_on(&cloud, "chat", &mut function).await;
    }

    f62_a_record_without_an_id_fails_the_batch:
    "messageId missing, null, empty, a number: the invocation fails and says so, nothing is begun" => {
        for id in [None, Some(json!(null)), Some(json!("")), Some(json!(7))] {
            let cloud = Cloud::start().await;
            let mut function = cloud.start_function("chat", &[]).await;
            let event = Event::messages(Sqs::CHAT, &asking_for(3));
            let event = match &id {
                Some(id) => event.with("/Records/1/messageId", id.clone()),
                None => event.without("/Records/1/messageId"),
            };
            let outcome = function.invoke_event(&event).await;
            let (kind, message) = outcome.error();
            assert_eq!(kind, "UnsupportedEvent", "{id:?}");
            assert!(message.contains("messageId"), "{id:?}: {message}");
            assert_eq!(cloud.paid_calls().await, 0, "{id:?}");
            assert_eq!(cloud.s3.requests().len(), 0, "{id:?}");
            lives_on(&cloud, "chat", &mut function).await;
        }
    }
}
