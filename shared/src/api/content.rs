//! The content of a message: text, images and documents, and where a prompt's cache is to end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{data_url, is_blank};
use crate::Error;
use crate::dialogue::{CachePoint, Part, Placed, Ttl};
use crate::error::FieldFault;
use crate::media::{Document, Image, LARGEST_DOCUMENT, LARGEST_IMAGE};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of parts")]
pub(super) enum Content<'a> {
    Text(String),
    Parts(#[serde(borrow)] Vec<ContentPart<'a>>),
}

/// A part, of whichever type.
#[derive(Deserialize)]
pub(super) struct ContentPart<'a> {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default, borrow)]
    image_url: Option<ImageUrl<'a>>,
    #[serde(default, borrow)]
    file: Option<File<'a>>,
    #[serde(default)]
    cache_control: Option<CacheControl>,
    /// What parts of other types carry.
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct ImageUrl<'a> {
    #[serde(default, borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default, borrow)]
    file_data: Option<Cow<'a, str>>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    file_id: Option<IgnoredAny>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct CacheControl {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    ttl: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

impl Content<'_> {
    /// The parts that say something, with their places. Only a user shows images and documents.
    pub(super) fn read(self, path: &str, is_user: bool) -> Result<Vec<Part>, Error> {
        let parts = match self {
            Self::Text(text) if is_blank(&text) => return Ok(Vec::new()),
            Self::Text(text) => return Ok(vec![Part::Text(text)]),
            Self::Parts(parts) => parts,
        };
        let mut read = Vec::with_capacity(parts.len());
        for (position, part) in parts.into_iter().enumerate() {
            part.read(format!("{path}[{position}]"), is_user, &mut read)?;
        }
        Ok(read)
    }
}

impl ContentPart<'_> {
    fn read(self, path: String, is_user: bool, read: &mut Vec<Part>) -> Result<(), Error> {
        let Self {
            r#type,
            text,
            image_url,
            file,
            cache_control,
            rest,
        } = self;
        let kind = r#type.as_str();
        match kind {
            "text" => {}
            "image_url" | "file" if is_user => {}
            "image_url" | "file" => {
                let reason = "only a user's message has images and files";
                return Err(Error::unsupported(path, reason));
            }
            "input_audio" => return Err(Error::unsupported(path, "no model hears here")),
            _ => {
                let reason = "only `text`, `image_url` and `file` parts are served";
                return Err(Error::unsupported(path, reason));
            }
        }
        for (name, belongs) in [
            ("text", text.is_none() || kind == "text"),
            ("image_url", image_url.is_none() || kind == "image_url"),
            ("file", file.is_none() || kind == "file"),
        ] {
            if !belongs {
                return Err(unknown(format!("{path}.{name}")));
            }
        }
        known(&path, &rest)?;
        let missing = |name: &str| Error::missing(format!("{path}.{name}"));
        match kind {
            "image_url" => {
                let image = image_url.ok_or_else(|| missing("image_url"))?;
                read.push(Part::Image(image.read(&path)?));
            }
            "file" => {
                let file = file.ok_or_else(|| missing("file"))?;
                read.push(Part::Document(file.read(&path)?));
            }
            _ => {
                let text = text.ok_or_else(|| missing("text"))?;
                if !is_blank(&text) {
                    read.push(Part::Text(text));
                }
            }
        }
        if let Some(control) = cache_control {
            let point = control.read(&format!("{path}.cache_control"))?;
            // A cache ends behind something.
            if read.is_empty() {
                let reason = "it goes with a part that says something";
                return Err(Error::invalid(point.path, reason));
            }
            read.push(Part::CachePoint(point));
        }
        Ok(())
    }
}

