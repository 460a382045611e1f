//! Batch files: split, worked on and summed up.

use end_to_end::{Cloud, Function, S3};
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
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"Hi"}]}}"#,
        r#"{"custom_id":"b","method":"POST","url":"/v1/completions","body":{"prompt":"Hi"}}"#,
        "",
        r#"{"custom_id":"c","method":"POST","url":"/v1/completions","body":{"promt":"Hi"}}"#,
        "nonsense",
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
    assert_eq!(failed.get("custom_id"), Some(&json!("c")));
    assert_eq!(
        failed.pointer("/response/body/error/param"),
        Some(&json!("prompt")),
        "{failed}"
    );
}
