use serde_json::{Value, json};

use super::*;

const ROUTE: Route = Route {
    method: "POST",
    path: "/v1/completions",
};

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

fn body(event: &Value) -> Result<String, Error> {
    let body = Request::read(&event.to_string())?.body_for(ROUTE)?;
    Ok(String::from_utf8(body).unwrap())
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

#[test]
fn what_makes_lambda_http_panic_is_read() {
    for host in ["h:99999999", "ex ample", "@", "[::1"] {
        assert!(
            body(&changed(v1(), "/headers/Host", json!(host))).is_ok(),
            "{host}"
        );
    }
    for query in ["a=\"b\"", "a=<b>", "a b"] {
        assert!(
            body(&changed(v2(), "/rawQueryString", json!(query))).is_ok(),
            "{query}"
        );
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
        &changed(v2(), "/body", json!(" ".repeat(LARGEST_BODY + 1))),
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

fn shown(answer: &Answer) -> Value {
    serde_json::to_value(answer).unwrap()
}

#[test]
fn an_error_has_its_headers() {
    for version in [Version::V1, Version::V2] {
        let throttled = crate::error::UpstreamFault::Throttled { retry_after: None };
        let error = Error::Upstream {
            fault: throttled,
            cause: crate::error::Cause::default(),
        };
        let answer = shown(&Answer::of_error(&error, version, "id-1", 7));
        assert_eq!(answer["statusCode"], 429);
        let expected = json!({
            "content-type": "application/json",
            "openai-processing-ms": "7",
            "retry-after": "2",
            "x-request-id": "id-1",
        });
        assert_eq!(answer["headers"], expected);

        let answer = shown(&Answer::of_error(
            &Error::defect("test"),
            version,
            "id-1",
            7,
        ));
        assert_eq!(answer["headers"]["x-should-retry"], "false");
        assert_eq!(answer["headers"].get("retry-after"), None);

        let error = RequestFault::MethodNotAllowed { allow: "POST" }.into();
        let answer = shown(&Answer::of_error(&error, version, "id-1", 7));
        assert_eq!(answer["headers"]["allow"], "POST");
    }
}

#[test]
fn only_version_2_has_cookies() {
    for (version, cookies) in [(Version::V1, None), (Version::V2, Some(json!([])))] {
        let answer = Answer::of(&json!({}), version, "id-1", 7).unwrap();
        assert_eq!(
            serde_json::to_value(answer)
                .unwrap()
                .get("cookies")
                .cloned(),
            cookies
        );
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
