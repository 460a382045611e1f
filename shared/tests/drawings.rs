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
use bedrock_adapter::families::{self, ImageBounds, ImageRule};
use bedrock_adapter::model::{ENTRIES, Entry, Family, ImageFamily};
use serde_json::{Map, Value, json};

/// A PNG's signature in base64: as much of a picture as a request is looked at for.
const PICTURE: &str = "iVBORw0KGgo=";

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
        ImageBounds::Pictures(most) if choice == Choice::Image => (
            vec![json!(PICTURE), json!(vec![PICTURE; most])],
            vec![json!(vec![PICTURE; most + 1])],
        ),
        ImageBounds::Pictures(_) => (vec![json!(PICTURE)], Vec::new()),
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
        _ => json!({}),
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
                            assert!(bodies.iter().all(|body| body.contains(PICTURE)), "{about}");
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
