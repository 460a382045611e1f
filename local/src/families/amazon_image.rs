//! Amazon Titan Image Generator v1 and v2 and Nova Canvas (`docs: model-parameters-titan-image`;
//! Nova's `image-gen-req-resp-structure`, `image-gen-access`; no recording is public). The painter
//! cannot see: where words say which part of a picture is meant, it takes an ellipse in the middle.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Painted, picture_of};
use crate::error::{Failure, to_json};
use crate::picture::{Order, Pixels, Source, ellipse, fit, grey_mask};
use crate::schema::{
    Field, NON_EMPTY, Shape, UNIT, Wording, malformed, optional, read as read_body, required,
};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    TitanV1,
    TitanV2,
    NovaCanvas,
}

/// Width and height of Titan; each but the square ones and the last two also turned.
const TITAN_SIZES: [(u32, u32); 25] = [
    (512, 512),
    (768, 768),
    (1024, 1024),
    (384, 576),
    (768, 1152),
    (576, 384),
    (1152, 768),
    (384, 640),
    (768, 1280),
    (640, 384),
    (1280, 768),
    (448, 576),
    (896, 1152),
    (576, 448),
    (1152, 896),
    (384, 704),
    (768, 1408),
    (704, 384),
    (1408, 768),
    (320, 704),
    (640, 1408),
    (704, 320),
    (1408, 640),
    (1152, 640),
    (1173, 640),
];

// Nova's longest text; Titan's is checked behind.
const WORDS: Shape = Shape::Text { min: 1, max: 1024 };
const PROMPT: Field = required("text", WORDS);
const PROMPT_OR_NONE: Field = optional("text", WORDS);
const NEGATIVE: Field = optional("negativeText", WORDS);
const IMAGE: Field = required("image", NON_EMPTY);
const MASK_PROMPT: Field = optional("maskPrompt", NON_EMPTY);
const MASK_IMAGE: Field = optional("maskImage", NON_EMPTY);
const RETURN_MASK: Field = optional("returnMask", Shape::Flag);
const CONDITION: Field = optional("conditionImage", NON_EMPTY);
const CONTROL_MODE: Field = optional("controlMode", Shape::OneOf(&["CANNY_EDGE", "SEGMENTATION"]));
const CONTROL_STRENGTH: Field = optional("controlStrength", UNIT);
const STYLE: Field = optional(
    "style",
    Shape::OneOf(&[
        "3D_ANIMATED_FAMILY_FILM",
        "DESIGN_SKETCH",
        "FLAT_VECTOR_ILLUSTRATION",
        "GRAPHIC_NOVEL_ILLUSTRATION",
        "MAXIMALISM",
        "MIDCENTURY_RETRO",
        "PHOTOREALISM",
        "SOFT_DIGITAL_PAINTING",
    ]),
);
const OUTPAINTING_MODE: Field = optional("outPaintingMode", Shape::OneOf(&["DEFAULT", "PRECISE"]));

const INPAINTING: Field = optional(
    "inPaintingParams",
    Shape::Object(&[
        IMAGE,
        PROMPT_OR_NONE,
        NEGATIVE,
        MASK_PROMPT,
        MASK_IMAGE,
        RETURN_MASK,
    ]),
);
const VARIATION: Field = optional(
    "imageVariationParams",
    Shape::Object(&[
        PROMPT_OR_NONE,
        NEGATIVE,
        required(
            "images",
            Shape::List {
                items: &NON_EMPTY,
                min: 1,
                max: 5,
            },
        ),
        optional("similarityStrength", Shape::Number { min: 0.2, max: 1.0 }),
    ]),
);
const COLOR_GUIDED: Field = optional(
    "colorGuidedGenerationParams",
    Shape::Object(&[
        PROMPT,
        NEGATIVE,
        optional("referenceImage", NON_EMPTY),
        required(
            "colors",
            Shape::List {
                items: &Shape::Pattern {
                    pattern: "^#[0-9A-Fa-f]{6}$",
                    matches: is_colour,
                },
                min: 1,
                max: 10,
            },
        ),
    ]),
);
const BACKGROUND_REMOVAL: Field = optional("backgroundRemovalParams", Shape::Object(&[IMAGE]));
const CONFIG: Field = optional(
    "imageGenerationConfig",
    Shape::Object(&[
        optional("quality", Shape::OneOf(&["standard", "premium"])),
        optional("numberOfImages", Shape::Integer { min: 1, max: 5 }),
        optional(
            "cfgScale",
            Shape::Number {
                min: 1.1,
                max: 10.0,
            },
        ),
        optional(
            "seed",
            Shape::Integer {
                min: 0,
                max: 2_147_483_646,
            },
        ),
        optional(
            "width",
            Shape::Integer {
                min: 320,
                max: 4096,
            },
        ),
        optional(
            "height",
            Shape::Integer {
                min: 320,
                max: 4096,
            },
        ),
    ]),
);

