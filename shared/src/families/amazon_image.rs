//! Amazon Titan Image Generator, v1 and v2, and Amazon Nova Canvas: text to image, conditioning,
//! inpainting, outpainting, variation, colour guidance, background removal, virtual try-on.
//! Source: AWS userguide, `model-parameters-titan-image`; Nova userguide,
//! `image-gen-req-resp-structure` and `image-gen-access`. No traffic was recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::image_option::{self, Grid, ImageBounds, ImageRule, unsupported};
use super::{File, Picture, Pictures, Seeds};
use crate::Error;
use crate::api::image::{Choice, Drawing, Size};
use crate::error::RequestFault;
use crate::image_file::ImageFile;
use crate::model::{Entry, ImageFamily};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    task_type: &'static str,
    #[serde(flatten)]
    params: Params<'a>,
    #[serde(skip_serializing_if = "Config::is_empty")]
    image_generation_config: Config<'a>,
}

/// What a task takes, under the task's own key.
#[derive(Debug, Serialize)]
enum Params<'a> {
    #[serde(rename = "textToImageParams")]
    TextToImage(TextToImage<'a>),
    #[serde(rename = "inPaintingParams")]
    Inpainting(Painting<'a>),
    #[serde(rename = "outPaintingParams")]
    Outpainting(Painting<'a>),
    #[serde(rename = "imageVariationParams")]
    Variation(Variation<'a>),
    #[serde(rename = "colorGuidedGenerationParams")]
    ColorGuided(ColorGuided<'a>),
    #[serde(rename = "backgroundRemovalParams")]
    BackgroundRemoval(BackgroundRemoval),
    #[serde(rename = "virtualTryOnParams")]
    VirtualTryOn(Box<VirtualTryOn<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TextToImage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_strength: Option<f64>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<&'a str>,
}

/// Within a mask, or around it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Painting<'a> {
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_painting_mode: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Variation<'a> {
    images: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similarity_strength: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_text: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ColorGuided<'a> {
    colors: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_image: Option<String>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_text: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct BackgroundRemoval {
    image: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VirtualTryOn<'a> {
    source_image: String,
    reference_image: String,
    mask_type: &'static str,
    #[serde(flatten)]
    mask: TryOnMask<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_exclusions: Option<MaskExclusions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_style: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all_fields = "camelCase")]
enum TryOnMask<'a> {
    #[serde(rename = "imageBasedMask")]
    Image { mask_image: String },
    #[serde(rename = "garmentBasedMask")]
    Garment {
        #[serde(skip_serializing_if = "Option::is_none")]
        mask_shape: Option<&'a str>,
        garment_class: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        garment_styling: Option<GarmentStyling<'a>>,
    },
    #[serde(rename = "promptBasedMask")]
    Prompt {
        #[serde(skip_serializing_if = "Option::is_none")]
        mask_shape: Option<&'a str>,
        mask_prompt: &'a str,
    },
}

#[derive(Debug, Serialize, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
struct GarmentStyling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    long_sleeve_style: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tucking_style: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outer_layer_style: Option<&'a str>,
}

#[derive(Debug, Serialize, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
struct MaskExclusions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    preserve_body_pose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preserve_hands: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preserve_face: Option<&'a str>,
}

#[derive(Debug, Serialize, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cfg_scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_of_images: Option<usize>,
}

impl Config<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where something was filtered there are fewer images than asked for, and an error.
#[derive(Debug, Deserialize)]
pub(super) struct Response<'a> {
    #[serde(default, borrow)]
    images: Option<Vec<Option<File<'a>>>>,
    #[serde(default)]
    error: Option<String>,
}

/// The models, which differ in what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    TitanV1,
    TitanV2,
    NovaCanvas,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    TextImage,
    Inpainting,
    Outpainting,
    ImageVariation,
    ColorGuidedGeneration,
    BackgroundRemoval,
    VirtualTryOn,
}

/// The most images of one call.
const MOST_AT_ONCE: usize = 5;

