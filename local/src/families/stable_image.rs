//! Stable Image Core (`docs: model-parameters-diffusion-stable-image-core-text-image-request-
//! response`; no recording is public). The local server paints PNG only.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::not_played;
use crate::error::{Failure, to_json};
use crate::picture::Order;
use crate::schema::{Shape, Wording, optional, read as read_body, required};

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

const PROMPT: Shape = Shape::Text {
    min: 1,
    max: 10_000,
};

const REQUEST: Shape = Shape::Object(&[
    required("prompt", PROMPT),
    optional(
        "negative_prompt",
        Shape::Text {
            min: 0,
            max: 10_000,
        },
    ),
    optional("mode", Shape::OneOf(&["text-to-image"])),
    optional(
        "aspect_ratio",
        Shape::OneOf(&[
            "16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21",
        ]),
    ),
    // The pages disagree about the case.
    optional(
        "output_format",
        Shape::OneOf(&["jpeg", "png", "JPEG", "PNG"]),
    ),
    optional(
        "seed",
        Shape::Integer {
            min: 0,
            max: 4_294_967_295,
        },
    ),
]);

#[derive(Deserialize)]
struct Request {
    prompt: String,
    #[serde(default)]
    negative_prompt: String,
    #[serde(default = "square")]
    aspect_ratio: String,
    #[serde(default = "png")]
    output_format: String,
    #[serde(default)]
    seed: u32,
}

fn square() -> String {
    "1:1".to_owned()
}

fn png() -> String {
    "png".to_owned()
}

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<Order, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if !request.output_format.eq_ignore_ascii_case("png") {
        return Err(not_played(
            "output_format other than png (it paints PNG only)",
        ));
    }
    let (width, height) = SIZES
        .iter()
        .find(|(ratio, _, _)| *ratio == request.aspect_ratio)
        .map_or((1024, 1024), |(_, width, height)| (*width, *height));
    Ok(Order {
        prompt: request.prompt,
        negative: request.negative_prompt,
        style: String::new(),
        width,
        height,
        // 0 asks for a random one.
        seed: Some(request.seed).filter(|seed| *seed != 0),
        // The model has neither; these give the painter's middle.
        steps: 40,
        cfg_scale: 7.0,
        source: None,
    })
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
pub(super) fn answer(seed: u32, png: &[u8], filtered: bool) -> Vec<u8> {
    to_json(&if filtered {
        Answer {
            seeds: None,
            finish_reasons: [Some("Filter reason: prompt")],
            images: None,
        }
    } else {
        Answer {
            seeds: Some([seed]),
            finish_reasons: [None],
            images: Some([BASE64_STANDARD.encode(png)]),
        }
    })
}
