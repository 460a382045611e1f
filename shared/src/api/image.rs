//! Image generation: `POST /v1/images/generations`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::document::Document;
use super::fields::Fields;
use super::limits::Limits;
use super::{answers, bookkeeping, check_length, is_blank, wanted, written};
use crate::Error;
use crate::closed_set::closed_set;
use crate::model::Wanted;

/// The largest input image or mask, in bytes after decoding: in base64 it just fits Lambda's event.
const LARGEST_INPUT: usize = 4 * 1024 * 1024;

/// The quality that every model draws in unless it is told otherwise.
const STANDARD_QUALITY: &str = "standard";

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

closed_set! {
    /// A type of image files.
    pub enum FileType {
        /// PNG.
        Png = "png",
        /// JPEG.
        Jpeg = "jpeg",
        /// WebP.
        WebP = "webp",
    }
}

impl FileType {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

/// What is to be drawn: the options that a family maps or refuses. [`Choice`] has their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawing {
    /// What the image shows; required where there is no image to start from.
    pub prompt: Option<String>,
    /// What it must not show.
    pub negative_prompt: Option<String>,
    /// What is done, by the vendor's name; `None` leaves it to follow from the other options.
    pub task: Option<String>,
    /// Width and height in pixels; `None` leaves it to the model.
    pub size: Option<Size>,
    /// The type of the file; `None` leaves it to the family, which is PNG.
    pub output_format: Option<FileType>,
    /// A quality's name.
    pub quality: Option<String>,
    /// A visual style's name.
    pub style: Option<String>,
    /// The same seed and request give the same image.
    pub seed: Option<i64>,
    /// Diffusion steps.
    pub steps: Option<i64>,
    /// How closely the image follows the prompt.
    pub cfg_scale: Option<f64>,
    /// A style preset's name.
    pub style_preset: Option<String>,
    /// A sampler's name.
    pub sampler: Option<String>,
    /// A CLIP guidance preset's name.
    pub clip_guidance_preset: Option<String>,
    /// Options beside the documented ones, handed on as they are.
    pub extras: Option<serde_json::Map<String, serde_json::Value>>,
    /// The images to start from.
    pub images: Vec<Bytes>,
    /// How far the result may leave the image to start from, 0 to 1.
    pub strength: Option<f64>,
    /// How strongly the image to start from shapes the result, 0 to 1.
    pub image_strength: Option<f64>,
    /// Which rule `image_strength` or the schedule follows.
    pub image_mode: Option<String>,
    /// Where in the schedule to start, 0 to 1.
    pub step_schedule_start: Option<f64>,
    /// Where in the schedule to end, 0 to 1.
    pub step_schedule_end: Option<f64>,
    /// Where the image to start from may change.
    pub mask: Option<Bytes>,
    /// What the mask's pixels mean.
    pub mask_source: Option<String>,
    /// Where that is, in words.
    pub mask_prompt: Option<String>,
    /// Whether outpainting may change what it extends.
    pub outpainting_mode: Option<String>,
    /// What of the image to start from is kept: a mode's name.
    pub control_mode: Option<String>,
    /// How closely that is kept, 0 to 1.
    pub control_strength: Option<f64>,
    /// How similar a variation is to the images to start from.
    pub similarity_strength: Option<f64>,
    /// Colours to draw in, as `#RRGGBB`.
    pub colors: Option<Vec<String>>,
    /// An image that has the colours, or what is tried on.
    pub reference_image: Option<Bytes>,
    /// The shape that a mask is given.
    pub mask_shape: Option<String>,
    /// What is tried on.
    pub garment_class: Option<String>,
    /// How its long sleeves are worn.
    pub long_sleeve_style: Option<String>,
    /// Whether it is tucked in.
    pub tucking_style: Option<String>,
    /// Whether it is worn open.
    pub outer_layer_style: Option<String>,
    /// Whether the pose is kept.
    pub preserve_body_pose: Option<String>,
    /// Whether the hands are kept.
    pub preserve_hands: Option<String>,
    /// Whether the face is kept.
    pub preserve_face: Option<String>,
    /// How what is tried on is merged in.
    pub merge_style: Option<String>,
}

