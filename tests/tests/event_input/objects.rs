//! What is wrong with an object that a request comes in.

use std::time::Duration;

use bytes::Bytes;
use end_to_end::{Cloud, Event, Operation, S3, drawing};
use serde_json::{Value, json};

use crate::bench::{Bench, FUNCTIONS, everywhere};
use crate::case::{Case, Fate};

const GIGABYTES: u64 = 5 << 30;

/// A text in UTF-16, with its byte order mark.
fn utf_16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// A gzip file: its magic number and what need not be unpacked.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x2a\x28\xca\xcf\x4d\x2d\x51\xb2";

fn reading(case: &Bench, file: &str) -> end_to_end::On {
    Operation::GetObject.on(case.key(file))
}

end_to_end::rows! {
    b48_an_object_is_read_as_what_it_is_and_no_further_than_it_may_be:
    "0 bytes, a folder's marker, 5 GB, a size or a type that is not so, gzip, binary for text, UTF-16: 400, 413 or 415 in the result, or passed over" => {
        everywhere(|bench| {
            let s3 = &bench.cloud.s3;
            for file in ["huge.json", "huge.txt", "huge.jsonl"] {
                s3.fail(reading(bench, file).claiming(GIGABYTES).always());
            }
            for file in ["packed.json", "packed.md", "packed.jsonl"] {
                s3.fail(reading(bench, file).saying("content-encoding", "gzip").always());
            }
            s3.fail(reading(bench, "typed.json").saying("content-type", "image/png"));
            let good = || bench.good();
            let lied = |file: &str, size: u64, body: Bytes, fate| {
                let stored = bench.put(file, body);
                let event = Event::upload(&stored).with("/Records/0/s3/object/size", size.into());
                Case::event(&event, &stored.key, fate)
            };
            let invalid = Fate::Refused(400, "invalid_json");
            let large = Fate::Refused(413, "request_too_large");
            let form = Fate::Refused(415, "unsupported_media_type");
            let picture = drawing(64, 64);
            vec![
                bench.upload("empty.json", "", Fate::Refused(400, "body_required")),
                bench.upload("empty.txt", "", Fate::Refused(400, "invalid_value")),
                bench.upload("blank.md", " \n", Fate::Refused(400, "invalid_value")),
                bench.upload("x/", "", Fate::PassedOver("other_kind")),
                bench.upload("", "", Fate::PassedOver("other_kind")),
                bench.upload("x/.json/", "{}", Fate::PassedOver("other_kind")),
                bench.upload("a.JSON", good(), Fate::PassedOver("other_kind")),
                bench.upload("huge.json", good(), large),
                bench.upload("huge.txt", "Hello", large),
                bench.upload("huge.jsonl", "{}", large),
                bench.upload("large.json", " ".repeat(7 << 20), large),
                lied("small.json", GIGABYTES, good().into(), Fate::Answered),
                lied("larger.json", 1, " ".repeat(7 << 20).into(), large),
                bench.upload("typed.json", good(), Fate::Answered),
                bench.upload("packed.json", GZIP, form),
                bench.upload("packed.md", GZIP, form),
                bench.upload("packed.jsonl", GZIP, form),
                bench.upload("gzip.json", GZIP, invalid),
                bench.upload("gzip.txt", GZIP, form),
                bench.upload("picture.json", picture.clone(), invalid),
                bench.upload("picture.txt", picture, form),
                bench.upload("latin.txt", b"caf\xe9".as_slice(), form),
                bench.upload("wide.json", utf_16(&good()), invalid),
                bench.upload("wide.txt", utf_16("Hello"), form),
                bench.upload("unmarked.txt", utf_16("Hello").split_off(2), form),
            ]
        })
        .await;
    }

    b49_what_the_functions_write_is_no_request:
    "a key under results/, images/ or locks/, and an object that says that it was written by the functions: passed over as own_output" => {
        let own = Fate::PassedOver("own_output");
        everywhere(|bench| {
            let tag = [("written-by", "bedrock-lambdas")];
            let tagged = ["a.json", "a.txt", "a.jsonl"].map(|file| {
                let key = bench.key(file);
                let stored = bench.cloud.s3.put_with(S3::REQUESTS, &key, bench.good(), &tag);
                Case::event(&Event::upload(&stored), &key, own)
            });
            let keys = ["results/chat/a.json", "images/a.json", "locks/chat/a.json", "results/requests/chat/a.jsonl"];
            let placed = keys.map(|key| {
                let stored = bench.cloud.s3.put(S3::REQUESTS, key, bench.good());
                Case::event(&Event::upload(&stored), key, own)
            });
            let other = bench.cloud.s3.put(S3::REQUESTS, "requests/other/a.json", bench.good());
            let other = Case::event(&Event::upload(&other), &other.key, Fate::PassedOver("other_prefix"));
            tagged.into_iter().chain(placed).chain([other]).collect()
        })
        .await;
        // A deployment whose one bucket is for everything, and tells of everything.
        for name in FUNCTIONS {
            let one = [("REQUEST_BUCKETS", S3::RESULTS), ("IMAGE_BUCKET", S3::RESULTS)];
            let mut bench = Bench::start(name, &one).await;
            bench.check(vec![]).await;
            let s3 = &bench.cloud.s3;
            let written: Vec<_> = s3.requests().iter().filter(|request| request.operation == Operation::PutObject).map(|request| request.name.clone()).collect();
            assert!(written.len() >= 4, "a lock and a result for each: {written:?}");
            for key in written {
                let s3 = &bench.cloud.s3;
                let object = s3.object(S3::RESULTS, &key);
                assert_eq!(object.metadata.get("written-by").map(String::as_str), Some("bedrock-lambdas"), "{key}");
                // Even under the functions' own prefix.
                let moved = s3.put_with(S3::RESULTS, &bench.key("again.json"), object.body, &[("written-by", "bedrock-lambdas")]);
                for stored in [Event::upload(&moved), Event::upload(&moved).with("/Records/0/s3/object/key", key.into())] {
                    let outcome = bench.function.invoke_event(&stored).await;
                    assert_eq!(outcome.response(), &Value::Null);
                    bench.expect("", Fate::PassedOver("own_output"));
                }
            }
            bench.finish().await;
        }
    }

    b50_a_version_that_cannot_be_read_is_told_apart_from_one_that_can:
    "a delete marker, an object that is gone or another by now: passed over; versionId null, an older version: done; archived: 400 input_archived" => {
        everywhere(|bench| {
            let s3 = &bench.cloud.s3;
            let gone = Fate::PassedOver("gone");
            let version = "/Records/0/s3/object/versionId";
            let put = |file: &str| bench.put(file, bench.good());
            let case = |event: &Event, file: &str, fate| Case::event(event, &bench.key(file), fate);

            let marker = put("marker.json");
            s3.fail(reading(bench, "marker.json").error(405, "MethodNotAllowed", "A delete marker.").always());
            let deleted = put("deleted.json");
            s3.delete(S3::REQUESTS, &deleted.key);
            let unversioned = put("unversioned.json");
            s3.delete(S3::REQUESTS, &unversioned.key);
            let lost = put("lost.json");
            let older = put("older.json");
            s3.put(S3::REQUESTS, &older.key, "{}");
            let suspended = put("suspended.json");
            let changed = put("changed.json");
            s3.put(S3::REQUESTS, &changed.key, "{}");
            let frozen = put("frozen.json");
            let message = "The operation is not valid for the object's storage class";
            for file in ["frozen.json", "frozen.jsonl"] {
                s3.fail(reading(bench, file).error(403, "InvalidObjectState", message).always());
            }
            let archive = put("frozen.jsonl");
            let archived = Fate::Refused(400, "input_archived");
            vec![
                case(&Event::upload(&marker), "marker.json", gone),
                case(&Event::upload(&deleted), "deleted.json", Fate::Answered),
                case(&Event::upload(&unversioned).without(version), "unversioned.json", gone),
                case(&Event::upload(&lost).with(version, "v.never".into()), "lost.json", gone),
                case(&Event::upload(&older), "older.json", Fate::Answered),
                case(&Event::upload(&suspended).with(version, "null".into()), "suspended.json", Fate::Answered),
                case(&Event::upload(&changed).with(version, "null".into()), "changed.json", gone),
                case(&Event::upload(&frozen), "frozen.json", archived),
                case(&Event::upload(&archive), "frozen.jsonl", archived),
            ]
        })
        .await;
    }

    b51_each_object_of_a_thousand_records_is_worked_on_once:
    "1000 records, 250 keys in each of two buckets, each told twice: 500 calls and results; again: none" => {
        let environment = [("REQUEST_BUCKETS", "bedrock-requests,more-requests"), ("BATCH_CONCURRENCY", "50")];
        let mut bench = Bench::start("text-completion", &environment).await;
        let s3 = &bench.cloud.s3;
        s3.create("more-requests", true);
        let stored: Vec<_> = (0..250)
            .flat_map(|number| [S3::REQUESTS, "more-requests"].map(|bucket| {
                s3.put(bucket, &bench.key(&format!("{number}.json")), bench.good())
            }))
            .collect();
        let event = Event::uploads(&[stored.clone(), stored].concat());
        let records = event.at("/Records").as_array().map(Vec::len);
        assert_eq!(records, Some(1000));
        let time = Duration::from_secs(60);
        let outcome = bench.function.invoke_within(&event, time).await;
        assert_eq!(outcome.response(), &Value::Null);
        bench.answered(500);
        let outcome = bench.function.invoke_within(&event, time).await;
        assert_eq!(outcome.response(), &Value::Null);
        for _ in 0..500 {
            bench.expect("", Fate::PassedOver("duplicate"));
        }
        // The same in a message of the queue, where all records are one item.
        let message = event.through(Cloud::queue(bench.name));
        let outcome = bench.function.invoke_within(&message, time).await;
        assert_eq!(outcome.response(), &json!({"batchItemFailures": []}));
        for _ in 0..1000 {
            bench.expect("", Fate::PassedOver("duplicate"));
        }
        bench.finish().await;
    }
}
