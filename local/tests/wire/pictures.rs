//! Pictures: size, determinism, what starts from another picture, and that they say what they are.

use std::io::Cursor;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use png::{BitDepth, ColorType, Decoder, Encoder};
use serde_json::{Value, json};

use crate::client::Bedrock;

const SDXL_08: &str = "stability.stable-diffusion-xl";
const SDXL_10: &str = "stability.stable-diffusion-xl-v1";
const CORE: &str = "stability.stable-image-core-v1:1";

struct Picture {
    size: (u32, u32),
    rgb: Vec<u8>,
    comments: String,
}

fn paint(bedrock: &Bedrock, model: &str, body: &Value) -> (Value, Picture) {
    let answer = bedrock.invoke(model, body);
    assert_eq!(answer.status, 200, "{model}: {}", answer.message());
    assert_eq!(answer.header("x-local-backend"), "procedural-picture");
    let json = answer.json();
    let base64 = json
        .pointer("/artifacts/0/base64")
        .or_else(|| json.pointer("/images/0"))
        .and_then(Value::as_str)
        .expect("a picture");
    let picture = read(&BASE64_STANDARD.decode(base64).expect("base64"));
    assert!(
        picture.comments.contains("SIMULATED"),
        "the metadata does not say what it is"
    );
    (json, picture)
}

fn read(bytes: &[u8]) -> Picture {
    let mut reader = Decoder::new(Cursor::new(bytes)).read_info().expect("a PNG");
    let mut rgb = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut rgb).expect("a whole PNG");
    assert_eq!(frame.color_type, ColorType::Rgb);
    let texts = &reader.info().uncompressed_latin1_text;
    let comments = texts
        .iter()
        .map(|text| format!("{}={} ", text.keyword, text.text))
        .collect();
    Picture {
        size: (frame.width, frame.height),
        rgb,
        comments,
    }
}

impl Picture {
    fn pixel(&self, x: u32, y: u32) -> &[u8] {
        let at = usize::try_from((y * self.size.0 + x) * 3).expect("small");
        &self.rgb[at..at + 3]
    }
}

/// A PNG of one colour in base64.
fn flat(width: u32, height: u32, colour: impl Fn(u32) -> [u8; 4]) -> String {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    let data: Vec<u8> = (0..height)
        .flat_map(|_| (0..width).flat_map(&colour))
        .collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&data).expect("data");
    writer.finish().expect("an end");
    BASE64_STANDARD.encode(bytes)
}

#[test]
fn sdxl_paints_the_asked_size() {
    let bedrock = Bedrock::start();
    for (model, width, height) in [
        (SDXL_08, None, None),
        (SDXL_10, None, None),
        (SDXL_10, Some(1152), Some(896)),
        (SDXL_10, Some(640), Some(1536)),
    ] {
        let mut body = json!({"text_prompts": [{"text": "a lake"}], "seed": 3});
        if let (Some(width), Some(height)) = (width, height) {
            body["width"] = json!(width);
            body["height"] = json!(height);
        }
        let (answer, picture) = paint(&bedrock, model, &body);
        let side = if model == SDXL_08 { 512 } else { 1024 };
        assert_eq!(
            picture.size,
            (width.unwrap_or(side), height.unwrap_or(side)),
            "{model}"
        );
        assert_eq!(answer["result"], "success");
        assert_eq!(answer["artifacts"][0]["seed"], 3);
        assert_eq!(answer["artifacts"][0]["finishReason"], "SUCCESS");
    }
}

#[test]
fn stable_image_core_paints_the_asked_shape() {
    let bedrock = Bedrock::start();
    for (ratio, size) in [
        ("1:1", (1024, 1024)),
        ("16:9", (1344, 768)),
        ("9:21", (640, 1536)),
    ] {
        let body = json!({"prompt": "a lake", "seed": 9, "aspect_ratio": ratio});
        let (answer, picture) = paint(&bedrock, CORE, &body);
        assert_eq!(picture.size, size, "{ratio}");
        assert_eq!(answer["seeds"], json!([9]));
        assert_eq!(answer["finish_reasons"], json!([null]));
    }
}

