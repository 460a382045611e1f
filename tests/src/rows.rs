//! Tables of tests, a row each, whose numbers are those of a document.

use std::io::Write as _;

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The test's name, which begins with the row's id.
    pub name: &'static str,
    /// What goes wrong, and what must come of it.
    pub says: &'static str,
    /// Why the row has no test of its own; nothing where it has one.
    pub untested: Option<&'static str>,
}

impl Row {
    /// The id, such as `F01`.
    pub fn id(&self) -> String {
        let (id, _) = self.name.split_once('_').unwrap_or((self.name, ""));
        id.to_ascii_uppercase()
    }
}

/// Writes a module's part of a table: its tests, and the constant `ROWS` that lists them.
///
/// A row is `id_and_fact: "what must come of it" => { … }`, where the block is the body of an
/// asynchronous test; or `id_and_fact: "…", untested: "why";`.
#[macro_export]
macro_rules! rows {
    ($($name:ident: $says:literal $(=> $test:block)? $(, untested: $why:literal;)?)+) => {
        /// This module's rows.
        pub(crate) const ROWS: &[$crate::Row] = &[$($crate::Row {
            name: stringify!($name),
            says: $says,
            untested: $crate::rows!(@untested $($why)?),
        }),+];

        $($(
            #[doc = $says]
            #[tokio::test]
            async fn $name() $test
        )?)+
    };
    (@untested) => { None };
    (@untested $why:literal) => { Some($why) };
}

/// Checks that the rows are those of the document, each once, and prints how many there are and
/// which have no test.
pub fn check_rows(what: &str, letter: char, numbers: std::ops::RangeInclusive<u32>, rows: &[Row]) {
    let mut ids: Vec<_> = rows.iter().map(Row::id).collect();
    ids.sort();
    let expected: Vec<_> = numbers
        .map(|number| format!("{letter}{number:02}"))
        .collect();
    assert_eq!(ids, expected, "each row of the document once");
    let untested: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row.id(), row.says, row.untested?)))
        .collect();
    let tested = rows.len() - untested.len();
    say(&format!("{tested} of {} {what}", rows.len()));
    for (id, says, why) in untested {
        say(&format!("{id}, not tested: {says} ({why})"));
    }
}

/// Prints a line of what a test found out or measured.
pub fn say(line: &str) {
    // Not `println!`: what a test that passes prints is thrown away.
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{line}").expect("standard output");
}
