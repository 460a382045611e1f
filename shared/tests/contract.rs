//! One contract for all families: every common parameter is mapped or refused by name, within its
//! bounds, and nothing is dropped. The documentation's table is checked against the same rules.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use aws_sdk_bedrockruntime::types::InferenceConfiguration;
use aws_smithy_types::{Document, Number};
use bedrock_adapter::Error;
use bedrock_adapter::api::inference::{Inference, Parameter};
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::api::options::Options;
use bedrock_adapter::api::{chat, completion};
use bedrock_adapter::converse;
use bedrock_adapter::dialogue::Dialogue;
use bedrock_adapter::families::{self, Bounds, Input, Rule};
use bedrock_adapter::model::{ENTRIES, Entry, Family, TextFamily};
use serde_json::{Value, json};

/// A value of the request's JSON for a parameter: one within bounds at either end, and those just
/// outside.
fn samples(bounds: Bounds) -> (Vec<Value>, Vec<Value>) {
    match bounds {
        Bounds::Number(least, most) => (
            vec![json!(least), json!(most)],
            vec![json!(least - 0.01), json!(most + 0.01)],
        ),
        Bounds::NumberAbove(least, most) => (
            vec![json!(least + 0.01), json!(most)],
            vec![json!(least), json!(most + 0.01)],
        ),
        Bounds::Integer(least, most) => (
            vec![json!(least), json!(most)],
            vec![json!(least - 1), json!(most + 1)],
        ),
        Bounds::Positive => (vec![json!(1), json!(1_000_000)], vec![json!(0), json!(-1)]),
        Bounds::Texts { most, form } => {
            let good = if form.is_some() { "|" } else { "END" };
            let mut bad = vec![json!([""]), json!(vec![good; most + 1])];
            bad.extend(form.map(|_| json!("END")));
            (vec![json!([good]), json!(vec![good; most])], bad)
        }
    }
}

/// Reads the parameter as a caller would send it.
fn inference(parameter: Parameter, value: &Value) -> Inference {
    let body = json!({"prompt": "p", "max_tokens": 1, parameter.name(): value});
    // The families' own bounds are looked at, not a deployment's.
    let limits = Limits {
        max_tokens: i64::MAX,
        ..Limits::default()
    };
    let parsed = completion::Request::parse(body.to_string().as_bytes(), &limits)
        .unwrap()
        .inference;
    match parameter {
        Parameter::MaxTokens => parsed,
        _ => Inference {
            max_tokens: None,
            ..parsed
        },
    }
}

/// A value of the parameter that is not neutral.
fn any_value(parameter: Parameter) -> Value {
    match parameter {
        Parameter::Stop => json!(["|"]),
        Parameter::TopK | Parameter::MaxTokens | Parameter::MinTokens | Parameter::Seed => json!(3),
        Parameter::Temperature
        | Parameter::TopP
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty => json!(0.5),
    }
}

fn models() -> impl Iterator<Item = (TextFamily, Option<&'static Entry>)> {
    let known = ENTRIES.iter().filter_map(|entry| match entry.family()? {
        Family::Text(family) => Some((family, Some(entry))),
        Family::Image(_) => None,
    });
    // A model that is not in the catalogue, such as an imported one.
    known.chain(TextFamily::ALL.iter().map(|family| (*family, None)))
}

fn at<'a>(body: &'a Value, dotted: &str) -> &'a Value {
    dotted.split('.').fold(body, |value, key| &value[key])
}

/// Numbers are compared as numbers: 1 is 1.0, Converse's are of 32 bits, and Nova's least
/// temperature stands for 0.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < 2e-5,
        _ => one == other,
    }
}

