//! The model draws, and the picture is not to be had.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{Ask, Event, Script, drawing};
use serde_json::{Value, json};

use crate::told::Told;

const CORE: &str = "stability.stable-image-core-v1:1";
const SDXL: &str = "stability.stable-diffusion-xl-v1";
const TITAN: &str = "amazon.titan-image-generator-v2:0";
const CANVAS: &str = "amazon.nova-canvas-v1:0";

/// Asks this model for a picture of 1024 x 1024 pixels, and checks that its answer becomes this
/// error, after one call and without an object.
async fn check(model: &str, answer: Script, told: Told) {
    let mut asked = Ask::IMAGE.of([answer]).await;
    let event: Event = Ask::IMAGE
        .event()
        .with_field("model", model.into())
        .with_field("size", "1024x1024".into());
    let answer = asked.function.call(&event).await;
    told.check(&asked, &answer);
    assert_eq!(asked.s3.keys().await, Vec::<String>::new(), "{model}");
    asked.lives_on().await;
}

/// SDXL's answer with these files.
fn artifacts(files: &[&str], reason: &str) -> Value {
    let artifacts: Vec<_> = files
        .iter()
        .map(|file| json!({"seed": 7, "base64": file, "finishReason": reason}))
        .collect();
    json!({"result": "success", "artifacts": artifacts})
}

/// Stable Image's answer with these files.
fn images(files: &[&str]) -> Value {
    json!({"seeds": [7], "finish_reasons": [null], "images": files})
}

/// A file whose bytes are changed at a place.
fn changed(file: &[u8], place: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    file[place] ^= 0xff;
    file
}

end_to_end::rows! {
    f29_a_picture_that_the_model_filtered_is_a_400_and_is_not_stored:
    "finishReason CONTENT_FILTERED, finish_reasons not null: 400 content_policy_violation after 1 call, no object" => {
        let told = Told::new(400, "content_policy_violation", 1);
        let black = STANDARD.encode(drawing(1024, 1024));
        check(SDXL, Script::json(&artifacts(&[&black], "CONTENT_FILTERED")), told).await;
        for part in ["prompt", "output image", "input image"] {
            let reason = format!("Filter reason: {part}");
            let filtered = json!({"seeds": [7], "finish_reasons": [reason], "images": []});
            check(CORE, Script::json(&filtered), told).await;
        }
        for model in [TITAN, CANVAS] {
            let filtered = json!({"images": [], "error": "blocked"});
            check(model, Script::json(&filtered), told).await;
        }
    }

    f30_a_prompt_that_bedrock_filters_is_a_400_of_its_own:
    "ValidationException that speaks of filtered words: 400 content_policy_violation after 1 call" => {
        let told = Told::new(400, "content_policy_violation", 1);
        for says in [
            "This request has been blocked by our content filters. Your prompt and/or image may \
             be flagged for content that violates our policies.",
            "Your request was flagged by our moderation system, as the prompt contains filtered words.",
        ] {
            let filtered = || vec![Script::error(400, "ValidationException", says)];
            crate::told::refused(Ask::ALL, |_| filtered(), told).await;
        }
    }

    f31_a_picture_that_is_damaged_or_not_the_one_asked_for_is_a_502_and_is_not_stored:
    "base64 invalid, no PNG, a PNG cut or with a wrong checksum, none at all, another size: 502 image_invalid after 1 call, no object" => {
        let told = Told::new(502, "image_invalid", 1);
        let good = drawing(1024, 1024);
        let small = drawing(512, 512);
        let damaged: [Vec<u8>; 6] = [
            b"GIF89a\x01\x00\x01\x00".to_vec(),
            Vec::new(),
            good[..good.len() / 2].to_vec(),
            good[..good.len() - 12].to_vec(),
            // The width, whose checksum no longer fits.
            changed(&good, 18),
            changed(&good, good.len() - 20),
        ];
        for file in damaged {
            let file = STANDARD.encode(file);
            check(CORE, Script::json(&images(&[&file])), told).await;
            check(SDXL, Script::json(&artifacts(&[&file], "SUCCESS")), told).await;
        }
        for file in ["a!", "iVBORw0KGgo"] {
            check(CORE, Script::json(&images(&[file])), told).await;
            check(SDXL, Script::json(&artifacts(&[file], "SUCCESS")), told).await;
        }
        check(CORE, Script::json(&images(&[])), told).await;
        check(SDXL, Script::json(&artifacts(&[], "SUCCESS")), told).await;
        check(SDXL, Script::json(&artifacts(&[&STANDARD.encode(&small)], "SUCCESS")), told).await;
    }
}

