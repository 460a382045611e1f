//! One contract for all image families: everything that a drawing may say is mapped or refused by
//! name, within its bounds, and nothing is dropped. The documentation's table is checked against the
//! same rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bedrock_adapter::Error;
use bedrock_adapter::api::image::{Choice, Drawing, Request};
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::families::{self, Grid, ImageBounds, ImageRule};
use bedrock_adapter::model::{ENTRIES, Entry, Family, ImageFamily};
use serde_json::{Map, Value, json};

/// A PNG's signature in base64: as much of a picture as a request is looked at for.
const PICTURE: &str = "iVBORw0KGgo=";
/// The beginning of a JPEG.
const ANOTHER: &str = "/9j/4AAQ";

fn models() -> impl Iterator<Item = (ImageFamily, Option<&'static Entry>)> {
    let known = ENTRIES.iter().filter_map(|entry| match entry.family()? {
        Family::Text(_) => None,
        Family::Image(family) => Some((family, Some(entry))),
    });
    // A model that is not in the catalogue, such as a provisioned one.
    known.chain(ImageFamily::ALL.iter().map(|family| (*family, None)))
}

/// Values of the request's JSON: some within bounds, and some just outside.
fn samples(choice: Choice, bounds: ImageBounds) -> (Vec<Value>, Vec<Value>) {
    match bounds {
        ImageBounds::Number(least, most) => (
            vec![json!(least), json!(most)],
            vec![json!(least - 0.01), json!(most + 0.01)],
        ),
        ImageBounds::Integer(least, most) => (
            vec![json!(least), json!(most)],
            vec![json!(least - 1), json!(most + 1)],
        ),
        ImageBounds::Text(most) => (
            vec![json!("a"), json!("b".repeat(most))],
            vec![json!("b".repeat(most + 1))],
        ),
        // What each task takes beside its name is told below.
        ImageBounds::OneOf(_) if choice == Choice::Task => (Vec::new(), vec![json!("baroque")]),
        ImageBounds::OneOf(names) => (
            names.iter().map(|name| json!(name)).collect(),
            vec![json!("baroque")],
        ),
        ImageBounds::Sizes(sizes) => (
            sizes.iter().map(|size| json!(size.to_string())).collect(),
            vec![json!("1x1"), json!("0x0"), json!("1024x1025")],
        ),
        ImageBounds::Shapes(shapes) => (
            shapes
                .iter()
                .map(|(across, down, _)| json!(format!("{}x{}", across * 64, down * 64)))
                .collect(),
            vec![json!("1000x999"), json!("0x0")],
        ),
        ImageBounds::Colors(most) => (
            vec![json!(["#00ff00"]), json!(vec!["#C0FFEE"; most])],
            vec![
                json!([]),
                json!(["green"]),
                json!(["#00ff0"]),
                json!(vec!["#C0FFEE"; most + 1]),
            ],
        ),
        ImageBounds::Grid(grid) => {
            let Grid {
                least,
                most,
                step,
                longest,
                pixels,
            } = grid;
            let root = u32::try_from(pixels.isqrt()).unwrap();
            (
                vec![
                    json!(format!("{least}x{least}")),
                    json!(format!("{most}x{}", most / longest)),
                    json!(format!("{}x{most}", most / longest)),
                    json!(format!("{root}x{root}")),
                ],
                vec![
                    json!(format!("{}x{}", least - step, least)),
                    json!(format!("{}x{}", most + step, most / longest)),
                    json!(format!("{}x{}", least + 1, least)),
                    json!(format!("{least}x{}", least * longest + step)),
                    json!(format!("{}x{root}", root + step)),
                    json!("0x0"),
                ],
            )
        }
        ImageBounds::Pictures(most) if choice == Choice::Image => (
            vec![json!(ANOTHER), json!(vec![ANOTHER; most])],
            vec![json!(vec![ANOTHER; most + 1])],
        ),
        ImageBounds::Pictures(_) => (vec![json!(ANOTHER)], Vec::new()),
        ImageBounds::Object => (vec![json!({"sharpness": 1})], Vec::new()),
    }
}

