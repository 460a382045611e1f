//! Which beginnings of prompts have been seen, as a cache of prompts would know them (`docs:
//! prompt-caching`). Nothing is kept but their fingerprints, and nothing ends before the server does.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The beginnings that have been seen.
#[derive(Debug, Default)]
pub(crate) struct Prefixes(Mutex<BTreeSet<u64>>);

/// What stands before a request's last cache point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub fingerprint: u64,
    /// A token is a word here.
    pub tokens: usize,
}

/// What a cache did to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cached {
    pub read: usize,
    pub written: usize,
}

impl Prefixes {
    /// The first request with a beginning writes it, the others read it.
    pub(super) fn look_up(&self, prefix: Option<Prefix>) -> Option<Cached> {
        let Prefix {
            fingerprint,
            tokens,
        } = prefix?;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match seen.insert(fingerprint) {
            true => Cached {
                read: 0,
                written: tokens,
            },
            false => Cached {
                read: tokens,
                written: 0,
            },
        })
    }
}
