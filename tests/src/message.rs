//! A message of a queue, as a function gets it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use s3s::crypto::{Checksum as _, Md5};
use serde_json::{Value, json};

use crate::{ACCOUNT, Event, REGION};

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id, another for each.
    pub id: String,
    /// What it says.
    pub body: String,
    /// Its own attributes, as an event has them.
    pub attributes: BTreeMap<String, Value>,
    /// Its group, in a FIFO queue.
    pub group: Option<String>,
    /// How often it has been received, this time too.
    pub receives: u64,
    /// What says which receive this is.
    pub receipt_handle: String,
    /// When it was sent, in milliseconds since 1970.
    pub sent: u128,
}

impl Message {
    /// A message that is received for the first time.
    pub fn new(body: impl Into<String>) -> Self {
        static MESSAGES: AtomicU64 = AtomicU64::new(1);
        let number = MESSAGES.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            id: format!("5e9d7a00-0000-4000-8000-{number:012}"),
            body: body.into(),
            attributes: BTreeMap::new(),
            group: None,
            receives: 1,
            receipt_handle: format!("receipt-{number}-1"),
            sent: now.expect("a clock after 1970").as_millis(),
        }
    }

    /// A message that carries an event.
    pub fn carrying(event: &Event) -> Self {
        Self::new(event.text())
    }

    /// The same message with another id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// The same message with a text attribute.
    #[must_use]
    pub fn with_attribute(self, name: &str, value: &str) -> Self {
        let value = json!({
            "stringValue": value,
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        });
        self.with_any_attribute(name, value)
    }

    /// The same message with an attribute that need not be a good one.
    #[must_use]
    pub fn with_any_attribute(mut self, name: &str, value: Value) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    /// The same message with the `custom_id` of its result.
    #[must_use]
    pub fn with_custom_id(self, id: &str) -> Self {
        self.with_attribute("custom_id", id)
    }

    /// The same message in a group of a FIFO queue.
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// The same message, received so often, this time too.
    #[must_use]
    pub fn received(mut self, times: u64) -> Self {
        self.receives = times;
        self.receipt_handle = format!("receipt-of-{}-{times}", self.id);
        self
    }

    /// The record of an event that hands it out, in the shape of `events/chat-sqs.json`.
    pub fn record(&self, queue: &str) -> Value {
        let mut attributes = json!({
            "ApproximateReceiveCount": self.receives.to_string(),
            "SentTimestamp": self.sent.to_string(),
            "SenderId": "AIDAEXAMPLESENDER",
            "ApproximateFirstReceiveTimestamp": (self.sent + 5).to_string(),
        });
        if let (Some(group), Some(attributes)) = (&self.group, attributes.as_object_mut()) {
            let more = [
                ("SequenceNumber", format!("{:020}", self.sent)),
                ("MessageGroupId", group.clone()),
                ("MessageDeduplicationId", self.id.clone()),
            ];
            attributes.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
        }
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt_handle,
            "body": self.body,
            "attributes": attributes,
            "messageAttributes": self.attributes,
            "md5OfBody": md5(&self.body),
            "eventSource": "aws:sqs",
            "eventSourceARN": arn(queue),
            "awsRegion": REGION,
        })
    }
}

/// The ARN of a queue.
pub fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// The digits of a text's MD5.
pub(crate) fn md5(text: &str) -> String {
    let digest = Md5::checksum(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