/// What a family wants to be said beside a choice.
fn companions(family: ImageFamily, choice: Choice) -> Value {
    match (family, choice) {
        (ImageFamily::StableDiffusionXl, Choice::StepScheduleStart | Choice::StepScheduleEnd) => {
            json!({"image": PICTURE, "image_mode": "STEP_SCHEDULE"})
        }
        (ImageFamily::StableDiffusionXl, Choice::Mask) => {
            json!({"image": PICTURE, "mask_source": "MASK_IMAGE_WHITE"})
        }
        (ImageFamily::StableDiffusionXl, Choice::MaskSource) => {
            json!({"image": PICTURE, "mask": PICTURE})
        }
        (ImageFamily::StableDiffusionXl, Choice::ImageStrength | Choice::ImageMode)
        | (ImageFamily::StableImageUltra | ImageFamily::StableDiffusion3, Choice::Strength) => {
            json!({"image": PICTURE})
        }
        (ImageFamily::StableDiffusion3, Choice::Image) => json!({"strength": 0.5}),
        (ImageFamily::TitanImage | ImageFamily::NovaCanvas, choice) => beside_of_amazon(choice),
        _ => json!({}),
    }
}

/// What a task of Titan Image and Nova Canvas takes beside a choice.
fn beside_of_amazon(choice: Choice) -> Value {
    match choice {
        Choice::ControlMode | Choice::ControlStrength | Choice::SimilarityStrength => {
            json!({"image": PICTURE})
        }
        Choice::Mask | Choice::MaskPrompt => json!({"image": PICTURE}),
        Choice::OutpaintingMode => json!({"image": PICTURE, "mask": PICTURE}),
        Choice::ReferenceImage => json!({"colors": ["#00ff00"]}),
        Choice::MaskShape
        | Choice::LongSleeveStyle
        | Choice::TuckingStyle
        | Choice::OuterLayerStyle
        | Choice::PreserveBodyPose
        | Choice::PreserveHands
        | Choice::PreserveFace
        | Choice::MergeStyle => json!({
            "prompt": null, "image": PICTURE, "reference_image": PICTURE, "garment_class": "UPPER_BODY",
        }),
        Choice::GarmentClass => {
            json!({"prompt": null, "image": PICTURE, "reference_image": PICTURE})
        }
        _ => json!({}),
    }
}

/// What each task takes, each the least of it.
const TASKS: [(&str, &[&str]); 7] = [
    ("TEXT_IMAGE", &["prompt"]),
    ("INPAINTING", &["image", "mask"]),
    ("OUTPAINTING", &["prompt", "image", "mask_prompt"]),
    ("IMAGE_VARIATION", &["image"]),
    ("COLOR_GUIDED_GENERATION", &["prompt", "colors"]),
    ("BACKGROUND_REMOVAL", &["image"]),
    (
        "VIRTUAL_TRY_ON",
        &["image", "reference_image", "garment_class"],
    ),
];

/// A request with these fields, and another task or field.
fn of_task(task: &str, fields: &[&str], more: &Value) -> Result<Vec<u8>, Error> {
    let mut body = Map::from_iter([("task".to_owned(), json!(task))]);
    body.extend(fields.iter().map(|field| {
        let value = match *field {
            "colors" => json!(["#00ff00"]),
            "garment_class" => json!("BOOTS"),
            "prompt" | "mask_prompt" => json!("p"),
            _ => json!(PICTURE),
        };
        ((*field).to_owned(), value)
    }));
    body.extend(more.as_object().unwrap().clone());
    let body = Value::Object(body);
    let request = Request::parse(body.to_string().as_bytes(), &Limits::default())?;
    families::encode_image(ImageFamily::NovaCanvas, None, &request.drawing, 1)
}

#[test]
fn a_task_is_done_with_the_least_that_it_takes_and_not_without() {
    for (task, fields) in TASKS {
        let body = of_task(task, fields, &json!({})).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["taskType"], task);
        for (index, field) in fields.iter().enumerate() {
            // Nova's page says what outpainting does without a text.
            if (task, *field) == ("OUTPAINTING", "prompt") {
                continue;
            }
            let mut fewer = fields.to_vec();
            fewer.remove(index);
            let error = of_task(task, &fewer, &json!({})).unwrap_err();
            // What goes with an image says so where there is none.
            let codes = ["missing_required_parameter", "invalid_value"];
            assert!(
                codes.contains(&error.row().code),
                "{task}, {field}: {error}"
            );
        }
    }
}

