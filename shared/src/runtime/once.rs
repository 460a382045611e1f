//! Answers a request over HTTP once only, by its caller's key.
//!
//! The answer is kept before its end is sent, and the same request of the same key has it again. An
//! error is not kept: the key may be used again, until two calls may have been paid for.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{Invocation, LARGEST_BUFFERED, Task};
use crate::Error;
use crate::api::document::Document;
use crate::deadline::Deadline;
use crate::doors::api_gateway::IdempotencyKey;
use crate::error::{Cause, Outlook, RequestFault, UpstreamFault};
use crate::jobs::Function;
use crate::jobs::address::Address;
use crate::once::{Back, Claimed, Hold, Once};
use crate::reply::{Event, Events, Reply};
use crate::store::{Bucket, Found, If, Writing};
use crate::telemetry::{Facts, Scope, duplicate_avoided};

/// Says what a kept answer is.
const KIND: &str = "kind";
const WHOLE: &str = "whole";
const STREAMED: &str = "streamed";

/// The time that is kept back, of a long request, for keeping its answer.
const KEEPING: Duration = Duration::from_secs(2);

/// How long a caller is told to wait at most for the answer to the same key: it is there long before
/// the lease ends.
const LONGEST_ADVICE: Duration = Duration::from_secs(5);

/// A request with a key.
#[derive(Debug)]
pub(super) struct Keyed {
    once: Once,
    result: String,
    bucket: Bucket,
}

impl Keyed {
    /// A request with this key, whose body has this digest.
    pub(super) fn new(
        function: Function,
        key: &IdempotencyKey,
        fingerprint: String,
        bucket: Bucket,
    ) -> Self {
        let IdempotencyKey { scope, key } = key;
        let address = Address::of_key(function, scope, key);
        let result = address.result(200);
        Self {
            once: Once {
                lock: address.lock(),
                results: vec![result.clone()],
                fingerprint: Some(fingerprint),
            },
            result,
            bucket,
        }
    }

    /// The reply, and whether it was kept from an earlier request.
    pub(super) async fn reply<T: Task>(
        self,
        task: &T,
        request: T::Request,
        invocation: Invocation,
    ) -> Result<(Reply, bool), Error> {
        let deadline = invocation.deadline;
        let claimed = self.once.claim(&self.bucket, deadline, deadline);
        let hold = match claimed.await? {
            Claimed::Mine(hold) => hold,
            Claimed::Finished => {
                let kept = self.kept(deadline).await?;
                duplicate_avoided();
                return Ok((kept, true));
            }
            Claimed::Busy(wait) => {
                let wait = wait.min(LONGEST_ADVICE);
                return Err(RequestFault::IdempotencyInProgress { wait }.into());
            }
            Claimed::Mismatch => return Err(RequestFault::IdempotencyMismatch.into()),
        };
        if !hold.may_call() {
            hold.give_back(Back::Unpaid, deadline).await;
            return Err(interrupted());
        }
        // What is kept is held whole, so it is as small as what is sent whole; and keeping takes time.
        let keeping = KEEPING.min(deadline.remaining() / 4);
        let invocation = Invocation {
            largest_answer: invocation.largest_answer.min(LARGEST_BUFFERED),
            deadline: deadline.keeping_back(keeping),
            ..invocation
        };
        let answer = match task.answer(request, &invocation).await {
            Ok(Reply::Whole(document, facts)) => {
                let body = document.into_bytes();
                self.keep(hold, WHOLE, body.clone(), deadline).await;
                Reply::Whole(Document::written(body), facts)
            }
            Ok(Reply::Stream(events, trimmed)) => {
                Reply::Stream(self.keeping(events, hold, deadline), trimmed)
            }
            Err(error) => {
                given_back(hold, &error, deadline).await;
                return Err(error);
            }
        };
        Ok((answer, false))
    }

    /// Hands the events on, and keeps them before the last one. Whoever stops reading does not stop
    /// the answer: it is paid for, and the same key is to find it.
    fn keeping(self, mut events: Events, hold: Hold, deadline: Deadline) -> Events {
        let (sending, read) = mpsc::unbounded_channel();
        tokio::spawn(Scope::inherited(async move {
            let mut kept = Vec::new();
            let mut hold = Some(hold);
            while let Some(event) = events.next().await {
                match &event {
                    Ok(Event::Data(document)) => {
                        kept.extend_from_slice(document.as_bytes());
                        kept.push(b'\n');
                        // Longer than any answer that is sent whole: it is not kept.
                        if kept.len() > LARGEST_BUFFERED {
                            kept.clear();
                            if let Some(hold) = hold.take() {
                                tracing::warn!(
                                    "the answer of an idempotency key is too long to keep"
                                );
                                hold.give_back(Back::PerhapsPaid, deadline).await;
                            }
                        }
                    }
                    Ok(Event::End(_)) => {
                        if let Some(hold) = hold.take() {
                            let body = Bytes::from(std::mem::take(&mut kept));
                            self.keep(hold, STREAMED, body, deadline).await;
                        }
                    }
                    Err(error) => {
                        if let Some(hold) = hold.take() {
                            // What began to come is paid for.
                            let paid = Error::PartlyPaid(Box::new(error.clone()));
                            given_back(hold, &paid, deadline).await;
                        }
                    }
                }
                // Perhaps nobody reads any more.
                let _ = sending.send(event);
            }
        }));
        let next = |mut read: mpsc::UnboundedReceiver<_>| async move {
            let event = read.recv().await?;
            Some((event, read))
        };
        stream::unfold(read, next).boxed()
    }

    /// Keeps an answer. One that cannot be kept is sent all the same; the same key would make it, and
    /// pay for it, once more.
    async fn keep(&self, hold: Hold, kind: &'static str, body: Bytes, deadline: Deadline) {
        let writing = Writing {
            key: &self.result,
            body,
            content_type: "application/json",
            metadata: &[(KIND, kind.to_owned())],
            condition: If::Absent,
        };
        if let Err(error) = self.bucket.put(writing, deadline).await {
            let aws_code = error.cause().map(|cause| cause.code.as_str());
            tracing::warn!(aws_code, "the answer of an idempotency key was not kept");
            hold.give_back(Back::PerhapsPaid, deadline).await;
        }
    }

    /// The answer that was kept.
    async fn kept(&self, deadline: Deadline) -> Result<Reply, Error> {
        let found = self.bucket.get(&self.result, deadline).await?;
        // It was there a moment ago.
        let Found { body, metadata, .. } = found.ok_or_else(|| Error::defect("kept answer"))?;
        if metadata.get(KIND).map(String::as_str) == Some(WHOLE) {
            return Ok(Reply::Whole(Document::written(body), Facts::default()));
        }
        let text = String::from_utf8(body.into()).map_err(|_| Error::defect("kept answer"))?;
        let documents: Vec<_> = text
            .lines()
            .map(|line| Event::Data(line.to_owned()))
            .collect();
        let end = [Event::End(Facts::default())];
        let events = documents.into_iter().chain(end).map(Ok);
        Ok(Reply::Stream(stream::iter(events).boxed(), 0))
    }
}

/// That two calls may have been paid for, and no third is made.
pub(super) fn interrupted() -> Error {
    Error::Upstream {
        fault: UpstreamFault::Interrupted,
        cause: Cause::of("Interrupted"),
    }
}

async fn given_back(hold: Hold, error: &Error, deadline: Deadline) {
    let back = match error.outlook() {
        Outlook::PerhapsPaid => Back::PerhapsPaid,
        Outlook::Permanent | Outlook::Unpaid => Back::Unpaid,
    };
    hold.give_back(back, deadline).await;
}
