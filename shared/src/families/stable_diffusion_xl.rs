//! Stability AI Stable Diffusion XL, 0.8 and 1.0: text to image, image to image, masks.
//! Source: AWS userguide, `model-parameters-diffusion-1-0-text-image`, `-image-image`,
//! `-image-image-mask` and `model-parameters-diffusion-0-8`. No traffic was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::image_option::{self, ImageBounds, ImageRule, refuse_given};
use super::{File, Picture, Pictures, Seeds, lenient};
use crate::Error;
use crate::api::image::{Choice, Drawing, Size};
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
pub(super) struct Response<'a> {
    #[serde(default)]
    result: Option<String>,
    #[serde(default, borrow)]
    artifacts: Option<Vec<Artifact<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact<'a> {
    #[serde(default, deserialize_with = "lenient::count")]
    seed: Option<u64>,
    #[serde(default, borrow)]
    base64: Option<File<'a>>,
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

/// The seeds; 0 lets the model choose.
pub(super) const SEEDS: Seeds = Seeds {
    first: 1,
    last: 4_294_967_295,
    default: None,
};

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

pub(super) fn rule(model: Option<&Entry>, choice: Choice) -> ImageRule {
    let version = Version::of(model);
    let only_1_0 = |rule| match version {
        Version::V0_8 => ImageRule::Refused {
            reason: "version 0.8 has no such parameter",
        },
        Version::V1_0 => rule,
    };
    let with_image = |native, bounds| {
        only_1_0(ImageRule::Mapped {
            native,
            bounds,
            default: "none; with `image`",
        })
    };
    let name = |native, names| {
        only_1_0(ImageRule::Mapped {
            native,
            bounds: ImageBounds::OneOf(names),
            default: "the model's own",
        })
    };
    match choice {
        Choice::Prompt => ImageRule::Mapped {
            native: "text_prompts",
            bounds: ImageBounds::Text(LONGEST_PROMPT),
            default: "none; required",
        },
        Choice::NegativePrompt => only_1_0(ImageRule::Mapped {
            native: "text_prompts",
            bounds: ImageBounds::Text(LONGEST_PROMPT),
            default: "none; its weight is -1",
        }),
        Choice::Size => ImageRule::Mapped {
            native: "width, height",
            bounds: ImageBounds::Sizes(match version {
                Version::V0_8 => &[Size {
                    width: 512,
                    height: 512,
                }],
                Version::V1_0 => &SIZES,
            }),
            default: "the model's own; none with `image`",
        },
        Choice::Seed => ImageRule::Mapped {
            native: "seed",
            bounds: ImageBounds::Integer(0, SEEDS.last),
            default: "0, which is random",
        },
        Choice::Steps => ImageRule::Mapped {
            native: "steps",
            bounds: ImageBounds::Integer(10, 150),
            default: "30; at most 50 with `image`",
        },
        Choice::CfgScale => ImageRule::Mapped {
            native: "cfg_scale",
            bounds: ImageBounds::Number(
                0.0,
                match version {
                    Version::V0_8 => 30.0,
                    Version::V1_0 => 35.0,
                },
            ),
            default: match version {
                Version::V0_8 => "10",
                Version::V1_0 => "7",
            },
        },
        Choice::StylePreset => name("style_preset", &STYLES),
        Choice::Sampler => name("sampler", &SAMPLERS),
        Choice::ClipGuidancePreset => name("clip_guidance_preset", &CLIP_PRESETS),
        Choice::Extras => only_1_0(ImageRule::Mapped {
            native: "extras",
            bounds: ImageBounds::Object,
            default: "none",
        }),
        Choice::Image => only_1_0(ImageRule::Mapped {
            native: "init_image",
            bounds: ImageBounds::Pictures(1),
            default: "none",
        }),
        Choice::ImageStrength => with_image("image_strength", ImageBounds::Number(0.0, 1.0)),
        Choice::ImageMode => with_image("init_image_mode", ImageBounds::OneOf(&IMAGE_MODES)),
        Choice::StepScheduleStart => {
            with_image("step_schedule_start", ImageBounds::Number(0.0, 1.0))
        }
        Choice::StepScheduleEnd => with_image("step_schedule_end", ImageBounds::Number(0.0, 1.0)),
        Choice::Mask => with_image("mask_image", ImageBounds::Pictures(1)),
        Choice::MaskSource => with_image("mask_source", ImageBounds::OneOf(&MASK_SOURCES)),
        Choice::Strength => ImageRule::Refused {
            reason: "send `image_strength`, which counts the other way round: 1 keeps the image",
        },
        Choice::Task => ImageRule::Refused {
            reason: "it follows from `image` and `mask`",
        },
        Choice::OutputFormat => ImageRule::Refused {
            reason: "it draws PNG only",
        },
        Choice::Style => ImageRule::Refused {
            reason: "send `style_preset`",
        },
        Choice::Quality
        | Choice::MaskPrompt
        | Choice::OutpaintingMode
        | Choice::ControlMode
        | Choice::ControlStrength
        | Choice::SimilarityStrength
        | Choice::Colors
        | Choice::ReferenceImage
        | Choice::MaskShape
        | Choice::GarmentClass
        | Choice::LongSleeveStyle
        | Choice::TuckingStyle
        | Choice::OuterLayerStyle
        | Choice::PreserveBodyPose
        | Choice::PreserveHands
        | Choice::PreserveFace
        | Choice::MergeStyle => ImageRule::NO_SUCH,
    }
}

