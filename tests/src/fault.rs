//! What can go wrong at S3 and SQS, and for which requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, watch};

/// What a request wants of S3 or SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// S3: an object is written.
    PutObject,
    /// S3: an object is read, or a part of one.
    GetObject,
    /// S3: what an object is like.
    HeadObject,
    /// S3: an object goes.
    DeleteObject,
    /// S3: keys are listed; the name is their prefix.
    ListObjects,
    /// SQS: a message is sent.
    SendMessage,
    /// SQS: up to ten messages are sent.
    SendMessageBatch,
    /// SQS: when a message is to come back.
    ChangeMessageVisibility,
    /// SQS: when up to ten messages are to come back.
    ChangeMessageVisibilityBatch,
    /// Anything else, which is refused.
    Other,
}

impl Operation {
    /// This operation on all objects whose keys, or all queues whose names, begin like this.
    pub fn on(self, prefix: impl Into<String>) -> On {
        On {
            operation: self,
            prefix: prefix.into(),
        }
    }
}

/// Some requests: an operation, and how the object's key or the queue's name begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct On {
    operation: Operation,
    prefix: String,
}

/// What goes wrong: once, unless it says otherwise. Of several faults for one request the first
/// that was asked for happens.
#[derive(Debug)]
#[must_use = "nothing goes wrong until the service is told"]
pub struct Fault {
    on: On,
    passes: usize,
    times: usize,
    act: Act,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Error(u16, String, String),
    Close,
    Lose,
    Silence,
    Unanswered,
    Cut(usize),
    Stall(usize),
    Header(&'static str, &'static str),
    Claim(u64),
    Delay(Duration),
    Meet(Arc<Barrier>),
    Hold(Held),
    Entries(Vec<usize>),
}

/// Which entries of a batch fail, by their places.
#[derive(Debug, Clone)]
pub(crate) struct FailedEntries(pub(crate) Vec<usize>);

impl On {
    pub(crate) fn includes(&self, operation: Operation, name: &str) -> bool {
        self.operation == operation && name.starts_with(&self.prefix)
    }

    fn fault(&self, act: Act) -> Fault {
        Fault {
            on: self.clone(),
            passes: 0,
            times: 1,
            act,
        }
    }

    /// An error of the service, in its own format. Nothing is done.
    pub fn error(&self, status: u16, code: &str, message: &str) -> Fault {
        self.fault(Act::Error(status, code.to_owned(), message.to_owned()))
    }

    /// S3: too many requests, 503.
    pub fn slow_down(&self) -> Fault {
        self.error(503, "SlowDown", "Please reduce your request rate.")
    }

    /// A 500.
    pub fn internal_error(&self) -> Fault {
        let message = "We encountered an internal error. Please try again.";
        self.error(500, "InternalError", message)
    }

    /// S3: another conditional write of the same key is under way, 409.
    pub fn conflict(&self) -> Fault {
        let message = "The conditional request cannot succeed due to a conflicting operation \
                       against this resource.";
        self.error(409, "ConditionalRequestConflict", message)
    }

    /// No permission, 403.
    pub fn denied(&self) -> Fault {
        self.error(403, "AccessDenied", "Access Denied")
    }

    /// S3: the object is encrypted with a key that the caller may not use, 403.
    pub fn kms_denied(&self) -> Fault {
        let message = "User: arn:aws:sts::123456789012:assumed-role/function/under-test is not \
                       authorized to perform: kms:GenerateDataKey on the resource associated with \
                       this ciphertext because no identity-based policy allows the \
                       kms:GenerateDataKey action";
        self.error(403, "AccessDenied", message)
    }

    /// S3: the key service is asked too often, 400.
    pub fn kms_throttled(&self) -> Fault {
        let message = "You have exceeded the rate at which you may call KMS. Reduce the frequency \
                       of your calls. (Service: AWSKMS; Status Code: 400)";
        self.error(400, "ThrottlingException", message)
    }

    /// S3: the key is disabled, 400.
    pub fn kms_disabled(&self) -> Fault {
        let message = "arn:aws:kms:us-east-1:123456789012:key/made-up is disabled.";
        self.error(400, "KMS.DisabledException", message)
    }

