//! The adapter over real sockets: AWS's own SDK, the local Bedrock's real frames and envelopes,
//! and the number of calls counted where they arrive.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod answers;
mod client;
mod identity;
mod images;
mod models;
