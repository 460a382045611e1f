//! What the bodies of OpenAI's chat completions have in common, whichever family takes them.

use serde::Serialize;

use super::{Conversation, Finish, Input, Role};

#[derive(Debug, Serialize)]
pub(super) struct Message {
    role: &'static str,
    content: String,
}

/// The system prompt stands first.
pub(super) fn messages(input: Input<'_>) -> Vec<Message> {
    let Conversation { system, turns } = match input {
        Input::Prompt(prompt) => Conversation::of_prompt(prompt),
        Input::Conversation(conversation) => conversation.clone(),
    };
    let system = system.map(|content| Message {
        role: "system",
        content,
    });
    let turns = turns.into_iter().map(|turn| Message {
        role: match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: turn.text,
    });
    system.into_iter().chain(turns).collect()
}

/// Why an answer ended, in these bodies' words.
pub(super) fn finish(reason: String) -> Finish {
    match reason.as_str() {
        // A stop sequence says the same.
        "stop" => Finish::EndOfTurn,
        "length" => Finish::Length,
        "tool_calls" => Finish::ToolUse,
        "content_filter" => Finish::Filtered,
        _ => Finish::Other(reason),
    }
}
