//! What a text model is given.

/// Who speaks a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said; not blank.
    pub text: String,
}

/// A conversation. There is at least one turn, the first is the user's, and the roles alternate.
/// A last turn of the assistant is a prefill that the model goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Instructions that stand above the turns.
    pub system: Option<String>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

impl Conversation {
    /// A bare prompt as a conversation of one user turn.
    pub fn of_prompt(prompt: &str) -> Self {
        Self {
            system: None,
            turns: vec![Turn {
                role: Role::User,
                text: prompt.to_owned(),
            }],
        }
    }

    /// Whether the last turn is the model's own, to go on from.
    pub fn ends_with_prefill(&self) -> bool {
        self.turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant)
    }

    /// The same conversation for a model that takes no system prompt: it is put before the first
    /// user turn, with a blank line between.
    #[must_use]
    pub fn with_folded_system(&self) -> Self {
        let mut turns = self.turns.clone();
        if let (Some(system), Some(first)) = (&self.system, turns.first_mut()) {
            first.text = format!("{system}\n\n{}", first.text);
        }
        Self {
            system: None,
            turns,
        }
    }
}

/// What a text model is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// A prompt, to be sent as it is.
    Prompt(&'a str),
    /// A conversation, to be written in the family's own form.
    Conversation(&'a Conversation),
}
