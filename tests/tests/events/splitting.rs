//! How a batch file becomes messages: of any size, within any time, and whatever happens on the way.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use end_to_end::{CANARY, Cloud, Event, Function, Message, Operation, S3, Sqs, marked, say};
use serde_json::{Value, json};

/// The memory that the template gives a function that writes text.
const MEMORY: u64 = 128 * 1024 * 1024;

/// The largest file that is split.
const LARGEST: u64 = 200 * 1024 * 1024;

/// Lines of so many bytes each, their ends among them.
fn lines(count: usize, bytes: usize) -> Bytes {
    let line = |text: &str| {
        let line = json!({
            "custom_id": CANARY, "method": "POST", "url": "/v1/chat/completions",
            "body": {"messages": [{"role": "user", "content": marked(text)}]},
        });
        format!("{line}\n")
    };
    let line = line(&"x".repeat(bytes + 1 - line("x").len()));
    assert_eq!(line.len(), bytes);
    let mut file = BytesMut::with_capacity(count * bytes);
    for _ in 0..count {
        file.extend_from_slice(line.as_bytes());
    }
    file.freeze()
}

/// What was sent to the chat function's queue, of one type of message.
fn sent(cloud: &Cloud, kind: &str) -> Vec<Value> {
    let sent = cloud.sqs.sent_to(Sqs::CHAT).into_iter();
    let messages = sent.map(|sent| sent.json());
    messages
        .filter(|message| message.get("type") == Some(&json!(kind)))
        .collect()
}

/// Checks that there is one message for each line, and that together they are the file.
fn check_lines(cloud: &Cloud, count: usize, bytes: usize) {
    let number =
        |message: &Value, name: &str| message.get(name).and_then(Value::as_u64).expect("a number");
    let mut found: Vec<_> = sent(cloud, "batch.line")
        .iter()
        .map(|message| {
            (
                number(message, "line"),
                number(message, "from")..number(message, "to"),
            )
        })
        .collect();
    found.sort_by_key(|(line, _)| *line);
    let [count, bytes] = [count, bytes].map(|number| u64::try_from(number).expect("a number"));
    let expected: Vec<_> = (0..count)
        .map(|line| (line + 1, line * bytes..(line + 1) * bytes))
        .collect();
    assert!(
        found == expected,
        "{} messages for {count} lines",
        found.len()
    );
}

/// The object of this name in the one folder of results.
fn in_folder(cloud: &Cloud, name: &str) -> Option<Value> {
    let keys = cloud.s3.list(S3::RESULTS, "results/chat/");
    let key = keys
        .iter()
        .find(|key| key.ends_with(&format!("/{name}.json")))?;
    Some(cloud.s3.json(S3::RESULTS, key))
}

/// Hands an upload to a function that has this much time; it must be acknowledged.
async fn split(cloud: &Cloud, function: &mut Function, time: Duration) {
    let delivery = cloud.sqs.take(Sqs::CHAT, 1).expect("the upload");
    let outcome = function.invoke_within(&delivery.event, time).await;
    assert!(outcome.failures().is_empty(), "{outcome:?}");
    cloud.sqs.settle_outcome(&delivery, &outcome);
}

#[tokio::test]
async fn a_file_of_50_000_lines_and_100_mb_becomes_as_many_messages_within_128_mb() {
    const LINES: usize = 50_000;
    const BYTES: usize = 2_000;
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    cloud.upload("chat", "large.jsonl", lines(LINES, BYTES));
    let began = Instant::now();
    split(&cloud, &mut function, Duration::from_secs(600)).await;
    let taken = began.elapsed();
    let memory = function.peak_memory();
    say(&format!(
        "a batch file of {LINES} lines and {} MB: split in {:.1} s (functions not optimised), at most {} MB of memory",
        LINES * BYTES / 1_000_000,
        taken.as_secs_f64(),
        memory >> 20,
    ));
    assert!(memory < MEMORY, "{memory}");
    check_lines(&cloud, LINES, BYTES);
    let manifest = in_folder(&cloud, "manifest").expect("a manifest");
    assert_eq!(manifest.get("lines"), Some(&json!(LINES)));
    assert_eq!(sent(&cloud, "batch.check").len(), 1);
    assert_eq!(sent(&cloud, "batch.split").len(), 0);
    assert_eq!(cloud.paid_calls().await, 0);
}

