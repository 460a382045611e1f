use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::*;
use crate::api::document::Document;
use crate::telemetry::Line;

const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/v1/completions",
    },
    Route {
        method: "GET",
        path: "/v1/models/{id+}",
    },
];

const LIMIT: usize = 1_000;

fn v1() -> Value {
    json!({
        "resource": "/v1/completions",
        "path": "/v1/completions",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", "Host": "abc.execute-api.us-east-1.amazonaws.com"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {"stage": "prod", "path": "/prod/v1/completions", "httpMethod": "POST"},
        "body": "{\"prompt\":\"Hi\"}",
        "isBase64Encoded": false,
    })
}

fn v2() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/v1/completions",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/v1/completions"}},
        "body": "{\"prompt\":\"Hi\"}",
        "isBase64Encoded": false,
    })
}

fn input(event: &Value) -> Result<Input, Error> {
    let request = Request::read(&event.to_string()).map_err(|unread| unread.error)?;
    request.input_for(ROUTES, LIMIT)
}

fn body(event: &Value) -> Result<String, Error> {
    Ok(String::from_utf8(input(event)?.body).unwrap())
}

#[track_caller]
fn changed(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[key] = value;
    event
}

#[track_caller]
fn refused(event: &Value, code: &str) {
    assert_eq!(body(event).unwrap_err().row().code, code);
}

#[test]
fn both_versions_are_read() {
    for event in [v1(), v2()] {
        assert_eq!(body(&event).as_deref(), Ok("{\"prompt\":\"Hi\"}"));
    }
}

#[test]
fn a_stage_is_cut_from_the_path() {
    let event = changed(
        changed(v2(), "/rawPath", json!("/prod/v1/completions")),
        "/requestContext/stage",
        json!("prod"),
    );
    assert!(body(&event).is_ok());
    assert!(body(&changed(v1(), "/path", json!("/prod/v1/completions"))).is_ok());
    // A stage that is named like a route's first part is not cut from the route.
    let event = changed(v1(), "/requestContext/stage", json!("v1"));
    assert!(body(&event).is_ok());
    assert!(body(&changed(event, "/path", json!("/v1/v1/completions"))).is_ok());
    // A path that only begins like the stage is another path.
    refused(
        &changed(v1(), "/path", json!("/production/v1/completions")),
        "not_found",
    );
}

#[test]
fn a_base64_body_is_decoded() {
    let event = changed(v2(), "/isBase64Encoded", json!(true));
    assert_eq!(
        body(&changed(
            event.clone(),
            "/body",
            json!("eyJwcm9tcHQiOiJIaSJ9")
        ))
        .as_deref(),
        Ok("{\"prompt\":\"Hi\"}")
    );
    refused(&changed(event, "/body", json!("%%%")), "invalid_json");
}

/// Each of the bad ones makes `lambda_http`'s own conversion panic.
#[test]
fn a_host_and_a_query_that_cannot_be_are_refused() {
    for (host, good) in [
        ("h:99999999", false),
        ("ex ample", false),
        ("@", false),
        ("user@h", false),
        ("[::1", false),
        ("h:", false),
        ("", true),
        ("h:65535", true),
        ("[::1]:80", true),
        ("127.0.0.1", true),
    ] {
        for event in [
            changed(v1(), "/headers/Host", json!(host)),
            changed(v2(), "/headers/host", json!(host)),
        ] {
            assert_eq!(body(&event).is_ok(), good, "{host}");
        }
    }
    let long = "q".repeat(64 * 1024);
    for (query, good) in [
        ("a=\"b\"", false),
        ("a=<b>", false),
        ("a b", false),
        ("a=\u{1}", false),
        ("a#b", false),
        (long.as_str(), false),
        ("", true),
        ("a=b&c=%22%zz;d=\\", true),
    ] {
        let event = changed(v2(), "/rawQueryString", json!(query));
        assert_eq!(body(&event).is_ok(), good, "{query:.20}");
    }
}

#[test]
fn paths_and_methods_are_exact() {
    for path in [
        "/",
        "",
        "/v1/completions/",
        "/v1/chat/completions",
        "//v1/completions",
        "/v1/completions#a",
        "/v1\\completions",
    ] {
        refused(&changed(v2(), "/rawPath", json!(path)), "not_found");
    }
    for method in ["GET", "PUT", "OPTIONS", "post"] {
        refused(
            &changed(v2(), "/requestContext/http/method", json!(method)),
            "method_not_allowed",
        );
    }
}

