//! The protocol over a socket, and the queues behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::Sqs;
use crate::fault::Operation::{SendMessage, SendMessageBatch};
use crate::{BatchItemFailures, CANARY, Message};

async fn ask(sqs: &Sqs, operation: &str, body: Value) -> (u16, Value) {
    let request = Request::post(sqs.url())
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(Full::<Bytes>::from(body.to_string()))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap())
}

fn batch(sqs: &Sqs, bodies: &[&str]) -> Value {
    let entries = bodies.iter().enumerate().map(
        |(place, body)| json!({"Id": place.to_string(), "MessageBody": body, "DelaySeconds": 60}),
    );
    let entries: Vec<_> = entries.collect();
    json!({"QueueUrl": sqs.queue_url(Sqs::CHAT), "Entries": entries})
}

#[tokio::test]
async fn of_a_batch_some_entries_fail_and_the_others_are_sent() {
    let sqs = Sqs::start().await;
    sqs.fail(SendMessageBatch.on(Sqs::CHAT).failing_entries(&[1]));
    let (status, answer) = ask(&sqs, "SendMessageBatch", batch(&sqs, &["a", "b", "c"])).await;
    assert_eq!(status, 200);
    assert_eq!(answer["Failed"][0]["Id"], "1");
    assert_eq!(answer["Failed"][0]["SenderFault"], false);
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 2);
    let sent = sqs.sent_to(Sqs::CHAT);
    let bodies: Vec<_> = sent.iter().map(|sent| sent.body.as_str()).collect();
    assert_eq!(bodies, ["a", "c"]);
    assert_eq!(sent[0].delay, Some(60));
    assert_eq!(sqs.count(&SendMessageBatch.on(Sqs::CHAT)), 1);
}

#[tokio::test]
async fn requests_that_break_a_rule_are_refused() {
    let sqs = Sqs::start().await;
    let check = async |operation: &str, body: Value, code: &str| {
        let (status, answer) = ask(&sqs, operation, body).await;
        let code = format!("com.amazonaws.sqs#{code}");
        assert_eq!((status, &answer["__type"]), (400, &json!(code)));
    };
    let twelve = vec!["a"; 12];
    let batch_of = |bodies: &[&str]| batch(&sqs, bodies);
    check(
        "SendMessageBatch",
        batch_of(&twelve),
        "TooManyEntriesInBatchRequest",
    )
    .await;
    check("SendMessageBatch", batch_of(&[]), "EmptyBatchRequest").await;
    let mut twice = batch_of(&["a", "b"]);
    twice["Entries"][1]["Id"] = "0".into();
    check("SendMessageBatch", twice, "BatchEntryIdsNotDistinct").await;
    let half = "a".repeat(600 * 1024);
    check(
        "SendMessageBatch",
        batch_of(&[&half, &half]),
        "BatchRequestTooLong",
    )
    .await;
    let mut late = json!({"QueueUrl": sqs.queue_url(Sqs::CHAT), "MessageBody": "a"});
    late["DelaySeconds"] = 901.into();
    check("SendMessage", late, "InvalidParameterValue").await;
    let fifo = json!({"QueueUrl": sqs.queue_url(Sqs::FIFO), "MessageBody": "a"});
    check("SendMessage", fifo, "MissingParameter").await;
    let nobody = json!({"QueueUrl": sqs.queue_url("nobody"), "MessageBody": "a"});
    check("SendMessage", nobody, "QueueDoesNotExist").await;
    sqs.fail(
        SendMessage
            .on("")
            .error(503, "ServiceUnavailable", "Sorry."),
    );
    let good = json!({"QueueUrl": sqs.queue_url(Sqs::CHAT), "MessageBody": "a"});
    assert_eq!(ask(&sqs, "SendMessage", good).await.0, 503);
    assert!(sqs.sent().is_empty());
}

