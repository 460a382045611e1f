//! What the caller is told of a fault.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use end_to_end::{Answer, Ask, Asked, CANARY, Script};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// What stands in the bodies of gateways, and must never reach a caller.
pub(crate) const SECRET: &str = "secret-host.internal";

/// A page of a gateway, which may quote what it was told.
pub(crate) static PAGE: LazyLock<String> =
    LazyLock::new(|| format!("<html><body>{SECRET} {CANARY}</body></html>"));

/// An answer that is an error, and the calls that were made for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    status: u64,
    code: &'static str,
    calls: usize,
    advice: Advice,
}

/// Whether to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advice {
    /// Clients do not repeat such a status by themselves.
    None,
    /// After some seconds.
    Later,
    /// After so many seconds.
    After(u64),
    /// A status that clients repeat by themselves, which would not help or would pay again.
    Never,
}

impl Told {
    /// With the advice that the status has in the table.
    pub(crate) const fn new(status: u64, code: &'static str, calls: usize) -> Self {
        let advice = match status {
            400..=404 => Advice::None,
            429 | 503 => Advice::Later,
            _ => Advice::Never,
        };
        Self {
            status,
            code,
            calls,
            advice,
        }
    }

    /// With the seconds that `retry-after` says.
    pub(crate) const fn after(self, seconds: u64) -> Self {
        Self {
            advice: Advice::After(seconds),
            ..self
        }
    }

    /// Checks an answer and the calls so far.
    #[track_caller]
    pub(crate) fn check(self, asked: &Asked, answer: &Answer) {
        let ask = asked.ask;
        assert_eq!(answer.status, self.status, "{ask:?}: {answer:?}");
        let error = answer.error();
        assert_eq!(error["code"], self.code, "{ask:?}: {answer:?}");
        assert_eq!(error["type"], self.r#type(), "{ask:?}: {answer:?}");
        assert!(!answer.content.contains(SECRET), "{ask:?}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-request-id").len(), 36, "{ask:?}");
        let seconds: Option<u64> = answer.header("retry-after").parse().ok();
        let should_retry = answer.header("x-should-retry");
        let advice = match (seconds, should_retry) {
            (None, "") => Advice::None,
            (None, "false") => Advice::Never,
            (Some(said), "") if self.advice == Advice::After(said) => self.advice,
            (Some(1..), "") => Advice::Later,
            advice => panic!("{ask:?}: contradictory advice {advice:?}"),
        };
        assert_eq!(advice, self.advice, "{ask:?}: {answer:?}");
        let calls = asked.upstream.count();
        assert_eq!(calls, self.calls, "{ask:?}: calls");
    }

    const fn r#type(self) -> &'static str {
        match self.status {
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
    }
}

/// Does the same in each way, side by side.
pub(crate) async fn each<T>(
    asks: impl IntoIterator<Item = Ask>,
    act: impl AsyncFn(Ask) -> T,
) -> Vec<T> {
    let acts = asks.into_iter().map(|ask| Box::pin(act(ask)));
    join_all(acts).await
}

/// Asks in each way a Bedrock of its own that plays these scripts; checks the error, and that the
/// environment lives on.
pub(crate) async fn refused(
    asks: impl IntoIterator<Item = Ask>,
    scripts: impl Fn(Ask) -> Vec<Script>,
    told: Told,
) {
    refused_with(&[], asks, scripts, told).await;
}

/// The same, with these variables in the functions' environment.
pub(crate) async fn refused_with(
    environment: &[(&str, &str)],
    asks: impl IntoIterator<Item = Ask>,
    scripts: impl Fn(Ask) -> Vec<Script>,
    told: Told,
) {
    each(asks, async |ask| {
        let mut asked = ask.with(environment, scripts(ask)).await;
        let answer = asked.call().await;
        told.check(&asked, &answer);
        asked.lives_on().await;
        assert_eq!(asked.s3.keys().await, Vec::<String>::new(), "{ask:?}");
    })
    .await;
}

/// Asks in each way a Bedrock of its own that plays these scripts and, after them, a good answer;
/// checks that this came, after as many calls.
pub(crate) async fn answered_after(
    asks: impl IntoIterator<Item = Ask>,
    scripts: impl Fn(Ask) -> Vec<Script>,
) {
    each(asks, async |ask| {
        let mut all = scripts(ask);
        all.push(ask.answer(&["Good ", "morning."]));
        let calls = all.len();
        let mut asked = ask.of(all).await;
        let answer = asked.call().await;
        ask.check(&answer, "Good morning.");
        assert_eq!(asked.upstream.count(), calls, "{ask:?}");
    })
    .await;
}

/// How long something takes.
pub(crate) async fn timed<T>(act: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    let done = act.await;
    (done, started.elapsed())
}

/// How long Bedrock was left in peace between its requests.
pub(crate) fn waits(asked: &Asked) -> Vec<Duration> {
    let requests = asked.upstream.requests();
    let times = requests.windows(2);
    times.map(|pair| pair[1].at - pair[0].at).collect()
}

/// Checks that a stream began, and ended with an error and without an end.
#[track_caller]
pub(crate) fn check_broken(asked: &Asked, answer: &Answer, said: &str, code: &str) {
    let ask = asked.ask;
    assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(ask.said(answer), said, "{ask:?}: {answer:?}");
    assert_eq!(ask.ended(answer), (None, None), "{ask:?}: not complete");
    let error = answer.last_error();
    assert_eq!(error["code"], code, "{ask:?}: {answer:?}");
    assert!(!answer.content.contains("[DONE]"), "{ask:?}: {answer:?}");
    let with_usage = answer.data().any(|data| data["usage"] != Value::Null);
    assert!(!with_usage, "{ask:?}: no sum of what is not complete");
    assert_eq!(asked.upstream.count(), 1, "{ask:?}: paid for once");
}

/// The error of a stream, as `(type, code)`.
pub(crate) fn row_of(answer: &Answer) -> (Value, Value) {
    let error = answer.last_error();
    (error["type"].clone(), error["code"].clone())
}

/// The same for an expectation.
pub(crate) fn row(r#type: &str, code: &str) -> (Value, Value) {
    (json!(r#type), json!(code))
}
