//! API Gateway's authorizer: hands the bearer key of a request over to API Gateway.
//!
//! OpenAI's clients send `Authorization: Bearer KEY`, and API Gateway looks for its keys in
//! `x-api-key`, unless the API says `ApiKeySourceType: AUTHORIZER`. Then it takes the key from an
//! authorizer's answer and checks it itself against the API's usage plans. So nothing is compared
//! here and no key is kept: a key that could be one is passed on, whether there is such a key or not.
//!
//! API Gateway keeps the answer for each key for a while and uses it for every route, so the answer
//! allows the API's whole stage. Source: the API Gateway developer guide's pages
//! `apigateway-use-lambda-authorizer`, `api-gateway-lambda-authorizer-output` and
//! `api-gateway-api-key-source`.

mod key;
mod log;
mod stage;

use std::collections::BTreeMap;

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerRequest,
    ApiGatewayCustomAuthorizerResponse,
};
use aws_lambda_events::iam::{IamPolicyEffect, IamPolicyStatement};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;

pub use key::{Key, KeyFault};
pub use stage::Stage;

/// What API Gateway is told; with no context of our own.
pub type Answer = ApiGatewayCustomAuthorizerResponse<BTreeMap<String, String>>;

/// Why a request is not let through. `Display` is the invocation's error message, which API Gateway
/// reads: to `Unauthorized`, and to nothing else, it answers 401; to any other error 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header holds nothing that could be a key: the caller's to mend.
    #[error("Unauthorized")]
    Unauthorized(KeyFault),
    /// The event is not a TOKEN authorizer's: the operator's to mend.
    #[error("UnsupportedEvent")]
    UnsupportedEvent,
}

impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Self {
        Self {
            error_type: refusal.to_string(),
            error_message: refusal.to_string(),
        }
    }
}

/// Runs the function until the environment ends.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    log::init();
    // The event is read here and not by the runtime, whose error would be logged and might quote it.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let decision = decide(event.payload.get());
        log::write(&event.context.request_id, &decision);
        decision
    }))
    .await
}

/// Decides on one event.
pub fn decide(event: &str) -> Result<Answer, Refusal> {
    let event: ApiGatewayCustomAuthorizerRequest =
        serde_json::from_str(event).map_err(|_| Refusal::UnsupportedEvent)?;
    if event.type_.as_deref() != Some("TOKEN") {
        return Err(Refusal::UnsupportedEvent);
    }
    let stage = event.method_arn.as_deref().and_then(Stage::of);
    let stage = stage.ok_or(Refusal::UnsupportedEvent)?;
    let header = event.authorization_token.unwrap_or_default();
    let key = Key::bearer(&header).map_err(Refusal::Unauthorized)?;
    Ok(answer(&key, &stage))
}

/// The types are open to fields to come, so they are filled one by one.
fn answer(key: &Key, stage: &Stage) -> Answer {
    let mut statement = IamPolicyStatement::default();
    statement.effect = IamPolicyEffect::Allow;
    statement.action = vec!["execute-api:Invoke".to_owned()];
    statement.resource = vec![stage.everything()];
    let mut policy = ApiGatewayCustomAuthorizerPolicy::default();
    policy.version = Some("2012-10-17".to_owned());
    policy.statement = vec![statement];
    let mut answer = Answer::default();
    answer.principal_id = Some(key.digest());
    answer.policy_document = policy;
    answer.usage_identifier_key = Some(key.as_str().to_owned());
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "abcdefghij0123456789ABCDEFGHIJ0123456789";
    const ARN: &str =
        "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/POST/v1/chat/completions";

    fn event() -> Value {
        json!({"type": "TOKEN", "authorizationToken": format!("Bearer {KEY}"), "methodArn": ARN})
    }

    #[track_caller]
    fn refused(event: &Value, message: &str) {
        let refusal = decide(&event.to_string()).unwrap_err();
        let diagnostic = Diagnostic::from(refusal);
        assert_eq!(diagnostic.error_message, message, "{event}");
    }

    #[test]
    fn the_key_is_handed_over_with_leave_for_the_whole_stage() {
        let answer = decide(&event().to_string()).unwrap();
        let expected = json!({
            "principalId": "2ceabbe6b5ab9f69",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": ["execute-api:Invoke"],
                    "Effect": "Allow",
                    "Resource": ["arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live/*"],
                }],
            },
            "context": {},
            "usageIdentifierKey": KEY,
        });
        assert_eq!(serde_json::to_value(answer).unwrap(), expected);
    }

    #[test]
    fn one_key_gets_the_same_answer_on_every_route() {
        let mut other = event();
        other["methodArn"] = json!(ARN.replace("POST/v1/chat/completions", "GET/v1/models"));
        assert_eq!(decide(&event().to_string()), decide(&other.to_string()));
    }

    #[test]
    fn what_cannot_be_a_key_is_unauthorized() {
        for header in [json!(""), json!("Basic dXNlcjpwYXNz"), json!(null)] {
            let mut event = event();
            event["authorizationToken"] = header;
            refused(&event, "Unauthorized");
        }
        let mut event = event();
        event.as_object_mut().unwrap().remove("authorizationToken");
        refused(&event, "Unauthorized");
    }

    #[test]
    fn another_event_is_an_error_of_the_deployment() {
        for (field, value) in [
            ("type", json!("REQUEST")),
            ("type", json!(null)),
            ("methodArn", json!("arn:aws:s3:::bucket")),
            ("methodArn", json!(null)),
            ("authorizationToken", json!(["Bearer", KEY])),
        ] {
            let mut event = event();
            event[field] = value;
            refused(&event, "UnsupportedEvent");
        }
        for event in [json!({}), json!([]), json!(null), json!(KEY)] {
            refused(&event, "UnsupportedEvent");
        }
    }
}