/// What the images of one call may have in bytes, if no packing makes them smaller: an answer that is
/// much larger is not taken, and would be paid for in vain.
const LARGEST_ANSWER: u64 = 15 * 1024 * 1024;

/// Three colours, in base64.
const BYTES_OF_A_PIXEL: u64 = 4;

const LARGEST_SEED: i64 = 2_147_483_646;

const MASK_SHAPES: &[&str] = &["DEFAULT", "CONTOUR", "BOUNDING_BOX"];
const SWITCH: &[&str] = &["ON", "OFF", "DEFAULT"];

const STYLES: &[&str] = &[
    "3D_ANIMATED_FAMILY_FILM",
    "DESIGN_SKETCH",
    "FLAT_VECTOR_ILLUSTRATION",
    "GRAPHIC_NOVEL_ILLUSTRATION",
    "MAXIMALISM",
    "MIDCENTURY_RETRO",
    "PHOTOREALISM",
    "SOFT_DIGITAL_PAINTING",
];

const GARMENTS: &[&str] = &[
    "UPPER_BODY",
    "LOWER_BODY",
    "FULL_BODY",
    "FOOTWEAR",
    "LONG_SLEEVE_SHIRT",
    "SHORT_SLEEVE_SHIRT",
    "NO_SLEEVE_SHIRT",
    "OTHER_UPPER_BODY",
    "LONG_PANTS",
    "SHORT_PANTS",
    "OTHER_LOWER_BODY",
    "LONG_DRESS",
    "SHORT_DRESS",
    "FULL_BODY_OUTFIT",
    "OTHER_FULL_BODY",
    "SHOES",
    "BOOTS",
    "OTHER_FOOTWEAR",
];

const fn sized(width: u32, height: u32) -> Size {
    Size { width, height }
}

const TITAN_SIZES: &[Size] = &[
    sized(1024, 1024),
    sized(768, 768),
    sized(512, 512),
    sized(768, 1152),
    sized(384, 576),
    sized(1152, 768),
    sized(576, 384),
    sized(768, 1280),
    sized(384, 640),
    sized(1280, 768),
    sized(640, 384),
    sized(896, 1152),
    sized(448, 576),
    sized(1152, 896),
    sized(576, 448),
    sized(768, 1408),
    sized(384, 704),
    sized(1408, 768),
    sized(704, 384),
    sized(640, 1408),
    sized(320, 704),
    sized(1408, 640),
    sized(704, 320),
    sized(1152, 640),
    sized(1173, 640),
];

const NOVA_SIZES: Grid = Grid {
    least: 320,
    most: 4096,
    step: 16,
    longest: 4,
    pixels: 4_194_304,
};

impl Model {
    /// The model of the family `titan-image`; one that is not in the catalogue is a v2.
    pub(super) fn titan(entry: Option<&Entry>) -> Self {
        match entry {
            Some(entry) if entry.id.starts_with("amazon.titan-image-generator-v1") => Self::TitanV1,
            Some(_) | None => Self::TitanV2,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::TitanV1 | Self::TitanV2 => ImageFamily::TitanImage.name(),
            Self::NovaCanvas => ImageFamily::NovaCanvas.name(),
        }
    }

    /// The seeds of the model, none of them random.
    pub(super) const fn seeds(self) -> Seeds {
        Seeds {
            first: 0,
            last: LARGEST_SEED,
            default: Some(match self {
                Self::TitanV1 | Self::TitanV2 => 42,
                Self::NovaCanvas => 12,
            }),
        }
    }

    const fn longest_text(self) -> usize {
        match self {
            Self::TitanV1 | Self::TitanV2 => 512,
            Self::NovaCanvas => 1_024,
        }
    }

