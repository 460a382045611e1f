//! What is wrong with an event around its body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{Event, Stack};
use serde_json::{Value, json};

use crate::{Bad, FUNCTIONS, check};

/// Changes the method of an event of version 2.
fn method(event: &Event, method: &str) -> Event {
    let event = event.clone();
    event.with("/requestContext/http/method", method.into())
}

fn table(good: &Event) -> Vec<Bad> {
    let path = |path: &str| {
        let event = good.clone().with("/rawPath", path.into());
        Bad::new(format!("path {path}"), event, "not_found").status(404)
    };
    let refused_method = |name: &str| {
        let event = method(good, name);
        Bad::new(name, event, "method_not_allowed").status(405)
    };
    let header = |name: &str, value: &str| {
        let event = good.clone().with_header(name, value);
        Bad::new(format!("{name}: {value}"), event, "unsupported_media_type").status(415)
    };
    let body = good.body().to_string();
    let base64 = |text: &str| {
        let event = good.clone().with_text(text);
        let event = event.with("/isBase64Encoded", true.into());
        Bad::new("base64", event, "invalid_json")
    };
    vec![
        path("/v1/nothing"),
        path("/"),
        path(""),
        path("abc"),
        path("/../v1/chat/completions"),
        path("//evil/v1/chat/completions"),
        refused_method("GET"),
        refused_method("PUT"),
        refused_method("TRACE"),
        header("content-type", "text/plain"),
        header("content-type", "multipart/form-data; boundary=x"),
        header("content-type", "application/json; charset=utf-16"),
        header("content-type", ""),
        header("content-encoding", "gzip"),
        base64("a!"),
        base64(&body),
        base64(&STANDARD.encode(b"\xff\xfe{}")),
        Bad::new(
            "a body of more than 6 MB",
            good.clone().with_text(&" ".repeat(6 * 1024 * 1024 + 1)),
            "request_too_large",
        )
        .status(413),
        // A header that HTTP cannot carry is no request of API Gateway.
        Bad::new(
            "a line break in a header",
            good.clone().with_header("x-odd", "a\r\nb: c"),
            "unsupported_event",
        ),
    ]
}

#[tokio::test]
async fn a_request_that_is_not_for_the_function_is_refused() {
    for (function, event) in FUNCTIONS {
        let good = Event::file(event);
        check(function, &good, table(&good)).await;
    }
}

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

#[tokio::test]
async fn an_event_of_another_service_is_refused() {
    for (function, event) in FUNCTIONS {
        check(function, &Event::file(event), foreign()).await;
    }
}

/// These make `lambda_http`'s own reading of an event panic, or change the path.
#[tokio::test]
async fn an_odd_host_or_query_changes_nothing_about_a_good_request() {
    let mut stack = Stack::start("chat", &[]).await;
    let good = Event::file("chat-http-v2");
    let rest = Event::file("chat-rest-v1");
    for host in ["h:99999999", "ex ample", "@", "[::1", "", "a/../b"] {
        let events = [
            good.clone().with_header("host", host),
            rest.clone().with_header("Host", host),
        ];
        for event in events {
            let answer = stack.function.call(&event).await;
            assert_eq!(answer.status, 200, "host {host:?}: {answer:?}");
        }
    }
    let long = "q".repeat(64 * 1024);
    for query in ["a=<b>", r#"a="b""#, "a=\u{1}", "%zz", "a=\\", &long] {
        let event = good.clone().with("/rawQueryString", query.into());
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "query {query:.20?}: {answer:?}");
        let parameters = json!({"a": query});
        let event = rest.clone().with("/queryStringParameters", parameters);
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "query {query:.20?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_header_that_is_missing_or_harmless_changes_nothing() {
    let mut stack = Stack::start("chat", &[]).await;
    let good = Event::file("chat-http-v2");
    for event in [
        good.clone().with("/headers", json!({})),
        good.clone()
            .with_header("content-type", "application/json; charset=UTF-8"),
        good.clone().with_header("content-encoding", "identity"),
        good.clone().with_header("origin", "null"),
    ] {
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}
