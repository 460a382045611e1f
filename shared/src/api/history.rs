//! A chat's messages, and the dialogue that they become.
//!
//! A history becomes a [`History`] by these rules:
//! - `system` and `developer` messages, wherever they stand, are joined in order (a blank line
//!   between them) into the one system prompt.
//! - Blank messages and blank parts are dropped; the last message must not be blank, unless it is a
//!   tool's.
//! - Turns of the same role that follow each other are joined with a blank line.
//! - The calls of an assistant message stand behind its text. The messages of `tool` that follow hold
//!   the result of each, once; they are parts of one turn of the user.
//! - The first turn must be the user's.
//! - A last turn of the assistant is a prefill: the model goes on from its text. Trailing white
//!   space is cut from it, because the models refuse it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::is_blank;
use super::limits::Limits;
use super::tools::{ONLY_FUNCTIONS, check_name};
use crate::Error;
use crate::dialogue::{Instruction, Part, ToolResult, ToolUse, Turn, join};
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
    tool_calls: Option<Vec<ToolCall>>,
    /// Of a `tool` message: the call that it answers.
    #[serde(default)]
    tool_call_id: Option<String>,
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
    Tool,
}

/// A call of a tool, as an answer has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    id: String,
    r#type: String,
    function: Called,
    /// Its place, which the pieces of a streamed answer carry.
    #[serde(default)]
    #[expect(dead_code, reason = "the order says it")]
    index: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    name: String,
    arguments: String,
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

/// What the messages become.
#[derive(Debug, PartialEq)]
pub(super) struct History {
    /// Instructions that stand above the turns.
    pub system: Vec<Instruction>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

/// The history that the messages become, by the rules above.
pub(super) fn history(messages: Vec<Message>, limits: &Limits) -> Result<History, Error> {
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
    let mut open = OpenCalls::default();
    for (index, mut message) in messages.into_iter().enumerate() {
        let speaker = message.role;
        let calls = calls_of(&mut message, index)?;
        let answered = answered_by(&mut message, index)?;
        let text = text_of(message, index)?;
        characters += text.chars().count();
        for ToolUse { name, input, .. } in &calls {
            characters += name.chars().count() + input.to_string().chars().count();
        }
        if characters > limits.history_characters {
            let most = limits.history_characters;
            return Err(too_long(format!("it must hold at most {most} characters")));
        }
        if let Some(id) = answered {
            open.close(&id, index)?;
            let result = Part::ToolResult(ToolResult { id, text });
            say(&mut turns, Role::User, result);
            continue;
        }
        if is_blank(&text) && calls.is_empty() {
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
            // Its messages are done with above.
            Speaker::User | Speaker::Tool => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        open.all_closed()?;
        if turns.is_empty() && role == Role::Assistant {
            return Err(Error::invalid(
                format!("messages[{index}].role"),
                "the first turn must be the user's",
            ));
        }
        if !is_blank(&text) {
            say(&mut turns, role, Part::Text(text));
        }
        open.open(&calls, index)?;
        for call in calls {
            say(&mut turns, role, Part::ToolUse(call));
        }
    }
    open.all_closed()?;
    match turns.last_mut() {
        None => Err(Error::invalid("messages", "it must hold a user message")),
        Some(turn) => {
            if let (Role::Assistant, Some(Part::Text(text))) = (turn.role, turn.parts.last_mut()) {
                text.truncate(text.trim_end().len());
            }
            let system = system.into_iter().map(Instruction::Text).collect();
            Ok(History { system, turns })
        }
    }
}

fn too_long(reason: String) -> Error {
    Error::Field {
        param: "messages".to_owned(),
        fault: FieldFault::HistoryTooLong(reason),
    }
}

/// Adds a part to the last turn, or to a new one where another spoke last.
fn say(turns: &mut Vec<Turn>, role: Role, part: Part) {
    match (turns.last_mut(), part) {
        (Some(turn), Part::Text(text)) if turn.role == role => turn.say(text),
        (Some(turn), part) if turn.role == role => turn.parts.push(part),
        (Some(_) | None, part) => turns.push(Turn {
            role,
            parts: vec![part],
        }),
    }
}

/// The calls that wait for their results.
#[derive(Default)]
struct OpenCalls {
    /// The message that they stand in.
    message: usize,
    ids: Vec<String>,
}

impl OpenCalls {
    fn open(&mut self, calls: &[ToolUse], message: usize) -> Result<(), Error> {
        self.message = message;
        for (position, ToolUse { id, .. }) in calls.iter().enumerate() {
            if self.ids.contains(id) {
                let param = format!("messages[{message}].tool_calls[{position}].id");
                return Err(Error::invalid(param, "another call has the same id"));
            }
            self.ids.push(id.clone());
        }
        Ok(())
    }

    fn close(&mut self, id: &str, message: usize) -> Result<(), Error> {
        let Some(position) = self.ids.iter().position(|open| open == id) else {
            return Err(Error::invalid(
                format!("messages[{message}].tool_call_id"),
                "no call of the last assistant message waits for a result with this id",
            ));
        };
        self.ids.swap_remove(position);
        Ok(())
    }

    fn all_closed(&self) -> Result<(), Error> {
        match self.ids.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(
                format!("messages[{}].tool_calls", self.message),
                "a `tool` message with its result must follow each call",
            )),
        }
    }
}

