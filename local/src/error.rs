//! Bedrock's exceptions and the envelope they travel in: the status, the `x-amzn-ErrorType` header
//! and a body with a `message` (`docs: troubleshooting-api-error-codes`, botocore's service model).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// What AWS appends to the exception's name in `x-amzn-ErrorType`.
const NAMESPACE: &str = "http://internal.amazon.com/coral/com.amazon.bedrock/";

/// Every exception of the four runtime operations and of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 403.
    AccessDenied,
    /// 400.
    Validation,
    /// 404, also for a model past its end of life.
    ResourceNotFound,
    /// 400.
    Conflict,
    /// 400.
    ServiceQuotaExceeded,
    /// 429.
    Throttling,
    /// 429, while a model is being loaded.
    ModelNotReady,
    /// 408.
    ModelTimeout,
    /// 424.
    ModelError,
    /// 424, in a stream.
    ModelStreamError,
    /// 500.
    InternalServer,
    /// 503.
    ServiceUnavailable,
}

impl Kind {
    /// All of them, in the order of AWS's table.
    pub(crate) const ALL: [Self; 12] = [
        Self::AccessDenied,
        Self::Validation,
        Self::ResourceNotFound,
        Self::Conflict,
        Self::ServiceQuotaExceeded,
        Self::Throttling,
        Self::ModelNotReady,
        Self::ModelTimeout,
        Self::ModelError,
        Self::ModelStreamError,
        Self::InternalServer,
        Self::ServiceUnavailable,
    ];

    /// The exception's name without `Exception`.
    #[must_use]
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDenied",
            Self::Validation => "Validation",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::Conflict => "Conflict",
            Self::ServiceQuotaExceeded => "ServiceQuotaExceeded",
            Self::Throttling => "Throttling",
            Self::ModelNotReady => "ModelNotReady",
            Self::ModelTimeout => "ModelTimeout",
            Self::ModelError => "ModelError",
            Self::ModelStreamError => "ModelStreamError",
            Self::InternalServer => "InternalServer",
            Self::ServiceUnavailable => "ServiceUnavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::AccessDenied => StatusCode::FORBIDDEN,
            Self::Validation | Self::Conflict | Self::ServiceQuotaExceeded => {
                StatusCode::BAD_REQUEST
            }
            Self::ResourceNotFound => StatusCode::NOT_FOUND,
            Self::Throttling | Self::ModelNotReady => StatusCode::TOO_MANY_REQUESTS,
            Self::ModelTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::ModelError | Self::ModelStreamError => StatusCode::FAILED_DEPENDENCY,
            Self::InternalServer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The kind that an exception's name means, with or without `Exception`, in any case.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let stem = name.strip_suffix("exception").unwrap_or(&name);
        Self::ALL
            .into_iter()
            .find(|kind| kind.stem().eq_ignore_ascii_case(stem))
    }
}

/// A call that Bedrock would refuse, or that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Which exception.
    pub kind: Kind,
    /// What the caller reads.
    pub message: String,
    /// Milliseconds after which the caller may try again (`x-amz-retry-after`).
    pub retry_after: Option<u64>,
}

impl Failure {
    /// An exception with its message.
    #[must_use]
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// `ValidationException`, by far the commonest.
    #[must_use]
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Kind::Validation, message)
    }

    /// The JSON that the envelope and an exception frame both carry.
    #[must_use]
    pub(crate) fn body(&self) -> Vec<u8> {
        let body = match self.kind {
            Kind::ModelError => ErrorBody {
                original_status_code: Some(500),
                resource_name: Some("local"),
                ..ErrorBody::new(&self.message)
            },
            Kind::ModelStreamError => ErrorBody {
                original_status_code: Some(500),
                original_message: Some(&self.message),
                ..ErrorBody::new(&self.message)
            },
            Kind::AccessDenied
            | Kind::Validation
            | Kind::ResourceNotFound
            | Kind::Conflict
            | Kind::ServiceQuotaExceeded
            | Kind::Throttling
            | Kind::ModelNotReady
            | Kind::ModelTimeout
            | Kind::InternalServer
            | Kind::ServiceUnavailable => ErrorBody::new(&self.message),
        };
        to_json(&body)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let error_type = format!("{}Exception:{NAMESPACE}", self.kind.stem());
        if let Ok(value) = HeaderValue::from_str(&error_type) {
            headers.insert(HeaderName::from_static("x-amzn-errortype"), value);
        }
        if let Some(milliseconds) = self.retry_after {
            headers.insert(
                HeaderName::from_static("x-amz-retry-after"),
                milliseconds.into(),
            );
        }
        response
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
}

impl<'a> ErrorBody<'a> {
    fn new(message: &'a str) -> Self {
        Self {
            message,
            original_status_code: None,
            original_message: None,
            resource_name: None,
        }
    }
}

/// JSON of one of the server's own types.
#[must_use]
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "structs with string keys and no custom serializer"
    )]
    serde_json::to_vec(value).expect("wire types serialize")
}
