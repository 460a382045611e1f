//! A streamed answer, chunk by chunk, of either operation.

use std::time::Duration;

use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::{ConverseStreamOutputError, ResponseStreamError};
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput, ResponseStream};

use super::fault::{self, upstream};
use super::guardrail;
use super::retry::Failure;
use crate::Error;
use crate::converse;
use crate::deadline::Deadline;
use crate::error::UpstreamFault;
use crate::families::{self, Chunk, Finish, Splitter, Thinking};
use crate::model::{Target, TextFamily};
use crate::telemetry::Call;

/// The action that both streamed operations need, as IAM names it.
pub(super) const ACTION: &str = "InvokeModelWithResponseStream";

/// A streamed answer that has begun. Dropping it ends the call.
#[derive(Debug)]
pub struct Stream {
    events: Events,
    call: Call,
    target: Target,
    deadline: Deadline,
    idle: Duration,
    /// The chunk that has been read to see whether the answer begins.
    first: Option<Chunk>,
    finished: bool,
    broken: bool,
    /// A guardrail has taken the place of the model.
    intervened: bool,
    /// Nothing but the white space behind a turn's marker has come so far.
    at_start: bool,
    /// Takes what the model thinks out of its text.
    splitter: Option<Splitter>,
}

/// What is received, of either operation.
#[derive(Debug)]
pub(super) enum Events {
    Native {
        family: TextFamily,
        /// Whether the call was made with a guardrail.
        guarded: bool,
        events: EventReceiver<ResponseStream, ResponseStreamError>,
    },
    Converse(EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>),
}

impl Stream {
    /// Waits for the first chunk that says something. An exception that comes before any other
    /// event may be met with another call; once an event came, the model is at work.
    pub(super) async fn open(
        events: Events,
        call: Call,
        target: Target,
        deadline: Deadline,
        idle: Duration,
    ) -> Result<Self, Failure> {
        let mut stream = Self {
            events,
            call,
            target,
            deadline,
            idle,
            first: None,
            finished: false,
            broken: false,
            intervened: false,
            at_start: false,
            splitter: None,
        };
        match stream.first_chunk(idle).await {
            Ok(chunk) => {
                stream.call.begins_to_answer();
                stream.first = Some(chunk);
                Ok(stream)
            }
            Err(failure) => {
                stream.call.failed(&failure.error);
                Err(failure)
            }
        }
    }

    async fn first_chunk(&mut self, idle: Duration) -> Result<Chunk, Failure> {
        let mut limit = self.deadline.remaining();
        let mut any = false;
        loop {
            match self.within(limit).await {
                Ok(Some(chunk)) if chunk == Chunk::default() => {}
                Ok(Some(chunk)) => return Ok(chunk),
                Ok(None) => {
                    let cut = upstream(UpstreamFault::Truncated, "EventStreamEnd");
                    return Err(Failure::for_good(cut));
                }
                Err(failure) if any => return Err(Failure::for_good(failure.error)),
                Err(failure) => return Err(failure),
            }
            any = true;
            limit = idle;
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

    /// The same stream, for an answer whose text tells what the model thinks.
    #[must_use]
    pub fn thinking(self, thinking: Thinking) -> Self {
        Self {
            splitter: Splitter::new(thinking),
            ..self
        }
    }

    /// The chunks. A stream that ends without saying why the answer ended was cut: that is an
    /// error, never a finished answer. An error is the last item.
    pub fn chunks(self) -> impl futures_util::Stream<Item = Result<Chunk, Error>> + Send {
        futures_util::stream::unfold(self, |mut stream| async move {
            let chunk = stream.next().await?;
            Some((chunk, stream))
        })
    }

    async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        if self.broken {
            return None;
        }
        let next = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self
                .within(self.idle)
                .await
                .map_err(|failure| failure.error),
        };
        match next {
            Ok(Some(mut chunk)) => {
                if self.intervened && chunk.finish.is_some() {
                    chunk.finish = Some(Finish::Guardrail);
                }
                // What a guardrail says is no thought.
                if self.intervened {
                    if let Some(mut splitter) = self.splitter.take() {
                        let left = splitter.left();
                        chunk.text.insert_str(0, &left.text);
                        chunk.reasoning = chunk.reasoning.or(left.reasoning);
                    }
                } else if let Some(splitter) = &mut self.splitter {
                    chunk = splitter.split(chunk);
                }
                if self.at_start {
                    chunk.text = chunk.text.trim_start().to_owned();
                    self.at_start = chunk.text.is_empty();
                }
                self.finished |= chunk.finish.is_some();
                self.call.used(chunk.usage);
                Some(Ok(chunk))
            }
            // What a guardrail says in the model's place need not have the model's last chunk.
            Ok(None) if self.intervened && !self.finished => {
                self.finished = true;
                Some(Ok(Chunk {
                    finish: Some(Finish::Guardrail),
                    ..Chunk::default()
                }))
            }
            Ok(None) if self.finished => {
                self.call.answered();
                None
            }
            Ok(None) => Some(Err(
                self.breaks(upstream(UpstreamFault::Truncated, "EventStreamEnd"))
            )),
            Err(error) => Some(Err(self.breaks(error))),
        }
    }

    /// Nothing comes after this error.
    fn breaks(&mut self, error: Error) -> Error {
        self.broken = true;
        self.call.failed(&error);
        error.during(ACTION, Some(self.target.id.as_str()))
    }

    /// The next chunk, if it comes in time.
    async fn within(&mut self, limit: Duration) -> Result<Option<Chunk>, Failure> {
        let left = self.deadline.remaining();
        let received = tokio::time::timeout(limit.min(left), self.receive()).await;
        received.unwrap_or_else(|_| {
            Err(Failure::for_good(match limit < left {
                true => upstream(UpstreamFault::Stalled, "EventStreamStalled"),
                false => upstream(UpstreamFault::DeadlineExceeded, "EventStreamTimeout"),
            }))
        })
    }

    async fn receive(&mut self) -> Result<Option<Chunk>, Failure> {
        match &mut self.events {
            Events::Native {
                family,
                guarded,
                events,
            } => loop {
                match events
                    .recv()
                    .await
                    .map_err(|error| fault::of_stream(error, &self.target))?
                {
                    None => return Ok(None),
                    Some(ResponseStream::Chunk(part)) => {
                        let bytes = part.bytes.unwrap_or_else(|| Vec::new().into()).into_inner();
                        self.intervened |= *guarded && guardrail::intervened(&bytes);
                        return families::decode_chunk(*family, &bytes)
                            .map(Some)
                            .map_err(Failure::for_good);
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
