//! Works on the records of one event side by side, and says of each what came of it.
//!
//! Whatever a record does, its neighbours are not disturbed: a panic is caught, and what is not done
//! by the end is left. In a FIFO queue the records of one group are worked on one after the other, and
//! behind the first that fails none is begun.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

/// What came of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome<E> {
    /// It is done.
    Done,
    /// It failed.
    Failed(E),
    /// It panicked.
    Panicked,
    /// The time was up while it was worked on.
    CutOff,
    /// The time was up before.
    NotBegun,
    /// One before it in its group was not done.
    Behind,
}

/// A record in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lined<R> {
    /// The line that it stands in; without one it stands alone.
    pub(super) group: Option<String>,
    /// The record.
    pub(super) record: R,
}

impl<R> Lined<R> {
    /// A record that stands alone.
    pub(super) const fn alone(record: R) -> Self {
        Self {
            group: None,
            record,
        }
    }
}

/// How long there is, and how many may be worked on at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// When no record is begun any more.
    pub(super) begin_by: Instant,
    /// When none is worked on any more.
    pub(super) end_by: Instant,
    /// How many at a time.
    pub(super) at_a_time: usize,
}

/// Works on the records; the outcomes come in their order.
pub(super) async fn concurrently<'r, R, E>(
    records: &'r [Lined<R>],
    bounds: Bounds,
    work: impl AsyncFn(&'r R) -> Result<(), E>,
) -> Vec<Outcome<E>> {
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    let mut of_groups: HashMap<&str, usize> = HashMap::new();
    for (index, lined) in records.iter().enumerate() {
        let next = lanes.len();
        let lane = match lined.group.as_deref() {
            Some(group) => *of_groups.entry(group).or_insert(next),
            None => next,
        };
        match lanes.get_mut(lane) {
            Some(lane) => lane.push(index),
            None => lanes.push(vec![index]),
        }
    }
    let work = &work;
    let ended: Vec<Vec<(usize, Outcome<E>)>> = stream::iter(lanes)
        .map(|lane| async move {
            let mut outcomes = Vec::with_capacity(lane.len());
            let mut blocked = false;
            for index in lane {
                let outcome = match records.get(index) {
                    Some(lined) if !blocked => one(&lined.record, bounds, work).await,
                    _ => Outcome::Behind,
                };
                blocked |= !matches!(outcome, Outcome::Done);
                outcomes.push((index, outcome));
            }
            outcomes
        })
        .buffer_unordered(bounds.at_a_time.max(1))
        .collect()
        .await;
    let mut ended: Vec<_> = ended.into_iter().flatten().collect();
    ended.sort_by_key(|(index, _)| *index);
    ended.into_iter().map(|(_, outcome)| outcome).collect()
}

