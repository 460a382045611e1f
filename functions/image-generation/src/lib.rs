//! Image generation: `POST /v1/images/generations`. PNGs are kept in S3.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedrock_adapter::Error;
use bedrock_adapter::api::image::{
    Delivery, Drawing, Format, Image, Parameters, Request, Response,
};
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::error::RequestFault;
use bedrock_adapter::families;
use bedrock_adapter::fan_out::fan_out;
use bedrock_adapter::generation::Aside;
use bedrock_adapter::jobs::Function;
use bedrock_adapter::model::{Directory, ImageFamily, Target};
use bedrock_adapter::png;
use bedrock_adapter::reply::Reply;
use bedrock_adapter::runtime::{Invocation, Task};
use bedrock_adapter::store::{Images, Key};
use bedrock_adapter::telemetry::{self, Facts};
use bytes::Bytes;

const DEFAULT_MODEL: DefaultModel = DefaultModel {
    variable: "DEFAULT_IMAGE_MODEL",
    id: "stability.stable-image-core-v1:1",
};

/// How many images of one request are made at a time. Each holds its bytes in memory.
const IMAGES_AT_A_TIME: usize = 2;

/// What the model must leave of the request's time, so that a paid image is not lost for want of
/// time to keep it.
const TIME_TO_KEEP: Duration = Duration::from_secs(3);

/// The function.
#[derive(Debug)]
pub struct ImageGeneration {
    bedrock: Bedrock,
    directory: Directory,
    images: Images,
    limits: Limits,
}

/// An image that is in S3.
struct Kept {
    key: Key,
    /// Its PNG, if the answer is to have it.
    inline: Option<Bytes>,
    seed: Option<u64>,
    parameters: Parameters,
}

impl Task for ImageGeneration {
    const ROUTES: &'static [Route] = &[Route {
        method: "POST",
        path: "/v1/images/generations",
    }];
    const DEFAULT_MODEL: Option<DefaultModel> = Some(DEFAULT_MODEL);
    const FUNCTION: Option<Function> = Some(Function::Image);
    type Request = Request;

    async fn connect(config: Config, sdk: &SdkConfig) -> Result<Self, Invalid> {
        let bucket = config
            .image_bucket
            .ok_or_else(|| Invalid::new("IMAGE_BUCKET", "is not set"))?;
        DEFAULT_MODEL.check(&config.directory, Target::image_family)?;
        Ok(Self {
            bedrock: Bedrock::connect(sdk, &config.bedrock).await,
            directory: config.directory,
            images: Images::connect(sdk, bucket, config.image_url_life),
            limits: config.limits,
        })
    }

    fn parse(&self, input: Input) -> Result<Request, Error> {
        Request::parse(&input.body, &self.limits)
    }

    fn of_prompt(&self, prompt: &str) -> Result<Request, Error> {
        Request::of_prompt(prompt, &self.limits)
    }

    /// `n` images; one failure fails the request, but what S3 already has stays.
    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let target = self.directory.find(&request.wanted)?;
        let family = target.image_family()?;
        // Everything that can be refused is refused before the first image is paid for.
        let drawings: Vec<_> = (0..request.n)
            .map(|index| variation(family, &request.drawing, index))
            .collect();
        for drawing in &drawings {
            families::encode_image(family, target.entry, drawing)?;
        }
        let inline = request.format == Format::Base64;
        let making = drawings.iter().enumerate().map(|(index, drawing)| {
            let key = Key::of(&invocation.id, index);
            self.make(&target, drawing, key, inline, invocation.deadline)
        });
        let kept = fan_out(making, IMAGES_AT_A_TIME).await?;
        // An answer that Lambda would refuse points into S3 instead.
        let inline = kept.iter().filter_map(|image| image.inline.as_ref());
        let encoded: usize = inline.map(|png| png.len().div_ceil(3) * 4).sum();
        let fits = encoded <= invocation.largest_answer
            && sending_time(encoded) <= invocation.deadline.remaining();
        let mut data = Vec::with_capacity(kept.len());
        for image in kept {
            data.push(self.describe(image, fits, invocation.deadline).await?);
        }
        let facts = Facts {
            model: target.id.as_str().to_owned(),
            usage: None,
            images: data.len(),
        };
        let response = Response {
            created: invocation.started,
            data,
        };
        Ok(Reply::Whole(response.document()?, facts))
    }
}

