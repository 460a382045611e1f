//! Anthropic Claude text completions (`docs: model-parameters-anthropic-claude-text-completion`;
//! recorded: v2, v2:1, instant).
//!
//! The prompt's form: it starts with `\n\nHuman:` (v2:1 takes a system prompt before that) and its
//! last turn is `\n\nAssistant:`, empty or with text to go on from. One leniency, because the
//! public guide that this repository grew from sends it and a recording shows Bedrock taking it: a
//! prompt whose very first characters are `Human:` counts as if the two line feeds stood before
//! it, and blanks after the last `Assistant:` are no text.

use serde::{Deserialize, Serialize};

use super::{End, Ending, Metrics, TextFamily, TextRequest, chunk, limit};
use crate::catalogue::Model;
use crate::error::{Failure, to_json};
use crate::schema::read as read_body;
use crate::schema::{NON_EMPTY, Shape, TEXT, TEXTS, UNIT, Wording, optional, required};
use crate::text::{Finish, Options, Role, Turn};

const HUMAN: &str = "\n\nHuman:";
const ASSISTANT: &str = "\n\nAssistant:";

const REQUEST: Shape = Shape::Object(&[
    required("prompt", NON_EMPTY),
    required("max_tokens_to_sample", Shape::Integer { min: 0, max: 4096 }),
    optional("temperature", UNIT),
    optional("top_p", UNIT),
    optional("top_k", Shape::Integer { min: 0, max: 500 }),
    optional("stop_sequences", TEXTS),
    optional("anthropic_version", TEXT),
]);

#[derive(Deserialize)]
struct Request {
    prompt: String,
    max_tokens_to_sample: i64,
    #[serde(default = "one")]
    temperature: f64,
    #[serde(default = "one")]
    top_p: f64,
    #[serde(default = "default_top_k")]
    top_k: usize,
    #[serde(default)]
    stop_sequences: Vec<String>,
}

fn one() -> f64 {
    1.0
}

fn default_top_k() -> usize {
    250
}

/// A whole answer or a chunk; the chunks before the last have no stop reason.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    completion: &'a str,
    stop_reason: Option<&'static str>,
    stop: Option<&'a str>,
    #[serde(
        rename = "amazon-bedrock-invocationMetrics",
        skip_serializing_if = "Option::is_none"
    )]
    metrics: Option<Metrics>,
}

/// Reads a request.
pub(super) fn read(model: &'static Model, body: &[u8]) -> Result<TextRequest, Failure> {
    let request: Request = read_body(body, &REQUEST, Wording::Native)?;
    let turns = turns(&request.prompt, model.id.ends_with(":1"))?;
    let mut stop = request.stop_sequences;
    stop.push(HUMAN.to_owned());
    Ok(TextRequest {
        family: TextFamily::ClaudeText,
        turns,
        options: Options {
            max_tokens: limit(request.max_tokens_to_sample),
            temperature: request.temperature,
            // 0 would leave nothing to choose from.
            top_p: Some(request.top_p).filter(|top_p| *top_p > 0.0),
            top_k: Some(request.top_k).filter(|top_k| *top_k > 0),
            stop,
        },
    })
}

