//! Uploads, messages and direct invocations through the built functions: what arrives ends in results.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod batches;
mod files;
mod guards;
mod memory;
mod splitting;
mod throughput;