#[test]
fn an_option_of_another_task_is_refused_by_name() {
    let (sized, seeded) = (json!("512x512"), json!(7));
    for (task, more) in [
        ("TEXT_IMAGE", json!({"colors": ["#00ff00"]})),
        ("TEXT_IMAGE", json!({"reference_image": PICTURE})),
        ("INPAINTING", json!({"size": sized})),
        ("INPAINTING", json!({"outpainting_mode": "PRECISE"})),
        ("INPAINTING", json!({"garment_class": "BOOTS"})),
        ("OUTPAINTING", json!({"size": sized})),
        ("OUTPAINTING", json!({"similarity_strength": 0.5})),
        ("IMAGE_VARIATION", json!({"mask": PICTURE})),
        ("IMAGE_VARIATION", json!({"control_mode": "CANNY_EDGE"})),
        ("IMAGE_VARIATION", json!({"style": "MAXIMALISM"})),
        ("COLOR_GUIDED_GENERATION", json!({"image": PICTURE})),
        ("BACKGROUND_REMOVAL", json!({"seed": seeded})),
        ("BACKGROUND_REMOVAL", json!({"prompt": "p"})),
        ("BACKGROUND_REMOVAL", json!({"quality": "premium"})),
        ("VIRTUAL_TRY_ON", json!({"prompt": "p"})),
        ("VIRTUAL_TRY_ON", json!({"size": sized})),
    ] {
        let name = more.as_object().unwrap().keys().next().unwrap().clone();
        let (_, fields) = TASKS.iter().find(|(name, _)| *name == task).unwrap();
        let error = of_task(task, fields, &more).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(name.as_str()), "unsupported_parameter"),
            "{task}: {error}"
        );
    }
}

#[test]
fn what_contradicts_itself_is_refused_by_name() {
    let webp = "UklGRgQAAABXRUJQ";
    for (task, more, param) in [
        ("INPAINTING", json!({"mask_prompt": "p"}), "mask_prompt"),
        ("OUTPAINTING", json!({"mask": PICTURE}), "mask_prompt"),
        ("INPAINTING", json!({"image": [PICTURE, PICTURE]}), "image"),
        ("IMAGE_VARIATION", json!({"image": webp}), "image"),
        ("VIRTUAL_TRY_ON", json!({"mask": PICTURE}), "garment_class"),
        (
            "VIRTUAL_TRY_ON",
            json!({"reference_image": webp}),
            "reference_image",
        ),
    ] {
        let (_, fields) = TASKS.iter().find(|(name, _)| *name == task).unwrap();
        let error = of_task(task, fields, &more).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), "invalid_value"),
            "{task}: {error}"
        );
    }
}

#[test]
fn the_first_titan_has_not_what_the_second_has() {
    let first = bedrock_adapter::model::ENTRIES
        .iter()
        .find(|entry| entry.id == "amazon.titan-image-generator-v1");
    for (body, param, code) in [
        (
            json!({"task": "BACKGROUND_REMOVAL", "image": PICTURE}),
            "task",
            "invalid_value",
        ),
        (
            json!({"prompt": "p", "colors": ["#00ff00"]}),
            "colors",
            "unsupported_parameter",
        ),
        (
            json!({"prompt": "p", "image": PICTURE, "control_mode": "CANNY_EDGE"}),
            "control_mode",
            "unsupported_parameter",
        ),
        (
            json!({"prompt": "p", "image": PICTURE, "task": "TEXT_IMAGE"}),
            "image",
            "unsupported_parameter",
        ),
        (
            json!({"image": PICTURE, "reference_image": PICTURE}),
            "reference_image",
            "unsupported_parameter",
        ),
    ] {
        let request = Request::parse(body.to_string().as_bytes(), &Limits::default()).unwrap();
        let family = ImageFamily::TitanImage;
        let error = families::encode_image(family, first, &request.drawing, 1).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{body}"
        );
    }
}

/// Reads what a caller would send.
fn parse(companions: Value, choice: Choice, value: &Value) -> Result<Drawing, Error> {
    let mut body: Map<_, _> = [("prompt".to_owned(), json!("p"))].into_iter().collect();
    body.extend(companions.as_object().unwrap().clone());
    body.insert(choice.name().to_owned(), value.clone());
    let body = Value::Object(body).to_string();
    Request::parse(body.as_bytes(), &Limits::default()).map(|request| request.drawing)
}

#[track_caller]
fn refused(outcome: Result<Vec<u8>, Error>, choice: Choice, code: &str, about: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(
        (error.param(), error.row().code),
        (Some(choice.name()), code),
        "{about}: {error}"
    );
}

