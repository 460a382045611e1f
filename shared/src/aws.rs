//! What calls of S3 and of SQS have in common: how long they may take, and what is logged of a failure.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::deadline::Deadline;
use crate::error::Cause;

/// One call ends by the deadline, each of its attempts sooner: what is called here may be called twice.
pub(crate) fn within(deadline: Deadline, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_timeout(deadline.remaining())
        .operation_attempt_timeout(attempt)
        .build()
}

/// The status that a service answered with.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// What a service said of a call that failed.
pub(crate) fn cause<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
    request_id: Option<&str>,
) -> Cause {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let code = match (error, code) {
        (_, Some(code)) => code.to_owned(),
        (SdkError::TimeoutError(_), None) => "OperationTimeout".to_owned(),
        (SdkError::DispatchFailure(_), None) => "Connection".to_owned(),
        // An answer to HEAD has no body, and so no code.
        (_, None) => {
            status(error).map_or_else(|| "Response".to_owned(), |status| status.to_string())
        }
    };
    Cause {
        code,
        request_id: request_id.map(str::to_owned),
        ..Cause::default()
    }
}