impl ImageUrl<'_> {
    fn read(self, path: &str) -> Result<Placed<Image>, Error> {
        let path = format!("{path}.image_url");
        known(&path, &self.rest)?;
        if let Some(detail) = &self.detail
            && !matches!(detail.as_str(), "auto" | "low" | "high")
        {
            let reason = "it must be `auto`, `low` or `high`";
            return Err(Error::invalid(format!("{path}.detail"), reason));
        }
        let path = format!("{path}.url");
        let url = self.url.ok_or_else(|| Error::missing(path.as_str()))?;
        let data = data_url::read(&url, &path, LARGEST_IMAGE)?;
        if !data.media_type.is_empty()
            && !data.media_type.to_ascii_lowercase().starts_with("image/")
        {
            let reason = "it must be an image, by its media type";
            return Err(Error::invalid(path, reason));
        }
        match Image::read(data.bytes) {
            Ok(what) => Ok(Placed { path, what }),
            Err(reason) => Err(Error::invalid(path, reason)),
        }
    }
}

impl File<'_> {
    fn read(self, path: &str) -> Result<Placed<Document>, Error> {
        let path = format!("{path}.file");
        known(&path, &self.rest)?;
        if self.file_id.is_some() {
            let reason = "no files are kept here; send `file_data`";
            return Err(Error::unsupported(format!("{path}.file_id"), reason));
        }
        let path = format!("{path}.file_data");
        let url = self
            .file_data
            .ok_or_else(|| Error::missing(path.as_str()))?;
        let data = data_url::read(&url, &path, LARGEST_DOCUMENT)?;
        match Document::read(data.media_type, self.filename.as_deref(), data.bytes) {
            Ok(what) => Ok(Placed { path, what }),
            Err(reason) => Err(Error::invalid(path, reason)),
        }
    }
}

impl CacheControl {
    /// The cache point that this asks for, at this path.
    pub(super) fn read(self, path: &str) -> Result<Placed<CachePoint>, Error> {
        known(path, &self.rest)?;
        if self.r#type.as_deref() != Some("ephemeral") {
            let reason = "it must be `ephemeral`";
            return Err(Error::invalid(format!("{path}.type"), reason));
        }
        let ttl = match self.ttl.as_deref() {
            None => None,
            Some(name) => {
                let ttl = Ttl::ALL.iter().copied().find(|ttl| ttl.name() == name);
                let invalid = || Error::invalid(format!("{path}.ttl"), "it must be `5m` or `1h`");
                Some(ttl.ok_or_else(invalid)?)
            }
        };
        Ok(Placed {
            path: path.to_owned(),
            what: CachePoint { ttl },
        })
    }
}

/// Refuses what nobody knows.
fn known(path: &str, rest: &BTreeMap<String, IgnoredAny>) -> Result<(), Error> {
    match rest.keys().next() {
        None => Ok(()),
        Some(name) => Err(unknown(format!("{path}.{name}"))),
    }
}

