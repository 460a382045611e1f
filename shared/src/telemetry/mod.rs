//! What is seen of the functions from outside: log lines, metrics and traces. Facts, never content.
//!
//! A log line is written when its request ends. Metrics and trace segments are gathered in the
//! invocation's scope and written when the last who works on the invocation lets go of it, which
//! is when its answer has been sent.

mod calls;
mod log;
mod metrics;
mod prices;
mod scope;
mod traces;

pub(crate) use calls::Call;
pub use calls::image_made;
pub use log::{Facts, init};
pub(crate) use log::{Line, left, passed_over};
pub(crate) use scope::{Scope, Telemetry, duplicate_avoided};
pub use traces::Traced;
