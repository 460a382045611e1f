//! The log: one JSON line a decision, which holds no key.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Answer, Refusal};

/// Sets up the log. Our own lines begin at the level of `RUST_LOG`, `info` where it names none;
/// libraries only warn, because at lower levels the runtime writes whole events.
pub(crate) fn init() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one variable that this function reads"
    )]
    let wanted = std::env::var("RUST_LOG");
    let level = wanted
        .ok()
        .and_then(|level| level.trim().parse().ok())
        .unwrap_or(LevelFilter::INFO);
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
        .with_target(env!("CARGO_CRATE_NAME"), level)
        // It would say each refusal a second time, as an error.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    // A panic's own text may quote what was worked on; its place does not.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

/// Logs a decision: an error where the operator can act, else a fact.
pub(crate) fn write(request_id: &str, decision: &Result<Answer, Refusal>) {
    match decision {
        Ok(answer) => {
            let principal = answer.principal_id.as_deref();
            tracing::info!(request_id, principal, "handed over");
        }
        Err(refusal @ Refusal::Unauthorized(fault)) => {
            tracing::info!(request_id, code = %refusal, reason = %fault, "refused");
        }
        Err(refusal @ Refusal::UnsupportedEvent) => {
            let reason = "not an event of a TOKEN authorizer";
            tracing::error!(request_id, code = %refusal, reason, "failed");
        }
    }
}
