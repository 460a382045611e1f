//! What becomes of an invocation.

use serde_json::Value;

use crate::failures::BatchItemFailures;
use crate::streamed::Streamed;

/// What became of an invocation.
#[derive(Debug)]
pub enum Outcome {
    /// The function's answer in one piece.
    Response(Value),
    /// The function's answer as it came, piece by piece.
    Streamed(Streamed),
    /// The runtime's report that the function failed.
    Error(Value),
}

impl Outcome {
    /// The answer, which must have come in one piece.
    pub fn response(&self) -> &Value {
        match self {
            Self::Response(response) => response,
            Self::Streamed(_) | Self::Error(_) => panic!("no whole answer: {self:?}"),
        }
    }

    /// The items of a batch that failed; the function itself must not have.
    pub fn failures(&self) -> BatchItemFailures {
        BatchItemFailures::read(self.response())
    }

    /// Type and message of the function's error.
    pub fn error(&self) -> (&str, &str) {
        let report = match self {
            Self::Error(report) => report,
            Self::Response(_) | Self::Streamed(_) => panic!("no error: {self:?}"),
        };
        let text = |name| report.get(name).and_then(Value::as_str).expect("a text");
        (text("errorType"), text("errorMessage"))
    }
}
