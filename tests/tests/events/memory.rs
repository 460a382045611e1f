//! How much memory large uploads take that come together.

use std::time::Duration;

use end_to_end::{Cloud, S3, Sqs, marked, say};
use serde_json::{Value, json};

/// The memory that the template gives a function that writes text.
const MEMORY: u64 = 128 * 1024 * 1024;

/// How many messages an invocation gets at most.
const UPLOADS: usize = 10;

/// How long each message of a request is, of five.
const CHARACTERS: usize = 790_000;

#[tokio::test]
async fn ten_uploads_of_4_mb_at_a_time_are_answered_within_128_mb() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("chat", &[]).await;
    let text = "word ".repeat(CHARACTERS / 5);
    let roles = ["user", "assistant", "user", "assistant", "user"];
    let messages = roles.map(|role| json!({"role": role, "content": marked(&text)}));
    let request = json!({"messages": messages, "max_tokens": 16}).to_string();
    for number in 1..=UPLOADS {
        cloud.upload("chat", &format!("{number}.json"), request.clone());
    }
    let before = function.peak_memory();
    let delivery = cloud.sqs.take(Sqs::CHAT, UPLOADS).expect("the uploads");
    assert_eq!(delivery.messages.len(), UPLOADS);
    let time = Duration::from_secs(120);
    let outcome = function.invoke_within(&delivery.event, time).await;
    let memory = function.peak_memory();
    say(&format!(
        "{UPLOADS} uploads of {:.1} MB at a time: at most {:.1} MiB of memory ({:.1} MiB at the start)",
        request.len() as f64 / 1e6,
        memory as f64 / 1_048_576.0,
        before as f64 / 1_048_576.0,
    ));
    assert!(outcome.failures().is_empty(), "{outcome:?}");
    let keys = cloud.s3.list(S3::RESULTS, "results/chat/");
    assert_eq!(keys.len(), UPLOADS, "{keys:?}");
    for key in keys {
        let result = cloud.s3.json(S3::RESULTS, &key);
        let status = result.pointer("/response/status_code");
        assert_eq!(status.and_then(Value::as_u64), Some(200), "{result:.500}");
    }
    assert_eq!(cloud.paid_calls().await, UPLOADS);
    assert!(memory < MEMORY, "{memory} bytes");
}
