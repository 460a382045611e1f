//! The built binary ends at start when its configuration is wrong.
//!
//! These tests also make `cargo test` build the binary, which the end-to-end tests start.

#![expect(
    clippy::expect_used,
    reason = "clippy.toml allows it in test functions, this allows what those call"
)]

use std::process::Command;

/// Checks that the function, with a region as Lambda sets it and with these variables, ends at
/// once, and that the log's one line names the variable.
fn check(environment: &[(&str, &str)], variable: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_models"))
        .env_clear()
        .env("AWS_REGION", "us-east-1")
        .envs(environment.iter().copied())
        .output()
        .expect("the function starts");
    assert!(!output.status.success(), "{variable}: {output:?}");
    let log = String::from_utf8_lossy(&output.stdout);
    assert_eq!(log.lines().count(), 1, "{variable}: {log}");
    for part in [r#""level":"ERROR""#, variable] {
        assert!(log.contains(part), "{variable}: {log}");
    }
}

#[test]
fn a_wrong_variable_is_named() {
    check(&[("MODEL_ALIASES", "[]")], "MODEL_ALIASES");
    check(&[("ALLOWED_MODELS", "gpt-4o")], "ALLOWED_MODELS");
    check(&[("BEDROCK_ASSUME_ROLE", "models")], "BEDROCK_ASSUME_ROLE");
}
