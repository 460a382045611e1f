//! A chat's messages, and the dialogue that they become.
//!
//! A history becomes a [`History`] by these rules:
//! - `system` and `developer` messages, wherever they stand, are joined in order (a blank line
//!   between them) into the one system prompt.
//! - Blank messages and blank parts are dropped; the last message must not be blank, unless it is a
//!   tool's.
//! - Turns of the same role that follow each other are joined, texts with a blank line.
//! - What an assistant's message says that the model thought stands before what it said.
//! - The calls of an assistant message stand behind its text. The messages of `tool` that follow hold
//!   the result of each, once; they are parts of one turn of the user.
//! - The first turn must be the user's.
//! - A last turn of the assistant is a prefill: the model goes on from its text. Trailing white
//!   space is cut from it, because the models refuse it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::content::Content;
use super::limits::{Limits, MOST_DOCUMENTS, MOST_IMAGES};
use super::thinking::ThinkingBlock;
use super::tools::{ONLY_FUNCTIONS, check_name};
use crate::Error;
use crate::dialogue::{Instruction, Part, Placed, ToolResult, ToolUse, Turn, join};
use crate::error::FieldFault;
use crate::families::{Reasoning, Role};
use crate::media::Document;

/// One message, as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message<'a> {
    role: Speaker,
    #[serde(borrow)]
    content: Option<Content<'a>>,
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
    thinking_blocks: Option<Vec<ThinkingBlock>>,
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

