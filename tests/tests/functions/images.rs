//! Image generation, up to the picture that a browser would show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use end_to_end::{Event, S3, Stack, download, marked, size_of};
use serde_json::{Value, json};

/// Checks that an image's URL downloads the same PNG that S3 keeps, and returns its size and the
/// metadata beside it.
async fn check(stack: &Stack, image: &Value) -> ((u32, u32), Vec<(String, String)>) {
    let url = image["url"].as_str().expect("a URL");
    let uri = image["s3_uri"].as_str().expect("an s3:// name");
    assert_eq!(image.get("b64_json"), None);
    let downloaded = download(url).await;
    assert_eq!(downloaded.status, 200, "{downloaded:?}");
    assert_eq!(downloaded.headers["content-type"], "image/png");
    let object = stack.s3.get(uri).await;
    assert_eq!(object.content_type.as_deref(), Some("image/png"));
    assert_eq!(object.body, downloaded.body);
    let mut metadata: Vec<_> = object.metadata.into_iter().collect();
    metadata.sort();
    (size_of(&downloaded.body), metadata)
}

/// Metadata as S3 keeps it, sorted by name.
fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[tokio::test]
async fn sdxl_draws_into_s3_and_the_url_downloads_it() {
    let mut stack = Stack::start("image-generation", &[]).await;
    for event in ["image-generation-http-v2", "image-generation-rest-v1"] {
        let event = Event::file(event)
            .marked()
            .with_field("size", "1216x832".into())
            .with_field("cfg_scale", 8.5.into());
        let answer = stack.function.call(&event).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body["created"].as_u64() > Some(1_700_000_000));
        let images = answer.body["data"].as_array().unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0]["seed"], 7);
        let parameters = json!({
            "cfg_scale": "8.5",
            "model": "stability.stable-diffusion-xl-v1",
            "seed": "7",
            "size": "1216x832",
            "steps": "10",
        });
        assert_eq!(images[0]["parameters"], parameters);
        let (size, metadata) = check(&stack, &images[0]).await;
        assert_eq!(size, (1216, 832));
        assert_eq!(
            metadata,
            pairs([
                ("cfg-scale", "8.5"),
                ("model", "stability.stable-diffusion-xl-v1"),
                ("seed", "7"),
                ("size", "1216x832"),
                ("steps", "10"),
                ("written-by", "bedrock-lambdas"),
            ])
        );
    }
    let calls = stack.bedrock.calls().await;
    assert_eq!((calls.received, calls.generated), (2, 2));
}

#[tokio::test]
async fn an_image_can_come_in_the_answer_and_is_in_s3_all_the_same() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let event = Event::file("image-generation-http-v2")
        .marked()
        .with_field("response_format", "b64_json".into())
        .with_field("size", "640x1536".into());
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["data"][0].get("url"), None);
    let file = STANDARD.decode(answer.text("/data/0/b64_json")).unwrap();
    assert_eq!(size_of(&file), (640, 1536));
    let object = stack.s3.get(answer.text("/data/0/s3_uri")).await;
    assert_eq!(object.body, file);
}

#[tokio::test]
async fn n_images_differ_each_with_a_seed_that_makes_it_again() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let event = Event::file("image-generation-http-v2").marked();
    let two = event.clone().with_field("n", 2.into());
    let answer = stack.function.call(&two).await;
    let images = answer.body["data"].as_array().unwrap();
    let seeds: Vec<_> = images.iter().map(|image| image["seed"].clone()).collect();
    assert_eq!(seeds, [7, 8]);
    let mut files = Vec::new();
    for image in images {
        check(&stack, image).await;
        files.push(stack.s3.get(image["s3_uri"].as_str().unwrap()).await.body);
    }
    assert!(files[0] != files[1], "another seed draws another picture");
    let second = event.with_field("seed", 8.into());
    let answer = stack.function.call(&second).await;
    let again = stack.s3.get(answer.text("/data/0/s3_uri")).await.body;
    assert!(files[1] == again, "the same seed draws the same picture");
    assert_eq!(stack.s3.keys().await.len(), 3);
}

#[tokio::test]
async fn several_images_come_of_one_call_where_the_model_can() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let body = |n: usize, seed: u64| {
        json!({
            "model": "amazon.titan-image-generator-v2:0", "prompt": marked("a lake at dawn"),
            "n": n, "seed": seed, "size": "384x576", "colors": ["#ff8000"],
        })
    };
    let event = Event::file("image-generation-http-v2").with_body(&body(6, 7));
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let images = answer.body["data"].as_array().unwrap();
    assert_eq!(images.len(), 6);
    let calls = stack.bedrock.calls().await;
    assert_eq!((calls.received, calls.generated), (2, 2));
    let fourth = json!({
        "colors": "#ff8000",
        "index": "3",
        "model": "amazon.titan-image-generator-v2:0",
        "n": "5",
        "seed": "7",
        "size": "384x576",
    });
    assert_eq!(
        (&images[3]["seed"], &images[3]["parameters"]),
        (&json!(7), &fourth)
    );
    assert_eq!(images[5]["seed"], 12);
    assert_eq!(images[5]["parameters"].get("n"), None);
    let mut files = Vec::new();
    for image in images {
        check(&stack, image).await;
        files.push(stack.s3.get(image["s3_uri"].as_str().unwrap()).await.body);
    }
    let event = Event::file("image-generation-http-v2").with_body(&body(1, 12));
    let answer = stack.function.call(&event).await;
    let again = stack.s3.get(answer.text("/data/0/s3_uri")).await.body;
    assert!(files[5] == again, "the same seed draws the same picture");
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 6);
}

#[tokio::test]
async fn a_provisioned_image_model_is_of_the_family_that_the_request_declares() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let model = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/sdxl12345678";
    let body = json!({"model": model, "prompt": marked("a lake"), "family": "stable-diffusion-xl"});
    let event = Event::file("image-generation-http-v2").with_body(&body);
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    check(&stack, &answer.body["data"][0]).await;
    let event = event.with_field("family", Value::Null);
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.text("/error/code"), "model_family_required");
}

#[tokio::test]
async fn without_a_model_stable_image_core_draws() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let event = Event::file("image-generation-http-v2")
        .with_body(&json!({"prompt": marked("a lake at dawn")}));
    let answer = stack.function.call(&event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (size, metadata) = check(&stack, &answer.body["data"][0]).await;
    assert_eq!(size, (1024, 1024));
    let seed = answer.body["data"][0]["seed"].to_string();
    assert_eq!(
        metadata,
        pairs([
            ("model", "stability.stable-image-core-v1:1"),
            ("seed", &seed),
            ("size", "1024x1024"),
            ("written-by", "bedrock-lambdas"),
        ])
    );
}

#[tokio::test]
async fn a_url_opens_nothing_but_its_own_image() {
    let mut stack = Stack::start("image-generation", &[]).await;
    let answer = stack
        .function
        .call(&Event::file("image-generation-http-v2").marked())
        .await;
    let url = answer.text("/data/0/url");
    let (path, _) = url.split_once('?').unwrap();
    assert_eq!(download(path).await.status, 403, "without a signature");
    let keys = stack.s3.keys().await;
    assert_eq!(download(url).await.status, 200);
    let another = url.replace(&keys[0], "images/another/0.png");
    assert_eq!(download(&another).await.status, 403, "of another object");
    assert!(url.contains(&format!("/{}/{}?", S3::BUCKET, keys[0])));
    assert!(url.contains("X-Amz-Expires=3600"), "{url}");
    stack.s3.delete(S3::BUCKET, &keys[0]);
    assert_eq!(download(url).await.status, 404, "of what is gone");
}
