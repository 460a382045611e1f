//! SQS: messages, read one by one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::notification::{self, Trusted};
use crate::jobs::{Job, Poison, envelope};

/// The attribute that names a request for its caller.
const CUSTOM_ID: &str = "custom_id";

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, by which it is reported.
    pub id: String,
    /// What names this one receive of it.
    pub receipt_handle: Option<String>,
    /// The ARN of its queue.
    pub queue: String,
    /// Its group, in a FIFO queue.
    pub group: Option<String>,
    /// How often it was received, this time among them.
    pub receives: u32,
    /// What it asks for.
    pub jobs: Result<Vec<Result<Job, Poison>>, Poison>,
}

/// Which messages of a batch failed: all others are done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Failures {
    /// The failures of the messages with these ids.
    pub fn of(ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            batch_item_failures: ids
                .into_iter()
                .map(|item_identifier| Failure { item_identifier })
                .collect(),
        }
    }
}

/// A message as it comes. What is not needed to report it may have any shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identified<'a> {
    #[serde(borrow)]
    message_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    receipt_handle: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "eventSourceARN")]
    queue: Option<Cow<'a, str>>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    message_attributes: Option<&'a RawValue>,
}

/// A message that cannot even be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record has no messageId")]
pub struct NoId;

impl Message {
    /// Reads a record of an event.
    pub fn read(record: &RawValue, queues: &[String], trusted: &Trusted) -> Result<Self, NoId> {
        let Identified { message_id } = serde_json::from_str(record.get()).map_err(|_| NoId)?;
        if message_id.is_empty() {
            return Err(NoId);
        }
        let id = message_id.into_owned();
        let Ok(wire) = serde_json::from_str::<Wire<'_>>(record.get()) else {
            return Ok(Self {
                id,
                receipt_handle: None,
                queue: String::new(),
                group: None,
                receives: 1,
                jobs: Err(Poison::UnknownEnvelope),
            });
        };
        let queue = wire.queue.unwrap_or_default().into_owned();
        let body = wire.body.unwrap_or_default();
        let jobs = match queues.contains(&queue) {
            true => jobs(&id, &body, || custom_id(wire.message_attributes), trusted),
            false => Err(Poison::ForeignQueue),
        };
        Ok(Self {
            group: member(wire.attributes, "MessageGroupId"),
            // One that makes no sense says nothing.
            receives: member::<String>(wire.attributes, "ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .filter(|count| *count > 0)
                .unwrap_or(1),
            receipt_handle: wire.receipt_handle.map(Cow::into_owned),
            queue,
            id,
            jobs,
        })
    }

    /// Whether its queue keeps an order.
    pub fn is_fifo(&self) -> bool {
        self.queue.ends_with(".fifo")
    }
}

/// A member of an object whose other members may have any shape.
fn member<'a, T: Deserialize<'a>>(object: Option<&'a RawValue>, name: &str) -> Option<T> {
    let members: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(object?.get()).ok()?;
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// The name in the message's attributes. Other attributes are the sender's own business.
fn custom_id(attributes: Option<&RawValue>) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attribute {
        string_value: Option<String>,
    }

    member::<Attribute>(attributes, CUSTOM_ID)?.string_value
}

/// The keys by which bodies are told apart.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(rename = "Records")]
    records: Option<IgnoredAny>,
    #[serde(rename = "Event")]
    event: Option<IgnoredAny>,
    #[serde(rename = "detail-type")]
    detail_type: Option<IgnoredAny>,
    /// SNS's.
    #[serde(borrow, rename = "Message")]
    message: Option<Cow<'a, str>>,
    version: Option<IgnoredAny>,
    #[serde(rename = "type")]
    kind: Option<IgnoredAny>,
}

type Jobs = Result<Vec<Result<Job, Poison>>, Poison>;

