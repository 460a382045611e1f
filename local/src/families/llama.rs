//! Meta Llama 2, 3 and 4 (`docs: model-parameters-meta`; recorded: Llama 2 and 3).

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, TextFamily, TextRequest, chunk, limit, not_played, prompt};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXTS, UNIT, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Turn};

const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
    // Each model's own limit follows.
    optional(
        "max_gen_len",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional("images", TEXTS),
]);

#[derive(Deserialize)]
struct Request {
    prompt: String,
    #[serde(default = "half")]
    temperature: f64,
    #[serde(default = "nine_tenths")]
    top_p: f64,
    #[serde(default = "default_limit")]
    max_gen_len: i64,
    #[serde(default)]
    images: Vec<String>,
}

fn half() -> f64 {
    0.5
}

fn nine_tenths() -> f64 {
    0.9
}

fn default_limit() -> i64 {
    512
}

/// A whole answer and a chunk alike.
#[derive(Serialize)]
struct Answer<'a> {
    generation: &'a str,
    prompt_token_count: Option<usize>,
    generation_token_count: Option<usize>,
    stop_reason: Option<&'static str>,
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

/// Reads a request.
pub(super) fn read(
    model: &'static Model,
    family: TextFamily,
    turns: impl Fn(&str) -> Vec<Turn>,
    body: &[u8],
) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if request.max_gen_len > model.max_output {
        return Err(malformed(&format!(
            "#/max_gen_len: {} is not less or equal to {}",
            request.max_gen_len, model.max_output
        )));
    }
    if !request.images.is_empty() {
        return Err(not_played("pictures in a prompt"));
    }
    Ok(TextRequest {
        family,
        turns: turns(&request.prompt),
        options: Options {
            max_tokens: limit(request.max_gen_len),
            temperature: request.temperature,
            top_p: Some(request.top_p).filter(|top_p| *top_p > 0.0),
            top_k: None,
            stop: Vec::new(),
        },
    })
}

/// The turns of a prompt for Llama 2.
pub(super) fn turns_2(text: &str) -> Vec<Turn> {
    prompt::instructed(text)
}

/// The turns of a prompt for Llama 3.
pub(super) fn turns_3(text: &str) -> Vec<Turn> {
    prompt::headed(
        text,
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    )
}

/// The turns of a prompt for Llama 4.
pub(super) fn turns_4(text: &str) -> Vec<Turn> {
    prompt::headed(text, "<|header_start|>", "<|header_end|>", "<|eot|>")
}

/// Writes an answer.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        generation: text,
        prompt_token_count: Some(end.usage.input),
        generation_token_count: Some(end.usage.output),
        stop_reason: Some(reason(&end.ending)),
        metrics: None,
    })
}

/// The page has no word for moderation; this is the one that stands for none of the others.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "stop",
        Ending::Finished(Finish::Length) => "length",
        Ending::Filtered => "content_filter",
    }
}

/// The stream's state. On AWS the first chunk has `prompt_token_count`; here the last has it, since
/// a backend counts at the end.
#[derive(Debug, Default)]
pub(crate) struct Chunks;

impl Chunks {
    pub(super) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        chunk(&Answer {
            generation: text,
            prompt_token_count: None,
            generation_token_count: None,
            stop_reason: None,
            metrics: None,
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&Answer {
            generation: "",
            prompt_token_count: Some(end.usage.input),
            generation_token_count: Some(end.usage.output),
            stop_reason: Some(reason(&end.ending)),
            metrics: Some(end.into()),
        })
    }
}
