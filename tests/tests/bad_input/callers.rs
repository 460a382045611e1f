//! What a caller says of itself, and who calls at all.

use end_to_end::{Answer, CANARY, Event, S3, Stack};
use serde_json::{Value, json};

use crate::bad::{Bad, FUNCTIONS, check, everywhere, good, refused_with};

/// Events of services that the functions do not serve as they are started here, each with the type
/// of the error that the invocation fails with.
fn foreign() -> [(Value, &'static str); 4] {
    [
        (
            json!({"Records": [{
                "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
                "eventTime": "2026-11-23T09:15:00.000Z", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "pictures"}, "object": {"key": "a+b.json", "size": 2}},
            }]}),
            "NotServed",
        ),
        (
            json!({"Records": [{
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEB",
                "body": "{\"prompt\":\"a\"}", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
            }]}),
            "NotServed",
        ),
        (
            json!({
                "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
                "detail-type": "Scheduled Event", "source": "aws.events",
                "time": "2026-11-23T09:15:00Z", "region": "us-east-1", "resources": [], "detail": {},
            }),
            "UnsupportedEvent",
        ),
        (
            json!({
                "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/b"}},
                "httpMethod": "POST", "path": "/v1/completions", "queryStringParameters": {},
                "headers": {"content-type": "application/json"},
                "body": "{\"prompt\":\"a\"}", "isBase64Encoded": false,
            }),
            "UnsupportedEvent",
        ),
    ]
}

/// Events of no service.
fn shapeless() -> Vec<Bad> {
    let events = [
        ("an empty object", json!({})),
        ("an empty list", json!([])),
        ("null", Value::Null),
        ("a number", json!(5)),
        ("a text", json!("{}")),
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

/// Where answers are kept.
const KEPT: [(&str, &str); 1] = [("RESULT_BUCKET", S3::RESULTS)];

/// Requests whose key is none.
fn bad_keys(good: &Event) -> Vec<Bad> {
    let [long, longer] = [256, 10 * 1024].map(|length| "k".repeat(length));
    let keys = ["", " ", "\t", &long, &longer, "cl\u{e9}"];
    let bad = keys.map(|key| {
        let event = good.clone().with_header("Idempotency-Key", key);
        Bad::new(format!("the key {key:.10?}"), event, "invalid_value").param("Idempotency-Key")
    });
    bad.into()
}

/// The same request of other callers, as each kind of gateway and no gateway at all says who calls.
fn of_others(event: &Event) -> Vec<Event> {
    let sent = event
        .clone()
        .with_header("Authorization", "Bearer sk-another");
    let told = match event.is_rest() {
        true => ["apiKeyId", "userArn"]
            .map(|name| {
                let pointer = format!("/requestContext/identity/{name}");
                event
                    .clone()
                    .with(&pointer, format!("another {name}").into())
            })
            .to_vec(),
        false => [
            json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/another"}}),
            json!({"jwt": {"claims": {"sub": "another"}, "scopes": null}}),
        ]
        .map(|authorizer| event.clone().with("/requestContext/authorizer", authorizer))
        .to_vec(),
    };
    [sent].into_iter().chain(told).collect()
}

/// Uses a key again, for the same request and for others.
async fn used_twice(function: &str, event: Event) {
    let mut stack = Stack::start(function, &KEPT).await;
    let replayed = |answer: &Answer| answer.header("idempotent-replayed") == "true";
    let first = stack.function.call(&event).await;
    assert_eq!(first.status, 200, "{function}: {first:?}");
    let other = event.clone().with_field("user", "another".into());
    for _ in 0..2 {
        let answer = stack.function.call(&other).await;
        assert_eq!(answer.status, 422, "{function}: {answer:?}");
        assert_eq!(answer.error()["code"], "idempotency_mismatch");
        assert_eq!(answer.error()["type"], "invalid_request_error");
        assert_eq!(answer.header("retry-after"), "");
    }
    let again = stack.function.call(&event).await;
    assert!(
        replayed(&again) && again.content == first.content,
        "{again:?}"
    );
    let others = of_others(&event);
    let paid = 1 + others.len();
    for event in others {
        let own = stack.function.call(&event).await;
        assert!(own.status == 200 && !replayed(&own), "{function}: {own:?}");
        let again = stack.function.call(&event).await;
        assert!(
            replayed(&again) && again.content == own.content,
            "{again:?}"
        );
    }
    let generated = stack.bedrock.calls().await.generated;
    assert_eq!(usize::try_from(generated).ok(), Some(paid), "{function}");
}

end_to_end::rows! {
    b40_a_key_is_its_caller_s_and_stands_for_one_request:
    "Idempotency-Key empty, of 256 characters, of 10 KB, not ASCII: 400 invalid_value; with another body: 422 idempotency_mismatch; another caller's: an answer of its own; without RESULT_BUCKET: 400 idempotency_unsupported" => {
        everywhere(|good| {
            let unserved = [CANARY, "stainless-node-retry-8d1c"].map(|key| {
                let event = good.clone().with_header("Idempotency-Key", key);
                Bad::new(format!("the key {key}"), event, "idempotency_unsupported")
            });
            unserved.into_iter().chain(bad_keys(good)).collect()
        })
        .await;
        for (function, _) in FUNCTIONS {
            refused_with(&KEPT, function, bad_keys).await;
            for event in good(function) {
                // What a gateway says of the caller goes before what the caller sends.
                let event = match event.is_rest() {
                    true => event.without("/requestContext/identity/apiKey"),
                    false => event,
                };
                used_twice(function, event.with_header("Idempotency-Key", CANARY)).await;
            }
        }
    }

    b41_who_calls_is_not_taken_from_the_event:
    "a spoofed requestContext.authorizer changes nothing; without a requestContext: 400 unsupported_event; of another service: the invocation fails" => {
        everywhere(|good| {
            let mut table = shapeless();
            let without = good.clone().with("/requestContext", Value::Null);
            table.push(Bad::new("no context", without, "unsupported_event"));
            let empty = good.clone().with("/requestContext", json!("context"));
            table.push(Bad::new("a text for a context", empty, "unsupported_event"));
            table
        })
        .await;
        for (function, _) in FUNCTIONS {
            let mut stack = Stack::start(function, &[("ALLOWED_MODELS", "")]).await;
            for (event, kind) in foreign() {
                let outcome = stack.function.invoke_event(&event.into()).await;
                assert_eq!(outcome.error().0, kind, "{function}: {outcome:?}");
            }
            // Whoever may invoke the function itself has no gateway's answer.
            let bare = json!({"prompt": "a", "messages": []});
            let outcome = stack.function.invoke_event(&bare.into()).await;
            let error = outcome.response().pointer("/error/type");
            assert_eq!(error, Some(&json!("invalid_request_error")), "{outcome:?}");
            assert_eq!(stack.bedrock.calls().await.received, 0, "{function}");
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
