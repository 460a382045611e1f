//! Locks whose holders crashed.

use end_to_end::{Ask, Cloud, Operation, Script};
use futures_util::future::{join_all, select_all};
use serde_json::json;

use crate::requests::{
    LOCKS, RESULTS, TIME, abandon, asking, code, environments, expire, handed_out, ids, lock, put,
    status, take, turn, wait, writes,
};

/// How many writes of locks succeeded.
fn written(cloud: &Cloud) -> usize {
    let writes = writes(cloud, LOCKS);
    writes.iter().filter(|status| **status == 200).count()
}

end_to_end::rows! {
    f48_a_crashed_holder_s_lock_is_taken_over_by_exactly_one:
    "an expired lock and 8 environments that read it together: one writes it with If-Match, 1 call, the others come back or find the result; while the lease lasts nobody does" => {
        const WORKERS: usize = 8;
        let cloud = Cloud::start().await;
        let functions = environments(&cloud, WORKERS).await;
        let message = asking("Hello");
        abandon(&cloud, "chat", &message, 1);
        cloud.s3.fail(Operation::GetObject.on(LOCKS).meeting(WORKERS));
        let working: Vec<_> = functions
            .iter()
            .map(|function| function.begin(&handed_out(&message), TIME))
            .collect();
        let outcomes = join_all(working.into_iter().map(end_to_end::Working::outcome)).await;
        assert_eq!(written(&cloud), 1, "one winner");
        assert_eq!(cloud.paid_calls().await, 1);
        let done = outcomes.iter().filter(|outcome| outcome.failures().is_empty());
        assert!(done.count() >= 1, "{outcomes:?}");
        assert_eq!(status(&cloud, "chat", &message), 200);
        assert_eq!(lock(&cloud, "chat", &message).get("calls"), Some(&json!(2)));
        for mut function in functions {
            let outcome = function.invoke_event(&handed_out(&message)).await;
            assert!(outcome.failures().is_empty(), "the result is there");
        }
        assert_eq!((written(&cloud), cloud.paid_calls().await), (1, 1));
        crashes().await;
    }

    f49_of_two_takeovers_one_loses_and_reads_again:
    "two environments find the same expired lock: one is told 412, reads the winner's lock and comes back when its lease has ended" => {
        let cloud = Cloud::start().await;
        let functions = environments(&cloud, 2).await;
        let message = asking("Hello");
        abandon(&cloud, "chat", &message, 1);
        cloud.s3.fail(Operation::GetObject.on(LOCKS).meeting(2));
        let held = cloud.s3.hold(&Operation::PutObject.on(RESULTS));
        let working = functions
            .iter()
            .map(|function| Box::pin(function.begin(&handed_out(&message), TIME).outcome()));
        // The winner waits for S3 to take its result.
        let (loser, _, winners) = select_all(working).await;
        assert_eq!(loser.failures(), ids([&message]));
        assert_eq!(cloud.s3.count(&Operation::GetObject.on(LOCKS)), 3, "the loser read again");
        let mut statuses = writes(&cloud, LOCKS);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412], "two were made, two taken over");
        // The invocation's time, and 5 seconds for the clocks.
        let wait = wait(&cloud, &message).expect("a wait");
        assert!((20..=26).contains(&wait), "{wait}");
        held.release();
        for winner in join_all(winners).await {
            assert!(winner.failures().is_empty());
        }
        assert_eq!(status(&cloud, "chat", &message), 200);
        assert_eq!(cloud.paid_calls().await, 1);
    }
}

/// Environments that are killed while the model is at work: the message waits for the lease, is then
/// done with one more call, and after two crashes not at all.
async fn crashes() {
    let silence = Script::silence();
    let cloud = Cloud::playing([silence.clone(), Ask::CHAT.answer(&["Hello"]), silence]).await;
    for (crashes, expected) in [(1, 200), (2, 504)] {
        let before = cloud.paid_calls().await;
        let message = asking("Hello");
        put(&cloud, "chat", std::slice::from_ref(&message));
        for number in 0..crashes {
            let mut function = cloud.start_function("chat", &[]).await;
            let delivery = take(&cloud, "chat");
            let working = function.begin(&delivery.event, TIME);
            cloud.upstream().until(before + number + 1).await;
            function.kill().await;
            drop(working);
            cloud.sqs.give_back(&delivery);
            let mut another = cloud.start_function("chat", &[]).await;
            let busy = turn(&cloud, "chat", &mut another).await;
            assert_eq!(busy, ids([&message]), "the lease lasts");
            let wait = cloud.sqs.visibilities().last().map(|change| change.seconds);
            assert!(
                wait.is_some_and(|wait| (10..=26).contains(&wait)),
                "{wait:?}"
            );
            expire(&cloud, "chat", &message);
        }
        let mut function = cloud.start_function("chat", &[]).await;
        assert!(turn(&cloud, "chat", &mut function).await.is_empty());
        assert_eq!(status(&cloud, "chat", &message), expected);
        assert_eq!(cloud.paid_calls().await - before, 2, "{crashes} crashes");
        if expected != 200 {
            assert_eq!(code(&cloud, "chat", &message), "interrupted");
        }
    }
}
