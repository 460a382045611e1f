//! An invocation that fails as a whole.

use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::doors::Source;
use crate::doors::queue::NoId;

/// What Lambda is told. It holds no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failed {
    /// What kind of failure it is.
    pub(super) error_type: &'static str,
    error_message: String,
}

impl Failed {
    /// Uploads and messages have nowhere to leave results.
    pub(super) fn not_served() -> Self {
        Self {
            error_type: "NotServed",
            error_message:
                "This function is not set up for uploads and messages: RESULT_BUCKET is not set."
                    .to_owned(),
        }
    }

    /// This program panicked where no record and no request is to blame.
    pub(super) fn defect() -> Self {
        Self {
            error_type: "Defect",
            error_message: "The invocation failed through a defect of this function.".to_owned(),
        }
    }

    /// The event is another service's.
    pub(super) fn foreign(source: Source) -> Self {
        Self {
            error_type: "UnsupportedEvent",
            error_message: format!("This function cannot serve an event of {source}."),
        }
    }

    /// Records failed that there is no queue for.
    pub(super) fn records(failed: usize, of: usize) -> Self {
        Self {
            error_type: "RecordsFailed",
            error_message: format!("{failed} of {of} records failed; the log says why."),
        }
    }
}

impl From<NoId> for Failed {
    fn from(no_id: NoId) -> Self {
        Self {
            error_type: "UnsupportedEvent",
            error_message: format!("This batch cannot be reported: {no_id}."),
        }
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self {
            error_type: failed.error_type.to_owned(),
            error_message: failed.error_message,
        }
    }
}