/// What the messages become.
#[derive(Debug, PartialEq)]
pub(super) struct History {
    /// Instructions that stand above the turns.
    pub system: Vec<Instruction>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

/// The history that the messages become, by the rules above.
pub(super) fn history(messages: Vec<Message<'_>>, limits: &Limits) -> Result<History, Error> {
    let Some(last) = messages.len().checked_sub(1) else {
        let reason = "it must hold at least one message";
        return Err(Error::invalid("messages", reason));
    };
    if messages.len() > limits.messages {
        let most = limits.messages;
        return Err(too_long(format!("it must hold at most {most} messages")));
    }
    let mut characters = 0;
    let mut system: Vec<Instruction> = Vec::new();
    let mut turns: Vec<Turn> = Vec::new();
    let mut names = BTreeSet::new();
    let mut open = OpenCalls::default();
    for (index, mut message) in messages.into_iter().enumerate() {
        let speaker = message.role;
        let calls = calls_of(&mut message, index)?;
        let answered = answered_by(&mut message, index)?;
        let mut parts = parts_of(message, index)?;
        if let Some(id) = answered {
            open.close(&id, index)?;
            let parts = result(id, parts);
            characters += parts.iter().map(characters_of).sum::<usize>();
            check_characters(characters, limits)?;
            say(&mut turns, Role::User, parts, &mut names)?;
            continue;
        }
        parts.extend(calls.iter().cloned().map(Part::ToolUse));
        characters += parts.iter().map(characters_of).sum::<usize>();
        check_characters(characters, limits)?;
        if parts.iter().all(is_silent) {
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
                parts
                    .into_iter()
                    .for_each(|part| instruct(&mut system, part));
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
        open.open(&calls, index)?;
        say(&mut turns, role, parts, &mut names)?;
    }
    open.all_closed()?;
    turns.iter().try_for_each(documents_have_text)?;
    match turns.last_mut() {
        None => Err(Error::invalid("messages", "it must hold a user message")),
        Some(turn) => {
            if let (Role::Assistant, Some(Part::Text(text))) = (turn.role, turn.parts.last_mut()) {
                text.truncate(text.trim_end().len());
            }
            Ok(History { system, turns })
        }
    }
}

fn check_characters(characters: usize, limits: &Limits) -> Result<(), Error> {
    let most = limits.history_characters;
    match characters > most {
        true => Err(too_long(format!("it must hold at most {most} characters"))),
        false => Ok(()),
    }
}

/// Adds to the last turn, or to a new one where another spoke last, within Converse's limits.
fn say(
    turns: &mut Vec<Turn>,
    role: Role,
    parts: impl IntoIterator<Item = Part>,
    names: &mut BTreeSet<String>,
) -> Result<(), Error> {
    if turns.last().is_none_or(|turn| turn.role != role) {
        turns.push(Turn {
            role,
            parts: Vec::new(),
        });
    }
    let Some(turn) = turns.last_mut() else {
        return Ok(());
    };
    parts
        .into_iter()
        .try_for_each(|part| put(turn, part, names))
}

/// A tool's result, and where a cache ends behind it: a tool says text alone.
fn result(id: String, said: Vec<Part>) -> Vec<Part> {
    let mut text = String::new();
    let mut parts = Vec::new();
    for part in said {
        match part {
            Part::Text(more) => join(&mut text, &more),
            part @ (Part::ToolUse(_)
            | Part::ToolResult(_)
            | Part::Image(_)
            | Part::Document(_)
            | Part::Reasoning(_)
            | Part::CachePoint(_)) => parts.push(part),
        }
    }
    parts.insert(0, Part::ToolResult(ToolResult { id, text }));
    parts
}

/// How many characters of a part count towards a history's.
fn characters_of(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.chars().count(),
        Part::Reasoning(Placed {
            what: Reasoning::Text { text, .. },
            ..
        }) => text.chars().count(),
        Part::ToolUse(ToolUse { name, input, .. }) => {
            name.chars().count() + input.to_string().chars().count()
        }
        Part::ToolResult(ToolResult { text, .. }) => text.chars().count(),
        Part::Reasoning(_) | Part::Image(_) | Part::Document(_) | Part::CachePoint(_) => 0,
    }
}

/// Whether a part by itself is no message.
fn is_silent(part: &Part) -> bool {
    match part {
        Part::Reasoning(_) | Part::CachePoint(_) => true,
        Part::Text(_)
        | Part::ToolUse(_)
        | Part::ToolResult(_)
        | Part::Image(_)
        | Part::Document(_) => false,
    }
}

/// Adds to the system prompt: text, and where its cache ends.
fn instruct(system: &mut Vec<Instruction>, part: Part) {
    match (system.last_mut(), part) {
        (Some(Instruction::Text(text)), Part::Text(more)) => join(text, &more),
        (_, Part::Text(text)) => system.push(Instruction::Text(text)),
        (_, Part::CachePoint(point)) => system.push(Instruction::CachePoint(point)),
        // Nobody but users and models says them.
        (
            _,
            Part::ToolUse(_)
            | Part::ToolResult(_)
            | Part::Image(_)
            | Part::Document(_)
            | Part::Reasoning(_),
        ) => {}
    }
}

fn put(turn: &mut Turn, part: Part, names: &mut BTreeSet<String>) -> Result<(), Error> {
    let like_it = |is: fn(&Part) -> bool| turn.parts.iter().filter(|part| is(part)).count();
    let part = match part {
        Part::Text(text) => {
            turn.say(text);
            return Ok(());
        }
        Part::Image(Placed { path, .. })
            if like_it(|part| matches!(part, Part::Image(_))) == MOST_IMAGES =>
        {
            let reason = format!("a turn has at most {MOST_IMAGES} images");
            return Err(Error::invalid(path, reason));
        }
        Part::Document(Placed { path, .. })
            if like_it(|part| matches!(part, Part::Document(_))) == MOST_DOCUMENTS =>
        {
            let reason = format!("a turn has at most {MOST_DOCUMENTS} files");
            return Err(Error::invalid(path, reason));
        }
        Part::Document(Placed { path, what }) => Part::Document(Placed {
            path,
            what: Document {
                name: unused(what.name, names),
                ..what
            },
        }),
        part @ (Part::ToolUse(_)
        | Part::ToolResult(_)
        | Part::Image(_)
        | Part::Reasoning(_)
        | Part::CachePoint(_)) => part,
    };
    turn.parts.push(part);
    Ok(())
}

/// A name for a document that no other of the request has: Bedrock demands it.
fn unused(name: String, names: &mut BTreeSet<String>) -> String {
    let mut unused = name.clone();
    let mut number = 1;
    while !names.insert(unused.clone()) {
        number += 1;
        unused = format!("{name} ({number})");
    }
    unused
}

/// Converse takes a document only beside text.
fn documents_have_text(turn: &Turn) -> Result<(), Error> {
    let document = turn.parts.iter().find_map(|part| match part {
        Part::Document(Placed { path, .. }) => Some(path),
        Part::Text(_)
        | Part::ToolUse(_)
        | Part::ToolResult(_)
        | Part::Image(_)
        | Part::Reasoning(_)
        | Part::CachePoint(_) => None,
    });
    let has_text = turn.parts.iter().any(|part| matches!(part, Part::Text(_)));
    match document {
        Some(path) if !has_text => Err(Error::invalid(
            path,
            "a file needs a text part beside it in its message",
        )),
        Some(_) | None => Ok(()),
    }
}

fn too_long(reason: String) -> Error {
    Error::Field {
        param: "messages".to_owned(),
        fault: FieldFault::HistoryTooLong(reason),
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
fn calls_of(message: &mut Message<'_>, index: usize) -> Result<Vec<ToolUse>, Error> {
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
fn answered_by(message: &mut Message<'_>, index: usize) -> Result<Option<String>, Error> {
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

fn parts_of(message: Message<'_>, index: usize) -> Result<Vec<Part>, Error> {
    let carried = [
        (
            "function_call",
            message.function_call.is_some(),
            "use `tool_calls`",
        ),
        ("audio", message.audio.is_some(), "no sound is served"),
    ];
    if let Some((name, _, reason)) = carried.into_iter().find(|(_, given, _)| *given) {
        return Err(Error::unsupported(
            format!("messages[{index}].{name}"),
            reason,
        ));
    }
    let mut parts = Vec::new();
    // What the model thought stands before what it said.
    for (position, block) in message.thinking_blocks.into_iter().flatten().enumerate() {
        let path = format!("messages[{index}].thinking_blocks[{position}]");
        if message.role != Speaker::Assistant {
            return Err(Error::unsupported(
                path,
                "only an assistant's message has it",
            ));
        }
        let what = block.read(&path)?;
        parts.push(Part::Reasoning(Placed { path, what }));
    }
    let content = message
        .content
        .or_else(|| message.refusal.map(Content::Text));
    if let Some(content) = content {
        let path = format!("messages[{index}].content");
        parts.extend(content.read(&path, message.role == Speaker::User)?);
    }
    Ok(parts)
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
            "messages[0].content[0].image_url.url",
            "unsupported_parameter",
        );
    }

    #[test]
    fn a_text_part_has_nothing_beside_its_text() {
        refused(
            r#"[{"role":"user","content":[{"type":"text","text":"a","colour":{}}]}]"#,
            "messages[0].content[0].colour",
            "unknown_parameter",
        );
    }

    const GIF: &str =
        r#"{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlhAQABAA=="}}"#;

    const FILE: &str =
        r#"{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,YQ=="}}"#;

    const SIGNED: &str = r#"{"type":"thinking","thinking":"hm","signature":"c2ln"}"#;

    fn parts(messages: &str) -> Vec<Vec<Part>> {
        let turns = read(messages).unwrap().turns.into_iter();
        turns.map(|turn| turn.parts).collect()
    }

    #[test]
    fn images_and_files_keep_their_order_among_texts() {
        let messages = format!(
            r#"[{{"role":"user","content":[{GIF},{{"type":"text","text":"a"}}]}},{{"role":"user","content":[{{"type":"text","text":"b"}},{FILE},{FILE}]}}]"#
        );
        let turns = parts(&messages);
        let [turn] = turns.as_slice() else {
            panic!("{turns:?}");
        };
        let [
            Part::Image(_),
            Part::Text(text),
            Part::Document(one),
            Part::Document(other),
        ] = turn.as_slice()
        else {
            panic!("{turn:?}");
        };
        assert_eq!(text, "a\n\nb");
        // No two documents have the same name.
        assert_eq!(
            (one.what.name.as_str(), other.what.name.as_str()),
            ("a", "a (2)")
        );
        assert_eq!(other.path, "messages[1].content[2].file.file_data");
    }

    #[test]
    fn a_message_that_is_an_image_alone_is_not_blank() {
        let turns = parts(&format!(r#"[{{"role":"user","content":[{GIF}]}}]"#));
        assert!(matches!(turns[0].as_slice(), [Part::Image(_)]));
    }

    #[test]
    fn a_turn_has_at_most_as_many_images_and_files_as_converse_takes() {
        let user = |parts: &str| format!(r#"[{{"role":"user","content":[{parts}]}}]"#);
        let images = |count: usize| user(&vec![GIF; count].join(","));
        assert!(read(&images(20)).is_ok());
        refused(
            &images(21),
            "messages[0].content[20].image_url.url",
            "invalid_value",
        );
        let files = |count: usize| {
            let files = vec![FILE; count].join(",");
            user(&format!(r#"{files},{{"type":"text","text":"a"}}"#))
        };
        assert!(read(&files(5)).is_ok());
        refused(
            &files(6),
            "messages[0].content[5].file.file_data",
            "invalid_value",
        );
        refused(
            &user(FILE),
            "messages[0].content[0].file.file_data",
            "invalid_value",
        );
    }

    #[test]
    fn a_cache_point_keeps_the_texts_apart() {
        let cached = r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}"#;
        let messages = format!(
            r#"[{{"role":"system","content":[{cached}]}},{{"role":"system","content":"b"}},{{"role":"user","content":[{cached},{{"type":"text","text":"b"}}]}}]"#
        );
        let dialogue = read(&messages).unwrap();
        assert!(matches!(
            dialogue.system.as_slice(),
            [
                Instruction::Text(_),
                Instruction::CachePoint(_),
                Instruction::Text(_)
            ]
        ));
        assert!(matches!(
            dialogue.turns[0].parts.as_slice(),
            [Part::Text(_), Part::CachePoint(_), Part::Text(_)]
        ));
    }

    #[test]
    fn what_a_model_thought_goes_back_before_what_it_said() {
        let messages = format!(
            r#"[{{"role":"user","content":"a"}},{{"role":"assistant","content":"b","reasoning_content":"hm","thinking_blocks":[{SIGNED},{{"type":"redacted_thinking","data":"AP8="}}]}},{{"role":"user","content":"c"}}]"#
        );
        let turns = parts(&messages);
        let [
            Part::Reasoning(signed),
            Part::Reasoning(redacted),
            Part::Text(_),
        ] = turns[1].as_slice()
        else {
            panic!("{turns:?}");
        };
        assert_eq!(
            signed.what,
            Reasoning::Text {
                text: "hm".to_owned(),
                signature: Some("c2ln".to_owned()),
            }
        );
        assert_eq!(redacted.what, Reasoning::Redacted(vec![0, 255].into()));
        refused(
            &format!(r#"[{{"role":"user","content":"a","thinking_blocks":[{SIGNED}]}}]"#),
            "messages[0].thinking_blocks[0]",
            "unsupported_parameter",
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
