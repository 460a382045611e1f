//! What stands in the way of whoever forges messages, of defects, and of paying more often than twice.

use std::time::{SystemTime, UNIX_EPOCH};

use end_to_end::{
    BatchItemFailures, Cloud, Event, Function, Message, Operation, S3, Script, Sqs, Stored, marked,
};
use serde_json::{Value, json};

/// A line of a batch file, with the canary in it.
const LINE: &str = r#"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "canary-7b1e44 Hello"}]}}"#;

/// What refuses every question.
const STRICT: [(&str, &str); 1] = [("MAX_HISTORY_CHARACTERS", "1")];

fn question(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": marked(text)}]})
}

/// Hands one message out, outside of any queue; says which were reported.
async fn hand_out(function: &mut Function, message: &Message) -> BatchItemFailures {
    let event = Event::messages(Sqs::CHAT, std::slice::from_ref(message));
    function.invoke_event(&event).await.failures()
}

fn only(message: &Message) -> BatchItemFailures {
    std::iter::once(message.id.as_str()).collect()
}

/// The keys of all results.
fn results(cloud: &Cloud) -> Vec<String> {
    cloud.s3.list(S3::RESULTS, "results/")
}

/// The one result that there is: its key, its status and its code.
fn only_result(cloud: &Cloud) -> (String, u64, String) {
    let [key] = results(cloud).try_into().expect("one result");
    let result = cloud.s3.json(S3::RESULTS, &key);
    let status = result.pointer("/response/status_code");
    let code = result.pointer("/response/body/error/code");
    (
        key,
        status.and_then(Value::as_u64).expect("a status"),
        code.and_then(Value::as_str).unwrap_or_default().to_owned(),
    )
}

/// How often an upload was read.
fn reads(cloud: &Cloud) -> usize {
    let mut reads = cloud.s3.requests_of(&Operation::GetObject.on(""));
    reads.retain(|seen| seen.bucket == S3::REQUESTS);
    reads.len()
}

#[tokio::test]
async fn a_notification_with_a_poisonous_record_is_reported_and_its_good_one_is_done_once() {
    for poison in [0, 1] {
        let cloud = Cloud::start().await;
        let mut function = cloud.start_function("chat", &[]).await;
        let body = question("Hello").to_string();
        let good = cloud.s3.put(S3::REQUESTS, "requests/chat/good.json", body);
        let key = format!("/Records/{poison}/s3/object/key");
        let event = Event::uploads(&[good.clone(), good.clone()]);
        let message = Message::carrying(&event.with(&key, "requests/chat/%FF.json".into()));
        for delivery in 1..=2 {
            let failures = hand_out(&mut function, &message).await;
            assert_eq!(failures, only(&message), "{poison}: {delivery}");
            let (key, status, _) = only_result(&cloud);
            assert_eq!(status, 200, "{poison}: {delivery}");
            let result = cloud.s3.json(S3::RESULTS, &key);
            assert_eq!(result.get("custom_id"), Some(&json!(good.key)));
            assert_eq!(cloud.paid_calls().await, 1, "{poison}: {delivery}");
        }
    }
}

/// A message of the functions' own about this object.
fn own(kind: &str, stored: &Stored, more: &Value) -> Event {
    let object = json!({
        "bucket": stored.bucket, "key": stored.key, "version_id": stored.version_id,
        "etag": null, "sequencer": null,
    });
    let mut message = json!({"version": 1, "type": kind, "object": object});
    let fields = message.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    Event::from(message)
}