const MASK_SHAPE: Field = optional(
    "maskShape",
    Shape::OneOf(&["DEFAULT", "CONTOUR", "BOUNDING_BOX"]),
);
const SWITCH: Shape = Shape::OneOf(&["ON", "OFF", "DEFAULT"]);
const TRY_ON: Field = optional(
    "virtualTryOnParams",
    Shape::Object(&[
        required("sourceImage", NON_EMPTY),
        required("referenceImage", NON_EMPTY),
        required("maskType", Shape::OneOf(&["IMAGE", "GARMENT", "PROMPT"])),
        optional(
            "imageBasedMask",
            Shape::Object(&[required("maskImage", NON_EMPTY)]),
        ),
        optional(
            "garmentBasedMask",
            Shape::Object(&[
                MASK_SHAPE,
                required(
                    "garmentClass",
                    Shape::OneOf(&[
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
                    ]),
                ),
                optional(
                    "garmentStyling",
                    Shape::Object(&[
                        optional(
                            "longSleeveStyle",
                            Shape::OneOf(&["SLEEVE_DOWN", "SLEEVE_UP"]),
                        ),
                        optional("tuckingStyle", Shape::OneOf(&["UNTUCKED", "TUCKED"])),
                        optional("outerLayerStyle", Shape::OneOf(&["CLOSED", "OPEN"])),
                    ]),
                ),
            ]),
        ),
        optional(
            "promptBasedMask",
            Shape::Object(&[MASK_SHAPE, required("maskPrompt", NON_EMPTY)]),
        ),
        optional(
            "maskExclusions",
            Shape::Object(&[
                optional("preserveBodyPose", SWITCH),
                optional("preserveHands", SWITCH),
                optional("preserveFace", SWITCH),
            ]),
        ),
        optional(
            "mergeStyle",
            Shape::OneOf(&["BALANCED", "SEAMLESS", "DETAILED"]),
        ),
        RETURN_MASK,
    ]),
);

const TITAN_V1: Shape = Shape::Object(&[
    required(
        "taskType",
        Shape::OneOf(&["TEXT_IMAGE", "INPAINTING", "OUTPAINTING", "IMAGE_VARIATION"]),
    ),
    optional("textToImageParams", Shape::Object(&[PROMPT, NEGATIVE])),
    INPAINTING,
    optional(
        "outPaintingParams",
        Shape::Object(&[
            IMAGE,
            PROMPT,
            NEGATIVE,
            MASK_PROMPT,
            MASK_IMAGE,
            RETURN_MASK,
            OUTPAINTING_MODE,
        ]),
    ),
    VARIATION,
    CONFIG,
]);
const TITAN_V2: Shape = Shape::Object(&[
    required(
        "taskType",
        Shape::OneOf(&[
            "TEXT_IMAGE",
            "INPAINTING",
            "OUTPAINTING",
            "IMAGE_VARIATION",
            "COLOR_GUIDED_GENERATION",
            "BACKGROUND_REMOVAL",
        ]),
    ),
    optional(
        "textToImageParams",
        Shape::Object(&[PROMPT, NEGATIVE, CONDITION, CONTROL_MODE, CONTROL_STRENGTH]),
    ),
    INPAINTING,
    optional(
        "outPaintingParams",
        Shape::Object(&[
            IMAGE,
            PROMPT,
            NEGATIVE,
            MASK_PROMPT,
            MASK_IMAGE,
            RETURN_MASK,
            OUTPAINTING_MODE,
        ]),
    ),
    VARIATION,
    COLOR_GUIDED,
    BACKGROUND_REMOVAL,
    CONFIG,
]);
const NOVA_CANVAS: Shape = Shape::Object(&[
    required(
        "taskType",
        Shape::OneOf(&[
            "TEXT_IMAGE",
            "INPAINTING",
            "OUTPAINTING",
            "IMAGE_VARIATION",
            "COLOR_GUIDED_GENERATION",
            "BACKGROUND_REMOVAL",
            "VIRTUAL_TRY_ON",
        ]),
    ),
    optional(
        "textToImageParams",
        Shape::Object(&[
            PROMPT,
            NEGATIVE,
            CONDITION,
            CONTROL_MODE,
            CONTROL_STRENGTH,
            STYLE,
        ]),
    ),
    INPAINTING,
    // The page says both that a text is required and what happens without one.
    optional(
        "outPaintingParams",
        Shape::Object(&[
            IMAGE,
            PROMPT_OR_NONE,
            NEGATIVE,
            MASK_PROMPT,
            MASK_IMAGE,
            OUTPAINTING_MODE,
        ]),
    ),
    VARIATION,
    COLOR_GUIDED,
    BACKGROUND_REMOVAL,
    TRY_ON,
    CONFIG,
]);

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    task_type: Task,
    text_to_image_params: Option<Params>,
    in_painting_params: Option<Params>,
    out_painting_params: Option<Params>,
    image_variation_params: Option<Params>,
    color_guided_generation_params: Option<Params>,
    background_removal_params: Option<Params>,
    virtual_try_on_params: Option<Params>,
    #[serde(default)]
    image_generation_config: Config,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Task {
    TextImage,
    Inpainting,
    Outpainting,
    ImageVariation,
    ColorGuidedGeneration,
    BackgroundRemoval,
    VirtualTryOn,
}

