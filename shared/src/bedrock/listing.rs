//! Calls that only ask what there is: Bedrock's other API, the control plane.

use std::error::Error as StdError;
use std::future::Future;

use aws_sdk_bedrockruntime::config::http::HttpResponse;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::RequestId;

use super::breaker::Breaker;
use super::fault;
use super::retry::repeat;
use crate::Error;
use crate::deadline::Deadline;

/// Makes a call of the control plane, by the same rule as a model's: again where that can help and
/// there is time for it. The call itself must be bounded by the deadline.
pub async fn list<T, E, F>(
    operation: &'static str,
    deadline: Deadline,
    call: impl Fn() -> F,
) -> Result<T, Error>
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    // A listing costs nothing and is asked for rarely: it is not held back.
    repeat(&Breaker::default(), deadline, |_| async {
        call()
            .await
            .map_err(|error| fault::of_listing(error, operation))
    })
    .await
    .map_err(|error| error.during(operation, None))
}
