//! How long a request may take.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is kept back for sending the answer.
const MARGIN: Duration = Duration::from_millis(500);

/// How long a lease outlives the invocation: the clocks of two machines differ a little.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The longest that any gateway waits for an answer: API Gateway's limit for streams.
const LONGEST_GATEWAY: Duration = Duration::from_secs(900);

/// What a request gets where Lambda does not say: the local emulator's header is a constant in
/// the past.
const UNKNOWN: Duration = Duration::from_secs(300);

/// The instant by which the last call must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// From Lambda's deadline, in milliseconds since 1970. One that has passed means "unknown".
    pub fn from_lambda(milliseconds: u64) -> Self {
        let deadline = UNIX_EPOCH + Duration::from_millis(milliseconds);
        match deadline.duration_since(SystemTime::now()) {
            Ok(left) if !left.is_zero() => Self::within(left.saturating_sub(MARGIN)),
            Ok(_) | Err(_) => Self::within(UNKNOWN),
        }
    }

    /// The same, but no later than the gateway's limit after it accepted the request, in
    /// milliseconds since 1970. A time that cannot be, or is longer ago than any gateway waits, says
    /// nothing: the event was kept and sent again.
    #[must_use]
    pub fn before_gateway(self, limit: Option<Duration>, accepted: i64) -> Self {
        let since = u64::try_from(accepted)
            .ok()
            .and_then(|accepted| UNIX_EPOCH.checked_add(Duration::from_millis(accepted)))
            .and_then(|accepted| SystemTime::now().duration_since(accepted).ok());
        match (limit, since) {
            (Some(limit), Some(since)) if since <= LONGEST_GATEWAY => {
                let left = Self::within(limit.saturating_sub(since).saturating_sub(MARGIN));
                Self(self.0.min(left.0))
            }
            _ => self,
        }
    }

    /// This long from now.
    pub fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// This deadline, with time kept back for what comes after.
    #[must_use]
    pub fn keeping_back(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// When whoever works by this deadline is gone for certain, in milliseconds since 1970.
    pub fn lease(self) -> u64 {
        let end = SystemTime::now() + self.remaining() + MARGIN + LEASE_MARGIN;
        in_milliseconds(end)
    }

    /// The instant itself.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// The time that is left.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Seconds since 1970, for the answer's `created`.
pub fn now() -> u64 {
    now_in_milliseconds() / 1_000
}

/// Milliseconds since 1970.
pub fn now_in_milliseconds() -> u64 {
    in_milliseconds(SystemTime::now())
}

fn in_milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_milliseconds(offset: i64) -> u64 {
        u64::try_from(now_in_milliseconds().cast_signed() + offset).unwrap()
    }

    #[test]
    fn the_margin_is_kept_back() {
        let left = Deadline::from_lambda(in_milliseconds(3_000)).remaining();
        assert!(
            left <= Duration::from_millis(2_500) && left > Duration::from_millis(2_000),
            "{left:?}"
        );
    }

    #[test]
    fn time_is_kept_back_for_what_comes_after() {
        let deadline = Deadline::within(Duration::from_secs(10));
        let kept = deadline.remaining() - deadline.keeping_back(Duration::from_secs(3)).remaining();
        assert!(
            kept > Duration::from_millis(2_900) && kept < Duration::from_millis(3_100),
            "{kept:?}"
        );
    }

    #[test]
    fn a_deadline_in_the_past_is_unknown() {
        for past in [600_000, 0, in_milliseconds(-1)] {
            assert!(
                Deadline::from_lambda(past).remaining() > Duration::from_secs(290),
                "{past}"
            );
        }
    }

    #[test]
    fn the_gateways_limit_counts_from_when_it_accepted_the_request() {
        let accepted = |offset| i64::try_from(in_milliseconds(offset)).unwrap();
        let limit = Some(Duration::from_secs(29));
        let far = Deadline::within(Duration::from_secs(300));
        for (limit, accepted, seconds) in [
            (limit, accepted(-4_000), 24),
            (limit, accepted(-40_000), 0),
            (limit, accepted(-1_000_000), 299),
            (limit, accepted(60_000), 299),
            (limit, 0, 299),
            (limit, -1, 299),
            (limit, i64::MAX, 299),
            (None, accepted(-4_000), 299),
        ] {
            let left = far.before_gateway(limit, accepted).remaining();
            assert_eq!(left.as_secs(), seconds, "{limit:?} {accepted}");
        }
    }

    #[test]
    fn a_lease_outlives_the_invocation() {
        let lambda = in_milliseconds(60_000);
        let lease = Deadline::from_lambda(lambda).lease();
        assert!(lease.abs_diff(lambda + 5_000) < 200, "{lease} {lambda}");
    }

    #[test]
    fn a_deadline_within_the_margin_leaves_nothing() {
        assert_eq!(
            Deadline::from_lambda(in_milliseconds(300)).remaining(),
            Duration::ZERO
        );
    }
}
