//! The built binary ends at start when its configuration is wrong.
//!
//! These tests also make `cargo test` build the binary, which the end-to-end tests start.

use std::process::{Command, Output};

/// Runs the function with a region, as Lambda sets it, and these variables, until it ends.
fn run(environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat"))
        .env_clear()
        .env("AWS_REGION", "us-east-1")
        .envs(environment.iter().copied())
        .output()
        .expect("the function starts")
}

/// Checks that the function ends at once, and that the log's one line names the variable.
fn check(environment: &[(&str, &str)], variable: &str) {
    let output = run(environment);
    assert!(!output.status.success(), "{variable}: {output:?}");
    let log = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 1, "{variable}: {log}");
    assert!(lines[0].contains(r#""level":"ERROR""#), "{log}");
    assert!(lines[0].contains(variable), "{variable}: {log}");
}

#[test]
fn a_wrong_variable_is_named() {
    check(&[("MODEL_ALIASES", "[]")], "MODEL_ALIASES");
    check(&[("DEFAULT_CHAT_MODEL", "gpt-4o")], "DEFAULT_CHAT_MODEL");
    check(&[("ALLOWED_MODELS", "gpt-4o")], "ALLOWED_MODELS");
}
