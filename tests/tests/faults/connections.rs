//! Bedrock cannot be reached, or does not answer.

use std::time::Duration;

use end_to_end::{Ask, Asked, Insecure, Refusing, Script, Sts, Upstream};

use crate::told::{Told, each, timed};

/// Asks a Bedrock at another place than the script's, which must not be called.
async fn elsewhere(ask: Ask, url: &str) -> Asked {
    // What comes later in an environment goes before.
    ask.with(&[("BEDROCK_ENDPOINT_URL", url)], [ask.answer(&["never"])])
        .await
}

/// A role that is to be had from this STS.
async fn with_role(ask: Ask, sts: &Upstream) -> Asked {
    let environment = [
        (
            "BEDROCK_ASSUME_ROLE",
            "arn:aws:iam::123456789012:role/models",
        ),
        ("AWS_ENDPOINT_URL_STS", sts.url()),
    ];
    ask.with(&environment, [ask.answer(&["Hello"])]).await
}

/// Answers, goes on after a freeze in which Bedrock ends the connection, and answers again.
async fn freeze(ask: Ask, end: impl Fn(Script) -> Script) {
    let pause = Duration::from_millis(100);
    let first = end(ask.answer(&["Before"]).wait(pause));
    let mut asked = ask.of([first, ask.answer(&["After"])]).await;
    ask.check(&asked.call().await, "Before");
    let frozen = asked.function.freeze();
    asked.upstream.until_closed(1).await;
    // The request and the connection's end wait for the process together.
    let event = ask.event();
    let upstream = &asked.upstream;
    let thaw = async {
        tokio::task::yield_now().await;
        frozen.thaw();
    };
    let (answer, ()) = tokio::join!(asked.function.call(&event), thaw);
    ask.check(&answer, "After");
    assert_eq!(upstream.count(), 2, "{ask:?}");
}

end_to_end::rows! {
    f15_a_bedrock_that_cannot_be_reached_is_a_503:
    "connection refused, name not found: at most 3 attempts, 503 inside the budget" => {
        let nobody = Refusing::start();
        for url in [nobody.url().as_str(), "http://bedrock.invalid"] {
            each(Ask::ALL, async |ask| {
                let mut asked = elsewhere(ask, url).await;
                let (answer, took) = timed(asked.call()).await;
                Told::new(503, "service_unavailable", 0).check(&asked, &answer);
                assert!(took < Duration::from_secs(4), "{ask:?} {url}: {took:?}");
                asked.lives_on().await;
            })
            .await;
        }
    }

    f16_a_connection_that_breaks_before_the_answer_is_opened_once_more:
    "reset or closed before the head of an answer: asked once more on a new connection, then 503" => {
        let breaks = async |broken: Script| {
            each(Ask::ALL, async |ask| {
                let mut asked = ask.of([broken.clone(), ask.answer(&["Hello"])]).await;
                ask.check(&asked.call().await, "Hello");
                assert_eq!(asked.upstream.count(), 2, "{ask:?}");

                let mut asked = ask.of([broken.clone()]).await;
                let answer = asked.call().await;
                Told::new(503, "service_unavailable", 2).check(&asked, &answer);
                asked.lives_on().await;
            })
            .await;
        };
        tokio::join!(breaks(Script::new().reset()), breaks(Script::new().close()));
    }

    f17_the_first_request_after_a_freeze_finds_its_connection_gone_and_succeeds:
    "Bedrock closed or reset the idle connection while the environment was frozen: the next request succeeds" => {
        each(Ask::ALL, async |ask| {
            freeze(ask, Script::close).await;
            freeze(ask, Script::reset).await;
        })
        .await;
    }

    f18_a_silent_bedrock_is_our_own_504_before_lambdas_deadline:
    "a server that never answers: 504 at the budget's end, 1 call, which is dropped" => {
        each(Ask::ALL, async |ask| {
            let mut asked = ask.of([Script::silence()]).await;
            let time = Duration::from_secs(1);
            let (answer, took) = timed(asked.call_within(time)).await;
            Told::new(504, "deadline_exceeded", 1).check(&asked, &answer);
            // A half second before Lambda's deadline, but for what a busy machine takes.
            assert!(took < time + Duration::from_millis(100), "{ask:?}: {took:?}");
            asked.upstream.until_dropped(1).await;
            asked.lives_on().await;
        })
        .await;
    }

    f19_a_bedrock_that_is_slow_but_alive_is_waited_for:
    "silent for 20 s, then 200: success where the budget has 22 s" => {
        each(Ask::ALL, async |ask| {
            let slow = Duration::from_secs(20);
            let late = Script::new().wait(slow).then_all(ask.answer(&["At last."]));
            let mut asked = ask.of([late]).await;
            let (answer, took) = timed(asked.call_within(Duration::from_secs(30))).await;
            ask.check(&answer, "At last.");
            assert!(took >= slow, "{ask:?}: {took:?}");
            assert_eq!(asked.upstream.count(), 1, "{ask:?}");
        })
        .await;
    }

    f20_a_handshake_that_stalls_or_is_not_to_be_trusted_is_a_503_soon:
    "TLS: a handshake that stalls, a certificate of nobody: 503 inside 4 s; a bad certificate is looked at once" => {
        each(Ask::ALL, async |ask| {
            let endpoint = Insecure::stalling().await;
            let mut asked = elsewhere(ask, endpoint.url()).await;
            let (answer, took) = timed(asked.call()).await;
            Told::new(503, "service_unavailable", 0).check(&asked, &answer);
            assert!(took < Duration::from_secs(4), "{ask:?}: {took:?}");
            asked.lives_on().await;
        })
        .await;
        each(Ask::ALL, async |ask| {
            let endpoint = Insecure::with_own_certificate().await;
            let mut asked = elsewhere(ask, endpoint.url()).await;
            let before = endpoint.connections();
            let (answer, took) = timed(asked.call()).await;
            Told::new(503, "service_unavailable", 0).check(&asked, &answer);
            assert!(took < Duration::from_secs(4), "{ask:?}: {took:?}");
            assert_eq!(endpoint.connections() - before, 1, "{ask:?}: not retried");
            asked.lives_on().await;
        })
        .await;
    }

    f21_credentials_that_cannot_be_had_are_a_503_and_leave_nothing_behind:
    "the service that lends credentials fails or is silent: 503 credentials_unavailable inside the budget, Bedrock uncalled; later the same environment answers" => {
        let failing = || Script::error(500, "InternalFailure", "Sorry.");
        let lending = || Script::whole(200, &["content-type: text/xml"], Sts::role());
        each(Ask::ALL, async |ask| {
            let sts = Upstream::playing([failing(), failing(), failing(), lending()]).await;
            let mut asked = with_role(ask, &sts).await;
            let answer = asked.call().await;
            Told::new(503, "credentials_unavailable", 0).check(&asked, &answer);
            ask.check(&asked.call().await, "Hello");
            assert_eq!(asked.upstream.count(), 1, "{ask:?}");
        })
        .await;
        each(Ask::ALL, async |ask| {
            let sts = Upstream::playing([Script::silence()]).await;
            let mut asked = with_role(ask, &sts).await;
            let time = Duration::from_secs(8);
            let (answer, took) = timed(asked.call_within(time)).await;
            Told::new(503, "credentials_unavailable", 0).check(&asked, &answer);
            assert!(took < time, "{ask:?}: {took:?}");
            asked.lives_on().await;
        })
        .await;
    }
}
