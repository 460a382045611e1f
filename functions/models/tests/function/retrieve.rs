//! One model.

use std::collections::BTreeMap;

use end_to_end::Event;

use crate::{Stack, model};

const NOVA: &str = "us.amazon.nova-lite-v1:0";

#[tokio::test]
async fn a_model_of_the_list_is_its_object() {
    let mut stack = Stack::start(&[]).await;
    let list = stack.list(&[]).await;
    for id in [NOVA, "anthropic.claude-v2:1", "amazon.titan-tg1-large"] {
        let answer = stack.retrieve(id).await;
        assert_eq!(answer.status, 200, "{id}: {answer:?}");
        assert_eq!(answer.body, *model(&list, id));
    }
}

#[tokio::test]
async fn ids_and_arns_work_raw_and_encoded() {
    let mut stack = Stack::start(&[]).await;
    for (sent, id) in [
        ("us.amazon.nova-lite-v1%3A0", NOVA),
        ("us%2Eamazon%2Enova-lite-v1%3a0", NOVA),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1",
        ),
        (
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fanthropic.claude-v2%3A1",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1",
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.amazon.nova-lite-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/nova12345678",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/nova12345678",
        ),
    ] {
        let answer = stack.retrieve(sent).await;
        assert_eq!(answer.status, 200, "{sent}: {answer:?}");
        assert_eq!(answer.text("/id"), id);
        assert_ne!(answer.text("/provider"), "");
    }
    let calls = stack.calls().await;
    assert_eq!(calls.get("GetFoundationModel"), None, "{calls:?}");
    assert_eq!(calls.get("GetInferenceProfile"), None, "{calls:?}");
}

#[tokio::test]
async fn a_rest_api_is_answered_too() {
    let mut stack = Stack::start(&[]).await;
    let answer = stack.function.call(&Event::file("model-rest-v1")).await;
    assert_eq!((answer.status, answer.text("/id")), (200, NOVA));
}

#[tokio::test]
async fn bedrock_is_asked_for_what_it_did_not_list() {
    let mut stack = Stack::start(&[]).await;
    // Another region's ARN, by which the local Bedrock knows the model too.
    let arn = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-v2:1";
    let answer = stack.retrieve(arn).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text("/id"), arn);
    assert_eq!(answer.text("/provider"), "Anthropic");
    let expected = [
        ("GetFoundationModel", 1),
        ("ListFoundationModels", 1),
        ("ListInferenceProfiles", 2),
    ];
    let expected = expected.map(|(operation, count)| (operation.to_owned(), count));
    assert_eq!(stack.calls().await, BTreeMap::from(expected));
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let mut stack = Stack::start(&[]).await;
    for (name, asked) in [
        ("gpt-4o", None),
        ("%22%3Cscript%3E", None),
        ("amazon.nobody-v1:0", Some("GetFoundationModel")),
        ("us.amazon.nobody-v1:0", Some("GetInferenceProfile")),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/none",
            Some("GetInferenceProfile"),
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/none12345678",
            None,
        ),
    ] {
        let before = stack.calls().await;
        let answer = stack.retrieve(name).await;
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
        assert_eq!(answer.error()["code"], "model_not_found");
        assert_eq!(answer.error()["type"], "invalid_request_error");
        assert_eq!(answer.error()["param"], "model");
        let after = stack.calls().await;
        for operation in ["GetFoundationModel", "GetInferenceProfile"] {
            let more = after.get(operation) != before.get(operation);
            assert_eq!(more, asked == Some(operation), "{name}: {operation}");
        }
    }
}
