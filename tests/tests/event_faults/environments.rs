//! Lambda's environments: what they are told, when they are taken away, what their answers may be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use end_to_end::ask::whole;
use end_to_end::{Ask, CANARY, Cloud, Event, Function, Operation, S3, Script, unmarked};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::requests::{TIME, asking, expire, ids, put, question, result, status, take, turn};

const FUNCTIONS: [&str; 3] = ["chat", "text-completion", "image-generation"];

/// An answer that is too large for Lambda, and not for Bedrock.
fn large() -> Script {
    Script::json(&whole(&"a".repeat(7 * 1024 * 1024), "end_turn"))
}

/// Checks that a function does not start with these variables, and says why in one line.
pub(crate) async fn refused(name: &str, environment: &[(&str, &str)], variable: &str) {
    let images = ("IMAGE_BUCKET", S3::BUCKET);
    let results = ("RESULT_BUCKET", S3::RESULTS);
    let own = match environment.iter().any(|(name, _)| *name == "RESULT_BUCKET") {
        true => vec![images],
        false => vec![images, results],
    };
    let mut function = Function::start(name, &[own.as_slice(), environment].concat()).await;
    let ended = function.ended(Duration::from_secs(10)).await;
    let ended = ended.unwrap_or_else(|| panic!("{name} lives with {environment:?}"));
    assert!(!ended.success(), "{name}: {environment:?}");
    // Rust's own word for the error of `main` stands beside the log.
    let output = function.stop().await;
    let lines = output.lines().filter(|line| line.starts_with('{'));
    let log: Vec<Value> = lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(log.len(), 1, "{name} {environment:?}: {log:?}");
    let text = log[0].to_string();
    assert!(
        text.contains(&format!("variable {variable} ")),
        "{name}: {text}"
    );
    assert_eq!(log[0]["level"], "ERROR", "{text}");
}

fn keyed() -> Event {
    Ask::CHAT.event().with_header("idempotency-key", CANARY)
}

fn milliseconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("a clock after 1970").as_millis()).expect("a time")
}

