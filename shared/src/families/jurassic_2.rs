//! AI21 Jurassic-2: Mid, Ultra. They do not stream.
//! Source: AWS userguide, `model-parameters-jurassic2`; recorded traffic for the answers.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::parameter::MOST_STOPS;
use super::transcript::Markers;
use super::{Bounds, Chunk, Completion, Finish, Input, Rule, Usage, lenient};
use crate::Error;
use crate::api::inference::{Inference, Parameter};
use crate::model::Entry;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<Penalty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_penalty: Option<Penalty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<Penalty>,
}

/// It may say of kinds of tokens that it leaves them alone; by default it applies to all.
#[derive(Debug, Serialize)]
struct Penalty {
    scale: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    prompt: Option<Read>,
    completions: Vec<Generated>,
}

#[derive(Debug, Deserialize)]
struct Read {
    #[serde(default)]
    tokens: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generated {
    data: Written,
    #[serde(default)]
    finish_reason: Option<Reason>,
}

#[derive(Debug, Deserialize)]
struct Written {
    #[serde(deserialize_with = "lenient::text")]
    text: String,
    #[serde(default)]
    tokens: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
struct Reason {
    reason: String,
}

/// The page knows no form of a conversation; this is one that a model can go on from.
const MARKERS: Markers = Markers {
    user: "User:",
    assistant: "Assistant:",
};

/// What ends the model's turn in a transcript, so that it does not write the user's next one.
const NEXT_USER_TURN: &str = "\nUser:";

pub(super) fn rule(model: Option<&Entry>, parameter: Parameter) -> Rule {
    let max_tokens = model.and_then(|model| model.max_output).unwrap_or(8_191);
    match parameter {
        Parameter::Temperature => Rule::Mapped {
            native: "temperature",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.5",
        },
        Parameter::TopP => Rule::Mapped {
            native: "topP",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0.5",
        },
        Parameter::MaxTokens => Rule::Mapped {
            native: "maxTokens",
            bounds: Bounds::Integer(1, i64::from(max_tokens)),
            default: "200",
        },
        Parameter::Stop => Rule::Mapped {
            native: "stopSequences",
            bounds: Bounds::Texts {
                most: MOST_STOPS,
                form: None,
            },
            default: "none; `\\nUser:` is added in a transcript",
        },
        Parameter::PresencePenalty => Rule::Mapped {
            native: "presencePenalty.scale",
            bounds: Bounds::Number(0.0, 5.0),
            default: "0",
        },
        Parameter::CountPenalty => Rule::Mapped {
            native: "countPenalty.scale",
            bounds: Bounds::Number(0.0, 1.0),
            default: "0",
        },
        Parameter::FrequencyPenalty => Rule::Mapped {
            native: "frequencyPenalty.scale",
            bounds: Bounds::Number(0.0, 500.0),
            default: "0",
        },
        Parameter::TopK
        | Parameter::MinTokens
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
    let prompt = match input {
        Input::Prompt(prompt) => prompt.to_owned(),
        Input::Conversation(conversation) => {
            if !stop.contains(&NEXT_USER_TURN) {
                stop.push(NEXT_USER_TURN);
            }
            MARKERS.write(conversation)
        }
    };
    let penalty = |scale: Option<f64>| scale.map(|scale| Penalty { scale });
    Request {
        prompt,
        max_tokens: inference.max_tokens,
        temperature: inference.temperature,
        top_p: inference.top_p,
        stop_sequences: stop,
        presence_penalty: penalty(inference.presence_penalty),
        count_penalty: penalty(inference.count_penalty),
        frequency_penalty: penalty(inference.frequency_penalty),
    }
}

/// The answer has every token that was read and written, which is the only count in it.
pub(super) fn decode(response: Response) -> Result<Completion, Error> {
    let Response {
        prompt,
        completions,
    } = response;
    let Generated {
        data,
        finish_reason,
    } = completions
        .into_iter()
        .next()
        .ok_or_else(|| Error::malformed("jurassic-2", "completions[0]"))?;
    let count = |tokens: Vec<IgnoredAny>| u64::try_from(tokens.len()).ok();
    let input = prompt.and_then(|prompt| prompt.tokens).and_then(count);
    let usage = match (input, data.tokens.and_then(count)) {
        (Some(input), Some(output)) => Some(Usage {
            input,
            output,
            ..Usage::default()
        }),
        _ => None,
    };
    Ok(Completion {
        text: data.text,
        finish: finish_reason.map_or(Finish::EndOfTurn, |finish_reason| {
            finish(finish_reason.reason)
        }),
        usage,
        ..Completion::default()
    })
}

/// They do not stream: a chunk is the whole answer.
pub(super) fn decode_chunk(response: Response) -> Result<Chunk, Error> {
    let completion = decode(response)?;
    Ok(Chunk {
        text: completion.text,
        finish: Some(completion.finish),
        usage: completion.usage,
        ..Chunk::default()
    })
}

fn finish(reason: String) -> Finish {
    match reason.as_str() {
        "endoftext" => Finish::EndOfTurn,
        "stop" => Finish::StopSequence,
        "length" => Finish::Length,
        _ => Finish::Other(reason),
    }
}
