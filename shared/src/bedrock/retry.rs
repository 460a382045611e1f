//! The rule for calling again.
//!
//! The SDK's own retries are off: they do not know the request's deadline, give up on a throttle
//! without an AWS error code, and cannot repeat a stream whose first event is an exception.
//! `docs/decisions/0007` has the reasons.

use std::future::Future;
use std::time::Duration;

use super::breaker::Breaker;
use crate::Error;
use crate::deadline::Deadline;

/// The longest wait that is worth it: who is told to wait longer is better told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The longest wait before the first repetition; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The least time that must be left for a call, or it would be cut off, and perhaps paid for.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told, if it is not made again.
    pub(super) error: Error,
    /// How often the call may be made in all.
    pub(super) attempts: u32,
}

impl Failure {
    /// A failure that another call would not mend, or would pay for again.
    pub(super) fn for_good(error: Error) -> Self {
        Self { error, attempts: 1 }
    }
}

/// Makes a call, which is told how often it has been made, again where that can help and there is time
/// for it. A wait that does not fit the
/// deadline is not begun, and a call that the breaker holds back is not made: the caller is told at
/// once.
pub(super) async fn repeat<T, F>(
    breaker: &Breaker,
    deadline: Deadline,
    mut attempt: impl FnMut(u32) -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut made = 0;
    let mut told: Option<Error> = None;
    loop {
        if let Err(resting) = breaker.admit() {
            return Err(told.unwrap_or(resting));
        }
        made += 1;
        let outcome = attempt(made).await;
        breaker.hear(outcome.as_ref().err().map(|failure| &failure.error));
        let failure = match outcome {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let asked = failure.error.wait_asked().unwrap_or_default();
        let wait = asked + jitter(made);
        let fits = asked <= LONGEST_WAIT && wait + LEAST_TIME < deadline.remaining();
        if made >= failure.attempts || !fits {
            return Err(failure.error);
        }
        told = Some(failure.error);
        tokio::time::sleep(wait).await;
    }
}

/// Somewhere between half of the wait and the whole, so that many callers do not come back together.
fn jitter(made: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(made.saturating_sub(1)));
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;
    use crate::error::{Cause, UpstreamFault};

    fn throttled(retry_after: Option<Duration>) -> Failure {
        Failure {
            error: Error::Upstream {
                fault: UpstreamFault::Throttled { retry_after },
                cause: Cause::default(),
            },
            attempts: 3,
        }
    }

    /// Fails so often, then answers; gives the outcome, the calls and the time.
    async fn run(
        fails: u32,
        retry_after: Option<Duration>,
        time: Duration,
    ) -> (Result<(), Error>, u32, Duration) {
        let made = Cell::new(0);
        let began = Instant::now();
        let outcome = repeat(&Breaker::default(), Deadline::within(time), |_| async {
            made.set(made.get() + 1);
            match made.get() > fails {
                true => Ok(()),
                false => Err(throttled(retry_after)),
            }
        })
        .await;
        (outcome, made.get(), began.elapsed())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn two_failures_are_outwaited_and_a_third_is_told() {
        let (outcome, made, took) = run(2, None, LONG).await;
        assert_eq!((outcome, made), (Ok(()), 3));
        assert!(took >= Duration::from_millis(750) && took <= Duration::from_millis(1_510));
        let (outcome, made, _) = run(3, None, LONG).await;
        assert_eq!((outcome.is_err(), made), (true, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_asked_for_is_kept() {
        let (outcome, made, took) = run(1, Some(Duration::from_secs(3)), LONG).await;
        assert_eq!((outcome, made), (Ok(()), 2));
        assert!(took >= Duration::from_secs(3), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_does_not_fit_is_not_begun() {
        for (asked, time) in [
            (3, Duration::from_secs(2)),
            (3, Duration::from_secs(4)),
            (21, LONG),
        ] {
            let (outcome, made, took) = run(9, Some(Duration::from_secs(asked)), time).await;
            assert_eq!(outcome.unwrap_err().retry_after(), Some(asked));
            assert_eq!((made, took), (1, Duration::ZERO));
        }
    }
}
