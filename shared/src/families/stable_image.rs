//! Stability AI Stable Image Core and Ultra, Stable Diffusion 3 Large and 3.5 Large.
//! Source: AWS userguide, `model-parameters-diffusion-stable-image-core-text-image-request-response`,
//! `model-parameters-diffusion-stable-ultra-text-image-request-response`,
//! `model-parameters-diffusion-3-text-image` and `model-parameters-diffusion-3-5-large`. No traffic was
//! recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::image_option::{self, ImageBounds, ImageRule, Shape, refuse_given};
use super::{File, Picture, Pictures, Seeds};
use crate::Error;
use crate::api::image::{Choice, Drawing, FileType};
use crate::error::{Cause, RequestFault, UpstreamFault};
use crate::model::{Entry, ImageFamily};

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    prompt: &'a str,
    mode: &'static str,
    output_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<f64>,
}

/// When the content was filtered only the reasons may be there.
#[derive(Debug, Deserialize)]
pub(super) struct Response<'a> {
    #[serde(default)]
    seeds: Option<Vec<Option<f64>>>,
    #[serde(default)]
    finish_reasons: Option<Vec<Option<String>>>,
    #[serde(default, borrow)]
    images: Option<Vec<Option<File<'a>>>>,
}

/// The models, which differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Core,
    Ultra,
    Large3,
    Large3_5,
}

impl Model {
    /// The model of the family `stable-diffusion-3`; one that is not in the catalogue is a 3.5.
    pub(super) fn large(entry: Option<&Entry>) -> Self {
        match entry {
            Some(entry) if entry.id.starts_with("stability.sd3-large") => Self::Large3,
            Some(_) | None => Self::Large3_5,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Core => ImageFamily::StableImage.name(),
            Self::Ultra => ImageFamily::StableImageUltra.name(),
            Self::Large3 | Self::Large3_5 => ImageFamily::StableDiffusion3.name(),
        }
    }

    /// The seeds of the model; 0 lets it choose.
    pub(super) const fn seeds(self) -> Seeds {
        let last = match self {
            Self::Core | Self::Ultra => 4_294_967_295,
            Self::Large3 | Self::Large3_5 => 4_294_967_294,
        };
        Seeds {
            first: 1,
            last,
            default: None,
        }
    }
}

const SHAPES: &[Shape] = &[
    (16, 9, "16:9"),
    (1, 1, "1:1"),
    (21, 9, "21:9"),
    (2, 3, "2:3"),
    (3, 2, "3:2"),
    (4, 5, "4:5"),
    (5, 4, "5:4"),
    (9, 16, "9:16"),
    (9, 21, "9:21"),
];

const LONGEST_PROMPT: usize = 10_000;

pub(super) const fn rule(model: Model, choice: Choice) -> ImageRule {
    match choice {
        Choice::Prompt => ImageRule::Mapped {
            native: "prompt",
            bounds: ImageBounds::Text(LONGEST_PROMPT),
            default: "none; required",
        },
        Choice::NegativePrompt => ImageRule::Mapped {
            native: "negative_prompt",
            bounds: ImageBounds::Text(LONGEST_PROMPT),
            default: "none",
        },
        Choice::Size => ImageRule::Mapped {
            native: "aspect_ratio",
            bounds: ImageBounds::Shapes(SHAPES),
            default: "1:1",
        },
        // The pages disagree about the case; this is the one of Stability's own API.
        Choice::OutputFormat => ImageRule::Mapped {
            native: "output_format",
            bounds: ImageBounds::OneOf(match model {
                Model::Core | Model::Ultra | Model::Large3 => &["png", "jpeg"],
                Model::Large3_5 => &["png", "jpeg", "webp"],
            }),
            default: "png",
        },
        Choice::Seed => ImageRule::Mapped {
            native: "seed",
            bounds: ImageBounds::Integer(0, model.seeds().last),
            default: "0, which is random",
        },
        Choice::Image => match model {
            Model::Core => ImageRule::NO_SUCH,
            Model::Ultra | Model::Large3 | Model::Large3_5 => ImageRule::Mapped {
                native: "image",
                bounds: ImageBounds::Pictures(1),
                default: "none",
            },
        },
        Choice::Strength => match model {
            Model::Core => ImageRule::NO_SUCH,
            Model::Ultra => ImageRule::Mapped {
                native: "strength",
                bounds: ImageBounds::Number(0.0, 1.0),
                default: "0.35",
            },
            Model::Large3 | Model::Large3_5 => ImageRule::Mapped {
                native: "strength",
                bounds: ImageBounds::Number(0.0, 1.0),
                default: "none; required with `image`",
            },
        },
        Choice::ImageStrength => match model {
            Model::Core => ImageRule::NO_SUCH,
            Model::Ultra | Model::Large3 | Model::Large3_5 => ImageRule::Refused {
                reason: "send `strength`, which counts the other way round: 0 keeps the image",
            },
        },
        Choice::Task => ImageRule::Refused {
            reason: "it follows from `image`",
        },
        Choice::Quality
        | Choice::Style
        | Choice::Steps
        | Choice::CfgScale
        | Choice::StylePreset
        | Choice::Sampler
        | Choice::ClipGuidancePreset
        | Choice::Extras
        | Choice::ImageMode
        | Choice::StepScheduleStart
        | Choice::StepScheduleEnd
        | Choice::Mask
        | Choice::MaskSource
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
pub(super) fn encode(model: Model, drawing: &Drawing) -> Result<Request<'_>, Error> {
    let image = drawing.images.first();
    let is_large = matches!(model, Model::Large3 | Model::Large3_5);
    if image.is_some() {
        let reason = "the result has the shape of `image`";
        refuse_given(model.name(), reason, drawing, &[Choice::Size])?;
        if is_large && drawing.strength.is_none() {
            return Err(Error::missing(Choice::Strength.name()));
        }
    }
    Ok(Request {
        prompt: image_option::prompt(drawing)?,
        // Ultra starts from an image without a mode of its own.
        mode: match image {
            Some(_) if is_large => "image-to-image",
            Some(_) | None => "text-to-image",
        },
        output_format: drawing.output_format.unwrap_or(FileType::Png).name(),
        negative_prompt: drawing.negative_prompt.as_deref(),
        aspect_ratio: drawing
            .size
            .and_then(|size| image_option::shape(SHAPES, size)),
        seed: drawing.seed,
        image: image.map(|image| STANDARD.encode(image)),
        strength: drawing.strength,
    })
}

pub(super) fn decode(model: Model, response: Response<'_>) -> Result<Pictures<'_>, Error> {
    let Response {
        seeds,
        finish_reasons,
        images,
    } = response;
    if finish_reasons.is_none() && images.is_none() {
        return Err(Error::malformed(model.name(), "images"));
    }
    if let Some(reason) = finish_reasons.into_iter().flatten().flatten().next() {
        return Err(match reason.strip_prefix("Filter reason: ") {
            Some(part) => RequestFault::Filtered {
                reason: format!("the model filtered the {part}"),
            }
            .into(),
            None => Error::Upstream {
                fault: UpstreamFault::ModelFailed,
                cause: Cause::of("finish_reasons"),
            },
        });
    }
    let File(base64) = images
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .ok_or_else(|| Error::image_invalid("there is none"))?;
    // A cast of a float saturates, which a seed out of range deserves.
    let seed = seeds
        .into_iter()
        .flatten()
        .flatten()
        .next()
        .map(|seed| seed as u64);
    Ok(Pictures::of(Picture { base64, seed }))
}
