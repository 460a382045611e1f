//! Logs: JSON, one line a request, facts and never content.

use std::time::{Duration, Instant};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::scope::Scope;
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
    /// Turns of a chat's history that were left out.
    pub trimmed: usize,
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

/// Logs that a record asks for nothing, and why.
pub(crate) fn passed_over(request_id: &str, why: &str) {
    tracing::info!(request_id, why, "passed over");
}

/// Logs that a record is not done and comes back, and why.
pub(crate) fn left(request_id: &str, record: &str, code: String, wait: Duration) {
    if let Some(scope) = Scope::current() {
        scope.see(|seen| seen.records_failed += 1);
    }
    let seconds = wait.as_secs();
    tracing::warn!(request_id, record, code, seconds, "comes back");
}

/// A request's one line in the log, written when the request ends.
#[derive(Debug)]
pub(crate) struct Line {
    request_id: String,
    /// The request's own id, where the invocation has several.
    record: Option<String>,
    scope: Option<Scope>,
    began: Instant,
    written: bool,
}

impl Line {
    /// The line of the request with this id, which begins now.
    pub(crate) fn begin(request_id: &str) -> Self {
        Self {
            request_id: request_id.to_owned(),
            record: None,
            scope: Scope::current(),
            began: Instant::now(),
            written: false,
        }
    }

    /// The line of one of an invocation's requests.
    pub(crate) fn of(mut self, record: &str) -> Self {
        self.record = Some(record.to_owned());
        self
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The id of the API key that the request came with, where it came with one.
    fn key_id(&self) -> Option<&str> {
        self.scope.as_ref()?.key_id()
    }

    fn trace_id(&self) -> Option<&str> {
        self.scope.as_ref()?.trace_id()
    }

    /// Since the request began.
    pub(crate) fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Logs that the request was answered.
    pub(crate) fn answered(&mut self, facts: &Facts) {
        self.written = true;
        tracing::info!(
            request_id = self.request_id,
            record = self.record,
            key_id = self.key_id(),
            trace_id = self.trace_id(),
            model = facts.model,
            input_tokens = facts.usage.map(|usage| usage.input),
            output_tokens = facts.usage.map(|usage| usage.output),
            images = facts.images,
            milliseconds = self.milliseconds(),
            "answered"
        );
    }

    /// Logs that the request failed: an error where the operator can act, else a fact.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.written = true;
        let row = error.row();
        let cause = error.cause();
        let aws_code = cause.map(|cause| cause.code.as_str());
        let aws_request_id = cause.and_then(|cause| cause.request_id.as_deref());
        let call = cause.and_then(|cause| cause.call.as_deref());
        let action = call.map(|call| call.action);
        let model = call.and_then(|call| call.model.as_deref());
        if row.status >= 500 {
            tracing::error!(
                request_id = self.request_id,
                record = self.record,
                key_id = self.key_id(),
                trace_id = self.trace_id(),
                status = row.status,
                code = row.code,
                action,
                model,
                aws_code,
                aws_request_id,
                milliseconds = self.milliseconds(),
                "failed"
            );
        } else {
            tracing::info!(
                request_id = self.request_id,
                record = self.record,
                key_id = self.key_id(),
                trace_id = self.trace_id(),
                status = row.status,
                code = row.code,
                action,
                model,
                aws_code,
                aws_request_id,
                milliseconds = self.milliseconds(),
                "refused"
            );
        }
    }

    /// Ends without a line: nothing was asked of the task.
    pub(crate) fn none(mut self) {
        self.written = true;
    }
}

impl Drop for Line {
    /// A stream that nobody read to its end.
    fn drop(&mut self) {
        if !self.written {
            tracing::warn!(
                request_id = self.request_id,
                record = self.record,
                key_id = self.key_id(),
                trace_id = self.trace_id(),
                milliseconds = self.milliseconds(),
                "abandoned"
            );
        }
    }
}