/// What any task may have; the schema has checked which.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Params {
    text: String,
    negative_text: String,
    style: String,
    condition_image: Option<String>,
    control_mode: Option<String>,
    control_strength: Option<f64>,
    image: Option<String>,
    images: Vec<String>,
    mask_prompt: Option<String>,
    mask_image: Option<String>,
    return_mask: bool,
    similarity_strength: Option<f64>,
    colors: Vec<String>,
    reference_image: Option<String>,
    source_image: Option<String>,
    mask_type: String,
    image_based_mask: Option<MaskPart>,
    garment_based_mask: Option<MaskPart>,
    prompt_based_mask: Option<MaskPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MaskPart {
    mask_image: Option<String>,
    #[serde(default)]
    garment_class: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    number_of_images: Option<u32>,
    cfg_scale: Option<f64>,
    seed: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    quality: Option<String>,
}

/// What is painted: its size, what it starts from, and what counts beside the words.
struct Plan {
    size: (u32, u32),
    source: Option<Source>,
    style: String,
}

/// Reads a request.
pub(super) fn read(model: Model, body: &[u8]) -> Result<Order, Failure> {
    let shape = match model {
        Model::TitanV1 => TITAN_V1,
        Model::TitanV2 => TITAN_V2,
        Model::NovaCanvas => NOVA_CANVAS,
    };
    let mut request: Request = read_body(body, &shape, Wording::Native)?;
    let task = request.task_type;
    let (key, params) = request.params()?;
    let config = &request.image_generation_config;
    if matches!(model, Model::TitanV1 | Model::TitanV2) {
        for (name, text) in [
            ("text", &params.text),
            ("negativeText", &params.negative_text),
        ] {
            let length = text.chars().count();
            if length > 512 {
                return Err(malformed(&format!(
                    "#/{key}/{name}: expected maxLength: 512, actual: {length}"
                )));
            }
        }
    }
    if params.return_mask {
        return Err(super::not_played("returnMask"));
    }
    let plan = plan(model, task, &params, config)?;
    let quality = config.quality.clone().unwrap_or_default();
    Ok(Order {
        prompt: params.text,
        negative: params.negative_text,
        style: format!("{}{quality}", plan.style),
        width: plan.size.0,
        height: plan.size.1,
        seed: Some(config.seed.unwrap_or(match model {
            Model::TitanV1 | Model::TitanV2 => 42,
            Model::NovaCanvas => 12,
        })),
        // The models have none; this gives the painter's middle.
        steps: 40,
        cfg_scale: config.cfg_scale.unwrap_or(match model {
            Model::TitanV1 | Model::TitanV2 => 8.0,
            Model::NovaCanvas => 6.5,
        }),
        source: plan.source,
        count: config.number_of_images.unwrap_or(1),
        cut_out: task == Task::BackgroundRemoval,
    })
}

