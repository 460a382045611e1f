//! An SQS that functions send to, and what calls a function with the messages of a queue.
//!
//! Its clock stands still: delays and visibility timeouts are over when the test says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::event::Event;
use crate::failures::BatchItemFailures;
use crate::fault::{Fault, Held, On};
use crate::front::{Front, Seen};
use crate::function::Function;
use crate::message::Message;
use crate::outcome::Outcome;
use crate::{ACCOUNT, calls};

mod protocol;
mod queues;
#[cfg(test)]
mod tests;

use protocol::Desk;
use queues::Queue;

/// After how many invocations a queue is thought never to become empty.
const MOST_INVOCATIONS: usize = 2_000;

/// The service, with a queue for each function, and a FIFO queue.
#[derive(Debug)]
pub struct Sqs {
    url: String,
    desk: Arc<Desk>,
    front: Arc<Front>,
}

/// A message that a function sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The queue's name.
    pub queue: String,
    /// The queue's URL, as it was said.
    pub url: String,
    /// The message's id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// For how many seconds it is held back, where the sender said so.
    pub delay: Option<u64>,
    /// Its own attributes that are texts.
    pub attributes: BTreeMap<String, String>,
    /// Its group.
    pub group: Option<String>,
    /// Its deduplication id.
    pub deduplication: Option<String>,
    /// The request's headers.
    pub headers: HeaderMap,
}

impl Sent {
    /// The JSON that it says.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A change of when a message comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visibility {
    /// The queue's name.
    pub queue: String,
    /// The receipt that was named.
    pub receipt_handle: String,
    /// The message's id; nothing if nobody has a message with that receipt.
    pub id: Option<String>,
    /// In how many seconds it comes back.
    pub seconds: u64,
}

/// Messages that were handed out together.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The queue's name.
    pub queue: String,
    /// The event that hands them out.
    pub event: Event,
    /// The messages.
    pub messages: Vec<Message>,
}

/// No message that a function sends may hold content.
impl Drop for Sqs {
    fn drop(&mut self) {
        self.front.watch().check("a request to SQS");
    }
}

impl Sqs {
    /// The queue of the function `chat`.
    pub const CHAT: &str = "chat-requests";
    /// The queue of the function `text-completion`.
    pub const COMPLETION: &str = "completion-requests";
    /// The queue of the function `image-generation`.
    pub const IMAGE: &str = "image-requests";
    /// A FIFO queue of the function `chat`.
    pub const FIFO: &str = "chat-requests.fifo";

