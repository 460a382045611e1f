//! What a caller says of itself, and who calls at all.

use end_to_end::{Event, Stack};
use serde_json::{Value, json};

use crate::bad::{Bad, FUNCTIONS, check, everywhere, good};

/// Events of services that the functions do not serve, and of none.
fn foreign() -> Vec<Bad> {
    let events = [
        (
            "an upload to S3",
            json!({"Records": [{
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
                "eventTime": "2026-11-23T09:15:00.000Z", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "pictures"}, "object": {"key": "a+b.json", "size": 2}},
            }]}),
        ),
        (
            "messages of SQS",
            json!({"Records": [{
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEB",
                "body": "{\"prompt\":\"a\"}", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
            }]}),
        ),
        (
            "a schedule",
            json!({
                "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
                "detail-type": "Scheduled Event", "source": "aws.events",
                "time": "2026-11-23T09:15:00Z", "region": "us-east-1", "resources": [], "detail": {},
            }),
        ),
        (
            "a load balancer",
            json!({
                "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/b"}},
                "httpMethod": "POST", "path": "/v1/completions", "queryStringParameters": {},
                "headers": {"content-type": "application/json"},
                "body": "{\"prompt\":\"a\"}", "isBase64Encoded": false,
            }),
        ),
        ("an empty object", json!({})),
        ("an empty list", json!([])),
        ("null", Value::Null),
        ("a number", json!(5)),
        ("a text", json!("{}")),
        ("a bare body", json!({"prompt": "a", "messages": []})),
        ("a bare context", json!({"requestContext": {}})),
    ];
    let events = events.into_iter();
    let bad = events.map(|(what, event)| Bad::new(what, event.into(), "unsupported_event"));
    bad.collect()
}

/// A good request that is said to come from somebody else.
fn spoofed(good: &Event) -> Vec<Event> {
    let authorizers = [
        json!({"principalId": "admin", "claims": {"sub": "admin"}}),
        json!({"jwt": {"claims": {"sub": "admin"}, "scopes": ["all"]}}),
        json!({"lambda": {"user": "admin"}}),
        json!({"iam": {"userArn": "arn:aws:iam::123456789012:root"}}),
    ];
    let events = authorizers.into_iter();
    let events =
        events.map(|authorizer| good.clone().with("/requestContext/authorizer", authorizer));
    events.collect()
}

end_to_end::rows! {
    b40_an_idempotency_key_is_refused_until_it_is_served:
    "any Idempotency-Key, empty, of 10 KB, the same again: 400 idempotency_unsupported (422 idempotency_mismatch comes with the once-only lock)" => {
        everywhere(|good| {
            let long = "k".repeat(10 * 1024);
            ["", "a-key", "a-key", "stainless-node-retry-8d1c", &long]
                .map(|key| {
                    let event = good.clone().with_header("Idempotency-Key", key);
                    Bad::new(format!("the key {key:.10?}"), event, "idempotency_unsupported")
                })
                .into()
        })
        .await;
    }

    b41_who_calls_is_not_taken_from_the_event:
    "a spoofed requestContext.authorizer changes nothing; without a requestContext, or of another service: 400 unsupported_event" => {
        everywhere(|good| {
            let mut table = foreign();
            let without = good.clone().with("/requestContext", Value::Null);
            table.push(Bad::new("no context", without, "unsupported_event"));
            let empty = good.clone().with("/requestContext", json!("context"));
            table.push(Bad::new("a text for a context", empty, "unsupported_event"));
            table
        })
        .await;
        for (function, _) in FUNCTIONS {
            let mut stack = Stack::start(function, &[("ALLOWED_MODELS", "")]).await;
            for good in good(function) {
                let own = stack.function.call(&good).await;
                for event in spoofed(&good) {
                    let answer = stack.function.call(&event).await;
                    assert_eq!(answer.status, own.status, "{function}: {answer:?}");
                    assert_eq!(answer.headers.keys().collect::<Vec<_>>(), own.headers.keys().collect::<Vec<_>>());
                    assert_eq!(answer.body["choices"], own.body["choices"], "{function}");
                    assert_eq!(answer.body["model"], own.body["model"], "{function}");
                }
            }
        }
        // Nor does it open what is closed.
        for event in good("chat") {
            let closed = [("ALLOWED_MODELS", "us.amazon.nova-micro-v1:0"), ("DEFAULT_CHAT_MODEL", "us.amazon.nova-micro-v1:0")];
            let nova = event.clone().with_field("model", "us.amazon.nova-micro-v1:0".into());
            let table = spoofed(&event)
                .into_iter()
                .map(|event| {
                    Bad::new("spoofed", event, "model_not_allowed").status(403).param("model")
                })
                .collect();
            check(&closed, "chat", &nova, table).await;
        }
    }
}
