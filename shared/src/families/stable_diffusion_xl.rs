//! Stability AI Stable Diffusion XL, 0.8 and 1.0: text to image, image to image, masks.
//! Source: AWS userguide, `model-parameters-diffusion-1-0-text-image`, `-image-image`,
//! `-image-image-mask` and `model-parameters-diffusion-0-8`. No traffic was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::image_option::{at_most, between, one_of, refuse_given, unsupported};
use super::{Picture, lenient};
use crate::Error;
use crate::api::image::{Drawing, Size};
use crate::error::{Cause, RequestFault, UpstreamFault};
use crate::model::{Entry, ImageFamily};

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    text_prompts: Vec<TextPrompt<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cfg_scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style_preset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampler: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_guidance_preset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extras: Option<&'a Map<String, Value>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    start: Option<Start<'a>>,
}

/// What image to image adds.
#[derive(Debug, Serialize)]
struct Start<'a> {
    init_image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_image_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_strength: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_schedule_start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_schedule_end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_image: Option<String>,
}

#[derive(Debug, Serialize)]
struct TextPrompt<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    artifacts: Option<Vec<Artifact>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    #[serde(default, deserialize_with = "lenient::count")]
    seed: Option<u64>,
    #[serde(default, deserialize_with = "lenient::text")]
    base64: String,
    // The page's prose spells it with a `d`.
    #[serde(default, alias = "finishedReason")]
    finish_reason: Option<String>,
}

const NAME: &str = ImageFamily::StableDiffusionXl.name();

const SIZES: [Size; 9] = [
    Size {
        width: 1024,
        height: 1024,
    },
    Size {
        width: 1152,
        height: 896,
    },
    Size {
        width: 1216,
        height: 832,
    },
    Size {
        width: 1344,
        height: 768,
    },
    Size {
        width: 1536,
        height: 640,
    },
    Size {
        width: 640,
        height: 1536,
    },
    Size {
        width: 768,
        height: 1344,
    },
    Size {
        width: 832,
        height: 1216,
    },
    Size {
        width: 896,
        height: 1152,
    },
];

const STYLES: [&str; 17] = [
    "3d-model",
    "analog-film",
    // The page prints `animé`, Stability's own API takes `anime`.
    "anime",
    "cinematic",
    "comic-book",
    "digital-art",
    "enhance",
    "fantasy-art",
    "isometric",
    "line-art",
    "low-poly",
    "modeling-compound",
    "neon-punk",
    "origami",
    "photographic",
    "pixel-art",
    "tile-texture",
];

const SAMPLERS: [&str; 10] = [
    "DDIM",
    "DDPM",
    "K_DPMPP_2M",
    "K_DPMPP_2S_ANCESTRAL",
    "K_DPM_2",
    "K_DPM_2_ANCESTRAL",
    "K_EULER",
    "K_EULER_ANCESTRAL",
    "K_HEUN",
    "K_LMS",
];

const CLIP_PRESETS: [&str; 7] = [
    "FAST_BLUE",
    "FAST_GREEN",
    "NONE",
    "SIMPLE",
    "SLOW",
    "SLOWER",
    "SLOWEST",
];

const MASK_SOURCES: [&str; 3] = ["MASK_IMAGE_WHITE", "MASK_IMAGE_BLACK", "INIT_IMAGE_ALPHA"];

const IMAGE_MODES: [&str; 2] = ["IMAGE_STRENGTH", "STEP_SCHEDULE"];

const LONGEST_PROMPT: usize = 2_000;

/// The largest seed; 0 lets the model choose.
pub(super) const LARGEST_SEED: i64 = 4_294_967_295;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V0_8,
    V1_0,
}

impl Version {
    fn of(model: Option<&Entry>) -> Self {
        match model.map(|model| model.id) {
            Some("stability.stable-diffusion-xl" | "stability.stable-diffusion-xl-v0") => {
                Self::V0_8
            }
            Some(_) | None => Self::V1_0,
        }
    }
}

