//! Finds the built functions.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

const HOW: &str = "`cargo test --workspace` builds and tests everything; before a test of this \
                   package alone run `cargo build --workspace --bins --examples`";

/// The binary of a function, or of an example that plays one, in the target directory that this test was
/// built into.
///
/// `cargo test --workspace` builds it, because each function package has an integration test of
/// its own. A test of this package alone does not, so a binary that is missing, or older than one
/// of the files it was built from, is an error that says what to do.
pub(crate) fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // The test is `target/debug/deps/functions-…`.
    let directory = test.ancestors().nth(2).expect("a target directory");
    let places = [directory.join(name), directory.join("examples").join(name)];
    let binary = places.iter().find(|place| place.is_file());
    let binary = binary.unwrap_or(&places[0]).clone();
    assert!(binary.is_file(), "{} is not built: {HOW}", binary.display());
    if let Some(source) = newer_source(&binary) {
        panic!(
            "{} is older than {}: {HOW}",
            binary.display(),
            source.display()
        );
    }
    binary
}

/// A file that the binary was built from and that has changed since. Cargo lists them beside the
/// binary, as one rule of a makefile.
fn newer_source(binary: &Path) -> Option<PathBuf> {
    // `cargo test --workspace` leaves no list where there was none; it has just built the binary.
    let rule = std::fs::read_to_string(binary.with_extension("d")).ok()?;
    let (_, sources) = rule.split_once(": ")?;
    let built = modified(binary)?;
    sources
        .trim_end()
        // A space within a path is escaped.
        .replace("\\ ", "\0")
        .split(' ')
        .map(|source| PathBuf::from(source.replace('\0', " ")))
        .find(|source| modified(source).is_some_and(|changed| changed > built))
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().ok()?.modified().ok()
}
