//! A record, and what must become of it.

use end_to_end::{Event, Message};
use serde_json::{Value, json};

/// What must become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its result is an answer.
    Answered,
    /// Its result is an error with this status and code.
    Refused(u64, &'static str),
    /// It is done without a result; the log says why.
    PassedOver(&'static str),
    /// It is done, and asked for nothing.
    Nothing,
    /// It is reported failed; the log says why.
    Failed(&'static str),
}

/// A record, and what must become of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) what: String,
    pub(crate) message: Message,
    changes: Vec<(String, Option<Value>)>,
    pub(crate) custom_id: Option<String>,
    pub(crate) fate: Fate,
}

impl Case {
    /// A message.
    pub(crate) fn message(what: impl Into<String>, message: Message, fate: Fate) -> Self {
        Self {
            what: what.into(),
            message,
            changes: Vec::new(),
            custom_id: None,
            fate,
        }
    }

    /// A message with this body.
    pub(crate) fn body(body: impl Into<String>, fate: Fate) -> Self {
        let body = body.into();
        Self::message(format!("{body:.60}"), Message::new(body), fate)
    }

    /// A message that tells of this object.
    pub(crate) fn event(event: &Event, key: &str, fate: Fate) -> Self {
        Self::message(key, Message::carrying(event), fate).custom_id(key)
    }

    /// The same with this name in its result.
    pub(crate) fn custom_id(self, id: &str) -> Self {
        Self {
            custom_id: Some(id.to_owned()),
            ..self
        }
    }

    /// The same record with another value at a JSON pointer.
    pub(crate) fn with(mut self, pointer: &str, value: Value) -> Self {
        self.changes.push((pointer.to_owned(), Some(value)));
        self
    }

    /// The same record without what is at a JSON pointer.
    pub(crate) fn without(mut self, pointer: &str) -> Self {
        self.changes.push((pointer.to_owned(), None));
        self
    }

    /// The record, as this queue hands it out.
    pub(crate) fn record(&self, queue: &str) -> Value {
        let record = Event::from(self.message.record(queue));
        let changed = self.changes.iter().fold(record, |record, change| {
            let (pointer, value) = change;
            match value {
                Some(value) => record.with(pointer, value.clone()),
                None => record.without(pointer),
            }
        });
        changed.json().clone()
    }
}

/// Checks what was found for a record's result.
pub(crate) fn check_result(fate: Fate, found: Option<&Value>, what: &str) {
    let at = |pointer: &str| found.and_then(|result| result.pointer(pointer));
    match fate {
        Fate::Answered => {
            assert_eq!(
                at("/response/status_code"),
                Some(&json!(200)),
                "{what}: {found:?}"
            );
            assert_eq!(at("/error"), Some(&Value::Null), "{what}: {found:?}");
        }
        Fate::Refused(status, code) => {
            let told = (at("/response/status_code"), at("/response/body/error/code"));
            let expected = (json!(status), json!(code));
            assert_eq!(
                told,
                (Some(&expected.0), Some(&expected.1)),
                "{what}: {found:?}"
            );
            assert_eq!(at("/error"), Some(&Value::Null), "{what}: {found:?}");
        }
        Fate::PassedOver(_) | Fate::Nothing | Fate::Failed(_) => {
            assert_eq!(found, None, "{what}");
        }
    }
}
