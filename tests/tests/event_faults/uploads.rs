//! What was uploaded is not what the notification tells of, cannot be read, or is our own.

use end_to_end::{
    Cloud, Event, Fault, Function, Message, Object, On, Operation, Outcome, S3, Stored,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::requests::{RESULTS, lives_on, log, question, says, turn};

/// A bucket without versions.
const PLAIN: &str = "plain";

/// A cloud with a bucket without versions, and a function that reads it.
async fn plain() -> (Cloud, Function) {
    let cloud = Cloud::start().await;
    cloud.s3.create(PLAIN, false);
    let buckets = [("REQUEST_BUCKETS", PLAIN)];
    let function = cloud.start_function("chat", &buckets).await;
    (cloud, function)
}

fn upload(cloud: &Cloud, bucket: &str, text: &str) -> Stored {
    let body = question(text).to_string();
    cloud.s3.put(bucket, "requests/chat/a.json", body)
}

fn reads() -> On {
    Operation::GetObject.on("requests/")
}

/// All results of the function.
fn results(cloud: &Cloud) -> Vec<(String, Object)> {
    let keys = cloud.s3.list(S3::RESULTS, RESULTS);
    let object = |key: String| (key.clone(), cloud.s3.object(S3::RESULTS, &key));
    keys.into_iter().map(object).collect()
}

/// Checks what became of an upload that asks for nothing.
async fn passed_over(cloud: &Cloud, mut function: Function, why: &str) {
    assert!(turn(cloud, "chat", &mut function).await.is_empty(), "{why}");
    assert_eq!(cloud.paid_calls().await, 0, "{why}");
    assert_eq!(cloud.s3.count(&Operation::PutObject.on("")), 0, "{why}");
    lives_on(cloud, "chat", &mut function).await;
    let log = log(function).await;
    assert!(says(&log, "why", why), "{why}: {log:?}");
}

/// An upload that cannot be read comes back unpaid after so many attempts, and is done later.
async fn unread(fault: Fault, attempts: usize, code: &str) {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    cloud.s3.fail(fault.always());
    cloud.upload("chat", "a.json", question("Hello").to_string());
    assert_eq!(turn(&cloud, "chat", &mut function).await.len(), 1, "{code}");
    assert_eq!(cloud.s3.count(&reads()), attempts, "{code}");
    assert_eq!(cloud.paid_calls().await, 0, "{code}");
    assert_eq!(results(&cloud).len(), 0, "{code}");
    cloud.s3.heal();
    assert!(
        turn(&cloud, "chat", &mut function).await.is_empty(),
        "{code}"
    );
    assert_eq!((results(&cloud).len(), cloud.paid_calls().await), (1, 1));
    let log = log(function).await;
    assert!(says(&log, "code", code), "{code}: {log:?}");
    let is_error = |line: &&Value| line.get("code") == Some(&json!(code));
    let level = log.iter().find(is_error).and_then(|line| line.get("level"));
    assert_eq!(level, Some(&json!("ERROR")), "{code}: an alarm hears of it");
}

/// A body that breaks off once is asked for again.
async fn read_again(fault: Fault) {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    cloud.s3.fail(fault);
    cloud.upload("chat", "a.json", question("Hello").to_string());
    assert!(turn(&cloud, "chat", &mut function).await.is_empty());
    assert_eq!(cloud.s3.count(&reads()), 2);
    assert_eq!((results(&cloud).len(), cloud.paid_calls().await), (1, 1));
}

/// What the model was told, call by call.
fn told(cloud: &Cloud) -> Vec<String> {
    let requests = cloud.upstream().requests().into_iter();
    requests.map(|request| request.json().to_string()).collect()
}

end_to_end::rows! {
    f51_an_upload_that_is_gone_is_done_with_and_one_that_is_denied_comes_back:
    "GetObject 404 (by the version, or deleted): acknowledged, logged as gone, nothing written; 403: reported, an ERROR in the log, done once allowed; 304: reported" => {
        let cloud = Cloud::start().await;
        let function = cloud.start_function("chat", &[]).await;
        cloud.s3.fail(reads().gone());
        cloud.upload("chat", "a.json", question("Hello").to_string());
        passed_over(&cloud, function, "gone").await;

        let (cloud, function) = plain().await;
        let stored = upload(&cloud, PLAIN, "Hello");
        cloud.s3.delete(PLAIN, &stored.key);
        cloud.notify("chat", &stored);
        passed_over(&cloud, function, "gone").await;

        let cloud = Cloud::start().await;
        let function = cloud.start_function("chat", &[]).await;
        let stored = upload(&cloud, S3::REQUESTS, "Hello");
        let unknown = Event::upload(&stored)
            .with("/Records/0/s3/object/versionId", "no-such-version".into());
        cloud.sqs.put(Cloud::queue("chat"), Message::carrying(&unknown));
        passed_over(&cloud, function, "gone").await;

        unread(reads().denied(), 1, "storage_access_denied").await;
        unread(reads().error(304, "NotModified", ""), 1, "storage_unavailable").await;
    }

    f52_a_body_that_breaks_off_or_is_damaged_is_read_again:
    "GetObject cut, or with another checksum: read again, then reported and never answered from half a body" => {
        tokio::join!(
            Box::pin(read_again(reads().cut_after(5))),
            Box::pin(read_again(reads().wrong_checksum())),
            Box::pin(unread(reads().cut_after(5), 3, "storage_unavailable")),
            Box::pin(unread(reads().wrong_checksum(), 3, "storage_unavailable")),
        );
    }

    f53_an_upload_that_was_replaced_is_read_as_it_was_announced:
    "replaced between event and read: the version of the event is read, each version once; without versions only what still is as announced (If-Match)" => {
        let answer = || [end_to_end::Ask::CHAT.answer(&["Hello"])];
        let cloud = Cloud::playing(answer()).await;
        let mut function = cloud.start_function("chat", &[]).await;
        for text in ["first", "second"] {
            let stored = upload(&cloud, S3::REQUESTS, text);
            cloud.notify("chat", &stored);
        }
        assert!(turn(&cloud, "chat", &mut function).await.is_empty());
        assert_eq!(results(&cloud).len(), 2);
        let mut told_of = told(&cloud);
        told_of.sort();
        assert!(told_of[0].contains("first") && told_of[1].contains("second"), "{told_of:?}");

        let cloud = Cloud::playing(answer()).await;
        cloud.s3.create(PLAIN, false);
        let mut function = cloud.start_function("chat", &[("REQUEST_BUCKETS", PLAIN)]).await;
        for text in ["first", "second"] {
            let stored = upload(&cloud, PLAIN, text);
            cloud.notify("chat", &stored);
        }
        assert!(turn(&cloud, "chat", &mut function).await.is_empty());
        assert_eq!(results(&cloud).len(), 1);
        let told_of = told(&cloud);
        assert!(told_of.len() == 1 && told_of[0].contains("second"), "{told_of:?}");
    }

    f63_a_notification_that_comes_twice_or_late_changes_nothing:
    "an S3 event twice, and two out of order, with and without versions, with and without a queue: one result each, the older never overwrites the newer" => {
        // Without versions the older is gone; its notification comes last.
        let (cloud, mut function) = plain().await;
        let older = upload(&cloud, PLAIN, "older");
        let newer = upload(&cloud, PLAIN, "newer");
        assert!(older.sequencer < newer.sequencer, "{older:?} {newer:?}");
        for stored in [&newer, &newer, &older, &older] {
            cloud.notify("chat", stored);
            assert!(turn(&cloud, "chat", &mut function).await.is_empty());
        }
        let kept = results(&cloud);
        assert_eq!((kept.len(), cloud.paid_calls().await), (1, 1));

        // With versions both are there, and none is the other's result.
        let cloud = Cloud::start().await;
        let mut function = cloud.start_function("chat", &[]).await;
        let older = upload(&cloud, S3::REQUESTS, "older");
        let newer = upload(&cloud, S3::REQUESTS, "newer");
        let mut before: Vec<(String, Object)> = Vec::new();
        for (stored, expected) in [(&newer, 1), (&newer, 1), (&older, 2), (&older, 2)] {
            let outcome = function.invoke_event(&Event::upload(stored)).await;
            assert!(matches!(outcome, Outcome::Response(Value::Null)), "{outcome:?}");
            let now = results(&cloud);
            assert_eq!((now.len(), cloud.paid_calls().await), (expected, expected));
            for (key, object) in before {
                assert_eq!(cloud.s3.object(S3::RESULTS, &key).body, object.body);
            }
            before = now;
        }
        // One event that says it twice.
        let third = upload(&cloud, S3::REQUESTS, "third");
        let twice = Event::uploads(&[third.clone(), third]);
        let outcome = function.invoke_event(&twice).await;
        assert!(matches!(outcome, Outcome::Response(Value::Null)), "{outcome:?}");
        assert_eq!((results(&cloud).len(), cloud.paid_calls().await), (3, 3));
    }

    f64_output_is_never_taken_for_a_request:
    "REQUEST_PREFIX over an output prefix: the start fails; an object under results/, images/, locks/, or anywhere with our own metadata: acknowledged, nothing written, no call" => {
        let prefixes = ["results/", "results/chat/", "images/", "locks/", "r", "requests"];
        let refused = prefixes.map(|prefix| async move {
            crate::environments::refused("chat", &[("REQUEST_PREFIX", prefix)], "REQUEST_PREFIX")
                .await;
        });
        join_all(refused).await;

        for key in ["results/chat/a.json", "images/chat/a.json", "locks/chat/a.json"] {
            let cloud = Cloud::start().await;
            let function = cloud.start_function("chat", &[]).await;
            let stored = cloud.s3.put(S3::REQUESTS, key, question("Hello").to_string());
            cloud.notify("chat", &stored);
            passed_over(&cloud, function, "own_output").await;
        }

        // Whatever was written says so, wherever somebody copies it to.
        let cloud = Cloud::start().await;
        let mut drawing = cloud.start_function("image-generation", &[]).await;
        lives_on(&cloud, "image-generation", &mut drawing).await;
        let written = [S3::RESULTS, S3::BUCKET].map(|bucket| {
            let keys = cloud.s3.list(bucket, "");
            assert!(!keys.is_empty(), "{bucket}");
            let objects = keys.iter().map(|key| cloud.s3.object(bucket, key).metadata);
            objects.collect::<Vec<_>>()
        });
        for metadata in written.concat() {
            let metadata: Vec<_> = metadata
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            for name in ["a.json", "a.jsonl"] {
                let cloud = Cloud::start().await;
                let mut function = cloud.start_function("chat", &[]).await;
                let key = format!("requests/chat/{name}");
                let body = question("Hello").to_string();
                let stored = cloud.s3.put_with(S3::REQUESTS, &key, body, &metadata);
                cloud.notify("chat", &stored);
                assert!(turn(&cloud, "chat", &mut function).await.is_empty());
                assert_eq!(results(&cloud).len(), 0, "{metadata:?}");
                assert_eq!(cloud.paid_calls().await, 0, "{metadata:?}");
                assert_eq!(cloud.sqs.sent().len(), 0, "{metadata:?}");
                let log = log(function).await;
                assert!(says(&log, "why", "own_output"), "{log:?}");
            }
        }
    }
}
