//! Keeps what was fetched for a while.

use std::sync::Arc;
use std::time::Duration;

use bedrock_adapter::Error;
use bedrock_adapter::deadline::Deadline;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// One value, for as long as it counts as new.
#[derive(Debug)]
pub(crate) struct Cache<T> {
    life: Duration,
    kept: Mutex<Option<(Instant, Arc<T>)>>,
}

impl<T> Cache<T> {
    /// An empty cache, whose value counts as new for so long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            life,
            kept: Mutex::new(None),
        }
    }

    /// The value, fetched if there is no new one. A failure to fetch is an error, whatever older
    /// value there is, and is not kept.
    ///
    /// The lock is held while the value is fetched, so that requests at the same time share one
    /// fetch. Who waits for another's fetch waits no longer than its own deadline; a fetch that is
    /// given up frees the lock, and the next one fetches itself.
    pub(crate) async fn get(
        &self,
        deadline: Deadline,
        fetch: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        let mut kept = timeout(deadline.remaining(), self.kept.lock())
            .await
            .map_err(|_| crate::control::out_of_time())?;
        if let Some((since, value)) = kept.as_ref()
            && since.elapsed() < self.life
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(fetch().await?);
        *kept = Some((Instant::now(), Arc::clone(&value)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    fn soon() -> Deadline {
        Deadline::within(Duration::from_secs(60))
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_fetched_again_when_it_is_old() {
        let cache = Cache::new(LIFE);
        let fetches = Cell::new(0);
        let get = || {
            cache.get(soon(), async || {
                fetches.set(fetches.get() + 1);
                Ok(fetches.get())
            })
        };
        assert_eq!((*get().await.unwrap(), *get().await.unwrap()), (1, 1));
        tokio::time::advance(LIFE - Duration::from_millis(1)).await;
        assert_eq!(*get().await.unwrap(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!((*get().await.unwrap(), *get().await.unwrap()), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_neither_hidden_nor_kept() {
        let cache = Cache::new(LIFE);
        assert_eq!(*cache.get(soon(), async || Ok(1)).await.unwrap(), 1);
        tokio::time::advance(LIFE).await;
        let failed = cache.get(soon(), async || Err(Error::defect("test"))).await;
        assert_eq!(failed, Err(Error::defect("test")));
        assert_eq!(*cache.get(soon(), async || Ok(2)).await.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_at_the_same_time_share_one_fetch() {
        let cache = Cache::new(LIFE);
        let fetches = Cell::new(0);
        let get = || {
            cache.get(soon(), async || {
                fetches.set(fetches.get() + 1);
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(fetches.get())
            })
        };
        let (one, other) = tokio::join!(get(), get());
        assert_eq!((*one.unwrap(), *other.unwrap()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_anothers_fetch_waits_no_longer_than_its_own_deadline() {
        let cache = Cache::new(LIFE);
        let slow = cache.get(soon(), async || {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(1)
        });
        let impatient = Deadline::within(Duration::from_secs(5));
        let waiting = cache.get(impatient, async || Ok(2));
        let (slow, waiting) = tokio::join!(slow, waiting);
        assert_eq!(*slow.unwrap(), 1);
        assert_eq!(waiting.unwrap_err().row().code, "deadline_exceeded");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_is_given_up_frees_the_way_for_the_next() {
        let cache = Cache::new(LIFE);
        let hanging = cache.get(soon(), async || std::future::pending().await);
        assert!(timeout(Duration::from_secs(1), hanging).await.is_err());
        assert_eq!(*cache.get(soon(), async || Ok(1)).await.unwrap(), 1);
    }
}
