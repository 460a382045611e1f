//! Frames of `application/vnd.amazon.eventstream`, as Bedrock sends them, and spoiled.
//!
//! Source: the service model's `ResponseStream` and `ConverseStreamOutput`, and the event stream
//! encoding of the AWS documentation (prelude of total length, headers' length and a checksum;
//! headers; payload; checksum).

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::canary::CANARY;

/// A `chunk` of InvokeModelWithResponseStream, with a native document in it.
pub fn chunk(native: &Value) -> Bytes {
    chunk_of(native.to_string().as_bytes())
}

/// A `chunk` of InvokeModelWithResponseStream, with any bytes in it.
pub fn chunk_of(native: &[u8]) -> Bytes {
    event("chunk", &json!({"bytes": STANDARD.encode(native)}))
}

/// An event, such as ConverseStream's `contentBlockDelta`.
pub fn event(kind: &str, payload: &Value) -> Bytes {
    event_of(kind, payload.to_string().as_bytes())
}

/// An event whose payload need not be JSON.
pub fn event_of(kind: &str, payload: &[u8]) -> Bytes {
    frame("event", ":event-type", kind, payload)
}

/// An exception, such as `throttlingException`. What it says may quote what Bedrock was told.
pub fn exception(kind: &str, message: &str) -> Bytes {
    let payload = json!({"message": format!("{message} {CANARY}")}).to_string();
    frame("exception", ":exception-type", kind, payload.as_bytes())
}

/// The same frame with a wrong checksum at its end.
#[must_use]
pub fn with_bad_crc(frame: &Bytes) -> Bytes {
    flipped(frame, frame.len() - 1)
}

/// The same frame with a wrong checksum of its prelude.
#[must_use]
pub fn with_bad_prelude_crc(frame: &Bytes) -> Bytes {
    flipped(frame, 11)
}

/// The begin of a frame that says, with a good checksum, that it has two gigabytes.
pub fn huge_prelude() -> Bytes {
    let mut prelude = Vec::new();
    prelude.extend_from_slice(&0x7fff_ffff_u32.to_be_bytes());
    prelude.extend_from_slice(&64_u32.to_be_bytes());
    let checksum = crc32(&prelude);
    prelude.extend_from_slice(&checksum.to_be_bytes());
    prelude.extend_from_slice(&[0; 64]);
    prelude.into()
}

fn flipped(frame: &Bytes, place: usize) -> Bytes {
    let mut bytes = frame.to_vec();
    *bytes.get_mut(place).expect("a frame that long") ^= 0xff;
    bytes.into()
}

fn frame(message_type: &str, name: &'static str, kind: &str, payload: &[u8]) -> Bytes {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_vec())
        .add_header(header(name, kind))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", message_type));
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame).expect("a frame");
    frame.into()
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}