/// The body of a drawing that has been checked.
pub(super) fn encode<'a>(
    model: Option<&Entry>,
    drawing: &'a Drawing,
) -> Result<Request<'a>, Error> {
    let image = drawing.images.first();
    if image.is_some() {
        let reason = "the result has the size of `image`";
        refuse_given(NAME, reason, drawing, &[Choice::Size])?;
        if drawing.steps.is_some_and(|steps| steps > 50) {
            return Err(Error::invalid(
                Choice::Steps.name(),
                "it must be at most 50 with `image`",
            ));
        }
    }
    let schedule = [Choice::StepScheduleStart, Choice::StepScheduleEnd];
    if drawing.image_mode.as_deref() == Some("STEP_SCHEDULE") {
        let reason = "`image_mode` is STEP_SCHEDULE";
        refuse_given(NAME, reason, drawing, &[Choice::ImageStrength])?;
    } else {
        let reason = "it goes with `image_mode` STEP_SCHEDULE";
        refuse_given(NAME, reason, drawing, &schedule)?;
    }
    let start = match image {
        None => None,
        Some(image) => {
            mask_agrees(drawing.mask_source.as_deref(), drawing.mask.is_some())?;
            Some(Start {
                init_image: STANDARD.encode(image),
                init_image_mode: drawing.image_mode.as_deref(),
                image_strength: drawing.image_strength,
                step_schedule_start: drawing.step_schedule_start,
                step_schedule_end: drawing.step_schedule_end,
                mask_source: drawing.mask_source.as_deref(),
                mask_image: drawing.mask.as_ref().map(|mask| STANDARD.encode(mask)),
            })
        }
    };
    // A negative prompt is a prompt whose weight is below zero.
    let mut text_prompts = vec![TextPrompt {
        text: image_option::prompt(drawing)?,
        weight: None,
    }];
    let negative = drawing.negative_prompt.as_deref();
    text_prompts.extend(negative.map(|text| TextPrompt {
        text,
        weight: Some(-1.0),
    }));
    // Version 0.8 has one size and no field for it.
    let size = match Version::of(model) {
        Version::V0_8 => None,
        Version::V1_0 => drawing.size,
    };
    Ok(Request {
        text_prompts,
        height: size.map(|size| size.height),
        width: size.map(|size| size.width),
        cfg_scale: drawing.cfg_scale,
        seed: drawing.seed,
        steps: drawing.steps,
        style_preset: drawing.style_preset.as_deref(),
        sampler: drawing.sampler.as_deref(),
        clip_guidance_preset: drawing.clip_guidance_preset.as_deref(),
        extras: drawing.extras.as_ref(),
        start,
    })
}

fn mask_agrees(source: Option<&str>, has_mask: bool) -> Result<(), Error> {
    match (source, has_mask) {
        (None, true) => Err(Error::missing("mask_source")),
        (Some("MASK_IMAGE_WHITE" | "MASK_IMAGE_BLACK"), false) => Err(Error::missing("mask")),
        (Some(_) | None, _) => Ok(()),
    }
}

pub(super) fn decode(response: Response<'_>) -> Result<Pictures<'_>, Error> {
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
        None | Some("SUCCESS") => Ok(Pictures::of(Picture {
            base64: artifact.base64.unwrap_or_default().0,
            seed: artifact.seed,
        })),
        Some("CONTENT_FILTERED") => Err(RequestFault::Filtered {
            reason: "the model filtered the image".to_owned(),
        }
        .into()),
        Some(_) => Err(failed("finishReason")),
    }
}
