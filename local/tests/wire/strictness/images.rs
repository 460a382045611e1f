//! Image families.

use serde_json::{Value, json};

use super::check_rows;

const SDXL_08: &str = "stability.stable-diffusion-xl";
const SDXL_10: &str = "stability.stable-diffusion-xl-v1";
const CORE: &str = "stability.stable-image-core-v1:1";

#[test]
fn sdxl_is_strict() {
    let valid = json!({
        "text_prompts": [{"text": "a", "weight": 0.5}],
        "width": 640, "height": 1536,
        "cfg_scale": 35, "steps": 150, "seed": 4_294_967_295_u32, "samples": 1,
        "sampler": "DDIM", "style_preset": "anime", "clip_guidance_preset": "NONE", "extras": {},
    });
    check_rows(
        SDXL_10,
        &valid,
        &[
            (
                "/text_prompts",
                Value::Null,
                "required key [text_prompts] not found",
            ),
            (
                "/text_prompts",
                json!([]),
                "expected minimum item count: 1, found: 0",
            ),
            (
                "/text_prompts",
                json!([{"text": "a".repeat(2001)}]),
                "expected maxLength: 2000",
            ),
            (
                "/prompt",
                json!("a"),
                "extraneous key [prompt] is not permitted",
            ),
            (
                "/width",
                json!(512),
                "the allowed dimensions are 1024x1024, 1152x896",
            ),
            ("/width", Value::Null, "but we received 1024x1536"),
            ("/height", json!(0), "0 is not greater or equal to 1"),
            ("/cfg_scale", json!(35.1), "35.1 is not less or equal to 35"),
            ("/steps", json!(9), "9 is not greater or equal to 10"),
            ("/steps", json!(151), "151 is not less or equal to 150"),
            ("/seed", json!(-1), "-1 is not greater or equal to 0"),
            (
                "/seed",
                json!(4_294_967_296_u64),
                "is not less or equal to 4294967295",
            ),
            ("/seed", json!(1.5), "expected type: Integer, found: Double"),
            ("/samples", json!(2), "2 is not less or equal to 1"),
            (
                "/sampler",
                json!("EULER"),
                "EULER is not a valid enum value",
            ),
            (
                "/style_preset",
                json!("anim\u{e9}"),
                "is not a valid enum value",
            ),
            (
                "/image_strength",
                json!(0.5),
                "extraneous key [image_strength] is not permitted",
            ),
            (
                "/mask_source",
                json!("MASK_IMAGE_WHITE"),
                "schema violations found",
            ),
        ],
    );
    check_rows(
        SDXL_08,
        &json!({"text_prompts": [{"text": "a"}], "cfg_scale": 30, "steps": 10, "seed": 0}),
        &[
            ("/cfg_scale", json!(31), "31 is not less or equal to 30"),
            (
                "/width",
                json!(512),
                "extraneous key [width] is not permitted",
            ),
            (
                "/style_preset",
                json!("anime"),
                "extraneous key [style_preset] is not permitted",
            ),
        ],
    );
}

#[test]
fn stable_image_core_is_strict() {
    check_rows(
        CORE,
        &json!({"prompt": "a", "negative_prompt": "b", "mode": "text-to-image", "aspect_ratio": "9:21", "output_format": "png", "seed": 1}),
        &[
            ("/prompt", Value::Null, "required key [prompt] not found"),
            (
                "/prompt",
                json!("a".repeat(10_001)),
                "expected maxLength: 10000",
            ),
            (
                "/aspect_ratio",
                json!("7:3"),
                "7:3 is not a valid enum value",
            ),
            (
                "/mode",
                json!("image-to-image"),
                "is not a valid enum value",
            ),
            ("/output_format", json!("jpeg"), "it paints PNG only"),
            (
                "/output_format",
                json!("bmp"),
                "bmp is not a valid enum value",
            ),
            (
                "/text_prompts",
                json!([]),
                "extraneous key [text_prompts] is not permitted",
            ),
        ],
    );
}

