//! Stable Image Core and Ultra, Stable Diffusion 3 Large and 3.5 Large (`docs: model-parameters-
//! diffusion-stable-image-core-text-image-request-response`, `-stable-ultra-text-image-request-
//! response`, `-3-text-image`, `-3-5-large`; no recording is public). The local server paints PNG only.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Painted, not_played, picture_of};
use crate::error::{Failure, to_json};
use crate::picture::{Order, Source};
use crate::schema::{Field, Shape, TEXT, UNIT, Wording, optional, read as read_body, required};

/// Size per aspect ratio. AWS documents only that a side has 640 to 1536 pixels.
const SIZES: [(&str, u32, u32); 9] = [
    ("16:9", 1344, 768),
    ("1:1", 1024, 1024),
    ("21:9", 1536, 640),
    ("2:3", 832, 1216),
    ("3:2", 1216, 832),
    ("4:5", 896, 1088),
    ("5:4", 1088, 896),
    ("9:16", 768, 1344),
    ("9:21", 640, 1536),
];

const PROMPT: Field = required(
    "prompt",
    Shape::Text {
        min: 1,
        max: 10_000,
    },
);
const NEGATIVE: Field = optional(
    "negative_prompt",
    Shape::Text {
        min: 0,
        max: 10_000,
    },
);
const RATIO: Field = optional(
    "aspect_ratio",
    Shape::OneOf(&[
        "16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21",
    ]),
);
// The pages disagree about the case.
const FORMAT: Field = optional(
    "output_format",
    Shape::OneOf(&["jpeg", "png", "JPEG", "PNG"]),
);
const FORMAT_3_5: Field = optional(
    "output_format",
    Shape::OneOf(&["jpeg", "png", "webp", "JPEG", "PNG", "WEBP"]),
);
const SEED: Field = optional(
    "seed",
    Shape::Integer {
        min: 0,
        max: 4_294_967_295,
    },
);
const SEED_3: Field = optional(
    "seed",
    Shape::Integer {
        min: 0,
        max: 4_294_967_294,
    },
);
const TEXT_MODE: Field = optional("mode", Shape::OneOf(&["text-to-image"]));
const MODE: Field = optional("mode", Shape::OneOf(&["text-to-image", "image-to-image"]));
const IMAGE: Field = optional("image", TEXT);
const STRENGTH: Field = optional("strength", UNIT);

const CORE: Shape = Shape::Object(&[PROMPT, NEGATIVE, TEXT_MODE, RATIO, FORMAT, SEED]);
const ULTRA: Shape = Shape::Object(&[
    PROMPT, NEGATIVE, TEXT_MODE, RATIO, FORMAT, SEED, IMAGE, STRENGTH,
]);
const LARGE_3: Shape = Shape::Object(&[
    PROMPT, NEGATIVE, MODE, RATIO, FORMAT, SEED_3, IMAGE, STRENGTH,
]);
const LARGE_3_5: Shape = Shape::Object(&[
    PROMPT, NEGATIVE, MODE, RATIO, FORMAT_3_5, SEED_3, IMAGE, STRENGTH,
]);

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Core,
    Ultra,
    Large3,
    Large35,
}

#[derive(Deserialize)]
struct Request {
    prompt: String,
    #[serde(default)]
    negative_prompt: String,
    mode: Option<String>,
    aspect_ratio: Option<String>,
    #[serde(default = "png")]
    output_format: String,
    #[serde(default)]
    seed: u32,
    image: Option<String>,
    strength: Option<f64>,
}

fn png() -> String {
    "png".to_owned()
}

/// Reads a request.
pub(super) fn read(model: Model, body: &[u8]) -> Result<Order, Failure> {
    let shape = match model {
        Model::Core => CORE,
        Model::Ultra => ULTRA,
        Model::Large3 => LARGE_3,
        Model::Large35 => LARGE_3_5,
    };
    let request: Request = read_body(body, &shape, Wording::Native)?;
    if !request.output_format.eq_ignore_ascii_case("png") {
        return Err(not_played(
            "output_format other than png (it paints PNG only)",
        ));
    }
    let source = source(model, &request)?;
    let ratio = request.aspect_ratio.as_deref().unwrap_or("1:1");
    let size = match &source {
        Some(source) => (source.picture.width, source.picture.height),
        None => SIZES
            .iter()
            .find(|(name, _, _)| *name == ratio)
            .map_or((1024, 1024), |(_, width, height)| (*width, *height)),
    };
    Ok(Order {
        prompt: request.prompt,
        negative: request.negative_prompt,
        style: String::new(),
        width: size.0,
        height: size.1,
        // 0 asks for a random one.
        seed: Some(request.seed).filter(|seed| *seed != 0),
        // The model has neither; these give the painter's middle.
        steps: 40,
        cfg_scale: 7.0,
        source,
        count: 1,
        cut_out: false,
    })
}

/// The picture to start from. One of the pages' samples sends `image` without `mode`.
fn source(model: Model, request: &Request) -> Result<Option<Source>, Failure> {
    let wanted = request.mode.as_deref() == Some("image-to-image");
    let Some(image) = &request.image else {
        return if wanted {
            Err(Failure::validation("image-to-image needs an image"))
        } else if request.strength.is_some() {
            Err(Failure::validation("strength needs an image"))
        } else {
            Ok(None)
        };
    };
    let strength = match (model, request.strength) {
        (_, Some(strength)) => strength,
        (Model::Core | Model::Ultra, None) => 0.35,
        (Model::Large3 | Model::Large35, None) => {
            return Err(Failure::validation("image-to-image needs a strength"));
        }
    };
    let is_large = matches!(model, Model::Large3 | Model::Large35);
    if is_large && request.aspect_ratio.is_some() {
        return Err(Failure::validation(
            "aspect_ratio is valid for text-to-image requests only",
        ));
    }
    Ok(Some(Source {
        picture: picture_of(image, "image")?,
        // 0 keeps the picture, 1 ignores it.
        keep: 1.0 - strength,
        mask: None,
    }))
}

/// `null` as a finish reason means success; a filtered answer has its reason alone.
#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    seeds: Option<[u32; 1]>,
    finish_reasons: [Option<&'static str>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[String; 1]>,
}

/// Writes an answer.
pub(super) fn answer(painted: &Painted, filtered: bool) -> Vec<u8> {
    to_json(&if filtered {
        Answer {
            seeds: None,
            finish_reasons: [Some("Filter reason: prompt")],
            images: None,
        }
    } else {
        Answer {
            seeds: Some([painted.seed]),
            finish_reasons: [None],
            images: Some([BASE64_STANDARD.encode(&painted.file)]),
        }
    })
}