closed_set! {
    /// What a drawing may say.
    pub enum Choice {
        /// What the image shows.
        Prompt = "prompt",
        /// What it must not show.
        NegativePrompt = "negative_prompt",
        /// What is done.
        Task = "task",
        /// Width and height.
        Size = "size",
        /// The type of the file.
        OutputFormat = "output_format",
        /// A quality's name.
        Quality = "quality",
        /// A visual style's name.
        Style = "style",
        /// The seed.
        Seed = "seed",
        /// Diffusion steps.
        Steps = "steps",
        /// How closely the image follows the prompt.
        CfgScale = "cfg_scale",
        /// A style preset's name.
        StylePreset = "style_preset",
        /// A sampler's name.
        Sampler = "sampler",
        /// A CLIP guidance preset's name.
        ClipGuidancePreset = "clip_guidance_preset",
        /// Options that are handed on.
        Extras = "extras",
        /// The images to start from.
        Image = "image",
        /// How far the result may leave them.
        Strength = "strength",
        /// How strongly they shape the result.
        ImageStrength = "image_strength",
        /// The rule of strength or schedule.
        ImageMode = "image_mode",
        /// Where in the schedule to start.
        StepScheduleStart = "step_schedule_start",
        /// Where in the schedule to end.
        StepScheduleEnd = "step_schedule_end",
        /// Where an image may change.
        Mask = "mask",
        /// What the mask's pixels mean.
        MaskSource = "mask_source",
        /// Where an image may change, in words.
        MaskPrompt = "mask_prompt",
        /// The mode of outpainting.
        OutpaintingMode = "outpainting_mode",
        /// What of the image is kept.
        ControlMode = "control_mode",
        /// How closely that is kept.
        ControlStrength = "control_strength",
        /// How similar a variation is.
        SimilarityStrength = "similarity_strength",
        /// Colours to draw in.
        Colors = "colors",
        /// An image to refer to.
        ReferenceImage = "reference_image",
        /// The shape that a mask is given.
        MaskShape = "mask_shape",
        /// What is tried on.
        GarmentClass = "garment_class",
        /// How long sleeves are worn.
        LongSleeveStyle = "long_sleeve_style",
        /// Whether it is tucked in.
        TuckingStyle = "tucking_style",
        /// Whether it is worn open.
        OuterLayerStyle = "outer_layer_style",
        /// Whether the pose is kept.
        PreserveBodyPose = "preserve_body_pose",
        /// Whether the hands are kept.
        PreserveHands = "preserve_hands",
        /// Whether the face is kept.
        PreserveFace = "preserve_face",
        /// How what is tried on is merged in.
        MergeStyle = "merge_style",
    }
}