/// How many requests were tried.
#[track_caller]
fn keeps_the_contract(
    who: &str,
    rule: impl Fn(Parameter) -> Rule,
    encode: impl Fn(&Inference) -> Result<Value, Error>,
) -> usize {
    let mut tried = 0;
    for &parameter in Parameter::ALL {
        match rule(parameter) {
            Rule::Refused { .. } => {
                tried += 1;
                let error = encode(&inference(parameter, &any_value(parameter))).unwrap_err();
                assert_eq!(
                    error.row().code,
                    "unsupported_parameter",
                    "{who}: {parameter:?}"
                );
                assert_eq!(
                    error.param(),
                    Some(parameter.name()),
                    "{who}: {parameter:?}"
                );
            }
            Rule::Mapped { native, bounds, .. } => {
                let (good, bad) = samples(bounds);
                tried += good.len() + bad.len();
                for value in good {
                    let given = inference(parameter, &value);
                    // A value that means "off" is as if it were not there.
                    let value = given.given().next().map_or(Value::Null, |_| value);
                    let body = encode(&given).unwrap();
                    let sent = at(&body, native);
                    assert!(
                        same(sent, &value),
                        "{who}: {parameter:?} {value} became {sent} at {native}"
                    );
                }
                for value in bad {
                    let error = encode(&inference(parameter, &value)).unwrap_err();
                    assert_eq!(
                        error.row().code,
                        "invalid_value",
                        "{who}: {parameter:?} {value}"
                    );
                    assert_eq!(
                        error.param(),
                        Some(parameter.name()),
                        "{who}: {parameter:?} {value}"
                    );
                }
            }
        }
    }
    tried
}

/// Prints what was tried. Not with `println!`: what a test that passes prints is thrown away.
fn say(way: &str, tried: usize) {
    let (families, models) = (TextFamily::ALL.len(), models().count());
    let mut output = std::io::stdout().lock();
    writeln!(
        output,
        "\ncontract: {families} families of text, {models} models and families, {tried} requests {way}"
    )
    .unwrap();
}

#[test]
fn every_model_maps_or_refuses_every_parameter() {
    let mut tried = 0;
    for (family, model) in models() {
        let who = model.map_or(family.name(), |model| model.id);
        tried += keeps_the_contract(
            who,
            |parameter| families::rule(family, model, parameter),
            |inference| {
                let body = families::encode_text(family, model, Input::Prompt("p"), inference)?;
                Ok(serde_json::from_slice(&body).unwrap())
            },
        );
    }
    say("in native bodies", tried);
}

#[test]
fn converse_maps_or_refuses_every_parameter() {
    let mut tried = 0;
    let unknown = [(None, None)];
    for (family, model) in models()
        .map(|(family, model)| (Some(family), model))
        .chain(unknown)
    {
        let who = model.map_or("converse", |model| model.id);
        tried += keeps_the_contract(
            who,
            |parameter| converse::rule(family, model, parameter),
            |inference| {
                let dialogue = Dialogue::of_prompt("p");
                converse::encode(family, model, &dialogue, inference, &Options::default())
                    .map(|request| seen(&request))
            },
        );
    }
    say("over Converse", tried);
}

/// A Converse request as the JSON that goes over the wire.
fn seen(request: &converse::Request) -> Value {
    let config = request
        .inference_config
        .as_ref()
        .map(|config: &InferenceConfiguration| {
            json!({
                "temperature": config.temperature(),
                "topP": config.top_p(),
                "maxTokens": config.max_tokens(),
                "stopSequences": config.stop_sequences(),
            })
        });
    json!({
        "inferenceConfig": config,
        "additionalModelRequestFields": request.additional_fields.as_ref().map(as_json),
    })
}

fn as_json(document: &Document) -> Value {
    match document {
        Document::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), as_json(value)))
            .collect(),
        Document::Number(Number::PosInt(number)) => json!(number),
        Document::Number(Number::Float(number)) => json!(number),
        other => panic!("{other:?} is not expected here"),
    }
}