    /// The caller's clock is wrong, 403.
    pub fn skewed(&self) -> Fault {
        let message = "The difference between the request time and the current time is too large.";
        self.error(403, "RequestTimeTooSkewed", message)
    }

    /// S3: there is no such object, 404.
    pub fn gone(&self) -> Fault {
        self.error(404, "NoSuchKey", "The specified key does not exist.")
    }

    /// The connection is closed without an answer; nothing is done.
    pub fn closed(&self) -> Fault {
        self.fault(Act::Close)
    }

    /// What is asked for is done, and the connection closed without an answer.
    pub fn lost(&self) -> Fault {
        self.fault(Act::Lose)
    }

    /// Nothing is done, and never an answer.
    pub fn silent(&self) -> Fault {
        self.fault(Act::Silence)
    }

    /// What is asked for is done, and never an answer.
    pub fn unanswered(&self) -> Fault {
        self.fault(Act::Unanswered)
    }

    /// Of the answer's body only so many bytes come, then the connection is closed.
    pub fn cut_after(&self, bytes: usize) -> Fault {
        self.fault(Act::Cut(bytes))
    }

    /// Of the answer's body only so many bytes come, then nothing.
    pub fn stalled_after(&self, bytes: usize) -> Fault {
        self.fault(Act::Stall(bytes))
    }

    /// S3: the answer says another checksum than its body has.
    pub fn wrong_checksum(&self) -> Fault {
        self.saying("x-amz-checksum-crc32", "AAAAAA==")
    }

    /// The answer has this header, whatever its body is.
    pub fn saying(&self, name: &'static str, value: &'static str) -> Fault {
        self.fault(Act::Header(name, value))
    }

    /// S3: the answer says that its body has so many bytes. Those that there are come, then nothing.
    pub fn claiming(&self, bytes: u64) -> Fault {
        self.fault(Act::Claim(bytes))
    }

    /// Everything is well, but later.
    pub fn delayed(&self, time: Duration) -> Fault {
        self.fault(Act::Delay(time))
    }

    /// The requests wait for each other until there are so many, and go on together. Holds for as
    /// many.
    pub fn meeting(&self, count: usize) -> Fault {
        let barrier = Arc::new(Barrier::new(count));
        self.fault(Act::Meet(barrier)).times(count)
    }

    /// SQS: the entries at these places of a batch fail, and the others succeed.
    pub fn failing_entries(&self, places: &[usize]) -> Fault {
        self.fault(Act::Entries(places.to_vec()))
    }

    pub(crate) fn held(&self, held: Held) -> Fault {
        self.fault(Act::Hold(held)).always()
    }
}

impl Fault {
    /// So many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Every time.
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Only when so many requests have been let through.
    pub fn after(mut self, passes: usize) -> Self {
        self.passes = passes;
        self
    }

    /// What happens to a request, if this is one of those meant.
    pub(crate) fn applies(&mut self, operation: Operation, name: &str) -> Option<Act> {
        if !self.on.includes(operation, name) || self.times == 0 {
            return None;
        }
        if self.passes > 0 {
            self.passes -= 1;
            return None;
        }
        if self.times != usize::MAX {
            self.times -= 1;
        }
        Some(self.act.clone())
    }
}

/// Requests that are kept waiting before anything is done for them.
#[derive(Debug, Clone)]
pub struct Held {
    waiting: Arc<watch::Sender<usize>>,
    released: Arc<watch::Sender<bool>>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Arc::new(watch::Sender::new(0)),
            released: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Waits until so many are waiting.
    pub async fn until(&self, count: usize) {
        let mut waiting = self.waiting.subscribe();
        let enough = waiting.wait_for(|waiting| *waiting >= count);
        let enough = tokio::time::timeout(Duration::from_secs(10), enough);
        drop(enough.await.expect("it comes to that").expect("a sender"));
    }

    /// Lets them go on, and all that come later.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub(crate) async fn wait(&self) {
        self.waiting.send_modify(|count| *count += 1);
        let mut released = self.released.subscribe();
        drop(released.wait_for(|released| *released).await);
    }
}
