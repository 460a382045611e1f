//! `data:` URLs, the only ones that are taken: no URL is ever fetched.
//!
//! Source: RFC 2397.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::Error;

/// What a `data:` URL holds.
pub(super) struct Data<'a> {
    /// Its media type, without parameters; may be empty.
    pub media_type: &'a str,
    /// What was base64.
    pub bytes: Bytes,
}

/// Reads a `data:` URL of at most so many bytes.
pub(super) fn read<'a>(url: &'a str, param: &str, most: usize) -> Result<Data<'a>, Error> {
    let scheme = url.get(..5).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("data:") {
        return Err(Error::unsupported(
            param,
            "URLs are not fetched; send a `data:` URL",
        ));
    }
    let invalid = |reason: &str| Error::invalid(param, reason);
    let rest = url.get(5..).unwrap_or_default();
    let (head, encoded) = rest
        .split_once(',')
        .ok_or_else(|| invalid("it must be `data:TYPE;base64,…`"))?;
    let mut parts = head.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if !parts.any(|part| part.eq_ignore_ascii_case("base64")) {
        return Err(invalid("it must be `data:TYPE;base64,…`"));
    }
    // Looked at before anything is decoded.
    if encoded.len() / 4 * 3 > most.saturating_add(2) {
        return Err(invalid(&format!("it must not be larger than {most} bytes")));
    }
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| invalid("it is not base64"))?;
    Ok(Data {
        media_type,
        bytes: bytes.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_url_is_read() {
        for (url, media_type) in [
            ("data:image/png;base64,YWJj", "image/png"),
            ("DATA:text/plain;charset=utf-8;BASE64,YWJj", "text/plain"),
            ("data:;base64,YWJj", ""),
        ] {
            let data = read(url, "url", 3).unwrap();
            assert_eq!(
                (data.media_type, data.bytes.as_ref()),
                (media_type, b"abc".as_slice())
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (url, code, says) in [
            (
                "http://169.254.169.254/",
                "unsupported_parameter",
                "not fetched",
            ),
            (
                "https://example.com/a.png",
                "unsupported_parameter",
                "not fetched",
            ),
            ("file:///etc/passwd", "unsupported_parameter", "not fetched"),
            ("s3://bucket/key", "unsupported_parameter", "not fetched"),
            ("", "unsupported_parameter", "not fetched"),
            ("dat\u{e4}:", "unsupported_parameter", "not fetched"),
            ("data:image/png,abc", "invalid_value", "base64"),
            ("data:image/png;base64", "invalid_value", "base64"),
            ("data:image/png;base64,%%%", "invalid_value", "not base64"),
            ("data:image/png;base64,YWJ", "invalid_value", "not base64"),
            (
                "data:image/png;base64,YWJjYWJjYWJjYWJj",
                "invalid_value",
                "larger than 3",
            ),
        ] {
            let error = read(url, "url", 3).map(|data| data.bytes).unwrap_err();
            assert_eq!(
                (error.param(), error.row().code),
                (Some("url"), code),
                "{url}"
            );
            assert!(error.to_string().contains(says), "{url}: {error}");
        }
    }
}
