//! Logs: JSON, one line a request, facts and never content.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Sets up the log. Our own lines begin at this level; libraries only warn, because at lower levels
/// the SDK writes requests and answers.
pub fn init(level: LevelFilter) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        // Lambda stamps each line itself.
        .without_time();
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
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
pub(crate) fn answered(request_id: &str, facts: &Facts, milliseconds: u64) {
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
pub(crate) fn failed(request_id: &str, error: &Error, milliseconds: u64) {
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
