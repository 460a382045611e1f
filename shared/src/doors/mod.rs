//! How requests come in and answers go out.

pub mod api_gateway;
pub mod notification;
pub mod queue;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::jobs::{Job, Poison};
use notification::Trusted;

/// What an event is, by its shape.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request over HTTP, or what nobody can read: the HTTP door tells.
    Http,
    /// A request by itself: the caller is answered without HTTP.
    Direct,
    /// Messages of a queue, each to be read by itself.
    Messages(Vec<&'a RawValue>),
    /// Notifications without a queue. What cannot be read fails them all.
    Notifications(Vec<Result<Job, Poison>>),
    /// An event of a service that this function does not serve.
    Foreign(Source),
}

/// The service that an event is of. What the event itself says of that goes nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Source {
    /// A load balancer.
    #[error("a load balancer")]
    LoadBalancer,
    /// DynamoDB Streams.
    #[error("aws:dynamodb")]
    DynamoDb,
    /// Kinesis.
    #[error("aws:kinesis")]
    Kinesis,
    /// EventBridge, with an event that is not S3's.
    #[error("EventBridge, but not of aws.s3")]
    EventBridge,
    /// Alexa.
    #[error("Alexa")]
    Alexa,
    /// Another.
    #[error("another service")]
    Other,
}

/// The keys by which events are told apart.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
    #[serde(rename = "requestContext")]
    request_context: Option<Context>,
    #[serde(rename = "detail-type")]
    detail_type: Option<IgnoredAny>,
    #[serde(borrow, rename = "Event")]
    event: Option<Cow<'a, str>>,
    session: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    messages: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Context {
    elb: Option<IgnoredAny>,
}

/// What every record has, in either spelling.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, alias = "EventSource", rename = "eventSource")]
    source: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Tells what an event is.
    pub fn of(event: &'a str, trusted: &Trusted) -> Self {
        let Ok(shape) = serde_json::from_str::<Shape<'_>>(event) else {
            return Self::Http;
        };
        match shape {
            Shape {
                request_context: Some(Context { elb: Some(_) }),
                ..
            } => Self::Foreign(Source::LoadBalancer),
            Shape {
                request_context: Some(_),
                ..
            } => Self::Http,
            Shape {
                records: Some(records),
                ..
            } => Self::of_records(records, trusted),
            Shape {
                detail_type: Some(_),
                ..
            } => match notification::of_event_bridge(event, trusted) {
                Some(job) => Self::Notifications(vec![job]),
                None => Self::Foreign(Source::EventBridge),
            },
            Shape {
                event: Some(name), ..
            } if name == notification::TEST => {
                Self::Notifications(vec![Ok(Job::Nothing("test_event"))])
            }
            Shape {
                session: Some(_), ..
            } => Self::Foreign(Source::Alexa),
            Shape {
                prompt: Some(_), ..
            }
            | Shape {
                messages: Some(_), ..
            } => Self::Direct,
            _ => Self::Http,
        }
    }

    fn of_records(records: &'a RawValue, trusted: &Trusted) -> Self {
        let Ok(records) = serde_json::from_str::<Vec<&RawValue>>(records.get()) else {
            return Self::Foreign(Source::Other);
        };
        let source = |record: &&RawValue| {
            let record: Record<'_> = serde_json::from_str(record.get()).ok()?;
            record.source.map(Cow::into_owned)
        };
        // One event's records are of one service; one that does not say is its neighbours'.
        let source = records.iter().find_map(source);
        match source.as_deref() {
            Some("aws:sqs") => Self::Messages(records),
            Some("aws:s3") => Self::Notifications(notification::of_s3(&records, trusted)),
            Some("aws:sns") => Self::Notifications(notification::of_sns(&records, trusted)),
            Some("aws:dynamodb") => Self::Foreign(Source::DynamoDb),
            Some("aws:kinesis") => Self::Foreign(Source::Kinesis),
            None if records.is_empty() => Self::Messages(Vec::new()),
            Some(_) | None => Self::Foreign(Source::Other),
        }
    }
}
