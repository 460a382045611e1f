//! The filters of the list.

use serde_json::json;

use crate::{Stack, ids};

#[tokio::test]
async fn filters_choose_in_any_case_and_together() {
    let mut stack = Stack::start(&[]).await;
    let all = stack.list(&[]).await;
    let images = stack.list(&[("output_modality", "image")]).await;
    let stability = stack.list(&[("provider", "Stability AI")]).await;
    assert!(
        ids(&stability)
            .iter()
            .all(|id| id.starts_with("stability."))
    );
    assert!(ids(&stability).iter().all(|id| ids(&images).contains(id)));
    assert!(ids(&images).contains(&"amazon.nova-canvas-v1:0"));
    assert!(!ids(&images).contains(&"amazon.nova-lite-v1:0"));
    let profiles = [
        ("provider", "amazon"),
        ("inference_type", "inference_profile"),
        ("output_modality", "TEXT"),
    ];
    let profiles = stack.list(&profiles).await;
    assert!(ids(&profiles).contains(&"us.amazon.nova-lite-v1:0"));
    assert!(ids(&profiles).contains(&"amazon.nova-2-lite-v1:0"));
    assert!(!ids(&profiles).contains(&"amazon.titan-tg1-large"));
    assert!(ids(&profiles).len() < ids(&all).len());
    let none = [("provider", "Anthropic"), ("output_modality", "IMAGE")];
    let none = stack.list(&none).await;
    assert_eq!(none.body, json!({"object": "list", "data": []}));
}

#[tokio::test]
async fn unknown_parameters_and_values_are_refused_by_name() {
    let mut stack = Stack::start(&[]).await;
    for (name, value, code) in [
        ("colour", "red", "unknown_parameter"),
        ("provider", "Nobody", "invalid_value"),
        ("output_modality", "SMELL", "invalid_value"),
        ("inference_type", "", "invalid_value"),
    ] {
        let answer = stack.list(&[(name, value)]).await;
        assert_eq!(answer.status, 400, "{name}: {answer:?}");
        assert_eq!(answer.error()["code"], code, "{name}");
        assert_eq!(answer.error()["param"], name);
    }
}

#[tokio::test]
async fn one_model_takes_no_parameter() {
    let mut stack = Stack::start(&[]).await;
    let event = crate::retrieval("us.amazon.nova-lite-v1:0")
        .with("/rawQueryString", "provider=amazon".into())
        .with("/queryStringParameters", json!({"provider": "amazon"}));
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error()["code"], "unknown_parameter");
    assert_eq!(answer.error()["param"], "provider");
}
