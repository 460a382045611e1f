//! A chat's messages, and the dialogue that they become.
//!
//! A history becomes a [`Dialogue`] by these rules:
//! - `system` and `developer` messages, wherever they stand, are joined in order (a blank line
//!   between them) into the one system prompt.
//! - Blank messages and blank parts are dropped; the last message must not be blank.
//! - Turns of the same role that follow each other are joined with a blank line.
//! - The first turn must be the user's.
//! - A last turn of the assistant is a prefill: the model goes on from its text. Trailing white
//!   space is cut from it, because the models refuse it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::is_blank;
use super::limits::Limits;
use crate::Error;
use crate::dialogue::{Dialogue, Instruction, Part, Turn, join};
use crate::error::FieldFault;
use crate::families::Role;

/// One message, as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    role: Speaker,
    content: Option<Content>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "a participant's name is the caller's own bookkeeping"
    )]
    name: Option<String>,
    // What our own answers carry, so that a client can send a turn back as it got it.
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    function_call: Option<IgnoredAny>,
    #[serde(default)]
    audio: Option<IgnoredAny>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "what a model thought is the caller's copy: a model that wants it back signs it"
    )]
    reasoning_content: Option<String>,
    #[serde(default)]
    thinking_blocks: Option<Vec<IgnoredAny>>,
    #[serde(default)]
    #[expect(dead_code, reason = "an answer's annotations say nothing to a model")]
    annotations: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    System,
    Developer,
    User,
    Assistant,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of text parts")]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    /// What parts of other types carry.
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

