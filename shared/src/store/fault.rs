//! What a failed call of S3 means.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::Error;
use crate::aws::{self, status};
use crate::deadline::Deadline;
use crate::error::{Cause, RequestFault, UpstreamFault};

/// How often a call is made that the SDK itself does not make again: its answer's body broke off, or
/// another write was under way.
const ATTEMPTS: u32 = 3;

/// How long is waited before.
const PAUSE: Duration = Duration::from_millis(200);

/// Where a call failed whose answer's body broke off.
const BROKEN: &str = "ResponseBody";

/// A call that failed.
pub(super) fn of<E>(error: &SdkError<E, HttpResponse>, action: &'static str) -> Error
where
    E: ProvideErrorMetadata + RequestId,
{
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code);
    let message = service
        .and_then(ProvideErrorMetadata::message)
        .unwrap_or_default();
    let cause = aws::cause(error, service.and_then(RequestId::request_id));
    // What S3 says of a key of KMS: a code of KMS's, a denial that names its action, or a throttle
    // that names the service.
    let of_kms = code.is_some_and(|code| code.starts_with("KMS."))
        || ["kms:", "KMS"].iter().any(|name| message.contains(name));
    let denied = matches!(status(error), Some(401 | 403)) || cause.code.ends_with("AccessDenied");
    let fault = match (code, of_kms) {
        (Some("InvalidObjectState"), _) => return RequestFault::InputArchived.into(),
        // Nobody's permission is missing: the clock is wrong, and the SDK has set it right.
        (Some("RequestTimeTooSkewed" | "RequestExpired"), _) => UpstreamFault::StorageUnavailable,
        (_, true) if denied => UpstreamFault::EncryptionDenied,
        (_, true) => UpstreamFault::EncryptionUnavailable,
        (_, false) if denied => UpstreamFault::StorageDenied,
        (_, false) => UpstreamFault::StorageUnavailable,
    };
    Error::Upstream { fault, cause }.during(action, None)
}

/// An answer whose body broke off, or is not what its checksum says.
pub(super) fn broken(action: &'static str) -> Error {
    let error = Error::Upstream {
        fault: UpstreamFault::StorageUnavailable,
        cause: Cause::of(BROKEN),
    };
    error.during(action, None)
}

/// Makes a call, again where that helps and there is time for it.
pub(super) async fn again<T, F>(deadline: Deadline, attempt: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut made = 1;
    loop {
        match attempt().await {
            Err(error) if passes(&error) && made < ATTEMPTS && PAUSE < deadline.remaining() => {
                made += 1;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether it is over the next moment. 409 (the codes of a write on a condition, and of any other)
/// says nothing of what is there.
fn passes(error: &Error) -> bool {
    error.cause().is_some_and(|cause| {
        matches!(
            cause.code.as_str(),
            BROKEN | "ConditionalRequestConflict" | "OperationAborted"
        )
    })
}
