//! Messages that come more than once.

use end_to_end::{Cloud, Function, Operation, S3, TRACE, Working};
use futures_util::future::join_all;

use crate::requests::{
    LOCKS, TIME, asking, asking_for_a_picture, environments, handed_out, put, result_key, status,
    turn, wait,
};

end_to_end::rows! {
    f58_a_message_that_comes_again_is_done_with:
    "the same message again, to the same environment and to another, with text and with a picture: acknowledged, 1 call, the result untouched" => {
        for name in ["chat", "image-generation"] {
            let cloud = Cloud::start().await;
            let mut functions: Vec<Function> = Vec::new();
            for _ in 0..2 {
                functions.push(cloud.start_function(name, &[]).await);
            }
            let message = match name {
                "chat" => asking("Hello"),
                _ => asking_for_a_picture(),
            };
            let key = result_key(name, &message);
            let mut first = None;
            for turn_of in [0, 0, 1, 0, 1] {
                put(&cloud, name, std::slice::from_ref(&message));
                assert!(turn(&cloud, name, &mut functions[turn_of]).await.is_empty());
                let result = cloud.s3.object(S3::RESULTS, &key).body;
                assert_eq!(first.get_or_insert_with(|| result.clone()), &result, "{name}");
            }
            assert_eq!(status(&cloud, name, &message), 200);
            assert_eq!(cloud.paid_calls().await, 1, "{name}");
            assert_eq!(cloud.s3.count(&Operation::PutObject.on(&key)), 1, "{name}");
            assert_eq!(cloud.sqs.visibilities(), []);
        }
    }

    f59_a_message_that_several_have_at_once_is_paid_for_once:
    "2 to 50 deliveries at once, to 2 to 5 environments that ask for the lock together: 1 call, 1 result; who loses reports the message, to come back behind the lease" => {
        for (deliveries, count) in [(2_usize, 2), (3, 3), (10, 4), (25, 5), (50, 5)] {
            let cloud = Cloud::start().await;
            let functions = environments(&cloud, count).await;
            let message = asking("Hello");
            cloud.s3.fail(Operation::PutObject.on(LOCKS).meeting(count));
            // The winner keeps its result only when the others have been told.
            let held = cloud.s3.hold(&Operation::PutObject.on("results/"));
            let received: Vec<_> = (1..=deliveries)
                .map(|number| message.clone().received(number as u64))
                .collect();
            let first: Vec<_> = received
                .iter()
                .zip(functions.iter().cycle())
                .map(|(message, function)| function.begin(&handed_out(message), TIME))
                .collect();
            // Only the winner's own further deliveries have to wait.
            let losers = deliveries - deliveries.div_ceil(count);
            let told = Operation::ChangeMessageVisibilityBatch.on("");
            cloud.sqs.until(&told, losers).await;
            held.release();
            let outcomes = join_all(first.into_iter().map(Working::outcome)).await;
            assert_eq!(cloud.paid_calls().await, 1, "{deliveries} to {count}");
            assert_eq!(status(&cloud, "chat", &message), 200);
            let mut lost = 0;
            for (outcome, message) in outcomes.iter().zip(&received) {
                let failures = outcome.failures();
                let wait = wait(&cloud, message);
                assert_eq!(failures.is_empty(), wait.is_none(), "{deliveries}: {wait:?}");
                assert!(failures.ids().iter().all(|id| *id == message.id));
                assert!(wait.is_none_or(|wait| (10..=26).contains(&wait)), "{wait:?}");
                lost += failures.len();
            }
            assert!((losers..deliveries).contains(&lost), "{lost} of {deliveries}");
            for mut function in functions {
                let outcome = function.invoke_event(&handed_out(&message)).await;
                assert!(outcome.failures().is_empty(), "the result is there");
            }
            assert_eq!(cloud.paid_calls().await, 1, "{deliveries} to {count}");
            let keys = cloud.s3.list(S3::RESULTS, "results/");
            assert_eq!(keys, [result_key("chat", &message)]);
        }
    }

    f65_calls_of_s3_and_sqs_say_which_invocation_made_them:
    "x-amzn-trace-id, by which Lambda knows that it calls itself, is on every call of S3 and SQS" => {
        let cloud = Cloud::with_faults().await;
        let mut function = cloud.start_function("image-generation", &[]).await;
        let line = r#"{"url":"/v1/images/generations","body":{"prompt":"a lake"}}"#;
        cloud.upload("image-generation", "a.jsonl", line);
        let throttled = asking("[[fault:throttle]]");
        put(&cloud, "image-generation", &[throttled.clone(), asking_for_a_picture()]);
        turn(&cloud, "image-generation", &mut function).await;
        let requests = [cloud.s3.requests(), cloud.sqs.requests()].concat();
        for operation in [
            Operation::GetObject,
            Operation::PutObject,
            Operation::SendMessage,
            Operation::SendMessageBatch,
        ] {
            let seen = requests.iter().filter(|seen| seen.operation == operation);
            assert!(seen.count() > 0, "{operation:?}");
        }
        for seen in &requests {
            assert_eq!(seen.header("x-amzn-trace-id"), TRACE, "{seen:?}");
        }
    }
}
