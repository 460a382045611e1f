//! What happened in all tests, a line of JSON each: `.ci/iam_proof.py` and `.ci/canary.py` read it
//! when they have ended. Whoever runs the tests removes what former runs have left.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::Value;

const NAME: &str = "end-to-end.jsonl";

/// The directory for what tests leave behind, within the target directory: cargo's own.
pub(crate) fn directory() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // The test is `target/debug/deps/faults-…`.
    let target = test.ancestors().nth(3).expect("a target directory");
    let directory = target.join("tmp");
    std::fs::create_dir_all(&directory).expect("a directory for what tests leave behind");
    directory
}

/// The test's binary, without what cargo puts behind its name.
pub(crate) fn suite() -> String {
    let test = std::env::current_exe().expect("the test's own path");
    let name = test.file_stem().expect("a name").to_string_lossy();
    let (name, _) = name.rsplit_once('-').expect("a name and a hash");
    name.to_owned()
}

/// Writes a line. Many processes do so at once: each line is one write, to the end of the file.
pub(crate) fn write(line: &Value) {
    static FILE: LazyLock<File> = LazyLock::new(|| {
        let mut options = File::options();
        let file = options.append(true).create(true);
        let file = file.open(directory().join(NAME));
        file.expect("a record of what happened")
    });
    let line = format!("{line}\n");
    let written = (&*FILE).write(line.as_bytes());
    assert_eq!(
        written.expect("a record"),
        line.len(),
        "a line in one write"
    );
}
