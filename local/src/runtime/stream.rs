//! A generation as frames, each sent as soon as the backend has it.

use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, poll_fn};
use tokio::sync::mpsc;

use super::converse;
use super::delivery::Broken;
use super::{Call, Generation, broke_off};
use crate::error::{Failure, Kind};
use crate::families::{Chunks, End, Ending};
use crate::fault::Fault;
use crate::frame::{self, Event};
use crate::text::Step;

/// The wire format of a stream.
pub(super) enum Script {
    Native(Chunks),
    Converse(converse::Format),
}

impl Script {
    fn begin(&mut self) -> Vec<Event> {
        match self {
            Self::Native(chunks) => native(chunks.begin()),
            Self::Converse(format) => format.begin(),
        }
    }

    fn text(&mut self, text: &str) -> Vec<Event> {
        match self {
            Self::Native(chunks) => native(chunks.text(text)),
            Self::Converse(format) => format.text(text),
        }
    }

    fn end(&mut self, end: &End) -> Vec<Event> {
        match self {
            Self::Native(chunks) => native(chunks.end(end)),
            Self::Converse(format) => format.end(end),
        }
    }
}

fn native(chunks: Vec<Vec<u8>>) -> Vec<Event> {
    chunks.iter().map(|chunk| Event::chunk(chunk)).collect()
}

type Frames = mpsc::Sender<Result<Bytes, Broken>>;

/// Plays a generation. When the reader goes, the generation ends.
pub(super) fn play(
    call: Call,
    script: Script,
    generation: Generation,
    fault: Option<Fault>,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    let (frames, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        // The reader that has gone needs no end.
        let _gone = produce(&call, script, generation, fault, &frames).await;
    });
    poll_fn(move |context| receiver.poll_recv(context))
}

/// The reader has gone.
struct Gone;

async fn produce(
    call: &Call,
    mut script: Script,
    mut generation: Generation,
    fault: Option<Fault>,
    frames: &Frames,
) -> Result<(), Gone> {
    send(frames, script.begin()).await?;
    let mut first_byte = None;
    loop {
        let step = tokio::select! {
            step = generation.steps.recv() => step,
            () = frames.closed() => return Err(Gone),
        };
        match step {
            Some(Step::Text(text)) => {
                let is_first = first_byte.is_none();
                first_byte.get_or_insert_with(|| call.started.elapsed());
                send(frames, script.text(&text)).await?;
                if is_first && let Strike::Ended = strike(fault, &mut script, frames).await? {
                    return Ok(());
                }
            }
            Some(Step::Done { finish, usage }) => {
                // A fault strikes after the first text, or here when there was none.
                if first_byte.is_none()
                    && let Strike::Ended = strike(fault, &mut script, frames).await?
                {
                    return Ok(());
                }
                if fault == Some(Fault::NoEnd) {
                    return Ok(());
                }
                let ending = match fault {
                    Some(Fault::Filtered) => Ending::Filtered,
                    _ => Ending::Finished(finish),
                };
                return send(frames, script.end(&call.end(ending, usage, first_byte))).await;
            }
            None => {
                let failure = broke_off(Kind::ModelStreamError);
                return send_bytes(frames, Ok(frame::exception(&failure))).await;
            }
        }
    }
}

/// What a fault left of the stream.
enum Strike {
    Goes,
    Ended,
}

async fn strike(
    fault: Option<Fault>,
    script: &mut Script,
    frames: &Frames,
) -> Result<Strike, Gone> {
    let next = || {
        script
            .text("never whole")
            .into_iter()
            .next()
            .map(Event::encode)
    };
    match fault {
        Some(Fault::StallBody) => {
            frames.closed().await;
            Err(Gone)
        }
        Some(Fault::Cut) => cut(frames).await,
        Some(Fault::CutFrame) => {
            if let Some(frame) = { next }() {
                send_bytes(frames, Ok(frame.slice(..frame.len() / 2))).await?;
            }
            cut(frames).await
        }
        Some(Fault::BadCrc) => {
            if let Some(frame) = { next }() {
                let mut frame = BytesMut::from(frame);
                if let Some(last) = frame.last_mut() {
                    *last ^= 0xff;
                }
                send_bytes(frames, Ok(frame.freeze())).await?;
            }
            Ok(Strike::Ended)
        }
        Some(Fault::Exception(kind)) => {
            let failure = Failure::new(kind, format!("Injected {}Exception.", kind.stem()));
            send_bytes(frames, Ok(frame::exception(&failure))).await?;
            Ok(Strike::Ended)
        }
        Some(
            Fault::Throttle { .. }
            | Fault::RetryAfter(_)
            | Fault::Error(_)
            | Fault::Delay(_)
            | Fault::Slow(_)
            | Fault::Stall
            | Fault::NoEnd
            | Fault::Garbage
            | Fault::Empty
            | Fault::WrongFamily
            | Fault::Filtered
            | Fault::BadImage,
        )
        | None => Ok(Strike::Goes),
    }
}

async fn cut(frames: &Frames) -> Result<Strike, Gone> {
    tokio::time::sleep(super::delivery::FLUSH).await;
    send_bytes(frames, Err(Broken)).await?;
    Ok(Strike::Ended)
}

async fn send(frames: &Frames, events: Vec<Event>) -> Result<(), Gone> {
    for event in events {
        send_bytes(frames, Ok(event.encode())).await?;
    }
    Ok(())
}

async fn send_bytes(frames: &Frames, frame: Result<Bytes, Broken>) -> Result<(), Gone> {
    frames.send(frame).await.map_err(|_| Gone)
}
