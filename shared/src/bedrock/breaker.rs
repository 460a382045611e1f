//! Holds calls back while Bedrock is down, so that those who ask are told at once, and Bedrock is not
//! asked the more the worse it is.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;
use crate::error::{Cause, UpstreamFault};

/// After how many failures, one behind the other, calls are held back.
const FAILURES: u32 = 5;

/// How long. Then one call is let through, and if it fails, it is as long again.
const REST: Duration = Duration::from_secs(5);

/// What an environment knows of Bedrock.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. Once the rest is over, the first that asks may, as a trial.
    pub(super) fn admit(&self) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.rests_until else {
            return Ok(());
        };
        let now = Instant::now();
        if until <= now {
            state.rests_until = Some(now + REST);
            return Ok(());
        }
        Err(Error::Upstream {
            fault: UpstreamFault::Resting { wait: until - now },
            cause: Cause::of("Breaker"),
        })
    }

    /// What came of a call. Whoever refuses a request is there; of who says nothing nobody knows.
    pub(super) fn hear(&self, error: Option<&Error>) {
        let fault = match error {
            Some(Error::Upstream { fault, .. }) => Some(fault),
            Some(_) | None => None,
        };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(
                UpstreamFault::Unavailable
                | UpstreamFault::ConnectionLost
                | UpstreamFault::Failed
                | UpstreamFault::FailedUnclearly,
            ) => {
                state.failures = state.failures.saturating_add(1);
                if state.failures >= FAILURES {
                    state.rests_until = Some(Instant::now() + REST);
                }
            }
            Some(UpstreamFault::DeadlineExceeded | UpstreamFault::CredentialsUnavailable) => {}
            Some(_) | None => *state = State::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Error {
        Error::Upstream {
            fault: UpstreamFault::Unavailable,
            cause: Cause::default(),
        }
    }

    fn after(failures: u32) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..failures {
            assert_eq!(breaker.admit(), Ok(()));
            breaker.hear(Some(&down()));
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_hold_calls_back_and_one_is_let_through_at_a_time() {
        assert_eq!(after(4).admit(), Ok(()));
        let breaker = after(5);
        for round in 0..3 {
            let resting = breaker.admit().unwrap_err();
            assert_eq!(resting.retry_after(), Some(5), "{round}");
            tokio::time::advance(REST).await;
            assert_eq!(breaker.admit(), Ok(()));
            assert!(breaker.admit().is_err(), "one trial at a time");
            breaker.hear(Some(&down()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_lets_all_through_again() {
        let refused = Error::invalid("n", "r");
        for answer in [None, Some(&refused)] {
            let breaker = after(5);
            tokio::time::advance(REST).await;
            assert_eq!(breaker.admit(), Ok(()));
            breaker.hear(answer);
            assert_eq!((breaker.admit(), breaker.admit()), (Ok(()), Ok(())));
        }
    }
}
