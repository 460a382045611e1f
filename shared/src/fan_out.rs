//! Several paid calls for one request.

use std::cell::{Cell, OnceCell};
use std::future::Future;

use futures_util::{StreamExt as _, stream};

use crate::Error;

/// Makes the calls, so many at a time; the answers come in their order.
///
/// One failure fails them all, and no further call is begun. Those under way are finished, because
/// they are paid for and may have something to keep. If any call was answered, or
/// failed in a way that may have been billed, the error tells the client not to retry: that would pay
/// for it again.
pub async fn fan_out<T>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, Error>>>,
    at_a_time: usize,
) -> Result<Vec<T>, Error> {
    // The first failure is the one that is reported.
    let failed = OnceCell::new();
    let first = &failed;
    // Whether a failure that is not reported may have been billed.
    let billed = Cell::new(false);
    let other = &billed;
    let answers: Vec<Option<T>> = stream::iter(calls)
        .map(|call| async move {
            if first.get().is_some() {
                return None;
            }
            let unreported = match call.await {
                Ok(answer) => return Some(answer),
                Err(error) => first.set(error).err(),
            };
            other.set(other.get() || unreported.is_some_and(|error| error.may_be_billed()));
            None
        })
        .buffered(at_a_time)
        .collect()
        .await;
    match failed.into_inner() {
        None => Ok(answers.into_iter().flatten().collect()),
        Some(error) if billed.get() || answers.iter().any(Option::is_some) => {
            Err(Error::PartlyPaid(Box::new(error)))
        }
        Some(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    /// Ends after so many milliseconds, and counts that it began and ended.
    async fn call(index: usize, milliseconds: u64, fails: bool, log: &Log) -> Result<usize, Error> {
        log.begun.set(log.begun.get() + 1);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        log.ended.set(log.ended.get() + 1);
        if fails {
            Err(Error::defect("call"))
        } else {
            Ok(index)
        }
    }

    #[derive(Default)]
    struct Log {
        begun: Cell<usize>,
        ended: Cell<usize>,
    }

    #[tokio::test(start_paused = true)]
    async fn answers_come_in_order() {
        let log = Log::default();
        let calls = (0..10).map(|index| call(index, 100 - index as u64, false, &log));
        assert_eq!(fan_out(calls, 4).await, Ok((0..10).collect()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_begins_no_further_call_and_finishes_those_under_way() {
        let log = Log::default();
        let calls = (0..10).map(|index| call(index, 10 + index as u64, index == 0, &log));
        let error = fan_out(calls, 4).await.unwrap_err();
        assert_eq!(error, Error::PartlyPaid(Box::new(Error::defect("call"))));
        assert_eq!((log.begun.get(), log.ended.get()), (4, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_failure_that_may_be_billed_is_not_forgotten() {
        let throttled = Error::Upstream {
            fault: crate::error::UpstreamFault::Throttled { retry_after: None },
            cause: crate::error::Cause::default(),
        };
        let calls = [
            (1, throttled.clone()),
            (2, Error::malformed("titan-text", ".")),
        ];
        let calls = calls.map(|(time, error)| async move {
            tokio::time::sleep(Duration::from_millis(time)).await;
            Err::<(), _>(error)
        });
        let error = fan_out(calls, 2).await.unwrap_err();
        assert_eq!(error, Error::PartlyPaid(Box::new(throttled)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_before_any_answer_is_reported_as_it_is() {
        let log = Log::default();
        let calls = (0..3).map(|index| call(index, 10, true, &log));
        assert_eq!(fan_out(calls, 1).await, Err(Error::defect("call")));
        assert_eq!(log.begun.get(), 1);
    }
}
