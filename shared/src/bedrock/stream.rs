//! A streamed answer, chunk by chunk, of either operation.

use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::{ConverseStreamOutputError, ResponseStreamError};
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput, ResponseStream};

use super::fault;
use crate::Error;
use crate::converse;
use crate::deadline::Deadline;
use crate::error::{Cause, UpstreamFault};
use crate::families::{self, Chunk};
use crate::model::{Target, TextFamily};

/// A streamed answer. Dropping it ends the call.
#[derive(Debug)]
pub struct Stream {
    events: Events,
    target: Target,
    deadline: Deadline,
    finished: bool,
    broken: bool,
    /// Nothing but the white space behind a turn's marker has come so far.
    at_start: bool,
}

#[derive(Debug)]
enum Events {
    Native(
        TextFamily,
        EventReceiver<ResponseStream, ResponseStreamError>,
    ),
    Converse(EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>),
}

impl Stream {
    pub(super) fn native(
        family: TextFamily,
        events: EventReceiver<ResponseStream, ResponseStreamError>,
        target: Target,
        deadline: Deadline,
    ) -> Self {
        Self {
            events: Events::Native(family, events),
            target,
            deadline,
            finished: false,
            broken: false,
            at_start: false,
        }
    }

    pub(super) fn converse(
        events: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
        target: Target,
        deadline: Deadline,
    ) -> Self {
        Self {
            events: Events::Converse(events),
            target,
            deadline,
            finished: false,
            broken: false,
            at_start: false,
        }
    }

    /// The same stream, for an answer that begins behind the marker of its turn: the white space
    /// that it begins with is left out.
    #[must_use]
    pub fn behind_marker(self, is_behind: bool) -> Self {
        Self {
            at_start: is_behind,
            ..self
        }
    }

    /// The next chunk; `None` after the last. A stream that ends without saying why the answer
    /// ended was cut: that is an error, never a finished answer. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        if self.broken {
            return None;
        }
        let next = match tokio::time::timeout(self.deadline.remaining(), self.receive()).await {
            Ok(next) => next,
            Err(_) => Err(upstream(
                UpstreamFault::DeadlineExceeded,
                "EventStreamTimeout",
            )),
        };
        match next {
            Ok(Some(mut chunk)) => {
                if self.at_start {
                    chunk.text = chunk.text.trim_start().to_owned();
                    self.at_start = chunk.text.is_empty();
                }
                self.finished |= chunk.finish.is_some();
                Some(Ok(chunk))
            }
            Ok(None) if self.finished => None,
            Ok(None) => {
                self.broken = true;
                Some(Err(upstream(UpstreamFault::Truncated, "EventStreamEnd")))
            }
            Err(error) => {
                self.broken = true;
                Some(Err(error))
            }
        }
    }

    async fn receive(&mut self) -> Result<Option<Chunk>, Error> {
        match &mut self.events {
            Events::Native(family, events) => loop {
                match events
                    .recv()
                    .await
                    .map_err(|error| fault::of_stream(error, &self.target))?
                {
                    None => return Ok(None),
                    Some(ResponseStream::Chunk(part)) => {
                        let bytes = part.bytes.unwrap_or_else(|| Vec::new().into()).into_inner();
                        return families::decode_chunk(*family, &bytes).map(Some);
                    }
                    // The SDK's enum is open: a new kind of event changes nothing.
                    Some(_) => {}
                }
            },
            Events::Converse(events) => {
                let event = events
                    .recv()
                    .await
                    .map_err(|error| fault::of_stream(error, &self.target))?;
                Ok(event.map(converse::decode_chunk))
            }
        }
    }
}

fn upstream(fault: UpstreamFault, code: &str) -> Error {
    Error::Upstream {
        fault,
        cause: Cause::of(code),
    }
}
