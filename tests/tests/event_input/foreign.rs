//! Events of other services, and what is no event.

use std::time::Duration;

use bedrock_adapter::doors::api_gateway::Request;
use bedrock_adapter::doors::notification::Trusted;
use bedrock_adapter::doors::queue::Message;
use bedrock_adapter::doors::{Event as Read, Source};
use end_to_end::{CANARY, Event, Outcome, published};
use serde_json::{Value, json};

use crate::bench::{Bench, FUNCTIONS};
use crate::case::Fate;

/// Examples of AWS by their names, and how the error names their service.
const SERVICES: [(&str, Source); 18] = [
    (
        "alb-lambda-target-request-headers-only",
        Source::LoadBalancer,
    ),
    (
        "alb-lambda-target-request-multivalue-headers",
        Source::LoadBalancer,
    ),
    ("dynamodb-event", Source::DynamoDb),
    ("dynamodb-event-null-items", Source::DynamoDb),
    ("kinesis-event", Source::Kinesis),
    ("kinesis-event-encrypted", Source::Kinesis),
    ("eventbridge-schedule", Source::EventBridge),
    ("eventbridge-event-obj", Source::EventBridge),
    ("autoscaling-event-launch-successful", Source::EventBridge),
    ("codebuild-state-change", Source::EventBridge),
    ("codedeploy-deployment-event", Source::EventBridge),
    (
        "codepipeline-execution-state-change-event",
        Source::EventBridge,
    ),
    ("ecr-image-scan-event", Source::EventBridge),
    ("ses-event", Source::Other),
    ("ses-lambda-event", Source::Other),
    ("ses-s3-event", Source::Other),
    ("ses-bcc-event", Source::Other),
    ("code_commit-event", Source::Other),
];

/// Examples whose shape is no other service's: they are taken for bad HTTP.
const SHAPELESS: [&str; 8] = [
    "cognito-event",
    "connect-event",
    "iot_button-event",
    "kafka-event",
    "kinesis-firehose-event",
    "lex-event",
    "codepipeline_job-event",
    "cloudwatch_logs-event",
];

/// An event that a skill of Alexa sends.
fn alexa() -> Value {
    json!({
        "version": "1.0",
        "session": {"new": true, "sessionId": "amzn1.echo-api.session.made-up"},
        "context": {"System": {"application": {"applicationId": "amzn1.ask.skill.made-up"}}},
        "request": {"type": "IntentRequest", "requestId": CANARY, "locale": "en-US"},
    })
}

fn names_it(outcome: &Outcome, source: Source) {
    let message = format!("This function cannot serve an event of {source}.");
    assert_eq!(outcome.error(), ("UnsupportedEvent", message.as_str()));
}

/// 5 KB that are nothing, the same for the same seed.
fn random(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(&mut byte).take(5 * 1024).collect()
}

/// Invokes a function with these bytes: nothing good may come of it.
async fn refused(bench: &mut Bench, bytes: Vec<u8>) {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match bench
        .function
        .invoke_bytes(bytes, Duration::from_secs(20))
        .await
    {
        Outcome::Error(_) => {}
        Outcome::Streamed(streamed) => {
            let (prelude, _) = streamed.prelude.expect("a prelude");
            let status = prelude.get("statusCode").and_then(Value::as_u64);
            assert!(status >= Some(400), "{text}: {prelude}");
        }
        Outcome::Response(response) => {
            let status = response.get("statusCode").and_then(Value::as_u64);
            let is_refused = status >= Some(400) || response.get("error").is_some();
            let reported = response.get("batchItemFailures").and_then(Value::as_array);
            let is_reported = reported.is_some_and(|failures| !failures.is_empty());
            assert!(is_refused || is_reported, "{text}: {response}");
        }
    }
}

/// Reads an event as the doors do, each record of it too.
fn read(event: &str, trusted: &Trusted) {
    if let Read::Messages(records) = Read::of(event, trusted) {
        for record in records {
            // Its own queue is served, so that the body is read.
            let record_json: Value = serde_json::from_str(record.get()).expect("JSON");
            let queue = record_json.get("eventSourceARN").and_then(Value::as_str);
            let queues = [queue.unwrap_or_default().to_owned()];
            drop(Message::read(record, &queues, trusted));
        }
    }
    drop(Request::read(event));
}

end_to_end::rows! {
    b59_an_event_of_another_service_is_refused_by_the_service_s_name:
    "ALB, DynamoDB, Kinesis, Alexa, a schedule and others: the invocation fails as UnsupportedEvent, and the error names what was seen" => {
        let examples = published();
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            for (example, source) in SERVICES {
                let (_, text) = examples.iter().find(|(name, _)| name == example).expect(example);
                let outcome = bench.function.invoke_bytes(text.clone(), Duration::from_secs(20)).await;
                names_it(&outcome, source);
            }
            for example in SHAPELESS {
                let (_, text) = examples.iter().find(|(name, _)| name == example).expect(example);
                let event: Value = serde_json::from_slice(text).expect("JSON");
                let answer = bench.function.call(&event.into()).await;
                assert_eq!(answer.status, 400, "{example}: {answer:?}");
                assert_eq!(answer.error().get("code"), Some(&json!("unsupported_event")));
                bench.expect("", Fate::Refused(400, "unsupported_event"));
            }
            names_it(&bench.function.invoke_event(&alexa().into()).await, Source::Alexa);
            assert_eq!(bench.cloud.bedrock().calls().await.received, 0);
            bench.check(vec![]).await;
            bench.finish().await;
        }
    }

    b60_no_bytes_make_a_function_panic:
    "5 KB of random bytes, every truncation of AWS's 174 examples and of our own events: an error, and no model is called" => {
        let trusted = Trusted {
            buckets: vec!["mybucket".to_owned(), "example-bucket".to_owned()],
            prefix: String::new(),
        };
        let own = Event::names().into_iter().map(|name| {
            let text = Event::file(&name).text();
            (name, text.into_bytes())
        });
        let examples: Vec<_> = published().into_iter().chain(own).collect();
        assert!(examples.len() >= 145, "{}", examples.len());
        let mut truncations = 0;
        for (_, bytes) in &examples {
            let text = String::from_utf8_lossy(bytes);
            for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
                read(&text[..end], &trusted);
                truncations += 1;
            }
        }
        end_to_end::say(&format!("B60: {truncations} truncations of {} events", examples.len()));
        for name in FUNCTIONS {
            for responder in ["buffered", "stream"] {
                let mut bench = Bench::start(name, &[("HTTP_RESPONSE", responder)]).await;
                for (_, bytes) in published() {
                    for end in [0, 1, 2, 3, 4].map(|part| bytes.len() * part / 4) {
                        refused(&mut bench, bytes[..end].to_vec()).await;
                    }
                }
                for seed in 0..20 {
                    refused(&mut bench, random(seed)).await;
                }
                refused(&mut bench, format!("{{\"prompt\":\"{CANARY}").into()).await;
                let calls = bench.cloud.bedrock().calls().await;
                assert_eq!(calls.received, 0, "{name}");
                let log = bench.function.stop().await;
                assert!(!log.contains("panicked"), "{name}: {log}");
            }
        }
    }
}
