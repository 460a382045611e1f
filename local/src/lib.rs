//! A local Amazon Bedrock: the Bedrock Runtime wire protocol and the model listing on loopback.
//!
//! Text comes from one [`backend`], pictures from a painter that is no model; both say what they
//! are. The wire formats are written from AWS's documentation and public recordings, apart from
//! the adapter that this repository ships, so that a mistake in one does not hide in the other.

pub mod backend;
mod calls;
mod catalogue;
pub mod config;
mod control;
mod error;
mod extract;
mod families;
mod fault;
mod frame;
mod inspection;
mod picture;
mod runtime;
mod schema;
mod server;
pub mod text;

use std::error::Error as _;
use std::process::ExitCode;

pub use config::{Config, TextBackend};
pub use server::{Server, StartError};

use tracing_subscriber::EnvFilter;

/// Runs the program: serves until it is interrupted.
#[must_use]
pub fn run(config: &Config) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match Server::start(config).and_then(|server| server.wait()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::error!(cause, "{error}");
            ExitCode::FAILURE
        }
    }
}
