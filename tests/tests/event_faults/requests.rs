//! Requests in messages, and what came of them.

use std::time::Duration;

use end_to_end::{
    BatchItemFailures, CANARY, Cloud, Delivery, Event, Function, Message, Operation, S3, Sqs,
    marked,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The time of an invocation that is long enough.
pub(crate) const TIME: Duration = Duration::from_secs(20);

/// The lock's part of S3.
pub(crate) const LOCKS: &str = "locks/";

/// The results' part of S3.
pub(crate) const RESULTS: &str = "results/";

/// A question.
pub(crate) fn question(text: &str) -> Value {
    json!({
        "messages": [{"role": "user", "content": marked(text)}],
        "max_tokens": 16,
    })
}

/// A message with a question.
pub(crate) fn asking(text: &str) -> Message {
    Message::new(question(text).to_string())
}

/// A message that asks for a picture.
pub(crate) fn asking_for_a_picture() -> Message {
    Message::new(json!({"prompt": CANARY}).to_string())
}

/// Several questions.
pub(crate) fn asking_for(count: usize) -> Vec<Message> {
    (1..=count)
        .map(|number| asking(&number.to_string()))
        .collect()
}

/// Starts as many environments of the function `chat`.
pub(crate) async fn environments(cloud: &Cloud, count: usize) -> Vec<Function> {
    join_all((0..count).map(|_| cloud.start_function("chat", &[]))).await
}

/// Puts messages into the function's queue.
pub(crate) fn put(cloud: &Cloud, name: &str, messages: &[Message]) {
    for message in messages {
        cloud.sqs.put(Cloud::queue(name), message.clone());
    }
}

/// Waits until the queue of the function hands messages out, and takes up to ten.
pub(crate) fn take(cloud: &Cloud, name: &str) -> Delivery {
    let queue = Cloud::queue(name);
    assert!(cloud.sqs.skip(queue), "{queue} is empty");
    cloud.sqs.take(queue, 10).expect("messages")
}

/// Calls the function with what its queue hands out next; says which messages it reported.
pub(crate) async fn turn(cloud: &Cloud, name: &str, function: &mut Function) -> BatchItemFailures {
    let delivery = take(cloud, name);
    let outcome = function.invoke_event(&delivery.event).await;
    cloud.sqs.settle_outcome(&delivery, &outcome);
    outcome.failures()
}

/// The event that hands one message out, outside of any queue.
pub(crate) fn handed_out(message: &Message) -> Event {
    Event::messages(Sqs::CHAT, std::slice::from_ref(message))
}

/// The ids of messages, as they are reported.
pub(crate) fn ids<'a>(messages: impl IntoIterator<Item = &'a Message>) -> BatchItemFailures {
    let ids = messages.into_iter().map(|message| message.id.as_str());
    ids.collect()
}

/// The key of a message's result.
pub(crate) fn result_key(name: &str, message: &Message) -> String {
    format!("results/{}/{}.json", Cloud::short_name(name), message.id)
}

/// A message's result, where there is one.
pub(crate) fn result(cloud: &Cloud, name: &str, message: &Message) -> Option<Value> {
    let found = cloud.s3.find(S3::RESULTS, &result_key(name, message))?;
    Some(found.json())
}

/// The HTTP status in a message's result; 0 where there is none.
pub(crate) fn status(cloud: &Cloud, name: &str, message: &Message) -> u64 {
    let result = result(cloud, name, message).unwrap_or_default();
    let status = result.pointer("/response/status_code");
    status.and_then(Value::as_u64).unwrap_or_default()
}

/// The code of the error in a message's result.
pub(crate) fn code(cloud: &Cloud, name: &str, message: &Message) -> String {
    let result = result(cloud, name, message).expect("a result");
    let code = result.pointer("/response/body/error/code");
    code.and_then(Value::as_str).expect("a code").to_owned()
}

/// The key of a message's lock.
pub(crate) fn lock_key(name: &str, message: &Message) -> String {
    format!("locks/{}/{}.json", Cloud::short_name(name), message.id)
}

/// A message's lock.
pub(crate) fn lock(cloud: &Cloud, name: &str, message: &Message) -> Value {
    cloud.s3.json(S3::RESULTS, &lock_key(name, message))
}

/// Leaves the lock of a holder that crashed: its lease has ended, and so many may have paid.
pub(crate) fn abandon(cloud: &Cloud, name: &str, message: &Message, calls: u32) {
    let lock = json!({
        "owner": "crashed", "held": true, "until": 1, "calls": calls, "fingerprint": null,
    });
    let key = lock_key(name, message);
    cloud.s3.put(S3::RESULTS, &key, lock.to_string());
}

/// Ends the lease of the lock that there is, as time would.
pub(crate) fn expire(cloud: &Cloud, name: &str, message: &Message) {
    let mut lock = lock(cloud, name, message);
    assert_eq!(lock.get("held"), Some(&json!(true)), "{lock}");
    if let Some(until) = lock.get_mut("until") {
        *until = json!(1);
    }
    let key = lock_key(name, message);
    cloud.s3.put(S3::RESULTS, &key, lock.to_string());
}

/// The statuses with which writes were answered whose keys begin like this; 0 for none.
pub(crate) fn writes(cloud: &Cloud, prefix: &str) -> Vec<u16> {
    let seen = cloud.s3.requests_of(&Operation::PutObject.on(prefix));
    let statuses = seen.into_iter().map(|seen| seen.status);
    statuses.map(Option::unwrap_or_default).collect()
}

/// In how many seconds a message comes back, as the function said last of this receive of it, or of
/// any if it stands in the queue.
pub(crate) fn wait(cloud: &Cloud, message: &Message) -> Option<u64> {
    let changes = cloud.sqs.visibilities().into_iter();
    let mut changes = changes.filter(|change| {
        change.receipt_handle == message.receipt_handle || change.id.as_ref() == Some(&message.id)
    });
    changes.next_back().map(|change| change.seconds)
}

/// Checks that the environment goes on with another question.
pub(crate) async fn lives_on(cloud: &Cloud, name: &str, function: &mut Function) {
    cloud.s3.heal();
    let message = match name {
        "image-generation" => asking_for_a_picture(),
        _ => asking("Are you there?"),
    };
    put(cloud, name, std::slice::from_ref(&message));
    let failures = turn(cloud, name, function).await;
    assert!(failures.is_empty(), "{name}: {failures:?}");
    assert_eq!(status(cloud, name, &message), 200, "{name}");
}

/// Ends the function and reads its log.
pub(crate) async fn log(function: Function) -> Vec<Value> {
    let output = function.stop().await;
    let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    output.lines().map(read).collect()
}

/// Whether a line of the log has this text in this field.
pub(crate) fn says(log: &[Value], field: &str, text: &str) -> bool {
    log.iter().any(|line| line.get(field) == Some(&json!(text)))
}
