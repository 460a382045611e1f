//! Image generation: `POST /v1/images/generations`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::document::Document;
use super::fields::Fields;
use super::limits::Limits;
use super::{answers, bookkeeping, check_length, is_blank, wanted, written};
use crate::Error;
use crate::model::Wanted;

/// The largest input image or mask, in bytes after decoding: in base64 it just fits Lambda's event.
const LARGEST_INPUT: usize = 4 * 1024 * 1024;

/// A request for images.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model.
    pub wanted: Wanted,
    /// How many images.
    pub n: usize,
    /// How they are sent back.
    pub format: Format,
    /// What is to be drawn.
    pub drawing: Drawing,
}

/// How an image is sent back. It is in S3 in both cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As a presigned URL.
    Url,
    /// As base64 in the answer.
    Base64,
}

/// What is to be drawn: the options that a family maps or refuses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawing {
    /// What the image shows.
    pub prompt: String,
    /// What it must not show.
    pub negative_prompt: Option<String>,
    /// Width and height in pixels; `None` leaves it to the model.
    pub size: Option<Size>,
    /// The same seed and request give the same image.
    pub seed: Option<i64>,
    /// Diffusion steps.
    pub steps: Option<i64>,
    /// How closely the image follows the prompt.
    pub cfg_scale: Option<f64>,
    /// A style's name.
    pub style_preset: Option<String>,
    /// A sampler's name.
    pub sampler: Option<String>,
    /// A CLIP guidance preset's name.
    pub clip_guidance_preset: Option<String>,
    /// Options beside the documented ones, handed on as they are.
    pub extras: Option<serde_json::Map<String, serde_json::Value>>,
    /// The image to start from.
    pub image: Option<Bytes>,
    /// Where the image to start from may change.
    pub mask: Option<Bytes>,
    /// What the mask's pixels mean.
    pub mask_source: Option<String>,
    /// How strongly the image to start from shapes the result, 0 to 1.
    pub image_strength: Option<f64>,
    /// Which rule `image_strength` or the schedule follows.
    pub image_mode: Option<String>,
    /// Where in the schedule to start, 0 to 1.
    pub step_schedule_start: Option<f64>,
    /// Where in the schedule to end, 0 to 1.
    pub step_schedule_end: Option<f64>,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl std::fmt::Display for Size {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

impl Request {
    /// Reads a request's JSON body.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        Fields::read(body, |fields| Self::take(fields, limits))
    }

    /// The request that a bare prompt is.
    pub fn of_prompt(prompt: &str, limits: &Limits) -> Result<Self, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            prompt: &'a str,
        }

        Self::parse(&written(&Body { prompt })?, limits)
    }

    /// The names of all fields that a request may have.
    pub fn fields() -> Result<Vec<&'static str>, Error> {
        let smallest = br#"{"prompt":"a"}"#;
        Fields::names(smallest, |fields| Self::take(fields, &Limits::default()))
    }

    fn take(fields: &mut Fields<'_>, limits: &Limits) -> Result<Self, Error> {
        let wanted = wanted(fields)?;
        let n = answers(fields, limits)?;
        let format = match fields.take::<String>("response_format")?.as_deref() {
            None | Some("url") => Format::Url,
            Some("b64_json") => Format::Base64,
            Some(_) => {
                return Err(Error::invalid(
                    "response_format",
                    "it is either `url` or `b64_json`",
                ));
            }
        };
        let drawing = drawing(fields, limits)?;
        fields.neutral("output_format", |format: &String| format == "png")?;
        fields.neutral("quality", |quality: &String| {
            matches!(quality.as_str(), "auto" | "standard")
        })?;
        fields.neutral("style", |_: &String| false)?;
        for name in ["output_compression", "partial_images", "input_fidelity"] {
            fields.refuse(name)?;
        }
        fields.neutral("background", |background: &String| background == "auto")?;
        fields.neutral("moderation", |moderation: &String| moderation == "auto")?;
        fields.neutral("stream", |stream: &bool| !stream)?;
        bookkeeping(fields)?;
        fields.neutral("service_tier", |tier: &String| {
            matches!(tier.as_str(), "auto" | "default")
        })?;
        Ok(Self {
            wanted,
            n,
            format,
            drawing,
        })
    }
}

