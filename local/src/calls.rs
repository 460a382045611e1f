//! How often each model was called, so that a test can count what AWS would bill, and how often the
//! control plane was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::control;
use crate::runtime::Operation;

/// The counters since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    counts: Mutex<BTreeMap<(Operation, &'static str), Count>>,
    control: Mutex<BTreeMap<control::Operation, u64>>,
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
    /// Calls of the control plane, by operation, whatever became of them.
    control: BTreeMap<control::Operation, u64>,
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

    /// A call of the control plane came in.
    pub(crate) fn receive_control(&self, operation: control::Operation) {
        *self.control().entry(operation).or_default() += 1;
    }

    /// Forgets everything.
    pub(crate) fn reset(&self) {
        self.counts().clear();
        self.control().clear();
    }

    /// The counters now.
    pub(crate) fn list(&self) -> Listing {
        let counts = self.counts();
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
            control: self.control().clone(),
        }
    }

    fn change(&self, operation: Operation, model: &'static str, change: impl FnOnce(&mut Count)) {
        change(self.counts().entry((operation, model)).or_default());
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(Operation, &'static str), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self) -> MutexGuard<'_, BTreeMap<control::Operation, u64>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