#[test]
fn ultra_and_stable_diffusion_3_are_strict() {
    check_rows(
        "stability.stable-image-ultra-v1:1",
        &json!({"prompt": "a", "mode": "text-to-image", "aspect_ratio": "1:1", "seed": 4_294_967_295_u32}),
        &[
            (
                "/output_format",
                json!("webp"),
                "webp is not a valid enum value",
            ),
            (
                "/mode",
                json!("image-to-image"),
                "is not a valid enum value",
            ),
            ("/strength", json!(0.5), "strength needs an image"),
            ("/strength", json!(1.1), "1.1 is not less or equal to 1"),
            ("/image", json!("%%%"), "image is not valid base64"),
        ],
    );
    for (model, webp) in [
        ("stability.sd3-5-large-v1:0", "it paints PNG only"),
        ("stability.sd3-large-v1:0", "webp is not a valid enum value"),
    ] {
        check_rows(
            model,
            &json!({"prompt": "a", "mode": "text-to-image", "aspect_ratio": "1:1", "seed": 1}),
            &[
                ("/output_format", json!("webp"), webp),
                (
                    "/mode",
                    json!("image-to-image"),
                    "image-to-image needs an image",
                ),
                (
                    "/image",
                    json!("iVBORw0KGgo="),
                    "image-to-image needs a strength",
                ),
                (
                    "/seed",
                    json!(4_294_967_295_u32),
                    "is not less or equal to 4294967294",
                ),
                (
                    "/steps",
                    json!(30),
                    "extraneous key [steps] is not permitted",
                ),
            ],
        );
    }
}

#[test]
fn titan_image_and_nova_canvas_are_strict() {
    let both = [
        (
            "/taskType",
            Value::Null,
            "required key [taskType] not found",
        ),
        (
            "/taskType",
            json!("PAINT"),
            "PAINT is not a valid enum value",
        ),
        (
            "/textToImageParams",
            Value::Null,
            "required key [textToImageParams] not found",
        ),
        (
            "/textToImageParams/text",
            json!("a".repeat(1025)),
            "expected maxLength: 1024",
        ),
        (
            "/textToImageParams/controlStrength",
            json!(0.5),
            "conditionImage must be given",
        ),
        (
            "/textToImageParams/prompt",
            json!("a"),
            "extraneous key [prompt] is not permitted",
        ),
        (
            "/inPaintingParams",
            json!({"image": "AAAA"}),
            "extraneous key [inPaintingParams] is not permitted",
        ),
        (
            "/imageGenerationConfig/numberOfImages",
            json!(6),
            "6 is not less or equal to 5",
        ),
        (
            "/imageGenerationConfig/cfgScale",
            json!(1),
            "1 is not greater or equal to 1.1",
        ),
        (
            "/imageGenerationConfig/seed",
            json!(2_147_483_647),
            "is not less or equal to 2147483646",
        ),
        (
            "/imageGenerationConfig/width",
            json!(1000),
            "1000x512 is not a supported size",
        ),
        (
            "/imageGenerationConfig/steps",
            json!(30),
            "extraneous key [steps] is not permitted",
        ),
    ];
    let valid = json!({
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": "a", "negativeText": "b"},
        "imageGenerationConfig": {"width": 512, "height": 512, "quality": "premium", "cfgScale": 1.1, "seed": 0, "numberOfImages": 2},
    });
    for model in [
        "amazon.titan-image-generator-v2:0",
        "amazon.nova-canvas-v1:0",
    ] {
        check_rows(model, &valid, &both);
    }
    check_rows(
        "amazon.titan-image-generator-v1",
        &valid,
        &[
            (
                "/textToImageParams/text",
                json!("a".repeat(513)),
                "expected maxLength: 512, actual: 513",
            ),
            (
                "/textToImageParams/conditionImage",
                json!("AAAA"),
                "extraneous key [conditionImage] is not permitted",
            ),
            (
                "/taskType",
                json!("BACKGROUND_REMOVAL"),
                "is not a valid enum value",
            ),
            (
                "/imageGenerationConfig/width",
                json!(528),
                "528x512 is not a supported size",
            ),
        ],
    );
    check_rows(
        "amazon.nova-canvas-v1:0",
        &valid,
        &[
            (
                "/textToImageParams/style",
                json!("BAROQUE"),
                "BAROQUE is not a valid enum value",
            ),
            (
                "/imageGenerationConfig/height",
                json!(2064),
                "512x2064 is not a supported size",
            ),
        ],
    );
}
