//! Whose credentials sign a call.

use std::time::Duration;

use bedrock_adapter::Error;
use bedrock_adapter::api::options::Options;
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::config::Connection;
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::dialogue::Input;
use bedrock_adapter::generation::Call;
use end_to_end::{ACCESS_KEY_ID, Refusing, Sts, Witness};

use crate::client::{NOVA, at_most, connection, sdk, target};

const ROLE: &str = "arn:aws:iam::123456789012:role/models";

/// Makes a call that is bound to fail.
async fn call(client: &Bedrock) -> Error {
    let target = target(NOVA, None, None);
    let call = Call::prepare(
        &target,
        Input::Prompt("Hello"),
        &at_most(20),
        &Options::default(),
    )
    .expect("a good call");
    let deadline = Deadline::within(Duration::from_secs(20));
    call.send(client, &target, deadline)
        .await
        .expect_err("the witness refuses")
}

#[tokio::test]
async fn a_role_is_assumed_through_sts_and_its_credentials_sign_the_call() {
    let sts = Sts::start().await;
    let witness = Witness::start().await;
    let connection = Connection {
        region: Some("eu-central-1".to_owned()),
        role: Some(ROLE.to_owned()),
        session_name: "guide-reader".to_owned(),
        ..connection(witness.url())
    };
    let client = Bedrock::connect(&sdk(Some(sts.url())).await, &connection).await;
    let error = call(&client).await;

    let requests = sts.requests();
    assert_eq!(requests.len(), 1);
    for part in [
        "Action=AssumeRole",
        "RoleSessionName=guide-reader",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmodels",
    ] {
        assert!(requests[0].contains(part), "{part}: {}", requests[0]);
    }
    let signatures = witness.signatures();
    assert_eq!(signatures.len(), 1, "a refusal is not repeated");
    let (key, token) = (Sts::ROLE_ACCESS_KEY_ID, Sts::ROLE_SESSION_TOKEN);
    let signature = &signatures[0];
    let scope = "/eu-central-1/bedrock/aws4_request";
    assert!(
        signature.contains(&format!("Credential={key}/")),
        "{signature}"
    );
    assert!(signature.contains(scope), "{signature}");
    assert!(signature.ends_with(&format!(" {token}")), "{signature}");

    assert_eq!(error.row().code, "upstream_access_denied");
    assert!(
        !error.to_string().contains("arn:"),
        "the role stays unnamed"
    );
}

#[tokio::test]
async fn a_role_is_assumed_once_for_many_calls() {
    let sts = Sts::start().await;
    let witness = Witness::start().await;
    let connection = Connection {
        role: Some(ROLE.to_owned()),
        ..connection(witness.url())
    };
    let client = Bedrock::connect(&sdk(Some(sts.url())).await, &connection).await;
    for _ in 0..3 {
        call(&client).await;
    }
    assert_eq!((sts.requests().len(), witness.signatures().len()), (1, 3));
}

#[tokio::test]
async fn without_a_role_the_functions_own_credentials_sign() {
    let witness = Witness::start().await;
    let client = Bedrock::connect(&sdk(None).await, &connection(witness.url())).await;
    call(&client).await;
    let signatures = witness.signatures();
    assert!(
        signatures[0].contains(&format!("Credential={ACCESS_KEY_ID}/")),
        "{signatures:?}"
    );
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_leaves_bedrock_uncalled() {
    let nobody = Refusing::start();
    let witness = Witness::start().await;
    let connection = Connection {
        role: Some(ROLE.to_owned()),
        ..connection(witness.url())
    };
    let client = Bedrock::connect(&sdk(Some(&nobody.url())).await, &connection).await;
    let error = call(&client).await;
    assert_eq!(error.row().code, "credentials_unavailable", "{error}");
    assert_eq!(witness.signatures(), Vec::<String>::new());
}

#[tokio::test]
async fn a_role_that_is_refused_is_the_operators_to_mend() {
    let sts = Sts::refusing().await;
    let witness = Witness::start().await;
    let connection = Connection {
        role: Some(ROLE.to_owned()),
        ..connection(witness.url())
    };
    let client = Bedrock::connect(&sdk(Some(sts.url())).await, &connection).await;
    let error = call(&client).await;
    assert_eq!(error.row().code, "upstream_access_denied", "{error}");
    assert!(!error.to_string().contains("arn:"), "{error}");
    assert_eq!(witness.signatures(), Vec::<String>::new());
}
