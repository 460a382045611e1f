//! A chat as Converse takes it: richer than [`Conversation`], which has text alone.

use serde_json::Value;

use crate::Error;
use crate::families::{Conversation, Role, Turn as TextTurn};

/// A chat. There is at least one turn, the first is the user's, and the roles alternate. A last turn
/// of the assistant is a prefill that the model goes on from.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialogue {
    /// Instructions that stand above the turns.
    pub system: Vec<Instruction>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

/// A part of what stands above the turns.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Text; not blank.
    Text(String),
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
    /// What it gave.
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
                Some(Part::ToolUse(_) | Part::ToolResult(_)) | None => {
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
        }
    }
}

impl Turn {
    /// Adds text: to the text that stands last, else as a part of its own.
    pub fn say(&mut self, text: String) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => join(last, &text),
            Some(Part::ToolUse(_) | Part::ToolResult(_)) | None => {
                self.parts.push(Part::Text(text));
            }
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