async fn one<'r, R, E>(
    record: &'r R,
    bounds: Bounds,
    work: &impl AsyncFn(&'r R) -> Result<(), E>,
) -> Outcome<E> {
    if Instant::now() >= bounds.begin_by {
        return Outcome::NotBegun;
    }
    // The record's own code may panic before it first waits, too.
    let working = AssertUnwindSafe(async { work(record).await }).catch_unwind();
    match timeout_at(bounds.end_by, working).await {
        Err(_) => Outcome::CutOff,
        Ok(Err(_)) => Outcome::Panicked,
        Ok(Ok(Err(error))) => Outcome::Failed(error),
        Ok(Ok(Ok(()))) => Outcome::Done,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeSet;
    use std::time::Duration;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    #[derive(Debug, Clone)]
    struct Record {
        group: Option<u8>,
        milliseconds: u64,
        fate: Fate,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Fate {
        Goes,
        Fails,
        Panics,
        PanicsAtOnce,
    }

    const GROUPS: [&str; 3] = ["a", "b", "c"];

    fn record(fifo: bool) -> impl Strategy<Value = Record> {
        let group = match fifo {
            true => (0_u8..3).prop_map(Some).boxed(),
            false => Just(None).boxed(),
        };
        let fate = prop_oneof![
            6 => Just(Fate::Goes),
            2 => Just(Fate::Fails),
            1 => Just(Fate::Panics),
            1 => Just(Fate::PanicsAtOnce),
        ];
        (group, 0_u64..400, fate).prop_map(|(group, milliseconds, fate)| Record {
            group,
            milliseconds,
            fate,
        })
    }

    fn batch() -> impl Strategy<Value = (Vec<Record>, usize, u64, u64)> {
        let records =
            any::<bool>().prop_flat_map(|fifo| prop::collection::vec(record(fifo), 0..12));
        (records, 1_usize..6, 0_u64..600, 0_u64..300)
    }

    /// Runs a batch and holds it against what was seen to happen.
    async fn check(records: &[Record], at_a_time: usize, begin: u64, more: u64) {
        let began = Instant::now();
        let bounds = Bounds {
            begin_by: began + Duration::from_millis(begin),
            end_by: began + Duration::from_millis(begin + more),
            at_a_time,
        };
        let begun = RefCell::new(BTreeSet::new());
        let done = RefCell::new(BTreeSet::new());
        let (working, most) = (Cell::new(0_usize), Cell::new(0_usize));
        let lined = |(index, record): (usize, &Record)| Lined {
            group: record
                .group
                .map(|group| GROUPS[usize::from(group)].to_owned()),
            record: (index, record.clone()),
        };
        let numbered: Vec<_> = records.iter().enumerate().map(lined).collect();
        let outcomes = concurrently(&numbered, bounds, async |(index, record)| {
            assert!(Instant::now() < bounds.begin_by, "begun too late");
            if let Some(group) = record.group {
                let before = records.iter().take(*index).enumerate();
                let before = before.filter(|(_, other)| other.group == Some(group));
                for (other, _) in before {
                    assert!(done.borrow().contains(&other), "out of order");
                }
            }
            begun.borrow_mut().insert(*index);
            if record.fate == Fate::PanicsAtOnce {
                panic!("at once");
            }
            working.set(working.get() + 1);
            most.set(most.get().max(working.get()));
            let _leaves = Leaves(&working);
            tokio::time::sleep(Duration::from_millis(record.milliseconds)).await;
            match record.fate {
                Fate::Goes => {
                    done.borrow_mut().insert(*index);
                    Ok(())
                }
                Fate::Fails => Err(*index),
                Fate::Panics | Fate::PanicsAtOnce => panic!("later"),
            }
        })
        .await;
        let (begun, done) = (begun.into_inner(), done.into_inner());
        assert_eq!(outcomes.len(), records.len());
        assert!(most.get() <= at_a_time, "{} at a time", most.get());
        assert!(Instant::now() <= bounds.end_by.max(began), "ended too late");
        let mut blocked = BTreeSet::new();
        for (index, (record, outcome)) in records.iter().zip(&outcomes).enumerate() {
            // What is reported failed is what was begun and not done, or not begun.
            assert_eq!(
                *outcome == Outcome::Done,
                done.contains(&index),
                "{index}: {outcome:?}"
            );
            let behind = record.group.is_some_and(|group| blocked.contains(&group));
            match outcome {
                Outcome::Behind => assert!(behind && !begun.contains(&index)),
                Outcome::NotBegun => assert!(!behind && !begun.contains(&index)),
                Outcome::Done => assert!(record.fate == Fate::Goes && !behind),
                Outcome::Failed(of) => assert!(record.fate == Fate::Fails && *of == index),
                Outcome::Panicked => {
                    assert!(matches!(record.fate, Fate::Panics | Fate::PanicsAtOnce));
                }
                Outcome::CutOff => assert!(begun.contains(&index) && !done.contains(&index)),
            }
            if *outcome != Outcome::Done {
                blocked.extend(record.group);
            }
        }
    }

    struct Leaves<'a>(&'a Cell<usize>);

    impl Drop for Leaves<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    #[test]
    fn exactly_what_was_not_done_is_reported_in_100_000_batches() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        // The panics are meant, and many.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| {
            let text = panic.payload_as_str().unwrap_or_default();
            if !matches!(text, "at once" | "later") {
                use std::io::Write as _;
                let _ = writeln!(std::io::stderr(), "{panic}");
            }
        }));
        let config = Config {
            cases: 100_000,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&batch(), |(records, at_a_time, begin, more)| {
            runtime.block_on(check(&records, at_a_time, begin, more));
            Ok(())
        });
        std::panic::set_hook(hook);
        outcome.unwrap();
    }
}
