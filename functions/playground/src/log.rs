//! The log: what goes wrong. A page that is handed out leaves no line; API Gateway's access log has it.

use tracing::level_filters::LevelFilter;

/// Sets up the log. At lower levels than warnings the runtime writes whole events.
pub(crate) fn init() {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(LevelFilter::WARN)
        .with_target(false)
        // Lambda stamps each line itself.
        .without_time()
        .init();
}
