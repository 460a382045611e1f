//! Who calls: an STS that lends a role, and a Bedrock that only remembers signatures.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::any;
use http::{HeaderMap, StatusCode, header};

use crate::canary::CANARY;
use crate::listener;

type Seen = Arc<Mutex<Vec<String>>>;

/// An STS that answers AssumeRole, or refuses it.
#[derive(Debug)]
pub struct Sts {
    url: String,
    bodies: Seen,
}

impl Sts {
    /// The access key of the role's credentials.
    pub const ROLE_ACCESS_KEY_ID: &str = "ASIAROLEEXAMPLE";

    /// The session token of the role's credentials.
    pub const ROLE_SESSION_TOKEN: &str = "the-role-session-token";

    /// Starts the service.
    pub async fn start() -> Self {
        let bodies = Seen::default();
        let routes = Router::new()
            .fallback(any(assume_role))
            .with_state(Arc::clone(&bodies));
        Self {
            url: listener::serve(routes).await,
            bodies,
        }
    }

    /// Starts a service that lends the role to nobody.
    pub async fn refusing() -> Self {
        let bodies = Seen::default();
        let routes = Router::new()
            .fallback(any(refuse_role))
            .with_state(Arc::clone(&bodies));
        Self {
            url: listener::serve(routes).await,
            bodies,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The forms that were sent, as they came.
    pub fn requests(&self) -> Vec<String> {
        seen(&self.bodies)
    }
}

async fn assume_role(State(bodies): State<Seen>, body: String) -> impl IntoResponse {
    remember(&bodies, body);
    ([(header::CONTENT_TYPE, "text/xml")], Sts::role())
}

impl Sts {
    /// What STS answers when it lends the role.
    pub fn role() -> String {
        let (key, token) = (Self::ROLE_ACCESS_KEY_ID, Self::ROLE_SESSION_TOKEN);
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
               <AssumeRoleResult>\
                 <AssumedRoleUser>\
                   <Arn>arn:aws:sts::123456789012:assumed-role/models/a-session</Arn>\
                   <AssumedRoleId>AROAEXAMPLE:a-session</AssumedRoleId>\
                 </AssumedRoleUser>\
                 <Credentials>\
                   <AccessKeyId>{key}</AccessKeyId>\
                   <SecretAccessKey>made-up-for-the-role</SecretAccessKey>\
                   <SessionToken>{token}</SessionToken>\
                   <Expiration>2099-01-01T00:00:00Z</Expiration>\
                 </Credentials>\
               </AssumeRoleResult>\
               <ResponseMetadata><RequestId>00000000</RequestId></ResponseMetadata>\
             </AssumeRoleResponse>"
        )
    }
}

async fn refuse_role(State(bodies): State<Seen>, body: String) -> impl IntoResponse {
    remember(&bodies, body);
    let answer = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
        <Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>User arn:aws:sts::123456789012:assumed-role/f is not authorized</Message>\
        </Error><RequestId>00000000</RequestId></ErrorResponse>";
    (
        StatusCode::FORBIDDEN,
        [(header::CONTENT_TYPE, "text/xml")],
        answer,
    )
}

/// A Bedrock that refuses every call, and remembers how it was signed.
#[derive(Debug)]
pub struct Witness {
    url: String,
    signatures: Seen,
}

impl Witness {
    /// Starts the service.
    pub async fn start() -> Self {
        let signatures = Seen::default();
        let routes = Router::new()
            .fallback(any(refuse))
            .with_state(Arc::clone(&signatures));
        Self {
            url: listener::serve(routes).await,
            signatures,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Of each call the `authorization` header, a space, and the session token.
    pub fn signatures(&self) -> Vec<String> {
        seen(&self.signatures)
    }
}

async fn refuse(State(signatures): State<Seen>, headers: HeaderMap) -> impl IntoResponse {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let signature = format!("{} {}", text("authorization"), text("x-amz-security-token"));
    remember(&signatures, signature);
    let who = "arn:aws:sts::123456789012:assumed-role/models";
    (
        StatusCode::FORBIDDEN,
        [("x-amzn-errortype", "AccessDeniedException")],
        format!(r#"{{"message":"User {who} is not authorized: {CANARY}"}}"#),
    )
}

fn remember(seen: &Seen, text: String) {
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(text);
}

fn seen(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
