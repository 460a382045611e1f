//! Mistral's text completions (`docs: model-parameters-mistral-text-completion`; recorded).
//!
//! The prompt's form: `<s>[INST] … [/INST] …</s>[INST] … [/INST]`. One without it is taken as it is.

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, TextFamily, TextRequest, UNASKED_LIMIT, chunk, limit};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, UNIT, Wording, malformed, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const TOP_K: Shape = Shape::Integer { min: 1, max: 200 };
const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    optional(
        "max_tokens",
        Shape::Integer {
            min: 1,
            max: i64::MAX,
        },
    ),
    optional(
        "stop",
        Shape::List {
            items: &TEXT,
            min: 0,
            max: 10,
        },
    ),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
    optional("top_k", TOP_K),
]);
/// What Converse takes beside its own parameters.
pub(crate) const FIELDS: Shape = Shape::Object(&[optional("top_k", TOP_K)]);

#[derive(Deserialize)]
struct Request {
    prompt: String,
    max_tokens: Option<i64>,
    #[serde(default)]
    stop: Vec<String>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<usize>,
}

#[derive(Serialize)]
struct Answer<'a> {
    outputs: [Output<'a>; 1],
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

#[derive(Serialize)]
struct Output<'a> {
    text: &'a str,
    stop_reason: Option<&'static str>,
}

/// Whether it is one of the two first models, whose defaults are lower.
pub(crate) fn is_open(model: &Model) -> bool {
    model.id.contains("7b-instruct")
}

/// Where a model starts from: temperature and nucleus.
pub(crate) fn defaults(model: &Model) -> (f64, Option<f64>) {
    if is_open(model) {
        (0.5, Some(0.9))
    } else {
        (0.7, Some(1.0))
    }
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    if let Some(tokens) = request
        .max_tokens
        .filter(|tokens| *tokens > model.max_output)
    {
        return Err(malformed(&format!(
            "#/max_tokens: {tokens} is not less or equal to {}",
            model.max_output
        )));
    }
    let (temperature, top_p) = defaults(model);
    let (unasked, top_k) = if is_open(model) {
        (512, Some(50))
    } else {
        (UNASKED_LIMIT, None)
    };
    Ok(TextRequest {
        family: TextFamily::MistralInstruct,
        turns: turns(&request.prompt),
        options: Options {
            max_tokens: limit(request.max_tokens.unwrap_or(unasked)),
            temperature: request.temperature.unwrap_or(temperature),
            // 0 would leave nothing to choose from.
            top_p: request.top_p.or(top_p).filter(|top_p| *top_p > 0.0),
            top_k: request.top_k.or(top_k),
            stop: request.stop,
        },
    })
}

/// The turns of a prompt.
fn turns(prompt: &str) -> Vec<Turn> {
    let body = prompt.trim_start().trim_start_matches("<s>");
    let mut turns = Vec::new();
    let mut rest = body;
    while let Some((_, after)) = rest.split_once("[INST]") {
        let (user, after) = after.split_once("[/INST]").unwrap_or((after, ""));
        // What the model goes on from has no end.
        let said = after.split("[INST]").next().unwrap_or_default();
        let assistant = said.trim().trim_end_matches("</s>");
        for (role, text) in [(Role::User, user), (Role::Assistant, assistant)] {
            turns.push(Turn {
                role,
                text: text.trim().to_owned(),
            });
        }
        rest = after;
    }
    turns.retain(|turn| !turn.text.is_empty());
    if turns.is_empty() {
        return vec![Turn {
            role: Role::User,
            text: prompt.to_owned(),
        }];
    }
    turns
}

/// Writes an answer; recorded ones begin with a blank.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    to_json(&Answer {
        outputs: [Output {
            text: &format!(" {text}"),
            stop_reason: Some(reason(&end.ending)),
        }],
        metrics: None,
    })
}

/// A stop sequence ends an answer like any other.
fn reason(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished(Finish::EndOfTurn | Finish::StopSequence(_)) => "stop",
        Ending::Finished(Finish::Length) => "length",
        // The page has no word for it.
        Ending::Filtered => "content_filter",
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
            " "
        };
        chunk(&Answer {
            outputs: [Output {
                text: &format!("{lead}{text}"),
                stop_reason: None,
            }],
            metrics: None,
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        chunk(&Answer {
            outputs: [Output {
                text: "",
                stop_reason: Some(reason(&end.ending)),
            }],
            metrics: Some(end.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str, expected: &[(Role, &str)]) {
        let seen = turns(prompt);
        let seen: Vec<(Role, &str)> = seen
            .iter()
            .map(|turn| (turn.role, turn.text.as_str()))
            .collect();
        assert_eq!(seen, expected, "{prompt:?}");
    }

    #[test]
    fn a_prompt_with_instructions_becomes_turns() {
        use Role::{Assistant, User};
        check("<s>[INST] Hi [/INST]", &[(User, "Hi")]);
        check(
            "<s>[INST] Hi [/INST] Hello.</s>[INST] Who am I? [/INST]",
            &[(User, "Hi"), (Assistant, "Hello."), (User, "Who am I?")],
        );
        check(
            "[INST]Hi[/INST] Well, it",
            &[(User, "Hi"), (Assistant, "Well, it")],
        );
        check("Command: write", &[(User, "Command: write")]);
    }
}