fn unknown(param: String) -> Error {
    Error::Field {
        param,
        fault: FieldFault::Unknown { nearest: None },
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::media::{DocumentFormat, ImageFormat};

    const PATH: &str = "messages[0].content";

    fn gif() -> String {
        let file = b"GIF89a\x01\0\x01\0";
        format!("data:image/gif;base64,{}", STANDARD.encode(file))
    }

    fn read(content: &Value, is_user: bool) -> Result<Vec<Part>, Error> {
        let text = content.to_string();
        let content: Content<'_> = serde_json::from_str(&text).unwrap();
        content.read(PATH, is_user)
    }

    #[track_caller]
    fn refused(part: Value, is_user: bool, place: &str, code: &str) {
        let error = read(&json!([part]), is_user).unwrap_err();
        let param = format!("{PATH}[0]{place}");
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param.as_str()), code),
            "{part}: {error}"
        );
    }

    fn image(url: &str) -> Value {
        json!({"type": "image_url", "image_url": {"url": url}})
    }

    #[test]
    fn each_part_is_read_with_its_place() {
        // Named as another kind than it is.
        let image = gif().replace("gif", "png");
        let content = json!([
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
            {"type": "file", "file": {"filename": "b.md", "file_data": "data:text/plain;base64,Yg=="}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "text", "text": " "},
        ]);
        let parts = read(&content, true).unwrap();
        let [
            Part::Text(text),
            Part::Image(image),
            Part::Document(document),
            Part::CachePoint(point),
        ] = parts.as_slice()
        else {
            panic!("{parts:?}");
        };
        assert_eq!(text, "a");
        assert_eq!(image.path, format!("{PATH}[1].image_url.url"));
        assert_eq!(image.what.format, ImageFormat::Gif);
        assert_eq!(document.path, format!("{PATH}[2].file.file_data"));
        assert_eq!(document.what.format, DocumentFormat::Md);
        assert_eq!(document.what.name, "b");
        assert_eq!(point.path, format!("{PATH}[2].cache_control"));
        assert_eq!(point.what.ttl, Some(Ttl::OneHour));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let cached =
            |control: Value| json!({"type": "text", "text": "a", "cache_control": control});
        let file = |file: Value| json!({"type": "file", "file": file});
        for (part, place, code) in [
            (
                image("https://example.com/a.png"),
                ".image_url.url",
                "unsupported_parameter",
            ),
            (
                image("data:image/png;base64,AAAA"),
                ".image_url.url",
                "invalid_value",
            ),
            (
                image("data:text/html;base64,AAAA"),
                ".image_url.url",
                "invalid_value",
            ),
            (
                json!({"type": "image_url"}),
                ".image_url",
                "missing_required_parameter",
            ),
            (
                json!({"type": "image_url", "image_url": {}}),
                ".image_url.url",
                "missing_required_parameter",
            ),
            (
                json!({"type": "image_url", "image_url": {"url": gif(), "detail": "best"}}),
                ".image_url.detail",
                "invalid_value",
            ),
            (
                json!({"type": "image_url", "image_url": {"url": gif(), "format": "gif"}}),
                ".image_url.format",
                "unknown_parameter",
            ),
            (
                json!({"type": "text", "text": "a", "file": {}}),
                ".file",
                "unknown_parameter",
            ),
            (
                json!({"type": "text", "text": "a", "s3Location": {}}),
                ".s3Location",
                "unknown_parameter",
            ),
            (
                json!({"type": "file"}),
                ".file",
                "missing_required_parameter",
            ),
            (
                file(json!({})),
                ".file.file_data",
                "missing_required_parameter",
            ),
            (
                file(json!({"file_id": "f"})),
                ".file.file_id",
                "unsupported_parameter",
            ),
            (
                file(json!({"file_data": "Yg=="})),
                ".file.file_data",
                "unsupported_parameter",
            ),
            (
                file(json!({"file_data": "data:application/pdf;base64,Yg=="})),
                ".file.file_data",
                "invalid_value",
            ),
            (
                json!({"type": "input_audio", "input_audio": {}}),
                "",
                "unsupported_parameter",
            ),
            (json!({"type": "video"}), "", "unsupported_parameter"),
            (cached(json!({})), ".cache_control.type", "invalid_value"),
            (
                cached(json!({"type": "forever"})),
                ".cache_control.type",
                "invalid_value",
            ),
            (
                cached(json!({"type": "ephemeral", "ttl": "2h"})),
                ".cache_control.ttl",
                "invalid_value",
            ),
            (
                cached(json!({"type": "ephemeral", "scope": "a"})),
                ".cache_control.scope",
                "unknown_parameter",
            ),
            (
                json!({"type": "text", "text": " ", "cache_control": {"type": "ephemeral"}}),
                ".cache_control",
                "invalid_value",
            ),
        ] {
            refused(part, true, place, code);
        }
        refused(image(&gif()), false, "", "unsupported_parameter");
    }

    #[test]
    fn an_escaped_url_is_the_same_url() {
        let text = format!(
            r#"[{{"type":"image_url","image_url":{{"url":"{}"}}}}]"#,
            gif().replace('/', "\\/")
        );
        let content: Content<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(content.read(PATH, true).unwrap().len(), 1);
    }
}
