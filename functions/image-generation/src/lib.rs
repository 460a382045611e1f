//! Image generation: `POST /v1/images/generations`. Files are kept in S3.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedrock_adapter::Error;
use bedrock_adapter::api::image::{
    Choice, Delivery, Drawing, Format, Image, Parameters, Request, Response, Value,
};
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::bedrock::Bedrock;
use bedrock_adapter::config::{Config, DefaultModel, Invalid};
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::doors::api_gateway::{Input, Route};
use bedrock_adapter::error::RequestFault;
use bedrock_adapter::families::{self, Picture};
use bedrock_adapter::fan_out::fan_out;
use bedrock_adapter::generation::Aside;
use bedrock_adapter::image_file::ImageFile;
use bedrock_adapter::jobs::Function;
use bedrock_adapter::model::{Directory, ImageFamily, Target};
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
    /// Its file, if the answer is to have it.
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
        let sheets = sheets(&target, family, &request);
        for sheet in &sheets {
            families::encode_image(family, target.entry, &sheet.drawing, sheet.count)?;
        }
        let inline = request.format == Format::Base64;
        let making = sheets
            .iter()
            .map(|sheet| self.make(&target, sheet, inline, invocation));
        let at_a_time = IMAGES_AT_A_TIME.div_ceil(sheets.first().map_or(1, |sheet| sheet.count));
        let kept: Vec<_> = fan_out(making, at_a_time).await?;
        let kept: Vec<_> = kept.into_iter().flatten().collect();
        // An answer that Lambda would refuse points into S3 instead.
        let inline = kept.iter().filter_map(|image| image.inline.as_ref());
        let encoded: usize = inline.map(|file| file.len().div_ceil(3) * 4).sum();
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
            trimmed: 0,
        };
        let response = Response {
            created: invocation.started,
            data,
        };
        Ok(Reply::Whole(response.document()?, facts))
    }
}

