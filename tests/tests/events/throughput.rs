//! How fast a batch file's lines are answered, against what the model's latency allows.

use std::io::Write as _;
use std::time::{Duration, Instant};

use end_to_end::{Cloud, Function, S3, Sqs, marked};
use serde_json::json;

const LINES: usize = 1_000;

/// How long the model works on each line.
const LATENCY: Duration = Duration::from_millis(400);

/// How many environments Lambda would run, and how many records each works on at a time.
const ENVIRONMENTS: usize = 2;
const RECORDS: usize = 10;

/// What the rate must reach of what latency and concurrency allow. The functions are not optimised, and
/// share two cores with everything that they talk to.
const SHARE: f64 = 0.6;

/// The memory that the template gives a function that writes text.
const MEMORY: u64 = 128 * 1024 * 1024;

/// Answers messages until the queue has none.
async fn work(cloud: &Cloud, function: &mut Function) {
    while let Some(delivery) = cloud.sqs.take(Sqs::CHAT, RECORDS) {
        let outcome = function.invoke_event(&delivery.event).await;
        cloud.sqs.settle_outcome(&delivery, &outcome);
    }
}

#[tokio::test]
async fn lines_are_answered_about_as_fast_as_the_model_allows() {
    let cloud = Cloud::with_faults().await;
    let mut functions = Vec::new();
    for _ in 0..ENVIRONMENTS {
        functions.push(cloud.start_function("chat", &[]).await);
    }
    let prompt = marked(&format!("[[fault:slow:{}]] Hello", LATENCY.as_millis()));
    let line = json!({
        "custom_id": "line", "method": "POST", "url": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": prompt}]},
    });
    cloud.upload("chat", "many.jsonl", format!("{line}\n").repeat(LINES));
    let splitting = Instant::now();
    let file = cloud.sqs.take(Sqs::CHAT, 1).expect("the upload");
    let [first, ..] = functions.as_mut_slice() else {
        panic!("no function");
    };
    let outcome = first.invoke_event(&file.event).await;
    cloud.sqs.settle_outcome(&file, &outcome);
    let splitting = splitting.elapsed();

    let answering = Instant::now();
    let working = functions.iter_mut().map(|function| work(&cloud, function));
    futures_util::future::join_all(working).await;
    let answering = answering.elapsed();

    let keys = cloud.s3.list(S3::RESULTS, "results/chat/");
    let done = keys.iter().filter(|key| key.contains("/done/")).count();
    assert_eq!((done, cloud.paid_calls().await), (LINES, LINES));
    let rate = LINES as f64 / answering.as_secs_f64();
    let allowed = (ENVIRONMENTS * RECORDS) as f64 / LATENCY.as_secs_f64();
    let memory = functions.iter().map(Function::peak_memory).max();
    let memory = memory.expect("a function");
    writeln!(
        std::io::stdout().lock(),
        "\n{LINES} lines: split in {splitting:.1?}, {rate:.0} lines/s of {allowed:.0} that {} calls of \
         {LATENCY:?} at a time allow, peak {:.1} MiB a function",
        ENVIRONMENTS * RECORDS,
        memory as f64 / 1_048_576.0,
    )
    .expect("standard output");
    assert!(rate >= SHARE * allowed, "{rate:.1} of {allowed:.1}");
    assert!(memory <= MEMORY, "{memory} bytes");
}