#[tokio::test]
async fn splitting_that_one_invocation_has_no_time_for_goes_on_in_others() {
    const LINES: usize = 10_000;
    const BYTES: usize = 200;
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    // Eighty lines are on their way at a time.
    let slow = Operation::SendMessageBatch
        .on(Sqs::CHAT)
        .delayed(Duration::from_millis(40));
    cloud.sqs.fail(slow.always());
    let time = Duration::from_secs(3);
    cloud.upload("chat", "long.jsonl", lines(LINES, BYTES));
    split(&cloud, &mut function, time).await;
    let mut invocations = 1;
    while let Some(next) = sent(&cloud, "batch.split").get(invocations - 1) {
        // It is sent where the lines before it ended.
        let done = sent(&cloud, "batch.line").len();
        assert_eq!(next.get("line"), Some(&json!(done + 1)));
        assert_eq!(next.get("from"), Some(&json!(done * BYTES)));
        assert_eq!(in_folder(&cloud, "manifest"), None);
        let message = Message::new(next.to_string());
        let outcome = function
            .invoke_within(&Event::messages(Sqs::CHAT, &[message]), time)
            .await;
        assert!(outcome.failures().is_empty(), "{outcome:?}");
        invocations += 1;
    }
    say(&format!(
        "a batch file that takes {invocations} invocations of 3 s to split"
    ));
    assert!(invocations > 2, "{invocations}");
    check_lines(&cloud, LINES, BYTES);
    let manifest = in_folder(&cloud, "manifest").expect("a manifest");
    assert_eq!(manifest.get("lines"), Some(&json!(LINES)));
    assert_eq!(sent(&cloud, "batch.check").len(), 1);
}

/// Lets the lease of every lock end.
fn end_leases(cloud: &Cloud) {
    for key in cloud.s3.list(S3::RESULTS, "locks/") {
        let lock = Event::from(cloud.s3.json(S3::RESULTS, &key)).with("/until", 0.into());
        cloud.s3.put(S3::RESULTS, &key, lock.text());
    }
}

#[tokio::test]
async fn a_splitter_that_crashes_is_repeated_and_nothing_is_paid_twice() {
    const LINES: usize = 120;
    /// How many calls of SQS a splitter has under way.
    const SENDING: usize = 8;
    let batches = Operation::SendMessageBatch.on(Sqs::CHAT);
    let manifest = Operation::PutObject.on("results/chat/");
    let look = Operation::SendMessage.on(Sqs::CHAT);
    for (place, sent_before) in [
        ("while lines are sent", 30),
        ("before the look is sent", LINES),
        ("before the manifest", LINES),
    ] {
        let cloud = Cloud::start().await;
        let mut first = cloud.start_function("chat", &[]).await;
        cloud.upload("chat", "crash.jsonl", lines(LINES, 200));
        match place {
            "while lines are sent" => cloud.sqs.fail(batches.silent().after(3).always()),
            "before the look is sent" => cloud.sqs.fail(look.silent().always()),
            _ => cloud.s3.fail(manifest.silent().always()),
        }
        let delivery = cloud.sqs.take(Sqs::CHAT, 1).expect("the upload");
        let working = first.begin(&delivery.event, Duration::from_secs(20));
        match place {
            "while lines are sent" => cloud.sqs.until(&batches, 3 + SENDING).await,
            "before the look is sent" => cloud.sqs.until(&look, 1).await,
            _ => cloud.s3.until(&manifest, 1).await,
        }
        first.kill().await;
        drop(working);
        assert_eq!(sent(&cloud, "batch.line").len(), sent_before, "{place}");
        assert_eq!(in_folder(&cloud, "manifest"), None, "{place}");
        cloud.sqs.heal();
        cloud.s3.heal();
        cloud.sqs.give_back(&delivery);
        end_leases(&cloud);

        let mut second = cloud.start_function("chat", &[]).await;
        cloud.drive("chat", &mut second).await;
        assert_eq!(
            sent(&cloud, "batch.line").len(),
            sent_before + LINES,
            "{place}"
        );
        let summary = in_folder(&cloud, "summary").expect("a summary");
        let counts = json!({"total": LINES, "completed": LINES, "failed": 0});
        assert_eq!(
            summary.get("request_counts"),
            Some(&counts),
            "{place}: {summary}"
        );
        assert_eq!(cloud.paid_calls().await, LINES, "{place}: each line once");
        let results = cloud.s3.list(S3::RESULTS, "results/");
        assert_eq!(
            results.len(),
            LINES + 2,
            "{place}: and the manifest and the summary"
        );
    }
}

#[tokio::test]
async fn a_file_of_more_than_200_mb_is_refused_whole() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let stored = cloud.upload("chat", "huge.jsonl", lines(10, 200));
    let read = Operation::GetObject.on(&stored.key);
    cloud.s3.fail(read.claiming(LARGEST + 1).always());
    cloud.drive("chat", &mut function).await;
    let [key] = cloud
        .s3
        .list(S3::RESULTS, "results/")
        .try_into()
        .expect("one result");
    let result = cloud.s3.json(S3::RESULTS, &key);
    assert_eq!(result.get("custom_id"), Some(&json!(stored.key)));
    assert_eq!(result.pointer("/response/status_code"), Some(&json!(413)));
    assert_eq!(
        result.pointer("/response/body/error/code"),
        Some(&json!("request_too_large"))
    );
    assert!(cloud.sqs.sent().is_empty(), "no line is sent");
    assert_eq!(cloud.s3.count(&read), 1, "it is not asked for again");
}
