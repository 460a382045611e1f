//! The local Bedrock over real sockets, read by a client that shares no code with it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod answers;
mod client;
mod faults;
mod listings;
mod parts;
mod pictures;
mod streams;
mod strictness;
mod tools;
