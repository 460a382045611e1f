//! Events that tell of an object or carry another event, made of the files in `events/`.

use serde_json::Value;

use crate::event::Event;
use crate::message::{self, Message};
use crate::s3::Stored;

impl Event {
    /// What S3 says of an object that was written.
    pub fn upload(stored: &Stored) -> Self {
        Self::uploads(std::slice::from_ref(stored))
    }

    /// What S3 says of several, a record each.
    pub fn uploads(stored: &[Stored]) -> Self {
        let event = Self::file("chat-s3-json");
        let record = event.at("/Records/0").clone();
        let records = stored.iter().map(|stored| {
            let mut record = Self::from(record.clone())
                .with("/s3/bucket/name", stored.bucket.as_str().into())
                .with("/s3/bucket/arn", bucket_arn(stored).into())
                .with("/s3/object/key", form_encoded(&stored.key).into())
                .with("/s3/object/size", stored.size.into())
                .with("/s3/object/eTag", stored.etag.as_str().into())
                .with("/s3/object/sequencer", stored.sequencer.as_str().into())
                .without("/s3/object/versionId");
            if let Some(version) = &stored.version_id {
                record = record.with("/s3/object/versionId", version.as_str().into());
            }
            record.json().clone()
        });
        let records: Vec<Value> = records.collect();
        event.with("/Records", records.into())
    }

    /// What EventBridge says of an object that was written.
    pub fn object_created(stored: &Stored) -> Self {
        let event = Self::file("chat-eventbridge")
            .with("/resources", [bucket_arn(stored)].as_slice().into())
            .with("/detail/bucket/name", stored.bucket.as_str().into())
            .with("/detail/object/key", stored.key.as_str().into())
            .with("/detail/object/size", stored.size.into())
            .with("/detail/object/etag", stored.etag.as_str().into())
            .with("/detail/object/sequencer", stored.sequencer.as_str().into())
            .without("/detail/object/version-id");
        match &stored.version_id {
            Some(version) => event.with("/detail/object/version-id", version.as_str().into()),
            None => event,
        }
    }

    /// The event of an SNS topic that calls the function with this event in its message.
    #[must_use]
    pub fn through_sns(&self) -> Self {
        Self::file("chat-sns-s3").with("/Records/0/Sns/Message", self.text().into())
    }

    /// What an SNS topic without raw delivery puts into a queue for this event.
    #[must_use]
    pub fn in_sns(&self) -> Self {
        let event = Self::file("chat-sqs-sns-s3");
        let envelope = event.at("/Records/0/body").as_str().expect("a body");
        let envelope: Value = serde_json::from_str(envelope).expect("an envelope");
        Self::from(envelope).with("/Message", self.text().into())
    }

    /// The event of a queue whose one message carries this event.
    #[must_use]
    pub fn through(&self, queue: &str) -> Self {
        Self::messages(queue, &[Message::carrying(self)])
    }

    /// The event of a queue that hands these messages out.
    pub fn messages(queue: &str, messages: &[Message]) -> Self {
        let records = messages.iter().map(|message| message.record(queue));
        let records: Vec<Value> = records.collect();
        Self::file("chat-sqs").with("/Records", records.into())
    }

    /// The same records, which are said to come from this queue.
    #[must_use]
    pub fn from_queue(self, queue: &str) -> Self {
        let records = self.at("/Records").as_array().map_or(0, Vec::len);
        (0..records).fold(self, |event, record| {
            let pointer = format!("/Records/{record}/eventSourceARN");
            event.with(&pointer, message::arn(queue).into())
        })
    }

    /// Bucket, key and version of every object that this event tells of, in whatever envelopes.
    pub fn objects(&self) -> Vec<(String, String, String)> {
        let mut objects = Vec::new();
        collect(self.json(), &mut objects);
        objects
    }

    /// The ids of a queue's messages, in their order.
    pub fn message_ids(&self) -> Vec<String> {
        let records = self.at("/Records").as_array().expect("records");
        let ids = records.iter().map(|record| record.get("messageId"));
        ids.map(|id| id.and_then(Value::as_str).expect("an id").to_owned())
            .collect()
    }
}

/// Looks for objects in a document, and in the documents within its texts.
fn collect(value: &Value, objects: &mut Vec<(String, String, String)>) {
    let text = |object: &Value, pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    // S3's own notification has its keys form-encoded, EventBridge's event has not.
    let of_s3 = || {
        let key = text(value, "/s3/object/key")?.replace('+', " ");
        assert!(!key.contains('%'), "a sample's key is simple: {key}");
        let bucket = text(value, "/s3/bucket/name")?;
        Some((bucket, key, text(value, "/s3/object/versionId")?))
    };
    let of_event_bridge = || {
        let key = text(value, "/detail/object/key")?;
        let bucket = text(value, "/detail/bucket/name")?;
        Some((bucket, key, text(value, "/detail/object/version-id")?))
    };
    objects.extend(of_s3().or_else(of_event_bridge));
    match value {
        Value::Object(fields) => fields.values().for_each(|value| collect(value, objects)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, objects)),
        Value::String(text) => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                collect(&inner, objects);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn bucket_arn(stored: &Stored) -> String {
    format!("arn:aws:s3:::{}", stored.bucket)
}

/// A key as S3 has it in its notifications: form-encoded, but for its slashes.
pub(crate) fn form_encoded(key: &str) -> String {
    let mut encoded = String::new();
    for byte in key.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