/// The calls that a message carries, which must be the assistant's.
fn calls_of(message: &mut Message, index: usize) -> Result<Vec<ToolUse>, Error> {
    let calls = message.tool_calls.take().unwrap_or_default();
    if !calls.is_empty() && message.role != Speaker::Assistant {
        let param = format!("messages[{index}].tool_calls");
        return Err(Error::invalid(param, "only the assistant calls tools"));
    }
    let call = |(position, call): (usize, ToolCall)| {
        let param = |name: &str| format!("messages[{index}].tool_calls[{position}].{name}");
        if call.r#type != "function" {
            return Err(Error::unsupported(param("type"), ONLY_FUNCTIONS));
        }
        check_name(&call.id, || param("id"))?;
        let Called { name, arguments } = call.function;
        check_name(&name, || param("function.name"))?;
        // What a tool without parameters was given, put together from a stream's pieces.
        let arguments = match arguments.trim() {
            "" => "{}",
            arguments => arguments,
        };
        let input = serde_json::from_str(arguments)
            .ok()
            .filter(serde_json::Value::is_object)
            .ok_or_else(|| {
                Error::invalid(param("function.arguments"), "it must be a JSON object")
            })?;
        Ok(ToolUse {
            id: call.id,
            name,
            input,
        })
    };
    calls.into_iter().enumerate().map(call).collect()
}

/// The call that a message answers; `None` where it is not a tool's.
fn answered_by(message: &mut Message, index: usize) -> Result<Option<String>, Error> {
    let param = || format!("messages[{index}].tool_call_id");
    match (message.role, message.tool_call_id.take()) {
        (Speaker::Tool, Some(id)) => Ok(Some(id)),
        (Speaker::Tool, None) => Err(Error::missing(param())),
        (Speaker::System | Speaker::Developer | Speaker::User | Speaker::Assistant, None) => {
            Ok(None)
        }
        (Speaker::System | Speaker::Developer | Speaker::User | Speaker::Assistant, Some(_)) => {
            Err(Error::invalid(param(), "it goes with the role `tool` only"))
        }
    }
}

