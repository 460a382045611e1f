//! Golden pairs: what a request becomes in each family's native body, and what each native answer
//! becomes. The files say where their shapes come from.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bedrock_adapter::Error;
use bedrock_adapter::api::inference::Parameter;
use bedrock_adapter::api::limits::Limits;
use bedrock_adapter::api::{chat, completion, image};
use bedrock_adapter::families::{self, Chunk, Completion, Finish, Input, Pictures, Rule, Usage};
use bedrock_adapter::model::{Directory, Family, ImageFamily, Target, TextFamily, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    source: String,
    model: String,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawn {
    source: String,
    request: Value,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    source: String,
    body: Value,
    is: Option<Value>,
    fails: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Streamed {
    source: String,
    chunks: Vec<Value>,
    are: Vec<Value>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn text_of(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads a file; each source that it names must say something.
fn read<T: for<'de> Deserialize<'de>>(path: &str) -> T {
    let text = text_of(path);
    assert!(
        !text.contains(r#""source": """#),
        "{path} has an empty source"
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn target(model: &str) -> Target {
    let directory = Directory {
        default: Some(model.to_owned()),
        aliases: Default::default(),
        allowed: Vec::new(),
        region: None,
    };
    directory.find(&Wanted::default()).unwrap()
}

fn counts(usage: Option<Usage>) -> Value {
    usage.map_or(Value::Null, |usage| {
        json!([
            usage.input,
            usage.output,
            usage.cache_read,
            usage.cache_write
        ])
    })
}

fn shown(finish: &Finish) -> String {
    format!("{finish:?}")
}

#[track_caller]
fn encodes(
    family: TextFamily,
    file: &str,
    input: Input<'_>,
    inference: &bedrock_adapter::api::inference::Inference,
) {
    let path = format!("{}/{file}", family.name());
    let Encoded {
        source,
        model,
        body,
    } = read(&path);
    let target = target(&model);
    assert_eq!(target.family, Some(Family::Text(family)), "{path}");
    let encoded = families::encode_text(family, target.entry, input, inference).unwrap();
    let encoded: Value = serde_json::from_slice(&encoded).unwrap();
    assert_eq!(encoded, body, "{path}, after {source}");
}

#[test]
fn a_prompt_becomes_each_familys_body() {
    let request =
        completion::Request::parse(text_of("completion.json").as_bytes(), &Limits::default())
            .unwrap();
    for &family in TextFamily::ALL {
        let mut inference = request.inference.clone();
        // Llama's body has no stop sequences.
        if let Rule::Refused { .. } = families::rule(family, None, Parameter::Stop) {
            inference.stop = None;
        }
        encodes(
            family,
            "completion.json",
            Input::Prompt(&request.prompts[0]),
            &inference,
        );
    }
}

#[test]
fn a_conversation_becomes_each_familys_body() {
    let request =
        chat::Request::parse(text_of("chat.json").as_bytes(), &Limits::default()).unwrap();
    for &family in TextFamily::ALL {
        encodes(
            family,
            "chat.json",
            Input::Conversation(&request.dialogue.plain().unwrap()),
            &request.inference,
        );
    }
}

#[test]
fn a_drawing_becomes_each_familys_body() {
    for &family in ImageFamily::ALL {
        let path = format!("{}/requests.json", family.name());
        let cases: Vec<Drawn> = read(&path);
        assert!(!cases.is_empty(), "{path}");
        for Drawn {
            source,
            request,
            body,
        } in cases
        {
            let request =
                image::Request::parse(request.to_string().as_bytes(), &Limits::default()).unwrap();
            let target = target(request.wanted.model.as_deref().unwrap());
            assert_eq!(target.family, Some(Family::Image(family)), "{path}");
            let encoded =
                families::encode_image(family, target.entry, &request.drawing, request.n).unwrap();
            let encoded: Value = serde_json::from_slice(&encoded).unwrap();
            assert_eq!(encoded, body, "{path}, after {source}");
        }
    }
}

/// Each answer of the family's file becomes what the file says, or fails with its code.
#[track_caller]
fn answers_become(family: &str, decode: impl Fn(&[u8]) -> Result<Value, Error>) {
    let path = format!("{family}/answers.json");
    let cases: Vec<Answered> = read(&path);
    assert!(!cases.is_empty(), "{path}");
    for Answered {
        source,
        body,
        is,
        fails,
    } in cases
    {
        let decoded =
            decode(body.to_string().as_bytes()).map_err(|error| error.row().code.to_owned());
        assert_eq!(
            decoded,
            is.ok_or(fails.unwrap_or_default()),
            "{path}, after {source}"
        );
    }
}

#[test]
fn each_familys_answers_are_read() {
    for &family in TextFamily::ALL {
        answers_become(family.name(), |body| {
            let Completion {
                text,
                finish,
                usage,
                ..
            } = families::decode_text(family, body)?;
            Ok(json!({"text": text, "finish": shown(&finish), "usage": counts(usage)}))
        });
    }
}

#[test]
fn each_familys_images_are_read() {
    for &family in ImageFamily::ALL {
        answers_become(family.name(), |body| {
            let Pictures { pictures, filtered } = families::decode_image(family, body)?;
            let pictures: Vec<_> = pictures
                .iter()
                .map(|picture| json!([picture.base64, picture.seed]))
                .collect();
            Ok(json!({"pictures": pictures, "filtered": filtered}))
        });
    }
}

#[test]
fn each_familys_stream_is_read() {
    for &family in TextFamily::ALL {
        let path = format!("{}/stream.json", family.name());
        let Streamed {
            source,
            chunks,
            are,
        } = read(&path);
        let decoded: Vec<_> = chunks
            .iter()
            .map(|chunk| families::decode_chunk(family, chunk.to_string().as_bytes()).unwrap())
            .map(|Chunk { text, finish, usage, .. }| {
                json!({"text": text, "finish": finish.as_ref().map(shown), "usage": counts(usage)})
            })
            .collect();
        assert_eq!(decoded, are, "{path}, after {source}");
    }
}

#[test]
fn no_file_is_orphaned() {
    let mut expected = BTreeSet::from(["chat.json".to_owned(), "completion.json".to_owned()]);
    for &family in TextFamily::ALL {
        let files = [
            "completion.json",
            "chat.json",
            "answers.json",
            "stream.json",
        ];
        expected.extend(files.map(|file| format!("{}/{file}", family.name())));
    }
    for &family in ImageFamily::ALL {
        expected.extend(
            ["requests.json", "answers.json"].map(|file| format!("{}/{file}", family.name())),
        );
    }
    assert_eq!(files_below(&folder(), ""), expected);
}

fn files_below(folder: &Path, prefix: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path(), &format!("{name}/")));
        } else {
            files.insert(name);
        }
    }
    files
}
