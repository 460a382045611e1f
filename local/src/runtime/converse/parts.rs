//! Blocks beside text. No local model sees a picture or reads a document: what a model would be
//! shown becomes a label in the turn's text, which says what came (`docs: API_runtime_ContentBlock`,
//! `API_runtime_ImageBlock`, `API_runtime_DocumentBlock`, `API_runtime_CachePointBlock`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::thinking;
use crate::catalogue::Model;
use crate::error::{Failure, Kind};

/// Bedrock's limit of a picture, in bytes.
const LARGEST_IMAGE: usize = 3_932_160;
/// Bedrock's limit of a picture's side, in pixels.
const LONGEST_SIDE: u32 = 8_000;
/// Bedrock's limit of a document, in bytes.
const LARGEST_DOCUMENT: usize = 4_718_592;
/// How many pictures a message may hold.
const MOST_IMAGES: usize = 20;
/// How many documents a message may hold.
const MOST_DOCUMENTS: usize = 5;
/// How many cache points a request may hold.
const MOST_CACHE_POINTS: usize = 4;
/// The kinds of documents.
const DOCUMENTS: [&str; 9] = [
    "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md",
];

#[derive(Deserialize)]
pub(super) struct Image {
    format: String,
    source: Source,
}

#[derive(Deserialize)]
pub(super) struct Document {
    format: String,
    name: String,
    source: Source,
}

/// Only bytes are taken here: nothing is fetched from S3.
#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    bytes: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CachePoint {
    r#type: String,
    #[serde(default)]
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reasoning {
    #[serde(default)]
    reasoning_text: Option<ReasoningText>,
    #[serde(default)]
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    text: String,
    #[serde(default)]
    signature: Option<String>,
}

/// What has been counted of a message's parts.
#[derive(Default)]
pub(super) struct Counted {
    images: usize,
    documents: usize,
    texts: usize,
}

impl Counted {
    pub(super) fn text(&mut self) {
        self.texts += 1;
    }

    /// What a picture is, as the local model reads it.
    pub(super) fn image(&mut self, model: &Model, image: Image) -> Result<String, Failure> {
        if !model.sees {
            return Err(Failure::validation(
                "This model doesn't support the image content block that you provided. Remove the image and \
                 try again.",
            ));
        }
        self.images += 1;
        if self.images > MOST_IMAGES {
            return Err(Failure::validation(format!(
                "too many images: {} > {MOST_IMAGES}",
                self.images
            )));
        }
        let bytes = image.source.read("image", LARGEST_IMAGE)?;
        let (format, width, height) = size_of(&bytes)
            .ok_or_else(|| Failure::validation("Could not process image. It may be corrupt."))?;
        if format != image.format {
            return Err(Failure::validation(format!(
                "The image was specified using the {} format, but its bytes are {format}.",
                image.format
            )));
        }
        if width.max(height) > LONGEST_SIDE {
            return Err(Failure::validation(format!(
                "At least one of the image dimensions exceed max allowed size: {LONGEST_SIDE} pixels"
            )));
        }
        Ok(format!("[image: {format}, {width}x{height}, not seen]"))
    }

    /// What a document is, as the local model reads it.
    pub(super) fn document(&mut self, document: Document) -> Result<String, Failure> {
        let Document {
            format,
            name,
            source,
        } = document;
        if !DOCUMENTS.contains(&format.as_str()) {
            return Err(Failure::validation(format!(
                "{format} is not a valid enum value"
            )));
        }
        let allowed =
            |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '(' | ')' | '[' | ']');
        if name.is_empty()
            || name.chars().count() > 200
            || !name.chars().all(allowed)
            || name.contains("  ")
        {
            return Err(Failure::validation(
                "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, \
                 parentheses, and square brackets. The name can't contain more than one consecutive whitespace \
                 character.",
            ));
        }
        self.documents += 1;
        if self.documents > MOST_DOCUMENTS {
            return Err(Failure::validation(format!(
                "too many documents: {} > {MOST_DOCUMENTS}",
                self.documents
            )));
        }
        let bytes = source.read("document", LARGEST_DOCUMENT)?;
        Ok(format!(
            "[document: {format}, {} bytes, not read]",
            bytes.len()
        ))
    }

    /// A document goes with a text block.
    pub(super) fn check(&self, path: &str) -> Result<(), Failure> {
        if self.documents > 0 && self.texts == 0 {
            return Err(Failure::validation(format!(
                "A text block must be included with documents ({path})."
            )));
        }
        Ok(())
    }
}

