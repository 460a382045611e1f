//! A thousand schedules of messages that come often, to several environments at once, while S3
//! fails on the way: every request is paid for once, and has one result.
//!
//! All schedules have the same environments, and share their invocations as the messages of a busy
//! queue do; each has its own messages, so that no schedule disturbs another.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use end_to_end::{Cloud, Event, Function, Message, Operation, S3, Sqs, marked};
use futures_util::future::join_all;
use serde_json::json;

const SEEDS: u64 = 1_000;

/// So many schedules are under way at a time.
const AT_A_TIME: u64 = 500;

/// How many environments there are; a schedule has two, three or all of them.
const ENVIRONMENTS: usize = 4;

/// How far a message may be from its place in the common order.
const NEAR: usize = 10;

/// More than any batch needs.
const TIME: Duration = Duration::from_secs(120);

/// Messages, each with the environments that it is delivered to, in this order.
type Deliveries = Vec<(Message, Vec<usize>)>;

/// Numbers that follow from a seed: Steele's SplitMix64.
struct Dice(u64);

impl Dice {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a number");
        usize::try_from(self.number() % end).expect("a number")
    }
}

fn asking(text: &str) -> Message {
    let body = json!({"messages": [{"role": "user", "content": marked(text)}], "max_tokens": 16});
    Message::new(body.to_string())
}

fn result_key(message: &Message) -> String {
    format!("results/chat/{}.json", message.id)
}

/// A seed's messages.
fn schedule(seed: u64) -> Deliveries {
    let mut dice = Dice(seed);
    let first = dice.below(ENVIRONMENTS);
    let environments = 2 + dice.below(ENVIRONMENTS - 1);
    let messages = 1 + dice.below(2);
    (0..messages)
        .map(|number| {
            // Mostly few, at times up to 50.
            let most = match dice.below(16) {
                0 => 50,
                others => 2 + others % 4,
            };
            let deliveries = 2 + dice.below(most - 1);
            let to = (0..deliveries)
                .map(|_| (first + dice.below(environments)) % ENVIRONMENTS)
                .collect();
            (asking(&format!("{seed}.{number}")), to)
        })
        .collect()
}

/// Lets up to two things go wrong at S3 for each of a seed's messages: as many as the function makes
/// up for in one invocation. Says how many.
fn disturb(cloud: &Cloud, seed: u64, messages: &Deliveries) -> usize {
    let mut dice = Dice(!seed);
    let mut faults = 0;
    for (message, _) in messages {
        let lock = Operation::PutObject.on(format!("locks/chat/{}", message.id));
        let look = Operation::GetObject.on(format!("locks/chat/{}", message.id));
        let result = Operation::PutObject.on(result_key(message));
        let is_there = Operation::HeadObject.on(result_key(message));
        if dice.below(2) == 0 {
            // The holder needs its time, in which the others come.
            let time = Duration::from_millis(dice.number() % 300);
            cloud.s3.fail(result.delayed(time));
        }
        for _ in 0..dice.below(3) {
            let on = [&lock, &lock, &look, &result, &is_there][dice.below(5)];
            let passes = dice.below(2);
            let fault = match dice.below(5) {
                0 => on.lost(),
                1 => on.closed(),
                2 => on.slow_down(),
                3 if on == &lock || on == &result => on.conflict(),
                _ => on.delayed(Duration::from_millis(1 + dice.number() % 40)),
            };
            cloud.s3.fail(fault.after(passes));
            faults += 1;
        }
    }
    faults
}

/// The events of each environment, in order: the second delivery of a message is in its second
/// event, and so on.
fn events(schedules: &[(u64, Deliveries)]) -> Vec<Vec<Event>> {
    let mut events: Vec<BTreeMap<usize, Vec<Message>>> = vec![BTreeMap::new(); ENVIRONMENTS];
    for (_, messages) in schedules {
        for (message, to) in messages {
            let mut before = [0; ENVIRONMENTS];
            for (number, environment) in to.iter().enumerate() {
                let round = before[*environment];
                before[*environment] += 1;
                let received = message.clone().received(number as u64 + 1);
                events[*environment]
                    .entry(round)
                    .or_default()
                    .push(received);
            }
        }
    }
    // Nearly in one order everywhere, so that environments meet at a message.
    let shuffled = |environment: usize, round: usize, mut messages: Vec<Message>| {
        let mut dice = Dice((environment * 100 + round) as u64);
        for near in messages.chunks_mut(NEAR) {
            for last in (1..near.len()).rev() {
                near.swap(last, dice.below(last + 1));
            }
        }
        Event::messages(Sqs::CHAT, &messages)
    };
    let events = events.into_iter().enumerate();
    events
        .map(|(environment, rounds)| {
            let rounds = rounds.into_iter();
            let event = |(round, messages)| shuffled(environment, round, messages);
            rounds.map(event).collect()
        })
        .collect()
}

