//! A batch file, cut into its lines while it is read.

use std::ops::Range;

use super::{Function, Object, line};

/// The largest file that is split: OpenAI's limit.
pub const LARGEST_FILE: u64 = 200 * 1024 * 1024;

/// How many lines a file may have, blank ones not counted: OpenAI's limit.
pub const MOST_LINES: u64 = 50_000;

/// What some editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where splitting begins, or goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The file.
    pub file: Object,
    /// The number of the next line, from 1.
    pub line: u64,
    /// Where it begins.
    pub from: u64,
    /// When the file was begun, in seconds since 1970.
    pub since: u64,
}

/// A line that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Its number.
    pub line: u64,
    /// Where it is.
    pub range: Range<u64>,
    /// Whose it is, where it says that.
    pub function: Option<Function>,
}

/// Cuts lines. It holds one line at a time, and no more of that than a request may have.
#[derive(Debug)]
pub struct Cutter {
    line: u64,
    from: u64,
    length: u64,
    held: Vec<u8>,
    longest: usize,
}

impl Cutter {
    /// Begins with this line, at this byte. What is longer than a request may be is not looked into.
    pub const fn new(line: u64, from: u64, longest: usize) -> Self {
        Self {
            line,
            from,
            length: 0,
            held: Vec::new(),
            longest,
        }
    }

    /// Takes more bytes, and hands out the lines that end in them.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Cut)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end + 1);
            self.hold(line);
            if let Some(cut) = self.cut() {
                each(cut);
            }
            bytes = rest;
        }
        self.hold(bytes);
    }

    /// The last line, where the file does not end with a line's end.
    pub fn end(&mut self) -> Option<Cut> {
        self.cut()
    }

    /// The number of the line that comes next, and where it begins.
    pub const fn next(&self) -> (u64, u64) {
        (self.line, self.from)
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let room = (self.longest + 1).saturating_sub(self.held.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.held.extend_from_slice(taken);
    }

    fn cut(&mut self) -> Option<Cut> {
        let mut range = self.from..self.from + self.length;
        self.from = range.end;
        self.length = 0;
        let mut text = self.held.as_slice();
        if range.start == 0
            && let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK)
        {
            text = rest;
            range.start = BYTE_ORDER_MARK.len() as u64;
        }
        let blank = text.trim_ascii().is_empty() && text.len() <= self.longest;
        let function = match text.len() <= self.longest {
            true => line::function_of(text),
            false => None,
        };
        self.held.clear();
        if blank {
            return None;
        }
        self.line += 1;
        Some(Cut {
            line: self.line - 1,
            range,
            function,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHAT: &str = r#"{"url":"/v1/chat/completions","body":{}}"#;

    /// The lines of a file that comes in pieces of this size.
    fn lines(file: &[u8], piece: usize, longest: usize) -> Vec<Cut> {
        let mut cutter = Cutter::new(1, 0, longest);
        let mut cuts = Vec::new();
        for bytes in file.chunks(piece) {
            cutter.push(bytes, |cut| cuts.push(cut));
        }
        cuts.extend(cutter.end());
        assert_eq!(cutter.next(), (cuts.len() as u64 + 1, file.len() as u64));
        cuts
    }

    #[test]
    fn blank_lines_are_passed_over_and_ends_may_be_of_two_kinds() {
        let file = format!("\u{feff}{CHAT}\r\n\n  \t\r\nnonsense\n{CHAT}");
        for piece in [1, 2, 7, 1_000] {
            let cuts = lines(file.as_bytes(), piece, 100);
            let texts: Vec<_> = cuts
                .iter()
                .map(|cut| file[cut.range.start as usize..cut.range.end as usize].trim())
                .collect();
            assert_eq!(texts, [CHAT, "nonsense", CHAT]);
            let functions: Vec<_> = cuts.iter().map(|cut| cut.function).collect();
            assert_eq!(
                functions,
                [Some(Function::Chat), None, Some(Function::Chat)]
            );
            let numbers: Vec<_> = cuts.iter().map(|cut| cut.line).collect();
            assert_eq!(numbers, [1, 2, 3]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_still_a_line_and_is_not_held() {
        let file = format!("{CHAT}\n{}\n{CHAT}\n", " ".repeat(1_000));
        let mut cutter = Cutter::new(1, 0, 50);
        let mut most = 0;
        let mut cuts = Vec::new();
        for bytes in file.as_bytes().chunks(10) {
            cutter.push(bytes, |cut| cuts.push(cut));
            most = most.max(cutter.held.len());
        }
        assert_eq!(cuts.len(), 3);
        assert_eq!(cuts[1].function, None);
        assert_eq!(cuts[1].range.end - cuts[1].range.start, 1_001);
        assert!(most <= 51, "{most}");
    }

    proptest! {
        #[test]
        fn the_pieces_that_a_file_comes_in_change_nothing(
            file in "[ab \\n\\r]{0,200}",
            piece in 1_usize..20,
        ) {
            let whole = lines(file.as_bytes(), file.len().max(1), 10);
            prop_assert_eq!(lines(file.as_bytes(), piece, 10), whole);
        }
    }
}