#[tokio::test]
async fn forged_messages_of_our_own_read_nothing_call_nothing_and_are_reported() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let put = |key: &str| cloud.s3.put(S3::REQUESTS, key, LINE);
    let line = json!({"function": "chat", "line": 1, "from": 0, "to": LINE.len()});
    let file = put("requests/chat/file.jsonl");
    let foreign = put("requests/completion/file.jsonl");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a clock after 1970").as_secs();
    let split = json!({"line": 1, "from": 0, "since": now});
    let check = json!({"since": now});
    let forged = [
        own("batch.line", &put("results/chat/file.jsonl"), &line),
        own("batch.line", &put("images/file.jsonl"), &line),
        own("batch.line", &put("locks/chat/file.jsonl"), &line),
        own("batch.line", &put("requests/chat/file.json"), &line),
        own("batch.line", &put("requests/chat/file.txt"), &line),
        own("batch.line", &file, &line).with("/line", 1_000_000_000_000_000_u64.into()),
        own("batch.line", &file, &line).with("/line", 50_001.into()),
        own("batch.split", &foreign, &split),
        own("batch.split", &put("results/chat/split.jsonl"), &split),
        own("batch.split", &file, &split).with("/line", 1_000_000_000_000_000_u64.into()),
        own("batch.check", &foreign, &check),
        own("batch.check", &file, &json!({"since": now + 24 * 60 * 60})),
        own("batch.check", &file, &json!({"since": u64::MAX})),
    ];
    let count = forged.len();
    for forged in forged {
        let message = Message::new(forged.text());
        let failures = hand_out(&mut function, &message).await;
        assert_eq!(failures, only(&message), "{}", forged.text());
        assert_eq!(reads(&cloud), 0, "{}", forged.text());
    }
    assert!(cloud.s3.list(S3::RESULTS, "").is_empty());

    // What the functions wrote is known by its metadata, and so only when it is asked for.
    let tag = [("written-by", "bedrock-lambdas")];
    let written = cloud
        .s3
        .put_with(S3::REQUESTS, "requests/chat/own.jsonl", LINE, &tag);
    let message = Message::new(own("batch.line", &written, &line).text());
    assert_eq!(hand_out(&mut function, &message).await, only(&message));
    assert_eq!(reads(&cloud), 1);
    assert!(cloud.s3.list(S3::RESULTS, "").is_empty());
    assert!(cloud.sqs.sent().is_empty(), "{:?}", cloud.sqs.sent());
    assert_eq!(cloud.paid_calls().await, 0);

    // The same message is a good one where the file is.
    let message = Message::new(own("batch.line", &file, &line).text());
    assert!(hand_out(&mut function, &message).await.is_empty());
    let (key, status, _) = only_result(&cloud);
    assert!(key.ends_with("/done/00000001.json"), "{key}");
    assert_eq!((status, cloud.paid_calls().await), (200, 1));

    // They were reported for what they are, and not for anything that failed on the way.
    let log = function.stop().await;
    let log = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let mut back: Vec<Value> = log.collect();
    back.retain(|line| line.get("message") == Some(&json!("comes back")));
    assert_eq!(back.len(), count + 1, "{back:?}");
    for line in back {
        assert_eq!(line.get("code"), Some(&json!("unknown_envelope")), "{line}");
    }
}

#[tokio::test]
async fn a_defect_is_paid_for_twice_at_most_and_ends_in_the_dead_letter_queue() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("panicking", &[]).await;
    cloud.sqs.give_up_after(Sqs::CHAT, 5);
    let message = Message::new(question("[[panic:answer]]").to_string());
    cloud.sqs.put(Sqs::CHAT, message.clone());
    let outcomes = cloud.drive("panicking", &mut function).await;
    assert_eq!(outcomes.len(), 5, "{outcomes:?}");
    for outcome in &outcomes {
        assert_eq!(outcome.failures(), only(&message));
    }
    let dead = cloud.sqs.dead(Sqs::CHAT).into_iter().map(|dead| dead.id);
    assert_eq!(dead.collect::<Vec<_>>(), [message.id]);
    assert!(results(&cloud).is_empty(), "{:?}", results(&cloud));
    assert_eq!(cloud.paid_calls().await, 2);
}