impl Source {
    fn read(self, what: &str, most: usize) -> Result<Vec<u8>, Failure> {
        let bytes = self
            .bytes
            .and_then(|bytes| BASE64_STANDARD.decode(bytes).ok())
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| Failure::validation(format!("The {what}'s source has no bytes.")))?;
        if bytes.len() > most {
            return Err(Failure::validation(format!(
                "The {what} exceeds the limit of {most} bytes."
            )));
        }
        Ok(bytes)
    }
}

impl CachePoint {
    /// Whether the model caches prompts, and whether the point is one.
    pub(super) fn check(&self, model: &Model, points: usize) -> Result<(), Failure> {
        if !caches(model) {
            return Err(Failure::new(
                Kind::AccessDenied,
                "You invoked an unsupported model or your request did not allow prompt caching. See the \
                 documentation for more information.",
            ));
        }
        if self.r#type != "default" || !matches!(self.ttl.as_deref(), None | Some("5m" | "1h")) {
            return Err(Failure::validation("The cache point is not valid."));
        }
        if points > MOST_CACHE_POINTS {
            return Err(Failure::validation(format!(
                "A maximum of {MOST_CACHE_POINTS} blocks with cache_control may be provided. Found {points}."
            )));
        }
        Ok(())
    }
}

/// Nova, and Claude since 3.5 Haiku (`docs: prompt-caching`).
fn caches(model: &Model) -> bool {
    let id = model.id;
    let claude = [
        "claude-3-5-haiku",
        "claude-3-5-sonnet-20241022",
        "claude-3-7",
        "-4-",
        "-5",
    ];
    id.starts_with("amazon.nova")
        || (id.starts_with("anthropic.claude-") && claude.iter().any(|part| id.contains(part)))
}

impl Reasoning {
    /// What a model thought comes back as its maker signed it, in the model's own turns.
    pub(super) fn check(
        self,
        model: &Model,
        is_assistant: bool,
        path: &str,
    ) -> Result<(), Failure> {
        if !is_assistant || !thinking::returns(model) {
            return Err(Failure::validation(
                "User messages cannot contain reasoning content. Please remove the reasoning content and try \
                 again.",
            ));
        }
        if let Some(ReasoningText { text, signature }) = self.reasoning_text {
            let Some(signature) = signature else {
                return Err(Failure::validation(format!(
                    "{path}.thinking.signature: Field required"
                )));
            };
            if signature != thinking::signature(&text) {
                return Err(Failure::validation(format!(
                    "{path}: Invalid `signature` in `thinking` block"
                )));
            }
        } else if self.redacted_content.is_none() {
            return Err(Failure::validation(format!(
                "{path}: the reasoning block is empty"
            )));
        }
        Ok(())
    }
}

/// The kind, the width and the height that a picture's bytes say.
fn size_of(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let be16 = |at: usize| {
        Some(u32::from(u16::from_be_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let be32 = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let le16 = |at: usize| {
        Some(u32::from(u16::from_le_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("png", be32(16)?, be32(20)?)),
        [b'G', b'I', b'F', b'8', ..] => Some(("gif", le16(6)?, le16(8)?)),
        [b'R', b'I', b'F', b'F', ..] if bytes.get(8..12)? == b"WEBP" => match bytes.get(12..16)? {
            b"VP8X" => Some(("webp", 1 + le16(24)?, 1 + le16(27)?)),
            b"VP8 " => Some(("webp", le16(26)? & 0x3fff, le16(28)? & 0x3fff)),
            _ => {
                let packed = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
                Some(("webp", 1 + (packed & 0x3fff), 1 + (packed >> 14 & 0x3fff)))
            }
        },
        [0xff, 0xd8, ..] => {
            let mut at = 2;
            while let [0xff, marker] = bytes.get(at..at + 2)? {
                match marker {
                    0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                        return Some(("jpeg", be16(at + 7)?, be16(at + 5)?));
                    }
                    0xff => at += 1,
                    _ => at += 2 + usize::try_from(be16(at + 2)?).ok()?,
                }
            }
            None
        }
        _ => None,
    }
}
