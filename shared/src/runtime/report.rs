//! Works through the records of an event, and reports those that are not done and when they come back.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use lambda_runtime::Context;
use serde_json::value::RawValue;

use super::Task;
use super::concurrently::{Bounds, Lined, Outcome, concurrently};
use super::failed::Failed;
use super::worker::{Left, Times, Worker};
use crate::deadline;
use crate::doors::queue::{Failures, Message};
use crate::jobs::{Job, Poison};
use crate::telemetry;

/// The wait before a failed message comes back for the first time; each further one is three times
/// as long.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// When a message comes back that was not begun, or that nobody can read.
const SOON: Duration = Duration::from_secs(1);

impl Worker {
    /// Does what messages ask for, and reports those that are not done.
    pub(super) async fn messages<T: Task>(
        &self,
        task: &T,
        records: &[&RawValue],
        context: &Context,
    ) -> Result<Failures, Failed> {
        let mut messages = Vec::with_capacity(records.len());
        let mut known = HashSet::new();
        for record in records {
            let message = Message::read(record, &self.events.queues, &self.trusted)?;
            // One that is there twice is reported once, and so done once.
            if known.insert(message.id.clone()) {
                messages.push(message);
            }
        }
        let times = Times::of(context);
        let lined: Vec<_> = messages
            .into_iter()
            .map(|message| Lined {
                group: message
                    .is_fifo()
                    .then(|| message.group.clone().unwrap_or_default()),
                record: message,
            })
            .collect();
        let outcomes = concurrently(&lined, self.bounds(&times), async |message| {
            self.message(task, message, &times).await
        })
        .await;
        let mut failed = BTreeSet::new();
        let mut returning = Vec::new();
        for (
            Lined {
                record: message, ..
            },
            outcome,
        ) in lined.iter().zip(&outcomes)
        {
            let Some(wait) = wait_after(outcome, message.receives, &times) else {
                continue;
            };
            telemetry::left(&times.request_id, &message.id, outcome_code(outcome), wait);
            failed.insert(message.id.clone());
            // In a FIFO queue the first of a group to come back must not be the last.
            if let Some(handle) = message
                .receipt_handle
                .clone()
                .filter(|_| !message.is_fifo())
            {
                returning.push((message.queue.as_str(), handle, wait));
            }
        }
        self.come_back(&returning, &times).await;
        Ok(Failures::of(failed))
    }

    /// Says when failed messages are to come back. What fails here makes them wait for longer.
    async fn come_back(&self, returning: &[(&str, String, Duration)], times: &Times) {
        let Some(url) = self.events.queue_urls.of(self.function) else {
            return;
        };
        let name = |text: &str, before: char| {
            let (_, name) = text.rsplit_once(before).unwrap_or_default();
            name.to_owned()
        };
        let own: Vec<_> = returning
            .iter()
            .filter(|(queue, ..)| name(queue, ':') == name(url, '/'))
            .map(|(_, handle, wait)| (handle.clone(), *wait))
            .collect();
        if own.is_empty() {
            return;
        }
        let changing = self.queues.come_back(url, &own, times.end);
        let outcome = tokio::time::timeout(times.end.remaining(), changing).await;
        if let Ok(Err(error)) = outcome {
            let aws_code = error.cause().map(|cause| cause.code.as_str());
            tracing::warn!(
                request_id = times.request_id,
                aws_code,
                "messages come back late"
            );
        }
    }

    /// Does what notifications ask for that no queue carried.
    pub(super) async fn notifications<T: Task>(
        &self,
        task: &T,
        jobs: Vec<Result<Job, Poison>>,
        context: &Context,
    ) -> Result<(), Failed> {
        let times = Times::of(context);
        // An event may tell of one object twice.
        let mut known = HashSet::new();
        let jobs: Vec<_> = jobs
            .into_iter()
            .filter(|job| match job {
                Ok(Job::Upload(object, _)) => known.insert(object.clone()),
                Ok(_) | Err(_) => true,
            })
            .collect();
        let jobs: Vec<_> = jobs.into_iter().map(Lined::alone).collect();
        let outcomes = concurrently(&jobs, self.bounds(&times), async |job| {
            self.job(task, job, &times).await
        })
        .await;
        let mut failed = 0;
        for outcome in &outcomes {
            if let Some(wait) = wait_after(outcome, 1, &times) {
                telemetry::left(&times.request_id, "", outcome_code(outcome), wait);
                failed += 1;
            }
        }
        match failed {
            0 => Ok(()),
            failed => Err(Failed::records(failed, outcomes.len())),
        }
    }

