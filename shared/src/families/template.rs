//! A conversation as the one prompt that a model was trained on, in its special tokens.

use super::{Conversation, Role};

/// What stands around a text.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

/// Where the system prompt stands.
#[derive(Debug)]
pub(super) enum System {
    /// Before the turns.
    Apart(Around),
    /// Within the first turn, before its text.
    InFirstTurn(Around),
}

/// A model's own form of a conversation.
#[derive(Debug)]
pub(super) struct Template {
    /// What every prompt begins with.
    pub(super) begin: &'static str,
    pub(super) system: System,
    pub(super) user: Around,
    pub(super) assistant: Around,
    /// What the model goes on from where it is to answer.
    pub(super) answer: &'static str,
    /// The special tokens, or what all of them begin with, each of two characters at least and
    /// without a space. None of them reaches the model from a text: a space parts it behind its
    /// first character.
    pub(super) special: &'static [&'static str],
}

impl Template {
    /// The prompt. A last turn of the assistant is left open, for the model to go on from.
    pub(super) fn write(&self, conversation: &Conversation) -> String {
        let mut prompt = self.begin.to_owned();
        let mut in_first_turn = None;
        if let Some(system) = &conversation.system {
            match &self.system {
                System::Apart(around) => self.push(&mut prompt, around, system),
                System::InFirstTurn(around) => in_first_turn = Some((around, system)),
            }
        }
        let last = conversation.turns.len().saturating_sub(1);
        for (index, turn) in conversation.turns.iter().enumerate() {
            let around = match turn.role {
                Role::User => &self.user,
                Role::Assistant => &self.assistant,
            };
            prompt.push_str(around.before);
            if let Some((around, system)) = in_first_turn.take() {
                self.push(&mut prompt, around, system);
            }
            prompt.push_str(&self.harmless(&turn.text));
            if index < last || turn.role == Role::User {
                prompt.push_str(around.after);
            }
        }
        if !conversation.ends_with_prefill() {
            prompt.push_str(self.answer);
        }
        prompt
    }

    fn push(&self, prompt: &mut String, around: &Around, text: &str) {
        prompt.push_str(around.before);
        prompt.push_str(&self.harmless(text));
        prompt.push_str(around.after);
    }

    /// The text without a special token of the model's.
    fn harmless(&self, text: &str) -> String {
        self.special.iter().fold(text.to_owned(), |text, special| {
            let mut characters = special.chars();
            let first: String = characters.by_ref().take(1).collect();
            text.replace(special, &format!("{first} {}", characters.as_str()))
        })
    }
}
