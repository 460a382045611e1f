//! What is wrong with an event around its body.

use end_to_end::{Answer, CANARY, Event, Stack};
use serde_json::json;

use crate::bad::{Bad, FUNCTIONS, answered, check_log, everywhere, good};

/// A request with this header, that is refused for its body's form.
fn of_form(good: &Event, name: &str, value: &str) -> Bad {
    let event = good.clone().with_header(name, value);
    Bad::new(format!("{name}: {value}"), event, "unsupported_media_type").status(415)
}

/// A request for this path, which is no route.
fn of_path(good: &Event, path: &str) -> Bad {
    let event = good.clone().with_path(path);
    Bad::new(format!("path {path:?}"), event, "not_found").status(404)
}

/// The path of a good request.
fn path(good: &Event) -> String {
    let file = FUNCTIONS.map(|(function, _)| function);
    let paths = [
        "/v1/completions",
        "/v1/chat/completions",
        "/v1/images/generations",
    ];
    let known = file.iter().zip(paths);
    let text = format!("{good:?}");
    let found = known
        .map(|(_, path)| path)
        .find(|path| text.contains(&format!("{path}\"")));
    found.expect("a known path").to_owned()
}

fn has_no_cors(answer: &Answer) {
    let with = answer
        .headers
        .keys()
        .find(|name| name.starts_with("access-control-"));
    assert_eq!(with, None, "{answer:?}");
}

const PAGE: &str = "https://app.example";