impl Request {
    /// The task's own parameters, which must be there and alone.
    fn params(&mut self) -> Result<(&'static str, Params), Failure> {
        let all = [
            (
                Task::TextImage,
                "textToImageParams",
                self.text_to_image_params.take(),
            ),
            (
                Task::Inpainting,
                "inPaintingParams",
                self.in_painting_params.take(),
            ),
            (
                Task::Outpainting,
                "outPaintingParams",
                self.out_painting_params.take(),
            ),
            (
                Task::ImageVariation,
                "imageVariationParams",
                self.image_variation_params.take(),
            ),
            (
                Task::ColorGuidedGeneration,
                "colorGuidedGenerationParams",
                self.color_guided_generation_params.take(),
            ),
            (
                Task::BackgroundRemoval,
                "backgroundRemovalParams",
                self.background_removal_params.take(),
            ),
            (
                Task::VirtualTryOn,
                "virtualTryOnParams",
                self.virtual_try_on_params.take(),
            ),
        ];
        let mut own = None;
        for (task, key, params) in all {
            match (task == self.task_type, params) {
                (true, None) => {
                    return Err(malformed(&format!("#: required key [{key}] not found")));
                }
                (false, Some(_)) => {
                    return Err(malformed(&format!(
                        "#: extraneous key [{key}] is not permitted"
                    )));
                }
                (true, Some(params)) => own = Some((key, params)),
                (false, None) => {}
            }
        }
        own.ok_or_else(|| malformed("#: required key [taskType] not found"))
    }
}

fn plan(model: Model, task: Task, params: &Params, config: &Config) -> Result<Plan, Failure> {
    let asked = size(model, config)?;
    let keeps_its_size = |picture: &Pixels| match (config.width, config.height) {
        (None, None) => Ok((picture.width, picture.height)),
        (Some(_), _) | (_, Some(_)) if model == Model::NovaCanvas => Err(Failure::validation(
            "width and height must not be given for this taskType",
        )),
        (Some(_), _) | (_, Some(_)) => Ok((picture.width, picture.height)),
    };
    match task {
        Task::TextImage => {
            let controls = params.control_mode.is_some() || params.control_strength.is_some();
            let source = match &params.condition_image {
                None if controls => {
                    return Err(Failure::validation(
                        "conditionImage must be given with controlMode and controlStrength",
                    ));
                }
                None => None,
                Some(image) => Some(Source {
                    picture: fit(&picture_of(image, "conditionImage")?, asked),
                    keep: params.control_strength.unwrap_or(0.7) / 2.0,
                    mask: None,
                }),
            };
            let mode = params.control_mode.clone().unwrap_or_default();
            Ok(Plan {
                size: asked,
                source,
                style: format!("{}{mode}", params.style),
            })
        }
        Task::Inpainting | Task::Outpainting => {
            let picture = picture_of(params.image.as_deref().unwrap_or_default(), "image")?;
            let size = keeps_its_size(&picture)?;
            // Black is inside: what inpainting changes and outpainting keeps.
            let inside = match (&params.mask_image, &params.mask_prompt) {
                (Some(image), None) => mask(image, &picture)?,
                (None, Some(_)) => ellipse(size.0, size.1),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(Failure::validation(
                        "exactly one of maskPrompt and maskImage must be given",
                    ));
                }
            };
            let mask = match task {
                Task::Outpainting => inside.iter().map(|grey| u8::MAX - grey).collect(),
                _ => inside,
            };
            Ok(Plan {
                size,
                source: Some(Source {
                    picture,
                    keep: 0.0,
                    mask: Some(mask),
                }),
                style: params.mask_prompt.clone().unwrap_or_default(),
            })
        }
        Task::ImageVariation => {
            let mut pictures = Vec::new();
            for image in &params.images {
                pictures.push(picture_of(image, "images")?);
            }
            let first = pictures
                .first()
                .ok_or_else(|| Failure::validation("images must not be empty"))?;
            Ok(Plan {
                size: asked,
                source: Some(Source {
                    picture: fit(first, asked),
                    keep: params.similarity_strength.unwrap_or(0.7),
                    mask: None,
                }),
                style: pictures.len().to_string(),
            })
        }
        Task::ColorGuidedGeneration => {
            let source = match &params.reference_image {
                None => None,
                Some(image) => Some(Source {
                    picture: fit(&picture_of(image, "referenceImage")?, asked),
                    keep: 0.2,
                    mask: None,
                }),
            };
            Ok(Plan {
                size: asked,
                source,
                style: params.colors.join(","),
            })
        }
        Task::BackgroundRemoval => {
            let is_plain = config.width.is_none()
                && config.height.is_none()
                && config.seed.is_none()
                && config.quality.is_none()
                && config.cfg_scale.is_none()
                && config.number_of_images.is_none();
            if !is_plain {
                return Err(malformed(
                    "#: extraneous key [imageGenerationConfig] is not permitted",
                ));
            }
            let picture = picture_of(params.image.as_deref().unwrap_or_default(), "image")?;
            Ok(Plan {
                size: (picture.width, picture.height),
                source: Some(Source {
                    picture,
                    keep: 1.0,
                    mask: None,
                }),
                style: String::new(),
            })
        }
        Task::VirtualTryOn => try_on(params, keeps_its_size),
    }
}