fn drawing(fields: &mut Fields<'_>, limits: &Limits) -> Result<Drawing, Error> {
    let prompt: String = fields.require("prompt")?;
    if is_blank(&prompt) {
        return Err(Error::invalid("prompt", "it must not be blank"));
    }
    check_length(&prompt, || "prompt".to_owned(), limits)?;
    let drawing = Drawing {
        prompt,
        negative_prompt: fields
            .take("negative_prompt")?
            .filter(|text: &String| !is_blank(text)),
        size: match fields.take::<String>("size")?.as_deref() {
            None | Some("auto") => None,
            Some(text) => Some(size(text)?),
        },
        seed: fields.take("seed")?,
        steps: fields.take("steps")?,
        cfg_scale: fields.take("cfg_scale")?,
        style_preset: fields.take("style_preset")?,
        sampler: fields.take("sampler")?,
        clip_guidance_preset: fields.take("clip_guidance_preset")?,
        extras: fields.object("extras")?,
        image: picture(fields, "image")?,
        mask: picture(fields, "mask")?,
        mask_source: fields.take("mask_source")?,
        image_strength: fields.take("image_strength")?,
        image_mode: fields.take("image_mode")?,
        step_schedule_start: fields.take("step_schedule_start")?,
        step_schedule_end: fields.take("step_schedule_end")?,
    };
    if drawing.image.is_none() {
        let dependent = [
            ("mask", drawing.mask.is_some()),
            ("mask_source", drawing.mask_source.is_some()),
            ("image_strength", drawing.image_strength.is_some()),
            ("image_mode", drawing.image_mode.is_some()),
            ("step_schedule_start", drawing.step_schedule_start.is_some()),
            ("step_schedule_end", drawing.step_schedule_end.is_some()),
        ];
        if let Some((name, _)) = dependent.into_iter().find(|(_, given)| *given) {
            return Err(Error::invalid(name, "it goes with `image` only"));
        }
    }
    Ok(drawing)
}

fn size(text: &str) -> Result<Size, Error> {
    let side = |text: &str| {
        text.parse()
            .ok()
            .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.split_once('x')
        .and_then(|(width, height)| {
            Some(Size {
                width: side(width)?,
                height: side(height)?,
            })
        })
        .ok_or_else(|| Error::invalid("size", "it must be `WIDTHxHEIGHT` in pixels, or `auto`"))
}

/// A picture in base64, bare or as a `data:` URL. Any other URL is refused: none is ever fetched.
fn picture(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Bytes>, Error> {
    let Some(text) = fields.take::<String>(name)? else {
        return Ok(None);
    };
    let encoded = match text.split_once(',') {
        Some((head, encoded)) if head.starts_with("data:image/") && head.ends_with(";base64") => {
            encoded
        }
        Some(_) => {
            return Err(Error::invalid(
                name,
                "a URL must be `data:image/…;base64,…`",
            ));
        }
        None if text.contains("://") => {
            return Err(Error::invalid(
                name,
                "URLs are not fetched; send base64 or a `data:` URL",
            ));
        }
        None => text.as_str(),
    };
    if encoded.len() / 4 * 3 > LARGEST_INPUT {
        return Err(Error::invalid(
            name,
            format!("it must not be larger than {LARGEST_INPUT} bytes"),
        ));
    }
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| Error::invalid(name, "it is not base64"))?;
    if !is_picture(&bytes) {
        return Err(Error::invalid(name, "it is not a PNG, JPEG or WebP image"));
    }
    Ok(Some(bytes.into()))
}

fn is_picture(bytes: &[u8]) -> bool {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp || bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}

/// The answer: OpenAI's list of images.
#[derive(Debug)]
pub struct Response {
    /// Seconds since 1970.
    pub created: u64,
    /// The images.
    pub data: Vec<Image>,
}

/// One image.
#[derive(Debug)]
pub struct Image {
    /// How it is sent back.
    pub delivery: Delivery,
    /// The seed that makes the image again.
    pub seed: Option<u64>,
    /// What else makes it again, but the prompts, by the request's own names.
    pub parameters: Parameters,
    /// Where the PNG is kept.
    pub s3_uri: String,
}

/// An image's model, size and options, as text.
pub type Parameters = BTreeMap<String, String>;

/// How an image is sent back.
#[derive(Debug)]
pub enum Delivery {
    /// A presigned URL.
    Url(String),
    /// The PNG, which becomes `b64_json`.
    Png(Bytes),
}

/// What stands beside `b64_json`.
#[derive(Debug, Serialize)]
struct Described<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    seed: Option<u64>,
    parameters: &'a Parameters,
    s3_uri: &'a str,
}

