//! What the built functions say of themselves: metrics and traces. And guardrails, whose word is told.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod guardrails;
mod metrics;
mod traces;