    const fn tasks(self) -> &'static [&'static str] {
        match self {
            Self::TitanV1 => &["TEXT_IMAGE", "INPAINTING", "OUTPAINTING", "IMAGE_VARIATION"],
            Self::TitanV2 => &[
                "TEXT_IMAGE",
                "INPAINTING",
                "OUTPAINTING",
                "IMAGE_VARIATION",
                "COLOR_GUIDED_GENERATION",
                "BACKGROUND_REMOVAL",
            ],
            Self::NovaCanvas => &[
                "TEXT_IMAGE",
                "INPAINTING",
                "OUTPAINTING",
                "IMAGE_VARIATION",
                "COLOR_GUIDED_GENERATION",
                "BACKGROUND_REMOVAL",
                "VIRTUAL_TRY_ON",
            ],
        }
    }
}

impl Task {
    const ALL: [Self; 7] = [
        Self::TextImage,
        Self::Inpainting,
        Self::Outpainting,
        Self::ImageVariation,
        Self::ColorGuidedGeneration,
        Self::BackgroundRemoval,
        Self::VirtualTryOn,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::TextImage => "TEXT_IMAGE",
            Self::Inpainting => "INPAINTING",
            Self::Outpainting => "OUTPAINTING",
            Self::ImageVariation => "IMAGE_VARIATION",
            Self::ColorGuidedGeneration => "COLOR_GUIDED_GENERATION",
            Self::BackgroundRemoval => "BACKGROUND_REMOVAL",
            Self::VirtualTryOn => "VIRTUAL_TRY_ON",
        }
    }

    /// The task that a drawing names, or else the one that its options are for.
    fn of(model: Model, drawing: &Drawing) -> Self {
        let named = |name: &str| Self::ALL.into_iter().find(|task| task.name() == name);
        if let Some(task) = drawing.task.as_deref().and_then(named) {
            return task;
        }
        let has_image = !drawing.images.is_empty();
        let refers = drawing.reference_image.is_some();
        let tries_on = drawing.garment_class.is_some() || (has_image && refers);
        if model == Model::NovaCanvas && drawing.colors.is_none() && tries_on {
            Self::VirtualTryOn
        } else if drawing.colors.is_some() || refers {
            Self::ColorGuidedGeneration
        } else if drawing.outpainting_mode.is_some() {
            Self::Outpainting
        } else if drawing.mask.is_some() || drawing.mask_prompt.is_some() {
            Self::Inpainting
        } else if has_image && drawing.control_mode.is_none() && drawing.control_strength.is_none()
        {
            Self::ImageVariation
        } else {
            Self::TextImage
        }
    }

    /// Whether a choice that the model has is one of this task's.
    const fn takes(self, choice: Choice) -> bool {
        let removes_background = matches!(self, Self::BackgroundRemoval);
        let tries_on = matches!(self, Self::VirtualTryOn);
        match choice {
            Choice::Task => true,
            Choice::Prompt | Choice::NegativePrompt => !removes_background && !tries_on,
            Choice::Size => matches!(
                self,
                Self::TextImage | Self::ImageVariation | Self::ColorGuidedGeneration
            ),
            Choice::Quality | Choice::Seed | Choice::CfgScale => !removes_background,
            Choice::Style | Choice::ControlMode | Choice::ControlStrength => {
                matches!(self, Self::TextImage)
            }
            Choice::Image => !matches!(self, Self::ColorGuidedGeneration),
            Choice::Mask | Choice::MaskPrompt => {
                matches!(self, Self::Inpainting | Self::Outpainting) || tries_on
            }
            Choice::OutpaintingMode => matches!(self, Self::Outpainting),
            Choice::SimilarityStrength => matches!(self, Self::ImageVariation),
            Choice::Colors => matches!(self, Self::ColorGuidedGeneration),
            Choice::ReferenceImage => matches!(self, Self::ColorGuidedGeneration) || tries_on,
            Choice::MaskShape
            | Choice::GarmentClass
            | Choice::LongSleeveStyle
            | Choice::TuckingStyle
            | Choice::OuterLayerStyle
            | Choice::PreserveBodyPose
            | Choice::PreserveHands
            | Choice::PreserveFace
            | Choice::MergeStyle => tries_on,
            Choice::OutputFormat
            | Choice::Steps
            | Choice::StylePreset
            | Choice::Sampler
            | Choice::ClipGuidancePreset
            | Choice::Extras
            | Choice::Strength
            | Choice::ImageStrength
            | Choice::ImageMode
            | Choice::StepScheduleStart
            | Choice::StepScheduleEnd
            | Choice::MaskSource => false,
        }
    }
}

