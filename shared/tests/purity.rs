//! Translation is pure: nothing in it waits, calls, reads the environment or looks at a clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// Where translation stands.
const PURE: [&str; 11] = [
    "api",
    "budget.rs",
    "converse",
    "converse.rs",
    "dialogue.rs",
    "families",
    "image_file.rs",
    "jobs",
    "media.rs",
    "model",
    "once/protocol.rs",
];

/// What would make it impure.
const IMPURE: [&str; 11] = [
    "async ",
    ".await",
    "std::env",
    "Client",
    "Instant",
    "SystemTime",
    "thread::",
    "tokio",
    "crate::bedrock",
    "crate::queue",
    "crate::store",
];

#[test]
fn translation_is_pure() {
    for part in PURE {
        check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part));
    }
}

fn check(path: &Path) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check(&entry.unwrap().path());
        }
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    for (line, content) in code.enumerate() {
        for word in IMPURE {
            assert!(
                !content.contains(word),
                "{}: line {}: {word}",
                path.display(),
                line + 1
            );
        }
    }
}
