//! SQS's operations in the AWS JSON protocol.
//!
//! Source: the SQS API reference's pages of the operations, *Making Query API requests using the
//! AWS JSON protocol* in the developer guide, and the quotas there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request};
use serde_json::{Map, Value, json};

use super::queues::{Queue, Queues};
use super::{Sent, Visibility};
use crate::fault::{FailedEntries, Operation};
use crate::front::Service;
use crate::message::{Message, md5};

/// The largest message, and the largest batch of them, in bytes.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The largest batch.
const LARGEST_BATCH: usize = 10;

/// The longest delay, in seconds.
const LONGEST_DELAY: u64 = 900;

/// The longest time until a message comes back, in seconds.
const LONGEST_VISIBILITY: u64 = 43_200;

/// The queues, and what was asked of them.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    queues: Mutex<Queues>,
    sent: Mutex<Vec<Sent>>,
    visibilities: Mutex<Vec<Visibility>>,
}

/// An error: its code, and what is wrong.
type Refused = (&'static str, String);

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refused> {
    Err((code, message.into()))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(crate) fn queues(&self) -> MutexGuard<'_, Queues> {
        locked(&self.queues)
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        locked(&self.sent).clone()
    }

    pub(crate) fn visibilities(&self) -> Vec<Visibility> {
        locked(&self.visibilities).clone()
    }

    fn act(
        &self,
        operation: Operation,
        body: &Value,
        headers: &HeaderMap,
        failing: &[usize],
    ) -> Result<Value, Refused> {
        let url = text(body, "QueueUrl");
        let name = url.rsplit('/').next().unwrap_or_default();
        if !self.queues().queues.contains_key(name) {
            return refused("QueueDoesNotExist", "The specified queue does not exist.");
        }
        let queue = To { name, url, headers };
        match operation {
            Operation::SendMessage => self.send(queue, body),
            Operation::ChangeMessageVisibility => self.change(name, body),
            Operation::SendMessageBatch => {
                let entries = entries(body)?;
                let sizes = entries.iter().map(|entry| text(entry, "MessageBody").len());
                if sizes.sum::<usize>() > LARGEST_MESSAGE {
                    return refused("BatchRequestTooLong", "The batch is too long.");
                }
                Ok(batch(entries, failing, |entry| self.send(queue, entry)))
            }
            Operation::ChangeMessageVisibilityBatch => {
                let entries = entries(body)?;
                Ok(batch(entries, failing, |entry| self.change(name, entry)))
            }
            Operation::PutObject
            | Operation::GetObject
            | Operation::HeadObject
            | Operation::DeleteObject
            | Operation::ListObjects
            | Operation::Other => refused("UnsupportedOperation", "not played here"),
        }
    }

    fn send(&self, to: To<'_>, entry: &Value) -> Result<Value, Refused> {
        let body = text(entry, "MessageBody");
        if body.is_empty() || body.len() > LARGEST_MESSAGE {
            return refused("InvalidParameterValue", "The message is empty or too long.");
        }
        let delay = number(entry, "DelaySeconds", LONGEST_DELAY)?;
        let group = optional(entry, "MessageGroupId");
        let mut queues = self.queues();
        let now = queues.now;
        let queue = queues
            .queues
            .get_mut(to.name)
            .expect("a queue that is there");
        let deduplication = optional(entry, "MessageDeduplicationId");
        if queue.is_fifo() {
            if group.is_none() {
                return refused("MissingParameter", "MessageGroupId is missing.");
            }
            if deduplication.is_none() {
                return refused(
                    "InvalidParameterValue",
                    "MessageDeduplicationId is missing.",
                );
            }
            if delay.is_some() {
                let message = "DelaySeconds is not valid for a message of this queue type.";
                return refused("InvalidParameterValue", message);
            }
        }
        let mut message = Message::new(body);
        message.group.clone_from(&group);
        message.attributes = attributes(entry);
        let from = now + Duration::from_secs(delay.unwrap_or_default());
        let id = queue.push(message, deduplication.as_deref(), from);
        locked(&self.sent).push(Sent {
            queue: to.name.to_owned(),
            url: to.url.to_owned(),
            id: id.clone(),
            body: body.to_owned(),
            delay,
            attributes: texts(entry),
            group,
            deduplication,
            headers: to.headers.clone(),
        });
        Ok(json!({"MessageId": id, "MD5OfMessageBody": md5(body)}))
    }

    fn change(&self, name: &str, entry: &Value) -> Result<Value, Refused> {
        let Some(seconds) = number(entry, "VisibilityTimeout", LONGEST_VISIBILITY)? else {
            return refused("MissingParameter", "VisibilityTimeout is missing.");
        };
        let receipt = text(entry, "ReceiptHandle");
        let mut queues = self.queues();
        let from = queues.now + Duration::from_secs(seconds);
        let queue = queues.queues.get_mut(name).expect("a queue that is there");
        let id = queue.change(receipt, from);
        locked(&self.visibilities).push(Visibility {
            queue: name.to_owned(),
            receipt_handle: receipt.to_owned(),
            id,
            seconds,
        });
        Ok(json!({}))
    }
}

/// Where a message goes, and with which headers.
#[derive(Clone, Copy)]
struct To<'a> {
    name: &'a str,
    url: &'a str,
    headers: &'a HeaderMap,
}

