//! `Idempotency-Key`: a caller's name for a request that is to be answered once only.

use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayRequestIdentity};
use http::{HeaderMap, HeaderName, header};

use crate::Error;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The longest key.
const LONGEST: usize = 255;

/// A key, which means something to its caller only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who the caller is.
    pub scope: String,
    /// The key.
    pub key: String,
}

impl IdempotencyKey {
    /// The key of a request with these headers.
    pub(super) fn read(headers: &HeaderMap, caller: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(value) = headers.get(HEADER) else {
            return Ok(None);
        };
        let key = value.to_str().ok().map(str::trim);
        let Some(key) = key.filter(|key| (1..=LONGEST).contains(&key.len())) else {
            let reason = format!("it must have 1 to {LONGEST} visible ASCII characters");
            return Err(Error::invalid("Idempotency-Key", reason));
        };
        // Where no gateway says who calls, what the caller sends for itself tells callers apart.
        let sent = || {
            let names = [header::AUTHORIZATION, API_KEY];
            let sent = names.iter().find_map(|name| headers.get(name))?;
            Some(String::from_utf8_lossy(sent.as_bytes()).into_owned())
        };
        Ok(Some(Self {
            scope: caller.map(str::to_owned).or_else(sent).unwrap_or_default(),
            key: key.to_owned(),
        }))
    }
}

/// Whom a REST API took the caller for: the API key, or who signed the request.
pub(super) fn caller_v1(identity: &ApiGatewayRequestIdentity) -> Option<String> {
    let names = [&identity.api_key_id, &identity.user_arn, &identity.api_key];
    names.into_iter().flatten().next().cloned()
}

/// Whom an HTTP API or a function URL took the caller for.
pub(super) fn caller_v2(authorizer: Option<&ApiGatewayRequestAuthorizer>) -> Option<String> {
    let authorizer = authorizer?;
    let signer = authorizer.iam.as_ref().and_then(|iam| iam.user_arn.clone());
    let subject = || authorizer.jwt.as_ref()?.claims.get("sub").cloned();
    signer.or_else(subject)
}