/// A value of the choice that is not what every family does in any case.
fn any_value(choice: Choice) -> Value {
    match choice {
        Choice::Size => json!("512x512"),
        Choice::OutputFormat => json!("webp"),
        Choice::Seed | Choice::Steps => json!(3),
        Choice::CfgScale
        | Choice::Strength
        | Choice::ImageStrength
        | Choice::StepScheduleStart
        | Choice::StepScheduleEnd
        | Choice::ControlStrength
        | Choice::SimilarityStrength => json!(0.5),
        Choice::Extras => json!({}),
        Choice::Image | Choice::Mask | Choice::ReferenceImage => json!(PICTURE),
        Choice::Colors => json!(["#00ff00"]),
        Choice::Prompt
        | Choice::NegativePrompt
        | Choice::Task
        | Choice::Quality
        | Choice::Style
        | Choice::StylePreset
        | Choice::Sampler
        | Choice::ClipGuidancePreset
        | Choice::ImageMode
        | Choice::MaskSource
        | Choice::MaskPrompt
        | Choice::OutpaintingMode
        | Choice::ControlMode
        | Choice::MaskShape
        | Choice::GarmentClass
        | Choice::LongSleeveStyle
        | Choice::TuckingStyle
        | Choice::OuterLayerStyle
        | Choice::PreserveBodyPose
        | Choice::PreserveHands
        | Choice::PreserveFace
        | Choice::MergeStyle => json!("SOMETHING"),
    }
}

#[test]
fn every_model_maps_or_refuses_whatever_a_drawing_says() {
    for (family, model) in models() {
        let who = model.map_or(family.name(), |model| model.id);
        let encode = |drawing: &Drawing| families::encode_image(family, model, drawing, 1);
        for &choice in Choice::ALL {
            let about = format!("{who}: {}", choice.name());
            match families::image_rule(family, model, choice) {
                ImageRule::Refused { .. } => {
                    let beside = json!({"image": PICTURE});
                    let mut drawing = parse(beside, choice, &any_value(choice)).unwrap();
                    if choice != Choice::Image {
                        drawing.images.clear();
                    }
                    refused(encode(&drawing), choice, "unsupported_parameter", &about);
                }
                ImageRule::Mapped { bounds, .. } => {
                    let (good, bad) = samples(choice, bounds);
                    let beside = || companions(family, choice);
                    let mut bodies: Vec<_> = good
                        .iter()
                        .map(|value| {
                            let drawing = parse(beside(), choice, value).unwrap();
                            let body = encode(&drawing);
                            let body = body.unwrap_or_else(|error| {
                                panic!("{about}: {value} is refused: {error}")
                            });
                            String::from_utf8(body).unwrap()
                        })
                        .collect();
                    assert!(bodies.iter().all(|body| !body.contains("null")), "{about}");
                    match bounds {
                        ImageBounds::Pictures(_) => {
                            assert!(bodies.iter().all(|body| body.contains(ANOTHER)), "{about}");
                        }
                        ImageBounds::Object => {
                            assert!(
                                bodies.iter().all(|body| body.contains("sharpness")),
                                "{about}"
                            );
                        }
                        _ => {
                            bodies.sort();
                            bodies.dedup();
                            assert_eq!(bodies.len(), good.len(), "{about} is dropped");
                        }
                    }
                    for value in bad {
                        let outcome = parse(beside(), choice, &value);
                        let outcome = outcome.and_then(|drawing| encode(&drawing));
                        refused(outcome, choice, "invalid_value", &about);
                    }
                }
            }
        }
    }
}

#[test]
fn a_png_of_standard_quality_is_what_every_model_draws_in_any_case() {
    for (family, model) in models() {
        let encode = |body: &Value| {
            let drawing = Request::parse(body.to_string().as_bytes(), &Limits::default())
                .unwrap()
                .drawing;
            families::encode_image(family, model, &drawing, 1).unwrap();
        };
        encode(&json!({
            "prompt": "p", "output_format": "png", "quality": "standard", "size": "auto",
            "return_mask": false, "n": 1,
        }));
        encode(&json!({"prompt": "p", "quality": "auto"}));
    }
}

#[test]
fn the_documentation_says_what_the_code_does() {
    let table = table();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parameters.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drawings.md");
    fs::write(&right, &table).unwrap();
    assert!(
        page.contains(&table),
        "docs/parameters.md does not hold the table that follows from the code, which is in {}",
        right.display()
    );
}

fn table() -> String {
    let families: Vec<_> = ImageFamily::ALL
        .iter()
        .map(|family| family.name())
        .collect();
    let mut text = format!("| option | {} |\n", families.join(" | "));
    text.push_str(&"| --- ".repeat(ImageFamily::ALL.len() + 1));
    text.push_str("|\n");
    for &choice in Choice::ALL {
        write!(text, "| `{}` ", choice.name()).unwrap();
        for &family in ImageFamily::ALL {
            match families::image_rule(family, None, choice) {
                ImageRule::Mapped {
                    native,
                    bounds,
                    default,
                } => write!(text, "| `{native}`: {bounds}; default {default} ").unwrap(),
                ImageRule::Refused { .. } => text.push_str("| refused "),
            }
        }
        text.push_str("|\n");
    }
    text
}
