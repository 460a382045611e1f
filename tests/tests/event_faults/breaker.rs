//! Bedrock is down for longer.

use std::time::{Duration, Instant};

use end_to_end::{Answer, Ask, Cloud, Script};

use crate::requests::{asking_for, ids, put, turn, wait};

/// After how many failures calls are held back, and for how long.
const FAILURES: usize = 5;
const REST: Duration = Duration::from_secs(5);

/// How often callers ask.
const EVERY: Duration = Duration::from_millis(20);

fn down() -> Script {
    Script::error(503, "ServiceUnavailableException", "Down.")
}

/// Callers who ask all the time until one is answered. Gives how long each answer took that no call
/// was made for, and how many asked.
async fn callers() {
    let mut scripts = vec![down(); FAILURES + 1];
    scripts.push(Ask::CHAT.answer(&["Hello"]));
    let cloud = Cloud::playing(scripts).await;
    let mut function = cloud.start_function("chat", &[]).await;
    let upstream = cloud.upstream();
    let mut asked = 0;
    let mut held_back = Vec::new();
    let mut pace = tokio::time::interval(EVERY);
    let began = Instant::now();
    loop {
        pace.tick().await;
        let before = upstream.count();
        let (answer, took) = timed(&mut function).await;
        asked += 1;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.error()["code"], "service_unavailable");
        assert_eq!(answer.header("x-should-retry"), "");
        let seconds: u64 = answer.header("retry-after").parse().expect("a wait");
        assert!((1..=5).contains(&seconds), "{seconds}");
        if upstream.count() == before {
            held_back.push(took);
        }
        assert!(began.elapsed() < REST * 4, "it never gets well");
    }
    // Five in a row, then one at each end of the rest: the second of those was answered.
    assert_eq!(upstream.count(), FAILURES + 2);
    let times: Vec<_> = upstream.requests().iter().map(|seen| seen.at).collect();
    for trial in times[FAILURES - 1..].windows(2) {
        let rest = trial[1] - trial[0];
        assert!((REST..REST * 2).contains(&rest), "{rest:?}");
    }
    assert!(
        upstream.count() * 10 <= asked * 12,
        "{} for {asked}",
        upstream.count()
    );
    assert!(held_back.len() > 50, "{} were held back", held_back.len());
    held_back.sort();
    let most = held_back[held_back.len() * 95 / 100];
    assert!(most < Duration::from_millis(50), "{most:?} for 95 of 100");
    for _ in 0..3 {
        Ask::CHAT.check(&function.call(&Ask::CHAT.event()).await, "Hello");
    }
    assert_eq!(upstream.count(), FAILURES + 5, "all go through again");
}

async fn timed(function: &mut end_to_end::Function) -> (Answer, Duration) {
    let began = Instant::now();
    let answer = function.call(&Ask::CHAT.event()).await;
    (answer, began.elapsed())
}

/// The messages of a queue, ten at a time.
async fn queue() {
    const BATCHES: usize = 5;
    let cloud = Cloud::playing([down()]).await;
    let mut function = cloud.start_function("chat", &[]).await;
    let messages = asking_for(10);
    put(&cloud, "chat", &messages);
    for number in 0..BATCHES {
        // As long as any of them waits.
        cloud.sqs.advance(Duration::from_secs(900));
        assert_eq!(
            turn(&cloud, "chat", &mut function).await,
            ids(&messages),
            "{number}"
        );
    }
    let (calls, records) = (cloud.paid_calls().await, BATCHES * messages.len());
    assert!(
        calls <= 12,
        "{calls} calls for 10 records at once, and {records} in all"
    );
    let waits = messages.iter().filter_map(|message| {
        let message = message
            .clone()
            .received(u64::try_from(BATCHES).expect("a count"));
        wait(&cloud, &message)
    });
    let waits: Vec<_> = waits.collect();
    assert_eq!(waits.len(), 10, "{waits:?}");
    // No sooner than by itself: the receives are counted, and must outlast a Bedrock that is down.
    assert!(
        waits.iter().all(|wait| (405..=900).contains(wait)),
        "{waits:?}"
    );
}

end_to_end::rows! {
    f72_while_bedrock_is_down_callers_are_told_at_once_and_it_is_left_in_peace:
    "Bedrock is down under load: after 5 failures 503 and retry-after within 50 ms, one call every 5 seconds, then all again; never more than 1.2 calls a request; messages come back when the rest is over" => {
        tokio::join!(callers(), queue());
    }
}
