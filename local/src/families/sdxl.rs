//! Stability's SDXL 0.8 and 1.0 (`docs: model-parameters-diffusion-0-8`,
//! `model-parameters-diffusion-1-0-text-image`, `-image-image`, `-image-image-mask`; no recording
//! is public).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Painted, picture_of};
use crate::error::{Failure, to_json};
use crate::picture::{Order, Source, grey_mask};
use crate::schema::{Field, Shape, TEXT, UNIT, Wording, has_key, optional, read, required};

/// Width and height of SDXL 1.0.
const SIZES: [(u32, u32); 9] = [
    (1024, 1024),
    (1152, 896),
    (1216, 832),
    (1344, 768),
    (1536, 640),
    (640, 1536),
    (768, 1344),
    (832, 1216),
    (896, 1152),
];

/// The side of a picture of SDXL 0.8.
const SIDE_08: u32 = 512;

const PROMPT_08: Shape = Shape::Object(&[required("text", Shape::Text { min: 1, max: 2000 })]);
const PROMPT_10: Shape = Shape::Object(&[
    required("text", Shape::Text { min: 1, max: 2000 }),
    optional(
        "weight",
        Shape::Number {
            min: f64::MIN,
            max: f64::MAX,
        },
    ),
]);
const SEED: Shape = Shape::Integer {
    min: 0,
    max: 4_294_967_295,
};
const SIDE: Shape = Shape::Integer { min: 1, max: 4096 };

const REQUEST_08: Shape = Shape::Object(&[
    required(
        "text_prompts",
        Shape::List {
            items: &PROMPT_08,
            min: 1,
            max: usize::MAX,
        },
    ),
    optional(
        "cfg_scale",
        Shape::Number {
            min: 0.0,
            max: 30.0,
        },
    ),
    optional("steps", Shape::Integer { min: 10, max: 150 }),
    optional("seed", SEED),
]);

// The keys that all three requests of 1.0 share; only the steps differ.
const PROMPTS: Field = required(
    "text_prompts",
    Shape::List {
        items: &PROMPT_10,
        min: 1,
        max: usize::MAX,
    },
);
const CFG: Field = optional(
    "cfg_scale",
    Shape::Number {
        min: 0.0,
        max: 35.0,
    },
);
const SEED_10: Field = optional("seed", SEED);
const SAMPLES: Field = optional("samples", Shape::Integer { min: 1, max: 1 });
const GUIDANCE: Field = optional(
    "clip_guidance_preset",
    Shape::OneOf(&[
        "FAST_BLUE",
        "FAST_GREEN",
        "NONE",
        "SIMPLE",
        "SLOW",
        "SLOWER",
        "SLOWEST",
    ]),
);
const SAMPLER: Field = optional(
    "sampler",
    Shape::OneOf(&[
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
    ]),
);
// Stability's spelling `anime`, not the documentation's `animé`.
const STYLE: Field = optional(
    "style_preset",
    Shape::OneOf(&[
        "3d-model",
        "analog-film",
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
    ]),
);
const EXTRAS: Field = optional("extras", Shape::Object(&[]));
const INIT_IMAGE: Field = required("init_image", TEXT);
const INIT_MODE: Field = optional(
    "init_image_mode",
    Shape::OneOf(&["IMAGE_STRENGTH", "STEP_SCHEDULE"]),
);
const IMAGE_STRENGTH: Field = optional("image_strength", UNIT);
const SCHEDULE_START: Field = optional("step_schedule_start", UNIT);
const SCHEDULE_END: Field = optional("step_schedule_end", UNIT);
const STEPS_TO_50: Field = optional("steps", Shape::Integer { min: 10, max: 50 });

const TEXT_TO_IMAGE: Shape = Shape::Object(&[
    PROMPTS,
    CFG,
    SEED_10,
    SAMPLES,
    GUIDANCE,
    SAMPLER,
    STYLE,
    EXTRAS,
    optional("steps", Shape::Integer { min: 10, max: 150 }),
    optional("width", SIDE),
    optional("height", SIDE),
]);

const IMAGE_TO_IMAGE: Shape = Shape::Object(&[
    PROMPTS,
    CFG,
    SEED_10,
    SAMPLES,
    GUIDANCE,
    SAMPLER,
    STYLE,
    EXTRAS,
    STEPS_TO_50,
    INIT_IMAGE,
    INIT_MODE,
    IMAGE_STRENGTH,
    SCHEDULE_START,
    SCHEDULE_END,
]);

const MASKED: Shape = Shape::Object(&[
    PROMPTS,
    CFG,
    SEED_10,
    SAMPLES,
    GUIDANCE,
    SAMPLER,
    STYLE,
    EXTRAS,
    STEPS_TO_50,
    INIT_IMAGE,
    INIT_MODE,
    IMAGE_STRENGTH,
    SCHEDULE_START,
    SCHEDULE_END,
    required(
        "mask_source",
        Shape::OneOf(&["MASK_IMAGE_WHITE", "MASK_IMAGE_BLACK", "INIT_IMAGE_ALPHA"]),
    ),
    optional("mask_image", TEXT),
]);

#[derive(Deserialize)]
struct Request {
    text_prompts: Vec<Prompt>,
    cfg_scale: Option<f64>,
    steps: Option<u32>,
    #[serde(default)]
    seed: u32,
    width: Option<u32>,
    height: Option<u32>,
    style_preset: Option<String>,
    init_image: Option<String>,
    #[serde(default)]
    init_image_mode: InitMode,
    image_strength: Option<f64>,
    step_schedule_start: Option<f64>,
    step_schedule_end: Option<f64>,
    mask_source: Option<MaskSource>,
    mask_image: Option<String>,
}