#[test]
fn the_same_request_gives_the_same_picture_and_any_change_another() {
    let bedrock = Bedrock::start();
    let body = json!({
        "text_prompts": [{"text": "a lake"}, {"text": "rain", "weight": -1}],
        "seed": 3, "steps": 30, "cfg_scale": 7, "style_preset": "anime",
    });
    let (_, first) = paint(&bedrock, SDXL_10, &body);
    let (_, again) = paint(&bedrock, SDXL_10, &body);
    assert!(
        first.rgb == again.rgb,
        "the same request gave another picture"
    );
    for (key, value) in [
        (
            "text_prompts",
            json!([{"text": "a pond"}, {"text": "rain", "weight": -1}]),
        ),
        (
            "text_prompts",
            json!([{"text": "a lake"}, {"text": "snow", "weight": -1}]),
        ),
        ("seed", json!(4)),
        ("steps", json!(50)),
        ("cfg_scale", json!(10)),
        ("style_preset", json!("cinematic")),
    ] {
        let mut other = body.clone();
        other[key] = value;
        let (_, picture) = paint(&bedrock, SDXL_10, &other);
        assert!(first.rgb != picture.rgb, "{key} changes nothing");
    }
}

#[test]
fn seed_zero_takes_a_random_seed_and_tells_it() {
    let bedrock = Bedrock::start();
    let body = json!({"text_prompts": [{"text": "a lake"}], "seed": 0});
    let (answer, picture) = paint(&bedrock, SDXL_08, &body);
    let seed = &answer["artifacts"][0]["seed"];
    assert!(seed.as_u64() > Some(0));
    let told = json!({"text_prompts": [{"text": "a lake"}], "seed": seed});
    assert!(
        paint(&bedrock, SDXL_08, &told).1.rgb == picture.rgb,
        "the seed gives another picture"
    );
}

#[test]
fn a_picture_to_start_from_shows_through_as_far_as_its_strength() {
    let bedrock = Bedrock::start();
    let red = flat(256, 128, |_| [255, 0, 0, 255]);
    let distance = |strength: f64| -> u64 {
        let body = json!({
            "text_prompts": [{"text": "a lake"}], "seed": 3,
            "init_image": red, "image_strength": strength,
        });
        let (_, picture) = paint(&bedrock, SDXL_10, &body);
        assert_eq!(picture.size, (256, 128));
        // The upper half has no label.
        picture.rgb[..256 * 64 * 3]
            .chunks_exact(3)
            .map(|pixel| u64::from(255 - pixel[0]) + u64::from(pixel[1]) + u64::from(pixel[2]))
            .sum()
    };
    assert_eq!(distance(1.0), 0);
    assert!(0 < distance(0.8) && distance(0.8) < distance(0.2) && distance(0.2) < distance(0.0));
}

#[test]
fn strength_counts_the_other_way_round_for_ultra_and_stable_diffusion_3() {
    let bedrock = Bedrock::start();
    let red = flat(256, 128, |_| [255, 0, 0, 255]);
    for (model, mode) in [
        ("stability.stable-image-ultra-v1:1", "text-to-image"),
        ("stability.sd3-large-v1:0", "image-to-image"),
        ("stability.sd3-5-large-v1:0", "image-to-image"),
    ] {
        let distance = |strength: f64| -> u64 {
            let body = json!({
                "prompt": "a lake", "seed": 3, "mode": mode, "image": red, "strength": strength,
            });
            let (_, picture) = paint(&bedrock, model, &body);
            assert_eq!(picture.size, (256, 128));
            picture.rgb[..256 * 64 * 3]
                .chunks_exact(3)
                .map(|pixel| u64::from(255 - pixel[0]) + u64::from(pixel[1]) + u64::from(pixel[2]))
                .sum()
        };
        assert_eq!(distance(0.0), 0, "{model}");
        assert!(
            0 < distance(0.2) && distance(0.2) < distance(0.8),
            "{model}"
        );
    }
}

