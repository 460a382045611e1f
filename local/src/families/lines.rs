//! A prompt that is written like a dialogue, for models that only go on from a text.

use crate::text::{Role, Turn};

/// A prompt whose lines begin with who speaks, such as `User: …\nBot:`, as its turns; any other
/// prompt is one user turn. What stands before the first turn are instructions.
pub(super) fn turns(prompt: &str, user: &str, assistant: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for line in prompt.lines() {
        let (role, text) = match (line.strip_prefix(user), line.strip_prefix(assistant)) {
            (Some(text), _) => (Some(Role::User), text.trim()),
            (None, Some(text)) => (Some(Role::Assistant), text.trim()),
            (None, None) => (None, line),
        };
        match (role, turns.last_mut()) {
            (None, Some(turn)) => {
                turn.text.push('\n');
                turn.text.push_str(text);
            }
            (None, None) => turns.push(Turn {
                role: Role::System,
                text: text.to_owned(),
            }),
            (Some(role), _) => turns.push(Turn {
                role,
                text: text.to_owned(),
            }),
        }
    }
    let asks = turns.iter().any(|turn| turn.role == Role::User);
    let is_answered = turns
        .last()
        .is_some_and(|turn| turn.role == Role::Assistant);
    if !(asks && is_answered) {
        return vec![Turn {
            role: Role::User,
            text: prompt.to_owned(),
        }];
    }
    for turn in &mut turns {
        turn.text = turn.text.trim().to_owned();
    }
    turns.retain(|turn| !turn.text.is_empty());
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prompt: &str, expected: &[(Role, &str)]) {
        let expected: Vec<Turn> = expected
            .iter()
            .map(|(role, text)| Turn {
                role: *role,
                text: (*text).to_owned(),
            })
            .collect();
        assert_eq!(turns(prompt, "User:", "Bot:"), expected, "{prompt:?}");
    }

    #[test]
    fn a_conversational_prompt_becomes_turns() {
        use Role::{Assistant, System, User};
        check("User: Hi\nBot:", &[(User, "Hi")]);
        check(
            "Be brief.\n\nUser: Hi\nBot: Hello\nUser: Two\nlines\nBot:",
            &[
                (System, "Be brief."),
                (User, "Hi"),
                (Assistant, "Hello"),
                (User, "Two\nlines"),
            ],
        );
        check(
            "User: Hi\nBot: It is",
            &[(User, "Hi"), (Assistant, "It is")],
        );
        check(
            "Command: write\n\nBlog:\n",
            &[(User, "Command: write\n\nBlog:\n")],
        );
        check("User: Hi", &[(User, "User: Hi")]);
    }
}
