//! Amazon Titan Text: tg1-large, Lite, Express, Premier.
//! Source: AWS userguide, `model-parameters-titan-text`; recorded traffic for the answers.

use serde::{Deserialize, Serialize};

use super::parameter::{MOST_STOPS, TextForm};
use super::transcript::Markers;
use super::{Bounds, Chunk, Completion, Finish, Input, InvocationMetrics, Rule, Usage, lenient};
use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    input_text: String,
    #[serde(skip_serializing_if = "Config::is_empty")]
    text_generation_config: Config<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_token_count: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

impl Config<'_> {
    fn is_empty(&self) -> bool {
        let Self {
            temperature,
            top_p,
            max_token_count,
            stop_sequences,
        } = self;
        temperature.is_none()
            && top_p.is_none()
            && max_token_count.is_none()
            && stop_sequences.is_empty()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    #[serde(default, deserialize_with = "lenient::count")]
    input_text_token_count: Option<u64>,
    results: Vec<Generated>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    #[serde(default, deserialize_with = "lenient::count")]
    token_count: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    output_text: String,
    #[serde(default)]
    completion_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamChunk {
    #[serde(default, deserialize_with = "lenient::text")]
    output_text: String,
    #[serde(default)]
    completion_reason: Option<String>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

/// The page states no limits for tg1-large; the largest of the family's is taken for it.
const MAX_TOKENS: u32 = 8_192;

/// A real Express refuses every stop sequence that is not of this form (boto3 issue 3993), though
/// the page says that any text is good.
const STOP: Bounds = Bounds::Texts {
    most: MOST_STOPS,
    form: Some(TextForm::BarsOrUser),
};

/// The page's form of a conversation.
const MARKERS: Markers = Markers {
    user: "User:",
    assistant: "Bot:",
};

/// What ends the model's turn in a transcript, so that it does not write the user's next one.
const NEXT_USER_TURN: &str = "User:";

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model
        .and_then(|model| model.max_output)
        .unwrap_or(MAX_TOKENS);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "textGenerationConfig.temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.7",
        },
        Parameter::TopP => Rule::Mapped {
            native: "textGenerationConfig.topP",
            bounds: Bounds::NumberAbove(0.0, 1.0),
            default: "0.9",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "textGenerationConfig.maxTokenCount",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "512",
        },
        Parameter::Stop => Rule::Mapped {
            native: "textGenerationConfig.stopSequences",
            bounds: STOP,
            default: "none; `User:` is added in a transcript",
        },
        Parameter::TopK
        | Parameter::MinTokens
        | Parameter::PresencePenalty
        | Parameter::FrequencyPenalty
        | Parameter::CountPenalty
        | Parameter::LengthPenalty
        | Parameter::RepetitionPenalty
        | Parameter::Seed => Rule::NO_SUCH,
    }
}

pub(super) fn encode<'a>(input: Input<'_>, inference: &'a Inference) -> Request<'a> {
    let mut stop: Vec<&str> = inference
        .stop
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let input_text = match input {
        Input::Prompt(prompt) => prompt.to_owned(),
        Input::Conversation(conversation) => {
            if !stop.contains(&NEXT_USER_TURN) {
                stop.push(NEXT_USER_TURN);
            }
            // There is no place for a system prompt, so it goes into the first user turn.
            MARKERS.write(&conversation.with_folded_system())
        }
    };
    Request {
        input_text,
        text_generation_config: Config {
            temperature: inference.temperature,
            top_p: inference.top_p,
            max_token_count: inference.max_tokens,
            stop_sequences: stop,
        },
    }
}

pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let Response {
        input_text_token_count,
        results,
    } = response;
    let generated = results
        .into_iter()
        .next()
        .ok_or_else(|| Error::malformed("titan-text", "results[0]"))?;
    let usage = match (input_text_token_count, generated.token_count) {
        (Some(input), Some(output)) => Some(Usage {
            input,
            output,
            ..Usage::default()
        }),
        _ => None,
    };
    Ok(Completion {
        text: generated.output_text,
        finish: generated
            .completion_reason
            .map_or(Finish::EndOfTurn, finish),
        usage,
        ..Completion::default()
    })
}

pub(super) fn decode_chunk(chunk: StreamChunk) -> Chunk {
    Chunk {
        text: chunk.output_text,
        finish: chunk.completion_reason.map(finish),
        usage: chunk.metrics.map(Usage::from),
        ..Chunk::default()
    }
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        // The page says FINISHED, the wire FINISH.
        "FINISH" | "FINISHED" => Finish::EndOfTurn,
        "STOP_CRITERIA_MET" => Finish::StopSequence,
        "LENGTH" => Finish::Length,
        "CONTENT_FILTERED" => Finish::Filtered,
        _ => Finish::Other(reason),
    }
}