end_to_end::rows! {
    b13_a_body_of_another_media_type_is_refused:
    "text/plain, multipart/form-data, another charset: 415; a missing content type, charset=UTF-8: accepted" => {
        everywhere(|good| {
            vec![
                of_form(good, "content-type", "text/plain"),
                of_form(good, "content-type", "multipart/form-data; boundary=x"),
                of_form(good, "content-type", "application/x-www-form-urlencoded"),
                of_form(good, "content-type", "application/json; charset=utf-16"),
                of_form(good, "content-type", ""),
            ]
        })
        .await;
        let fine = |good: &Event| {
            vec![
                good.clone().without_header("content-type"),
                good.clone().with_header("Content-Type", "application/json; charset=UTF-8"),
            ]
        };
        answered(&[], fine, |_| {}).await;
    }

    b14_a_compressed_body_is_refused_and_not_unpacked:
    "content-encoding gzip and others: 415; identity: accepted" => {
        everywhere(|good| {
            let encodings = ["gzip", "deflate", "br", "zstd", "gzip, gzip"];
            encodings.map(|encoding| of_form(good, "content-encoding", encoding)).into()
        })
        .await;
        let plain = |good: &Event| vec![good.clone().with_header("content-encoding", "identity")];
        answered(&[], plain, |_| {}).await;
    }

    b15_another_method_or_path_is_refused:
    "GET, PUT, TRACE and others on a POST route: 405 with Allow; an unknown path: 404 in JSON" => {
        everywhere(|good| {
            let methods = ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "OPTIONS", "post"];
            let methods = methods.map(|method| {
                let event = good.clone().with_method(method);
                Bad::new(method, event, "method_not_allowed").status(405)
            });
            let paths = ["/v1/nothing", "/", "", "/v1", "/v1/"].map(|path| of_path(good, path));
            let longer = format!("{}/", path(good));
            methods.into_iter().chain(paths).chain([of_path(good, &longer)]).collect()
        })
        .await;
    }

    b16_a_host_that_is_none_is_refused:
    "Host `h:99999999`, `ex ample`, `@`, `[::1`: 400, and the environment lives" => {
        everywhere(|good| {
            let hosts = ["h:99999999", "ex ample", "@", "[::1"];
            hosts
                .map(|host| {
                    let event = good.clone().with_header("Host", host);
                    Bad::new(format!("Host {host}"), event, "unsupported_event")
                })
                .into()
        })
        .await;
    }

    b17_a_query_that_is_none_is_refused:
    "a raw query `a=\"b\"`, `a=<b>`, with a control byte, of 64 KiB: 400, and the environment lives; decoded parameters of a REST API mean nothing" => {
        let long = "q".repeat(64 * 1024);
        for (function, _) in FUNCTIONS {
            let [http, rest] = good(function);
            let bad = ["a=\"b\"", "a=<b>", "a=\u{1}", &long].map(|query| {
                let event = http.clone().with("/rawQueryString", query.into());
                Bad::new(format!("query {query:.20?}"), event, "unsupported_event")
            });
            crate::bad::check(&[], function, &http, bad.into()).await;
            let decoded = ["\"b\"", "<b>", "%zz", "\\"].map(|value| {
                let parameters = rest.clone().with("/queryStringParameters", json!({"a": value}));
                parameters.with("/multiValueQueryStringParameters", json!({"a": [value]}))
            });
            crate::bad::answered_by(&[], function, decoded.into(), |_| {}).await;
        }
    }

    b18_a_path_is_compared_as_it_came:
    "raw paths `/a\\b`, `/../../x`, `/a#b`, `//evil/x`, `abc`, and detours to the route: 404, nothing rewritten" => {
        everywhere(|good| {
            let route = path(good);
            let detours = [
                "/a\\b".to_owned(),
                "/../../x".to_owned(),
                "/a#b".to_owned(),
                "//evil/x".to_owned(),
                "abc".to_owned(),
                format!("/..{route}"),
                format!("/x/..{route}"),
                format!("/.{route}"),
                format!("//evil{route}"),
                format!("/{route}"),
                format!("{route}#x"),
                format!("{route}?x"),
                route.replace('/', "\\"),
                route.replace("v1", "%76%31"),
                route.to_uppercase(),
            ];
            detours.iter().map(|path| of_path(good, path)).collect()
        })
        .await;
    }

    b19_a_header_that_http_cannot_carry_is_refused:
    "a header with CRLF or a zero byte in the event's JSON, a name that is none: 400 unsupported_event, not echoed" => {
        everywhere(|good| {
            let header = |name: &str, value: &str| {
                let event = good.clone().with_header(name, value);
                Bad::new(format!("{name:?}: {value:?}"), event, "unsupported_event")
            };
            vec![
                header("x-odd", &format!("a\r\nset-cookie: {CANARY}")),
                header("x-odd", "a\nb"),
                header("x-odd", "a\u{0}b"),
                header("x odd", "a"),
                header("x-odd\r\nb", "a"),
                header("x-oddé", "a"),
            ]
        })
        .await;
        // Letters beyond ASCII are bytes that HTTP carries; they are not echoed.
        let foreign = |good: &Event| vec![good.clone().with_header("x-odd", "Grüße 😀")];
        answered(&[], foreign, |answer| {
            let echoed = answer.headers.values().any(|value| value.contains("Gr"));
            assert!(!echoed, "{answer:?}");
        })
        .await;
    }

    b20_only_the_one_origin_may_read_the_answers:
    "Origin null or evil, preflights: no access-control header unless the origin is the deployment's own; never `*`, never credentials" => {
        let others = ["null", "https://evil.example", "https://app.example.evil.example", "http://app.example", "*"];
        let from = |good: &Event, origins: &[&str]| {
            let events = origins.iter().map(|origin| good.clone().with_header("Origin", origin));
            events.collect::<Vec<_>>()
        };
        let with_own = [others.as_slice(), &[PAGE]].concat();
        answered(&[], |good| from(good, &with_own), has_no_cors).await;
        let own = [("CORS_ALLOW_ORIGIN", PAGE)];
        answered(&own, |good| from(good, &others), has_no_cors).await;
        answered(&own, |good| from(good, &[PAGE]), |answer| {
            assert_eq!(answer.header("access-control-allow-origin"), PAGE);
            assert_eq!(answer.header("vary"), "origin");
            let exposed = answer.header("access-control-expose-headers");
            assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"));
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        })
        .await;
        for (function, _) in FUNCTIONS {
            for (environment, origins, allowed) in [
                ([("CORS_ALLOW_ORIGIN", "")], with_own.as_slice(), false),
                (own, others.as_slice(), false),
                (own, [PAGE].as_slice(), true),
            ] {
                let mut stack = Stack::start(function, &environment).await;
                for event in good(function).iter().flat_map(|good| from(good, origins)) {
                    let event = event.with_method("OPTIONS").with("/body", json!(null));
                    let event = event.with_header("Access-Control-Request-Method", "POST");
                    preflight(&stack.function.call(&event).await, allowed);
                }
                assert_eq!(stack.bedrock.calls().await.received, 0);
                check_log(stack, function).await;
            }
        }
    }
}

/// Checks the answer to a browser that asks what it may ask.
fn preflight(answer: &Answer, allowed: bool) {
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.content, "");
    if !allowed {
        return has_no_cors(answer);
    }
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    let headers = answer.header("access-control-allow-headers");
    let headers: Vec<_> = headers.split(", ").collect();
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "x-stainless-retry-count",
    ] {
        assert!(headers.contains(&name), "{name}: {headers:?}");
    }
    assert!(!headers.contains(&"*"), "{headers:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}
