//! The files in `events/` are true to themselves: what they say of objects and texts is so.

use std::collections::BTreeSet;

use s3s::crypto::{Checksum as _, Md5};
use serde_json::Value;

use crate::event::{Event, sample};
use crate::message::md5;
use crate::{Cloud, S3};

const FUNCTIONS: [&str; 3] = ["chat", "text-completion", "image-generation"];

const FLAVOURS: [&str; 12] = [
    "direct",
    "eventbridge",
    "s3-json",
    "s3-jsonl",
    "s3-txt",
    "sns-s3",
    "sqs",
    "sqs-eventbridge",
    "sqs-fifo",
    "sqs-s3",
    "sqs-sns-s3",
    "sqs-sns-s3-raw",
];

/// Every object within a document, be it in a text within it.
fn every<'a>(value: &'a Value, visit: &mut dyn FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| every(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| every(value, visit)),
        Value::String(text) => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                every(&inner, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn each_function_has_each_flavour() {
    let names = Event::names();
    for function in FUNCTIONS {
        for flavour in FLAVOURS {
            let name = format!("{function}-{flavour}");
            assert!(names.contains(&name), "{name}");
        }
    }
    assert!(Event::http_names().iter().all(|name| names.contains(name)));
}

#[test]
fn what_events_say_of_their_objects_and_messages_is_so() {
    let mut ids = BTreeSet::new();
    for name in Event::names() {
        every(Event::file(&name).json(), &mut |value| {
            if let Some(body) = value.get("md5OfBody") {
                let text = value["body"].as_str().unwrap();
                assert_eq!(*body, md5(text), "{name}");
                assert!(
                    ids.insert(value["messageId"].to_string()),
                    "{name}: {value}"
                );
            }
            let object = value
                .pointer("/s3/object")
                .or(value.pointer("/detail/object"));
            let Some(object) = object.filter(|object| object.get("size").is_some()) else {
                return;
            };
            if name.ends_with("-poison") {
                return;
            }
            let bytes = sample(object["key"].as_str().unwrap());
            let digest = Md5::checksum(&bytes);
            let digits = digest.iter().map(|byte| format!("{byte:02x}"));
            let etag = object.get("eTag").or(object.get("etag")).unwrap();
            assert_eq!(object["size"], bytes.len(), "{name}");
            assert_eq!(*etag, digits.collect::<String>(), "{name}");
        });
    }
}

#[tokio::test]
async fn every_object_that_an_event_tells_of_can_be_laid_out() {
    for function in FUNCTIONS {
        for flavour in FLAVOURS {
            let cloud = Cloud::start().await;
            let event = Event::file(&format!("{function}-{flavour}"));
            cloud.lay_out(&event);
            let is_direct = flavour == "direct" || flavour == "sqs" || flavour == "sqs-fifo";
            let keys = cloud.s3.list(S3::REQUESTS, "");
            assert_eq!(keys.len(), usize::from(!is_direct), "{function} {flavour}");
        }
    }
}

#[test]
fn made_events_have_the_shape_of_the_files() {
    let event = Event::file("chat-s3-json");
    let wrapped = event.in_sns().through("chat-requests");
    assert_eq!(event.through_sns().objects(), event.objects());
    assert_eq!(wrapped.objects(), event.objects());
    let from_file = Event::file("chat-sqs-sns-s3");
    let keys = |event: &Event| {
        let record = event.at("/Records/0").as_object().unwrap();
        record.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&wrapped), keys(&from_file));
    let fifo = Event::messages(
        "chat-requests.fifo",
        &[crate::Message::new("{}").in_group("A")],
    );
    let attributes = |event: &Event| {
        let attributes = event.at("/Records/0/attributes").as_object().unwrap();
        attributes.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(attributes(&fifo), attributes(&Event::file("chat-sqs-fifo")));
}

#[test]
fn keys_are_form_encoded_as_s3_does_it() {
    let encoded = crate::notification::form_encoded;
    assert_eq!(encoded("requests/a b+c.json"), "requests/a+b%2Bc.json");
    assert_eq!(encoded("caf\u{e9}%"), "caf%C3%A9%25");
}