pub(super) fn rule(model: Model, choice: Choice) -> ImageRule {
    let mapped = |native, bounds, default| ImageRule::Mapped {
        native,
        bounds,
        default,
    };
    let from_v2 = |rule| match model {
        Model::TitanV1 => ImageRule::Refused {
            reason: "version 1 has no such parameter",
        },
        Model::TitanV2 | Model::NovaCanvas => rule,
    };
    let of_nova = |native, names, default| match model {
        Model::TitanV1 | Model::TitanV2 => ImageRule::NO_SUCH,
        Model::NovaCanvas => mapped(native, ImageBounds::OneOf(names), default),
    };
    let text = ImageBounds::Text(model.longest_text());
    match choice {
        Choice::Prompt => mapped("…Params.text", text, "none; most tasks require it"),
        Choice::NegativePrompt => mapped("…Params.negativeText", text, "none"),
        Choice::Task => mapped(
            "taskType",
            ImageBounds::OneOf(model.tasks()),
            "the one that the other options are for",
        ),
        Choice::Size => mapped(
            "imageGenerationConfig.width, height",
            match model {
                Model::TitanV1 | Model::TitanV2 => ImageBounds::Sizes(TITAN_SIZES),
                Model::NovaCanvas => ImageBounds::Grid(NOVA_SIZES),
            },
            match model {
                Model::TitanV1 | Model::TitanV2 => "the model's own",
                Model::NovaCanvas => "1024x1024",
            },
        ),
        Choice::Quality => mapped(
            "imageGenerationConfig.quality",
            ImageBounds::OneOf(&["standard", "premium"]),
            "standard",
        ),
        Choice::Style => of_nova("textToImageParams.style", STYLES, "none"),
        Choice::Seed => mapped(
            "imageGenerationConfig.seed",
            ImageBounds::Integer(0, LARGEST_SEED),
            match model {
                Model::TitanV1 | Model::TitanV2 => "42",
                Model::NovaCanvas => "12",
            },
        ),
        Choice::CfgScale => mapped(
            "imageGenerationConfig.cfgScale",
            ImageBounds::Number(1.1, 10.0),
            match model {
                Model::TitanV1 | Model::TitanV2 => "8",
                Model::NovaCanvas => "6.5",
            },
        ),
        Choice::Image => mapped(
            "…Params.image, images, conditionImage, sourceImage",
            ImageBounds::Pictures(MOST_AT_ONCE),
            "none; several for a variation only",
        ),
        Choice::Mask => mapped("…Params.maskImage", ImageBounds::Pictures(1), "none"),
        Choice::MaskPrompt => mapped("…Params.maskPrompt", text, "none"),
        Choice::OutpaintingMode => mapped(
            "outPaintingParams.outPaintingMode",
            ImageBounds::OneOf(&["DEFAULT", "PRECISE"]),
            "DEFAULT",
        ),
        Choice::ControlMode => from_v2(mapped(
            "textToImageParams.controlMode",
            ImageBounds::OneOf(&["CANNY_EDGE", "SEGMENTATION"]),
            "CANNY_EDGE",
        )),
        Choice::ControlStrength => from_v2(mapped(
            "textToImageParams.controlStrength",
            ImageBounds::Number(0.0, 1.0),
            "0.7",
        )),
        Choice::SimilarityStrength => mapped(
            "imageVariationParams.similarityStrength",
            ImageBounds::Number(0.2, 1.0),
            "0.7",
        ),
        Choice::Colors => from_v2(mapped(
            "colorGuidedGenerationParams.colors",
            ImageBounds::Colors(10),
            "none",
        )),
        Choice::ReferenceImage => from_v2(mapped(
            "…Params.referenceImage",
            ImageBounds::Pictures(1),
            "none",
        )),
        Choice::MaskShape => of_nova(
            "virtualTryOnParams.…Mask.maskShape",
            MASK_SHAPES,
            "the model's own",
        ),
        Choice::GarmentClass => of_nova(
            "virtualTryOnParams.garmentBasedMask.garmentClass",
            GARMENTS,
            "none",
        ),
        Choice::LongSleeveStyle => of_nova(
            "….garmentStyling.longSleeveStyle",
            &["SLEEVE_DOWN", "SLEEVE_UP"],
            "the model's own",
        ),
        Choice::TuckingStyle => of_nova(
            "….garmentStyling.tuckingStyle",
            &["UNTUCKED", "TUCKED"],
            "the model's own",
        ),
        Choice::OuterLayerStyle => of_nova(
            "….garmentStyling.outerLayerStyle",
            &["CLOSED", "OPEN"],
            "the model's own",
        ),
        Choice::PreserveBodyPose => of_nova(
            "….maskExclusions.preserveBodyPose",
            SWITCH,
            "the model's own",
        ),
        Choice::PreserveHands => {
            of_nova("….maskExclusions.preserveHands", SWITCH, "the model's own")
        }
        Choice::PreserveFace => of_nova("….maskExclusions.preserveFace", SWITCH, "the model's own"),
        Choice::MergeStyle => of_nova(
            "virtualTryOnParams.mergeStyle",
            &["BALANCED", "SEAMLESS", "DETAILED"],
            "the model's own",
        ),
        Choice::OutputFormat => ImageRule::Refused {
            reason: "it draws PNG only",
        },
        Choice::Strength | Choice::ImageStrength => ImageRule::Refused {
            reason: "send `similarity_strength` or `control_strength`",
        },
        Choice::MaskSource => ImageRule::Refused {
            reason: "black is what a mask's inside is",
        },
        Choice::StylePreset => match model {
            Model::TitanV1 | Model::TitanV2 => ImageRule::NO_SUCH,
            Model::NovaCanvas => ImageRule::Refused {
                reason: "send `style`",
            },
        },
        Choice::Steps
        | Choice::Sampler
        | Choice::ClipGuidancePreset
        | Choice::Extras
        | Choice::ImageMode
        | Choice::StepScheduleStart
        | Choice::StepScheduleEnd => ImageRule::NO_SUCH,
    }
}

