//! The built functions, from an event to the answer, over the Runtime API.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod chat;
mod configuration;
mod history;
mod idempotency;
mod images;
mod logs;
mod parts;
mod text;
mod tools;
