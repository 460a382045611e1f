//! One typed way to every Bedrock model family, for small Lambda functions.
//!
//! A request comes in through a [door](doors), becomes a typed request of the caller's [`api`], is
//! translated by a [family](families) or by [`converse`] without any input or output, makes one
//! call through [`bedrock`], and goes back the same way. `ARCHITECTURE.md` has the map.

pub mod api;
mod aws;
pub mod bedrock;
pub mod budget;
mod closed_set;
pub mod config;
pub mod converse;
pub mod deadline;
pub mod dialogue;
pub mod doors;
pub mod error;
pub mod families;
pub mod fan_out;
pub mod generation;
pub mod image_file;
pub mod jobs;
pub mod media;
pub mod model;
pub mod once;
pub mod queue;
pub mod reply;
pub mod runtime;
pub mod store;
pub mod telemetry;

pub use error::Error;
