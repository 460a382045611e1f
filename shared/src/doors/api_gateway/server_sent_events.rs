//! Server-sent events: how a streamed answer is framed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_stream::stream;
use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};

use crate::Error;
use crate::reply::{Event, Events};
use crate::telemetry::Line;

/// After how much silence a comment is sent, which decoders ignore and proxies count as traffic.
const HEARTBEAT: Duration = Duration::from_secs(5);

const PING: &[u8] = b": ping\n\n";

/// Frames the events. An answer that is complete ends with `[DONE]`, one that fails with its error.
/// The request's line is logged at the end, or when nobody reads on.
pub(super) fn frame(mut events: Events, mut line: Line) -> impl Stream<Item = Bytes> + Send {
    stream! {
        loop {
            let next = AssertUnwindSafe(events.next()).catch_unwind();
            let event = match tokio::time::timeout(HEARTBEAT, next).await {
                Err(_) => {
                    yield Bytes::from_static(PING);
                    continue;
                }
                Ok(Err(_)) => Err(Error::defect("panic")),
                Ok(Ok(None)) => Err(Error::defect("stream")),
                Ok(Ok(Some(event))) => event,
            };
            match event {
                Ok(Event::Data(json)) => yield data(&json),
                Ok(Event::End(facts)) => {
                    line.answered(&facts);
                    yield data("[DONE]");
                    break;
                }
                Err(error) => {
                    line.failed(&error);
                    // The body is plain data, which always serializes.
                    yield data(&serde_json::to_string(&error.body()).unwrap_or_default());
                    break;
                }
            }
        }
    }
}

fn data(json: &str) -> Bytes {
    format!("data: {json}\n\n").into()
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::telemetry::Facts;

    fn document(json: &str) -> Result<Event, Error> {
        Ok(Event::Data(json.to_owned()))
    }

    async fn text(events: Events) -> String {
        let frames: Vec<Bytes> = frame(events, Line::begin("8d1c")).collect().await;
        String::from_utf8(frames.concat()).unwrap()
    }

    #[tokio::test]
    async fn a_complete_answer_is_done() {
        let events = [document("{}"), Ok(Event::End(Facts::default()))];
        let framed = text(stream::iter(events).boxed()).await;
        assert_eq!(framed, "data: {}\n\ndata: [DONE]\n\n");
    }

    #[tokio::test]
    async fn what_fails_or_breaks_off_is_an_error_and_never_done() {
        let failed = [document("{}"), Err(Error::malformed("titan-text", "a"))];
        let cut = [document("{}")];
        let panics = stream::poll_fn(|_| panic!("prompt"));
        for events in [
            stream::iter(failed).boxed(),
            stream::iter(cut).boxed(),
            panics.boxed(),
        ] {
            let framed = text(events).await;
            let (_, last) = framed.trim_end().rsplit_once("data: ").unwrap();
            assert!(last.starts_with("{\"error\":{\"message\":"), "{framed}");
            assert!(
                !framed.contains("prompt") && !framed.contains("DONE"),
                "{framed}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_filled_with_comments() {
        let late = stream::once(async {
            sleep(Duration::from_secs(12)).await;
            Ok(Event::End(Facts::default()))
        });
        let began = Instant::now();
        let framed = text(late.boxed()).await;
        assert_eq!(framed, ": ping\n\n: ping\n\ndata: [DONE]\n\n");
        assert_eq!(began.elapsed(), Duration::from_secs(12));
    }
}
