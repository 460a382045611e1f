//! Amazon Titan Text (`docs: model-parameters-titan-text`; recorded: tg1-large, express).

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, TextFamily, TextRequest, chunk, limit, lines};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::{Field, required};
use crate::schema::{NON_EMPTY, Shape, UNIT, Wording, malformed, optional, read as read_body};
use crate::text::{Finish, Options};

/// What the model says of stop sequences, though the documentation allows any (boto3 issue 3993).
const STOP: Shape = Shape::Pattern {
    pattern: r"^(\|+|User:)$",
    matches: is_stop_sequence,
};

const CONFIG: &[Field] = &[
    optional("temperature", UNIT),
    optional("topP", Shape::Positive { max: 1.0 }),
    // Each model's own limit follows.
    optional("maxTokenCount", Shape::Integer { min: 0, max: 8192 }),
    optional(
        "stopSequences",
        Shape::List {
            items: &STOP,
            min: 0,
            max: usize::MAX,
        },
    ),
];

const REQUEST: Shape = Shape::Object(&[
    required("inputText", NON_EMPTY),
    optional("textGenerationConfig", Shape::Object(CONFIG)),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    input_text: String,
    #[serde(default)]
    text_generation_config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    temperature: f64,
    top_p: f64,
    max_token_count: i64,
    stop_sequences: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_p: 0.9,
            max_token_count: 512,
            stop_sequences: Vec::new(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    input_text_token_count: usize,
    results: [Outcome<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    token_count: usize,
    output_text: &'a str,
    completion_reason: &'static str,
}

/// On AWS the first chunk has `inputTextTokenCount` and the last has the other two; here the last
/// has all three, since a backend counts at the end. A recorded short answer looks like that too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    output_text: &'a str,
    index: usize,
    total_output_text_token_count: Option<usize>,
    completion_reason: Option<&'static str>,
    input_text_token_count: Option<usize>,
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    let config = request.text_generation_config;
    if config.max_token_count > model.max_output {
        return Err(malformed(&format!(
            "#/textGenerationConfig/maxTokenCount: {} is not less or equal to {}",
            config.max_token_count, model.max_output
        )));
    }
    Ok(TextRequest {
        family: TextFamily::Titan,
        turns: lines::turns(&request.input_text, "User:", "Bot:"),
        options: Options {
            max_tokens: limit(config.max_token_count),
            temperature: config.temperature,
            top_p: Some(config.top_p),
            top_k: None,
            stop: config.stop_sequences,
        },
    })
}

/// Whether the model takes it as a stop sequence.
pub(crate) fn is_stop_sequence(text: &str) -> bool {
    text == "User:" || (!text.is_empty() && text.bytes().all(|byte| byte == b'|'))
}

/// Writes an answer; recorded ones begin with a line feed.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        input_text_token_count: end.usage.input,
        results: [Outcome {
            token_count: end.usage.output,
            output_text: &format!("\n{text}"),
            completion_reason: reason(&end.ending),
        }],
    })
}

/// The documentation says `FINISHED`; every recording says `FINISH`.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn) => "FINISH",
        Ending::Finished(Finish::Length) => "LENGTH",
        Ending::Finished(Finish::StopSequence(_)) => "STOP_CRITERIA_MET",
        Ending::Filtered => "CONTENT_FILTERED",
    }
}

/// The stream's state.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    begun: bool,
}

impl Chunks {
    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        let lead = if std::mem::replace(&mut self.begun, true) {
            ""
        } else {
            "\n"
        };
        chunk(&Chunk {
            output_text: &format!("{lead}{text}"),
            index: 0,
            total_output_text_token_count: None,
            completion_reason: None,
            input_text_token_count: None,
            metrics: None,
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&Chunk {
            output_text: "",
            index: 0,
            total_output_text_token_count: Some(end.usage.output),
            completion_reason: Some(reason(&end.ending)),
            input_text_token_count: Some(end.usage.input),
            metrics: Some(end.into()),
        })
    }
}
