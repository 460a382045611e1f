//! Frames of `application/vnd.amazon.eventstream`.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::error::{Failure, to_json};

/// Cut to a varying length, this is the undocumented `p` of newer recordings.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// An event of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    kind: &'static str,
    payload: Vec<u8>,
}

#[derive(Serialize)]
struct Chunk {
    bytes: String,
    p: &'static str,
}

#[derive(Serialize)]
struct Padded<'a, T> {
    #[serde(flatten)]
    event: &'a T,
    p: &'static str,
}

impl Event {
    /// `chunk`: a native JSON document in base64.
    pub(crate) fn chunk(native: &[u8]) -> Self {
        let chunk = Chunk {
            bytes: BASE64_STANDARD.encode(native),
            p: padding(native.len()),
        };
        Self {
            kind: "chunk",
            payload: to_json(&chunk),
        }
    }

    /// An event whose members stand in the payload itself.
    pub(crate) fn inline(kind: &'static str, event: &impl Serialize, length: usize) -> Self {
        Self {
            kind,
            payload: to_json(&Padded {
                event,
                p: padding(length),
            }),
        }
    }

    /// The event's bytes on the wire.
    pub(crate) fn encode(self) -> Bytes {
        encode(
            self.payload,
            [
                (":event-type", self.kind.to_owned()),
                (":message-type", "event".to_owned()),
            ],
        )
    }
}

/// An exception in a stream; the status stays 200.
pub(crate) fn exception(failure: &Failure) -> Bytes {
    let stem = failure.kind.stem();
    let (first, rest) = stem.split_at(1);
    let name = format!("{}{rest}Exception", first.to_ascii_lowercase());
    encode(
        failure.body(),
        [
            (":exception-type", name),
            (":message-type", "exception".to_owned()),
        ],
    )
}

fn encode(payload: Vec<u8>, headers: [(&'static str, String); 2]) -> Bytes {
    let [kind, message_type] = headers;
    let content_type = (":content-type", "application/json".to_owned());
    let message = [kind, content_type, message_type].into_iter().fold(
        Message::new(payload),
        |message, (name, value)| {
            message.add_header(Header::new(name, HeaderValue::String(value.into())))
        },
    );
    let mut frame = Vec::new();
    #[expect(
        clippy::expect_used,
        reason = "three short headers and a payload far below 4 GB"
    )]
    write_message_to(&message, &mut frame).expect("the message fits a frame");
    frame.into()
}

/// 2 to 61 characters, as recorded.
fn padding(length: usize) -> &'static str {
    PADDING.get(..2 + length % 60).unwrap_or(PADDING)
}
