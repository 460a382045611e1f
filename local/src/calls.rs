//! How often each model was called, so that a test can count what AWS would bill.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::runtime::Operation;

/// The counters since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    counts: Mutex<BTreeMap<(Operation, &'static str), Count>>,
    under_way: Arc<AtomicUsize>,
}

/// Work that has not ended; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    received: u64,
    generated: u64,
}

/// The counters as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    /// Calls to a known model, whatever became of them.
    received: u64,
    /// Calls for which a model worked: what is paid for.
    generated: u64,
    /// Calls for which one is at work now.
    under_way: usize,
    calls: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    operation: Operation,
    model: &'static str,
    received: u64,
    generated: u64,
}

impl Calls {
    /// A call to a known model came in.
    pub(crate) fn receive(&self, operation: Operation, model: &'static str) {
        self.change(operation, model, |count| count.received += 1);
    }

    /// The model begins to work on it.
    pub(crate) fn generate(&self, operation: Operation, model: &'static str) -> UnderWay {
        self.change(operation, model, |count| count.generated += 1);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.under_way))
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The counters now.
    pub(crate) fn list(&self) -> Listing {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Listing {
            received: counts.values().map(|count| count.received).sum(),
            generated: counts.values().map(|count| count.generated).sum(),
            under_way: self.under_way.load(Ordering::Relaxed),
            calls: counts
                .iter()
                .map(|((operation, model), count)| Row {
                    operation: *operation,
                    model,
                    received: count.received,
                    generated: count.generated,
                })
                .collect(),
        }
    }

    fn change(&self, operation: Operation, model: &'static str, change: impl FnOnce(&mut Count)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry((operation, model)).or_default());
    }
}
