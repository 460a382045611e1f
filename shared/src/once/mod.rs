//! Once only: the lock that a request is worked on under, in S3.
//!
//! [`protocol`] says how; this carries it out. `docs/events.md` has it in words.

pub mod protocol;

use std::time::Duration;

use bytes::Bytes;

use crate::Error;
use crate::deadline::{Deadline, now_in_milliseconds};
use crate::error::{Cause, UpstreamFault};
use crate::store::{Bucket, If, Writing, Written};
pub use protocol::Back;
use protocol::{Claim, End, Lock, MOST_CALLS, Said, Step};

/// How long is waited before a step is begun anew: longer each time.
const PAUSE: Duration = Duration::from_millis(50);

/// What is to be done once.
#[derive(Debug, Clone)]
pub struct Once {
    /// The lock's key.
    pub lock: String,
    /// The keys that a result may have.
    pub results: Vec<String>,
    /// What the request is, where its name alone does not say.
    pub fingerprint: Option<String>,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours.
    Mine(Hold),
    /// There is a result.
    Finished,
    /// Another has it, for so long at most.
    Busy(Duration),
    /// The name was used for another request.
    Mismatch,
}

/// A lock that is ours, until it is given back or the lease ends. The result, once it is kept, is
/// the end of it.
#[derive(Debug)]
pub struct Hold {
    bucket: Bucket,
    key: String,
    tag: String,
    lock: Lock,
}

impl Once {
    /// Asks for the lock, by this deadline, and holds it until the end of the invocation.
    pub async fn claim(
        &self,
        bucket: &Bucket,
        deadline: Deadline,
        end: Deadline,
    ) -> Result<Claimed, Error> {
        let until = end.lease();
        let owner = format!("{:032x}", fastrand::u128(..));
        let mut claim = Claim::new(owner, self.fingerprint.clone());
        loop {
            let written = claim.lock(until);
            let said = match claim.step() {
                Step::Create => self.write(bucket, &written, If::Absent, deadline).await?,
                Step::Take { tag, .. } => {
                    self.write(bucket, &written, If::Tag(tag), deadline).await?
                }
                Step::Read => self.read(bucket, deadline).await?,
                Step::Look => Said::Result(self.has_result(bucket, deadline).await?),
                Step::End(end) => return self.ended(bucket, end.clone(), &claim, until),
            };
            let tries = claim.tries();
            claim.hear(said);
            if claim.tries() > tries {
                let wait = PAUSE.saturating_mul(2_u32.saturating_pow(tries.into()));
                if wait >= deadline.remaining() {
                    return Err(unknown());
                }
                tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            }
        }
    }

    fn ended(
        &self,
        bucket: &Bucket,
        end: End,
        claim: &Claim,
        until: u64,
    ) -> Result<Claimed, Error> {
        Ok(match end {
            End::Work { tag, calls } => Claimed::Mine(Hold {
                bucket: bucket.clone(),
                key: self.lock.clone(),
                tag,
                lock: Lock {
                    calls,
                    ..claim.lock(until)
                },
            }),
            End::Finished => Claimed::Finished,
            End::Busy { until } => {
                let left = until.saturating_sub(now_in_milliseconds());
                Claimed::Busy(Duration::from_millis(left))
            }
            End::Mismatch => Claimed::Mismatch,
            End::Unknown => return Err(unknown()),
        })
    }

    async fn write(
        &self,
        bucket: &Bucket,
        lock: &Lock,
        condition: If<'_>,
        deadline: Deadline,
    ) -> Result<Said, Error> {
        let writing = Writing::json(&self.lock, json(lock)?).on(condition);
        match bucket.put(writing, deadline).await {
            Ok(Written::Done(tag)) => Ok(Said::Written(tag)),
            Ok(Written::Refused) => Ok(Said::Refused),
            // It may be there for all that.
            Err(Error::Upstream {
                fault: UpstreamFault::StorageUnavailable,
                ..
            }) if !deadline.remaining().is_zero() => Ok(Said::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, bucket: &Bucket, deadline: Deadline) -> Result<Said, Error> {
        let Some(found) = bucket.get(&self.lock, deadline).await? else {
            return Ok(Said::Missing);
        };
        let lock: Lock = serde_json::from_slice(&found.body).map_err(|_| Error::defect("lock"))?;
        let expired = lock.until <= now_in_milliseconds();
        Ok(Said::Found {
            lock,
            tag: found.tag,
            expired,
        })
    }

    async fn has_result(&self, bucket: &Bucket, deadline: Deadline) -> Result<bool, Error> {
        for key in &self.results {
            if bucket.has(key, deadline).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Hold {
    /// Whether the model may be called: not if two may have been paid for already.
    pub const fn may_call(&self) -> bool {
        self.lock.calls <= MOST_CALLS
    }

    /// Whether this is the last call that is made, whatever comes of it.
    pub const fn is_last(&self) -> bool {
        self.lock.calls >= MOST_CALLS
    }

    /// Whether calls under this lock ended in a defect: nobody calls any more, and nobody says that it
    /// ended.
    pub const fn is_poisoned(&self) -> bool {
        protocol::is_poisoned(self.lock.calls)
    }

    /// Gives the lock back, so that the next one need not wait for the lease. Where that fails the next
    /// one waits, and this holder stays counted as one that may have paid.
    pub async fn give_back(self, back: Back, deadline: Deadline) {
        let Self {
            bucket,
            key,
            tag,
            lock,
        } = self;
        let Ok(lock) = json(&protocol::given_back(lock, back)) else {
            return;
        };
        let writing = Writing::json(&key, lock).on(If::Tag(&tag));
        let _ = bucket.put(writing, deadline).await;
    }
}

/// S3 does not say whose the lock is.
fn unknown() -> Error {
    Error::Upstream {
        fault: UpstreamFault::StorageUnavailable,
        cause: Cause::of("LockUnknown"),
    }
}

fn json(lock: &Lock) -> Result<Bytes, Error> {
    let text = serde_json::to_vec(lock).map_err(|_| Error::defect("lock"))?;
    Ok(text.into())
}
