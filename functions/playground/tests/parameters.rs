//! The ranges that the page shows are those that are checked: `page/families.json` follows from the
//! families' rules, and the options of `page/images.json` are tried out on the families' encoders.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use bedrock_adapter::Error;
use bedrock_adapter::api::image;
use bedrock_adapter::api::inference::Parameter;
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::converse;
use bedrock_adapter::families::{self, Bounds, Rule};
use bedrock_adapter::model::{ImageFamily, TextFamily};
use playground::page::Page;
use serde_json::{Map, Value, json};

/// What the routes themselves say where the request does not.
const COMPLETION_TOKENS: &str = "16, the route's";
const CHAT_TOKENS: &str = "2048, the deployment's";

fn shown(parameter: Parameter, rule: Rule, tokens: &str) -> Option<Value> {
    let Rule::Mapped {
        bounds, default, ..
    } = rule
    else {
        return None;
    };
    let mut shown = json!({"name": parameter.name(), "range": bounds.to_string()});
    let default = match parameter {
        Parameter::MaxTokens => tokens,
        _ => default,
    };
    shown["default"] = default.into();
    let (kind, ends) = match bounds {
        Bounds::Number(least, most) | Bounds::NumberAbove(least, most) => {
            ("number", Some((json!(least), json!(most))))
        }
        Bounds::Integer(least, most) => ("integer", Some((json!(least), json!(most)))),
        Bounds::Positive => ("integer", None),
        Bounds::Texts { .. } => ("lines", None),
    };
    shown["kind"] = kind.into();
    if let Some((least, most)) = ends {
        shown["least"] = least;
        shown["most"] = most;
    }
    Some(shown)
}

fn of_text(family: Option<TextFamily>) -> Value {
    let list = |rule: &dyn Fn(Parameter) -> Rule, tokens| -> Vec<Value> {
        Parameter::ALL
            .iter()
            .filter_map(|parameter| shown(*parameter, rule(*parameter), tokens))
            .collect()
    };
    let over_converse = |parameter| converse::rule(family, None, parameter);
    let natively = |parameter| match family {
        Some(family) => families::rule(family, None, parameter),
        None => over_converse(parameter),
    };
    json!({
        "completion": list(&natively, COMPLETION_TOKENS),
        "chat": list(&over_converse, CHAT_TOKENS),
    })
}

/// The rules, one family a line: of text, and of any other model under the empty name.
fn families() -> String {
    let known = TextFamily::ALL.iter().map(|family| Some(*family));
    let lines = [None].into_iter().chain(known).map(|family| {
        let name = family.map_or("", TextFamily::name);
        format!("  {}: {}", json!(name), of_text(family))
    });
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

/// What a family says to a request with this value, beside a prompt.
fn drawn(family: ImageFamily, name: &str, value: &Value) -> Result<(), Error> {
    let body = json!({"prompt": "a tree", name: value}).to_string();
    let request = image::Request::parse(body.as_bytes(), &Limits::default())?;
    families::encode_image(family, None, &request.drawing).map(|_| ())
}

/// Values that the option is said to take, and values that it is said not to take.
fn samples(option: &Value) -> (Vec<Value>, Vec<Value>) {
    let (least, most) = (&option["least"], &option["most"]);
    match option["kind"].as_str().unwrap() {
        "integer" if least.is_null() => (vec![json!(1)], vec![json!("one")]),
        "integer" => {
            let (least, most) = (least.as_i64().unwrap(), most.as_i64().unwrap());
            (
                vec![json!(least), json!(most)],
                vec![json!(least - 1), json!(most + 1)],
            )
        }
        "number" => {
            let (least, most) = (least.as_f64().unwrap(), most.as_f64().unwrap());
            (
                vec![json!(least), json!(most)],
                vec![json!(least - 0.1), json!(most + 0.1)],
            )
        }
        "choice" => {
            let choices = option["choices"].as_array().unwrap().clone();
            (choices, vec![json!("no such choice")])
        }
        "text" => (vec![json!("fog")], vec![json!(1)]),
        kind => panic!("{kind} is no kind"),
    }
}

#[test]
fn the_options_of_images_are_those_that_their_families_take() {
    let images: Map<String, Value> =
        serde_json::from_str(include_str!("../page/images.json")).unwrap();
    let families: Vec<&str> = ImageFamily::ALL
        .iter()
        .map(|family| family.name())
        .collect();
    let shown: Vec<&str> = images
        .keys()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    assert!(
        families.iter().all(|name| shown.contains(name)) && shown.len() == families.len(),
        "{shown:?} are shown, {families:?} are there"
    );
    for family in ImageFamily::ALL {
        for option in images[family.name()].as_array().unwrap() {
            let name = option["name"].as_str().unwrap();
            let (good, bad) = samples(option);
            for value in good {
                let answer = drawn(*family, name, &value);
                assert!(answer.is_ok(), "{family:?} {name} {value}: {answer:?}");
            }
            for value in bad {
                let error = drawn(*family, name, &value).unwrap_err();
                assert_eq!(error.param(), Some(name), "{family:?} {value}: {error}");
            }
        }
    }
}

#[test]
fn every_parameter_that_is_shown_is_explained() {
    let page = Page::new().html;
    let data = page.split_once("id=\"parameters-data\">").unwrap().1;
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let routes = |family: &Value| {
        family
            .as_object()
            .unwrap()
            .values()
            .cloned()
            .collect::<Vec<_>>()
    };
    let texts = data["families"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(routes);
    let images = data["images"].as_object().unwrap().values().cloned();
    for list in texts.chain(images) {
        for parameter in list.as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            assert!(
                data["meanings"][name].is_string(),
                "{name} is not explained"
            );
        }
    }
}