/// The pictures of an answer in Amazon's format.
fn pictures(answer: &Value) -> Vec<Vec<u8>> {
    let images = answer["images"].as_array().expect("pictures");
    let decode = |image: &Value| BASE64_STANDARD.decode(image.as_str().expect("base64"));
    images
        .iter()
        .map(|image| decode(image).expect("base64"))
        .collect()
}

#[test]
fn titan_image_and_nova_canvas_paint_as_many_as_they_are_asked_for() {
    let bedrock = Bedrock::start();
    for (model, error) in [
        ("amazon.titan-image-generator-v1", Some(&Value::Null)),
        ("amazon.nova-canvas-v1:0", None),
    ] {
        let body = |count: u32, seed: u32| {
            json!({
                "taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a lake"},
                "imageGenerationConfig": {
                    "width": 384, "height": 640, "seed": seed, "numberOfImages": count,
                },
            })
        };
        let answer = bedrock.invoke(model, &body(3, 7)).json();
        assert_eq!(answer.get("error"), error, "{model}");
        let three = pictures(&answer);
        let sizes: Vec<_> = three.iter().map(|file| read(file).size).collect();
        assert_eq!(sizes, [(384, 640); 3], "{model}");
        assert!(three[0] != three[1] && three[1] != three[2], "{model}");
        let again = pictures(&bedrock.invoke(model, &body(1, 8)).json());
        assert!(
            three[1] == again[0],
            "{model}: each has the seed after the one before"
        );
    }
}

#[test]
fn a_black_mask_is_what_inpainting_changes_and_outpainting_keeps() {
    let bedrock = Bedrock::start();
    let red = flat(256, 128, |_| [255, 0, 0, 255]);
    let left_is_black = flat(
        256,
        128,
        |x| if x < 128 { [0, 0, 0, 255] } else { [255; 4] },
    );
    for (task, params, left_changes) in [
        ("INPAINTING", "inPaintingParams", true),
        ("OUTPAINTING", "outPaintingParams", false),
    ] {
        let body = json!({
            "taskType": task,
            params: {"text": "a lake", "image": red, "maskImage": left_is_black},
        });
        let (_, picture) = paint(&bedrock, "amazon.titan-image-generator-v2:0", &body);
        assert_eq!(picture.size, (256, 128));
        for y in 0..128 {
            assert_eq!(
                picture.pixel(64, y) != [255, 0, 0],
                left_changes,
                "{task}, {y}"
            );
            assert_eq!(
                picture.pixel(192, y) != [255, 0, 0],
                !left_changes,
                "{task}, {y}"
            );
        }
    }
}

#[test]
fn a_background_is_transparent_once_it_is_removed() {
    let bedrock = Bedrock::start();
    let body = json!({
        "taskType": "BACKGROUND_REMOVAL",
        "backgroundRemovalParams": {"image": flat(256, 128, |_| [255, 0, 0, 255])},
    });
    let answer = bedrock.invoke("amazon.nova-canvas-v1:0", &body).json();
    let file = pictures(&answer).remove(0);
    let mut reader = Decoder::new(Cursor::new(file)).read_info().expect("a PNG");
    let mut rgba = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut rgba).expect("a whole PNG");
    assert_eq!(frame.color_type, ColorType::Rgba);
    assert_eq!(rgba[3], 0, "in the corner");
    let middle = (64 * 256 + 128) * 4;
    assert_eq!(rgba[middle..middle + 4], [255, 0, 0, 255]);
}

