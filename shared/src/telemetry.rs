//! Logs: JSON, one line a request, facts and never content.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::Error;
use crate::families::Usage;

/// What a request's log line says of its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The model, as Bedrock knows it.
    pub model: String,
    /// Tokens used, where the model says it.
    pub usage: Option<Usage>,
    /// Images made.
    pub images: usize,
}

/// Sets up the log. `RUST_LOG` chooses the level; `info` by default. The lines of libraries below
/// `warn` are left out whatever it says: the SDK's own may quote a body.
pub fn init() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let filter = [
        "aws_config",
        "aws_runtime",
        "aws_sdk_bedrockruntime",
        "aws_sdk_s3",
        "aws_smithy_runtime",
        "hyper",
        "hyper_util",
        "lambda_runtime",
    ]
    .into_iter()
    .filter_map(|library| format!("{library}=warn").parse().ok())
    .fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        // Lambda stamps each line itself.
        .without_time()
        .with_env_filter(filter)
        .init();
    // A panic's own text may quote a prompt; its place does not.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

/// Logs a request that was answered.
pub(crate) fn answered(request_id: &str, facts: &Facts, milliseconds: u128) {
    tracing::info!(
        request_id,
        model = facts.model,
        input_tokens = facts.usage.map(|usage| usage.input),
        output_tokens = facts.usage.map(|usage| usage.output),
        images = facts.images,
        milliseconds,
        "answered"
    );
}

/// Logs a request that failed: an error where the operator can act, else a fact.
pub(crate) fn failed(request_id: &str, error: &Error, milliseconds: u128) {
    let row = error.row();
    let cause = error.cause();
    let aws_code = cause.map(|cause| cause.code.as_str());
    let aws_request_id = cause.and_then(|cause| cause.request_id.as_deref());
    if row.status >= 500 {
        tracing::error!(
            request_id,
            status = row.status,
            code = row.code,
            aws_code,
            aws_request_id,
            milliseconds,
            "failed"
        );
    } else {
        tracing::info!(
            request_id,
            status = row.status,
            code = row.code,
            aws_code,
            aws_request_id,
            milliseconds,
            "refused"
        );
    }
}
