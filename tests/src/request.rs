//! Requests of HTTP/1.1: read from a connection, and what their targets say.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, request};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A request.
#[derive(Debug)]
pub(crate) struct Received {
    /// Its method, its target and its headers.
    pub(crate) head: request::Parts,
    /// The same as it came, with the blank line behind it.
    pub(crate) text: Bytes,
    /// Its body.
    pub(crate) body: Bytes,
}

/// Reads a request with a `content-length`, or without a body.
pub(crate) async fn read(connection: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Received> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(connection.read_u8().await?);
    }
    let head = parse(&text);
    let length = head.headers.get("content-length").map_or(0, |length| {
        let length = length.to_str().expect("a text");
        length.trim().parse().expect("a length")
    });
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Received {
        head,
        text: text.into(),
        body: body.into(),
    })
}

fn parse(text: &[u8]) -> request::Parts {
    let text = str::from_utf8(text).expect("a head of text");
    let mut lines = text.trim_end().split("\r\n");
    let mut first = lines.next().expect("a line").split(' ');
    let mut word = || first.next().expect("a word");
    let mut request = Request::builder().method(word()).uri(word());
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        let name: HeaderName = name.parse().expect("a name");
        let value: HeaderValue = value.trim().parse().expect("a value");
        request = request.header(name, value);
    }
    request.body(()).expect("a good head").into_parts().0
}

/// The value of a query's parameter.
pub(crate) fn query(head: &request::Parts, name: &str) -> Option<String> {
    let queries = head.uri.query()?.split('&');
    let mut pairs = queries.filter_map(|query| query.split_once('='));
    pairs.find_map(|(key, value)| (key == name).then(|| decoded(value)))
}

/// A percent-encoded text, which must be UTF-8.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'%' => {
                let pair = (digit(rest.next()), digit(rest.next()));
                let (Some(high), Some(low)) = pair else {
                    panic!("not percent-encoded: {text}")
                };
                bytes.push(u8::try_from(high * 16 + low).expect("two digits"));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("a text")
}
