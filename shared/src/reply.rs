//! What a task answers, whatever the door that it leaves through.

use futures_util::stream::BoxStream;

use crate::Error;
use crate::api::document::Document;
use crate::telemetry::Facts;

/// An answer.
pub enum Reply {
    /// One document.
    Whole(Document, Facts),
    /// Documents as they come, of a chat without so many turns of its history.
    Stream(Events, usize),
}

/// The parts of an answer as they come. An error, or [`Event::End`], is the last.
pub type Events = BoxStream<'static, Result<Event, Error>>;

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One JSON document.
    Data(String),
    /// The answer is complete.
    End(Facts),
}