impl Response {
    /// The answer's JSON. It is put together by hand, so that the images become base64 only while
    /// they are sent.
    pub fn document(self) -> Result<Document, Error> {
        let mut document = Document::default();
        document.text(format!("{{\"created\":{},\"data\":[", self.created));
        for (index, image) in self.data.into_iter().enumerate() {
            if index > 0 {
                document.text(",");
            }
            let Image {
                delivery,
                seed,
                parameters,
                s3_uri,
            } = &image;
            let url = match delivery {
                Delivery::Url(url) => Some(url.as_str()),
                Delivery::Png(_) => None,
            };
            let described = Described {
                url,
                seed: *seed,
                parameters,
                s3_uri,
            };
            let object =
                serde_json::to_string(&described).map_err(|_| Error::defect("document"))?;
            let members = object.strip_prefix('{').unwrap_or_default().to_owned();
            match image.delivery {
                Delivery::Url(_) => document.text(object),
                Delivery::Png(png) => {
                    document.text("{\"b64_json\":\"");
                    document.base64(png);
                    document.text(format!("\",{members}"));
                }
            }
        }
        document.text("]}");
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str, param: &str, code: &str) {
        let error = Request::parse(body.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{body}: {error}"
        );
    }

    #[test]
    fn a_request_leaves_to_the_model_what_it_does_not_say() {
        let request = Request::parse(
            br#"{"prompt":"a horse","size":"auto","quality":"auto","user":"u"}"#,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(
            request.drawing,
            Drawing {
                prompt: "a horse".to_owned(),
                ..Drawing::default()
            }
        );
        assert_eq!((request.n, request.format), (1, Format::Url));
    }

    #[test]
    fn a_picture_is_taken_bare_or_as_a_data_url() {
        let png = STANDARD.encode(b"\x89PNG\r\n\x1a\nrest");
        for image in [png.clone(), format!("data:image/png;base64,{png}")] {
            let body = format!(r#"{{"prompt":"p","image":"{image}"}}"#);
            let drawing = Request::parse(body.as_bytes(), &Limits::default())
                .unwrap()
                .drawing;
            assert_eq!(
                drawing.image.as_deref(),
                Some(b"\x89PNG\r\n\x1a\nrest".as_slice())
            );
        }
    }

    #[test]
    fn bad_input_names_the_field() {
        refused(r#"{"prompt":" "}"#, "prompt", "invalid_value");
        for size in ["1024", "1024x", "+1x1", "ax2", "1024X1024", "99999999999x1"] {
            refused(
                &format!(r#"{{"prompt":"p","size":"{size}"}}"#),
                "size",
                "invalid_value",
            );
        }
        refused(
            r#"{"prompt":"p","image":"http://169.254.169.254/x"}"#,
            "image",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"p","image":"file:///etc/passwd"}"#,
            "image",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"p","image":"data:text/html;base64,AAAA"}"#,
            "image",
            "invalid_value",
        );
        refused(r#"{"prompt":"p","image":"AAAA"}"#, "image", "invalid_value");
        refused(r#"{"prompt":"p","image":"a!"}"#, "image", "invalid_value");
        refused(
            r#"{"prompt":"p","mask":"iVBORw0KGgo="}"#,
            "mask",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"p","output_format":"webp"}"#,
            "output_format",
            "unsupported_parameter",
        );
        refused(
            r#"{"prompt":"p","style":"vivid"}"#,
            "style",
            "unsupported_parameter",
        );
        refused(r#"{"prompt":"p","step":5}"#, "step", "unknown_parameter");
        refused(
            r#"{"prompt":"p","response_format":"gif"}"#,
            "response_format",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"p","output_key":"../x"}"#,
            "output_key",
            "unknown_parameter",
        );
    }

    #[test]
    fn the_answer_is_json_whatever_the_delivery() {
        let image = |delivery| Image {
            delivery,
            seed: Some(7),
            parameters: [("steps".to_owned(), "50".to_owned())].into(),
            s3_uri: "s3://pictures/\"odd\"".to_owned(),
        };
        let response = Response {
            created: 1_700_000_000,
            data: vec![
                image(Delivery::Url("https://a/b?c=d".to_owned())),
                image(Delivery::Png(b"\x89PNG".as_slice().into())),
            ],
        };
        let chunks: Vec<Bytes> = response.document().unwrap().chunks().collect();
        let json: serde_json::Value = serde_json::from_slice(&chunks.concat()).unwrap();
        let uri = "s3://pictures/\"odd\"";
        assert_eq!(
            json,
            serde_json::json!({"created": 1_700_000_000, "data": [
                {"url": "https://a/b?c=d", "seed": 7, "parameters": {"steps": "50"}, "s3_uri": uri},
                {"b64_json": "iVBORw==", "seed": 7, "parameters": {"steps": "50"}, "s3_uri": uri},
            ]})
        );
    }
}
