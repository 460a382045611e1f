//! Metrics: lines of CloudWatch's embedded metric format, one an invocation and model.

use std::time::Duration;

use end_to_end::{Ask, Cloud, Event, Function, Message, Script, Sqs, marked};
use serde_json::{Value, json};

const NAMESPACE: (&str, &str) = ("METRICS_NAMESPACE", "BedrockLambda/tests");

/// Ends the function and reads its metrics. What an invocation measured is written when its answer has
/// been sent, so another one comes last, which measures nothing.
async fn metrics(mut function: Function, last: &Event) -> Vec<Value> {
    let nothing = last.clone().with_field("n", 0.into());
    assert_eq!(function.call(&nothing).await.status, 400);
    let output = function.stop().await;
    let lines = output.lines().filter(|line| line.contains("\"_aws\""));
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn directive(line: &Value) -> &Value {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array();
    let [directive] = directives.expect("directives").as_slice() else {
        panic!("{line}");
    };
    assert_eq!(directive["Namespace"], NAMESPACE.1);
    directive
}

/// The sets of dimensions of a line.
fn dimensions(line: &Value) -> &Value {
    &directive(line)["Dimensions"]
}

/// The names of a line's metrics.
fn names(line: &Value) -> Vec<&str> {
    let metrics = directive(line)["Metrics"].as_array().expect("metrics");
    metrics
        .iter()
        .map(|metric| metric["Name"].as_str().expect("a name"))
        .collect()
}

async fn chat(cloud: &Cloud, environment: &[(&str, &str)]) -> Function {
    let environment = [&[NAMESPACE], environment].concat();
    cloud.start_function("chat", &environment).await
}

#[tokio::test]
async fn a_call_is_counted_with_what_its_answer_says() {
    let cloud = Cloud::start().await;
    for (by_key, sets) in [
        ("false", json!([[], ["ModelId"]])),
        ("true", json!([[], ["ModelId"], ["ModelId", "KeyId"]])),
    ] {
        let mut function = chat(&cloud, &[("METRICS_BY_KEY", by_key)]).await;
        let event = Event::file("chat-rest-v1")
            .marked()
            .with("/requestContext/identity/apiKeyId", "k3yid".into())
            .with_field("model", "us.amazon.nova-lite-v1:0".into());
        let answer = function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let lines = metrics(function, &event).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!(dimensions(line), &sets);
        assert_eq!(line["ModelId"], "us.amazon.nova-lite-v1:0");
        assert_eq!(line["KeyId"], "k3yid");
        assert_eq!(line["RequestId"], answer.header("x-request-id"));
        assert_eq!(line["Invocations"], 1);
        let usage = &answer.body["usage"];
        let (input, output) = (&usage["prompt_tokens"], &usage["completion_tokens"]);
        assert_eq!(
            (&line["InputTokenCount"], &line["OutputTokenCount"]),
            (input, output)
        );
        let tokens = |count: &Value| count.as_f64().expect("a count");
        let cost = tokens(input) * 0.06e-6 + tokens(output) * 0.24e-6;
        let found = line["EstimatedCost"].as_f64().expect("a cost");
        assert!((found - cost).abs() < 1e-12, "{found} {cost}");
        assert_eq!(
            names(line),
            [
                "Invocations",
                "InvocationLatency",
                "InputTokenCount",
                "OutputTokenCount",
                "EstimatedCost"
            ]
        );
    }
}

#[tokio::test]
async fn a_stream_is_measured_to_its_end_and_to_its_first_token() {
    let pause = Duration::from_millis(300);
    for ask in Ask::STREAMED {
        let [begin, rest @ ..] = &ask.frames(&["Good ", "morning"], "end_turn")[..] else {
            panic!("no frames");
        };
        let script = Script::stream()
            .wait(pause)
            .frames([begin.clone(), rest[0].clone()])
            .wait(pause)
            .frames(rest[1..].iter().cloned())
            .end();
        let mut asked = ask.with(&[NAMESPACE], [script]).await;
        let answer = asked.call().await;
        ask.check(&answer, "Good morning");
        let lines = metrics(asked.function, &ask.event()).await;
        let [line] = lines.as_slice() else {
            panic!("{ask:?}: {lines:?}");
        };
        let milliseconds = |name: &str| line[name].as_u64().expect("milliseconds");
        let (first, whole) = (
            milliseconds("TimeToFirstToken"),
            milliseconds("InvocationLatency"),
        );
        assert!(first >= 300 && whole >= first + 290, "{ask:?}: {line}");
        assert_eq!(
            (&line["InputTokenCount"], &line["OutputTokenCount"]),
            (&json!(3), &json!(5)),
            "{ask:?}"
        );
    }
}

#[tokio::test]
async fn what_fails_is_counted_by_whose_fault_it_is() {
    let error = |status, kind| Script::error(status, kind, "no");
    for (scripts, status, expected) in [
        (
            vec![
                error(429, "ThrottlingException"),
                error(503, "ServiceUnavailableException"),
                Ask::CHAT.answer(&["Good"]),
            ],
            200,
            json!({"Invocations": 1, "InvocationThrottles": 1, "InvocationServerErrors": 1, "Retries": 2}),
        ),
        (
            vec![error(400, "ValidationException")],
            400,
            json!({"InvocationClientErrors": 1}),
        ),
        (
            vec![error(403, "AccessDeniedException")],
            500,
            json!({"InvocationClientErrors": 1}),
        ),
        (
            vec![error(500, "InternalServerException")],
            502,
            json!({"InvocationServerErrors": 3, "Retries": 2}),
        ),
    ] {
        let mut asked = Ask::CHAT.with(&[NAMESPACE], scripts).await;
        let answer = asked.call().await;
        assert_eq!(answer.status, status, "{answer:?}");
        let lines = metrics(asked.function, &Ask::CHAT.event()).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        for name in [
            "Invocations",
            "InvocationThrottles",
            "InvocationClientErrors",
            "InvocationServerErrors",
            "Retries",
        ] {
            assert_eq!(line.get(name), expected.get(name), "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn a_request_that_no_model_sees_has_no_metrics() {
    let cloud = Cloud::start().await;
    let function = chat(&cloud, &[]).await;
    assert_eq!(
        metrics(function, &Event::file("chat-rest-v1").marked()).await,
        [Value::Null; 0]
    );
}

#[tokio::test]
async fn images_are_counted_by_size_and_steps() {
    let cloud = Cloud::start().await;
    let mut function = cloud.start_function("image-generation", &[NAMESPACE]).await;
    let event = Event::file("image-generation-http-v2");
    for (model, steps, count) in [
        ("stability.stable-diffusion-xl-v1", Some(30), 1),
        ("stability.stable-diffusion-xl-v1", Some(51), 1),
        ("stability.stable-image-core-v1:1", None, 2),
    ] {
        let mut body = json!({"model": model, "prompt": marked("A lake"), "n": count});
        if let Some(steps) = steps {
            body["steps"] = json!(steps);
        }
        let answer = function.call(&event.clone().with_body(&body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let lines = metrics(function, &event).await;
    let images: Vec<_> = lines
        .iter()
        .filter(|line| line.get("OutputImageCount").is_some())
        .map(|line| {
            assert_eq!(
                dimensions(line),
                &json!([
                    [],
                    ["ModelId"],
                    ["ModelId", "ImageSize", "BucketedStepSize"]
                ])
            );
            (
                line["BucketedStepSize"].as_str().expect("steps"),
                line["OutputImageCount"].as_u64().expect("a count"),
                line["EstimatedCost"].as_f64().expect("a cost"),
            )
        })
        .collect();
    assert_eq!(
        images,
        [
            ("10-50", 1, 0.04),
            ("51-150", 1, 0.08),
            ("default", 2, 0.08)
        ]
    );
    let calls: u64 = lines
        .iter()
        .filter_map(|line| line["Invocations"].as_u64())
        .sum();
    assert_eq!(calls, 4);
}

#[tokio::test]
async fn duplicates_and_records_that_come_back_are_counted_by_function() {
    let cloud = Cloud::with_faults().await;
    let mut function = chat(&cloud, &[]).await;
    let asking = |text: &str| {
        let body =
            json!({"messages": [{"role": "user", "content": marked(text)}], "max_tokens": 8});
        Message::new(body.to_string())
    };
    let good = asking("Hello");
    let throttled = asking("[[fault:throttle]]");
    for _ in 0..2 {
        let event = Event::messages(Sqs::CHAT, &[good.clone(), throttled.clone()]);
        function.invoke_event(&event).await;
    }
    let lines = metrics(function, &Event::file("chat-rest-v1").marked()).await;
    let records: Vec<_> = lines
        .iter()
        .filter(|line| line.get("FunctionName").is_some())
        .map(|line| {
            assert_eq!(dimensions(line), &json!([[], ["FunctionName"]]));
            assert_eq!(line["FunctionName"], "chat");
            (&line["DuplicatesAvoided"], &line["RecordsFailed"])
        })
        .collect();
    assert_eq!(
        records,
        [(&Value::Null, &json!(1)), (&json!(1), &json!(1))],
        "{lines:?}"
    );
}

#[tokio::test]
async fn whoever_posts_the_answer_and_however_the_metrics_are_written() {
    let cloud = Cloud::start().await;
    for environment in [
        ("HTTP_RESPONSE", "stream"),
        ("HTTP_RESPONSE", "buffered"),
        ("RUNTIME_RESPONDER", "stock"),
    ] {
        let mut function = chat(&cloud, &[environment]).await;
        let whole = Event::file("chat-rest-v1").marked();
        let streamed = whole.clone().with_field("stream", true.into());
        for event in [&whole, &streamed] {
            let answer = function.call(event).await;
            assert_eq!(answer.status, 200, "{environment:?}: {answer:?}");
        }
        let lines = metrics(function, &whole).await;
        let first_tokens = lines
            .iter()
            .map(|line| line.get("TimeToFirstToken").is_some());
        let first_tokens: Vec<_> = first_tokens.collect();
        // The model streams its answer even where it leaves whole.
        assert_eq!(first_tokens, [false, true], "{environment:?}: {lines:?}");
    }
}
