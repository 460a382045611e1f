//! From what the SDK reports to what the caller is told.
//!
//! Source: AWS userguide, `troubleshooting-api-error-codes`, and the service model. Messages of
//! validation errors are Bedrock's own words and are passed on, because they say what to change;
//! no other body of an upstream answer is.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::RequestId;
use aws_sdk_bedrockruntime::types::error::{ConverseStreamOutputError, ResponseStreamError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::result::DispatchFailure;

use crate::Error;
use crate::error::{Cause, ModelFault, RequestFault, UpstreamFault};
use crate::model::Target;

/// A call that failed before or while it was answered.
pub(super) fn of_call<E>(error: SdkError<E, HttpResponse>, target: &Target) -> Error
where
    E: ProvideErrorMetadata + RequestId,
{
    let upstream = |fault, code: &str| Error::Upstream {
        fault,
        cause: Cause::of(code),
    };
    match &error {
        SdkError::TimeoutError(_) => upstream(UpstreamFault::DeadlineExceeded, "OperationTimeout"),
        SdkError::DispatchFailure(failure) => of_connector(failure),
        SdkError::ResponseError(response) => {
            match response.raw().status().is_success() {
                // The body broke off, or is not what the operation answers with.
                true => upstream(UpstreamFault::Truncated, "ResponseBody"),
                false => of_status(response.raw(), Cause::of("ResponseBody")),
            }
        }
        // Converse's answer is not JSON, a proxy's page say. InvokeModel's is not read by the SDK.
        SdkError::ServiceError(service) if service.raw().status().is_success() => {
            Error::malformed("Converse", ".")
        }
        SdkError::ServiceError(service) => {
            let cause = Cause {
                code: service.err().code().unwrap_or("none").to_owned(),
                request_id: service.err().request_id().map(str::to_owned),
            };
            let message = service.err().message().unwrap_or_default();
            of_code(cause.clone(), message, retry_after(service.raw()), target)
                .unwrap_or_else(|| of_status(service.raw(), cause))
        }
        _ => upstream(UpstreamFault::Defect, "Construction"),
    }
}

/// A call that was not answered. Credentials are fetched on the way, so their failure shows here.
fn of_connector(failure: &DispatchFailure) -> Error {
    let upstream = |fault, code: &str| Error::Upstream {
        fault,
        cause: Cause::of(code),
    };
    let chain = || {
        let first = failure
            .as_connector_error()
            .map(|error| error as &(dyn StdError + 'static));
        std::iter::successors(first, |error| (*error).source())
    };
    let role_refused = chain()
        .filter_map(|error| error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>())
        .filter_map(|error| error.raw_response())
        .any(|response| matches!(response.status().as_u16(), 400..=428 | 430..=499));
    let credentials = chain().find_map(|error| error.downcast_ref::<CredentialsError>());
    match credentials {
        Some(_) if role_refused => upstream(UpstreamFault::AccessDenied, "AssumeRole"),
        Some(
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_),
        ) => upstream(UpstreamFault::AccessDenied, "NoCredentials"),
        Some(_) => upstream(UpstreamFault::CredentialsUnavailable, "Credentials"),
        None if failure.is_user() => upstream(UpstreamFault::Defect, "Connector"),
        None => upstream(UpstreamFault::Unavailable, "Connection"),
    }
}

/// An exception within an event stream, or a stream that broke.
pub(super) fn of_stream<E, R>(error: SdkError<E, R>, target: &Target) -> Error
where
    E: StreamException,
{
    let SdkError::ServiceError(service) = &error else {
        return Error::Upstream {
            fault: UpstreamFault::Truncated,
            cause: Cause::of("EventStream"),
        };
    };
    let name = service.err().name().unwrap_or("none");
    let message = service.err().message().unwrap_or_default();
    of_code(Cause::of(name), message, None, target).unwrap_or_else(|| Error::Upstream {
        fault: UpstreamFault::Failed,
        cause: Cause::of(name),
    })
}

/// An exception within an event stream. Its name is the frame's own header, of which the SDK makes
/// a variant but no code.
pub(super) trait StreamException: ProvideErrorMetadata {
    /// The name, as a whole answer's error code has it.
    fn name(&self) -> Option<&'static str>;
}

impl StreamException for ResponseStreamError {
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::InternalServerException(_) => Some("InternalServerException"),
            Self::ModelStreamErrorException(_) => Some("ModelStreamErrorException"),
            Self::ModelTimeoutException(_) => Some("ModelTimeoutException"),
            Self::ServiceUnavailableException(_) => Some("ServiceUnavailableException"),
            Self::ThrottlingException(_) => Some("ThrottlingException"),
            Self::ValidationException(_) => Some("ValidationException"),
            _ => None,
        }
    }
}