pub(super) fn encode<'a>(
    model: Option<&Entry>,
    drawing: &'a Drawing,
) -> Result<Request<'a>, Error> {
    let version = Version::of(model);
    let Drawing {
        prompt,
        negative_prompt,
        size,
        seed,
        steps,
        cfg_scale,
        style_preset,
        sampler,
        clip_guidance_preset,
        extras,
        image,
        mask,
        mask_source,
        image_strength,
        image_mode,
        step_schedule_start,
        step_schedule_end,
    } = drawing;

    let largest_cfg_scale = match version {
        Version::V0_8 => 30.0,
        Version::V1_0 => 35.0,
    };
    let most_steps = if image.is_some() { 50 } else { 150 };
    at_most("prompt", Some(prompt), LONGEST_PROMPT)?;
    at_most("negative_prompt", negative_prompt.as_ref(), LONGEST_PROMPT)?;
    between("cfg_scale", *cfg_scale, 0.0, largest_cfg_scale)?;
    between("steps", *steps, 10, most_steps)?;
    between("seed", *seed, 0, LARGEST_SEED)?;
    one_of("style_preset", style_preset.as_deref(), &STYLES)?;
    one_of("sampler", sampler.as_deref(), &SAMPLERS)?;
    one_of(
        "clip_guidance_preset",
        clip_guidance_preset.as_deref(),
        &CLIP_PRESETS,
    )?;
    one_of("mask_source", mask_source.as_deref(), &MASK_SOURCES)?;
    one_of("image_mode", image_mode.as_deref(), &IMAGE_MODES)?;
    between("image_strength", *image_strength, 0.0, 1.0)?;
    between("step_schedule_start", *step_schedule_start, 0.0, 1.0)?;
    between("step_schedule_end", *step_schedule_end, 0.0, 1.0)?;
    if version == Version::V0_8 {
        let absent = [
            ("negative_prompt", negative_prompt.is_some()),
            ("style_preset", style_preset.is_some()),
            ("sampler", sampler.is_some()),
            ("clip_guidance_preset", clip_guidance_preset.is_some()),
            ("extras", extras.is_some()),
            ("image", image.is_some()),
        ];
        refuse_given(NAME, "version 0.8 has no such parameter", &absent)?;
    }
    if image_mode.as_deref() == Some("STEP_SCHEDULE") {
        refuse_given(
            NAME,
            "`image_mode` is STEP_SCHEDULE",
            &[("image_strength", image_strength.is_some())],
        )?;
    } else {
        let schedule = [
            ("step_schedule_start", step_schedule_start.is_some()),
            ("step_schedule_end", step_schedule_end.is_some()),
        ];
        refuse_given(NAME, "it goes with `image_mode` STEP_SCHEDULE", &schedule)?;
    }
    let size = dimensions(version, *size, image.is_some())?;
    let start = match image {
        None => None,
        Some(image) => {
            mask_agrees(mask_source.as_deref(), mask.is_some())?;
            Some(Start {
                init_image: STANDARD.encode(image),
                init_image_mode: image_mode.as_deref(),
                image_strength: *image_strength,
                step_schedule_start: *step_schedule_start,
                step_schedule_end: *step_schedule_end,
                mask_source: mask_source.as_deref(),
                mask_image: mask.as_ref().map(|mask| STANDARD.encode(mask)),
            })
        }
    };
    // A negative prompt is a prompt whose weight is below zero.
    let mut text_prompts = vec![TextPrompt {
        text: prompt,
        weight: None,
    }];
    text_prompts.extend(negative_prompt.as_deref().map(|text| TextPrompt {
        text,
        weight: Some(-1.0),
    }));
    Ok(Request {
        text_prompts,
        height: size.map(|size| size.height),
        width: size.map(|size| size.width),
        cfg_scale: *cfg_scale,
        seed: *seed,
        steps: *steps,
        style_preset: style_preset.as_deref(),
        sampler: sampler.as_deref(),
        clip_guidance_preset: clip_guidance_preset.as_deref(),
        extras: extras.as_ref(),
        start,
    })
}

/// The size to ask for. Version 0.8 has only 512x512 and no field for it; an image that starts
/// from another has that one's size.
fn dimensions(
    version: Version,
    size: Option<Size>,
    has_image: bool,
) -> Result<Option<Size>, Error> {
    match (version, size) {
        (_, None) => Ok(None),
        (_, Some(_)) if has_image => Err(unsupported(
            NAME,
            "size",
            "the result has the size of `image`",
        )),
        (
            Version::V0_8,
            Some(Size {
                width: 512,
                height: 512,
            }),
        ) => Ok(None),
        (Version::V0_8, Some(_)) => {
            Err(unsupported(NAME, "size", "version 0.8 draws 512x512 only"))
        }
        (Version::V1_0, Some(size)) if SIZES.contains(&size) => Ok(Some(size)),
        (Version::V1_0, Some(_)) => {
            let sizes: Vec<_> = SIZES.iter().map(Size::to_string).collect();
            Err(Error::invalid(
                "size",
                format!("it must be one of {}", sizes.join(", ")),
            ))
        }
    }
}

fn mask_agrees(source: Option<&str>, has_mask: bool) -> Result<(), Error> {
    match (source, has_mask) {
        (None, true) => Err(Error::missing("mask_source")),
        (Some("MASK_IMAGE_WHITE" | "MASK_IMAGE_BLACK"), false) => Err(Error::missing("mask")),
        (Some(_) | None, _) => Ok(()),
    }
}

pub(super) fn decode(response: Response) -> Result<Picture, Error> {
    let Response { result, artifacts } = response;
    let failed = |part| Error::Upstream {
        fault: UpstreamFault::ModelFailed,
        cause: Cause::of(part),
    };
    let artifact = match (result.as_deref(), artifacts) {
        (Some("error"), _) => return Err(failed("result")),
        (_, None) => return Err(Error::malformed(NAME, "artifacts")),
        (_, Some(artifacts)) => artifacts
            .into_iter()
            .next()
            .ok_or_else(|| Error::image_invalid("there is none"))?,
    };
    match artifact.finish_reason.as_deref() {
        None | Some("SUCCESS") => Ok(Picture {
            base64: artifact.base64,
            seed: artifact.seed,
        }),
        Some("CONTENT_FILTERED") => Err(RequestFault::Filtered {
            reason: "the model filtered the image".to_owned(),
        }
        .into()),
        Some(_) => Err(failed("finishReason")),
    }
}