#[test]
fn only_plain_json_is_taken() {
    for (content_type, good) in [
        (json!("application/json; charset=utf-8"), true),
        (json!("application/JSON; charset=\"UTF-8\""), true),
        (json!("application/vnd.api+json"), true),
        (json!("application/json; charset=utf-16"), false),
        (json!("text/plain"), false),
        (json!("multipart/form-data; boundary=x"), false),
    ] {
        let outcome = body(&changed(
            v2(),
            "/headers/content-type",
            content_type.clone(),
        ));
        assert_eq!(outcome.is_ok(), good, "{content_type}");
    }
    let mut missing = v2();
    missing["headers"] = json!({});
    assert!(body(&missing).is_ok());
    refused(
        &changed(v2(), "/headers/content-encoding", json!("gzip")),
        "unsupported_media_type",
    );
    assert!(
        body(&changed(
            v2(),
            "/headers/content-encoding",
            json!("identity")
        ))
        .is_ok()
    );
}

#[test]
fn a_body_above_the_limit_is_refused() {
    refused(
        &changed(v2(), "/body", json!(" ".repeat(LIMIT + 1))),
        "request_too_large",
    );
}

#[test]
fn other_events_are_refused() {
    for event in [
        json!({}),
        json!([]),
        json!(null),
        json!("x"),
        json!({"Records": [{"eventSource": "aws:s3"}]}),
        json!({"source": "aws.events"}),
    ] {
        refused(&event, "unsupported_event");
    }
}

#[test]
fn a_gateway_is_answered_in_its_version_whatever_it_sends() {
    let odd = json!({"x-odd": "a\r\nb"});
    for (event, version) in [
        (changed(v1(), "/headers", odd.clone()), Some(Version::V1)),
        (changed(v2(), "/headers", odd), Some(Version::V2)),
        (json!({"requestContext": {}}), Some(Version::V1)),
        (
            json!({"requestContext": {"elb": {}}, "httpMethod": "GET"}),
            None,
        ),
        (json!({"Records": []}), None),
    ] {
        assert_eq!(
            Request::read(&event.to_string()).unwrap_err().version,
            version
        );
    }
}

#[test]
fn the_rest_of_a_path_is_decoded() {
    for (path, rest) in [
        ("/v1/models/a.b-v1:0", Ok("a.b-v1:0")),
        ("/v1/models/a.b-v1%3A0", Ok("a.b-v1:0")),
        (
            "/v1/models/arn:aws:bedrock:r::foundation-model/a.b",
            Ok("arn:aws:bedrock:r::foundation-model/a.b"),
        ),
        ("/v1/models/arn%3Aaws%2Fa", Ok("arn:aws/a")),
        ("/v1/models/%ff", Err("not_found")),
        ("/v1/models/", Err("not_found")),
        ("/v1/models", Err("not_found")),
    ] {
        let get = changed(v2(), "/requestContext/http/method", json!("GET"));
        let found = input(&changed(get, "/rawPath", json!(path)));
        let found = found.map(|input| input.rest.unwrap());
        assert_eq!(
            found.as_deref().map_err(|error| error.row().code),
            rest,
            "{path}"
        );
    }
}

#[test]
fn a_query_is_handed_on() {
    let pairs = [("provider".to_owned(), "Amazon & co".to_owned())];
    let v1 = changed(
        v1(),
        "/queryStringParameters",
        json!({"provider": "Amazon & co"}),
    );
    let v2 = changed(
        v2(),
        "/queryStringParameters",
        json!({"provider": "Amazon & co"}),
    );
    for event in [v1, v2] {
        assert_eq!(input(&event).unwrap().query, pairs);
    }
}

fn key(event: &Value) -> Result<Option<IdempotencyKey>, Error> {
    Request::read(&event.to_string()).unwrap().idempotency_key()
}

#[test]
fn a_key_is_its_caller_s_own() {
    assert_eq!(key(&v1()), Ok(None));
    let keyed = |event: Value| changed(event, "/headers/idempotency-key", json!("k"));
    let scope = |event: &Value| key(event).unwrap().unwrap().scope;
    // Whom the gateway took the caller for comes before what the caller sends.
    let sent = changed(keyed(v2()), "/headers/authorization", json!("Bearer one"));
    assert_eq!(scope(&sent), "Bearer one");
    let signed = json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/a"}});
    let signed = changed(sent, "/requestContext/authorizer", signed);
    assert_eq!(scope(&signed), "arn:aws:iam::123456789012:user/a");
    let with_key = changed(
        keyed(v1()),
        "/requestContext/identity",
        json!({"apiKeyId": "i", "apiKey": "secret"}),
    );
    assert_eq!(scope(&with_key), "i");
    assert_eq!(scope(&keyed(v1())), "");
}

