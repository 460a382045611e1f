//! Converse.

use serde_json::json;

use super::check;
use crate::client::Bedrock;

const TITAN: &str = "amazon.titan-text-express-v1";
const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-micro-v1:0";
const SDXL_10: &str = "stability.stable-diffusion-xl-v1";

#[test]
fn converse_is_strict() {
    let bedrock = Bedrock::start();
    let user = json!({"role": "user", "content": [{"text": "Hi"}]});
    let unsupported = "This action doesn't support the model that you provided. Try again with a \
                       supported text or chat model.";
    let prefilled = json!([user, {"role": "assistant", "content": [{"text": "a"}]}]);
    for (model, extra, part) in [
        ("amazon.titan-tg1-large", json!({}), unsupported),
        (SDXL_10, json!({}), unsupported),
        (
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456",
            json!({}),
            unsupported,
        ),
        (
            TITAN,
            json!({"system": [{"text": "a"}]}),
            "doesn't support system messages",
        ),
        (
            TITAN,
            json!({"messages": prefilled}),
            "must end with a user message",
        ),
        (
            TITAN,
            json!({"inferenceConfig": {"stopSequences": ["END"]}}),
            "The model returned the following errors: Malformed input request",
        ),
        (
            NOVA,
            json!({"messages": []}),
            "expected minimum item count: 1, found: 0",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}),
            "must start with a user message",
        ),
        (
            NOVA,
            json!({"messages": [user, user]}),
            "must alternate between user and assistant",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": []}]}),
            "messages.0 is empty",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": [{"text": " "}]}]}),
            "The text field in the ContentBlock object at messages.0.content.0 is blank.",
        ),
        (
            NOVA,
            json!({"messages": [{"role": "user", "content": [{"video": {}}]}]}),
            "The local server does not play `video` blocks",
        ),
        (
            NOVA,
            json!({"inferenceConfig": {"temperature": 2}}),
            "2 is not less or equal to 1",
        ),
        (
            NOVA,
            json!({"inferenceConfig": {"maxTokens": 10_001}}),
            "exceeds the model limit of 10000",
        ),
        (
            SONNET,
            json!({"inferenceConfig": {"temperature": 0.5, "topP": 0.5}}),
            "cannot both be specified",
        ),
        (
            SONNET,
            json!({"additionalModelRequestFields": {"topK": 5}}),
            "The model returned the following errors: Malformed input request: #: extraneous key [topK]",
        ),
        (
            NOVA,
            json!({"toolConfig": {"tools": []}}),
            "expected minimum item count: 1",
        ),
        (
            NOVA,
            json!({"guardrailConfig": {}}),
            "required key [guardrailIdentifier] not found",
        ),
        (NOVA, json!({"message": []}), "extraneous key [message]"),
    ] {
        let mut body = json!({"messages": [user]});
        let object = body.as_object_mut().expect("an object");
        object.extend(extra.as_object().expect("an object").clone());
        for operation in ["converse", "converse-stream"] {
            check(&bedrock, model, operation, &body.to_string(), part);
        }
    }
    assert_eq!(
        bedrock.get("/_local/calls").json()["generated"],
        0,
        "a refused call was paid for"
    );
}
