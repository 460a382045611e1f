//! The ranges that the page shows are those that are checked: `page/families.json` follows from the
//! families' rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use bedrock_adapter::api::image::Choice;
use bedrock_adapter::api::inference::Parameter;
use bedrock_adapter::converse;
use bedrock_adapter::families::{self, Bounds, ImageBounds, ImageRule, Rule};
use bedrock_adapter::model::{ENTRIES, Family, ImageFamily, TextFamily};
use playground::page::Page;
use serde_json::{Value, json};

/// What the routes themselves say where the request does not.
const COMPLETION_TOKENS: &str = "16, the route's";
const CHAT_TOKENS: &str = "2048, the deployment's";

/// The sides of the sizes that stand for shapes are about as long.
const SIDE: u64 = 1536;

fn of_parameter(parameter: Parameter, rule: Rule, tokens: &str) -> Option<Value> {
    let Rule::Mapped {
        bounds, default, ..
    } = rule
    else {
        return None;
    };
    let default = match parameter {
        Parameter::MaxTokens => tokens,
        _ => default,
    };
    let more = match bounds {
        Bounds::Number(least, most) | Bounds::NumberAbove(least, most) => {
            json!({"kind": "number", "least": least, "most": most})
        }
        Bounds::Integer(least, most) => json!({"kind": "integer", "least": least, "most": most}),
        Bounds::Positive => json!({"kind": "integer", "least": 1}),
        Bounds::Texts { .. } => json!({"kind": "lines"}),
    };
    Some(shown(parameter.name(), &bounds.to_string(), default, more))
}

fn shown(name: &str, range: &str, default: &str, mut more: Value) -> Value {
    let object = more.as_object_mut().unwrap();
    object.insert("name".to_owned(), name.into());
    object.insert("range".to_owned(), range.into());
    object.insert("default".to_owned(), default.into());
    more
}

fn of_text(family: Option<TextFamily>) -> Value {
    let list = |rule: &dyn Fn(Parameter) -> Rule, tokens| -> Vec<Value> {
        Parameter::ALL
            .iter()
            .filter_map(|parameter| of_parameter(*parameter, rule(*parameter), tokens))
            .collect()
    };
    let over_converse = |parameter| converse::rule(family, None, parameter);
    let natively = |parameter| match family {
        Some(family) => families::rule(family, None, parameter),
        None => over_converse(parameter),
    };
    let chat: &dyn Fn(Parameter) -> Rule = match is_only_native(family) {
        true => &natively,
        false => &over_converse,
    };
    json!({
        "completion": list(&natively, COMPLETION_TOKENS),
        "chat": list(chat, CHAT_TOKENS),
    })
}

/// Whether Converse serves none of the family's models, so that chats too go over its own bodies.
fn is_only_native(family: Option<TextFamily>) -> bool {
    let Some(family) = family.map(Family::Text) else {
        return false;
    };
    let mut models = ENTRIES
        .iter()
        .filter(|entry| entry.family() == Some(family));
    models.all(|entry| !entry.capabilities.converse)
}

/// The choices that need neither a picture nor one another.
const CHOICES: [Choice; 9] = [
    Choice::NegativePrompt,
    Choice::Size,
    Choice::Steps,
    Choice::CfgScale,
    Choice::Seed,
    Choice::StylePreset,
    Choice::Style,
    Choice::Quality,
    Choice::OutputFormat,
];

fn number_of_images() -> Value {
    let more = json!({"kind": "integer", "least": 1, "most": 10});
    shown("n", "whole, between 1 and 10", "1", more)
}

fn of_images(family: ImageFamily) -> Value {
    let choices = CHOICES.iter().filter_map(|choice| {
        let ImageRule::Mapped {
            bounds, default, ..
        } = families::image_rule(family, None, *choice)
        else {
            return None;
        };
        let range = bounds.to_string();
        let more = match bounds {
            ImageBounds::Number(least, most) => {
                json!({"kind": "number", "least": least, "most": most})
            }
            ImageBounds::Integer(least, most) => {
                json!({"kind": "integer", "least": least, "most": most})
            }
            ImageBounds::Text(_) | ImageBounds::Grid(_) => json!({"kind": "text"}),
            ImageBounds::OneOf(names) => json!({"kind": "choice", "choices": names}),
            ImageBounds::Sizes(sizes) => {
                let names: Vec<String> = sizes
                    .iter()
                    .map(|size| format!("{}x{}", size.width, size.height))
                    .collect();
                json!({"kind": "choice", "choices": names})
            }
            ImageBounds::Shapes(shapes) => {
                let sizes: Vec<String> = shapes
                    .iter()
                    .map(|(across, down, _)| {
                        let scale = SIDE / across.max(down);
                        format!("{}x{}", across * scale, down * scale)
                    })
                    .collect();
                json!({"kind": "choice", "choices": sizes})
            }
            ImageBounds::Pictures(_) | ImageBounds::Colors(_) | ImageBounds::Object => return None,
        };
        let range = match bounds {
            // The list itself shows them.
            ImageBounds::OneOf(_) | ImageBounds::Sizes(_) => String::new(),
            _ => range,
        };
        Some(shown(choice.name(), &range, default, more))
    });
    let all: Vec<Value> = choices.chain([number_of_images()]).collect();
    json!({"image": all})
}

/// What a model of no known family is asked with. Nothing draws over Converse, so of images it is what
/// most families have, without ranges.
fn of_any() -> Value {
    let mut any = of_text(None);
    let choice = |choice: Choice, kind| shown(choice.name(), "", "", json!({"kind": kind}));
    let images = [
        choice(Choice::NegativePrompt, "text"),
        choice(Choice::Size, "text"),
        choice(Choice::Seed, "integer"),
        number_of_images(),
    ];
    any.as_object_mut()
        .unwrap()
        .insert("image".to_owned(), json!(images));
    any
}

/// One family a line; of any other model under the empty name.
fn families() -> String {
    let known = Family::all().map(|family| match family {
        Family::Text(text) => (family.name(), of_text(Some(text))),
        Family::Image(image) => (family.name(), of_images(image)),
    });
    let lines = [("", of_any())]
        .into_iter()
        .chain(known)
        .map(|(name, parameters)| format!("  {}: {parameters}", json!(name)));
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

#[test]
fn the_page_shows_the_ranges_that_are_checked() {
    let right = families();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/families.json");
    if fs::read_to_string(&path).unwrap() != right {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("families.json");
        fs::write(&place, right).unwrap();
        panic!(
            "page/families.json is not what follows from the rules; that is in {}",
            place.display()
        );
    }
}

#[test]
fn every_parameter_that_is_shown_is_explained() {
    let page = Page::new().html;
    let data = page.split_once("id=\"parameters-data\">").unwrap().1;
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let lists = data["families"].as_object().unwrap().values();
    for list in lists.flat_map(|family| family.as_object().unwrap().values()) {
        for parameter in list.as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            assert!(
                data["meanings"][name].is_string(),
                "{name} is not explained"
            );
        }
    }
}
