//! Batch files: split, worked on and summed up.

use end_to_end::{Cloud, Function, S3, marked};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Calls the functions with their messages until no queue has any.
async fn drive(cloud: &Cloud, functions: &mut [(&str, Function)]) {
    loop {
        let mut idle = true;
        for (name, function) in &mut *functions {
            while let Some(delivery) = cloud.sqs.take(Cloud::queue(name), 10) {
                idle = false;
                let outcome = function.invoke_event(&delivery.event).await;
                cloud.sqs.settle_outcome(&delivery, &outcome);
            }
        }
        // Time goes on only when nobody has anything to do.
        let waits = |(name, _): &(&str, Function)| cloud.sqs.skip(Cloud::queue(name));
        if idle && !functions.iter().any(waits) {
            return;
        }
    }
}

/// The one summary in a function's folder.
fn summary(cloud: &Cloud, name: &str) -> Value {
    let keys = cloud.s3.list(S3::RESULTS, &format!("results/{name}/"));
    let key = keys.iter().find(|key| key.ends_with("/summary.json"));
    let key = key.unwrap_or_else(|| panic!("no summary in {keys:?}"));
    cloud.s3.json(S3::RESULTS, key)
}

/// A line of a batch file for each function.
const LINES: [&str; 3] = [
    r#"{"custom_id":"canary-7b1e44 1","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"canary-7b1e44 Hi"}]}}"#,
    r#"{"custom_id":"canary-7b1e44 2","method":"POST","url":"/v1/completions","body":{"prompt":"canary-7b1e44 Hi"}}"#,
    r#"{"custom_id":"canary-7b1e44 3","method":"POST","url":"/v1/images/generations","body":{"prompt":"canary-7b1e44 a lake"}}"#,
];

#[tokio::test]
async fn a_batch_file_of_any_function_may_have_lines_for_every_function() {
    const FUNCTIONS: [&str; 3] = ["chat", "text-completion", "image-generation"];
    let cloud = &Cloud::start().await;
    let starts = FUNCTIONS.map(|name| async move { (name, cloud.start_function(name, &[]).await) });
    let mut functions = join_all(starts).await;
    for name in FUNCTIONS {
        cloud.upload(name, "all.jsonl", LINES.join("\n"));
    }
    drive(cloud, &mut functions).await;
    for name in FUNCTIONS {
        let summary = summary(cloud, Cloud::short_name(name));
        let counts = json!({"total": 3, "completed": 3, "failed": 0});
        assert_eq!(summary.get("request_counts"), Some(&counts), "{summary}");
    }
    assert_eq!(cloud.paid_calls().await, LINES.len() * FUNCTIONS.len());
}

#[tokio::test]
async fn a_batch_file_s_lines_all_end_in_results_and_are_summed_up() {
    let cloud = Cloud::start().await;
    let mut functions = [
        ("chat", cloud.start_function("chat", &[]).await),
        (
            "text-completion",
            cloud.start_function("text-completion", &[]).await,
        ),
    ];
    let lines = [
        r#"{"custom_id":"canary-7b1e44 a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"canary-7b1e44 Hi"}]}}"#,
        r#"{"custom_id":"canary-7b1e44 b","method":"POST","url":"/v1/completions","body":{"prompt":"canary-7b1e44 Hi"}}"#,
        "",
        r#"{"custom_id":"canary-7b1e44 c","method":"POST","url":"/v1/completions","body":{"promt":"canary-7b1e44 Hi"}}"#,
        "canary-7b1e44, and no JSON",
    ];
    cloud.upload("chat", "all.jsonl", lines.join("\n"));
    drive(&cloud, &mut functions).await;
    let summary = summary(&cloud, "chat");
    let counts = json!({"total": 4, "completed": 2, "failed": 2});
    assert_eq!(summary.get("request_counts"), Some(&counts), "{summary}");
    assert_eq!(
        summary.get("failed_lines"),
        Some(&json!([3, 4])),
        "{summary}"
    );
    assert_eq!(
        summary.get("status"),
        Some(&json!("completed")),
        "{summary}"
    );
    assert_eq!(cloud.paid_calls().await, 2);
    let id = summary.get("id").and_then(Value::as_str).expect("an id");
    let failed = format!("results/chat/{id}/failed/00000003.json");
    let failed = cloud.s3.json(S3::RESULTS, &failed);
    assert_eq!(failed.get("custom_id"), Some(&json!(marked("c"))));
    assert_eq!(
        failed.pointer("/response/body/error/param"),
        Some(&json!("prompt")),
        "{failed}"
    );
}
