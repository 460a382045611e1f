//! Stability AI Stable Image Core.
//! Source: AWS userguide, `model-parameters-diffusion-stable-image-core-text-image-request-response`.
//! No traffic was recorded.

use serde::{Deserialize, Serialize};

use super::Picture;
use super::image_option::{at_most, between, refuse_given};
use crate::Error;
use crate::api::image::{Drawing, Size};
use crate::error::{Cause, RequestFault, UpstreamFault};
use crate::model::ImageFamily;

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
}

/// When the content was filtered only the reasons may be there.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    seeds: Option<Vec<Option<f64>>>,
    #[serde(default)]
    finish_reasons: Option<Vec<Option<String>>>,
    #[serde(default)]
    images: Option<Vec<Option<String>>>,
}

const NAME: &str = ImageFamily::StableImage.name();

const ASPECT_RATIOS: [(u64, u64, &str); 9] = [
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

/// The largest seed; 0 lets the model choose.
pub(super) const LARGEST_SEED: i64 = 4_294_967_295;

pub(super) fn encode(drawing: &Drawing) -> Result<Request<'_>, Error> {
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
    let absent = [
        ("steps", steps.is_some()),
        ("cfg_scale", cfg_scale.is_some()),
        ("style_preset", style_preset.is_some()),
        ("sampler", sampler.is_some()),
        ("clip_guidance_preset", clip_guidance_preset.is_some()),
        ("extras", extras.is_some()),
        ("image", image.is_some()),
        ("mask", mask.is_some()),
        ("mask_source", mask_source.is_some()),
        ("image_strength", image_strength.is_some()),
        ("image_mode", image_mode.is_some()),
        ("step_schedule_start", step_schedule_start.is_some()),
        ("step_schedule_end", step_schedule_end.is_some()),
    ];
    refuse_given(NAME, "it has no such parameter", &absent)?;
    at_most("prompt", Some(prompt), LONGEST_PROMPT)?;
    at_most("negative_prompt", negative_prompt.as_ref(), LONGEST_PROMPT)?;
    between("seed", *seed, 0, LARGEST_SEED)?;
    Ok(Request {
        prompt,
        mode: "text-to-image",
        output_format: "png",
        negative_prompt: negative_prompt.as_deref(),
        aspect_ratio: size.map(aspect_ratio).transpose()?,
        seed: *seed,
    })
}

/// The model takes a shape and chooses the pixels itself.
fn aspect_ratio(size: Size) -> Result<&'static str, Error> {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    ASPECT_RATIOS
        .iter()
        .find(|(across, down, _)| width * down == height * across && width > 0)
        .map(|(_, _, name)| *name)
        .ok_or_else(|| {
            let names: Vec<_> = ASPECT_RATIOS.iter().map(|(_, _, name)| *name).collect();
            Error::invalid(
                "size",
                format!("its shape must be one of {}", names.join(", ")),
            )
        })
}

pub(super) fn decode(response: Response) -> Result<Picture, Error> {
    let Response {
        seeds,
        finish_reasons,
        images,
    } = response;
    if finish_reasons.is_none() && images.is_none() {
        return Err(Error::malformed(NAME, "images"));
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
    let base64 = images
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
    Ok(Picture { base64, seed })
}