    /// Starts the service.
    pub async fn start() -> Self {
        let desk = Arc::new(Desk::default());
        let (url, front) = Front::serve(Arc::new(Arc::clone(&desk))).await;
        let sqs = Self { url, desk, front };
        for queue in [Self::CHAT, Self::COMPLETION, Self::IMAGE, Self::FIFO] {
            sqs.create(queue);
        }
        sqs
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a queue, as functions are told.
    pub fn queue_url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.url)
    }

    /// Makes another queue; its name says whether it is a FIFO queue.
    pub fn create(&self, queue: &str) {
        let mut queues = self.desk.queues();
        let before = queues
            .queues
            .insert(queue.to_owned(), protocol::queue(queue));
        assert!(before.is_none(), "the queue {queue} is there already");
    }

    /// Gives messages up that have been received so often, as a redrive policy's
    /// `maxReceiveCount` says.
    pub fn give_up_after(&self, queue: &str, receives: u64) {
        self.with(queue, |queue| queue.give_up_after(receives));
    }

    /// Puts a message into a queue. Nobody's request: it is neither counted nor fails.
    pub fn put(&self, queue: &str, message: Message) -> String {
        let now = self.desk.queues().now;
        self.with(queue, |queue| queue.push(message, None, now))
    }

    /// Hands out up to so many messages; nothing where none is to be had now.
    pub fn take(&self, queue: &str, most: usize) -> Option<Delivery> {
        let now = self.desk.queues().now;
        let messages = self.with(queue, |queue| queue.take(most, now));
        calls::record_poll(queue, "sqs:ReceiveMessage");
        (!messages.is_empty()).then(|| Delivery {
            queue: queue.to_owned(),
            event: Event::messages(queue, &messages),
            messages,
        })
    }

    /// Deletes the messages that did not fail; the others come back when their time is over.
    pub fn settle(&self, delivery: &Delivery, failures: &BatchItemFailures) {
        let messages = delivery.messages.iter();
        let ids: Vec<_> = messages.map(|message| message.id.clone()).collect();
        self.with(&delivery.queue, |queue| queue.settle(&ids, failures));
        calls::record_poll(&delivery.queue, "sqs:DeleteMessage");
    }

    /// The same for all that can become of an invocation: if it failed, all come back.
    pub fn settle_outcome(&self, delivery: &Delivery, outcome: &Outcome) {
        match outcome {
            Outcome::Response(response) => {
                self.settle(delivery, &BatchItemFailures::read(response));
            }
            Outcome::Error(_) => self.give_back(delivery),
            Outcome::Streamed(_) => panic!("a streamed answer to a queue: {outcome:?}"),
        }
    }

    /// Takes all messages back: nobody answered.
    pub fn give_back(&self, delivery: &Delivery) {
        let messages = delivery.messages.iter();
        let all = messages.map(|message| message.id.as_str()).collect();
        self.settle(delivery, &all);
    }

    /// Lets time go on for all queues.
    pub fn advance(&self, time: Duration) {
        self.desk.queues().now += time;
    }

    /// How much time has gone on.
    pub fn now(&self) -> Duration {
        self.desk.queues().now
    }

    /// Lets time go on until a message can be handed out; whether there is one.
    pub fn skip(&self, queue: &str) -> bool {
        let next = self.with(queue, |queue| queue.next());
        let mut queues = self.desk.queues();
        queues.now = queues.now.max(next.unwrap_or_default());
        next.is_some()
    }

    /// Calls a function with up to so many messages at a time until its queue is empty, with time
    /// enough each time. Waits are skipped. Returns what became of each invocation.
    pub async fn drive(&self, queue: &str, function: &mut Function, most: usize) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while self.skip(queue) {
            assert!(outcomes.len() < MOST_INVOCATIONS, "{queue} never ends");
            let Some(delivery) = self.take(queue, most) else {
                continue;
            };
            let outcome = function.invoke_event(&delivery.event).await;
            self.settle_outcome(&delivery, &outcome);
            outcomes.push(outcome);
        }
        outcomes
    }

    /// The messages that are in a queue, be they handed out or not.
    pub fn waiting(&self, queue: &str) -> Vec<Message> {
        self.with(queue, |queue| queue.waiting())
    }

    /// The messages that were given up: what a dead-letter queue holds.
    pub fn dead(&self, queue: &str) -> Vec<Message> {
        self.with(queue, |queue| queue.dead())
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queues = self.desk.queues();
        let queue = queues.queues.get_mut(name);
        act(queue.unwrap_or_else(|| panic!("no queue {name}")))
    }

    /// The messages that were sent so far, to whatever queue.
    pub fn sent(&self) -> Vec<Sent> {
        self.desk.sent()
    }

    /// The messages that were sent to a queue so far.
    pub fn sent_to(&self, queue: &str) -> Vec<Sent> {
        let sent = self.desk.sent().into_iter();
        sent.filter(|sent| sent.queue == queue).collect()
    }

    /// The changes of when messages come back, so far.
    pub fn visibilities(&self) -> Vec<Visibility> {
        self.desk.visibilities()
    }

    /// Lets something go wrong.
    pub fn fail(&self, fault: Fault) {
        self.front.fail(fault);
    }

    /// Keeps all such requests waiting before anything is done for them.
    pub fn hold(&self, on: &On) -> Held {
        self.front.hold(on)
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.front.heal();
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.front.requests()
    }

    /// Such requests so far.
    pub fn requests_of(&self, on: &On) -> Vec<Seen> {
        self.front.of(on)
    }

    /// How many such requests came so far.
    pub fn count(&self, on: &On) -> usize {
        self.front.count(on)
    }

    /// Waits until so many such requests have come.
    pub async fn until(&self, on: &On, count: usize) {
        self.front.until(on, count).await;
    }
}
