//! How far a batch file is: its manifest, its tally and its summary.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Object;
use super::address::{Folder, Listed};

/// The soonest that a file is looked at again.
const SOONEST: Duration = Duration::from_secs(2);

/// The latest: SQS delays a message no longer.
const LATEST: Duration = Duration::from_secs(15 * 60);

/// How long the first look at a file is put off.
pub const FIRST_LOOK: Duration = Duration::from_secs(5);

/// What a file was split into. It is written when all of its lines have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The file's id.
    pub id: String,
    /// Its `s3://` name.
    pub input: String,
    /// How many lines it has, blank ones not counted.
    pub lines: u64,
    /// When splitting began, in seconds since 1970.
    pub created_at: u64,
}

impl Manifest {
    /// The manifest of a file.
    pub fn new(folder: &Folder, file: &Object, lines: u64, created_at: u64) -> Self {
        Self {
            id: folder.id.clone(),
            input: file.uri(),
            lines,
            created_at,
        }
    }
}

/// Which lines have ended, one byte each.
#[derive(Debug)]
pub struct Tally(Vec<Line>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Missing,
    Completed,
    Failed,
}

/// What a file came to, in the words of OpenAI's batch object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    object: &'static str,
    id: String,
    status: &'static str,
    input: String,
    request_counts: Counts,
    failed_lines: Vec<usize>,
    missing_lines: Vec<usize>,
    created_at: u64,
    completed_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Counts {
    total: u64,
    completed: usize,
    failed: usize,
}

impl Tally {
    /// Nothing has ended yet.
    pub fn new(manifest: &Manifest) -> Self {
        let lines = usize::try_from(manifest.lines).unwrap_or_default();
        Self(vec![Line::Missing; lines])
    }

    /// A line has ended.
    pub fn hear(&mut self, listed: Listed) {
        let index = usize::try_from(listed.line)
            .ok()
            .and_then(|line| line.checked_sub(1));
        if let Some(line) = index.and_then(|index| self.0.get_mut(index)) {
            *line = match (listed.failed, *line) {
                (false, _) | (true, Line::Completed) => Line::Completed,
                (true, Line::Missing | Line::Failed) => Line::Failed,
            };
        }
    }

    fn lines(&self, wanted: Line) -> impl Iterator<Item = usize> {
        let lines = self.0.iter().enumerate();
        lines.filter_map(move |(index, line)| (*line == wanted).then_some(index + 1))
    }

    /// How long to wait until the next look: as long as the rest will take at the pace so far.
    /// `None` if no line is missing.
    pub fn next_look(&self, manifest: &Manifest, now: u64) -> Option<Duration> {
        let missing = self.lines(Line::Missing).count();
        if missing == 0 {
            return None;
        }
        let ended = self.0.len() - missing;
        let elapsed = now.saturating_sub(manifest.created_at) as f64;
        let seconds = elapsed * missing as f64 / ended.max(1) as f64;
        Some(Duration::from_secs_f64(seconds.min(LATEST.as_secs_f64())).max(SOONEST))
    }

    /// What it came to.
    pub fn summary(&self, manifest: Manifest, now: u64) -> Summary {
        let Manifest {
            id,
            input,
            lines,
            created_at,
        } = manifest;
        let missing_lines: Vec<_> = self.lines(Line::Missing).collect();
        let failed_lines: Vec<_> = self.lines(Line::Failed).collect();
        Summary {
            object: "batch",
            id,
            status: match missing_lines.is_empty() {
                true => "completed",
                false => "expired",
            },
            input,
            request_counts: Counts {
                total: lines,
                completed: self.lines(Line::Completed).count(),
                failed: failed_lines.len(),
            },
            failed_lines,
            missing_lines,
            created_at,
            completed_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(lines: u64) -> Manifest {
        Manifest {
            id: "f".to_owned(),
            input: "s3://b/k".to_owned(),
            lines,
            created_at: 1_000,
        }
    }

    fn tally(lines: u64, listed: &[(u64, bool)]) -> Tally {
        let mut tally = Tally::new(&manifest(lines));
        for (line, failed) in listed {
            tally.hear(Listed {
                line: *line,
                failed: *failed,
            });
        }
        tally
    }

    #[test]
    fn the_next_look_is_when_the_rest_should_be_done() {
        let seconds = |tally: Tally, now| {
            let next = tally.next_look(&manifest(4), now);
            next.map(|wait| wait.as_secs())
        };
        assert_eq!(seconds(tally(4, &[(1, false)]), 1_030), Some(90));
        assert_eq!(
            seconds(tally(4, &[(1, false), (2, true), (3, false)]), 1_003),
            Some(2)
        );
        assert_eq!(seconds(tally(4, &[]), 100_000), Some(900));
        let all = [(1, false), (2, true), (3, false), (4, false)];
        assert_eq!(seconds(tally(4, &all), 1_030), None);
    }

    #[test]
    fn a_summary_counts_and_names_what_failed_and_what_is_missing() {
        // A line of no number, one behind the end, and one that is there twice.
        let listed = [(1, false), (2, true), (0, false), (9, true), (1, true)];
        let summary = tally(4, &listed).summary(manifest(4), 2_000);
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "object": "batch", "id": "f", "status": "expired", "input": "s3://b/k",
                "request_counts": {"total": 4, "completed": 1, "failed": 1},
                "failed_lines": [2], "missing_lines": [3, 4],
                "created_at": 1_000, "completed_at": 2_000,
            })
        );
        let empty = tally(0, &[]).summary(manifest(0), 2_000);
        assert_eq!(serde_json::to_value(empty).unwrap()["status"], "completed");
    }
}
