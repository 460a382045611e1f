//! What is wrong with a request for images.

use end_to_end::{CANARY, Event, Stack};
use serde_json::{Value, json};

use crate::bad::{Bad, answered_by, check, good, refused};

/// The object beside an image, whose URL is well-formed.
async fn stored(stack: &mut Stack, event: &Event) -> end_to_end::Object {
    let answer = stack.function.call(event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    stack.s3.get(answer.text("/data/0/s3_uri")).await
}

end_to_end::rows! {
    b36_an_option_of_an_image_out_of_its_range_is_refused_with_the_allowed_set:
    "size, steps, cfg_scale, seed, n out of range: 400 that names what is allowed" => {
        refused("image-generation", |good| {
            let invalid = |name, value| Bad::invalid(good, name, value);
            let mut table = vec![
                invalid("prompt", json!("a".repeat(2_001))),
                invalid("steps", json!(0)),
                invalid("steps", json!(1_000)),
                invalid("steps", json!(10.5)),
                invalid("cfg_scale", json!(-1)),
                invalid("cfg_scale", json!(35.1)),
                invalid("seed", json!(-1)),
                invalid("seed", json!(4_294_967_296_u64)),
                invalid("seed", json!(1.5)),
                invalid("seed", json!("7")),
                invalid("n", json!(0)),
                invalid("n", json!(-1)),
                invalid("n", json!(100)),
                invalid("style_preset", json!("baroque")),
                invalid("sampler", json!("MAGIC")),
                invalid("response_format", json!("gif")),
                invalid("image", json!("AAAA")),
                invalid("image", json!("a!")),
                invalid("image", json!("data:text/html;base64,AAAA")),
                invalid("mask", json!("iVBORw0KGgo=")),
                invalid("image_strength", json!(0.5)),
                Bad::field(good, "output_format", json!("webp"), "unsupported_parameter"),
                Bad::field(good, "style", json!("vivid"), "unsupported_parameter"),
                Bad::field(good, "step", json!(10), "unknown_parameter"),
                Bad::field(good, "width", json!(513), "unknown_parameter"),
                Bad::field(good, "samples", json!(100), "unknown_parameter"),
            ];
            let sizes = [
                "1x1", "513x512", "512x512", "0x0", "99999x99999", "1024x1025", "832x1216 ", "1024",
                "1024X1024", "-1024x1024", "1024x1024x1024", "1e3x1e3", "big", "",
            ];
            table.extend(sizes.map(|size| invalid("size", size.into())));
            table
        })
        .await;
        // URLs are never fetched.
        let trap = end_to_end::Upstream::playing([end_to_end::Script::silence()]).await;
        refused("image-generation", |good| {
            ["http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", trap.url()]
                .map(|url| Bad::invalid(good, "image", url.into()))
                .into()
        })
        .await;
        assert_eq!(trap.connections(), 0);
        let mut stack = Stack::start("image-generation", &[]).await;
        for (name, value, allowed) in [
            ("size", json!("512x512"), "1344x768"),
            ("steps", json!(1_000), "150"),
            ("cfg_scale", json!(35.1), "35"),
            ("seed", json!(-1), "4294967295"),
            ("n", json!(100), "10"),
            ("sampler", json!("MAGIC"), "DDIM"),
            ("style_preset", json!("baroque"), "anime"),
        ] {
            for event in good("image-generation") {
                let answer = stack.function.call(&event.with_field(name, value.clone())).await;
                let message = answer.text("/error/message");
                assert!(message.contains(allowed), "{name}: {message}");
            }
        }
    }

    b37_the_key_of_an_object_is_never_taken_from_a_caller:
    "names, keys, buckets and prefixes from the caller, whatever their characters: 400 unknown_parameter; keys are generated" => {
        refused("image-generation", |good| {
            let names = ["key", "output_key", "s3_key", "s3_uri", "bucket", "prefix", "filename", "file_name"];
            let values = [
                "../x", "/x", "a//b", ".", "a\u{0}b", "a\r\nb", "%2e%2e", "soap", "a\\b", "a\u{202e}b",
            ];
            let long = "x".repeat(1_025);
            let named = names.map(|name| Bad::field(good, name, CANARY.into(), "unknown_parameter"));
            let valued = values.iter().copied().chain([long.as_str()]);
            let valued = valued.map(|value| Bad::field(good, "key", value.into(), "unknown_parameter"));
            named.into_iter().chain(valued).collect()
        })
        .await;
        let mut stack = Stack::start("image-generation", &[]).await;
        for event in good("image-generation") {
            let event = event.with_field("user", json!("../../x"));
            let answer = stack.function.call(&event).await;
            let id = answer.header("x-request-id");
            let uri = format!("s3://{}/images/{id}/0.png", end_to_end::S3::BUCKET);
            assert_eq!(answer.text("/data/0/s3_uri"), uri);
        }
    }

    b38_a_prompt_does_not_become_a_header_of_the_object:
    "a prompt with CRLF or beyond ASCII: the image is stored, with metadata that says nothing of it" => {
        let mut stack = Stack::start("image-generation", &[]).await;
        for prompt in ["a lake\r\nx-amz-acl: public-read", "ein See für 😀", "a\u{0}b", "\u{202e}a lake"] {
            let text: Value = prompt.into();
            for event in good("image-generation") {
                let event = event.with_field("prompt", text.clone());
                let event = event.with_field("negative_prompt", text.clone());
                let object = stored(&mut stack, &event).await;
                let mut names: Vec<_> = object.metadata.keys().map(String::as_str).collect();
                names.sort_unstable();
                assert_eq!(names, ["model", "seed", "size", "steps", "written-by"], "{prompt:?}");
                for value in object.metadata.values() {
                    assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value:?}");
                    assert!(!value.contains("lake"), "{value:?}");
                }
            }
        }
        let generated = stack.bedrock.calls().await.generated;
        assert_eq!(stack.s3.keys().await.len() as u64, generated);
    }

    b39_the_life_of_a_url_is_never_taken_from_a_caller:
    "lives of presigned URLs from the caller, 0, -1, 10^9: 400 unknown_parameter; the deployment's own is 1 to 3600 seconds" => {
        refused("image-generation", |good| {
            let names = ["expires", "expires_in", "expiry", "url_seconds", "presign_expires", "ttl"];
            let values = [json!(0), json!(-1), json!(1_000_000_000)];
            let fields = names.iter().flat_map(|name| values.iter().map(move |value| (*name, value)));
            let bad = fields.map(|(name, value)| {
                Bad::field(good, name, value.clone(), "unknown_parameter")
            });
            bad.collect()
        })
        .await;
        let life = [("IMAGE_URL_SECONDS", "60")];
        let events = good("image-generation").into();
        answered_by(&life, "image-generation", events, |answer| {
            assert!(answer.text("/data/0/url").contains("X-Amz-Expires=60&"), "{answer:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_parameter_that_the_model_has_not_is_refused_by_name() {
    let model = "stability.stable-image-core-v1:1";
    let body = json!({"model": model, "prompt": "a lake"});
    let good = Event::file("image-generation-http-v2")
        .with_body(&body)
        .marked();
    let field = |name, value| Bad::field(&good, name, value, "unsupported_parameter");
    let table = vec![
        field("steps", json!(10)),
        field("cfg_scale", json!(7)),
        field("sampler", json!("DDIM")),
        field("image", json!("iVBORw0KGgo=")),
        Bad::invalid(&good, "size", json!("1000x999")),
    ];
    check(&[], "image-generation", &good, table).await;
}