#[tokio::test]
async fn what_failed_comes_back_when_its_time_is_over() {
    let sqs = Sqs::start().await;
    let (status, _) = ask(&sqs, "SendMessageBatch", batch(&sqs, &["a", "b"])).await;
    assert_eq!(status, 200);
    assert!(sqs.take(Sqs::CHAT, 10).is_none(), "held back");
    sqs.advance(Duration::from_secs(60));
    let delivery = sqs.take(Sqs::CHAT, 10).unwrap();
    assert_eq!(delivery.event.at("/Records/1/body"), "b");
    assert!(sqs.take(Sqs::CHAT, 10).is_none(), "handed out");

    let first = &delivery.messages[0];
    let change = json!({
        "QueueUrl": sqs.queue_url(Sqs::CHAT),
        "ReceiptHandle": first.receipt_handle,
        "VisibilityTimeout": 7,
    });
    assert_eq!(
        ask(&sqs, "ChangeMessageVisibility", change).await,
        (200, json!({}))
    );
    let change = &sqs.visibilities()[0];
    assert_eq!(
        (change.id.as_deref(), change.seconds),
        (Some(first.id.as_str()), 7)
    );
    let failures: BatchItemFailures = [first.id.as_str()].into_iter().collect();
    sqs.settle(&delivery, &failures);
    assert_eq!(sqs.waiting(Sqs::CHAT).len(), 1);
    sqs.advance(Duration::from_secs(6));
    assert!(sqs.take(Sqs::CHAT, 10).is_none(), "not yet");
    sqs.advance(Duration::from_secs(1));
    let again = sqs.take(Sqs::CHAT, 10).unwrap();
    let received = again
        .event
        .at("/Records/0/attributes/ApproximateReceiveCount");
    assert_eq!((received, again.messages.len()), (&json!("2"), 1));
    sqs.give_back(&again);
    assert!(sqs.skip(Sqs::CHAT));
    assert_eq!(sqs.now(), Duration::from_secs(60 + 7 + 120));
    sqs.give_up_after(Sqs::CHAT, 2);
    assert!(sqs.take(Sqs::CHAT, 10).is_none());
    assert_eq!(sqs.dead(Sqs::CHAT).len(), 1);
    assert!(!sqs.skip(Sqs::CHAT));
}

#[tokio::test]
async fn a_fifo_queue_keeps_the_order_of_its_groups() {
    let sqs = Sqs::start().await;
    for (body, group) in [("a1", "A"), ("a2", "A"), ("b1", "B"), ("a3", "A")] {
        sqs.put(Sqs::FIFO, Message::new(body).in_group(group));
    }
    let said = |delivery: &super::Delivery| {
        let messages = delivery.messages.iter();
        messages
            .map(|message| message.body.clone())
            .collect::<Vec<_>>()
    };
    let delivery = sqs.take(Sqs::FIFO, 2).unwrap();
    assert_eq!(said(&delivery), ["a1", "a2"]);
    let other = sqs.take(Sqs::FIFO, 10).unwrap();
    assert_eq!(said(&other), ["b1"], "a group waits for its first");
    let failed = [delivery.messages[1].id.as_str()].into_iter().collect();
    sqs.settle(&delivery, &failed);
    assert!(sqs.take(Sqs::FIFO, 10).is_none(), "nobody overtakes a2");
    assert!(sqs.skip(Sqs::FIFO));
    assert_eq!(said(&sqs.take(Sqs::FIFO, 10).unwrap()), ["a2", "a3"]);
}

#[tokio::test]
async fn a_message_with_content_fails_the_test() {
    for said in [CANARY, "a fact"] {
        let sqs = Sqs::start().await;
        let (status, _) = ask(&sqs, "SendMessageBatch", batch(&sqs, &["a", said])).await;
        assert_eq!(status, 200);
        let ended = catch_unwind(AssertUnwindSafe(|| drop(sqs)));
        assert_eq!(ended.is_err(), said == CANARY);
    }
}
