//! What is wrong with a message, or with what stands around it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{CANARY, Cloud, Event, Message, Operation, Outcome, S3, arn};
use serde_json::{Value, json};

use crate::bench::{Bench, FUNCTIONS, everywhere};
use crate::case::{Case, Fate};

fn milliseconds_ago(time: Duration) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let then = now.expect("a clock after 1970").checked_sub(time);
    then.expect("after 1970").as_millis().to_string().into()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Messages in the functions' own format, and nearly so.
fn envelopes() -> Vec<Value> {
    let object = json!({
        "bucket": S3::REQUESTS, "key": "requests/chat/a.jsonl", "version_id": "v", "etag": null, "sequencer": null,
    });
    let line = json!({"version": 1, "type": "batch.line", "function": "chat", "object": object, "line": 1, "from": 0, "to": 9});
    let with = |pointer: &str, value: Value| {
        Event::from(line.clone())
            .with(pointer, value)
            .json()
            .clone()
    };
    vec![
        with("/version", json!(2)),
        with("/version", json!("1")),
        with("/version", json!(-1)),
        with("/version", json!(18_446_744_073_709_551_615_u64)),
        with("/type", json!("batch.word")),
        with("/type", json!("")),
        with("/type", json!({"a": 1})),
        with("/function", json!("authorizer")),
        with("/from", json!(9)),
        with("/line", json!("1")),
        with("/object/callback", json!("https://example.com")),
        json!({"version": 1}),
        json!({"type": "batch.line"}),
        json!({"version": 7, "prompt": CANARY, "messages": []}),
        json!({"type": "job", "prompt": CANARY}),
        json!({"version": 1, "type": "batch.split", "object": object}),
        json!({"version": 1, "type": "batch.check"}),
    ]
}

