//! `docs/openapi.yaml` says what the code reads, answers and allows, no less and no more. That what
//! goes over the wire has the document's shapes is held by `tests/clients/check_document.py`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bedrock_adapter::Error;
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::api::{chat as chats, completion, image};
use bedrock_adapter::doors::api_gateway::Route;
use bedrock_adapter::runtime::Task;
use chat::Chat;
use image_generation::ImageGeneration;
use models::Models;
use text_completion::TextCompletion;
use yaml_rust2::{Yaml, YamlLoader};

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(path)).unwrap()
}

fn document() -> Yaml {
    let mut documents = YamlLoader::load_from_str(&read("docs/openapi.yaml")).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn schema(name: &str) -> Yaml {
    document()["components"]["schemas"][name].clone()
}

/// The names in a mapping.
fn keys(mapping: &Yaml) -> BTreeSet<String> {
    let names = mapping.as_hash().unwrap().keys();
    names.map(|key| key.as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn has_the_fields(name: &str, fields: Result<Vec<&'static str>, Error>) {
    let read: BTreeSet<String> = fields.unwrap().into_iter().map(str::to_owned).collect();
    let schema = schema(name);
    assert_eq!(keys(&schema["properties"]), read);
    assert_eq!(schema["additionalProperties"].as_bool(), Some(false));
}

#[test]
fn each_request_has_the_fields_that_the_code_reads() {
    has_the_fields("CompletionRequest", completion::Request::fields());
    has_the_fields("ChatRequest", chats::Request::fields());
    has_the_fields("ImageRequest", image::Request::fields());
}

#[test]
fn the_routes_are_those_of_the_functions() {
    let served = [
        TextCompletion::ROUTES,
        Chat::ROUTES,
        ImageGeneration::ROUTES,
        Models::ROUTES,
    ];
    let served: BTreeSet<String> = served
        .into_iter()
        .flatten()
        .map(|Route { method, path }| format!("{method} {}", path.replace("+}", "}")))
        .collect();
    let document = document();
    let paths = document["paths"].as_hash().unwrap();
    let documented: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, operations)| {
            let path = path.as_str().unwrap();
            let methods = keys(operations).into_iter();
            methods.map(move |method| format!("{} {path}", method.to_ascii_uppercase()))
        })
        .collect();
    assert_eq!(documented, served);
}

/// The statuses and codes of the error table, read from its source: there each stands once, beside
/// the fault that it is for.
fn table() -> BTreeSet<(u16, String)> {
    let source = read("shared/src/error.rs");
    let rows = source.split("pub const fn row").nth(1).unwrap();
    let rows = rows.split("pub fn param").next().unwrap();
    let row = |text: &str| {
        let (arguments, _) = text.split_once(')')?;
        let code = arguments.split('"').nth(1)?.to_owned();
        let status = arguments.split(',').next()?.trim().parse().ok();
        Some((status, code))
    };
    let mut found = BTreeSet::new();
    for (constructor, usual) in [
        ("request(", 0),
        ("limit(", 429),
        ("later(", 503),
        ("never(", 0),
    ] {
        for text in rows.split(constructor).skip(1) {
            let (status, code) = row(text).unwrap();
            found.insert((status.unwrap_or(usual), code));
        }
    }
    found
}

#[test]
fn the_codes_are_those_of_the_error_table() {
    /// What only API Gateway answers.
    const OF_THE_GATEWAY: [(u16, &str); 2] = [(401, "invalid_api_key"), (403, "access_denied")];
    /// What only results of uploads and batch files, and the log, have.
    const OF_UPLOADS: [(u16, &str); 4] = [
        (400, "input_archived"),
        (404, "input_gone"),
        (413, "batch_too_long"),
        (503, "queue_unavailable"),
    ];
    let document = document();
    let responses = &document["components"]["responses"];
    // A response is used under one status; where no operation has it, its name says it.
    let mut statuses: Vec<(String, u16)> = vec![("MethodNotAllowed".to_owned(), 405)];
    for operations in document["paths"].as_hash().unwrap().values() {
        for operation in operations.as_hash().unwrap().values() {
            for (status, response) in operation["responses"].as_hash().unwrap() {
                if let Some(reference) = response["$ref"].as_str() {
                    let name = reference.rsplit('/').next().unwrap();
                    statuses.push((name.to_owned(), status.as_str().unwrap().parse().unwrap()));
                }
            }
        }
    }
    let mut documented = BTreeSet::new();
    for (name, status) in statuses {
        let schema = &responses[name.as_str()]["content"]["application/json"]["schema"];
        let codes = &schema["allOf"][1]["properties"]["error"]["properties"]["code"]["enum"];
        for code in codes.as_vec().unwrap() {
            documented.extend(code.as_str().map(|code| (status, code.to_owned())));
        }
    }
    let owned = |(status, code): (u16, &str)| (status, code.to_owned());
    let mut answered = table();
    for code in OF_UPLOADS.map(owned) {
        assert!(answered.remove(&code), "{code:?}");
    }
    answered.extend(OF_THE_GATEWAY.map(owned));
    assert_eq!(documented, answered);
}

#[test]
fn the_limits_are_the_ones_that_hold_by_default() {
    let limits = Limits::default();
    let number = |schema: &Yaml, field: &str, of: &str| schema["properties"][field][of].as_i64();
    let (text, chat, image) = (
        schema("CompletionRequest"),
        schema("ChatRequest"),
        schema("ImageRequest"),
    );
    let answers = i64::try_from(limits.answers).ok();
    assert_eq!(number(&text, "n", "maximum"), answers);
    assert_eq!(number(&image, "n", "maximum"), answers);
    for field in ["max_tokens", "max_completion_tokens"] {
        assert_eq!(number(&text, field, "maximum"), Some(limits.max_tokens));
    }
    assert_eq!(
        number(&chat, "max_tokens", "maximum"),
        Some(limits.max_tokens)
    );
    let default = number(&chat, "max_tokens", "default");
    assert_eq!(default, Some(limits.default_max_tokens));
    let messages = i64::try_from(limits.messages).ok();
    assert_eq!(number(&chat, "messages", "maxItems"), messages);
    let said = document()["info"]["description"]
        .as_str()
        .unwrap()
        .replace(',', "");
    let words: Vec<&str> = said.split_whitespace().collect();
    for number in [
        limits.prompt_characters,
        limits.history_characters,
        limits.messages,
        limits.answers,
        usize::try_from(limits.max_tokens).unwrap(),
    ] {
        assert!(words.contains(&number.to_string().as_str()), "{number}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let version = document()["info"]["version"].as_str().unwrap().to_owned();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}