/// How many images one call makes of the drawing.
pub(super) fn most_at_once(model: Model, drawing: &Drawing) -> usize {
    match Task::of(model, drawing) {
        Task::TextImage
        | Task::Inpainting
        | Task::Outpainting
        | Task::ImageVariation
        | Task::ColorGuidedGeneration
        | Task::VirtualTryOn => {
            let fitting = LARGEST_ANSWER / pixels(drawing).saturating_mul(BYTES_OF_A_PIXEL);
            usize::try_from(fitting)
                .unwrap_or(MOST_AT_ONCE)
                .clamp(1, MOST_AT_ONCE)
        }
        // It has no configuration.
        Task::BackgroundRemoval => 1,
    }
}

/// How many pixels each image has, as far as the drawing says it.
fn pixels(drawing: &Drawing) -> u64 {
    let start = || drawing.images.first();
    let size = drawing
        .size
        .or_else(|| Some(ImageFile::of(start()?).ok()?.size));
    let size = size.unwrap_or(sized(1024, 1024));
    (u64::from(size.width) * u64::from(size.height)).max(1)
}

/// The body of a drawing that has been checked.
pub(super) fn encode(model: Model, drawing: &Drawing, count: usize) -> Result<Request<'_>, Error> {
    let task = Task::of(model, drawing);
    let mut given = drawing.given().map(|(choice, _)| choice);
    if let Some(choice) = given.find(|choice| !task.takes(*choice)) {
        return Err(unsupported(
            model.name(),
            choice,
            "this `task` has no such option",
        ));
    }
    let negative_text = drawing.negative_prompt.as_deref();
    let params = match task {
        Task::TextImage => Params::TextToImage(TextToImage {
            condition_image: match (model, drawing.images.is_empty()) {
                (_, true) => None,
                (Model::TitanV1, false) => {
                    let reason = "version 1 takes no image to be guided by";
                    return Err(unsupported(model.name(), Choice::Image, reason));
                }
                (Model::TitanV2 | Model::NovaCanvas, false) => Some(image(drawing)?),
            },
            control_mode: drawing.control_mode.as_deref(),
            control_strength: drawing.control_strength,
            text: image_option::prompt(drawing)?,
            negative_text,
            style: drawing.style.as_deref(),
        }),
        Task::Inpainting => Params::Inpainting(painting(drawing, drawing.prompt.as_deref())?),
        // Titan's page requires a text; Nova's contradicts itself.
        Task::Outpainting => Params::Outpainting(painting(
            drawing,
            match model {
                Model::TitanV1 | Model::TitanV2 => Some(image_option::prompt(drawing)?),
                Model::NovaCanvas => drawing.prompt.as_deref(),
            },
        )?),
        Task::ImageVariation => {
            let images = drawing.images.iter();
            let images: Vec<_> = images
                .map(|image| picture(Choice::Image, image))
                .collect::<Result<_, _>>()?;
            if images.is_empty() {
                return Err(Error::missing(Choice::Image.name()));
            }
            Params::Variation(Variation {
                images,
                similarity_strength: drawing.similarity_strength,
                text: drawing.prompt.as_deref(),
                negative_text,
            })
        }
        Task::ColorGuidedGeneration => Params::ColorGuided(ColorGuided {
            colors: drawing
                .colors
                .as_deref()
                .ok_or_else(|| Error::missing(Choice::Colors.name()))?,
            reference_image: drawing
                .reference_image
                .as_ref()
                .map(|image| picture(Choice::ReferenceImage, image))
                .transpose()?,
            text: image_option::prompt(drawing)?,
            negative_text,
        }),
        Task::BackgroundRemoval => Params::BackgroundRemoval(BackgroundRemoval {
            image: image(drawing)?,
        }),
        Task::VirtualTryOn => Params::VirtualTryOn(Box::new(try_on(drawing)?)),
    };
    let config = match task {
        Task::BackgroundRemoval => Config::default(),
        Task::TextImage
        | Task::Inpainting
        | Task::Outpainting
        | Task::ImageVariation
        | Task::ColorGuidedGeneration
        | Task::VirtualTryOn => Config {
            width: drawing.size.map(|size| size.width),
            height: drawing.size.map(|size| size.height),
            quality: drawing.quality.as_deref(),
            cfg_scale: drawing.cfg_scale,
            seed: drawing.seed,
            number_of_images: Some(count).filter(|count| *count > 1),
        },
    };
    Ok(Request {
        task_type: task.name(),
        params,
        image_generation_config: config,
    })
}

