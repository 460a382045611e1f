//! Every file in `events/` that is not HTTP's, as it is.

use end_to_end::{Cloud, Event, Message, Outcome, S3, Sqs};
use serde_json::{Value, json};

const FUNCTIONS: [&str; 3] = ["chat", "text-completion", "image-generation"];

/// The flavours that leave a result of each record, and how many they have.
const ANSWERED: [(&str, usize); 10] = [
    ("s3-json", 1),
    ("s3-txt", 1),
    ("sqs", 2),
    ("sqs-fifo", 3),
    ("sqs-s3", 1),
    ("sns-s3", 1),
    ("sqs-sns-s3", 1),
    ("sqs-sns-s3-raw", 1),
    ("eventbridge", 1),
    ("sqs-eventbridge", 1),
];

#[tokio::test]
async fn each_flavour_leaves_a_result_of_its_request() {
    for function in FUNCTIONS {
        for (flavour, records) in ANSWERED {
            let cloud = Cloud::start().await;
            let mut running = cloud.start_function(function, &[]).await;
            let event = Event::file(&format!("{function}-{flavour}")).marked();
            cloud.lay_out(&event);
            let outcome = running.invoke_event(&event).await;
            let expected = match flavour {
                _ if flavour.starts_with("sqs") => json!({"batchItemFailures": []}),
                _ => Value::Null,
            };
            let Outcome::Response(response) = outcome else {
                panic!("{function} {flavour}: {outcome:?}");
            };
            assert_eq!(response, expected, "{function} {flavour}");
            let prefix = format!("results/{}/", Cloud::short_name(function));
            let keys = cloud.s3.list(S3::RESULTS, &prefix);
            assert_eq!(keys.len(), records, "{function} {flavour}: {keys:?}");
            for key in keys {
                let result = cloud.s3.json(S3::RESULTS, &key);
                let status = result.pointer("/response/status_code");
                assert_eq!(status, Some(&json!(200)), "{function} {flavour}: {result}");
            }
            assert_eq!(cloud.paid_calls().await, records, "{function} {flavour}");
        }
    }
}

#[tokio::test]
async fn each_function_takes_the_messages_of_a_fifo_queue() {
    for function in FUNCTIONS {
        let cloud = Cloud::start().await;
        let mut running = cloud.start_function(function, &[]).await;
        let queue = format!("{}.fifo", Cloud::queue(function));
        if queue != Sqs::FIFO {
            cloud.sqs.create(&queue);
        }
        let request = Event::file(&format!("{function}-direct")).marked();
        for group in ["a", "b", "a"] {
            let message = Message::new(request.text()).in_group(group);
            cloud.sqs.put(&queue, message);
        }
        cloud.sqs.drive(&queue, &mut running, 1).await;
        assert!(cloud.sqs.waiting(&queue).is_empty(), "{function}");
        assert_eq!(cloud.paid_calls().await, 3, "{function}");
    }
}

#[tokio::test]
async fn a_caller_of_the_function_itself_gets_the_bare_answer() {
    for (function, pointer) in [
        ("chat", "/choices/0/message/content"),
        ("text-completion", "/choices/0/text"),
        ("image-generation", "/data/0/s3_uri"),
    ] {
        let cloud = Cloud::start().await;
        let mut running = cloud.start_function(function, &[]).await;
        let event = Event::file(&format!("{function}-direct")).marked();
        let outcome = running.invoke_event(&event).await;
        let answer = outcome.response();
        assert!(
            answer.pointer(pointer).is_some_and(Value::is_string),
            "{answer}"
        );
        let wrong = Event::from(json!({"messages": 7, "prompt": 7}));
        let outcome = running.invoke_event(&wrong).await;
        let code = outcome.response().pointer("/error/code").cloned();
        assert_eq!(code, Some(json!("invalid_value")), "{outcome:?}");
        assert_eq!(cloud.paid_calls().await, 1, "{function}");
    }
}