impl StreamException for ConverseStreamOutputError {
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::InternalServerException(_) => Some("InternalServerException"),
            Self::ModelStreamErrorException(_) => Some("ModelStreamErrorException"),
            Self::ServiceUnavailableException(_) => Some("ServiceUnavailableException"),
            Self::ThrottlingException(_) => Some("ThrottlingException"),
            Self::ValidationException(_) => Some("ValidationException"),
            _ => None,
        }
    }
}

fn of_code(
    cause: Cause,
    message: &str,
    retry_after: Option<Duration>,
    target: &Target,
) -> Option<Error> {
    let fault = match cause.code.as_str() {
        "ValidationException" | "ConflictException" => return Some(of_validation(message, target)),
        "ResourceNotFoundException" if message.contains("end of its life") => {
            return Some(target.retired());
        }
        // Anthropic's form has not been filled in: the operator's to do.
        "ResourceNotFoundException" if message.contains("use case details") => {
            UpstreamFault::AccessDenied
        }
        "ResourceNotFoundException" => return Some(target.fault(ModelFault::NotFound)),
        "ThrottlingException" | "TooManyRequestsException" => {
            UpstreamFault::Throttled { retry_after }
        }
        "ServiceQuotaExceededException" => UpstreamFault::QuotaExceeded,
        "ModelNotReadyException" => UpstreamFault::ModelNotReady,
        "ServiceUnavailableException" | "ServiceUnavailable" => UpstreamFault::Unavailable,
        "ModelErrorException" | "ModelStreamErrorException" => UpstreamFault::ModelFailed,
        "ModelTimeoutException" => UpstreamFault::ModelTimedOut,
        "InternalServerException" | "InternalFailure" => UpstreamFault::Failed,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "FTUFormNotFilled"
        | "MPAgreementBeingCreated" => UpstreamFault::AccessDenied,
        _ => return None,
    };
    Some(Error::Upstream { fault, cause })
}

/// An answer without an error code that is known, such as a proxy's page: its status decides, and
/// nothing of its body goes on.
fn of_status(response: &HttpResponse, cause: Cause) -> Error {
    let fault = match response.status().as_u16() {
        401 | 403 => UpstreamFault::AccessDenied,
        408 | 504 => UpstreamFault::ModelTimedOut,
        424 => UpstreamFault::ModelFailed,
        429 => UpstreamFault::Throttled {
            retry_after: retry_after(response),
        },
        503 => UpstreamFault::Unavailable,
        _ => UpstreamFault::Failed,
    };
    Error::Upstream { fault, cause }
}

fn of_validation(message: &str, target: &Target) -> Error {
    let text = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&["model identifier is invalid"]) {
        return target.fault(ModelFault::NotFound);
    }
    if says(&["on-demand throughput", "doesn't support the model"]) {
        return Error::invalid("model", message.trim_end_matches('.'));
    }
    let reason = message.to_owned();
    if says(&[
        "too long",
        "context window",
        "too many input tokens",
        "maximum context length",
    ]) {
        return RequestFault::ContextTooLong { reason }.into();
    }
    if says(&[
        "filtered words",
        "content filter",
        "content policy",
        "blocked by our",
    ]) {
        return RequestFault::Filtered { reason }.into();
    }
    RequestFault::Refused { reason }.into()
}

/// How long Bedrock asks to wait: `x-amz-retry-after` in milliseconds, `retry-after` in seconds.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let number = |name: &str| response.headers().get(name)?.parse().ok();
    number("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}