fn painting<'a>(drawing: &'a Drawing, text: Option<&'a str>) -> Result<Painting<'a>, Error> {
    let mask = drawing.mask.as_ref();
    match (mask, &drawing.mask_prompt) {
        (None, None) => return Err(Error::missing(Choice::Mask.name())),
        (Some(_), Some(_)) => return Err(one_mask_only(Choice::MaskPrompt)),
        (Some(_), None) | (None, Some(_)) => {}
    }
    Ok(Painting {
        image: image(drawing)?,
        mask_prompt: drawing.mask_prompt.as_deref(),
        mask_image: mask.map(|mask| picture(Choice::Mask, mask)).transpose()?,
        text,
        negative_text: drawing.negative_prompt.as_deref(),
        out_painting_mode: drawing.outpainting_mode.as_deref(),
    })
}

/// What is tried on, and where: by a mask, by words, or by the garment's class.
fn try_on(drawing: &Drawing) -> Result<VirtualTryOn<'_>, Error> {
    let name = Model::NovaCanvas.name();
    let reference = drawing.reference_image.as_ref();
    let reference = reference.ok_or_else(|| Error::missing(Choice::ReferenceImage.name()))?;
    let styling = GarmentStyling {
        long_sleeve_style: drawing.long_sleeve_style.as_deref(),
        tucking_style: drawing.tucking_style.as_deref(),
        outer_layer_style: drawing.outer_layer_style.as_deref(),
    };
    let garment_styling = Some(styling).filter(|styling| *styling != GarmentStyling::default());
    let mask_shape = drawing.mask_shape.as_deref();
    let by_image = drawing.mask.as_ref();
    let by_prompt = drawing.mask_prompt.as_deref();
    let by_garment = drawing.garment_class.as_deref();
    if by_garment.is_none() {
        let reason = "it goes with `garment_class`";
        let choices = [
            Choice::LongSleeveStyle,
            Choice::TuckingStyle,
            Choice::OuterLayerStyle,
        ];
        image_option::refuse_given(name, reason, drawing, &choices)?;
    }
    let (mask_type, mask) = match (by_image, by_prompt, by_garment) {
        (Some(mask), None, None) => {
            let reason = "a mask that is a picture has its own shape";
            image_option::refuse_given(name, reason, drawing, &[Choice::MaskShape])?;
            let mask_image = picture(Choice::Mask, mask)?;
            ("IMAGE", TryOnMask::Image { mask_image })
        }
        (None, Some(mask_prompt), None) => (
            "PROMPT",
            TryOnMask::Prompt {
                mask_shape,
                mask_prompt,
            },
        ),
        (None, None, Some(garment_class)) => (
            "GARMENT",
            TryOnMask::Garment {
                mask_shape,
                garment_class,
                garment_styling,
            },
        ),
        (None, None, None) => return Err(Error::missing(Choice::GarmentClass.name())),
        (_, _, Some(_)) => return Err(one_mask_only(Choice::GarmentClass)),
        (Some(_), Some(_), None) => return Err(one_mask_only(Choice::MaskPrompt)),
    };
    let exclusions = MaskExclusions {
        preserve_body_pose: drawing.preserve_body_pose.as_deref(),
        preserve_hands: drawing.preserve_hands.as_deref(),
        preserve_face: drawing.preserve_face.as_deref(),
    };
    Ok(VirtualTryOn {
        source_image: image(drawing)?,
        reference_image: picture(Choice::ReferenceImage, reference)?,
        mask_type,
        mask,
        mask_exclusions: Some(exclusions)
            .filter(|exclusions| *exclusions != MaskExclusions::default()),
        merge_style: drawing.merge_style.as_deref(),
    })
}