impl ImageGeneration {
    /// Makes the images of one call and keeps them. What the model filtered of them fails the request
    /// when the others are kept: they are paid for.
    async fn make(
        &self,
        target: &Target,
        sheet: &Sheet,
        inline: bool,
        invocation: &Invocation,
    ) -> Result<Vec<Kept>, Error> {
        let Sheet { drawing, count, .. } = sheet;
        let family = target.image_family()?;
        let deadline = invocation.deadline;
        // Only now, so that the bodies of those to come are not held meanwhile.
        let body = families::encode_image(family, target.entry, drawing, *count)?;
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
        let answered = families::decode_image(family, &answer.body)?;
        let came = answered.pictures.len();
        let mut kept = Vec::with_capacity(came);
        let mut failed = None;
        for (index, picture) in answered.pictures.into_iter().take(*count).enumerate() {
            let id = &invocation.id;
            match self.keep(target, sheet, index, picture, id, deadline).await {
                Ok(mut image) => {
                    image.inline = image.inline.filter(|_| inline);
                    kept.push(image);
                }
                // The others were paid for, too.
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if answered.filtered {
            let reason = "the model filtered some of the images".to_owned();
            return Err(RequestFault::Filtered { reason }.into());
        }
        if came < *count {
            return Err(Error::image_invalid("there are fewer than were asked for"));
        }
        Ok(kept)
    }

    /// Keeps the image with this index of a call.
    async fn keep(
        &self,
        target: &Target,
        sheet: &Sheet,
        index: usize,
        picture: Picture<'_>,
        request_id: &str,
        deadline: Deadline,
    ) -> Result<Kept, Error> {
        let Sheet {
            drawing,
            first,
            count,
        } = sheet;
        let family = target.image_family()?;
        let file = STANDARD
            .decode(picture.base64.as_bytes())
            .map_err(|_| Error::image_invalid("it is not base64"))?;
        let ImageFile { file_type, size } = ImageFile::of(&file)?;
        if !families::may_have_size(family, drawing, size) {
            return Err(Error::image_invalid(
                "it is not of the size that was asked for",
            ));
        }
        telemetry::image_made(target, size, drawing.steps);
        let file = Bytes::from(file);
        let mut metadata = metadata(target, drawing);
        metadata.insert("size", size.to_string());
        // Of a seed that lets the model choose only the model knows what it chose.
        let least = families::seeds(family, target.entry).first;
        let asked = drawing.seed.filter(|seed| *seed >= least);
        let seed = picture.seed.or(asked.map(i64::unsigned_abs));
        metadata.extend(seed.map(|seed| ("seed", seed.to_string())));
        if *count > 1 {
            // The images of a call share its seed.
            metadata.insert("n", count.to_string());
            metadata.insert("index", index.to_string());
        }
        let parameters = metadata
            .iter()
            .map(|(name, value)| (name.replace('-', "_"), value.clone()));
        let parameters = parameters.collect();
        let metadata: Vec<_> = metadata.into_iter().collect();
        let key = Key::of(request_id, first + index, file_type);
        self.images
            .put(&key, file.clone(), file_type, &metadata, deadline)
            .await?;
        Ok(Kept {
            key,
            inline: Some(file),
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
            Some(file) => Delivery::File(file),
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

/// What one call makes.
struct Sheet {
    drawing: Drawing,
    /// The index of its first image within the request.
    first: usize,
    /// How many images.
    count: usize,
}

/// The calls that make the images of a request: as few as the family allows. A seed is counted up
/// by the images before, so that they differ, even where a model counts up within a call, and each can
/// be made again; one that is not given is counted up from the model's own where that is always the same.
fn sheets(target: &Target, family: ImageFamily, request: &Request) -> Vec<Sheet> {
    let Request { drawing, n, .. } = request;
    let seeds = families::seeds(family, target.entry);
    let at_once = families::most_at_once(family, target.entry, drawing);
    let sheet = |first| {
        let seed = match first {
            0 => drawing.seed,
            first => drawing
                .seed
                .or(seeds.default)
                .map(|seed| seeds.after(seed, first)),
        };
        Sheet {
            drawing: Drawing {
                seed,
                ..drawing.clone()
            },
            first,
            count: at_once.min(n - first),
        }
    };
    (0..*n).step_by(at_once).map(sheet).collect()
}

/// What, beside the prompts and pictures, makes the image again. Those are the caller's, and are not
/// kept.
fn metadata(target: &Target, drawing: &Drawing) -> BTreeMap<&'static str, String> {
    let model = ("model", target.id.as_str().to_owned());
    let choices = drawing.given().filter_map(|(choice, value)| {
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text.to_owned(),
            Value::Texts(texts) => texts.join(","),
            Value::Size(_) | Value::Pictures(_) | Value::Object => return None,
        };
        Some((metadata_name(choice)?, value))
    });
    choices.chain([model]).collect()
}

/// The name that a choice has beside the object; `None` for what is not kept, or only as it came
/// out.
const fn metadata_name(choice: Choice) -> Option<&'static str> {
    Some(match choice {
        Choice::Prompt
        | Choice::NegativePrompt
        | Choice::MaskPrompt
        | Choice::Size
        | Choice::Seed
        | Choice::Extras
        | Choice::Image
        | Choice::Mask
        | Choice::ReferenceImage => return None,
        Choice::Task => "task",
        Choice::OutputFormat => "output-format",
        Choice::Quality => "quality",
        Choice::Style => "style",
        Choice::Steps => "steps",
        Choice::CfgScale => "cfg-scale",
        Choice::StylePreset => "style-preset",
        Choice::Sampler => "sampler",
        Choice::ClipGuidancePreset => "clip-guidance-preset",
        Choice::Strength => "strength",
        Choice::ImageStrength => "image-strength",
        Choice::ImageMode => "image-mode",
        Choice::StepScheduleStart => "step-schedule-start",
        Choice::StepScheduleEnd => "step-schedule-end",
        Choice::MaskSource => "mask-source",
        Choice::OutpaintingMode => "outpainting-mode",
        Choice::ControlMode => "control-mode",
        Choice::ControlStrength => "control-strength",
        Choice::SimilarityStrength => "similarity-strength",
        Choice::Colors => "colors",
        Choice::MaskShape => "mask-shape",
        Choice::GarmentClass => "garment-class",
        Choice::LongSleeveStyle => "long-sleeve-style",
        Choice::TuckingStyle => "tucking-style",
        Choice::OuterLayerStyle => "outer-layer-style",
        Choice::PreserveBodyPose => "preserve-body-pose",
        Choice::PreserveHands => "preserve-hands",
        Choice::PreserveFace => "preserve-face",
        Choice::MergeStyle => "merge-style",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bedrock_adapter::model::Wanted;

    #[test]
    fn what_is_sent_slowly_takes_time() {
        for (bytes, seconds) in [(0, 0), (10_000_000, 0), (30_000_000, 10)] {
            assert_eq!(sending_time(bytes), Duration::from_secs(seconds));
        }
    }

    /// The seeds and sizes of a request's calls.
    fn calls(model: &str, seed: Option<i64>, n: usize) -> Vec<(Option<i64>, usize)> {
        let directory = Directory {
            default: Some(model.to_owned()),
            aliases: BTreeMap::new(),
            allowed: Vec::new(),
            region: None,
        };
        let target = directory.find(&Wanted::default()).unwrap();
        let request = Request {
            wanted: Wanted::default(),
            n,
            format: Format::Url,
            drawing: Drawing {
                seed,
                ..Drawing::default()
            },
        };
        let sheets = sheets(&target, target.image_family().unwrap(), &request);
        let calls = sheets.iter().map(|sheet| (sheet.drawing.seed, sheet.count));
        calls.collect()
    }

    #[test]
    fn seeds_are_counted_up_from_call_to_call_and_wrap() {
        let sdxl = "stability.stable-diffusion-xl-v1";
        for (model, seed, expected) in [
            (sdxl, None, None),
            (sdxl, Some(0), Some(0)),
            (sdxl, Some(20), Some(22)),
            (sdxl, Some(4_294_967_295), Some(2)),
            (sdxl, Some(-1), Some(-1)),
            (sdxl, Some(i64::MAX), Some(i64::MAX)),
            ("stability.sd3-5-large-v1:0", Some(4_294_967_294), Some(2)),
        ] {
            let calls = calls(model, seed, 3);
            assert_eq!(calls.len(), 3);
            assert_eq!(calls[0], (seed, 1), "{model}");
            assert_eq!(calls[2], (expected, 1), "{model}: {seed:?}");
        }
    }

    #[test]
    fn a_family_that_makes_several_in_a_call_is_called_as_seldom_as_it_can_be() {
        let (titan, canvas) = ("amazon.titan-image-generator-v1", "amazon.nova-canvas-v1:0");
        let last = 2_147_483_646;
        for (model, seed, n, expected) in [
            (titan, None, 1, vec![(None, 1)]),
            (
                titan,
                None,
                7,
                vec![(None, 3), (Some(45), 3), (Some(48), 1)],
            ),
            (canvas, None, 4, vec![(None, 3), (Some(15), 1)]),
            (canvas, Some(last), 5, vec![(Some(last), 3), (Some(2), 2)]),
        ] {
            assert_eq!(calls(model, seed, n), expected, "{model}: {seed:?}, {n}");
        }
    }
}
