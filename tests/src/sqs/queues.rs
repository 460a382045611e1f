//! Queues whose time is moved by hand: what was sent to them, and when it comes back.
//!
//! Source: the SQS developer guide's pages `sqs-visibility-timeout`, `sqs-delay-queues` and
//! `FIFO-queues-understanding-logic`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::failures::BatchItemFailures;
use crate::message::Message;

/// How long a message that was handed out is kept from others: six times the function's time.
const VISIBILITY: Duration = Duration::from_secs(120);

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    fifo: bool,
    /// In the order in which they were sent.
    waiting: Vec<Waiting>,
    /// Those that were received too often, in the order in which they were given up.
    dead: Vec<Message>,
    most_receives: u64,
    /// Which deduplication ids came, for which messages.
    known: HashMap<String, String>,
}

/// A message that has not been done.
#[derive(Debug)]
struct Waiting {
    message: Message,
    /// From when on it can be handed out, on the queue's own clock.
    from: Duration,
    /// Whether somebody has it.
    taken: bool,
}

impl Queue {
    pub(crate) fn new(fifo: bool) -> Self {
        Self {
            fifo,
            waiting: Vec::new(),
            dead: Vec::new(),
            most_receives: u64::MAX,
            known: HashMap::new(),
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.fifo
    }

    pub(crate) fn give_up_after(&mut self, receives: u64) {
        self.most_receives = receives;
    }

    /// Takes a message that nobody has received so far; one with a known deduplication id is not
    /// taken. Returns the id that counts.
    pub(crate) fn push(
        &mut self,
        message: Message,
        deduplication: Option<&str>,
        from: Duration,
    ) -> String {
        if let Some(known) = deduplication.and_then(|id| self.known.get(id)) {
            return known.clone();
        }
        let id = message.id.clone();
        if let Some(deduplication) = deduplication {
            self.known.insert(deduplication.to_owned(), id.clone());
        }
        self.waiting.push(Waiting {
            message: message.received(0),
            from,
            taken: false,
        });
        id
    }

    /// Hands out up to so many messages. In a FIFO queue none overtakes another of its group.
    pub(crate) fn take(&mut self, most: usize, now: Duration) -> Vec<Message> {
        let mut taken = Vec::new();
        let mut given_up = BTreeSet::new();
        let mut blocked = BTreeSet::new();
        for waiting in &mut self.waiting {
            let group = waiting.message.group.clone().filter(|_| self.fifo);
            let is_blocked = group.as_ref().is_some_and(|group| blocked.contains(group));
            if waiting.taken || waiting.from > now || is_blocked || taken.len() == most {
                blocked.extend(group);
                continue;
            }
            let receives = waiting.message.receives + 1;
            if receives > self.most_receives {
                given_up.insert(waiting.message.id.clone());
                continue;
            }
            waiting.message = waiting.message.clone().received(receives);
            waiting.taken = true;
            waiting.from = now + VISIBILITY;
            taken.push(waiting.message.clone());
        }
        let (dead, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiting| given_up.contains(&waiting.message.id));
        self.waiting = waiting;
        let dead: Vec<Waiting> = dead;
        self.dead.extend(dead.into_iter().map(|dead| dead.message));
        taken
    }

    /// Deletes what was handed out with these ids and has not failed, and keeps the rest for
    /// later. Lambda takes a batch as failed of which it is told ids that it does not know.
    pub(crate) fn settle(&mut self, ids: &[String], failures: &BatchItemFailures) {
        let known = failures
            .ids()
            .iter()
            .all(|failed| ids.iter().any(|id| id == failed));
        self.waiting.retain_mut(|waiting| {
            let id = &waiting.message.id;
            if !ids.contains(id) {
                return true;
            }
            waiting.taken = false;
            !known || failures.contains(id)
        });
    }

    /// Says when a message comes back, by its receipt; the message's id, if somebody has it.
    pub(crate) fn change(&mut self, receipt: &str, from: Duration) -> Option<String> {
        let mut waiting = self.waiting.iter_mut();
        let found =
            waiting.find(|waiting| waiting.taken && waiting.message.receipt_handle == receipt)?;
        found.from = from;
        Some(found.message.id.clone())
    }

    /// When the next message can be handed out that nobody has, and that no other of its group is
    /// before.
    pub(crate) fn next(&self) -> Option<Duration> {
        let mut groups = BTreeSet::new();
        let mut next = None;
        for waiting in &self.waiting {
            let group = waiting.message.group.as_ref().filter(|_| self.fifo);
            let is_first = group.is_none_or(|group| groups.insert(group));
            if is_first && !waiting.taken {
                next = Some(next.map_or(waiting.from, |next: Duration| next.min(waiting.from)));
            }
        }
        next
    }

    pub(crate) fn waiting(&self) -> Vec<Message> {
        let messages = self.waiting.iter().map(|waiting| &waiting.message);
        messages.cloned().collect()
    }

    pub(crate) fn dead(&self) -> Vec<Message> {
        self.dead.clone()
    }
}

/// All queues, by their names, and their clock.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) queues: BTreeMap<String, Queue>,
    pub(crate) now: Duration,
}
