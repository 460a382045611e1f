//! Streamed answers through the built functions: their shape, their life, and the doors that they
//! leave through. How fast they are is a test of its own, `pace`; how they break is in `faults`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy.toml allows them in test functions, this allows what those call"
)]

mod alternatives;
mod doors;
mod life;
mod shape;
