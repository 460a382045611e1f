//! A conversation written line by line, for models that only go on from a text.

use super::{Conversation, Role};

/// What the turns of a transcript begin with, each at the beginning of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Markers {
    /// Before a turn of the user's, such as `User:`.
    pub(super) user: &'static str,
    /// Before a turn of the model's.
    pub(super) assistant: &'static str,
}

impl Markers {
    /// `{system}\n\nUser: …\nAssistant: …\nUser: …\nAssistant:`, with these markers. One within a
    /// text is kept from the beginning of a line by a space.
    pub(super) fn write(self, conversation: &Conversation) -> String {
        let mut text = String::new();
        if let Some(system) = &conversation.system {
            let system = self.harmless(&format!("\n{system}"));
            text.push_str(system.trim_start_matches('\n'));
            text.push_str("\n\n");
        }
        for (index, turn) in conversation.turns.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(match turn.role {
                Role::User => self.user,
                Role::Assistant => self.assistant,
            });
            text.push(' ');
            text.push_str(&self.harmless(&turn.text));
        }
        if !conversation.ends_with_prefill() {
            text.push('\n');
            text.push_str(self.assistant);
        }
        text
    }

    fn harmless(self, text: &str) -> String {
        let Self { user, assistant } = self;
        text.replace(&format!("\n{user}"), &format!("\n {user}"))
            .replace(&format!("\n{assistant}"), &format!("\n {assistant}"))
    }
}
