//! Every image family.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedrock_adapter::Error;
use bedrock_adapter::api::image::{Drawing, Size};
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::families;
use bedrock_adapter::generation::Aside;
use bedrock_adapter::image_file::ImageFile;
use end_to_end::size_of;

use crate::client::{Wire, target};

const SDXL: &str = "stability.stable-diffusion-xl-v1";
const CORE: &str = "stability.stable-image-core-v1:1";
const ULTRA: &str = "stability.stable-image-ultra-v1:1";
const LARGE: &str = "stability.sd3-5-large-v1:0";
const TITAN: &str = "amazon.titan-image-generator-v2:0";
const CANVAS: &str = "amazon.nova-canvas-v1:0";

fn drawing(prompt: &str) -> Drawing {
    Drawing {
        prompt: Some(prompt.to_owned()),
        ..Drawing::default()
    }
}

/// Draws; returns the file and its seed.
async fn draw(
    wire: &Wire,
    model: &str,
    drawing: &Drawing,
) -> Result<(Vec<u8>, Option<u64>), Error> {
    let declared = model.starts_with("arn:").then_some("stable-diffusion-xl");
    let target = target(model, declared, None);
    let family = target.image_family()?;
    let body = families::encode_image(family, target.entry, drawing, 1)?;
    let deadline = Deadline::within(Duration::from_secs(20));
    let answer = wire
        .client
        .invoke(&target, &body, &Aside::default(), deadline)
        .await?;
    let picture = families::decode_image(family, &answer.body)?
        .pictures
        .remove(0);
    let file = STANDARD.decode(picture.base64.as_bytes()).expect("base64");
    let ImageFile { size, .. } = ImageFile::of(&file)?;
    assert_eq!(size_of(&file), (size.width, size.height));
    Ok((file, picture.seed))
}

#[tokio::test]
async fn every_image_family_draws_a_whole_png_of_the_size_that_was_asked_for() {
    let wire = Wire::start().await;
    let wide = Some(Size {
        width: 1344,
        height: 768,
    });
    // The newer models of Stability take a size as a shape, and chooses the pixels itself.
    let shape = Some(Size {
        width: 1600,
        height: 900,
    });
    for (model, size, expected) in [
        (SDXL, wide, (1344, 768)),
        (SDXL, None, (1024, 1024)),
        ("stability.stable-diffusion-xl", None, (512, 512)),
        (CORE, shape, (1344, 768)),
        (CORE, None, (1024, 1024)),
        (ULTRA, shape, (1344, 768)),
        (LARGE, shape, (1344, 768)),
        ("stability.sd3-large-v1:0", None, (1024, 1024)),
    ] {
        let drawing = Drawing {
            size,
            seed: Some(7),
            ..drawing("a lake at dawn")
        };
        let (file, seed) = draw(&wire, model, &drawing).await.unwrap();
        assert_eq!((size_of(&file), seed), (expected, Some(7)), "{model}");
    }
}

#[tokio::test]
async fn the_same_seed_draws_the_same_and_another_does_not() {
    let wire = Wire::start().await;
    let with_seed = |seed| Drawing {
        seed: Some(seed),
        ..drawing("a lake at dawn")
    };
    let (first, _) = draw(&wire, CORE, &with_seed(7)).await.unwrap();
    let (again, _) = draw(&wire, CORE, &with_seed(7)).await.unwrap();
    let (other, _) = draw(&wire, CORE, &with_seed(8)).await.unwrap();
    assert!(first == again, "the same seed");
    assert!(first != other, "another seed");
}

#[tokio::test]
async fn an_image_can_start_from_another_and_change_within_a_mask() {
    let wire = Wire::start().await;
    let (start, _) = draw(&wire, SDXL, &drawing("a lake at dawn")).await.unwrap();
    let from_image = Drawing {
        images: vec![start.clone().into()],
        image_strength: Some(0.5),
        ..drawing("a lake at night")
    };
    let (whole, _) = draw(&wire, SDXL, &from_image).await.unwrap();
    assert!(whole != start);
    let within = Drawing {
        mask: Some(start.clone().into()),
        mask_source: Some("MASK_IMAGE_WHITE".to_owned()),
        image_strength: None,
        ..from_image
    };
    let (masked, _) = draw(&wire, SDXL, &within).await.unwrap();
    assert_eq!(size_of(&masked), (1024, 1024));
    for model in [ULTRA, LARGE] {
        let changed = Drawing {
            images: vec![start.clone().into()],
            strength: Some(0.5),
            ..drawing("a lake at night")
        };
        let (changed, _) = draw(&wire, model, &changed).await.unwrap();
        assert_eq!(size_of(&changed), (1024, 1024), "{model}");
        assert!(changed != start, "{model}");
    }
}

#[tokio::test]
async fn titan_image_and_nova_canvas_do_every_task() {
    let wire = Wire::start().await;
    let size = Some(Size {
        width: 512,
        height: 512,
    });
    let of_size = Drawing {
        size,
        ..drawing("a lake at dawn")
    };
    let (start, _) = draw(&wire, TITAN, &of_size).await.unwrap();
    assert_eq!(size_of(&start), (512, 512));
    let image = || vec![bytes::Bytes::from(start.clone())];
    let text = |text: &str| Some(text.to_owned());
    let from_image = || Drawing {
        prompt: None,
        images: image(),
        ..Drawing::default()
    };
    let tasks = [
        Drawing {
            control_strength: Some(0.4),
            prompt: text("a lake at night"),
            ..from_image()
        },
        Drawing {
            mask_prompt: text("the lake"),
            ..from_image()
        },
        Drawing {
            mask: image().pop(),
            prompt: text("a meadow"),
            outpainting_mode: text("PRECISE"),
            ..from_image()
        },
        Drawing {
            similarity_strength: Some(0.2),
            size,
            ..from_image()
        },
        Drawing {
            colors: Some(vec!["#ff8000".to_owned()]),
            ..of_size.clone()
        },
        Drawing {
            task: text("BACKGROUND_REMOVAL"),
            ..from_image()
        },
    ];
    let try_on = Drawing {
        reference_image: image().pop(),
        garment_class: text("UPPER_BODY"),
        merge_style: text("SEAMLESS"),
        ..from_image()
    };
    let mut asked: Vec<_> = tasks.iter().map(|task| (TITAN, task)).collect();
    asked.extend(tasks.iter().chain([&try_on]).map(|task| (CANVAS, task)));
    for (model, task) in asked {
        let (file, seed) = draw(&wire, model, task).await.unwrap();
        let expected = task
            .size
            .map_or((512, 512), |size| (size.width, size.height));
        let is_conditioned = task.control_strength.is_some();
        let expected = if is_conditioned {
            (1024, 1024)
        } else {
            expected
        };
        assert_eq!(
            (size_of(&file), seed),
            (expected, None),
            "{model}: {task:?}"
        );
        assert!(file != start, "{model}");
    }
}