#[tokio::test]
async fn a_file_of_more_than_50_000_lines_is_refused_whole() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let stored = cloud.upload(
        "chat",
        "long.jsonl",
        LINE.to_owned() + &"\n{}".repeat(50_000),
    );
    let outcomes = cloud.drive("chat", &mut function).await;
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let (key, status, code) = only_result(&cloud);
    assert_eq!((status, code.as_str()), (413, "batch_too_long"));
    let name = key.strip_prefix("results/chat/").expect("a name");
    assert!(!name.contains('/') && name.ends_with(".json"), "{key}");
    let result = cloud.s3.json(S3::RESULTS, &key);
    assert_eq!(result.get("custom_id"), Some(&json!(stored.key)));
    assert!(cloud.sqs.sent().is_empty(), "no line is sent");
    assert_eq!(cloud.paid_calls().await, 0);
}

#[tokio::test]
async fn a_result_stays_when_its_message_comes_again_and_is_refused() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let message = Message::new(question("Hello").to_string());
    assert!(hand_out(&mut function, &message).await.is_empty());
    let (key, status, _) = only_result(&cloud);
    assert_eq!(status, 200);
    let before = cloud.s3.object(S3::RESULTS, &key).body;

    let mut strict = cloud.start_function("chat", &STRICT).await;
    assert!(hand_out(&mut strict, &message).await.is_empty());
    assert_eq!(results(&cloud), std::slice::from_ref(&key));
    assert_eq!(cloud.s3.object(S3::RESULTS, &key).body, before);
    assert_eq!(cloud.paid_calls().await, 1);

    // Another message is refused by the same function.
    let another = Message::new(question("Hello").to_string());
    assert!(hand_out(&mut strict, &another).await.is_empty());
    let refused = format!("results/chat/{}.json", another.id);
    let refused = cloud.s3.json(S3::RESULTS, &refused);
    let status = refused.pointer("/response/status_code");
    assert_eq!(status.and_then(Value::as_u64), Some(400), "{refused}");
    assert_eq!(cloud.paid_calls().await, 1);
}

#[tokio::test]
async fn a_line_that_has_been_answered_has_no_failure_beside_when_it_comes_again_and_is_refused() {
    let cloud = Cloud::start().await;
    let file = cloud.s3.put(S3::REQUESTS, "requests/chat/file.jsonl", LINE);
    let line = json!({"function": "chat", "line": 1, "from": 0, "to": LINE.len()});
    let message = Message::new(own("batch.line", &file, &line).text());
    for environment in [&[][..], &STRICT] {
        let mut function = cloud.start_function("chat", environment).await;
        assert!(hand_out(&mut function, &message).await.is_empty());
        let (key, status, _) = only_result(&cloud);
        assert!(key.ends_with("/done/00000001.json"), "{key}");
        assert_eq!((status, cloud.paid_calls().await), (200, 1));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_an_answer_counts_as_perhaps_paid() {
    for breaks in [Script::reset, Script::close] {
        let cloud = Cloud::playing([breaks(Script::new())]).await;
        let mut function = cloud.start_function("chat", &[]).await;
        cloud.sqs.give_up_after(Sqs::CHAT, 10);
        let message = Message::new(question("Hello").to_string());
        cloud.sqs.put(Sqs::CHAT, message.clone());
        let outcomes = cloud.drive("chat", &mut function).await;
        let count = cloud.upstream().count();
        assert!((2..=4).contains(&count), "{count} requests");
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
        assert_eq!(outcomes[0].failures(), only(&message));
        assert!(outcomes[1].failures().is_empty());
        let (key, status, _) = only_result(&cloud);
        assert_eq!(key, format!("results/chat/{}.json", message.id));
        assert_eq!(status, 503);
        assert!(cloud.sqs.dead(Sqs::CHAT).is_empty());
        assert!(cloud.sqs.waiting(Sqs::CHAT).is_empty());
    }
}
