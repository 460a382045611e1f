//! A chat as Converse takes it: richer than [`Conversation`], which has text alone.

use serde_json::{Map, Value};

use crate::Error;
use crate::closed_set::closed_set;
use crate::families::{Conversation, Reasoning, Role, Turn as TextTurn};
use crate::media::{Document, Image};

/// A chat. There is at least one turn, the first is the user's, and the roles alternate. A last turn
/// of the assistant is a prefill that the model goes on from.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialogue {
    /// Instructions that stand above the turns.
    pub system: Vec<Instruction>,
    /// The turns, oldest first. Each call of a tool has its result in the turn after it.
    pub turns: Vec<Turn>,
    /// The tools that the model may call.
    pub tools: Tools,
    /// The form of the answer.
    pub format: Format,
}

/// The tools of a chat. `Default` has none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tools {
    /// The tools; no name stands twice.
    pub list: Vec<Tool>,
    /// Which of them the model calls.
    pub choice: Choice,
    /// Whether it may call one alone in an answer.
    pub one_at_a_time: bool,
}

/// A tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What it does; not blank.
    pub description: Option<String>,
    /// The JSON schema of what it is given, an object.
    pub schema: Map<String, Value>,
    /// Whether what it is given must keep to the schema.
    pub strict: bool,
    /// Where a cache is to end behind it.
    pub cache: Option<Placed<CachePoint>>,
}

/// Which tools a model calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// Those that it finds right, or none.
    #[default]
    Auto,
    /// None.
    None,
    /// One at least.
    Any,
    /// The one of this name.
    Named(String),
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Format {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON that keeps to a schema.
    Schema(Schema),
}

/// The schema of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// 1 to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What the answer is; not blank.
    pub description: Option<String>,
    /// The JSON schema, an object's.
    pub schema: Map<String, Value>,
}

/// A part of what stands above the turns.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Text; not blank.
    Text(String),
    /// What stands before it is to be cached.
    CachePoint(Placed<CachePoint>),
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said; at least one part.
    pub parts: Vec<Part>,
}

/// A part of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text; not blank.
    Text(String),
    /// The model called a tool.
    ToolUse(ToolUse),
    /// What the tool gave.
    ToolResult(ToolResult),
    /// A picture, of a user.
    Image(Placed<Image>),
    /// A document, of a user.
    Document(Placed<Document>),
    /// What the model thought, of the model.
    Reasoning(Placed<Reasoning>),
    /// What stands before it is to be cached.
    CachePoint(Placed<CachePoint>),
}

/// A part, and where it stands in the request: what a model cannot take is refused by that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The field's path.
    pub path: String,
    /// The part.
    pub what: T,
}

/// Where a cache of the prompt is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePoint {
    /// How long it is to be kept; `None` leaves it to Bedrock.
    pub ttl: Option<Ttl>,
}