#[derive(Deserialize)]
struct Prompt {
    text: String,
    #[serde(default = "one")]
    weight: f64,
}

fn one() -> f64 {
    1.0
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum InitMode {
    #[default]
    ImageStrength,
    StepSchedule,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MaskSource {
    MaskImageWhite,
    MaskImageBlack,
    InitImageAlpha,
}

/// Reads a request to SDXL 0.8.
pub(super) fn read_08(body: &[u8]) -> Result<Order, Failure> {
    let request: Request = read(body, &REQUEST_08, Wording::Native)?;
    Ok(order(
        &request,
        SIDE_08,
        SIDE_08,
        request.cfg_scale.unwrap_or(10.0),
        None,
    ))
}

/// Reads a request to SDXL 1.0: with a mask, with a picture to start from, or with neither.
pub(super) fn read_10(body: &[u8]) -> Result<Order, Failure> {
    let shape = if has_key(body, "mask_source") || has_key(body, "mask_image") {
        MASKED
    } else if has_key(body, "init_image") {
        IMAGE_TO_IMAGE
    } else {
        TEXT_TO_IMAGE
    };
    let request: Request = read(body, &shape, Wording::Native)?;
    let cfg_scale = request.cfg_scale.unwrap_or(7.0);
    if let Some(init_image) = &request.init_image {
        let source = source(&request, init_image)?;
        let (width, height) = (source.picture.width, source.picture.height);
        return Ok(order(&request, width, height, cfg_scale, Some(source)));
    }
    let (width, height) = (
        request.width.unwrap_or(1024),
        request.height.unwrap_or(1024),
    );
    if !SIZES.contains(&(width, height)) {
        let allowed = SIZES
            .map(|(width, height)| format!("{width}x{height}"))
            .join(", ");
        return Err(Failure::validation(format!(
            "for stable-diffusion-xl-1024-v1-0 the allowed dimensions are {allowed}, but we \
             received {width}x{height}"
        )));
    }
    Ok(order(&request, width, height, cfg_scale, None))
}

fn order(
    request: &Request,
    width: u32,
    height: u32,
    cfg_scale: f64,
    source: Option<Source>,
) -> Order {
    let (negative, positive): (Vec<&Prompt>, Vec<&Prompt>) = request
        .text_prompts
        .iter()
        .partition(|prompt| prompt.weight < 0.0);
    let joined = |prompts: &[&Prompt]| {
        prompts
            .iter()
            .map(|prompt| format!("{} ({})", prompt.text, prompt.weight.abs()))
            .collect::<Vec<_>>()
            .join("; ")
    };
    Order {
        prompt: joined(&positive),
        negative: joined(&negative),
        style: request.style_preset.clone().unwrap_or_default(),
        width,
        height,
        // 0 asks for a random one.
        seed: Some(request.seed).filter(|seed| *seed != 0),
        steps: request.steps.unwrap_or(30),
        cfg_scale,
        source,
        count: 1,
        cut_out: false,
    }
}

fn source(request: &Request, init_image: &str) -> Result<Source, Failure> {
    let picture = picture_of(init_image, "init_image")?;
    let keep = match request.init_image_mode {
        // Stability's own default.
        InitMode::ImageStrength => request.image_strength.unwrap_or(0.35),
        InitMode::StepSchedule => {
            let start = request.step_schedule_start.unwrap_or(0.65);
            let end = request.step_schedule_end.unwrap_or(0.0);
            if end > start {
                return Err(Failure::validation(
                    "step_schedule_end must not be greater than step_schedule_start",
                ));
            }
            1.0 - (start - end)
        }
    };
    let mask = match request.mask_source {
        None => None,
        Some(MaskSource::InitImageAlpha) => Some(
            picture
                .data
                .chunks_exact(4)
                .map(|pixel| u8::MAX - alpha(pixel))
                .collect(),
        ),
        Some(from_image @ (MaskSource::MaskImageWhite | MaskSource::MaskImageBlack)) => {
            let image = request.mask_image.as_deref().ok_or_else(|| {
                Failure::validation("mask_image is required for this mask_source")
            })?;
            let mask = picture_of(image, "mask_image")?;
            if (mask.width, mask.height) != (picture.width, picture.height) {
                return Err(Failure::validation(
                    "mask_image must have the dimensions of init_image",
                ));
            }
            let inverted = matches!(from_image, MaskSource::MaskImageBlack);
            Some(grey_mask(&mask, inverted))
        }
    };
    Ok(Source {
        picture,
        keep,
        mask,
    })
}

fn alpha(pixel: &[u8]) -> u8 {
    pixel.last().copied().unwrap_or(u8::MAX)
}

#[derive(Serialize)]
struct Answer {
    result: &'static str,
    artifacts: [Artifact; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    seed: u32,
    base64: String,
    finish_reason: &'static str,
}

/// Writes an answer.
pub(super) fn answer(painted: &Painted, filtered: bool) -> Vec<u8> {
    to_json(&Answer {
        result: "success",
        artifacts: [Artifact {
            seed: painted.seed,
            base64: BASE64_STANDARD.encode(&painted.file),
            finish_reason: if filtered {
                "CONTENT_FILTERED"
            } else {
                "SUCCESS"
            },
        }],
    })
}
