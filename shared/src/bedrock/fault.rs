//! From what the SDK reports to what the caller is told.
//!
//! Source: AWS userguide, `troubleshooting-api-error-codes`, and the service model. Messages of
//! validation errors are Bedrock's own words and are passed on, because they say what to change;
//! no other body of an upstream answer is.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::RequestId;
use aws_sdk_bedrockruntime::types::error::{ConverseStreamOutputError, ResponseStreamError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::result::DispatchFailure;
use hyper_util::client::legacy::Error as ConnectionError;

use super::body::{GivenUp, LARGEST};
use super::retry::Failure;
use crate::Error;
use crate::error::{Cause, FieldFault, ModelFault, RequestFault, UpstreamFault};
use crate::model::Target;

/// How often a call may be made that Bedrock refused for now.
const ATTEMPTS: u32 = 3;

/// How often a call may be made whose connection broke before an answer began.
const CONNECTIONS: u32 = 2;

/// A model's call that failed before or while it was answered.
pub(super) fn of_call<E>(error: SdkError<E, HttpResponse>, target: &Target) -> Failure
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
{
    // InvokeModel's answer is not read by the SDK, so it is Converse's that has another shape.
    of_operation(&error, "Converse", |cause, message, retry_after| {
        of_code(cause, message, retry_after, target)
    })
}

/// A listing that failed. No model is behind it, and it costs nothing.
pub(super) fn of_listing<E>(error: SdkError<E, HttpResponse>, operation: &'static str) -> Failure
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
{
    let failure = of_operation(&error, operation, |cause, _, retry_after| {
        of_known_code(cause, retry_after)
    });
    let error = match failure.error {
        Error::Upstream {
            fault:
                UpstreamFault::DeadlineExceeded | UpstreamFault::ModelTimedOut | UpstreamFault::Stalled,
            cause,
        } => Error::Upstream {
            fault: UpstreamFault::ListingTimedOut,
            cause,
        },
        // Nothing is billed for it, whatever happened.
        Error::Upstream {
            fault: UpstreamFault::FailedUnclearly,
            cause,
        } => Error::Upstream {
            fault: UpstreamFault::Failed,
            cause,
        },
        error => error,
    };
    Failure { error, ..failure }
}

fn of_operation<E>(
    error: &SdkError<E, HttpResponse>,
    operation: &'static str,
    of_code: impl FnOnce(Cause, &str, Option<Duration>) -> Option<Failure>,
) -> Failure
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
{
    match error {
        SdkError::TimeoutError(_) => Failure::for_good(upstream(
            UpstreamFault::DeadlineExceeded,
            "OperationTimeout",
        )),
        SdkError::DispatchFailure(failure) => of_connector(failure),
        SdkError::ResponseError(response) => {
            let given_up = chain(error).find_map(|error| error.downcast_ref::<GivenUp>());
            let success = response.raw().status().is_success();
            match (given_up, success) {
                (Some(GivenUp::TooLarge), _) => {
                    Failure::for_good(upstream(UpstreamFault::TooLarge { limit: LARGEST }, "Size"))
                }
                (Some(GivenUp::Stalled), _) => {
                    Failure::for_good(upstream(UpstreamFault::Stalled, "BodyStalled"))
                }
                (Some(GivenUp::NotEvents), _) => {
                    Failure::for_good(Error::malformed("an event stream", "."))
                }
                // The body broke off, or is not what the operation answers with.
                (None, true) => {
                    Failure::for_good(upstream(UpstreamFault::Truncated, "ResponseBody"))
                }
                (None, false) => of_status(response.raw(), Cause::of("ResponseBody")),
            }
        }
        // The answer is not the operation's JSON, but a proxy's page say.
        SdkError::ServiceError(service) if service.raw().status().is_success() => {
            Failure::for_good(Error::malformed(operation, "."))
        }
        SdkError::ServiceError(service) => {
            let cause = Cause {
                code: service.err().code().unwrap_or("none").to_owned(),
                request_id: service.err().request_id().map(str::to_owned),
                ..Cause::default()
            };
            let message = service.err().message().unwrap_or_default();
            of_code(cause.clone(), message, retry_after(service.raw()))
                .unwrap_or_else(|| of_status(service.raw(), cause))
        }
        _ => Failure::for_good(upstream(UpstreamFault::Defect, "Construction")),
    }
}

/// A fault that AWS gave no request id for.
pub(super) fn upstream(fault: UpstreamFault, code: &str) -> Error {
    Error::Upstream {
        fault,
        cause: Cause::of(code),
    }
}

/// An error and what caused it, down to the first cause.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause_of(*error))
}

fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // An IO error leaves out the error that it was made of.
    match error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        Some(made_of) => Some(made_of),
        None => error.source(),
    }
}

/// Whether STS lends the role to nobody like us. It says with 400, too, that it is asked too often.
fn is_refused(error: &SdkError<AssumeRoleError, HttpResponse>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let throttled = code.is_some_and(|code| {
        code.starts_with("Throttl") || matches!(code, "RequestLimitExceeded" | "TooManyRequests")
    });
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    matches!(status, Some(400..=428 | 430..=499)) && !throttled
}