end_to_end::rows! {
    b52_a_body_that_is_no_object_fails_alone:
    "empty, no JSON, JSON in JSON, base64, 1 MiB, XML: reported failed as not_an_object; its neighbours are done" => {
        everywhere(|bench| {
            let poison = Fate::Failed("not_an_object");
            let good = bench.good();
            // The largest message is longer than a prompt may be, and not than a history.
            let most = "x".repeat((1 << 20) - 100);
            let (long, fate) = match bench.name {
                "chat" => (json!({"messages": [{"role": "user", "content": most}]}), Fate::Answered),
                _ => (json!({"prompt": most}), Fate::Refused(400, "prompt_too_long")),
            };
            vec![
                Case::body("", poison),
                Case::body("  \n", poison),
                Case::body(CANARY, poison),
                Case::body("null", poison),
                Case::body("7", poison),
                Case::body(format!("[{good}]"), poison),
                Case::body(json!(good).to_string(), poison),
                Case::body(STANDARD.encode(&good), poison),
                Case::body(format!("<prompt>{CANARY}</prompt>"), poison),
                Case::body(&good[..good.len() - 1], poison),
                Case::body(format!("{good}{good}"), poison),
                Case::body(format!("\u{feff}{good}"), poison),
                Case::body("x".repeat(1 << 20), poison),
                Case::body("{".repeat(1 << 20), poison),
                Case::body(long.to_string(), fate),
                // No text at all.
                Case::body("", Fate::Failed("unknown_envelope")).with("/body", json!({"prompt": CANARY})),
                Case::body("", poison).with("/body", Value::Null),
                Case::body("", poison).without("/body"),
            ]
        })
        .await;
    }

    b53_a_message_of_another_version_ends_in_the_dead_letter_queue:
    "an unknown version or type: reported failed as unknown_envelope five times, then given up; no model is called" => {
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            let queue = Cloud::queue(name);
            bench.cloud.sqs.give_up_after(queue, 5);
            let bodies = envelopes();
            let count = bodies.len();
            let ids: Vec<_> = bodies.into_iter().map(|body| bench.cloud.sqs.put(queue, Message::new(body.to_string()))).collect();
            let outcomes = bench.cloud.drive(name, &mut bench.function).await;
            let failed: usize = outcomes.iter().map(|outcome| outcome.failures().len()).sum();
            assert_eq!(failed, 5 * count, "{name}");
            let dead = bench.cloud.sqs.dead(queue);
            assert_eq!(dead.len(), count, "{name}: {dead:?}");
            assert!(dead.iter().all(|message| message.receives == 5), "{dead:?}");
            assert_eq!(bench.cloud.sqs.waiting(queue), []);
            assert_eq!(bench.cloud.bedrock().calls().await.received, 0, "{name}");
            assert!(bench.cloud.sqs.sent().is_empty(), "{name}");
            for id in ids {
                bench.expect(&id, Fate::Failed("unknown_envelope"));
            }
            bench.check(vec![]).await;
            bench.finish().await;
        }
    }

    b54_odd_attributes_say_nothing:
    "no attributes, a receive count of x or 2^64, sent in the future or 15 days ago: done all the same; where the message fails it comes back as for the first time" => {
        everywhere(|bench| {
            let good = |what: &str| Case::message(what, Message::new(bench.good()), Fate::Answered);
            let mut cases = vec![
                good("no attributes").without("/attributes"),
                good("null").with("/attributes", Value::Null),
                good("a list").with("/attributes", json!([1])),
                good("a text").with("/attributes", "x".into()),
                good("no receipt").without("/receiptHandle"),
                good("no attributes of its own").without("/messageAttributes"),
                good("a list of its own").with("/messageAttributes", json!([1])),
                good("the future").with("/attributes/SentTimestamp", json!("99999999999999")),
                good("no time").with("/attributes/SentTimestamp", json!("yesterday")),
                good("15 days").with("/attributes/SentTimestamp", milliseconds_ago(15 * DAY)),
                good("no region").without("/awsRegion"),
                good("no source").without("/eventSource"),
            ];
            for count in [json!("x"), json!("18446744073709551616"), json!("-1"), json!("0"), json!(""), json!(7), Value::Null] {
                let pointer = "/attributes/ApproximateReceiveCount";
                cases.push(good("a count").with(pointer, count.clone()));
                cases.push(Case::body("", Fate::Failed("not_an_object")).with(pointer, count));
            }
            cases
        })
        .await;
    }

    b55_attributes_that_are_not_asked_for_are_not_read:
    "a binary attribute with bad base64, of a wrong type, a custom_id that is no text: done all the same; a custom_id of 513 characters: 400 invalid_value" => {
        everywhere(|bench| {
            let good = || Message::new(bench.good());
            let odd = [
                json!({"binaryValue": "%%%", "dataType": "Binary", "stringListValues": [], "binaryListValues": []}),
                json!({"binaryValue": "====", "dataType": "Binary.png"}),
                json!({"binaryListValues": ["%"], "dataType": "BinaryList"}),
                json!({"stringValue": 7, "dataType": "Number"}),
                json!({"stringValue": "7", "dataType": "Number.int"}),
                json!({}),
                json!(7),
                Value::Null,
            ];
            let mut cases = Vec::new();
            for value in odd {
                let other = good().with_any_attribute("picture", value.clone()).with_custom_id("mine");
                cases.push(Case::message(format!("another: {value}"), other, Fate::Answered).custom_id("mine"));
                if value.get("dataType") != Some(&json!("Number.int")) {
                    let name = good().with_any_attribute("custom_id", value.clone());
                    cases.push(Case::message(format!("the name: {value}"), name, Fate::Answered));
                }
            }
            let long = good().with_custom_id(&"i".repeat(513));
            cases.push(Case::message("a long name", long, Fate::Refused(400, "invalid_value")));
            let longest = "\u{e9}".repeat(512);
            cases.push(Case::message("the longest name", good().with_custom_id(&longest), Fate::Answered).custom_id(&longest));
            cases
        })
        .await;
    }

    b56_of_a_large_batch_what_is_reported_is_what_is_not_done:
    "10,000 records, 10 equal messageIds, no Records: each id once and no other, in time; a record without an id fails the batch" => {
        let mut bench = Bench::start("text-completion", &[]).await;
        let none = bench.function.invoke_event(&bench.records(&[])).await;
        assert_eq!(none.response(), &json!({"batchItemFailures": []}));

        // Ten of one id are done once, and reported once.
        let same = |fate: Fate, body: String| {
            let message = Message::new(body).with_id("5e9d7a00-0000-4000-8000-00000000000a");
            Case::message("one of ten", message, fate)
        };
        let ten: Vec<_> = (0..10).map(|_| same(Fate::Failed("not_an_object"), String::new())).collect();
        let outcome = bench.function.invoke_event(&bench.records(&ten)).await;
        assert_eq!(outcome.failures().ids(), ["5e9d7a00-0000-4000-8000-00000000000a"]);
        bench.check_outcome(&outcome, ten);
        let ten: Vec<_> = (0..10).map(|_| same(Fate::Answered, bench.good())).collect();
        let outcome = bench.function.invoke_event(&bench.records(&ten)).await;
        assert!(outcome.failures().is_empty());
        bench.answered(1);

        // All are poison: no time is lost over them.
        let poison = Fate::Failed("not_an_object");
        let many: Vec<_> = (0..10_000).map(|_| Case::body("", poison)).collect();
        let event = bench.records(&many).text();
        let time = Duration::from_secs(20);
        let began = Instant::now();
        let outcome = bench.function.invoke_bytes(event, time).await;
        let poisoned = began.elapsed();
        assert!(poisoned < time, "{poisoned:?}");
        assert_eq!(outcome.failures().len(), 10_000);
        bench.check_outcome(&outcome, many);

        // All are good, and there is no time for all: what has no result is reported.
        let many: Vec<_> = (0..10_000).map(|_| Message::new(bench.good())).collect();
        let event = Event::messages(Cloud::queue(bench.name), &many).text();
        let time = Duration::from_secs(8);
        let began = Instant::now();
        let outcome = bench.function.invoke_bytes(event, time).await;
        let taken = began.elapsed();
        assert!(taken < time, "{taken:?}");
        let failures = outcome.failures();
        let done = many.iter().filter(|message| !failures.contains(&message.id)).count();
        assert_eq!(done + failures.len(), 10_000, "the ids are the batch's own");
        let has_result = |message: &Message| {
            let key = format!("results/completion/{}.json", message.id);
            bench.cloud.s3.find(S3::RESULTS, &key).is_some()
        };
        assert!(many.iter().all(|message| has_result(message) != failures.contains(&message.id)));
        assert!((1..10_000).contains(&done), "{done}");
        bench.answered(done);
        for id in failures.ids() {
            bench.expect(id, Fate::Failed("not_begun"));
        }
        end_to_end::say(&format!("B56: 10,000 unreadable messages in {poisoned:?}; of 10,000 good ones {done} in {taken:?}"));

        // There is no name to report it by.
        for id in [Value::Null, json!(""), json!(7)] {
            let cases = [Case::body(bench.good(), Fate::Nothing), Case::body("{}", Fate::Nothing).with("/messageId", id)];
            let outcome = bench.function.invoke_event(&bench.records(&cases)).await;
            assert!(matches!(outcome, Outcome::Error(_)), "{outcome:?}");
            assert_eq!(outcome.error(), ("UnsupportedEvent", "This batch cannot be reported: a record has no messageId."));
        }
        bench.finish().await;
    }

    b57_messages_of_other_queues_are_refused:
    "an eventSourceARN of another queue, account or region, or none: reported failed as foreign_queue" => {
        everywhere(|bench| {
            let own = arn(Cloud::queue(bench.name));
            let case = |queue: Value, fate| Case::body(bench.good(), fate).with("/eventSourceARN", queue);
            let foreign = [
                arn("another").into(),
                own.replace("123456789012", "999999999999").into(),
                own.replace("us-east-1", "eu-west-1").into(),
                format!("{own}2").into(),
                own.to_uppercase().into(),
                json!(""),
                Value::Null,
            ];
            let mut cases: Vec<_> = foreign.into_iter().map(|queue| case(queue, Fate::Failed("foreign_queue"))).collect();
            cases.push(Case::body(bench.good(), Fate::Failed("foreign_queue")).without("/eventSourceARN"));
            cases.push(case(json!(7), Fate::Failed("unknown_envelope")));
            cases.push(case(arn(&format!("{}.fifo", Cloud::queue(bench.name))).into(), Fate::Answered));
            cases
        })
        .await;
    }

    b58_where_answers_go_is_not_the_sender_s_to_say:
    "a bucket, key or URL for the answer, in the request, its attributes or the object's metadata: 400 unknown_parameter, or of no effect" => {
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            let s3 = &bench.cloud.s3;
            s3.create("mine", false);
            let url = format!("{}/mine/answer.json", s3.url());
            let destinations = [("reply_bucket", "mine"), ("output_uri", "s3://mine/answer.json"), ("webhook", url.as_str())];
            let mut cases = Vec::new();
            for (field, place) in destinations {
                let request = Event::from(serde_json::from_str::<Value>(&bench.good()).expect("JSON"));
                let request = request.with(&format!("/{field}"), place.into());
                cases.push(Case::body(request.text(), Fate::Refused(400, "unknown_parameter")));
                let message = Message::new(bench.good()).with_attribute(field, place);
                cases.push(Case::message(field, message, Fate::Answered));
                let key = bench.key(&format!("{field}.json"));
                let stored = s3.put_with(S3::REQUESTS, &key, bench.good(), &[(field, place)]);
                let event = Event::upload(&stored).with(&format!("/Records/0/{field}"), place.into());
                cases.push(Case::event(&event, &key, Fate::Answered));
            }
            // A name is a name, and no place.
            let id = "../../mine/answer.json";
            cases.push(Case::message("a name", Message::new(bench.good()).with_custom_id(id), Fate::Answered).custom_id(id));
            bench.check(cases).await;
            let s3 = &bench.cloud.s3;
            assert_eq!(s3.list("mine", ""), Vec::<String>::new());
            let writes = s3.requests_of(&Operation::PutObject.on(""));
            assert!(!writes.is_empty() && writes.iter().all(|write| write.bucket != "mine"));
            bench.finish().await;
        }
    }
}
