//! Bedrock, or a gateway in its place, answers with an error.

use std::time::Duration;

use end_to_end::{Ask, Script};

use crate::told::{PAGE, Told, answered_after, each, refused, timed, waits};

fn throttled() -> Script {
    Script::error(429, "ThrottlingException", "Too many requests.")
}

fn throttled_for(milliseconds: u64) -> Script {
    let header = format!("x-amz-retry-after: {milliseconds}");
    Script::error_with(429, "ThrottlingException", "Too many.", &[&header])
}

end_to_end::rows! {
    f01_a_call_that_is_throttled_twice_succeeds_at_the_third:
    "429 ThrottlingException twice, then 200: success after 3 calls; jittered waits; none past the deadline" => {
        let first_waits = each(Ask::ALL, async |ask| {
            let mut asked = ask.of([throttled(), throttled(), ask.answer(&["Hello"])]).await;
            ask.check(&asked.call().await, "Hello");
            let waits = waits(&asked);
            assert_eq!(waits.len(), 2, "{ask:?}");
            waits[0]
        })
        .await;
        let shortest = first_waits.iter().min().unwrap();
        let longest = first_waits.iter().max().unwrap();
        assert!(*longest - *shortest > Duration::from_millis(2), "no jitter: {first_waits:?}");

        each(Ask::ALL, async |ask| {
            let mut asked = ask.of([throttled()]).await;
            let time = Duration::from_millis(200);
            let (answer, took) = timed(asked.call_within(time)).await;
            Told::new(429, "rate_limit_exceeded", 1).check(&asked, &answer);
            assert!(took < ask.time(time), "{ask:?}: {took:?}");
        })
        .await;
    }

    f02_a_throttle_without_end_is_a_429_after_three_calls:
    "429 for ever: 429 with retry-after after 3 calls, never 500 (a queue's item: with the events)" => {
        let told = Told::new(429, "rate_limit_exceeded", 3);
        refused(Ask::ALL, |_| vec![throttled()], told).await;
    }

    f03_bedrocks_own_wait_is_kept_or_else_passed_on_at_once:
    "429 with x-amz-retry-after: waited for if the budget allows, else answered at once with that retry-after" => {
        each(Ask::ALL, async |ask| {
            let mut asked = ask.of([throttled_for(1_500), ask.answer(&["Hello"])]).await;
            ask.check(&asked.call().await, "Hello");
            let wait = waits(&asked)[0];
            let asked_for = Duration::from_millis(1_500);
            assert!((asked_for..asked_for * 3).contains(&wait), "{ask:?}: {wait:?}");
        })
        .await;
        // Longer than the request has, and longer than any request waits.
        for (milliseconds, budget, seconds) in [(3_000, 2_000, 3), (30_000, 60_000, 30)] {
            each(Ask::ALL, async |ask| {
                let mut asked = ask.of([throttled_for(milliseconds)]).await;
                let time = Duration::from_millis(budget);
                let (answer, took) = timed(asked.call_within(time)).await;
                Told::new(429, "rate_limit_exceeded", 1).after(seconds).check(&asked, &answer);
                assert!(took < Duration::from_secs(1), "{ask:?}: {took:?}");
                asked.lives_on().await;
            })
            .await;
        }
    }

    f04_a_gateways_429_is_a_throttle_by_its_status:
    "429 with a page and no error code: a throttle, retried as such" => {
        let told = Told::new(429, "rate_limit_exceeded", 3);
        let for_ever = refused(Ask::ALL, |_| vec![Script::page(429, &PAGE)], told);
        let once = answered_after(Ask::ALL, |_| vec![Script::page(429, &PAGE)]);
        tokio::join!(for_ever, once);
    }

    f05_a_model_that_is_not_ready_is_asked_again_and_then_a_503:
    "429 ModelNotReadyException: retried within the budget, then 503 with retry-after" => {
        let not_ready = || Script::error(429, "ModelNotReadyException", "Not ready.");
        let told = Told::new(503, "model_not_ready", 3);
        let for_ever = refused(Ask::ALL, |_| vec![not_ready()], told);
        let once = answered_after(Ask::ALL, |_| vec![not_ready()]);
        tokio::join!(for_ever, once);
    }

    f06_a_quota_that_is_used_up_is_a_429_of_its_own_and_not_repeated:
    "400 ServiceQuotaExceededException: 429 quota_exceeded after 1 call" => {
        let quota = Script::error(400, "ServiceQuotaExceededException", "Used up.");
        let told = Told::new(429, "quota_exceeded", 1);
        refused(Ask::ALL, |_| vec![quota.clone()], told).await;
    }

    f07_a_service_that_is_unavailable_once_is_asked_again:
    "503 ServiceUnavailableException, then 200: success (for ever: 503 after 3 calls)" => {
        let unavailable = || Script::error(503, "ServiceUnavailableException", "Try again.");
        let once = answered_after(Ask::ALL, |_| vec![unavailable()]);
        let told = Told::new(503, "service_unavailable", 3);
        let for_ever = refused(Ask::ALL, |_| vec![unavailable()], told);
        tokio::join!(once, for_ever);
    }

    f08_an_internal_error_without_end_is_a_502_after_three_calls:
    "500 InternalServerException for ever: 502 upstream_error after 3 calls (the circuit breaker that counts it comes with the events)" => {
        let failed = || Script::error(500, "InternalServerException", "Sorry.");
        let told = Told::new(502, "upstream_error", 3);
        let for_ever = refused(Ask::ALL, |_| vec![failed()], told);
        let twice = answered_after(Ask::ALL, |_| vec![failed(), failed()]);
        tokio::join!(for_ever, twice);
    }

    f09_a_gateways_page_is_a_502_and_never_passed_on:
    "502 or 504 with a page from a middlebox: 502 or 504 in JSON after 1 call, without a word of the page" => {
        let told = Told::new(502, "upstream_error", 1);
        refused(Ask::ALL, |_| vec![Script::page(502, &PAGE)], told).await;
        // The model may still be at work: another call would be paid for too.
        let told = Told::new(504, "model_timeout", 1);
        refused(Ask::ALL, |_| vec![Script::page(504, &PAGE)], told).await;
    }

    f10_a_models_error_is_a_502_and_not_repeated:
    "424 ModelErrorException: 502 model_error after 1 call" => {
        let failed = Script::error(424, "ModelErrorException", "The model failed.");
        let told = Told::new(502, "model_error", 1);
        refused(Ask::ALL, |_| vec![failed.clone()], told).await;
    }

    f11_a_models_timeout_is_a_504_and_not_repeated:
    "408 ModelTimeoutException: 504 model_timeout after 1 call" => {
        let late = Script::error(408, "ModelTimeoutException", "Too long.");
        let told = Told::new(504, "model_timeout", 1);
        refused(Ask::ALL, |_| vec![late.clone()], told).await;
    }

    f12_a_refusal_of_our_credentials_is_our_own_500:
    "403 AccessDeniedException: 500 upstream_access_denied without a word of IAM, logged with AWS's code and the model, 1 call (the alarm on it comes with the dashboards)" => {
        let says = "User: arn:aws:sts::123456789012:assumed-role/f is not authorized to perform: \
                    bedrock:InvokeModel";
        let denied = Script::error(403, "AccessDeniedException", says);
        let told = Told::new(500, "upstream_access_denied", 1);
        each(Ask::ALL, async |ask| {
            let mut asked = ask.of([denied.clone()]).await;
            let answer = asked.call().await;
            told.check(&asked, &answer);
            for part in ["arn:", "assumed-role", "bedrock:"] {
                assert!(!answer.content.contains(part), "{ask:?}: {answer:?}");
            }
            asked.lives_on().await;
            let log = asked.function.stop().await;
            let line = log.lines().find(|line| line.contains("upstream_access_denied"));
            let line = line.unwrap_or_else(|| panic!("{ask:?}: {log}"));
            assert!(line.contains("AccessDeniedException"), "{ask:?}: {line}");
            assert!(line.contains(ask.model()), "{ask:?}: {line}");
            assert!(!line.contains("arn:"), "{ask:?}: {line}");
        })
        .await;
    }

    f13_a_model_past_its_end_of_life_is_a_404_that_names_its_successor:
    "404 with the end-of-life text: 404 model_retired naming the successor, 1 call" => {
        let says = "This model version has reached the end of its life. Please refer to the AWS \
                    documentation for more details.";
        let retired = Script::error(404, "ResourceNotFoundException", says);
        each(Ask::ALL, async |ask| {
            let (model, successor) = match ask.task {
                end_to_end::Task::Image => (
                    "stability.stable-diffusion-xl-v1",
                    "stability.stable-image-core-v1:1",
                ),
                _ => ("amazon.titan-tg1-large", "us.amazon.nova-micro-v1:0"),
            };
            let mut asked = ask.of([retired.clone()]).await;
            let event = ask.event().with_field("model", model.into());
            let answer = asked.function.call(&event).await;
            Told::new(404, "model_retired", 1).check(&asked, &answer);
            assert_eq!(answer.error()["param"], "model", "{ask:?}");
            assert!(answer.text("/error/message").contains(successor), "{answer:?}");
            asked.lives_on().await;
        })
        .await;
    }

    f14_what_bedrock_finds_invalid_is_a_400_with_our_own_field:
    "400 ValidationException: 400 with our own field's path where it names one, 1 call (a queue's item: with the events)" => {
        for (says, code, param) in [
            (
                "Invocation of model ID amazon.nova-micro-v1:0 with on-demand throughput isn't \
                 supported. Retry your request with the ID or ARN of an inference profile that \
                 contains this model.",
                "invalid_value",
                Some("model"),
            ),
            ("Malformed input request: #: extraneous key.", "request_refused", None),
            ("Input is too long for requested model.", "context_length_exceeded", None),
        ] {
            each(Ask::ALL, async |ask| {
                let mut asked = ask.of([Script::error(400, "ValidationException", says)]).await;
                let answer = asked.call().await;
                Told::new(400, code, 1).check(&asked, &answer);
                assert_eq!(answer.error()["param"].as_str(), param, "{ask:?}");
                asked.lives_on().await;
            })
            .await;
        }
    }
}