/// The value of a choice that was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A number that may have a fraction.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A text or a name.
    Text(&'a str),
    /// Width and height.
    Size(Size),
    /// So many pictures.
    Pictures(usize),
    /// Several texts.
    Texts(&'a [String]),
    /// An object with any keys.
    Object,
}

impl Drawing {
    /// What was said, in the order of [`Choice::ALL`]. What every family does in any case, a PNG of
    /// standard quality, is as if it were not said.
    pub fn given(&self) -> impl Iterator<Item = (Choice, Value<'_>)> {
        let Self {
            prompt,
            negative_prompt,
            task,
            size,
            output_format,
            quality,
            style,
            seed,
            steps,
            cfg_scale,
            style_preset,
            sampler,
            clip_guidance_preset,
            extras,
            images,
            strength,
            image_strength,
            image_mode,
            step_schedule_start,
            step_schedule_end,
            mask,
            mask_source,
            mask_prompt,
            outpainting_mode,
            control_mode,
            control_strength,
            similarity_strength,
            colors,
            reference_image,
            mask_shape,
            garment_class,
            long_sleeve_style,
            tucking_style,
            outer_layer_style,
            preserve_body_pose,
            preserve_hands,
            preserve_face,
            merge_style,
        } = self;
        fn text(text: &Option<String>) -> Option<Value<'_>> {
            text.as_deref().map(Value::Text)
        }

        let number = |number: &Option<f64>| number.map(Value::Number);
        let integer = |number: &Option<i64>| number.map(Value::Integer);
        let file_type = output_format.filter(|file_type| *file_type != FileType::Png);
        let quality = quality
            .as_deref()
            .filter(|quality| *quality != STANDARD_QUALITY);
        let several = (!images.is_empty()).then_some(Value::Pictures(images.len()));
        [
            (Choice::Prompt, text(prompt)),
            (Choice::NegativePrompt, text(negative_prompt)),
            (Choice::Task, text(task)),
            (Choice::Size, size.map(Value::Size)),
            (
                Choice::OutputFormat,
                file_type.map(|file_type| Value::Text(file_type.name())),
            ),
            (Choice::Quality, quality.map(Value::Text)),
            (Choice::Style, text(style)),
            (Choice::Seed, integer(seed)),
            (Choice::Steps, integer(steps)),
            (Choice::CfgScale, number(cfg_scale)),
            (Choice::StylePreset, text(style_preset)),
            (Choice::Sampler, text(sampler)),
            (Choice::ClipGuidancePreset, text(clip_guidance_preset)),
            (Choice::Extras, extras.as_ref().map(|_| Value::Object)),
            (Choice::Image, several),
            (Choice::Strength, number(strength)),
            (Choice::ImageStrength, number(image_strength)),
            (Choice::ImageMode, text(image_mode)),
            (Choice::StepScheduleStart, number(step_schedule_start)),
            (Choice::StepScheduleEnd, number(step_schedule_end)),
            (Choice::Mask, mask.as_ref().map(|_| Value::Pictures(1))),
            (Choice::MaskSource, text(mask_source)),
            (Choice::MaskPrompt, text(mask_prompt)),
            (Choice::OutpaintingMode, text(outpainting_mode)),
            (Choice::ControlMode, text(control_mode)),
            (Choice::ControlStrength, number(control_strength)),
            (Choice::SimilarityStrength, number(similarity_strength)),
            (Choice::Colors, colors.as_deref().map(Value::Texts)),
            (
                Choice::ReferenceImage,
                reference_image.as_ref().map(|_| Value::Pictures(1)),
            ),
            (Choice::MaskShape, text(mask_shape)),
            (Choice::GarmentClass, text(garment_class)),
            (Choice::LongSleeveStyle, text(long_sleeve_style)),
            (Choice::TuckingStyle, text(tucking_style)),
            (Choice::OuterLayerStyle, text(outer_layer_style)),
            (Choice::PreserveBodyPose, text(preserve_body_pose)),
            (Choice::PreserveHands, text(preserve_hands)),
            (Choice::PreserveFace, text(preserve_face)),
            (Choice::MergeStyle, text(merge_style)),
        ]
        .into_iter()
        .filter_map(|(choice, value)| Some((choice, value?)))
    }
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
        fields.neutral("return_mask", |wanted: &bool| !wanted)?;
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
    let drawing = Drawing {
        prompt: prompt(fields, limits)?,
        negative_prompt: fields
            .take("negative_prompt")?
            .filter(|text: &String| !is_blank(text)),
        task: fields.take("task")?,
        size: match fields.take::<String>("size")?.as_deref() {
            None | Some("auto") => None,
            Some(text) => Some(size(text)?),
        },
        output_format: fields
            .take::<String>("output_format")?
            .map(|name| file_type(&name))
            .transpose()?,
        quality: match fields.take::<String>("quality")?.as_deref() {
            None | Some("auto") => None,
            // OpenAI's word.
            Some("hd") => Some("premium".to_owned()),
            Some(quality) => Some(quality.to_owned()),
        },
        style: fields.take("style")?,
        seed: fields.take("seed")?,
        steps: fields.take("steps")?,
        cfg_scale: fields.take("cfg_scale")?,
        style_preset: fields.take("style_preset")?,
        sampler: fields.take("sampler")?,
        clip_guidance_preset: fields.take("clip_guidance_preset")?,
        extras: fields.object("extras")?,
        images: match fields.take("image")? {
            None => Vec::new(),
            Some(OneOrMore::One(text)) => vec![picture(&text, "image")?],
            Some(OneOrMore::More(texts)) => texts
                .iter()
                .map(|text| picture(text, "image"))
                .collect::<Result<_, _>>()?,
        },
        strength: fields.take("strength")?,
        image_strength: fields.take("image_strength")?,
        image_mode: fields.take("image_mode")?,
        step_schedule_start: fields.take("step_schedule_start")?,
        step_schedule_end: fields.take("step_schedule_end")?,
        mask: one_picture(fields, "mask")?,
        mask_source: fields.take("mask_source")?,
        mask_prompt: fields.take("mask_prompt")?,
        outpainting_mode: fields.take("outpainting_mode")?,
        control_mode: fields.take("control_mode")?,
        control_strength: fields.take("control_strength")?,
        similarity_strength: fields.take("similarity_strength")?,
        colors: fields.take("colors")?,
        reference_image: one_picture(fields, "reference_image")?,
        mask_shape: fields.take("mask_shape")?,
        garment_class: fields.take("garment_class")?,
        long_sleeve_style: fields.take("long_sleeve_style")?,
        tucking_style: fields.take("tucking_style")?,
        outer_layer_style: fields.take("outer_layer_style")?,
        preserve_body_pose: fields.take("preserve_body_pose")?,
        preserve_hands: fields.take("preserve_hands")?,
        preserve_face: fields.take("preserve_face")?,
        merge_style: fields.take("merge_style")?,
    };
    if drawing.images.is_empty() {
        if let Some((choice, _)) = drawing.given().find(|(choice, _)| choice.goes_with_image()) {
            return Err(Error::invalid(choice.name(), "it goes with `image` only"));
        }
        if drawing.prompt.is_none() {
            return Err(Error::missing("prompt"));
        }
    }
    Ok(drawing)
}

