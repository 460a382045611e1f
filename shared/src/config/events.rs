//! The variables of uploads, messages and batch files. `docs/events.md` lists them.

use std::time::Duration;

use super::{Invalid, checked, is_endpoint, listed, number};
use crate::jobs::Function;
use crate::jobs::address::OUTPUT;

/// Which uploads and messages are taken, and where their results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Where results and locks are kept.
    pub result_bucket: Option<String>,
    /// The buckets whose uploads are read.
    pub request_buckets: Vec<String>,
    /// What the keys of uploads begin with, where that is not the function's own prefix.
    pub request_prefix: Option<String>,
    /// The ARNs of the queues whose messages are taken.
    pub queues: Vec<String>,
    /// Where lines of batch files go.
    pub queue_urls: QueueUrls,
    /// How many records of one event are worked on at a time.
    pub at_a_time: usize,
    /// After how long a batch file's summary is written without the lines that are missing.
    pub expiry: Duration,
}

/// The URL of each function's queue, where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueUrls {
    chat: Option<String>,
    completion: Option<String>,
    image: Option<String>,
}

impl QueueUrls {
    /// The URL of this function's queue.
    pub fn of(&self, function: Function) -> Option<&str> {
        match function {
            Function::Chat => self.chat.as_deref(),
            Function::Completion => self.completion.as_deref(),
            Function::Image => self.image.as_deref(),
        }
    }
}

impl Events {
    pub(super) fn read(
        lookup: impl Fn(&'static str) -> Option<String> + Copy,
    ) -> Result<Self, Invalid> {
        let queue_url =
            |variable| checked(variable, lookup, "is not an http or https URL", is_endpoint);
        let at_a_time = number("BATCH_CONCURRENCY", lookup, 1..=100)?;
        let hours = number("BATCH_EXPIRY_HOURS", lookup, 1..=336)?;
        Ok(Self {
            result_bucket: lookup("RESULT_BUCKET"),
            request_buckets: listed(lookup("REQUEST_BUCKETS")),
            request_prefix: checked(
                "REQUEST_PREFIX",
                lookup,
                "overlaps `results/`, `images/` or `locks/`, or does not end with a slash",
                is_request_prefix,
            )?,
            queues: match listed(lookup("QUEUE_ARNS")) {
                arns if arns.iter().all(|arn| is_queue(arn)) => arns,
                _ => {
                    let reason = "holds what is not a queue's ARN";
                    return Err(Invalid::new("QUEUE_ARNS", reason));
                }
            },
            queue_urls: QueueUrls {
                chat: queue_url("CHAT_QUEUE_URL")?,
                completion: queue_url("COMPLETION_QUEUE_URL")?,
                image: queue_url("IMAGE_QUEUE_URL")?,
            },
            at_a_time: at_a_time.map_or(10, |number| number as usize),
            expiry: Duration::from_secs(hours.unwrap_or(24) * 60 * 60),
        })
    }
}

/// Output that landed under it would be taken for requests, whose output would be again.
fn is_request_prefix(text: &str) -> bool {
    let overlaps = |prefix: &&str| prefix.starts_with(text) || text.starts_with(*prefix);
    text.ends_with('/') && !OUTPUT.iter().any(overlaps)
}

fn is_queue(text: &str) -> bool {
    text.starts_with("arn:")
        && text.split(':').nth(2) == Some("sqs")
        && text.split(':').count() == 6
}
