//! Prompts that hold a conversation in a model's special tokens, as their turns. A prompt without
//! them is one user turn.

use crate::text::{Role, Turn};

/// `<start>user<end>…<stop>` for each turn (Llama 3, Llama 4).
pub(super) fn headed(prompt: &str, start: &str, end: &str, stop: &str) -> Vec<Turn> {
    let turns = prompt.split(start).skip(1).filter_map(|piece| {
        let (role, rest) = piece.split_once(end)?;
        let role = match role {
            "system" => Role::System,
            "user" => Role::User,
            _ => Role::Assistant,
        };
        Some((role, rest.split(stop).next().unwrap_or_default()))
    });
    turns_or_prompt(turns, prompt)
}

/// `<s>[INST] <<SYS>>…<</SYS>>… [/INST] … </s>` (Llama 2).
pub(super) fn instructed(prompt: &str) -> Vec<Turn> {
    let turns = prompt.split("[INST]").skip(1).flat_map(|piece| {
        let (asked, answered) = piece.split_once("[/INST]").unwrap_or((piece, ""));
        let (system, user) = match asked.split_once("<</SYS>>") {
            Some((system, user)) => (system.trim().trim_start_matches("<<SYS>>"), user),
            None => ("", asked),
        };
        let answered = answered.split("</s>").next().unwrap_or_default();
        [
            (Role::System, system),
            (Role::User, user),
            (Role::Assistant, answered),
        ]
    });
    turns_or_prompt(turns, prompt)
}

/// `<｜begin▁of▁sentence｜>…<｜User｜>…<｜Assistant｜>…<｜end▁of▁sentence｜>` (DeepSeek).
pub(super) fn barred(prompt: &str) -> Vec<Turn> {
    let mut pieces = prompt.split("<｜User｜>");
    let system = pieces.next().unwrap_or_default();
    let system = system.trim_start_matches("<｜begin▁of▁sentence｜>");
    let spoken: Vec<&str> = pieces.collect();
    let turns = spoken.iter().flat_map(|piece| {
        let (user, assistant) = piece.split_once("<｜Assistant｜>").unwrap_or((piece, ""));
        let assistant = assistant.split("<｜end▁of▁sentence｜>").next();
        let assistant = assistant.unwrap_or_default().trim_start_matches("<think>");
        [(Role::User, user), (Role::Assistant, assistant)]
    });
    let system = (!spoken.is_empty()).then_some((Role::System, system));
    turns_or_prompt(system.into_iter().chain(turns), prompt)
}

fn turns_or_prompt<'a>(turns: impl Iterator<Item = (Role, &'a str)>, prompt: &str) -> Vec<Turn> {
    let turns: Vec<Turn> = turns
        .map(|(role, text)| Turn {
            role,
            text: text.trim().to_owned(),
        })
        .filter(|turn| !turn.text.is_empty())
        .collect();
    if turns.iter().any(|turn| turn.role == Role::User) {
        return turns;
    }
    vec![Turn {
        role: Role::User,
        text: prompt.to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_becomes_the_same_turns() {
        let expected = [
            (Role::System, "Be brief."),
            (Role::User, "Hi"),
            (Role::Assistant, "Hello"),
            (Role::User, "Who am I?"),
        ]
        .map(|(role, text)| Turn {
            role,
            text: text.to_owned(),
        });
        let three = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho am I?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n";
        assert_eq!(
            headed(
                three,
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>"
            ),
            expected
        );
        let two = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Who am I? [/INST]";
        assert_eq!(instructed(two), expected);
        let deepseek = "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hi<｜Assistant｜>Hello<｜end▁of▁sentence｜><｜User｜>Who am I?<｜Assistant｜><think>\n";
        assert_eq!(barred(deepseek), expected);
        let bare = [Turn {
            role: Role::User,
            text: "Write [x]\n".to_owned(),
        }];
        for turns in [
            headed(
                "Write [x]\n",
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>",
            ),
            instructed("Write [x]\n"),
            barred("Write [x]\n"),
        ] {
            assert_eq!(turns, bare);
        }
    }
}
