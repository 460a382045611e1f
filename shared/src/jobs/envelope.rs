//! The messages that the functions send to each other. They say where something is, never what.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::split::{self, MOST_LINES};
use super::{Function, Job, Object, Poison};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A message.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    version: u32,
    #[serde(flatten)]
    message: Message,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Message {
    #[serde(rename = "batch.line")]
    Line {
        /// The function that the file was uploaded for, where its results lie.
        function: String,
        object: Object,
        line: u64,
        from: u64,
        to: u64,
    },
    #[serde(rename = "batch.split")]
    Split {
        object: Object,
        line: u64,
        from: u64,
        since: u64,
    },
    #[serde(rename = "batch.check")]
    Check { object: Object, since: u64 },
}

/// Reads a message's job.
pub fn read(text: &str) -> Result<Job, Poison> {
    let envelope: Envelope = serde_json::from_str(text).map_err(|_| Poison::UnknownEnvelope)?;
    let numbered = match &envelope.message {
        Message::Line { line, .. } | Message::Split { line, .. } => (1..=MOST_LINES).contains(line),
        Message::Check { .. } => true,
    };
    if envelope.version != VERSION || !numbered {
        return Err(Poison::UnknownEnvelope);
    }
    Ok(match envelope.message {
        Message::Line {
            function,
            object: file,
            line,
            from,
            to,
        } if from < to => Job::Line {
            owner: Function::named(&function).ok_or(Poison::UnknownEnvelope)?,
            file,
            line,
            from,
            to,
        },
        Message::Line { .. } => return Err(Poison::UnknownEnvelope),
        Message::Split {
            object: file,
            line,
            from,
            since,
        } => Job::Split(split::Begin {
            file,
            line,
            from,
            since,
        }),
        Message::Check {
            object: file,
            since,
        } => Job::Check { file, since },
    })
}

fn write(message: Message) -> String {
    let envelope = Envelope {
        version: VERSION,
        message,
    };
    // Plain data, which always serializes.
    serde_json::to_string(&envelope).unwrap_or_default()
}

/// The message for a line of a file.
pub fn of_line(owner: Function, file: &Object, line: u64, range: Range<u64>) -> String {
    write(Message::Line {
        function: owner.name().to_owned(),
        object: file.clone(),
        line,
        from: range.start,
        to: range.end,
    })
}

/// The message for going on with a file.
pub fn of_split(begin: split::Begin) -> String {
    let split::Begin {
        file: object,
        line,
        from,
        since,
    } = begin;
    write(Message::Split {
        object,
        line,
        from,
        since,
    })
}

/// The message for looking how far a file is.
pub fn of_check(file: &Object, since: u64) -> String {
    let object = file.clone();
    write(Message::Check { object, since })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Object {
        Object {
            bucket: "b".to_owned(),
            key: "requests/chat/ä \"x\".jsonl".to_owned(),
            version_id: Some("v".to_owned()),
            etag: None,
            sequencer: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let line = Job::Line {
            owner: Function::Chat,
            file: file(),
            line: 7,
            from: 10,
            to: 20,
        };
        assert_eq!(read(&of_line(Function::Chat, &file(), 7, 10..20)), Ok(line));
        let begin = split::Begin {
            file: file(),
            line: 5,
            from: 9,
            since: 3,
        };
        assert_eq!(read(&of_split(begin.clone())), Ok(Job::Split(begin)));
        let check = Job::Check {
            file: file(),
            since: 3,
        };
        assert_eq!(read(&of_check(&file(), 3)), Ok(check));
    }

    #[test]
    fn what_another_version_or_program_wrote_is_poison() {
        let good = of_line(Function::Chat, &file(), 7, 10..20);
        for bad in [
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("batch.line", "batch.word"),
            good.replace("\"chat\"", "\"chart\""),
            good.replace("\"from\":10", "\"from\":20"),
            good.replace("\"line\":7", "\"line\":-7"),
            good.replace("\"line\":7", "\"line\":0"),
            good.replace("\"line\":7", "\"line\":1000000000000000"),
            good.replace(
                "\"bucket\":\"b\"",
                "\"bucket\":\"b\",\"callback\":\"https://x\"",
            ),
            r#"{"type":"batch.line"}"#.to_owned(),
            r#"{"version":1}"#.to_owned(),
        ] {
            assert_eq!(read(&bad), Err(Poison::UnknownEnvelope), "{bad}");
        }
    }
}
