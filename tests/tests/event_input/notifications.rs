//! What is wrong with a notification that an object was made.

use end_to_end::{Event, Operation, Outcome, S3, Stored};
use serde_json::{Value, json};

use crate::bench::{Bench, FUNCTIONS, everywhere};
use crate::case::{Case, Fate};

/// The record of an event of S3, whose object is read if the record is.
const RECORD: &str = "/Records/0";

fn changed(stored: &Stored, pointer: &str, value: Value) -> Event {
    Event::upload(stored).with(&format!("{RECORD}{pointer}"), value)
}

/// An upload of a good request.
fn good(bench: &Bench, file: &str) -> Stored {
    bench.put(file, bench.good())
}

end_to_end::rows! {
    b42_a_key_is_decoded_as_a_form_encodes_it:
    "a+b.json is `a b.json`, a%2Bb.json is `a+b.json`, caf%C3%A9; %FF, %zz, a%, a%2: reported failed as key_undecodable" => {
        everywhere(|bench| {
            let decoded = [
                ("a+b.json", "a b.json"),
                ("a%2Bb.json", "a+b.json"),
                ("caf%C3%A9.json", "caf\u{e9}.json"),
                ("100%25.json", "100%.json"),
                ("%61%2e%6A%73on", "a.json"),
            ];
            let decoded = decoded.map(|(encoded, file)| {
                let stored = good(bench, file);
                let event = changed(&stored, "/s3/object/key", bench.key(encoded).into());
                Case::event(&event, &stored.key, Fate::Answered)
            });
            let stored = good(bench, "undecodable.json");
            let undecodable = ["%FF.json", "%zz.json", "a%", "a%.json", "a%2", "%C3.json", "%", "%%41.json"];
            let undecodable = undecodable.map(|encoded| {
                let event = changed(&stored, "/s3/object/key", bench.key(encoded).into());
                Case::event(&event, &bench.key(encoded), Fate::Failed("key_undecodable"))
            });
            decoded.into_iter().chain(undecodable).collect()
        })
        .await;
    }

    b43_what_tells_of_no_object_is_acknowledged:
    "s3:TestEvent and an empty Records: acknowledged; {} and {\"records\":[…]} in a message: an error result; by themselves: 400 unsupported_event" => {
        let test = Event::file("chat-s3-test-event");
        everywhere(|bench| {
            let key = bench.key("lower.json");
            let lower = json!({"records": Event::upload(&good(bench, "lower.json")).at("/Records")});
            let empty = Event::from(json!({"Records": []}));
            vec![
                Case::event(&test, "a test event", Fate::PassedOver("test_event")),
                Case::event(&test.in_sns(), "one through SNS", Fate::PassedOver("test_event")),
                Case::event(&empty, "no records", Fate::Nothing),
                Case::event(&empty.in_sns(), "none through SNS", Fate::Nothing),
                Case::body("{}", Fate::Refused(400, "missing_required_parameter")),
                Case::body(lower.to_string(), Fate::Refused(400, "missing_required_parameter")),
                Case::event(&Event::from(json!({"Records": 7})), &key, Fate::Failed("unknown_notification")),
                Case::event(&Event::from(json!({"Event": "s3:Test"})), &key, Fate::Failed("unknown_notification")),
            ]
        })
        .await;
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            for event in [test.clone(), test.through_sns()] {
                let outcome = bench.function.invoke_event(&event).await;
                assert_eq!(outcome.response(), &Value::Null, "{name}");
                bench.expect("", Fate::PassedOver("test_event"));
            }
            let empty = Event::from(json!({"Records": []}));
            assert!(bench.function.invoke_event(&empty).await.failures().is_empty());
            for event in [json!({}), json!({"records": [{"eventSource": "aws:s3"}]})] {
                let answer = bench.function.call(&event.into()).await;
                assert_eq!(answer.status, 400, "{name}: {answer:?}");
                assert_eq!(answer.error().get("code"), Some(&json!("unsupported_event")));
                bench.expect("", Fate::Refused(400, "unsupported_event"));
            }
            bench.check(vec![]).await;
            bench.finish().await;
        }
    }

    b44_minor_versions_differ_and_fields_may_be_missing:
    "a record without time, identity, region, size, tag or sequencer, of version 2.0 to 2.9 or without one: done; of 3.0 and others: reported failed as unknown_notification" => {
        everywhere(|bench| {
            let mut cases = Vec::new();
            for name in ["eventTime", "userIdentity", "awsRegion", "eventVersion", "requestParameters", "responseElements",
                         "s3/object/size", "s3/object/sequencer", "s3/object/eTag", "s3/object/versionId", "s3/configurationId"] {
                let stored = good(bench, &format!("no-{}.json", name.replace('/', "-")));
                let event = Event::upload(&stored).without(&format!("{RECORD}/{name}"));
                cases.push(Case::event(&event, &stored.key, Fate::Answered));
            }
            for version in ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.9", "2.10"] {
                let stored = good(bench, &format!("version-{version}.json"));
                let event = changed(&stored, "/eventVersion", version.into());
                cases.push(Case::event(&event, &stored.key, Fate::Answered));
            }
            let stored = good(bench, "another-version.json");
            for version in [json!("3.0"), json!("1.0"), json!("20.1"), json!("2"), json!(""), json!(2.1)] {
                let event = changed(&stored, "/eventVersion", version);
                cases.push(Case::event(&event, &stored.key, Fate::Failed("unknown_notification")));
            }
            for name in ["eventName", "s3", "s3/bucket", "s3/bucket/name", "s3/object", "s3/object/key"] {
                let event = Event::upload(&stored).without(&format!("{RECORD}/{name}"));
                cases.push(Case::event(&event, &stored.key, Fate::Failed("unknown_notification")));
            }
            cases
        })
        .await;
    }

    b45_what_is_not_the_making_of_an_object_is_passed_over:
    "ObjectRemoved, lifecycle, replication, restore, tagging: acknowledged, and counted in the log as other_notification" => {
        everywhere(|bench| {
            let stored = good(bench, "a.json");
            let names = [
                "ObjectRemoved:Delete",
                "ObjectRemoved:DeleteMarkerCreated",
                "s3:ObjectRemoved:Delete",
                "LifecycleExpiration:Delete",
                "LifecycleExpiration:DeleteMarkerCreated",
                "LifecycleTransition",
                "Replication:OperationFailedReplication",
                "Replication:OperationReplicatedAfterThreshold",
                "ObjectRestore:Post",
                "ObjectRestore:Completed",
                "ObjectTagging:Put",
                "ObjectAcl:Put",
                "IntelligentTiering",
                "ReducedRedundancyLostObject",
            ];
            let of_s3 = names.map(|name| changed(&stored, "/eventName", name.into()));
            let kinds = ["Object Deleted", "Object Restore Completed", "Object Tags Added", "Object Storage Class Changed"];
            let of_event_bridge = kinds.map(|kind| Event::object_created(&stored).with("/detail-type", kind.into()));
            let mut events = vec![Event::file("chat-s3-object-removed")];
            events.extend(of_s3);
            events.extend(of_event_bridge);
            let case = |event: Event| Case::event(&event, &stored.key, Fate::PassedOver("other_notification"));
            events.into_iter().map(case).collect()
        })
        .await;
    }

    b46_every_envelope_is_taken_off:
    "S3, SNS(S3), EventBridge; SQS(S3), SQS(SNS(S3)) raw or not, SQS(EventBridge): done; EventBridge's key is not decoded" => {
        everywhere(|bench| {
            let upload = |file: &str| Event::upload(&good(bench, file));
            let plus = good(bench, "a+b %41.json");
            vec![
                Case::event(&upload("raw.json"), &bench.key("raw.json"), Fate::Answered),
                Case::event(&upload("sns.json").in_sns(), &bench.key("sns.json"), Fate::Answered),
                Case::event(&Event::object_created(&plus), &plus.key, Fate::Answered),
                Case::event(&Event::object_created(&good(bench, "c%.json")).in_sns(), &bench.key("c%.json"), Fate::Answered),
                Case::event(&Event::upload(&good(bench, "d")).in_sns().in_sns(), &bench.key("d"), Fate::Failed("unknown_notification")),
            ]
        })
        .await;
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            let key = "e+f %41.json";
            for (number, event) in [
                Event::upload(&good(&bench, "s3.json")),
                Event::upload(&good(&bench, "sns.json")).through_sns(),
                Event::object_created(&good(&bench, key)),
            ]
            .iter()
            .enumerate()
            {
                let outcome = bench.function.invoke_event(event).await;
                assert_eq!(outcome.response(), &Value::Null, "{name}: {event:?}");
                bench.answered(1);
                assert_eq!(bench.results().len(), number + 1);
            }
            let names: Vec<_> = bench.results().iter().map(|result| result.pointer("/custom_id").cloned()).collect();
            assert!(names.contains(&Some(bench.key(key).into())), "{names:?}");
            bench.finish().await;
        }
    }

    b47_uploads_of_other_buckets_are_refused:
    "a bucket that is not listed, of whatever account and region: reported failed as foreign_bucket, and not read; a listed one that S3 says is in another region: comes back" => {
        for name in FUNCTIONS {
            let mut bench = Bench::start(name, &[]).await;
            bench.cloud.s3.create("somebody-elses", true);
            let stored = bench.cloud.s3.put("somebody-elses", &bench.key("a.json"), bench.good());
            let foreign = Fate::Failed("foreign_bucket");
            let moved = bench.put("moved.json", bench.good());
            let redirect = Operation::GetObject.on(&moved.key);
            let redirect = redirect.error(301, "PermanentRedirect", "The bucket is at another endpoint.");
            bench.cloud.s3.fail(redirect.always());
            let region = changed(&stored, "/awsRegion", "eu-west-1".into());
            let account = changed(&stored, "/s3/bucket/ownerIdentity", json!({"principalId": "A999999999999"}));
            let bridged = Event::object_created(&stored).with("/account", "999999999999".into());
            bench
                .check(vec![
                    Case::event(&Event::upload(&stored), &stored.key, foreign),
                    Case::event(&Event::upload(&stored).in_sns(), &stored.key, foreign),
                    Case::event(&region, &stored.key, foreign),
                    Case::event(&account, &stored.key, foreign),
                    Case::event(&bridged, &stored.key, foreign),
                    Case::event(&bridged.with("/region", "eu-west-1".into()), &stored.key, foreign),
                    Case::event(&Event::upload(&moved), &moved.key, Fate::Failed("storage_unavailable")),
                ])
                .await;
            // Without a queue the invocation fails, and what is good in it is done.
            let own = good(&bench, "own.json");
            let outcome = bench.function.invoke_event(&Event::uploads(&[stored.clone(), own])).await;
            assert!(matches!(outcome, Outcome::Error(_)), "{outcome:?}");
            assert_eq!(outcome.error(), ("RecordsFailed", "1 of 2 records failed; the log says why."));
            bench.expect("", Fate::Failed("foreign_bucket"));
            bench.answered(1);
            let read = bench.cloud.s3.requests();
            assert!(read.iter().all(|request| request.bucket != "somebody-elses"));
            assert!(read.iter().any(|request| request.bucket == S3::REQUESTS));
            bench.finish().await;
        }
    }
}
