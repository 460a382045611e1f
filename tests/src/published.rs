//! What the services of AWS call functions with: the examples that the crate `aws_lambda_events`
//! publishes among its sources, which cargo has unpacked.

use std::path::{Path, PathBuf};

/// What the names of all examples begin with.
const PREFIX: &str = "example-";

/// The examples, each with its name, sorted by it.
pub fn published() -> Vec<(String, Vec<u8>)> {
    let directory = directory();
    let files = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut examples: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, std::fs::read(&path).expect("an example")))
        })
        .collect();
    examples.sort();
    examples
}

/// Where the examples are. Beside the test lie the lists of what each crate was built from, as
/// rules of a makefile.
fn directory() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let built = test.parent().expect("a target directory");
    let mut files = std::fs::read_dir(built).expect("the target directory");
    let source = files.find_map(|file| {
        let path = file.ok()?.path();
        let name = path.file_name()?.to_str()?;
        if !name.starts_with("aws_lambda_events-") || !name.ends_with(".d") {
            return None;
        }
        let rules = std::fs::read_to_string(&path).ok()?;
        let source = rules
            .split_whitespace()
            .map(|word| word.trim_end_matches(':'))
            .find(|word| word.ends_with("src/lib.rs"));
        let fixtures = Path::new(source?).with_file_name("fixtures");
        fixtures.is_dir().then_some(fixtures)
    });
    source.expect("the sources of aws_lambda_events, which is built for this test")
}
