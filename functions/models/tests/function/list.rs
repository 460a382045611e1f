//! What is listed.

use end_to_end::{Event, Function, Way};
use serde_json::json;

use crate::{Stack, ids, listing, model, retrieval};

const APPLICATION: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/nova12345678";
const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456";

#[tokio::test]
async fn the_regions_models_and_profiles_are_listed_in_the_order_of_their_ids() {
    let mut stack = Stack::start(&[]).await;
    let answer = stack.list(&[]).await;
    assert_eq!(answer.body["object"], "list");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_ne!(answer.header("x-request-id"), "");
    let ids = ids(&answer);
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
    assert!(ids.contains(&"amazon.titan-tg1-large"), "a model");
    assert!(ids.contains(&"us.amazon.nova-micro-v1:0"), "a profile");
    assert!(ids.contains(&APPLICATION), "a profile of the account's own");
}

#[tokio::test]
async fn a_model_is_shown_with_what_bedrock_and_the_catalogue_know() {
    let mut stack = Stack::start(&[]).await;
    let answer = stack.list(&[]).await;
    assert_eq!(
        *model(&answer, "anthropic.claude-v2"),
        json!({
            "id": "anthropic.claude-v2",
            "object": "model",
            "created": 1_695_859_200,
            "owned_by": "Anthropic",
            "name": "Claude",
            "provider": "Anthropic",
            "input_modalities": ["TEXT"],
            "output_modalities": ["TEXT"],
            "family": "claude-text",
            "streaming": true,
            "inference_types": ["ON_DEMAND"],
            "status": "LEGACY",
            "shutdown_date": "2025-07-21",
            "successor": "us.anthropic.claude-sonnet-4-6",
        })
    );
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(model(&answer, sonnet)["created"], 1_759_104_000);
    assert_eq!(model(&answer, sonnet)["shutdown_date"], "2027-04-08");
    assert_eq!(
        *model(&answer, "us.amazon.nova-lite-v1:0"),
        json!({
            "id": "us.amazon.nova-lite-v1:0",
            "object": "model",
            "created": 1_735_689_600,
            "owned_by": "Amazon",
            "name": "US Nova Lite",
            "provider": "Amazon",
            "input_modalities": ["TEXT", "IMAGE"],
            "output_modalities": ["TEXT"],
            "family": "nova-text",
            "streaming": true,
            "inference_types": ["INFERENCE_PROFILE"],
            "status": "ACTIVE",
        })
    );
    // Its model has no region in the profile of the whole world.
    let global = format!("global.{sonnet}");
    assert_eq!(model(&answer, &global)["provider"], "Anthropic");
    assert_eq!(model(&answer, &global)["status"], "LEGACY");
    assert_eq!(model(&answer, APPLICATION)["provider"], "Amazon");
}

#[tokio::test]
async fn a_list_is_the_same_each_time() {
    let mut stack = Stack::start(&[]).await;
    let first = stack.list(&[]).await;
    let mut other = Stack::start(&[]).await;
    assert_eq!(first.body, stack.list(&[]).await.body);
    assert_eq!(first.body, other.list(&[]).await.body);
}

#[tokio::test]
async fn a_streamed_answer_says_the_same() {
    let mut stack = Stack::start(&[]).await;
    let url = stack.bedrock.url();
    let environment = [("AWS_ENDPOINT_URL_BEDROCK", url.as_str())];
    let mut streaming = Function::start("models", &environment).await;
    let streamed = streaming.call(&listing(&[])).await;
    assert!(matches!(streamed.way, Way::Streamed { .. }));
    assert_eq!(streamed.body, stack.list(&[]).await.body);
    let missing = streaming.call(&retrieval("gpt-4o")).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.error()["code"], "model_not_found");
}

#[tokio::test]
async fn aliases_are_listed_with_what_they_stand_for() {
    let aliases = json!({
        "gpt-4o": "us.amazon.nova-lite-v1:0",
        "ours": {"model": IMPORTED, "family": "claude-messages"},
    })
    .to_string();
    let mut stack = Stack::start(&[("MODEL_ALIASES", &aliases)]).await;
    let answer = stack.list(&[]).await;
    let alias = model(&answer, "gpt-4o");
    assert_eq!(alias["alias_of"], "us.amazon.nova-lite-v1:0");
    assert_eq!(alias["provider"], "Amazon");
    let ours = model(&answer, "ours");
    assert_eq!(ours["alias_of"], IMPORTED);
    assert_eq!(ours["output_modalities"], json!(["TEXT"]));
    let one = stack.retrieve("gpt-4o").await;
    assert_eq!(one.body, *alias);
}

#[tokio::test]
async fn only_allowed_models_are_listed_even_where_the_region_lists_them_not() {
    let nowhere = "writer.palmyra-x4-v1:0";
    let allowed = format!("us.amazon.nova-micro-v1:0,{nowhere}");
    let environment = [
        ("ALLOWED_MODELS", allowed.as_str()),
        (
            "MODEL_ALIASES",
            r#"{"small":"us.amazon.nova-micro-v1:0","large":"us.amazon.nova-pro-v1:0"}"#,
        ),
    ];
    let mut stack = Stack::start(&environment).await;
    let answer = stack.list(&[]).await;
    assert_eq!(
        ids(&answer),
        ["small", "us.amazon.nova-micro-v1:0", nowhere]
    );
    assert_eq!(model(&answer, nowhere)["owned_by"], "writer");
    assert_eq!(stack.retrieve(nowhere).await.status, 200);
    for name in ["us.amazon.nova-pro-v1:0", "large"] {
        let answer = stack.retrieve(name).await;
        assert_eq!(answer.status, 403, "{name}");
        assert_eq!(answer.error()["code"], "model_not_allowed");
        assert_eq!(answer.error()["param"], "model");
    }
    let calls = stack.calls().await;
    assert_eq!(calls.get("GetFoundationModel"), None, "{calls:?}");
}

#[tokio::test]
async fn only_get_is_served() {
    let mut stack = Stack::start(&[]).await;
    for path in ["/v1/models", "/v1/models/us.amazon.nova-lite-v1:0"] {
        let event = Event::file("models-http-v2")
            .with("/rawPath", path.into())
            .with("/requestContext/http/method", "DELETE".into());
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), "GET");
        assert_eq!(answer.error()["code"], "method_not_allowed");
    }
    for path in ["/v1/model", "/v1/models/", "/v1"] {
        let event = Event::file("models-http-v2").with("/rawPath", path.into());
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.error()["code"], "not_found");
    }
    assert!(stack.calls().await.is_empty());
}