#[test]
fn a_mask_says_where_a_picture_changes() {
    let bedrock = Bedrock::start();
    let red = flat(256, 128, |_| [255, 0, 0, 255]);
    let right_is_white = flat(
        256,
        128,
        |x| if x < 128 { [0, 0, 0, 255] } else { [255; 4] },
    );
    let right_is_clear = flat(256, 128, |x| [255, 0, 0, if x < 128 { 255 } else { 0 }]);
    for (source, init_image, mask_image, right_changes) in [
        ("MASK_IMAGE_WHITE", &red, Some(&right_is_white), true),
        ("MASK_IMAGE_BLACK", &red, Some(&right_is_white), false),
        ("INIT_IMAGE_ALPHA", &right_is_clear, None, true),
    ] {
        let mut body = json!({
            "text_prompts": [{"text": "a lake"}], "seed": 3,
            "init_image": init_image, "image_strength": 0, "mask_source": source,
        });
        if let Some(mask_image) = mask_image {
            body["mask_image"] = json!(mask_image);
        }
        let (_, picture) = paint(&bedrock, SDXL_10, &body);
        for y in 0..128 {
            assert_eq!(
                picture.pixel(64, y) == [255, 0, 0],
                right_changes,
                "{source} left, {y}"
            );
            assert_eq!(
                picture.pixel(192, y) == [255, 0, 0],
                !right_changes,
                "{source} right, {y}"
            );
        }
    }
}

#[test]
fn a_picture_that_cannot_be_used_is_refused() {
    let bedrock = Bedrock::start();
    let red = flat(256, 128, |_| [255, 0, 0, 255]);
    let small = flat(32, 32, |_| [255, 0, 0, 255]);
    for (extra, part) in [
        (
            json!({"init_image": "%%%"}),
            "init_image is not valid base64",
        ),
        (
            json!({"init_image": BASE64_STANDARD.encode("GIF89a")}),
            "not a PNG image",
        ),
        (json!({"init_image": small}), "this image has 32x32"),
        (
            json!({"init_image": red, "steps": 51}),
            "51 is not less or equal to 50",
        ),
        (
            json!({"init_image": red, "width": 1024}),
            "extraneous key [width]",
        ),
        (
            json!({"init_image": red, "mask_source": "MASK_IMAGE_WHITE"}),
            "mask_image is required",
        ),
        (
            json!({"init_image": red, "mask_source": "MASK_IMAGE_WHITE", "mask_image": flat(64, 64, |_| [0; 4])}),
            "the dimensions of init_image",
        ),
    ] {
        let mut body = json!({"text_prompts": [{"text": "a"}]});
        let object = body.as_object_mut().expect("an object");
        object.extend(extra.as_object().expect("an object").clone());
        let answer = bedrock.invoke(SDXL_10, &body);
        assert_eq!(answer.status, 400, "{part}");
        assert!(
            answer.message().contains(part),
            "{part}: {}",
            answer.message()
        );
    }
}

#[test]
fn a_picture_takes_seconds_and_not_minutes() {
    let bedrock = Bedrock::start();
    let body = json!({"text_prompts": [{"text": "a lake"}], "steps": 150});
    let started = Instant::now();
    assert_eq!(bedrock.invoke(SDXL_10, &body).status, 200);
    let taken = started.elapsed();
    assert!(taken < Duration::from_secs(10), "{taken:?}");
}

#[test]
fn the_word_stands_in_the_picture() {
    let bedrock = Bedrock::start();
    let body = json!({"text_prompts": [{"text": "a lake"}], "seed": 3});
    let (_, picture) = paint(&bedrock, SDXL_08, &body);
    // The strip at the lower left holds two tones only: ink and ground.
    let mut tones: Vec<&[u8]> = (490..512)
        .flat_map(|y| (0..114).map(move |x| (x, y)))
        .map(|(x, y)| picture.pixel(x, y))
        .collect();
    tones.sort_unstable();
    tones.dedup();
    assert_eq!(tones, [&[24; 3], &[240; 3]]);
}
