//! Every interleaving of three workers over one lock: crashes at every step, lost answers, 409s,
//! leases that end, calls that fail with and without being paid for, and messages that come back.

use std::collections::HashSet;

use super::*;

const WORKERS: usize = 3;

/// How often each worker is given the message.
const DELIVERIES: u8 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    lock: Option<(Lock, u32)>,
    writes: u32,
    result: bool,
    paid: u32,
    /// Failures after which a holder may have paid without a result.
    excuses: u32,
    workers: [Worker; WORKERS],
    left: Faults,
}

/// How many faults may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Faults {
    crashes: u8,
    lost: u8,
    conflicts: u8,
    failures: u8,
}

const NO_FAULTS: Faults = Faults {
    crashes: 0,
    lost: 0,
    conflicts: 0,
    failures: 0,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Worker {
    deliveries: u8,
    phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Waiting,
    Claiming(Claim),
    Holding {
        tag: String,
        calls: u32,
        called: bool,
    },
    /// The message is acknowledged, or came too often.
    Ended,
}

impl World {
    fn new(left: Faults) -> Self {
        let worker = Worker {
            deliveries: DELIVERIES,
            phase: Phase::Waiting,
        };
        Self {
            lock: None,
            writes: 0,
            result: false,
            paid: 0,
            excuses: 0,
            workers: std::array::from_fn(|_| worker.clone()),
            left,
        }
    }

    /// The worlds that one step of anybody leads to.
    fn next(&self) -> Vec<Self> {
        // Workers are alike: it is enough that they begin in one order.
        let began = |worker: &&Worker| worker.deliveries < DELIVERIES;
        let awake = self.workers.iter().take_while(began).count() + 1;
        (0..WORKERS.min(awake))
            .flat_map(|index| self.steps_of(index))
            .collect()
    }

    fn steps_of(&self, index: usize) -> Vec<Self> {
        let mut next = match &self.workers[index].phase {
            Phase::Ended => return Vec::new(),
            Phase::Waiting if self.workers[index].deliveries == 0 => {
                vec![self.with(index, Phase::Ended)]
            }
            Phase::Waiting => return vec![self.delivered(index)],
            Phase::Claiming(claim) => self.claims(index, claim),
            Phase::Holding { tag, calls, called } => self.holds(index, tag, *calls, *called),
        };
        if self.left.crashes > 0 {
            let mut crashed = self.with(index, Phase::Waiting);
            crashed.left.crashes -= 1;
            if matches!(
                self.workers[index].phase,
                Phase::Holding { called: true, .. }
            ) {
                crashed.excuses += 1;
            }
            next.push(crashed);
        }
        next
    }

    fn delivered(&self, index: usize) -> Self {
        let worker = &self.workers[index];
        let name = format!("{index}.{}", worker.deliveries);
        let mut world = self.with(index, Phase::Claiming(Claim::new(name, None)));
        world.workers[index].deliveries -= 1;
        world
    }

    fn with(&self, index: usize, phase: Phase) -> Self {
        let mut world = self.clone();
        world.workers[index].phase = phase;
        world
    }

    /// The claim's step, done and told; and each way in which it can go wrong.
    fn claims(&self, index: usize, claim: &Claim) -> Vec<Self> {
        let told = |world: &Self, said: Said| {
            let mut claim = claim.clone();
            claim.hear(said);
            let phase = match claim.step() {
                Step::End(End::Work { tag, calls }) => Phase::Holding {
                    tag: tag.clone(),
                    calls: *calls,
                    called: false,
                },
                Step::End(End::Finished) => {
                    assert!(world.result, "nothing is acknowledged without a result");
                    Phase::Ended
                }
                Step::End(End::Busy { .. } | End::Unknown) => Phase::Waiting,
                Step::End(End::Mismatch) => panic!("there is one request only"),
                Step::Create | Step::Read | Step::Look | Step::Take { .. } => {
                    Phase::Claiming(claim)
                }
            };
            world.with(index, phase)
        };
        let mut next = Vec::new();
        match claim.step() {
            Step::Create | Step::Take { .. } => {
                let (after, said) = self.written(claim);
                next.push(told(&after, said));
                if self.left.conflicts > 0 {
                    let mut world = told(self, Said::Unknown);
                    world.left.conflicts -= 1;
                    next.push(world);
                }
                if self.left.lost > 0 {
                    // No answer: it was done, or not. Or the SDK did it again, and was refused.
                    let lost = [
                        told(&after, Said::Unknown),
                        told(self, Said::Unknown),
                        told(&after, Said::Refused),
                    ];
                    next.extend(lost.map(|mut world| {
                        world.left.lost -= 1;
                        world
                    }));
                }
            }
            Step::Read => match &self.lock {
                None => next.push(told(self, Said::Missing)),
                Some((lock, tag)) => {
                    let found = |expired| Said::Found {
                        lock: lock.clone(),
                        tag: tag.to_string(),
                        expired,
                    };
                    next.push(told(self, found(false)));
                    // A lease ends only after its holder's invocation.
                    if !self.lives(&lock.owner) {
                        next.push(told(self, found(true)));
                    }
                }
            },
            Step::Look => next.push(told(self, Said::Result(self.result))),
            Step::End(_) => {}
        }
        if self.left.lost > 0 && matches!(claim.step(), Step::Read | Step::Look) {
            let mut world = told(self, Said::Unknown);
            world.left.lost -= 1;
            next.push(world);
        }
        next
    }

    fn written(&self, claim: &Claim) -> (Self, Said) {
        let holds = match (claim.step(), &self.lock) {
            (Step::Create, lock) => lock.is_none(),
            (Step::Take { tag, .. }, Some((_, now))) => *tag == now.to_string(),
            _ => false,
        };
        if !holds {
            return (self.clone(), Said::Refused);
        }
        let mut world = self.clone();
        world.writes += 1;
        world.lock = Some((claim.lock(0), world.writes));
        let tag = world.writes.to_string();
        (world, Said::Written(tag))
    }

    fn lives(&self, owner: &str) -> bool {
        self.workers.iter().enumerate().any(|(index, worker)| {
            // The number of the delivery that it works on.
            let name = format!("{index}.{}", worker.deliveries + 1);
            let at_work = matches!(worker.phase, Phase::Claiming(_) | Phase::Holding { .. });
            at_work && name == owner
        })
    }

    fn holds(&self, index: usize, tag: &str, calls: u32, called: bool) -> Vec<Self> {
        let kept = |world: &Self| {
            let mut world = world.with(index, Phase::Ended);
            world.result = true;
            world
        };
        if calls > MOST_CALLS {
            return vec![kept(self)];
        }
        if called {
            let mut next = vec![kept(self)];
            if self.left.failures > 0 {
                // The result cannot be kept, or the answer was cut.
                let mut world = self.gives_back(index, tag, true);
                world.left.failures -= 1;
                world.excuses += 1;
                next.push(world);
            }
            return next;
        }
        let mut paid = self.clone();
        paid.paid += 1;
        let tag_kept = tag.to_owned();
        paid.workers[index].phase = Phase::Holding {
            tag: tag_kept,
            calls,
            called: true,
        };
        let mut next = vec![paid];
        if self.left.failures > 0 {
            let mut throttled = self.gives_back(index, tag, false);
            throttled.left.failures -= 1;
            next.push(throttled);
        }
        next
    }

    fn gives_back(&self, index: usize, tag: &str, paid: bool) -> Self {
        let mut world = self.with(index, Phase::Waiting);
        if let Some((lock, now)) = &self.lock
            && now.to_string() == *tag
        {
            world.writes += 1;
            let back = match paid {
                true => Back::PerhapsPaid,
                false => Back::Unpaid,
            };
            world.lock = Some((given_back(lock.clone(), back), world.writes));
        }
        world
    }

    fn check(&self) {
        let holders = self.workers.iter();
        let holders = holders.filter(|worker| matches!(worker.phase, Phase::Holding { .. }));
        assert!(holders.count() <= 1, "one holder at a time: {self:#?}");
        assert!(self.paid <= MOST_CALLS, "{self:#?}");
        assert!(
            self.paid <= 1 + self.excuses,
            "a second call is paid for only after a failure: {self:#?}"
        );
    }

    /// When nobody is at work, as comes to pass after each world, leases end, and the message comes
    /// once more: then there is a result.
    fn ends_well(&self) {
        let quiet = |worker: &Worker| matches!(worker.phase, Phase::Waiting | Phase::Ended);
        if !self.workers.iter().all(quiet) {
            return;
        }
        let mut world = Self {
            left: NO_FAULTS,
            ..self.clone()
        };
        // This delivery's name has not been used before.
        world.workers[0] = Worker {
            deliveries: DELIVERIES + 1,
            phase: Phase::Waiting,
        };
        assert!(world.run(0).result, "{self:#?}");
    }

    fn run(&self, index: usize) -> Self {
        let mut world = self.clone();
        let mut delivered = false;
        loop {
            let waits = matches!(world.workers[index].phase, Phase::Waiting);
            if waits && delivered {
                return world;
            }
            delivered |= waits;
            match world.steps_of(index).pop() {
                Some(next) => world = next,
                None => return world,
            }
        }
    }
}

/// Explores everything that can happen, and gives the number of worlds.
fn explore(left: Faults) -> usize {
    let first = World::new(left);
    let mut seen = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        world.check();
        world.ends_well();
        for next in world.next() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen.len()
}

#[test]
fn every_interleaving_pays_once_and_ends_with_a_result() {
    use std::io::Write as _;

    let mut worlds = 0;
    let together = [
        (2, 0, 0, 0),
        (0, 2, 0, 0),
        (0, 0, 2, 0),
        (0, 0, 0, 2),
        (1, 1, 0, 0),
        (1, 0, 1, 0),
        (1, 0, 0, 1),
        (0, 1, 1, 0),
        (0, 1, 0, 1),
        (0, 0, 1, 1),
    ];
    for (crashes, lost, conflicts, failures) in together {
        worlds += explore(Faults {
            crashes,
            lost,
            conflicts,
            failures,
        });
    }
    // Not `println!`: what a test that passes prints is thrown away.
    writeln!(
        std::io::stdout().lock(),
        "\n{worlds} worlds of the lock, each checked"
    )
    .unwrap();
    assert!(worlds > 10_000, "{worlds}");
}

#[test]
fn a_step_that_is_never_answered_is_given_up() {
    let mut claim = Claim::new("a".to_owned(), None);
    for _ in 0..MOST_TRIES {
        assert_ne!(claim.step(), &Step::End(End::Unknown));
        claim.hear(Said::Unknown);
    }
    assert_eq!(claim.step(), &Step::End(End::Unknown));
}

#[test]
fn another_request_of_the_same_name_is_told_apart() {
    let mut claim = Claim::new("a".to_owned(), Some("one".to_owned()));
    let lock = Claim::new("b".to_owned(), Some("other".to_owned())).lock(0);
    claim.hear(Said::Refused);
    claim.hear(Said::Found {
        lock,
        tag: "1".to_owned(),
        expired: true,
    });
    assert_eq!(claim.step(), &Step::End(End::Mismatch));
}
