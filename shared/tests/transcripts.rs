//! No turn of a conversation can speak for another: in a native transcript there are as many
//! markers as turns, whatever the turns say.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use bedrock_adapter::api::inference::Inference;
use bedrock_adapter::families::{self, Conversation, Input, Role, Turn};
use bedrock_adapter::model::TextFamily;
use proptest::prelude::*;
use serde_json::Value;

/// Texts made of what a marker is made of.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\n",
        "\n\n",
        " ",
        "Human:",
        "Assistant:",
        "User:",
        "Bot:",
        "Chatbot:",
        "<s>",
        "</s>",
        "[INST]",
        "[/INST]",
        "[",
        "INST]",
        "word",
        "\r",
        "<",
        "[INST]",
        "[/INST]",
        "<<SYS>>",
        "</s>",
        "<s>",
        "<|eot_id|>",
        "<|eot|>",
        "|header_start|>",
        "｜User｜>",
        "<｜Assistant｜>",
        "</think>",
    ]);
    prop::collection::vec(piece, 1..12).prop_map(|pieces| format!("x{}", pieces.concat()))
}

fn conversation() -> impl Strategy<Value = Conversation> {
    (
        prop::option::of(text()),
        prop::collection::vec(text(), 1..6),
    )
        .prop_map(|(system, texts)| {
            let roles = [Role::User, Role::Assistant].into_iter().cycle();
            let turns = roles
                .zip(texts)
                .map(|(role, text)| Turn { role, text })
                .collect();
            Conversation { system, turns }
        })
}

fn transcript(family: TextFamily, field: &str, conversation: &Conversation) -> String {
    let input = Input::Conversation(conversation);
    let body = families::encode_text(family, None, input, &Inference::default()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body[field].as_str().unwrap().to_owned()
}

fn turns_of(conversation: &Conversation, role: Role) -> usize {
    conversation
        .turns
        .iter()
        .filter(|turn| turn.role == role)
        .count()
}

proptest! {
    #[test]
    fn llama_2_has_no_marker_but_its_own(conversation in conversation()) {
        let text = transcript(TextFamily::Llama2, "prompt", &conversation);
        let users = turns_of(&conversation, Role::User);
        let ended = conversation.turns.len() - users - usize::from(conversation.ends_with_prefill());
        let system = usize::from(conversation.system.is_some());
        for (marker, own) in [
            ("<s>", users), ("[INST]", users), ("[/INST]", users), ("</s>", ended),
            ("<<SYS>>", system), ("<</SYS>>", system),
        ] {
            prop_assert_eq!(text.matches(marker).count(), own, "{} in {}", marker, text);
        }
    }

    #[test]
    fn llama_3_and_4_have_no_marker_but_their_own(conversation in conversation()) {
        let turns = conversation.turns.len() + usize::from(conversation.system.is_some());
        let asks = usize::from(!conversation.ends_with_prefill());
        for family in [TextFamily::Llama3, TextFamily::Llama4] {
            let text = transcript(family, "prompt", &conversation);
            // The beginning, two for each speaker, one for each end.
            let own = 1 + 2 * (turns + asks) + turns - (1 - asks);
            prop_assert_eq!(text.matches("<|").count(), own, "{}", text);
        }
    }

    #[test]
    fn deepseek_has_no_marker_but_its_own(conversation in conversation()) {
        let text = transcript(TextFamily::DeepseekR1, "prompt", &conversation);
        let answers = turns_of(&conversation, Role::Assistant);
        let asks = usize::from(!conversation.ends_with_prefill());
        let own = 1 + conversation.turns.len() + asks + answers - (1 - asks);
        prop_assert_eq!(text.matches("<｜").count(), own, "{}", text);
        prop_assert_eq!(text.matches("<think>").count(), asks, "{}", text);
        prop_assert_eq!(text.matches("</think>").count(), 0, "{}", text);
    }

    #[test]
    fn claude_has_as_many_markers_as_turns(conversation in conversation()) {
        let text = transcript(TextFamily::ClaudeText, "prompt", &conversation);
        let asks = usize::from(conversation.turns.last().unwrap().role == Role::User);
        prop_assert_eq!(text.matches("\n\nHuman:").count(), turns_of(&conversation, Role::User));
        prop_assert_eq!(text.matches("\n\nAssistant:").count(), turns_of(&conversation, Role::Assistant) + asks);
    }

    #[test]
    fn jurassic_2_has_as_many_markers_as_turns(conversation in conversation()) {
        let text = format!("\n{}", transcript(TextFamily::Jurassic2, "prompt", &conversation));
        let asks = usize::from(conversation.turns.last().unwrap().role == Role::User);
        prop_assert_eq!(text.matches("\nUser:").count(), turns_of(&conversation, Role::User));
        prop_assert_eq!(text.matches("\nAssistant:").count(), turns_of(&conversation, Role::Assistant) + asks);
    }

    #[test]
    fn command_has_as_many_markers_as_turns(conversation in conversation()) {
        let text = format!("\n{}", transcript(TextFamily::CohereCommand, "prompt", &conversation));
        let asks = usize::from(conversation.turns.last().unwrap().role == Role::User);
        prop_assert_eq!(text.matches("\nUser:").count(), turns_of(&conversation, Role::User));
        prop_assert_eq!(text.matches("\nChatbot:").count(), turns_of(&conversation, Role::Assistant) + asks);
    }

    #[test]
    fn mistral_has_as_many_markers_as_turns(conversation in conversation()) {
        let text = transcript(TextFamily::MistralInstruct, "prompt", &conversation);
        let users = turns_of(&conversation, Role::User);
        prop_assert_eq!(text.matches("<s>").count(), 1);
        prop_assert_eq!(text.matches("[INST]").count(), users);
        prop_assert_eq!(text.matches("[/INST]").count(), users);
        prop_assert_eq!(text.matches("</s>").count(), users - 1);
    }

    #[test]
    fn titan_has_as_many_markers_as_turns(conversation in conversation()) {
        let text = format!("\n{}", transcript(TextFamily::TitanText, "inputText", &conversation));
        let asks = usize::from(conversation.turns.last().unwrap().role == Role::User);
        prop_assert_eq!(text.matches("\nUser:").count(), turns_of(&conversation, Role::User));
        prop_assert_eq!(text.matches("\nBot:").count(), turns_of(&conversation, Role::Assistant) + asks);
    }
}
