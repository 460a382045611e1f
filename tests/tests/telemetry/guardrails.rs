//! A guardrail by configuration stands before and behind every model.

use end_to_end::{Ask, Script, frames};
use serde_json::{Value, json};

const GUARDRAIL: [(&str, &str); 2] = [("GUARDRAIL_ID", "gr4rdr41l001"), ("GUARDRAIL_VERSION", "3")];

#[tokio::test]
async fn every_call_names_the_guardrail() {
    for ask in Ask::ALL {
        let mut asked = ask.with(&GUARDRAIL, [ask.answer(&["Good"])]).await;
        let answer = asked.call().await;
        ask.check(&answer, "Good");
        let request = asked.upstream.last();
        let named = match ask {
            Ask::CHAT | Ask::CHAT_STREAM => {
                let config = &request.json()["guardrailConfig"];
                let text = |name: &str| config[name].as_str().map(str::to_owned);
                (text("guardrailIdentifier"), text("guardrailVersion"))
            }
            _ => {
                let text = |name: &str| request.header(name).map(str::to_owned);
                (
                    text("x-amzn-bedrock-guardrailidentifier"),
                    text("x-amzn-bedrock-guardrailversion"),
                )
            }
        };
        let expected = GUARDRAIL.map(|(_, value)| Some(value.to_owned()));
        assert_eq!([named.0, named.1], expected, "{ask:?}");
    }
}

#[tokio::test]
async fn an_intervention_is_told() {
    let ended = (
        Some("content_filter".to_owned()),
        Some("guardrail_intervened".to_owned()),
    );
    for ask in Ask::WRITTEN {
        let script = match ask {
            Ask::TEXT => Script::json(&with_action(end_to_end::ask::whole("Sorry.", "end_turn"))),
            Ask::TEXT_STREAM => Script::stream_of([
                frames::chunk(&with_action(json!({
                    "contentBlockDelta": {"delta": {"text": "Sorry."}, "contentBlockIndex": 0},
                }))),
                frames::chunk(&with_action(
                    json!({"messageStop": {"stopReason": "end_turn"}}),
                )),
            ]),
            _ => ask.answer_ending("Sorry.", "guardrail_intervened"),
        };
        let mut asked = ask.with(&GUARDRAIL, [script]).await;
        let answer = asked.call().await;
        assert_eq!(answer.status, 200, "{ask:?}: {answer:?}");
        assert_eq!(ask.said(&answer), "Sorry.", "{ask:?}");
        assert_eq!(ask.ended(&answer), ended, "{ask:?}: {answer:?}");
    }
}

/// The guardrail's own words need not have the model's last chunk behind them.
#[tokio::test]
async fn a_stream_that_a_guardrail_ends_is_whole() {
    let ask = Ask::TEXT_STREAM;
    let only = frames::chunk(&with_action(json!({
        "contentBlockDelta": {"delta": {"text": "Sorry."}, "contentBlockIndex": 0},
    })));
    let mut asked = ask
        .with(&GUARDRAIL, [Script::stream_of([only.clone()])])
        .await;
    let answer = asked.call().await;
    assert_eq!(ask.said(&answer), "Sorry.");
    assert_eq!(ask.ended(&answer).0.as_deref(), Some("content_filter"));
    assert!(answer.is_done());
    // Without a guardrail the same words mean nothing, and the answer was cut.
    let mut asked = ask.of([Script::stream_of([only])]).await;
    let answer = asked.call().await;
    assert_eq!(answer.last_error()["code"], "upstream_truncated");
}

#[tokio::test]
async fn a_picture_that_a_guardrail_keeps_back_is_filtered() {
    let script = Script::json(&with_action(json!({"images": [], "error": "Sorry."})));
    let mut asked = Ask::IMAGE.with(&GUARDRAIL, [script]).await;
    let answer = asked.call().await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.error()["code"], "content_policy_violation");
}

fn with_action(mut body: Value) -> Value {
    body["amazon-bedrock-guardrailAction"] = json!("INTERVENED");
    body
}