impl Choice {
    /// Whether it says something of the image to start from.
    const fn goes_with_image(self) -> bool {
        match self {
            Self::Strength
            | Self::ImageStrength
            | Self::ImageMode
            | Self::StepScheduleStart
            | Self::StepScheduleEnd
            | Self::Mask
            | Self::MaskSource
            | Self::MaskPrompt
            | Self::OutpaintingMode
            | Self::ControlMode
            | Self::ControlStrength
            | Self::SimilarityStrength
            | Self::MaskShape
            | Self::GarmentClass
            | Self::LongSleeveStyle
            | Self::TuckingStyle
            | Self::OuterLayerStyle
            | Self::PreserveBodyPose
            | Self::PreserveHands
            | Self::PreserveFace
            | Self::MergeStyle => true,
            Self::Prompt
            | Self::NegativePrompt
            | Self::Task
            | Self::Size
            | Self::OutputFormat
            | Self::Quality
            | Self::Style
            | Self::Seed
            | Self::Steps
            | Self::CfgScale
            | Self::StylePreset
            | Self::Sampler
            | Self::ClipGuidancePreset
            | Self::Extras
            | Self::Image
            | Self::Colors
            | Self::ReferenceImage => false,
        }
    }
}

fn prompt(fields: &mut Fields<'_>, limits: &Limits) -> Result<Option<String>, Error> {
    let Some(prompt) = fields.take::<String>("prompt")? else {
        return Ok(None);
    };
    if is_blank(&prompt) {
        return Err(Error::invalid("prompt", "it must not be blank"));
    }
    check_length(&prompt, || "prompt".to_owned(), limits)?;
    Ok(Some(prompt))
}

fn file_type(name: &str) -> Result<FileType, Error> {
    let known = FileType::ALL.iter().copied();
    let mut named = known.filter(|file_type| file_type.name() == name);
    named
        .next()
        .ok_or_else(|| Error::invalid("output_format", "it must be `png`, `jpeg` or `webp`"))
}

/// A text, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
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

fn one_picture(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Bytes>, Error> {
    let text = fields.take::<String>(name)?;
    text.map(|text| picture(&text, name)).transpose()
}

/// A picture in base64, bare or as a `data:` URL. Any other URL is refused: none is ever fetched.
fn picture(text: &str, name: &'static str) -> Result<Bytes, Error> {
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
        None => text,
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
    Ok(bytes.into())
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
    /// Where the file is kept.
    pub s3_uri: String,
}

/// An image's model, size and options, as text.
pub type Parameters = BTreeMap<String, String>;

/// How an image is sent back.
#[derive(Debug)]
pub enum Delivery {
    /// A presigned URL.
    Url(String),
    /// The file, which becomes `b64_json`.
    File(Bytes),
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
                Delivery::File(_) => None,
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
                Delivery::File(file) => {
                    document.text("{\"b64_json\":\"");
                    document.base64(file);
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
                prompt: Some("a horse".to_owned()),
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
            assert_eq!(drawing.images, [b"\x89PNG\r\n\x1a\nrest".as_slice()]);
        }
        let body = format!(r#"{{"image":["{png}","{png}"]}}"#);
        let request = Request::parse(body.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(request.drawing.images.len(), 2);
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
            r#"{"prompt":"p","output_format":"gif"}"#,
            "output_format",
            "invalid_value",
        );
        refused(r#"{"seed":7}"#, "prompt", "missing_required_parameter");
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
                image(Delivery::File(b"\x89PNG".as_slice().into())),
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