#[test]
fn a_key_that_is_none_is_refused_by_name() {
    for value in ["", "  ", "ü", &"k".repeat(256), &"k".repeat(10_240)] {
        let error = key(&changed(v2(), "/headers/idempotency-key", json!(value)));
        let error = error.unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some("Idempotency-Key"), "invalid_value"),
            "{value:.10}"
        );
    }
}

async fn buffered(answer: Answer, version: Version) -> Value {
    let (response, size) = answer.buffered(version).await;
    let Response::BufferedResponse(answer) = response else {
        panic!("streamed");
    };
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(size + 2, answer["body"].to_string().len());
    answer
}

#[tokio::test]
async fn an_error_has_its_headers() {
    for version in [Version::V1, Version::V2] {
        let line = Line::begin("id-1");
        let throttled = crate::error::UpstreamFault::Throttled { retry_after: None };
        let error = Error::Upstream {
            fault: throttled,
            cause: crate::error::Cause::default(),
        };
        let answer = buffered(Answer::of_error(&error, &line), version).await;
        assert_eq!(answer["statusCode"], 429);
        let expected = json!({
            "content-type": "application/json",
            "openai-processing-ms": "0",
            "retry-after": "2",
            "x-request-id": "id-1",
        });
        assert_eq!(answer["headers"], expected);

        let answer = buffered(Answer::of_error(&Error::defect("test"), &line), version).await;
        assert_eq!(answer["headers"]["x-should-retry"], "false");
        assert_eq!(answer["headers"].get("retry-after"), None);

        let error = RequestFault::MethodNotAllowed { allow: "POST" }.into();
        let answer = buffered(Answer::of_error(&error, &line), version).await;
        assert_eq!(answer["headers"]["allow"], "POST");
        line.none();
    }
}

#[tokio::test]
async fn only_version_2_has_cookies() {
    for (version, cookies) in [(Version::V1, None), (Version::V2, Some(json!([])))] {
        let line = Line::begin("id-1");
        let answer = Answer::whole(Document::of(&json!({"a": 1})).unwrap(), &line);
        let answer = buffered(answer, version).await;
        assert_eq!(answer.get("cookies").cloned(), cookies);
        assert_eq!(answer["body"], "{\"a\":1}");
        line.none();
    }
    assert_eq!(
        Request::read(&v1().to_string()).unwrap().version(),
        Version::V1
    );
    assert_eq!(
        Request::read(&v2().to_string()).unwrap().version(),
        Version::V2
    );
}

#[tokio::test]
async fn a_streamed_answer_has_a_prelude_and_the_same_body() {
    let line = Line::begin("id-1");
    let answer = Answer::whole(Document::of(&json!({"a": 1})).unwrap(), &line);
    line.none();
    let Response::StreamingResponse(streamed) = answer.streaming() else {
        panic!("buffered");
    };
    assert_eq!(streamed.metadata_prelude.status_code, 200);
    assert_eq!(streamed.metadata_prelude.headers["x-request-id"], "id-1");
    let chunks: Vec<_> = streamed.stream.map(Result::unwrap).collect().await;
    assert_eq!(chunks.concat(), b"{\"a\":1}");
}

#[test]
fn only_the_one_origin_may_read() {
    let cors = Cors(Some(HeaderValue::from_static("https://a.example")));
    let headers = |cors: &Cors, event: Value| -> std::collections::BTreeMap<_, _> {
        let request = Request::read(&event.to_string()).unwrap();
        let headers = request.cors(cors, ROUTES).into_iter();
        headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    };
    let from = |origin: &str| changed(v2(), "/headers/origin", json!(origin));
    let allowed = headers(&cors, from("https://a.example"));
    assert_eq!(allowed["access-control-allow-origin"], "https://a.example");
    assert!(allowed["access-control-expose-headers"].contains("x-request-id"));
    for origin in ["null", "https://b.example", "https://a.example.evil", "*"] {
        let names: Vec<_> = headers(&cors, from(origin)).into_keys().collect();
        assert_eq!(names, ["vary"], "{origin}");
        assert!(headers(&Cors(None), from(origin)).is_empty());
    }
    let asking = changed(
        from("https://a.example"),
        "/requestContext/http/method",
        json!("OPTIONS"),
    );
    let asking = changed(
        asking,
        "/headers/access-control-request-method",
        json!("POST"),
    );
    assert!(
        Request::read(&asking.to_string())
            .unwrap()
            .is_preflight(ROUTES)
    );
    let preflight = headers(&cors, asking);
    assert_eq!(preflight["access-control-allow-methods"], "POST");
    assert!(preflight["access-control-allow-headers"].contains("x-stainless-retry-count"));
}