fn try_on(
    params: &Params,
    keeps_its_size: impl Fn(&Pixels) -> Result<(u32, u32), Failure>,
) -> Result<Plan, Failure> {
    let source = params.source_image.as_deref().unwrap_or_default();
    let picture = picture_of(source, "sourceImage")?;
    let reference = params.reference_image.as_deref().unwrap_or_default();
    picture_of(reference, "referenceImage")?;
    let size = keeps_its_size(&picture)?;
    let part = |part: &Option<MaskPart>, key: &str| match part {
        Some(_) => Ok(()),
        None => Err(Failure::validation(format!(
            "{key} is required for this maskType"
        ))),
    };
    let mask = match params.mask_type.as_str() {
        "IMAGE" => {
            part(&params.image_based_mask, "imageBasedMask")?;
            let image = params.image_based_mask.as_ref();
            let image = image.and_then(|part| part.mask_image.as_deref());
            mask(image.unwrap_or_default(), &picture)?
        }
        "GARMENT" => {
            part(&params.garment_based_mask, "garmentBasedMask")?;
            ellipse(size.0, size.1)
        }
        _ => {
            part(&params.prompt_based_mask, "promptBasedMask")?;
            ellipse(size.0, size.1)
        }
    };
    let garment = params.garment_based_mask.as_ref();
    Ok(Plan {
        size,
        source: Some(Source {
            picture,
            keep: 0.0,
            mask: Some(mask),
        }),
        style: garment.map_or_else(String::new, |part| part.garment_class.clone()),
    })
}

/// The inside of a mask, which is black and as large as the picture.
fn mask(image: &str, picture: &Pixels) -> Result<Vec<u8>, Failure> {
    let mask = picture_of(image, "maskImage")?;
    if (mask.width, mask.height) != (picture.width, picture.height) {
        return Err(Failure::validation(
            "maskImage must have the dimensions of the image",
        ));
    }
    Ok(grey_mask(&mask, true))
}

/// The size asked for. Titan's page says 1408 of each side as the default, which is not in its own
/// table; its samples send 1024.
fn size(model: Model, config: &Config) -> Result<(u32, u32), Failure> {
    let size = (config.width.unwrap_or(1024), config.height.unwrap_or(1024));
    let (width, height) = size;
    let fits = match model {
        Model::TitanV1 | Model::TitanV2 => TITAN_SIZES.contains(&size),
        Model::NovaCanvas => {
            width % 16 == 0
                && height % 16 == 0
                && width <= 4 * height
                && height <= 4 * width
                && width * height <= 4_194_304
        }
    };
    if fits {
        Ok(size)
    } else {
        Err(Failure::validation(format!(
            "{width}x{height} is not a supported size"
        )))
    }
}

/// Where something was filtered, an error beside the pictures that are left.
#[derive(Serialize)]
struct Answer {
    images: Vec<String>,
    error: Option<&'static str>,
}

/// Nova leaves the error out where there is none; Titan says null.
#[derive(Serialize)]
struct NovaAnswer {
    images: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Writes an answer. Of several pictures the last one is the one that was filtered.
pub(super) fn answer(model: Model, first: &Painted, others: &[Painted], filtered: bool) -> Vec<u8> {
    let mut images: Vec<_> = [first]
        .into_iter()
        .chain(others)
        .map(|painted| BASE64_STANDARD.encode(&painted.file))
        .collect();
    if filtered {
        images.pop();
    }
    let error = filtered.then_some("Some images were blocked by the content filters. (simulated)");
    match model {
        Model::TitanV1 | Model::TitanV2 => to_json(&Answer { images, error }),
        Model::NovaCanvas => to_json(&NovaAnswer { images, error }),
    }
}