/// Asks Nova Canvas for so many pictures at once.
fn several(n: usize) -> Event {
    let event = Ask::IMAGE.event();
    let event = event.with_body(&json!({"model": CANVAS, "prompt": end_to_end::marked("a lake")}));
    event.with_field("n", n.into())
}

#[tokio::test]
async fn what_the_model_filtered_of_several_fails_the_request_and_the_others_are_kept() {
    let file = STANDARD.encode(drawing(1024, 1024));
    let partly = json!({"images": [file, file], "error": "some were blocked"});
    let mut asked = Ask::IMAGE.of([Script::json(&partly)]).await;
    let answer = asked.function.call(&several(3)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.text("/error/code"), "content_policy_violation");
    assert_eq!(asked.s3.keys().await.len(), 2);
    let fewer = json!({"images": [file]});
    let mut asked = Ask::IMAGE.of([Script::json(&fewer)]).await;
    let answer = asked.function.call(&several(2)).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert_eq!(answer.text("/error/code"), "image_invalid");
    assert_eq!(asked.s3.keys().await.len(), 1);
}

#[tokio::test]
async fn a_file_is_kept_as_what_it_is() {
    // As much of each format as says that it is whole, and of which size.
    let jpeg = b"\xff\xd8\xff\xc0\x00\x0b\x08\x02\x00\x04\x00\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00pixels\xff\xd9";
    let webp = b"RIFF\x12\0\0\0WEBPVP8L\x05\0\0\0\x2f\xff\xc3\x7f\x00\0";
    let files: [(&[u8], &str, &str, &str); 2] = [
        (jpeg, "jpeg", "jpg", "image/jpeg"),
        (webp, "webp", "webp", "image/webp"),
    ];
    for (file, name, ending, media_type) in files {
        let mut asked = Ask::IMAGE
            .of([Script::json(&images(&[&STANDARD.encode(file)]))])
            .await;
        let body = json!({
            "model": "stability.sd3-5-large-v1:0", "prompt": end_to_end::marked("a lake"),
            "output_format": name,
        });
        let answer = asked
            .function
            .call(&Ask::IMAGE.event().with_body(&body))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let uri = answer.text("/data/0/s3_uri");
        assert!(uri.ends_with(&format!("/0.{ending}")), "{uri}");
        let object = asked.s3.get(uri).await;
        assert_eq!(object.content_type.as_deref(), Some(media_type));
        assert_eq!(object.body, file);
        let parameters = &answer.body["data"][0]["parameters"];
        assert_eq!(
            (&parameters["output_format"], &parameters["size"]),
            (&json!(name), &json!("1024x512"))
        );
    }
}

#[tokio::test]
async fn several_images_of_one_answer_are_held_once() {
    // 5 pictures of 3 MB, as many in one answer as surely fit one that is taken.
    let file = STANDARD.encode(end_to_end::noise(1024, 1024));
    let answers = [3, 2].map(|count| Script::json(&json!({"images": vec![&file; count]})));
    let mut asked = Ask::IMAGE.of(answers).await;
    let answer = asked.function.call(&several(5)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(asked.s3.keys().await.len(), 5);
    let peak = asked.function.peak_memory();
    assert!(peak < 100 << 20, "{} MB", peak >> 20);
}