/// The dialogue that the messages become, by the rules above.
pub(super) fn dialogue(messages: Vec<Message>, limits: &Limits) -> Result<Dialogue, Error> {
    let Some(last) = messages.len().checked_sub(1) else {
        let reason = "it must hold at least one message";
        return Err(Error::invalid("messages", reason));
    };
    if messages.len() > limits.messages {
        let most = limits.messages;
        return Err(too_long(format!("it must hold at most {most} messages")));
    }
    let mut characters = 0;
    let mut system: Option<String> = None;
    let mut turns: Vec<Turn> = Vec::new();
    for (index, message) in messages.into_iter().enumerate() {
        let speaker = message.role;
        let text = text_of(message, index)?;
        characters += text.chars().count();
        if characters > limits.history_characters {
            let most = limits.history_characters;
            return Err(too_long(format!("it must hold at most {most} characters")));
        }
        if is_blank(&text) {
            if index == last {
                return Err(Error::invalid(
                    format!("messages[{index}].content"),
                    "the last message must not be blank",
                ));
            }
            continue;
        }
        let role = match speaker {
            Speaker::System | Speaker::Developer => {
                join(system.get_or_insert_default(), &text);
                continue;
            }
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        match turns.last_mut() {
            None if role == Role::Assistant => {
                return Err(Error::invalid(
                    format!("messages[{index}].role"),
                    "the first turn must be the user's",
                ));
            }
            Some(turn) if turn.role == role => turn.say(text),
            Some(_) | None => turns.push(Turn {
                role,
                parts: vec![Part::Text(text)],
            }),
        }
    }
    match turns.last_mut() {
        None => Err(Error::invalid("messages", "it must hold a user message")),
        Some(turn) => {
            if let (Role::Assistant, Some(Part::Text(text))) = (turn.role, turn.parts.last_mut()) {
                text.truncate(text.trim_end().len());
            }
            let system = system.into_iter().map(Instruction::Text).collect();
            Ok(Dialogue { system, turns })
        }
    }
}

fn too_long(reason: String) -> Error {
    Error::Field {
        param: "messages".to_owned(),
        fault: FieldFault::HistoryTooLong(reason),
    }
}

fn text_of(message: Message, index: usize) -> Result<String, Error> {
    let carried = [
        (
            "tool_calls",
            message.tool_calls.is_some_and(|calls| !calls.is_empty()),
        ),
        (
            "thinking_blocks",
            message
                .thinking_blocks
                .is_some_and(|blocks| !blocks.is_empty()),
        ),
        ("function_call", message.function_call.is_some()),
        ("audio", message.audio.is_some()),
    ];
    if let Some((name, _)) = carried.into_iter().find(|(_, given)| *given) {
        return Err(Error::unsupported(
            format!("messages[{index}].{name}"),
            "only text is served",
        ));
    }
    let parts = match message.content {
        None => return Ok(message.refusal.unwrap_or_default()),
        Some(Content::Text(text)) => return Ok(text),
        Some(Content::Parts(parts)) => parts,
    };
    let mut text = String::new();
    for (position, part) in parts.into_iter().enumerate() {
        let path = format!("messages[{index}].content[{position}]");
        if part.r#type != "text" {
            return Err(Error::unsupported(path, "only text parts are served"));
        }
        if let Some(name) = part.rest.keys().next() {
            let param = format!("{path}.{name}");
            return Err(Error::Field {
                param,
                fault: FieldFault::Unknown { nearest: None },
            });
        }
        let more = part
            .text
            .ok_or_else(|| Error::missing(format!("{path}.text")))?;
        if !is_blank(&more) {
            join(&mut text, &more);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::chat::Request;

    fn history(messages: &str) -> Result<Dialogue, Error> {
        Request::parse(
            format!("{{\"messages\":{messages}}}").as_bytes(),
            &Limits::default(),
        )
        .map(|request| request.dialogue)
    }

    #[track_caller]
    fn becomes(messages: &str, system: Option<&str>, turns: &[(Role, &str)]) {
        let expected = Dialogue {
            system: system
                .map(|text| Instruction::Text(text.to_owned()))
                .into_iter()
                .collect(),
            turns: turns
                .iter()
                .map(|(role, text)| Turn {
                    role: *role,
                    parts: vec![Part::Text((*text).to_owned())],
                })
                .collect(),
        };
        assert_eq!(history(messages), Ok(expected), "{messages}");
    }

    #[track_caller]
    fn refused(messages: &str, param: &str, code: &str) {
        let error = history(messages).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{messages}: {error}"
        );
    }

    #[test]
    fn system_and_developer_messages_become_one_system_prompt() {
        becomes(
            r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"developer","content":[{"type":"text","text":"Be kind."}]}]"#,
            Some("Be brief.\n\nBe kind."),
            &[(Role::User, "Hi")],
        );
    }

    #[test]
    fn turns_of_one_role_are_joined_and_blank_ones_dropped() {
        becomes(
            r#"[{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"user","content":"b"},{"role":"assistant","content":"  "},{"role":"user","content":[{"type":"text","text":"c"},{"type":"text","text":" "},{"type":"text","text":"d"}]}]"#,
            None,
            &[(Role::User, "a\n\nb\n\nc\n\nd")],
        );
    }

    #[test]
    fn a_last_assistant_turn_is_a_prefill_without_trailing_space() {
        becomes(
            r#"[{"role":"user","content":"Name a colour."},{"role":"assistant","content":"The colour is \n"}]"#,
            None,
            &[
                (Role::User, "Name a colour."),
                (Role::Assistant, "The colour is"),
            ],
        );
    }

    #[test]
    fn an_answer_can_be_sent_back_as_it_came() {
        becomes(
            r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b","refusal":null,"function_call":null,"tool_calls":null,"audio":null,"annotations":[]},{"role":"user","content":"c","name":"Ann"}]"#,
            None,
            &[(Role::User, "a"), (Role::Assistant, "b"), (Role::User, "c")],
        );
    }

    #[test]
    fn bad_histories_are_refused_with_the_index() {
        refused(r#"[]"#, "messages", "invalid_value");
        refused(
            r#"[{"role":"system","content":"x"}]"#,
            "messages",
            "invalid_value",
        );
        refused(
            r#"[{"role":"assistant","content":"x"}]"#,
            "messages[0].role",
            "invalid_value",
        );
        refused(
            r#"[{"role":"user","content":"a"},{"role":"user","content":" "}]"#,
            "messages[1].content",
            "invalid_value",
        );
        refused(
            r#"[{"role":"wizard","content":"a"}]"#,
            "messages[0].role",
            "invalid_value",
        );
        refused(
            r#"[{"role":"user","content":7}]"#,
            "messages[0].content",
            "invalid_value",
        );
        refused(
            r#"[{"role":"user","content":"a","colour":1}]"#,
            "messages[0].colour",
            "unknown_parameter",
        );
        refused(
            r#"[{"role":"user","content":[{"type":"text"}]}]"#,
            "messages[0].content[0].text",
            "missing_required_parameter",
        );
        refused(
            r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}]"#,
            "messages[0].content[0]",
            "unsupported_parameter",
        );
    }

    #[test]
    fn a_text_part_has_nothing_beside_its_text() {
        refused(
            r#"[{"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]}]"#,
            "messages[0].content[0].cache_control",
            "unknown_parameter",
        );
    }

    #[test]
    fn a_long_history_is_refused_with_the_limit() {
        let limits = Limits {
            history_characters: 4,
            messages: 2,
            ..Limits::default()
        };
        let message = |text: &str| format!(r#"{{"role":"user","content":"{text}"}}"#);
        for (messages, says) in [
            (vec![message("a"); 3], "at most 2 messages"),
            (vec![message("ab"), message("abc")], "at most 4 characters"),
        ] {
            let body = format!(r#"{{"messages":[{}]}}"#, messages.join(","));
            let error = Request::parse(body.as_bytes(), &limits).unwrap_err();
            let told = (error.param(), error.row().code);
            assert_eq!(told, (Some("messages"), "history_too_long"));
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