fn one_mask_only(choice: Choice) -> Error {
    let reason = "one of `mask`, `mask_prompt` and `garment_class` says where";
    Error::invalid(choice.name(), reason)
}

/// The one image to start from.
fn image(drawing: &Drawing) -> Result<String, Error> {
    let name = Choice::Image.name();
    match drawing.images.as_slice() {
        [] => Err(Error::missing(name)),
        [one] => picture(Choice::Image, one),
        [_, _, ..] => Err(Error::invalid(name, "this `task` takes one picture")),
    }
}

/// The models read PNG and JPEG.
fn picture(choice: Choice, file: &Bytes) -> Result<String, Error> {
    if file.starts_with(b"RIFF") {
        return Err(Error::invalid(
            choice.name(),
            "this model takes PNG and JPEG",
        ));
    }
    Ok(STANDARD.encode(file))
}

pub(super) fn decode(model: Model, response: Response<'_>) -> Result<Pictures<'_>, Error> {
    let Response { images, error } = response;
    let filtered = error.is_some_and(|error| !error.is_empty());
    let pictures: Vec<_> = match (images, filtered) {
        (None, false) => return Err(Error::malformed(model.name(), "images")),
        (images, _) => images
            .into_iter()
            .flatten()
            .flatten()
            .map(|File(base64)| Picture { base64, seed: None })
            .collect(),
    };
    match (pictures.is_empty(), filtered) {
        (true, true) => Err(RequestFault::Filtered {
            reason: "the model filtered the request or what came of it".to_owned(),
        }
        .into()),
        (true, false) => Err(Error::image_invalid("there is none")),
        (false, _) => Ok(Pictures { pictures, filtered }),
    }
}
