//! The rule that an answer which has begun is never asked for again.

use aws_sdk_bedrockruntime::config::interceptors::InterceptorContext;
use aws_sdk_bedrockruntime::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;

/// Forbids the retry of a call that was answered with success, whatever became of its body (the
/// SDK would call again for one that was cut), and of one that a gateway on the way gave up waiting
/// for: the model may still be at work. Either call would be paid for again.
#[derive(Debug)]
pub(super) struct NeverAnswerTwice;

impl ClassifyRetry for NeverAnswerTwice {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response)
                if response.status().is_success() || response.status().as_u16() == 504 =>
            {
                RetryAction::RetryForbidden
            }
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "NeverAnswerTwice"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