/// The turns of a prompt.
fn turns(prompt: &str, takes_system: bool) -> Result<Vec<Turn>, Failure> {
    let prompt = if prompt.starts_with("Human:") {
        format!("\n\n{prompt}")
    } else {
        prompt.to_owned()
    };
    let mut turns = Vec::new();
    let mut rest = prompt.as_str();
    let mut role = Role::System;
    loop {
        let human = rest.find(HUMAN).map(|at| (at, Role::User, HUMAN.len()));
        let assistant = rest
            .find(ASSISTANT)
            .map(|at| (at, Role::Assistant, ASSISTANT.len()));
        let next = human
            .into_iter()
            .chain(assistant)
            .min_by_key(|(at, _, _)| *at);
        let (text, after) = match next {
            Some((at, next, length)) => (
                rest.get(..at).unwrap_or_default(),
                Some((next, rest.get(at + length..).unwrap_or_default())),
            ),
            None => (rest, None),
        };
        turns.push(Turn {
            role,
            text: text.trim().to_owned(),
        });
        match after {
            Some((next, after)) => (role, rest) = (next, after),
            None => break,
        }
    }
    let mut wrong = Vec::new();
    let starts = turns.get(1).is_some_and(|turn| turn.role == Role::User)
        && (takes_system || turns.first().is_some_and(|system| system.text.is_empty()));
    if !starts {
        let after_system = if takes_system {
            " after an optional system prompt"
        } else {
            ""
        };
        wrong.push(format!(
            r#"prompt must start with "\n\nHuman:" turn{after_system}"#
        ));
    }
    if turns.last().is_none_or(|turn| turn.role != Role::Assistant) {
        wrong.push(r#"prompt must end with "\n\nAssistant:" turn"#.to_owned());
    }
    if !wrong.is_empty() {
        return Err(Failure::validation(format!(
            "Invalid prompt: {}",
            wrong.join(", ")
        )));
    }
    turns.retain(|turn| !turn.text.is_empty());
    Ok(turns)
}

/// Writes an answer; recorded ones begin with a blank.
pub(super) fn answer(text: &str, end: &End) -> Vec<u8> {
    let (stop_reason, stop) = reason(&end.ending);
    to_json(&Answer {
        kind: "completion",
        completion: &format!(" {text}"),
        stop_reason: Some(stop_reason),
        stop,
        metrics: None,
    })
}

/// The natural end is the built-in stop sequence.
fn reason(ending: &Ending) -> (&'static str, Option<&str>) {
    match ending {
        Ending::Finished(Finish::EndOfTurn) => ("stop_sequence", Some(HUMAN)),
        Ending::Finished(Finish::StopSequence(stop)) => ("stop_sequence", Some(stop)),
        Ending::Finished(Finish::Length) => ("max_tokens", None),
        // Not documented for these models: Claude's newer word.
        Ending::Filtered => ("refusal", None),
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
            kind: "completion",
            completion: &format!("{lead}{text}"),
            stop_reason: None,
            stop: None,
            metrics: None,
        })
    }

    pub(super) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        let (stop_reason, stop) = reason(&end.ending);
        chunk(&Answer {
            kind: "completion",
            completion: "",
            stop_reason: Some(stop_reason),
            stop,
            metrics: Some(end.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str, takes_system: bool, expected: Result<&[(Role, &str)], &str>) {
        match (turns(prompt, takes_system), expected) {
            (Ok(turns), Ok(expected)) => {
                let seen: Vec<(Role, &str)> = turns
                    .iter()
                    .map(|turn| (turn.role, turn.text.as_str()))
                    .collect();
                assert_eq!(seen, expected, "{prompt:?}");
            }
            (Err(failure), Err(part)) => {
                assert!(
                    failure.message.contains(part),
                    "{prompt:?}: {}",
                    failure.message
                );
            }
            (seen, _) => panic!("{prompt:?}: {seen:?}"),
        }
    }

    #[test]
    fn a_prompt_has_turns_or_is_refused() {
        use Role::{Assistant, System, User};
        check("\n\nHuman: Hi\n\nAssistant:", false, Ok(&[(User, "Hi")]));
        check("Human: Hi\n\nAssistant:\n", false, Ok(&[(User, "Hi")]));
        check(
            "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Go on\n\nAssistant: Well,",
            false,
            Ok(&[
                (User, "Hi"),
                (Assistant, "Hello"),
                (User, "Go on"),
                (Assistant, "Well,"),
            ]),
        );
        let with_system = "Be brief.\n\nHuman: Hi\n\nAssistant:";
        check(
            with_system,
            true,
            Ok(&[(System, "Be brief."), (User, "Hi")]),
        );
        check(with_system, false, Err("prompt must start with"));
        check("\n\nHuman: Hi", false, Err("prompt must end with"));
        check("\n\nAssistant: Hi", true, Err("prompt must start with"));
        check(
            "Hi",
            false,
            Err(r#"prompt must start with "\n\nHuman:" turn, prompt must end with"#),
        );
        check("Human: Hi Assistant:", false, Err("prompt must end with"));
    }
}
