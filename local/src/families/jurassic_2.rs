//! AI21 Jurassic-2 (`docs: model-parameters-jurassic2`; recorded: mid, ultra). It does not stream.

use serde::{Deserialize, Serialize};

use super::{End, Ending, TextFamily, TextRequest, limit, lines, not_played};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{Field, NON_EMPTY, Shape, TEXTS, UNIT, Wording, optional, required};
use crate::text::{Finish, Options};

/// A penalty's keys; the page spells one of them in two ways.
const fn penalty(scale: Shape) -> [Field; 7] {
    [
        required("scale", scale),
        optional("applyToWhitespaces", Shape::Flag),
        optional("applyToPunctuations", Shape::Flag),
        optional("applyToPunctuation", Shape::Flag),
        optional("applyToNumbers", Shape::Flag),
        optional("applyToStopwords", Shape::Flag),
        optional("applyToEmojis", Shape::Flag),
    ]
}
const PRESENCE: &[Field] = &penalty(Shape::Number { min: 0.0, max: 5.0 });
const COUNT: &[Field] = &penalty(UNIT);
const FREQUENCY: &[Field] = &penalty(Shape::Number {
    min: 0.0,
    max: 500.0,
});
const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    optional("maxTokens", Shape::Integer { min: 0, max: 8191 }),
    optional("temperature", UNIT),
    optional("topP", UNIT),
    optional("stopSequences", TEXTS),
    optional("presencePenalty", Shape::Object(PRESENCE)),
    optional("countPenalty", Shape::Object(COUNT)),
    optional("frequencyPenalty", Shape::Object(FREQUENCY)),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    prompt: String,
    #[serde(default = "default_max_tokens")]
    max_tokens: i64,
    #[serde(default = "half")]
    temperature: f64,
    #[serde(default = "half")]
    top_p: f64,
    #[serde(default)]
    stop_sequences: Vec<String>,
    #[serde(default)]
    presence_penalty: Penalty,
    #[serde(default)]
    count_penalty: Penalty,
    #[serde(default)]
    frequency_penalty: Penalty,
}

#[derive(Deserialize, Default)]
struct Penalty {
    scale: f64,
}

fn default_max_tokens() -> i64 {
    200
}

fn half() -> f64 {
    0.5
}

#[derive(Serialize)]
struct Answer<'a> {
    id: u32,
    prompt: Written<'a>,
    completions: [Completion<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Completion<'a> {
    data: Written<'a>,
    finish_reason: Reason,
}

#[derive(Serialize)]
struct Written<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
}

/// A word here; the tokenizer is AI21's own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    generated_token: GeneratedToken<'a>,
    top_tokens: (),
    text_range: Range,
}

#[derive(Serialize)]
struct GeneratedToken<'a> {
    token: &'a str,
    logprob: f64,
    raw_logprob: f64,
}

#[derive(Serialize)]
struct Range {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct Reason {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
}

/// Reads a request.
pub(super) fn read(_model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    let penalties = [
        request.presence_penalty,
        request.count_penalty,
        request.frequency_penalty,
    ];
    if penalties.iter().any(|penalty| penalty.scale != 0.0) {
        return Err(not_played("penalties"));
    }
    Ok(TextRequest {
        family: TextFamily::Jurassic2,
        turns: lines::turns(&request.prompt, "User:", "Assistant:"),
        options: Options {
            max_tokens: limit(request.max_tokens),
            temperature: request.temperature,
            // 0 would leave nothing to choose from.
            top_p: Some(request.top_p).filter(|top_p| *top_p > 0.0),
            top_k: None,
            stop: request.stop_sequences,
        },
    })
}

/// Writes an answer; recorded ones have 1234 for an id and begin with a line feed. On AWS it repeats
/// the prompt; here that has as many tokens, and they are empty.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    let (reason, length) = match &end.ending {
        Ending::Finished(Finish::EndOfTurn) => ("endoftext", None),
        Ending::Finished(Finish::StopSequence(_)) => ("stop", None),
        Ending::Finished(Finish::Length) => ("length", Some(end.usage.output)),
        // The page has no word for it.
        Ending::Filtered => ("filtered", None),
    };
    let text = format!("\n{text}");
    to_json(&Answer {
        id: 1234,
        prompt: Written {
            text: "",
            tokens: (0..end.usage.input).map(|_| token("", 0)).collect(),
        },
        completions: [Completion {
            data: Written {
                text: &text,
                tokens: tokens(&text),
            },
            finish_reason: Reason { reason, length },
        }],
    })
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut start = 0;
    text.split_inclusive(' ')
        .map(|word| {
            let token = token(word, start);
            start = token.text_range.end;
            token
        })
        .collect()
}

fn token(token: &str, start: usize) -> Token<'_> {
    Token {
        generated_token: GeneratedToken {
            token,
            logprob: 0.0,
            raw_logprob: 0.0,
        },
        top_tokens: (),
        text_range: Range {
            start,
            end: start + token.len(),
        },
    }
}
