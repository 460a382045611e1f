//! Chunks arrive one by one: the time between Bedrock's sending a frame and the Runtime API's
//! having its event, on one clock. Alone in its binary, because tests side by side slow each other.
//!
//! At least ten invocations on a kept-alive connection: a client without `TCP_NODELAY` is fast at
//! the first, and then holds small chunks back for the peer's delayed acknowledgement, some 40 ms.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use end_to_end::{Answer, Ask, Script};

/// Between two chunks of Bedrock's.
const PAUSE: Duration = Duration::from_millis(15);

/// On one connection.
const INVOCATIONS: usize = 10;

/// No function that is well takes longer for a chunk.
const LIMIT: Duration = Duration::from_millis(10);

/// How often a busy machine may be slow. A function that holds chunks back does so every time.
const ROUNDS: usize = 4;

/// When chunks were sent and when they came, of several invocations of one function.
#[derive(Debug, Default)]
struct Pace {
    /// How late the first text of each answer was.
    first: Vec<Duration>,
    /// How late each text was.
    all: Vec<Duration>,
    /// How many texts came only when the next but one had been sent.
    bursts: usize,
}

/// A stream of so many chunks.
fn script(ask: Ask, chunks: usize) -> Script {
    let begin = Script::stream().frame(&ask.begin());
    let texts = (0..chunks).fold(begin, |script, number| {
        script.frame(&ask.delta(&format!("{number} "))).wait(PAUSE)
    });
    texts.frames(ask.finish("end_turn")).end()
}

/// When each text came.
fn arrivals(ask: Ask, answer: &Answer) -> Vec<Instant> {
    let pointer = match ask {
        Ask::CHAT_STREAM => "/choices/0/delta/content",
        _ => "/choices/0/text",
    };
    let texts = answer.events.iter().filter(|event| match &event.data {
        end_to_end::Data::Json(data) => {
            let text = data.pointer(pointer).and_then(|text| text.as_str());
            text.is_some_and(|text| !text.is_empty())
        }
        end_to_end::Data::Done | end_to_end::Data::Comment(_) => false,
    });
    texts.map(|event| event.at).collect()
}

/// Invokes a function with this responder several times, with answers of so many chunks.
async fn measure(ask: Ask, responder: &str, chunks: usize) -> Pace {
    let environment = [("RUNTIME_RESPONDER", responder)];
    let mut asked = ask.with(&environment, [script(ask, chunks)]).await;
    let mut pace = Pace::default();
    for _ in 0..INVOCATIONS {
        let answer = asked.call().await;
        let arrived = arrivals(ask, &answer);
        let requests = asked.upstream.requests();
        // Before the texts goes what a stream begins with, behind them what it ends with.
        let sent = &requests[requests.len() - 1].emitted[1..];
        assert_eq!(arrived.len(), chunks, "{answer:?}");
        let late: Vec<_> = arrived
            .iter()
            .zip(sent)
            .map(|(arrived, sent)| *arrived - *sent)
            .collect();
        pace.first.push(late[0]);
        pace.all.extend(late);
        let next_but_one = &sent[2..chunks];
        pace.bursts += arrived
            .iter()
            .zip(next_but_one)
            .filter(|(arrived, sent)| arrived > sent)
            .count();
    }
    pace.first.sort();
    pace.all.sort();
    pace
}

/// The value that so many of a hundred are not above.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// One line of figures. Not `println!`: what a test that passes prints is thrown away.
fn print(what: &str, pace: &Pace) {
    let first = (percentile(&pace.first, 50), percentile(&pace.first, 99));
    let all = (percentile(&pace.all, 50), percentile(&pace.all, 99));
    let slow = pace.all.iter().filter(|late| **late > LIMIT * 2).count();
    writeln!(
        std::io::stdout(),
        "{what}: first chunk p50 {:.2?} p99 {:.2?}, all chunks p50 {:.2?} p99 {:.2?}, \
         {slow} of {} over 20 ms, {} in a burst",
        first.0,
        first.1,
        all.0,
        all.1,
        pace.all.len(),
        pace.bursts,
    )
    .expect("standard output");
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_but_one_is_sent() {
    for (ask, name, chunks) in [
        (Ask::CHAT_STREAM, "chat", 40),
        (Ask::TEXT_STREAM, "text", 15),
    ] {
        let mut last = None;
        for _ in 0..ROUNDS {
            let pace = measure(ask, "direct", chunks).await;
            print(name, &pace);
            let good = pace.bursts == 0
                && percentile(&pace.all, 99) <= LIMIT
                && percentile(&pace.first, 99) <= LIMIT;
            if good {
                last = None;
                break;
            }
            last = Some(pace);
        }
        assert!(last.is_none(), "{name}: held back in each round: {last:?}");
    }
    // For comparison: the runtime's own client.
    let stock = measure(Ask::CHAT_STREAM, "stock", 20).await;
    print("chat, stock responder", &stock);
}
