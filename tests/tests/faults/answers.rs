//! Bedrock begins to answer, and the answer is not what it should be.

use std::time::Duration;

use bytes::Bytes;
use end_to_end::ask::whole;
use end_to_end::{Ask, Script, Task};
use serde_json::{Value, json};

use crate::told::{PAGE, Told, each, refused, timed};

const JSON: &[&str] = &["content-type: application/json"];

/// What a function is allowed to take in the worst case: Lambda gives it 128 MB.
const MOST_MEMORY: u64 = 100 * 1024 * 1024;

/// An answer of another family than the model's.
fn of_another_family(ask: Ask) -> Script {
    let answer = json!({"completion": " Hello", "stop_reason": "stop_sequence", "stop": null});
    match ask {
        Ask { streamed: true, .. } => {
            let frame = match ask.task {
                Task::Chat => ask.frame("completionDelta", &answer),
                Task::Text | Task::Image => end_to_end::frames::chunk(&answer),
            };
            Script::stream_of([frame])
        }
        Ask { .. } => Script::json(&answer),
    }
}

end_to_end::rows! {
    f22_a_body_that_is_cut_is_a_502_and_is_not_asked_for_again:
    "200 with 6 of 1000 bytes: 502 upstream_truncated after 1 call" => {
        let cut = || Script::head(200, JSON, 1_000).bytes("{\"outp");
        let told = Told::new(502, "upstream_truncated", 1);
        refused(Ask::WHOLE, |_| vec![cut().close()], told).await;
        refused(Ask::WHOLE, |_| vec![cut().reset()], told).await;
    }

    f23_a_body_that_stalls_is_a_504_at_our_own_limit:
    "200 that stalls after 2 bytes, a stream after its first event: 504 at IDLE_TIMEOUT_SECONDS, 1 call, which is dropped" => {
        each(Ask::ALL, async |ask| {
            let stalled = match ask.streamed {
                true => Script::stream().frame(&ask.begin()).hold(),
                false => Script::head(200, JSON, 1_000).bytes("{\"").hold(),
            };
            let mut asked = ask.with(&[("IDLE_TIMEOUT_SECONDS", "1")], [stalled]).await;
            let (answer, took) = timed(asked.call()).await;
            Told::new(504, "model_timeout", 1).check(&asked, &answer);
            let limit = Duration::from_secs(1);
            assert!((limit..limit * 4).contains(&took), "{ask:?}: {took:?}");
            asked.upstream.until_dropped(1).await;
            asked.lives_on().await;
        })
        .await;
    }

    f24_a_page_in_place_of_an_answer_is_a_502:
    "200 with a page: 502 upstream_malformed after 1 call, without a word of the page" => {
        let told = Told::new(502, "upstream_malformed", 1);
        refused(Ask::ALL, |_| vec![Script::page(200, &PAGE)], told).await;
    }

    f25_an_empty_answer_is_a_502:
    "200 with an empty body: 502 upstream_malformed after 1 call (a stream without a frame: upstream_truncated)" => {
        let empty = || vec![Script::whole(200, JSON, "")];
        let told = Told::new(502, "upstream_malformed", 1);
        refused(Ask::WHOLE, |_| empty(), told).await;
        let told = Told::new(502, "upstream_truncated", 1);
        refused(Ask::STREAMED, |_| vec![Script::stream_of([])], told).await;
    }

    f26_an_answer_of_another_family_is_a_502_that_names_what_is_missing:
    "200 of another family: 502 upstream_malformed that names the family and the missing path; a stream of unknown parts is one without an end" => {
        each(Ask::WHOLE, async |ask| {
            let mut asked = ask.of([of_another_family(ask)]).await;
            let answer = asked.call().await;
            Told::new(502, "upstream_malformed", 1).check(&asked, &answer);
            let message = answer.text("/error/message");
            let (family, path) = match ask.task {
                Task::Chat => ("Converse", "output"),
                Task::Text => ("nova-text", "output"),
                Task::Image => ("stable-image", "images"),
            };
            assert!(message.contains(family), "{ask:?}: {message}");
            assert!(message.contains(path), "{ask:?}: {message}");
            asked.lives_on().await;
        })
        .await;
        each(Ask::STREAMED, async |ask| {
            let mut asked = ask.of([of_another_family(ask)]).await;
            let answer = asked.call().await;
            Told::new(502, "upstream_truncated", 1).check(&asked, &answer);
            asked.lives_on().await;
        })
        .await;
    }

    f27_what_an_answer_has_that_is_new_is_passed_over_or_on:
    "200 with unknown fields, null text, an unknown stop reason: success, the reason as other:<word>" => {
        each(Ask::WRITTEN_WHOLE, async |ask| {
            let mut body = whole("Hello", "hibernated");
            body["weather"] = json!({"sky": ["blue"]});
            body["output"]["message"]["mood"] = json!(null);
            body["usage"]["dreamTokens"] = json!(1.5);
            let mut asked = ask.of([Script::json(&body)]).await;
            let answer = asked.call().await;
            assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
            assert_eq!(ask.said(&answer), "Hello");
            let ended = (Some("other:hibernated".to_owned()), Some("hibernated".to_owned()));
            assert_eq!(ask.ended(&answer), ended, "{ask:?}: {answer:?}");
        })
        .await;
        each(Ask::STREAMED, async |ask| {
            let mut frames = vec![ask.frame("weatherReport", &json!({"sky": "blue"}))];
            frames.extend(ask.frames(&["Hello"], "hibernated"));
            let mut asked = ask.of([Script::stream_of(frames)]).await;
            let answer = asked.call().await;
            assert_eq!(ask.said(&answer), "Hello");
            let ended = (Some("other:hibernated".to_owned()), Some("hibernated".to_owned()));
            assert_eq!(ask.ended(&answer), ended, "{ask:?}: {answer:?}");
            assert!(answer.is_done(), "{ask:?}: {answer:?}");
        })
        .await;
        // Null where a text should be is no text.
        let null = json!({
            "output": {"message": {"role": "assistant", "content": [{"text": null}]}},
            "stopReason": "end_turn",
            "usage": null,
        });
        each([Ask::TEXT], async |ask| {
            let mut asked = ask.of([Script::json(&null)]).await;
            ask.check(&asked.call().await, "");
        })
        .await;
    }

    f28_an_answer_of_60_megabytes_is_not_taken:
    "200 with 60 MB: given up at the cap, 502, memory far below 128 MB" => {
        let text = "a".repeat(60 * 1024 * 1024);
        let body = Bytes::from(whole(&text, "end_turn").to_string());
        let declared = Script::whole(200, JSON, body.clone());
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        let undeclared = Script::new().bytes(head).frame(&body).end();
        each(Ask::WHOLE, async |ask| {
            for script in [&declared, &undeclared] {
                let mut asked = ask.of([script.clone()]).await;
                let answer = asked.call().await;
                Told::new(502, "upstream_malformed", 1).check(&asked, &answer);
                let peak = asked.function.peak_memory();
                assert!(peak < MOST_MEMORY, "{ask:?}: {} MB", peak >> 20);
                asked.upstream.until_dropped(1).await;
                asked.lives_on().await;
            }
        })
        .await;
    }

    f32_an_answer_that_did_not_end_by_itself_says_why:
    "stop reasons max_tokens, guardrail_intervened, malformed_model_output, model_context_window_exceeded: distinct words, never \"stop\"" => {
        for (reason, finish) in [
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("guardrail_intervened", "content_filter"),
            ("content_filtered", "content_filter"),
            ("malformed_model_output", "other:malformed_model_output"),
        ] {
            each(Ask::WRITTEN, async |ask| {
                let mut asked = ask.of([ask.answer_ending("Hello", reason)]).await;
                let answer = asked.call().await;
                assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
                // Nova's own body has fewer words than Converse.
                let own = format!("other:{reason}");
                let (ended, word) = ask.ended(&answer);
                let ended = ended.unwrap_or_default();
                let is_said = ended == finish || ask.task == Task::Text && ended == own;
                assert!(is_said, "{ask:?}: {answer:?}");
                assert_eq!(word.as_deref(), Some(reason), "{ask:?}: {answer:?}");
            })
            .await;
        }
    }

    f33_an_empty_answer_is_called_so_and_is_not_sent_back_as_a_blank_turn:
    "an empty or blank completion: 200 with empty: true, and as history it becomes no blank block" => {
        for text in ["", " \n"] {
            each(Ask::WRITTEN_WHOLE, async |ask| {
                let mut asked = ask.of([ask.answer(&[text])]).await;
                let answer = asked.call().await;
                ask.check(&answer, text);
                assert_eq!(answer.body["choices"][0]["empty"], true, "{ask:?}: {answer:?}");
            })
            .await;
        }
        each(Ask::WRITTEN_WHOLE, async |ask| {
            let mut asked = ask.of([ask.answer(&["Hello"])]).await;
            let answer = asked.call().await;
            assert_eq!(answer.body["choices"][0].get("empty"), None, "{ask:?}: {answer:?}");
        })
        .await;
        let mut asked = Ask::CHAT.of([Ask::CHAT.answer(&[""])]).await;
        let empty = asked.call().await;
        let event = Ask::CHAT.event().with_field("messages", json!([
            {"role": "user", "content": "Hello"},
            empty.body["choices"][0]["message"],
            {"role": "user", "content": "Are you there?"},
        ]));
        let answer = asked.function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sent = asked.upstream.requests()[1].json();
        assert_eq!(blank_texts(&sent), 0, "{sent}");
        assert!(sent.to_string().contains("Are you there?"), "{sent}");
    }
}

/// How many texts of a request's messages are blank.
fn blank_texts(request: &Value) -> usize {
    let messages = request["messages"].as_array().expect("messages");
    let blocks = messages.iter().flat_map(|message| {
        let blocks = message["content"].as_array().expect("blocks");
        assert!(!blocks.is_empty(), "{message}");
        blocks
    });
    blocks
        .filter(|block| block["text"].as_str().expect("a text").trim().is_empty())
        .count()
}