impl ImageGeneration {
    /// Makes one image and keeps it.
    async fn make(
        &self,
        target: &Target,
        drawing: &Drawing,
        key: Key,
        inline: bool,
        deadline: Deadline,
    ) -> Result<Kept, Error> {
        let family = target.image_family()?;
        // Only now, so that the bodies of those to come are not held meanwhile.
        let body = families::encode_image(family, target.entry, drawing)?;
        let answer = self
            .bedrock
            .invoke(
                target,
                &body,
                &Aside::default(),
                deadline.keeping_back(TIME_TO_KEEP),
            )
            .await?;
        drop(body);
        if answer.intervened {
            let reason = "a guardrail intervened.".to_owned();
            return Err(RequestFault::Filtered { reason }.into());
        }
        let picture = families::decode_image(family, &answer.body)?;
        let png = STANDARD
            .decode(picture.base64)
            .map_err(|_| Error::image_invalid("it is not base64"))?;
        let size = png::size_of(&png)?;
        if !families::may_have_size(family, drawing, size) {
            return Err(Error::image_invalid(
                "it is not of the size that was asked for",
            ));
        }
        telemetry::image_made(target, size, drawing.steps);
        let png = Bytes::from(png);
        let mut metadata = metadata(target, drawing);
        metadata.insert("size", size.to_string());
        // A seed of 0 lets the model choose, and only the model knows what it chose.
        let asked = drawing
            .seed
            .filter(|seed| *seed != 0)
            .map(i64::unsigned_abs);
        let seed = picture.seed.or(asked);
        metadata.extend(seed.map(|seed| ("seed", seed.to_string())));
        let parameters = metadata
            .iter()
            .map(|(name, value)| (name.replace('-', "_"), value.clone()));
        let parameters = parameters.collect();
        let metadata: Vec<_> = metadata.into_iter().collect();
        self.images
            .put(&key, png.clone(), &metadata, deadline)
            .await?;
        Ok(Kept {
            key,
            inline: inline.then_some(png),
            seed,
            parameters,
        })
    }

    async fn describe(&self, image: Kept, fits: bool, deadline: Deadline) -> Result<Image, Error> {
        let Kept {
            key,
            inline,
            seed,
            parameters,
        } = image;
        let delivery = match inline.filter(|_| fits) {
            Some(png) => Delivery::Png(png),
            None => Delivery::Url(self.images.url(&key, deadline).await?),
        };
        Ok(Image {
            delivery,
            seed,
            parameters,
            s3_uri: self.images.uri(&key),
        })
    }
}

/// How long API Gateway takes to send so many bytes: the first 10 MB at once, then 2 MB a second.
fn sending_time(bytes: usize) -> Duration {
    const AT_ONCE: usize = 10_000_000;
    const A_SECOND: f64 = 2_000_000.0;
    Duration::from_secs_f64(bytes.saturating_sub(AT_ONCE) as f64 / A_SECOND)
}

/// The drawing of the image with this index. A seed that was given is counted up, past the largest
/// one from 1 again, so that the images differ and each can be made again.
fn variation(family: ImageFamily, drawing: &Drawing, index: usize) -> Drawing {
    let largest = families::largest_seed(family);
    let step = i64::try_from(index).unwrap_or_default();
    let seed = match drawing.seed {
        // What is out of range is left for the family to refuse.
        Some(seed) if seed > 0 && seed <= largest => Some((seed - 1 + step) % largest + 1),
        seed => seed,
    };
    Drawing {
        seed,
        ..drawing.clone()
    }
}

/// What, beside the prompts, makes the image again. The prompts themselves are the caller's, and
/// are not kept.
fn metadata(target: &Target, drawing: &Drawing) -> BTreeMap<&'static str, String> {
    let Drawing {
        prompt: _,
        negative_prompt: _,
        size: _,
        seed: _,
        steps,
        cfg_scale,
        style_preset,
        sampler,
        clip_guidance_preset,
        extras: _,
        image: _,
        mask: _,
        mask_source,
        image_strength,
        image_mode,
        step_schedule_start,
        step_schedule_end,
    } = drawing;
    let text = |value: &Option<String>| value.clone();
    let number = |value: &Option<f64>| value.map(|value| value.to_string());
    [
        ("model", Some(target.id.as_str().to_owned())),
        ("steps", steps.map(|steps| steps.to_string())),
        ("cfg-scale", number(cfg_scale)),
        ("style-preset", text(style_preset)),
        ("sampler", text(sampler)),
        ("clip-guidance-preset", text(clip_guidance_preset)),
        ("mask-source", text(mask_source)),
        ("image-strength", number(image_strength)),
        ("image-mode", text(image_mode)),
        ("step-schedule-start", number(step_schedule_start)),
        ("step-schedule-end", number(step_schedule_end)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_slowly_takes_time() {
        for (bytes, seconds) in [(0, 0), (10_000_000, 0), (30_000_000, 10)] {
            assert_eq!(sending_time(bytes), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn seeds_are_counted_up_and_wrap() {
        let family = ImageFamily::StableDiffusionXl;
        for (seed, index, expected) in [
            (None, 3, None),
            (Some(0), 3, Some(0)),
            (Some(20), 0, Some(20)),
            (Some(20), 2, Some(22)),
            (Some(4_294_967_295), 0, Some(4_294_967_295)),
            (Some(4_294_967_295), 1, Some(1)),
            (Some(-1), 1, Some(-1)),
            (Some(i64::MAX), 1, Some(i64::MAX)),
        ] {
            let drawing = Drawing {
                seed,
                ..Drawing::default()
            };
            assert_eq!(
                variation(family, &drawing, index).seed,
                expected,
                "{seed:?} at {index}"
            );
        }
    }
}
