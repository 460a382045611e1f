//! The lock's state machine, without the network and without a clock.
//!
//! A lock is one object. It is made on the condition that it is not there, and changed on the
//! condition that it has not changed, so of any number of workers one wins. A worker that has the
//! lock does the work and keeps a result; the result, once it is there, is the end. What can go wrong
//! on the way:
//!
//! - *A write's answer is lost*, and the SDK's own repetition is told 412, of the worker's own write.
//!   So the lock names its owner, and a worker that is refused reads it.
//! - *409* says that another write was under way, and nothing about who won: the lock is read again.
//! - *The holder crashes.* Its lease ends, and one worker takes over. The holder may have kept its
//!   result before: whoever finds a lock looks for a result before it takes over.
//! - *The holder gives up*, and the lock is free: the next one need not wait for the lease.
//!
//! ```text
//!                 made                                      taken
//!   Create ───────────────────────> Work <──────────────────────────── Take
//!     │  ▲                           ▲                                  │ ▲
//! 412 │  │ gone                 mine │            refused, 409, unknown │ │ free or expired
//!     ▼  │                           │                                  ▼ │
//!     Read ──────────────────────────┴──────────> Look ───────────────────┘
//!                  another's                        │ there: Finished; held: Busy
//! ```
//!
//! How often a holder may have paid is counted in the lock ([`Lock::calls`]): a holder counts itself
//! when it takes the lock, and takes itself out again when it gives the lock back unpaid.

use serde::{Deserialize, Serialize};

/// How many holders of one lock may have paid, before nobody calls any more.
pub const MOST_CALLS: u32 = 2;

/// What is added to the count when the last call ended in a defect of this program: nobody calls, and
/// nobody says that it ended.
const POISONED: u32 = 1 << 16;

/// How often one worker begins a step anew, before it leaves the lock for later.
const MOST_TRIES: u8 = 6;

/// What a lock says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lock {
    /// Who wrote it: different for every worker.
    pub owner: String,
    /// Whether somebody is at work; else it was given back.
    pub held: bool,
    /// When the holder's lease ends, in milliseconds since 1970.
    pub until: u64,
    /// How many holders may have paid, the present one among them.
    pub calls: u32,
    /// What the request is, where its name alone does not say: a digest.
    pub fingerprint: Option<String>,
}

/// What a worker does next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Make the lock, if there is none.
    Create,
    /// Read it.
    Read,
    /// Look whether there is a result.
    Look,
    /// Change the lock, if it still has this tag.
    Take {
        /// The tag that it had when it was read.
        tag: String,
        /// How many holders may have paid, this one among them.
        calls: u32,
    },
    /// Nothing more: this is what came of it.
    End(End),
}

/// What a worker is told of its step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Said {
    /// The lock is written, and has this tag.
    Written(String),
    /// The condition did not hold.
    Refused,
    /// Nobody knows whether the step was done: another write was under way, or no answer came.
    Unknown,
    /// The lock is there.
    Found {
        /// What it says.
        lock: Lock,
        /// Its tag.
        tag: String,
        /// Whether its lease has ended.
        expired: bool,
    },
    /// There is no lock.
    Missing,
    /// Whether there is a result.
    Result(bool),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum End {
    /// The lock is this worker's.
    Work {
        /// The lock's tag, for giving it back.
        tag: String,
        /// How many holders may have paid, this one among them.
        calls: u32,
    },
    /// There is a result.
    Finished,
    /// Another is at work, until then: milliseconds since 1970.
    Busy {
        /// When its lease ends.
        until: u64,
    },
    /// The lock is another request's of the same name.
    Mismatch,
    /// The lock could not be had, and nobody knows whose it is.
    Unknown,
}

/// A worker on its way to the lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    owner: String,
    fingerprint: Option<String>,
    tries: u8,
    step: Step,
    /// What was read of another's lock.
    seen: Option<(Lock, String, bool)>,
}

impl Claim {
    /// The claim of a worker with this name.
    pub fn new(owner: String, fingerprint: Option<String>) -> Self {
        Self {
            owner,
            fingerprint,
            tries: 0,
            step: Step::Create,
            seen: None,
        }
    }

    /// What to do now.
    pub const fn step(&self) -> &Step {
        &self.step
    }

    /// The lock that this worker writes.
    pub fn lock(&self, until: u64) -> Lock {
        Lock {
            owner: self.owner.clone(),
            held: true,
            until,
            calls: match &self.step {
                Step::Take { calls, .. } => *calls,
                Step::Create | Step::Read | Step::Look | Step::End(_) => 1,
            },
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// Takes what came of the step.
    pub fn hear(&mut self, said: Said) {
        let step = std::mem::replace(&mut self.step, Step::Read);
        self.step = match (step, said) {
            (Step::Create, Said::Written(tag)) => Step::End(End::Work { tag, calls: 1 }),
            (Step::Create, Said::Refused) => Step::Read,
            (Step::Read, Said::Missing) => self.again(Step::Create),
            (Step::Read, Said::Found { lock, tag, .. }) if lock.owner == self.owner => {
                let calls = lock.calls;
                Step::End(End::Work { tag, calls })
            }
            (Step::Read, Said::Found { lock, .. }) if lock.fingerprint != self.fingerprint => {
                Step::End(End::Mismatch)
            }
            (Step::Read, Said::Found { lock, tag, expired }) => {
                self.seen = Some((lock, tag, expired));
                Step::Look
            }
            (Step::Look, Said::Result(true)) => Step::End(End::Finished),
            (Step::Look, Said::Result(false)) => match self.seen.take() {
                Some((lock, _, false)) if lock.held => Step::End(End::Busy { until: lock.until }),
                Some((lock, tag, _)) => Step::Take {
                    tag,
                    calls: lock.calls.saturating_add(1),
                },
                None => self.again(Step::Read),
            },
            (Step::Take { calls, .. }, Said::Written(tag)) => Step::End(End::Work { tag, calls }),
            (Step::End(end), _) => Step::End(end),
            // What is not known is made again where that is safe, and else read.
            (Step::Create, _) => self.again(Step::Create),
            (Step::Read | Step::Look | Step::Take { .. }, _) => self.again(Step::Read),
        };
    }

    fn again(&mut self, step: Step) -> Step {
        self.tries += 1;
        match self.tries < MOST_TRIES {
            true => step,
            false => Step::End(End::Unknown),
        }
    }

    /// How often a step was begun anew so far.
    pub const fn tries(&self) -> u8 {
        self.tries
    }
}

/// How a lock is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// Its holder did not pay.
    Unpaid,
    /// Its holder may have paid.
    PerhapsPaid,
    /// Its holder met a defect, and was the last that may call.
    Poisoned,
}

/// The lock when its holder gives it back.
pub fn given_back(lock: Lock, back: Back) -> Lock {
    Lock {
        held: false,
        calls: match back {
            Back::Unpaid => lock.calls.saturating_sub(1),
            Back::PerhapsPaid => lock.calls,
            Back::Poisoned => lock.calls.saturating_add(POISONED),
        },
        ..lock
    }
}

/// Whether a holder with this count stands behind a defect.
pub const fn is_poisoned(calls: u32) -> bool {
    calls > POISONED
}

#[cfg(test)]
#[path = "model_check.rs"]
mod model_check;