closed_set! {
    /// How long a cache is kept.
    pub enum Ttl {
        /// Five minutes from its last use.
        FiveMinutes = "5m",
        /// An hour from its last use.
        OneHour = "1h",
    }
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolUse {
    /// What its result refers to, in the model's own word.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What the tool is given: a JSON object, if the model keeps to its task.
    pub input: Value,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The call that it answers.
    pub id: String,
    /// What it gave; maybe empty.
    pub text: String,
}

/// What a text model is given, over whichever way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// A prompt, to be sent as it is.
    Prompt(&'a str),
    /// A chat.
    Dialogue(&'a Dialogue),
}

impl Dialogue {
    /// A bare prompt as a chat of one user turn.
    pub fn of_prompt(prompt: &str) -> Self {
        Self {
            system: Vec::new(),
            turns: vec![Turn {
                role: Role::User,
                parts: vec![Part::Text(prompt.to_owned())],
            }],
            tools: Tools::default(),
            format: Format::Text,
        }
    }

    /// Whether the last turn is the model's own, to go on from.
    pub fn ends_with_prefill(&self) -> bool {
        self.turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant)
    }

    /// The chat for a family's native body, which has text alone; what else it holds is refused by
    /// name.
    pub fn plain(&self) -> Result<Conversation, Error> {
        if !self.tools.list.is_empty() && self.tools.choice != Choice::None {
            return Err(only_converse("tools"));
        }
        if self.format != Format::Text {
            return Err(only_converse("response_format"));
        }
        for instruction in &self.system {
            match instruction {
                Instruction::Text(_) => {}
                Instruction::CachePoint(Placed { path, .. }) => return Err(only_converse(path)),
            }
        }
        let turns = self
            .turns
            .iter()
            .map(|turn| {
                let mut text = String::new();
                for part in &turn.parts {
                    match part {
                        Part::Text(more) => join(&mut text, more),
                        Part::ToolUse(_) | Part::ToolResult(_) => {
                            return Err(only_converse("messages"));
                        }
                        Part::Image(Placed { path, .. })
                        | Part::Document(Placed { path, .. })
                        | Part::Reasoning(Placed { path, .. })
                        | Part::CachePoint(Placed { path, .. }) => {
                            return Err(only_converse(path));
                        }
                    }
                }
                Ok(TextTurn {
                    role: turn.role,
                    text,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Conversation {
            system: self.instructions(),
            turns,
        })
    }

    /// The same chat for a model that takes no system prompt: its text is put before the first user
    /// turn's, with a blank line between.
    #[must_use]
    pub fn with_folded_system(&self) -> Self {
        let mut folded = self.clone();
        folded.system.clear();
        if let (Some(mut system), Some(first)) = (self.instructions(), folded.turns.first_mut()) {
            match first.parts.first_mut() {
                Some(Part::Text(text)) => {
                    join(&mut system, text);
                    *text = system;
                }
                Some(
                    Part::ToolUse(_)
                    | Part::ToolResult(_)
                    | Part::Image(_)
                    | Part::Document(_)
                    | Part::Reasoning(_)
                    | Part::CachePoint(_),
                )
                | None => {
                    first.parts.insert(0, Part::Text(system));
                }
            }
        }
        folded
    }

    /// The text of all instructions, with blank lines between.
    fn instructions(&self) -> Option<String> {
        let mut joined: Option<String> = None;
        for instruction in &self.system {
            match instruction {
                Instruction::Text(text) => join(joined.get_or_insert_default(), text),
                Instruction::CachePoint(_) => {}
            }
        }
        joined
    }
}

/// What has text alone is a dialogue too.
impl From<Conversation> for Dialogue {
    fn from(conversation: Conversation) -> Self {
        let Conversation { system, turns } = conversation;
        let turn = |TextTurn { role, text }| Turn {
            role,
            parts: vec![Part::Text(text)],
        };
        Self {
            system: system.into_iter().map(Instruction::Text).collect(),
            turns: turns.into_iter().map(turn).collect(),
            tools: Tools::default(),
            format: Format::Text,
        }
    }
}

impl Turn {
    /// Adds text: to the text that stands last, else as a part of its own.
    pub fn say(&mut self, text: String) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => join(last, &text),
            Some(
                Part::ToolUse(_)
                | Part::ToolResult(_)
                | Part::Image(_)
                | Part::Document(_)
                | Part::Reasoning(_)
                | Part::CachePoint(_),
            )
            | None => self.parts.push(Part::Text(text)),
        }
    }
}

/// Text behind text: a blank line stands between.
pub(crate) fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn only_converse(param: &str) -> Error {
    Error::unsupported(param, "beside text, only Converse takes it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called() -> Dialogue {
        Dialogue {
            system: vec![
                Instruction::Text("Be brief.".to_owned()),
                Instruction::Text("Be kind.".to_owned()),
            ],
            tools: Tools::default(),
            format: Format::Text,
            turns: vec![Turn {
                role: Role::User,
                parts: vec![Part::ToolResult(ToolResult {
                    id: "t1".to_owned(),
                    text: "21".to_owned(),
                })],
            }],
        }
    }

    #[test]
    fn only_text_goes_into_a_native_body() {
        let mut dialogue = Dialogue::of_prompt("a");
        dialogue
            .system
            .push(Instruction::Text("Be kind.".to_owned()));
        dialogue.turns[0].parts.push(Part::Text("b".to_owned()));
        let plain = dialogue.plain().unwrap();
        assert_eq!(plain.system.as_deref(), Some("Be kind."));
        assert_eq!(plain.turns[0].text, "a\n\nb");
        let error = called().plain().unwrap_err();
        let told = (error.param(), error.row().code);
        assert_eq!(told, (Some("messages"), "unsupported_parameter"));
        let formatted = Dialogue {
            format: Format::Json,
            ..Dialogue::of_prompt("a")
        };
        let error = formatted.plain().unwrap_err();
        assert_eq!(error.param(), Some("response_format"));
    }

    #[test]
    fn a_folded_system_prompt_is_text_before_the_first_turn() {
        let folded = called().with_folded_system();
        assert_eq!(folded.system, []);
        let first = Part::Text("Be brief.\n\nBe kind.".to_owned());
        assert_eq!(folded.turns[0].parts.len(), 2);
        assert_eq!(folded.turns[0].parts[0], first);

        let mut dialogue = Dialogue::of_prompt("a");
        dialogue.system.push(Instruction::Text("b".to_owned()));
        let folded = dialogue.with_folded_system();
        assert_eq!(folded, Dialogue::of_prompt("b\n\na"));
    }
}
