//! Faults on demand. Only a server started with `--faults` looks for `[[fault:…]]` in prompts; to
//! any other the marker is ordinary text. The last marker counts of those that the system prompt and
//! the user's turns hold; what a model once said is not looked at.
//!
//! | marker | what happens |
//! |---|---|
//! | `throttle`, `throttle:N` | `ThrottlingException`; with N only for the first N calls with this very prompt |
//! | `retry_after:MS` | `ThrottlingException` with `x-amz-retry-after` |
//! | `error:NAME` | that exception, such as `error:ModelTimeoutException` |
//! | `delay:MS` | the answer starts that much later |
//! | `slow:MS` | the model, once at work and paid for, takes that much longer |
//! | `stall` | no answer, ever |
//! | `stall_body` | the answer begins and stops; the connection stays open |
//! | `cut` | the answer begins and the connection closes; a stream between two frames |
//! | `cut_frame` | a stream breaks off in the middle of a frame |
//! | `no_end` | a stream ends cleanly without its last events |
//! | `exception:NAME` | a stream has that exception after the first text |
//! | `garbage`, `empty` | 200 with HTML, 200 without a body |
//! | `wrong_family` | the answer of another family |
//! | `filtered` | the model's own moderation refuses |
//! | `bad_image` | the picture's file breaks off |
//! | `bad_crc` | a wrong checksum: of a stream's frame, or in the picture's file |

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Failure, Kind};

const OPENING: &str = "[[fault:";
const CLOSING: &str = "]]";

/// A fault that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttle { first: Option<u32> },
    RetryAfter(u64),
    Error(Kind),
    Delay(Duration),
    Slow(Duration),
    Stall,
    StallBody,
    Cut,
    CutFrame,
    NoEnd,
    Exception(Kind),
    Garbage,
    Empty,
    WrongFamily,
    Filtered,
    BadImage,
    BadCrc,
}

/// What a call gives back: not every fault has a meaning for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    WholeText,
    Stream,
    Image,
}

impl Fault {
    /// The fault that a prompt asks for.
    ///
    /// # Errors
    ///
    /// `ValidationException` for a marker that means nothing, at all or here.
    pub(crate) fn find(prompt: &str, delivery: Delivery) -> Result<Option<Self>, Failure> {
        let Some((_, after)) = prompt.rsplit_once(OPENING) else {
            return Ok(None);
        };
        let Some((marker, _)) = after.split_once(CLOSING) else {
            return Ok(None);
        };
        let unknown = || Failure::validation(format!("The fault `{marker}` means nothing here."));
        let fault = Self::parse(marker).ok_or_else(unknown)?;
        if fault.suits(delivery) {
            Ok(Some(fault))
        } else {
            Err(unknown())
        }
    }

    fn parse(marker: &str) -> Option<Self> {
        let (name, argument) = match marker.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (marker, None),
        };
        Some(match (name, argument) {
            ("throttle", None) => Self::Throttle { first: None },
            ("throttle", Some(count)) => Self::Throttle {
                first: Some(count.parse().ok()?),
            },
            ("retry_after", Some(milliseconds)) => Self::RetryAfter(milliseconds.parse().ok()?),
            ("error", Some(name)) => Self::Error(Kind::from_name(name)?),
            ("delay", Some(milliseconds)) => {
                Self::Delay(Duration::from_millis(milliseconds.parse().ok()?))
            }
            ("slow", Some(milliseconds)) => {
                Self::Slow(Duration::from_millis(milliseconds.parse().ok()?))
            }
            ("exception", Some(name)) => Self::Exception(Kind::from_name(name)?),
            ("stall", None) => Self::Stall,
            ("stall_body", None) => Self::StallBody,
            ("cut", None) => Self::Cut,
            ("cut_frame", None) => Self::CutFrame,
            ("no_end", None) => Self::NoEnd,
            ("garbage", None) => Self::Garbage,
            ("empty", None) => Self::Empty,
            ("wrong_family", None) => Self::WrongFamily,
            ("filtered", None) => Self::Filtered,
            ("bad_image", None) => Self::BadImage,
            ("bad_crc", None) => Self::BadCrc,
            _ => return None,
        })
    }

    fn suits(self, delivery: Delivery) -> bool {
        match self {
            Self::Throttle { .. }
            | Self::RetryAfter(_)
            | Self::Error(_)
            | Self::Delay(_)
            | Self::Slow(_)
            | Self::Stall
            | Self::StallBody
            | Self::Cut
            | Self::Garbage
            | Self::Empty
            | Self::WrongFamily
            | Self::Filtered => true,
            Self::CutFrame | Self::NoEnd | Self::Exception(_) => delivery == Delivery::Stream,
            Self::BadImage => delivery == Delivery::Image,
            Self::BadCrc => delivery != Delivery::WholeText,
        }
    }
}

/// The memory that `throttle:N` needs.
#[derive(Debug, Default)]
pub(crate) struct Throttled {
    calls: Mutex<HashMap<u64, u32>>,
}

impl Throttled {
    /// Whether this call with this prompt is among the first `first`.
    pub(crate) fn throttles(&self, prompt: &str, first: Option<u32>) -> bool {
        let Some(first) = first else { return true };
        let mut hasher = DefaultHasher::new();
        prompt.hash(&mut hasher);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry(hasher.finish()).or_default();
        *count = count.saturating_add(1);
        *count <= first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str, delivery: Delivery, expected: Result<Option<Fault>, ()>) {
        assert_eq!(
            Fault::find(prompt, delivery).map_err(|_| ()),
            expected,
            "{prompt}"
        );
    }

    #[test]
    fn a_marker_is_a_fault_or_is_refused() {
        use Delivery::{Image, Stream, WholeText};
        check("Hello", WholeText, Ok(None));
        check("[[fault:unclosed", WholeText, Ok(None));
        check(
            "a [[fault:throttle]] b",
            Image,
            Ok(Some(Fault::Throttle { first: None })),
        );
        check(
            "[[fault:throttle:2]]",
            Stream,
            Ok(Some(Fault::Throttle { first: Some(2) })),
        );
        check(
            "[[fault:slow:20]]",
            Image,
            Ok(Some(Fault::Slow(Duration::from_millis(20)))),
        );
        check(
            "[[fault:stall]][[fault:empty]]",
            Stream,
            Ok(Some(Fault::Empty)),
        );
        check(
            "[[fault:error:ModelTimeoutException]]",
            WholeText,
            Ok(Some(Fault::Error(Kind::ModelTimeout))),
        );
        check(
            "[[fault:exception:throttlingException]]",
            Stream,
            Ok(Some(Fault::Exception(Kind::Throttling))),
        );
        check("[[fault:error:Nothing]]", WholeText, Err(()));
        check("[[fault:throttle:many]]", WholeText, Err(()));
        check("[[fault:no_end]]", WholeText, Err(()));
        check("[[fault:bad_image]]", Stream, Err(()));
        check("[[fault:bad_crc]]", WholeText, Err(()));
    }

    #[test]
    fn the_first_calls_with_a_prompt_are_throttled() {
        let throttled = Throttled::default();
        let seen: Vec<bool> = (0..4).map(|_| throttled.throttles("a", Some(2))).collect();
        assert_eq!(seen, [true, true, false, false]);
        assert!(throttled.throttles("b", Some(1)));
        assert!(throttled.throttles("a", None));
    }
}