fn jobs(
    id: &str,
    body: &str,
    custom_id: impl FnOnce() -> Option<String>,
    trusted: &Trusted,
) -> Jobs {
    let notification = |text: &str| {
        let jobs = notification::carried(text, trusted);
        jobs.ok_or(Poison::UnknownNotification)
    };
    if !is_object(body) {
        return Err(Poison::NotAnObject);
    }
    // A key may stand there twice, say: the request's own reader names it.
    let shape = serde_json::from_str(body).unwrap_or(Shape::NONE);
    match shape {
        Shape {
            message: Some(text),
            ..
        } => notification(&text),
        Shape {
            records: Some(_), ..
        }
        | Shape { event: Some(_), .. }
        | Shape {
            detail_type: Some(_),
            ..
        } => notification(body),
        Shape {
            version: Some(_), ..
        }
        | Shape { kind: Some(_), .. } => envelope::read(body).map(|job| vec![Ok(job)]),
        _ => Ok(vec![Ok(Job::Request {
            id: id.to_owned(),
            custom_id: custom_id(),
            body: body.to_owned(),
        })]),
    }
}

impl Shape<'_> {
    const NONE: Self = Self {
        records: None,
        event: None,
        detail_type: None,
        message: None,
        version: None,
        kind: None,
    };
}

/// Whether it is one JSON object, whatever its keys.
fn is_object(text: &str) -> bool {
    let object = text.trim_ascii_start().starts_with('{');
    object && serde_json::from_str::<&RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Jobs {
        jobs("m-1", body, || Some("mine".to_owned()), &Trusted::default())
    }

    #[test]
    fn a_body_is_a_request_unless_it_says_otherwise() {
        let body = r#"{"prompt":"x"}"#;
        let request = Job::Request {
            id: "m-1".to_owned(),
            custom_id: Some("mine".to_owned()),
            body: body.to_owned(),
        };
        assert_eq!(read(body), Ok(vec![Ok(request)]));
        for (body, poison) in [
            ("", Poison::NotAnObject),
            ("nonsense", Poison::NotAnObject),
            ("[]", Poison::NotAnObject),
            (r#""{\"prompt\":\"x\"}""#, Poison::NotAnObject),
            ("eyJwcm9tcHQiOiJ4In0=", Poison::NotAnObject),
            ("<prompt>x</prompt>", Poison::NotAnObject),
            (r#"{"prompt":"x"} {}"#, Poison::NotAnObject),
            (r#"{"version":7,"prompt":"x"}"#, Poison::UnknownEnvelope),
            (r#"{"type":"job","prompt":"x"}"#, Poison::UnknownEnvelope),
            (r#"{"Message":"hello"}"#, Poison::UnknownNotification),
        ] {
            assert_eq!(read(body), Err(poison), "{body}");
        }
        // Readable, and wrong: that is for the request's reader to say.
        assert!(matches!(
            read(r#"{"prompt":1,"prompt":2}"#).as_deref(),
            Ok([Ok(Job::Request { .. })])
        ));
        assert!(matches!(
            read("{}").as_deref(),
            Ok([Ok(Job::Request { .. })])
        ));
    }

    #[test]
    fn odd_attributes_say_nothing_and_disturb_nothing() {
        let queues = ["q.fifo".to_owned()];
        let message = |attributes: &str| {
            let record = format!(
                r#"{{"messageId":"m","eventSourceARN":"q.fifo","body":"{{}}","attributes":{attributes}}}"#
            );
            let record: Box<RawValue> = serde_json::from_str(&record).unwrap();
            Message::read(&record, &queues, &Trusted::default()).unwrap()
        };
        for (count, receives) in [
            (r#""3""#, 3),
            (r#""x""#, 1),
            (r#""18446744073709551616""#, 1),
            (r#""0""#, 1),
            ("7", 1),
            ("null", 1),
        ] {
            let message = message(&format!(
                r#"{{"ApproximateReceiveCount":{count},"MessageGroupId":"g","SentTimestamp":-1}}"#
            ));
            assert_eq!(message.receives, receives, "{count}");
            assert_eq!(message.group.as_deref(), Some("g"));
            assert!(message.is_fifo());
        }
        assert_eq!(message("null").receives, 1);
        assert_eq!(message("[1]").group, None);
    }

    #[test]
    fn a_message_without_an_id_cannot_be_reported() {
        for record in ["{}", r#"{"messageId":""}"#, r#"{"messageId":null}"#, "7"] {
            let record: Box<RawValue> = serde_json::from_str(record).unwrap();
            assert_eq!(Message::read(&record, &[], &Trusted::default()), Err(NoId));
        }
    }
}
