//! What is wrong with a request for images.

use end_to_end::Event;
use serde_json::json;

use crate::{Bad, check};

fn table(good: &Event) -> Vec<Bad> {
    let field = |name, value, code| Bad::field(good, name, value, code);
    let invalid = |name, value| field(name, value, "invalid_value");
    let without_prompt = good.clone().with_body(&json!({"size": "1024x1024"}));
    let mut table = vec![
        Bad::new("no prompt", without_prompt, "missing_required_parameter").param("prompt"),
        invalid("prompt", json!("")),
        invalid("prompt", json!(["a lake"])),
        invalid("prompt", json!("a".repeat(2_001))),
        invalid("steps", json!(0)),
        invalid("steps", json!(151)),
        invalid("steps", json!(10.5)),
        invalid("cfg_scale", json!(-1)),
        invalid("cfg_scale", json!(35.1)),
        invalid("seed", json!(-1)),
        invalid("seed", json!(4_294_967_296_u64)),
        invalid("seed", json!("7")),
        invalid("style_preset", json!("baroque")),
        invalid("sampler", json!("MAGIC")),
        invalid("response_format", json!("gif")),
        // URLs are never fetched.
        invalid("image", json!("http://169.254.169.254/latest/meta-data/")),
        invalid("image", json!("file:///etc/passwd")),
        invalid("image", json!("data:text/html;base64,AAAA")),
        invalid("image", json!("AAAA")),
        invalid("image", json!("a!")),
        invalid("mask", json!("iVBORw0KGgo=")),
        invalid("image_strength", json!(0.5)),
        field("output_format", json!("webp"), "unsupported_parameter"),
        field("style", json!("vivid"), "unsupported_parameter"),
        field("step", json!(10), "unknown_parameter"),
        field("key", json!("../x"), "unknown_parameter"),
        field(
            "model",
            json!("amazon.titan-tg1-large"),
            "unsupported_model",
        ),
    ];
    for size in [
        "512x512",
        "1024x1025",
        "832x1216 ",
        "0x0",
        "99999x99999",
        "1024",
        "1024X1024",
        "-1024x1024",
        "big",
    ] {
        table.push(invalid("size", size.into()));
    }
    table
}

#[tokio::test]
async fn a_bad_request_for_images_is_refused() {
    let good = Event::file("image-generation-http-v2");
    check("image-generation", &good, table(&good)).await;
    let good = Event::file("image-generation-rest-v1");
    check("image-generation", &good, table(&good)).await;
}

#[tokio::test]
async fn a_parameter_that_the_model_has_not_is_refused_by_name() {
    let model = "stability.stable-image-core-v1:1";
    let body = json!({"model": model, "prompt": "a lake"});
    let good = Event::file("image-generation-http-v2").with_body(&body);
    let field = |name, value| Bad::field(&good, name, value, "unsupported_parameter");
    let table = vec![
        field("steps", json!(10)),
        field("cfg_scale", json!(7)),
        field("sampler", json!("DDIM")),
        field("image", json!("iVBORw0KGgo=")),
        Bad::field(&good, "size", json!("1000x999"), "invalid_value"),
    ];
    check("image-generation", &good, table).await;
}