/// A call that was not answered. Credentials are fetched on the way, so their failure shows here.
fn of_connector(failure: &DispatchFailure) -> Failure {
    let causes = || {
        let error = failure.as_connector_error();
        error.into_iter().flat_map(|error| chain(error))
    };
    let role_refused = causes()
        .filter_map(|error| error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>())
        .any(is_refused);
    let credentials = causes().find_map(|error| error.downcast_ref::<CredentialsError>());
    // A certificate does not become good, and who was not let in for seconds waited long enough.
    let hopeless = failure.is_timeout()
        || causes()
            .filter_map(|error| error.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == ErrorKind::InvalidData);
    let (fault, code) = match credentials {
        Some(_) if role_refused => (UpstreamFault::AccessDenied, "AssumeRole"),
        Some(
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_),
        ) => (UpstreamFault::AccessDenied, "NoCredentials"),
        Some(_) => (UpstreamFault::CredentialsUnavailable, "Credentials"),
        None if failure.is_user() => (UpstreamFault::Defect, "Connector"),
        None => {
            // What was never connected was never sent.
            let connecting = hopeless
                || causes()
                    .filter_map(|error| error.downcast_ref::<ConnectionError>())
                    .any(ConnectionError::is_connect);
            let fault = match connecting {
                true => UpstreamFault::Unavailable,
                false => UpstreamFault::ConnectionLost,
            };
            return Failure {
                error: upstream(fault, "Connection"),
                attempts: if hopeless { 1 } else { CONNECTIONS },
            };
        }
    };
    Failure::for_good(upstream(fault, code))
}

/// An exception within an event stream, or a stream that broke. The number of attempts holds for
/// a stream's first event.
pub(super) fn of_stream<E, R>(error: SdkError<E, R>, target: &Target) -> Failure
where
    E: StreamException,
{
    let SdkError::ServiceError(service) = &error else {
        return Failure::for_good(upstream(UpstreamFault::Truncated, "EventStream"));
    };
    let name = service.err().name().unwrap_or("none");
    let message = service.err().message().unwrap_or_default();
    of_code(Cause::of(name), message, None, target)
        .unwrap_or_else(|| Failure::for_good(upstream(UpstreamFault::FailedUnclearly, name)))
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
) -> Option<Failure> {
    let failure = match cause.code.as_str() {
        "ValidationException" | "ConflictException" => {
            Failure::for_good(of_validation(message, target))
        }
        "ResourceNotFoundException" if message.contains("end of its life") => {
            Failure::for_good(target.retired())
        }
        "ResourceNotFoundException" if is_closed(message) => Failure::for_good(target.closed()),
        // Anthropic's form has not been filled in: the operator's to do.
        "ResourceNotFoundException" if message.contains("use case details") => {
            let fault = UpstreamFault::AccessDenied;
            Failure::for_good(Error::Upstream { fault, cause })
        }
        "ResourceNotFoundException" => Failure::for_good(target.fault(ModelFault::NotFound)),
        // It says nothing of access: the model takes no cache points.
        "AccessDeniedException" if message.contains("did not allow prompt caching") => {
            Failure::for_good(Error::Field {
                param: "messages".to_owned(),
                fault: FieldFault::Unsupported {
                    by: "this model",
                    reason: "it does not cache prompts; leave `cache_control` out",
                },
            })
        }
        _ => return of_known_code(cause, retry_after),
    };
    Some(failure)
}

/// A code that means the same whatever was called.
fn of_known_code(cause: Cause, retry_after: Option<Duration>) -> Option<Failure> {
    let (fault, attempts) = match cause.code.as_str() {
        "ThrottlingException" | "TooManyRequestsException" => {
            (UpstreamFault::Throttled { retry_after }, ATTEMPTS)
        }
        "ServiceQuotaExceededException" => (UpstreamFault::QuotaExceeded, 1),
        "ModelNotReadyException" => (UpstreamFault::ModelNotReady, ATTEMPTS),
        "ServiceUnavailableException" | "ServiceUnavailable" => {
            (UpstreamFault::Unavailable, ATTEMPTS)
        }
        "ModelErrorException" | "ModelStreamErrorException" => (UpstreamFault::ModelFailed, 1),
        "ModelTimeoutException" => (UpstreamFault::ModelTimedOut, 1),
        "InternalServerException" | "InternalFailure" => (UpstreamFault::Failed, ATTEMPTS),
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "FTUFormNotFilled"
        | "MPAgreementBeingCreated" => (UpstreamFault::AccessDenied, 1),
        _ => return None,
    };
    Some(Failure {
        error: Error::Upstream { fault, cause },
        attempts,
    })
}

/// An answer without an error code that is known, such as a proxy's page: its status decides, and
/// nothing of its body goes on. After any other status than the two that say "not now" the model
/// may be at work.
fn of_status(response: &HttpResponse, cause: Cause) -> Failure {
    let (fault, attempts) = match response.status().as_u16() {
        401 | 403 => (UpstreamFault::AccessDenied, 1),
        408 | 504 => (UpstreamFault::ModelTimedOut, 1),
        424 => (UpstreamFault::ModelFailed, 1),
        429 => {
            let retry_after = retry_after(response);
            (UpstreamFault::Throttled { retry_after }, ATTEMPTS)
        }
        503 => (UpstreamFault::Unavailable, ATTEMPTS),
        _ => (UpstreamFault::FailedUnclearly, 1),
    };
    Failure {
        error: Error::Upstream { fault, cause },
        attempts,
    }
}

/// Whether the model is legacy and this account has not called it for weeks, which Bedrock says of
/// old models with either of two codes (apache/airflow #72521, awslabs/llmeter #35).
fn is_closed(message: &str) -> bool {
    message.contains("marked by provider as Legacy")
}

fn of_validation(message: &str, target: &Target) -> Error {
    let text = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&["model identifier is invalid"]) {
        return target.fault(ModelFault::NotFound);
    }
    if is_closed(message) {
        return target.closed();
    }
    if says(&["on-demand throughput"]) {
        return target.needs_profile();
    }
    if says(&["doesn't support the model"]) {
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
