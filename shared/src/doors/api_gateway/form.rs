//! Whether the parts of a request have the form that HTTP and this API ask for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, header};

use crate::Error;
use crate::error::RequestFault;

/// A name or an address, and perhaps a port.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        match port.map(|port| port.strip_prefix(':')) {
            Some(Some(port)) => port.parse::<u16>().is_ok(),
            // What stands before the host would be a user.
            Some(None) => authority.as_str() == authority.host(),
            None => false,
        }
    })
}

/// What may stand behind a URL's question mark.
pub(super) fn is_query(text: &str) -> bool {
    text.is_empty() || !text.contains('#') && format!("/?{text}").parse::<PathAndQuery>().is_ok()
}

/// The body's bytes, if they are not too many.
pub(super) fn decoded(
    body: Option<String>,
    is_base64: bool,
    limit: usize,
) -> Result<Vec<u8>, Error> {
    let text = body.unwrap_or_default();
    let too_large = |size| Error::from(RequestFault::BodyTooLarge { size, limit });
    // What is too large by its length is not decoded first.
    let size = match is_base64 {
        true => text.len() / 4 * 3,
        false => text.len(),
    };
    if size > limit.saturating_add(2) {
        return Err(too_large(size));
    }
    let body = match is_base64 {
        false => text.into_bytes(),
        true => STANDARD
            .decode(text)
            .map_err(|_| Error::from(RequestFault::BodyNotBase64))?,
    };
    match body.len() {
        size if size > limit => Err(too_large(size)),
        _ => Ok(body),
    }
}

/// JSON in UTF-8, not compressed. A missing content type is let pass; it says nothing wrong.
pub(super) fn sends_json(headers: &HeaderMap) -> bool {
    let plain = match headers.get(header::CONTENT_ENCODING) {
        None => true,
        Some(encoding) => encoding.as_bytes().eq_ignore_ascii_case(b"identity"),
    };
    let json = match headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str())
    {
        None => true,
        Some(Err(_)) => false,
        Some(Ok(value)) => {
            let mut parts = value.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let charset_ok = parts.all(|parameter| {
                match parameter.to_ascii_lowercase().strip_prefix("charset=") {
                    Some(charset) => charset.trim_matches('"') == "utf-8",
                    None => true,
                }
            });
            charset_ok && (media == "application/json" || media.ends_with("+json"))
        }
    };
    plain && json
}