fn text_of(message: Message, index: usize) -> Result<String, Error> {
    let carried = [
        (
            "function_call",
            message.function_call.is_some(),
            "use `tool_calls`",
        ),
        (
            "thinking_blocks",
            message
                .thinking_blocks
                .is_some_and(|blocks| !blocks.is_empty()),
            "only text is served",
        ),
        ("audio", message.audio.is_some(), "no sound is served"),
    ];
    if let Some((name, _, reason)) = carried.into_iter().find(|(_, given, _)| *given) {
        return Err(Error::unsupported(
            format!("messages[{index}].{name}"),
            reason,
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
    use crate::dialogue::Dialogue;

    fn read(messages: &str) -> Result<Dialogue, Error> {
        Request::parse(
            format!("{{\"messages\":{messages}}}").as_bytes(),
            &Limits::default(),
        )
        .map(|request| request.dialogue)
    }

    #[track_caller]
    fn becomes(messages: &str, system: Option<&str>, turns: &[(Role, &str)]) {
        let expected = Dialogue {
            tools: Default::default(),
            format: Default::default(),
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
        assert_eq!(read(messages), Ok(expected), "{messages}");
    }

    #[track_caller]
    fn refused(messages: &str, param: &str, code: &str) {
        let error = read(messages).unwrap_err();
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

    const CALLS: &str = r#"{"role":"user","content":"a"},{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\":[1]}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":""}}]}"#;

    #[test]
    fn calls_and_their_results_are_parts_of_two_turns() {
        let results = r#"{"role":"tool","tool_call_id":"t2","content":""},{"role":"system","content":"Be brief."},{"role":"tool","tool_call_id":"t1","content":[{"type":"text","text":"21"},{"type":"text","text":"22"}]},{"role":"user","content":"b"}"#;
        let dialogue = read(&format!("[{CALLS},{results}]")).unwrap();
        let call = |id: &str, name: &str, input| {
            Part::ToolUse(ToolUse {
                id: id.to_owned(),
                name: name.to_owned(),
                input,
            })
        };
        let result = |id: &str, text: &str| {
            Part::ToolResult(ToolResult {
                id: id.to_owned(),
                text: text.to_owned(),
            })
        };
        let text = |text: &str| Part::Text(text.to_owned());
        let parts: Vec<_> = dialogue.turns.into_iter().map(|turn| turn.parts).collect();
        assert_eq!(
            parts,
            [
                vec![text("a")],
                vec![
                    text("Let me see."),
                    call("t1", "f", serde_json::json!({"x": [1]})),
                    call("t2", "g", serde_json::json!({})),
                ],
                vec![result("t2", ""), result("t1", "21\n\n22"), text("b")],
            ]
        );
    }

    #[test]
    fn a_call_has_its_result_and_a_result_its_call() {
        let result = |id: &str| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"5"}}"#);
        let user = r#"{"role":"user","content":"b"}"#;
        let (one, two) = (result("t1"), result("t2"));
        for (rest, param) in [
            ("".to_owned(), "messages[1].tool_calls"),
            (format!(",{one}"), "messages[1].tool_calls"),
            (format!(",{one},{user}"), "messages[1].tool_calls"),
            (format!(",{one},{one}"), "messages[3].tool_call_id"),
            (
                format!(",{one},{two},{}", result("t3")),
                "messages[4].tool_call_id",
            ),
            (
                format!(",{one},{two},{user},{one}"),
                "messages[5].tool_call_id",
            ),
        ] {
            refused(&format!("[{CALLS}{rest}]"), param, "invalid_value");
        }
        refused(
            &format!("[{one}]"),
            "messages[0].tool_call_id",
            "invalid_value",
        );
        refused(
            r#"[{"role":"user","content":"a"},{"role":"tool","content":"5"}]"#,
            "messages[1].tool_call_id",
            "missing_required_parameter",
        );
        refused(
            r#"[{"role":"user","content":"a","tool_call_id":"t1"}]"#,
            "messages[0].tool_call_id",
            "invalid_value",
        );
    }

    #[test]
    fn bad_calls_are_refused_by_their_place() {
        let call = |role: &str, call: &str| {
            format!(
                r#"[{{"role":"user","content":"a"}},{{"role":"{role}","content":"b","tool_calls":[{call}]}}]"#
            )
        };
        let good = r#"{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}"#;
        let path = "messages[1].tool_calls";
        refused(&call("user", good), path, "invalid_value");
        refused(
            &call("assistant", &format!("{good},{good}")),
            "messages[1].tool_calls[1].id",
            "invalid_value",
        );
        for (from, to, param, code) in [
            ("\"t1\"", "\"\"", "id", "invalid_value"),
            ("\"t1\"", "\"t 1\"", "id", "invalid_value"),
            ("\"f\"", "\"f g\"", "function.name", "invalid_value"),
            ("\"{}\"", "\"[]\"", "function.arguments", "invalid_value"),
            ("\"{}\"", "\"{\"", "function.arguments", "invalid_value"),
            ("\"{}\"", "{}", "function.arguments", "invalid_value"),
            (
                "\"function\",",
                "\"custom\",",
                "type",
                "unsupported_parameter",
            ),
        ] {
            let bad = good.replacen(from, to, 1);
            let param = format!("messages[1].tool_calls[0].{param}");
            refused(&call("assistant", &bad), &param, code);
        }
        refused(
            r#"[{"role":"user","content":"a"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]"#,
            "messages[1].function_call",
            "unsupported_parameter",
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