#[test]
fn the_catalogue_and_the_families_agree_about_streams() {
    for (family, model) in models() {
        let Some(model) = model else { continue };
        assert_eq!(
            model.capabilities.stream,
            families::streams(family),
            "{}",
            model.id
        );
    }
}

#[test]
fn every_model_calls_tools_and_answers_in_json_or_refuses_it_by_name() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    let object = r#""response_format":{"type":"json_object"}"#;
    let schema =
        r#""response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}"#;
    let mut taken = [0; 3];
    for model in ENTRIES {
        let family = match model.family() {
            Some(Family::Text(family)) => Some(family),
            Some(Family::Image(_)) => continue,
            None => None,
        };
        for (index, (options, param)) in [
            (tools, "tools"),
            (object, "response_format"),
            (schema, "response_format"),
        ]
        .into_iter()
        .enumerate()
        {
            let body = format!(r#"{{"messages":[{{"role":"user","content":"a"}}],{options}}}"#);
            let request = chat::Request::parse(body.as_bytes(), &Limits::default()).unwrap();
            let chat::Request {
                dialogue,
                inference,
                options,
                ..
            } = &request;
            match converse::encode(family, Some(model), dialogue, inference, options) {
                Ok(sent) => {
                    taken[index] += 1;
                    let is_sent = sent.tools.is_some() || sent.output.is_some();
                    assert!(is_sent, "{}: {param}", model.id);
                    assert_eq!(sent.answers_by_tool, index > 0 && sent.output.is_none());
                }
                Err(error) => {
                    let told = (error.param(), error.row().code);
                    assert_eq!(told, (Some(param), "unsupported_parameter"), "{}", model.id);
                }
            }
        }
    }
    assert!(taken.iter().all(|count| *count > 10), "{taken:?}");
}

#[test]
fn nothing_that_was_not_said_is_sent() {
    for (family, model) in models() {
        let body = families::encode_text(family, model, Input::Prompt("p"), &Inference::default())
            .unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("null"), "{}: {text}", family.name());
        for &parameter in Parameter::ALL {
            let Rule::Mapped { native, .. } = families::rule(family, model, parameter) else {
                continue;
            };
            let sent = at(&serde_json::from_str(&text).unwrap(), native).clone();
            // Both families of Claude require a limit.
            let claude = matches!(family, TextFamily::ClaudeText | TextFamily::ClaudeMessages);
            let required = parameter == Parameter::MaxTokens && claude;
            assert_eq!(sent.is_null(), !required, "{}: {native}", family.name());
        }
    }
}

#[test]
fn the_documentation_says_what_the_code_does() {
    let table = table();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parameters.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parameters.md");
    fs::write(&right, &table).unwrap();
    assert!(
        page.contains(&table),
        "docs/parameters.md does not hold the table that follows from the code, which is in {}",
        right.display()
    );
}

fn table() -> String {
    let families: Vec<_> = TextFamily::ALL.iter().map(|family| family.name()).collect();
    let families = families.join(" | ");
    let mut text = format!("| parameter | {families} | any model, over Converse |\n");
    text.push_str(&"| --- ".repeat(TextFamily::ALL.len() + 2));
    text.push_str("|\n");
    for &parameter in Parameter::ALL {
        let native = TextFamily::ALL
            .iter()
            .map(|family| families::rule(*family, None, parameter));
        let rules = native.chain([converse::rule(None, None, parameter)]);
        write!(text, "| `{}` ", parameter.name()).unwrap();
        for rule in rules {
            match rule {
                Rule::Mapped {
                    native,
                    bounds,
                    default,
                } => {
                    write!(text, "| `{native}`: {}; default {default} ", shown(bounds)).unwrap();
                }
                Rule::Refused { .. } => text.push_str("| refused "),
            }
        }
        text.push_str("|\n");
    }
    text
}

/// A bar would end the table's cell.
fn shown(bounds: Bounds) -> String {
    bounds.to_string().replace('|', "\\|")
}