/// The entries of a batch: at least one, at most ten, each with an id of its own.
fn entries(body: &Value) -> Result<&Vec<Value>, Refused> {
    let entries = body.get("Entries").and_then(Value::as_array);
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
        return refused("EmptyBatchRequest", "The batch has no entries.");
    };
    if entries.len() > LARGEST_BATCH {
        return refused("TooManyEntriesInBatchRequest", "More than 10 entries.");
    }
    let ids: BTreeSet<_> = entries.iter().map(|entry| text(entry, "Id")).collect();
    if ids.len() < entries.len() {
        return refused("BatchEntryIdsNotDistinct", "Two entries have one id.");
    }
    let may = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if ids
        .iter()
        .any(|id| id.is_empty() || id.len() > 80 || !id.chars().all(may))
    {
        return refused(
            "InvalidBatchEntryId",
            "An id is not of the right characters.",
        );
    }
    Ok(entries)
}

/// What became of each entry of a batch.
fn batch(
    entries: &[Value],
    failing: &[usize],
    mut act: impl FnMut(&Value) -> Result<Value, Refused>,
) -> Value {
    let mut successful = Vec::new();
    let mut failed = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let id = text(entry, "Id");
        let (code, message, is_ours) = match failing.contains(&place) {
            true => ("InternalError", "Sorry.".to_owned(), true),
            false => match act(entry) {
                Ok(mut done) => {
                    let done_entry = done.as_object_mut().expect("an object");
                    done_entry.insert("Id".to_owned(), id.into());
                    successful.push(done);
                    continue;
                }
                Err((code, message)) => (code, message, false),
            },
        };
        let fault = json!({
            "Id": id, "Code": code, "Message": message, "SenderFault": !is_ours,
        });
        failed.push(fault);
    }
    let mut answer = Map::new();
    for (name, rows) in [("Successful", successful), ("Failed", failed)] {
        if !rows.is_empty() {
            answer.insert(name.to_owned(), rows.into());
        }
    }
    answer.into()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn optional(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn number(value: &Value, name: &'static str, most: u64) -> Result<Option<u64>, Refused> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => match number.as_u64().filter(|number| *number <= most) {
            Some(number) => Ok(Some(number)),
            None => refused(
                "InvalidParameterValue",
                format!("{name} is not 0 to {most}."),
            ),
        },
    }
}

/// Attributes as an event has them.
fn attributes(entry: &Value) -> BTreeMap<String, Value> {
    let given = entry.get("MessageAttributes").and_then(Value::as_object);
    let given = given.into_iter().flatten();
    given
        .map(|(name, value)| {
            let mut attribute = json!({
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": text(value, "DataType"),
            });
            let fields = attribute.as_object_mut().expect("an object");
            for (from, to) in [
                ("StringValue", "stringValue"),
                ("BinaryValue", "binaryValue"),
            ] {
                if let Some(value) = value.get(from) {
                    fields.insert(to.to_owned(), value.clone());
                }
            }
            (name.clone(), attribute)
        })
        .collect()
}

/// The attributes that are texts.
fn texts(entry: &Value) -> BTreeMap<String, String> {
    let given = entry.get("MessageAttributes").and_then(Value::as_object);
    let given = given.into_iter().flatten();
    given
        .filter_map(|(name, value)| Some((name.clone(), optional(value, "StringValue")?)))
        .collect()
}

impl Service for Arc<Desk> {
    const KEEPS_CONTENT: bool = false;

    fn target(&self, head: &request::Parts, body: &Bytes) -> (Operation, String, String) {
        let target = head.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let operation = match target.unwrap_or_default() {
            "AmazonSQS.SendMessage" => Operation::SendMessage,
            "AmazonSQS.SendMessageBatch" => Operation::SendMessageBatch,
            "AmazonSQS.ChangeMessageVisibility" => Operation::ChangeMessageVisibility,
            "AmazonSQS.ChangeMessageVisibilityBatch" => Operation::ChangeMessageVisibilityBatch,
            _ => Operation::Other,
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let name = text(&body, "QueueUrl").rsplit('/').next();
        (
            operation,
            String::new(),
            name.unwrap_or_default().to_owned(),
        )
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let failing = request.extensions().get::<FailedEntries>().cloned();
        let failing = failing.map_or_else(Vec::new, |FailedEntries(places)| places);
        let (head, body) = request.into_parts();
        let (operation, ..) = self.target(&head, &body);
        let body: Value = serde_json::from_slice(&body).expect("a JSON body");
        match self.act(operation, &body, &head.headers, &failing) {
            Ok(answer) => response(200)
                .body(answer.to_string().into())
                .expect("good headers"),
            Err((code, message)) => self.error(400, code, &message),
        }
    }

    fn error(&self, status: u16, code: &str, message: &str) -> Response<Bytes> {
        let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
        let response = response(status);
        let response = match older_name(code) {
            Some(name) => response.header("x-amzn-query-error", format!("{name};Sender")),
            None => response,
        };
        response
            .body(body.to_string().into())
            .expect("good headers")
    }
}

/// The code that the older protocol has for an error, where it has another; SDKs say that one.
fn older_name(code: &str) -> Option<String> {
    let name = match code {
        "QueueDoesNotExist" => "NonExistentQueue",
        "BatchEntryIdsNotDistinct"
        | "BatchRequestTooLong"
        | "EmptyBatchRequest"
        | "InvalidBatchEntryId"
        | "TooManyEntriesInBatchRequest"
        | "UnsupportedOperation" => code,
        _ => return None,
    };
    Some(format!("AWS.SimpleQueueService.{name}"))
}

fn response(status: u16) -> http::response::Builder {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "b5293cb5-d306-4a17-9048-b263635abe42")
}

/// Whether a queue of this name is a FIFO queue.
pub(crate) fn queue(name: &str) -> Queue {
    Queue::new(name.ends_with(".fifo"))
}