/// Sums over all seeds.
#[derive(Debug, Default)]
struct Sums {
    requests: usize,
    deliveries: usize,
    faults: usize,
    reported: usize,
    most: usize,
}

async fn run(cloud: &Cloud, functions: &mut [Function], seeds: std::ops::Range<u64>) -> Sums {
    let schedules: Vec<_> = seeds.clone().map(|seed| (seed, schedule(seed))).collect();
    let mut sums = Sums::default();
    for (seed, messages) in &schedules {
        sums.faults += disturb(cloud, *seed, messages);
        sums.requests += messages.len();
        for (_, to) in messages {
            sums.deliveries += to.len();
            sums.most = sums.most.max(to.len());
        }
    }
    let before = cloud.paid_calls().await;
    let working = functions
        .iter()
        .zip(events(&schedules))
        .flat_map(|(function, events)| {
            let begin = |event: Event| function.begin(&event, TIME).outcome();
            events.into_iter().map(begin).collect::<Vec<_>>()
        });
    for outcome in join_all(working).await {
        sums.reported += outcome.failures().len();
    }
    // What was reported comes back, when nobody is at work any more.
    cloud.s3.heal();
    let messages: Vec<_> = schedules
        .iter()
        .flat_map(|(_, messages)| messages)
        .collect();
    let all: Vec<_> = messages
        .iter()
        .map(|(message, _)| message.clone())
        .collect();
    let again = Event::messages(Sqs::CHAT, &all);
    let outcome = functions[0].invoke_within(&again, TIME).await;
    assert!(
        outcome.failures().is_empty(),
        "seeds {seeds:?}: {outcome:?}"
    );
    let paid = cloud.paid_calls().await - before;
    assert_eq!(paid, messages.len(), "seeds {seeds:?}: calls and requests");
    for (message, _) in &messages {
        let result = cloud.s3.json(S3::RESULTS, &result_key(message));
        let status = result.pointer("/response/status_code");
        assert_eq!(status, Some(&json!(200)), "seeds {seeds:?}: {result}");
    }
    sums
}

#[tokio::test]
async fn in_a_thousand_schedules_every_request_is_paid_for_once_and_has_one_result() {
    let began = Instant::now();
    let cloud = Cloud::start().await;
    let environment = [("BATCH_CONCURRENCY", "100")];
    let functions = (0..ENVIRONMENTS).map(|_| cloud.start_function("chat", &environment));
    let mut functions = join_all(functions).await;
    let mut total = Sums::default();
    let mut from = 0;
    while from < SEEDS {
        let seeds = from..SEEDS.min(from + AT_A_TIME);
        from = seeds.end;
        let sums = run(&cloud, &mut functions, seeds).await;
        total.requests += sums.requests;
        total.deliveries += sums.deliveries;
        total.faults += sums.faults;
        total.reported += sums.reported;
        total.most = total.most.max(sums.most);
    }
    let results = cloud.s3.list(S3::RESULTS, "results/");
    assert_eq!(results.len(), total.requests);
    assert_eq!(cloud.paid_calls().await, total.requests);
    assert_eq!(total.most, 50, "the most deliveries of one message");
    let Sums {
        requests,
        deliveries,
        faults,
        reported,
        most,
    } = total;
    end_to_end::say(&format!(
        "{SEEDS} schedules: {requests} requests in {deliveries} deliveries (up to {most} of one) \
         to {ENVIRONMENTS} environments with {faults} faults of S3: {requests} calls paid, \
         {reported} deliveries reported, {:.1?}",
        began.elapsed()
    ));
}
