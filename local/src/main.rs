//! Wires the server.

use std::process::ExitCode;

use local_bedrock::{Config, run};

fn main() -> ExitCode {
    run(&Config::from_arguments())
}