    fn bounds(&self, times: &Times) -> Bounds {
        Bounds {
            begin_by: times.begin_by,
            end_by: times.result.instant().into(),
            at_a_time: self.events.at_a_time,
        }
    }

    async fn message<T: Task>(
        &self,
        task: &T,
        message: &Message,
        times: &Times,
    ) -> Result<(), Left> {
        let jobs = message
            .jobs
            .as_ref()
            .map_err(|poison| Left::Poison(*poison))?;
        // One that fails does not keep the others from being done.
        let mut outcome = Ok(());
        for job in jobs {
            outcome = outcome.and(self.job(task, job, times).await);
        }
        outcome
    }
}

/// When a record that is not done comes back; `None` for one that is done.
fn wait_after(outcome: &Outcome<Left>, receives: u32, times: &Times) -> Option<Duration> {
    let wait = match outcome {
        Outcome::Done => return None,
        Outcome::Failed(Left::Busy(wait)) => *wait + SOON,
        // What was asked for, but no sooner than by itself: the receives are counted, and must last.
        Outcome::Failed(Left::Failed(error)) => {
            let asked = error.wait_asked().unwrap_or_default().min(LONGEST_WAIT);
            backoff(receives).max(asked + SOON.mul_f64(fastrand::f64()))
        }
        Outcome::Panicked => backoff(receives),
        // Its lock is still held.
        Outcome::CutOff => {
            let lease = times.end.lease();
            Duration::from_millis(lease.saturating_sub(deadline::now_in_milliseconds())) + SOON
        }
        Outcome::Failed(Left::Poison(_) | Left::Late) | Outcome::NotBegun | Outcome::Behind => SOON,
    };
    Some(wait)
}

/// A wait that grows with each receive.
fn backoff(receives: u32) -> Duration {
    let times = 3_u32.saturating_pow(receives.saturating_sub(1));
    let longest = FIRST_WAIT.saturating_mul(times).min(LONGEST_WAIT);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Why a record is not done, for the log.
fn outcome_code(outcome: &Outcome<Left>) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Failed(Left::Busy(_)) => "busy".to_owned(),
        Outcome::Failed(Left::Failed(error)) => error.row().code.to_owned(),
        Outcome::Failed(Left::Poison(poison)) => poison.to_string(),
        Outcome::Panicked => "panic".to_owned(),
        Outcome::CutOff => "cut_off".to_owned(),
        Outcome::NotBegun | Outcome::Failed(Left::Late) => "not_begun".to_owned(),
        Outcome::Behind => "behind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::deadline::Deadline;
    use crate::error::UpstreamFault;

    #[test]
    fn waits_grow_with_each_receive_whatever_was_asked_for() {
        let throttled = |seconds| Error::Upstream {
            fault: UpstreamFault::Throttled {
                retry_after: Some(Duration::from_secs(seconds)),
            },
            cause: crate::error::Cause::default(),
        };
        let times = Times::until(Deadline::within(Duration::from_secs(60)));
        for (receives, asked, least, most) in [
            (1, 0, 5, 10),
            (1, 100, 100, 101),
            (2, 3, 15, 30),
            (4, 3, 135, 270),
            (9, 3, 450, 900),
            (1, 1_000_000, 900, 901),
        ] {
            let outcome = Outcome::Failed(Left::Failed(throttled(asked)));
            let wait = wait_after(&outcome, receives, &times)
                .unwrap()
                .as_secs_f64();
            assert!(
                (f64::from(least)..=f64::from(most)).contains(&wait),
                "{receives} {asked}: {wait}"
            );
        }
    }
}