end_to_end::rows! {
    f66_an_answer_that_lambda_would_refuse_is_not_posted:
    "an answer of 7 MB: 413 answer_too_large to who waits for one object, the whole answer in S3 for a message; pictures of more than 5 MB: their place in S3 instead of their bytes" => {
        let cloud = Cloud::playing([large()]).await;
        let buffered = [("HTTP_RESPONSE", "buffered")];
        let mut function = cloud.start_function("chat", &buffered).await;
        // The Runtime API of the tests refuses more than 6 MB, and then nothing comes at all.
        let outcome = function.invoke_event(&question("Hello").into()).await;
        let code = outcome.response().pointer("/error/code");
        assert_eq!(code, Some(&json!("answer_too_large")), "{code:?}");
        let answer = function.call(&Ask::CHAT.event()).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.error()["code"], "answer_too_large");
        let message = asking("Hello");
        put(&cloud, "chat", std::slice::from_ref(&message));
        assert!(turn(&cloud, "chat", &mut function).await.is_empty());
        let result = result(&cloud, "chat", &message).expect("a result");
        let text = result.pointer("/response/body/choices/0/message/content");
        let text = text.and_then(Value::as_str).map(unmarked);
        assert_eq!(text.map(|text| text.len()), Some(7 * 1024 * 1024));

        let picture = end_to_end::ask::picture_of(&end_to_end::noise(1024, 1024));
        let cloud = Cloud::playing([Script::json(&picture)]).await;
        let mut function = cloud.start_function("image-generation", &buffered).await;
        let body = json!({"prompt": CANARY, "n": 2, "response_format": "b64_json"});
        let outcome = function.invoke_event(&body.clone().into()).await;
        let event = Ask::IMAGE.event().with_body(&body);
        let answer = function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for answer in [outcome.response(), &answer.body] {
            let images = answer["data"].as_array().expect("images");
            assert_eq!(images.len(), 2);
            for image in images {
                assert_eq!(image.get("b64_json"), None);
                let place = image["s3_uri"].as_str().expect("a place");
                assert!(cloud.s3.get(place).await.body.len() > 2 * 1024 * 1024);
            }
        }
    }

    f67_who_hangs_up_finds_the_answer_under_its_key:
    "the caller is gone when the answer comes, or while it is streamed: the same Idempotency-Key has the stored answer without a call, also in another environment; out of time at the gateway: the work stops at 504, and the key can be used again" => {
        let cloud = Cloud::playing([Ask::CHAT.answer(&["Hello"])]).await;
        let mut function = cloud.start_function("chat", &[]).await;
        function.hang_up_on(&keyed(), 1).await;
        let mut another = cloud.start_function("chat", &[]).await;
        for function in [&mut function, &mut another] {
            let answer = function.call(&keyed()).await;
            Ask::CHAT.check(&answer, "Hello");
            assert_eq!(answer.header("idempotent-replayed"), "true");
        }
        assert_eq!(cloud.paid_calls().await, 1);
        hung_up_on_a_stream().await;

        let silence = Script::silence();
        let cloud = Cloud::playing([silence, Ask::CHAT.answer(&["Hello"])]).await;
        let gateway = [("GATEWAY_TIMEOUT_SECONDS", "3")];
        let mut function = cloud.start_function("chat", &gateway).await;
        let now = || keyed().with("/requestContext/timeEpoch", milliseconds().into());
        let answer = function.call(&now()).await;
        assert_eq!(answer.status, 504, "{answer:?}");
        cloud.upstream().until_dropped(1).await;
        let answer = function.call(&now()).await;
        Ask::CHAT.check(&answer, "Hello");
        assert_eq!(answer.header("idempotent-replayed"), "");
        let answer = another_answer(&cloud, &now()).await;
        assert_eq!(answer.header("idempotent-replayed"), "true");
        assert_eq!(cloud.paid_calls().await, 2);
    }

    f68_a_queue_calls_no_more_environments_than_there_may_be:
    "reserved concurrency is used up: MaximumConcurrency keeps messages from burning their receives", untested: "Lambda's own affair: the template sets it, and .ci/check_queues.py holds it";

    f70_a_variable_that_is_missing_or_wrong_ends_the_start:
    "RESULT_BUCKET missing while there are queues or buckets, a prefix, an ARN, a URL, a number that is wrong, in each function: the start fails with one line that names the variable" => {
        let queue = "arn:aws:sqs:us-east-1:123456789012:q";
        let wrong = [
            (vec![("RESULT_BUCKET", ""), ("QUEUE_ARNS", queue)], "RESULT_BUCKET"),
            (vec![("RESULT_BUCKET", " "), ("REQUEST_BUCKETS", "b")], "RESULT_BUCKET"),
            (vec![("REQUEST_PREFIX", "results/")], "REQUEST_PREFIX"),
            (vec![("QUEUE_ARNS", "q")], "QUEUE_ARNS"),
            (vec![("QUEUE_ARNS", "arn:aws:sns:us-east-1:123456789012:q")], "QUEUE_ARNS"),
            (vec![("CHAT_QUEUE_URL", "chat-requests")], "CHAT_QUEUE_URL"),
            (vec![("COMPLETION_QUEUE_URL", "ftp://x/q")], "COMPLETION_QUEUE_URL"),
            (vec![("IMAGE_QUEUE_URL", "https:///q")], "IMAGE_QUEUE_URL"),
            (vec![("BATCH_CONCURRENCY", "0")], "BATCH_CONCURRENCY"),
            (vec![("BATCH_CONCURRENCY", "101")], "BATCH_CONCURRENCY"),
            (vec![("BATCH_EXPIRY_HOURS", "a day")], "BATCH_EXPIRY_HOURS"),
        ];
        for (environment, variable) in wrong {
            let starts = FUNCTIONS.map(|name| refused(name, &environment, variable));
            join_all(starts).await;
        }
        for (name, variable) in FUNCTIONS.into_iter().zip([
            "DEFAULT_CHAT_MODEL", "DEFAULT_TEXT_MODEL", "DEFAULT_IMAGE_MODEL",
        ]) {
            let arn = "arn:aws:bedrock:us-east-1:123456789012:nonsense";
            refused(name, &[(variable, arn)], variable).await;
        }
    }

    f71_what_is_under_way_when_an_environment_ends_is_not_acknowledged:
    "SIGTERM while the model is at work: no answer is posted, the message comes back and is done by another environment when the lease has ended" => {
        for name in FUNCTIONS {
            let ask = match name {
                "chat" => Ask::CHAT,
                "text-completion" => Ask::TEXT,
                _ => Ask::IMAGE,
            };
            let cloud = Cloud::playing([Script::silence(), ask.answer(&["Hello"])]).await;
            let mut function = cloud.start_function(name, &[]).await;
            let message = end_to_end::Message::new(ask.event().body().to_string());
            put(&cloud, name, std::slice::from_ref(&message));
            let delivery = take(&cloud, name);
            let mut working = function.begin(&delivery.event, TIME);
            cloud.upstream().until(1).await;
            function.terminate();
            let ended = function.ended(Duration::from_secs(5)).await;
            assert!(ended.is_some(), "{name} lives on");
            assert!(!working.is_answered(), "{name}");
            cloud.sqs.give_back(&delivery);
            assert_eq!(result(&cloud, name, &message), None, "{name}");

            let mut another = cloud.start_function(name, &[]).await;
            let failures = turn(&cloud, name, &mut another).await;
            assert_eq!(failures, ids([&message]), "{name}: the lease lasts");
            expire(&cloud, name, &message);
            assert!(turn(&cloud, name, &mut another).await.is_empty());
            assert_eq!(status(&cloud, name, &message), 200, "{name}");
            assert_eq!(cloud.paid_calls().await, 2, "{name}");
        }
    }
}

/// Whoever hangs up in the middle of a stream finds the whole of it.
async fn hung_up_on_a_stream() {
    let ask = Ask::CHAT_STREAM;
    let keyed = || ask.event().with_header("idempotency-key", CANARY);
    // The rest is written when the caller has gone.
    let rest = [ask.delta("lo")].into_iter().chain(ask.finish("end_turn"));
    let script = Script::stream()
        .frame(&ask.begin())
        .frame(&ask.delta("Hel"))
        .wait(Duration::from_millis(300))
        .frames(rest)
        .end();
    let cloud = Cloud::playing([script]).await;
    let mut function = cloud.start_function("chat", &[]).await;
    let begun = function.hang_up_on(&keyed(), 1).await;
    assert!(!begun.is_done(), "{begun:?}");
    let results = Operation::PutObject.on("locks/chat/answers/");
    cloud.s3.until(&results, 1).await;
    let answer = another_answer(&cloud, &keyed()).await;
    ask.check(&answer, "Hello");
    assert_eq!(answer.header("idempotent-replayed"), "true");
    assert_eq!(cloud.paid_calls().await, 1);
}

async fn another_answer(cloud: &Cloud, event: &Event) -> end_to_end::Answer {
    let mut another = cloud.start_function("chat", &[]).await;
    another.call(event).await
}
