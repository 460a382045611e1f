//! What of a chat fits a model's window, and what is left out where not all of it does: the oldest
//! turns, whole, and never a tool's call without its result.

use crate::dialogue::{Dialogue, Instruction, Part, Tools, Turn};
use crate::families::{Reasoning, Role};
use crate::media::{Document, DocumentFormat};

/// Bytes of text that are taken for a token. English has about four, code and most of Europe's
/// languages three; a character of Chinese or Japanese is three bytes and about a token. So the
/// estimate is mostly too high, for English by a third. It is too low, by up to a half, for digits
/// alone, emoji and what no language has.
const BYTES_A_TOKEN: usize = 3;

/// Bytes of a document that holds more than its text which are taken for a token. It is a guess: a page
/// has some thousand tokens, and from ten thousand bytes to several hundred thousand.
const PACKED_BYTES_A_TOKEN: usize = 20;

/// Tokens of an image, as the largest has that Claude sees.
const AN_IMAGE: u64 = 1_600;

/// Tokens around a turn, a tool or the system prompt.
const AROUND: u64 = 8;

/// Tokens that describe to a model how tools are called.
const FOR_TOOLS: u64 = 500;

/// Where a chat may be cut: the turns at which a shorter history may begin, and an estimate of the
/// tokens from there on, the system prompt and the tools included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts(Vec<Cut>);

/// A place to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// How many turns stand before it.
    pub turns: usize,
    /// Tokens of what is left, estimated.
    pub tokens: u64,
}

impl Cuts {
    /// The places of this chat, the first before its first turn.
    pub fn of(dialogue: &Dialogue) -> Self {
        let always = system(dialogue) + tools(&dialogue.tools);
        let mut left = always + dialogue.turns.iter().map(turn).sum::<u64>();
        let mut cuts = Vec::new();
        for (turns, spoken) in dialogue.turns.iter().enumerate() {
            if turns == 0 || begins(spoken) {
                cuts.push(Cut {
                    turns,
                    tokens: left,
                });
            }
            left -= turn(spoken);
        }
        Self(cuts)
    }

    /// The whole chat.
    pub fn whole(&self) -> Option<Cut> {
        self.0.first().copied()
    }

    /// The newest turn with what answers it: the shortest chat that is left.
    pub fn shortest(&self) -> Option<Cut> {
        self.0.last().copied()
    }

    /// The longest chat behind so many turns that fits, where a token of the estimate stands for
    /// `ratio` tokens; if none does, the shortest.
    pub fn fitting(&self, behind: usize, budget: u64, ratio: f64) -> Option<Cut> {
        let fits = |cut: &&Cut| cut.turns >= behind && cut.tokens as f64 * ratio <= budget as f64;
        self.0.iter().find(fits).copied().or(self.shortest())
    }
}

/// The chat without its oldest turns, so many.
#[must_use]
pub fn without_oldest(dialogue: &Dialogue, turns: usize) -> Dialogue {
    Dialogue {
        system: dialogue.system.clone(),
        turns: dialogue.turns.iter().skip(turns).cloned().collect(),
        tools: dialogue.tools.clone(),
        format: dialogue.format.clone(),
    }
}

/// Whether a chat can begin with the turn: it is the user's, and answers no tool's call.
fn begins(turn: &Turn) -> bool {
    let answers = |part: &Part| matches!(part, Part::ToolResult(_));
    turn.role == Role::User && !turn.parts.iter().any(answers)
}

fn system(dialogue: &Dialogue) -> u64 {
    let texts = dialogue.system.iter().map(|instruction| match instruction {
        Instruction::Text(words) => AROUND + text(words),
        Instruction::CachePoint(_) => 0,
    });
    texts.sum()
}

fn tools(tools: &Tools) -> u64 {
    let each = tools.list.iter().map(|tool| {
        let description = tool.description.as_deref().map_or(0, text);
        let schema = serde_json::to_string(&tool.schema).map_or(0, |schema| text(&schema));
        AROUND + text(&tool.name) + description + schema
    });
    match tools.list.is_empty() {
        true => 0,
        false => FOR_TOOLS + each.sum::<u64>(),
    }
}

fn turn(turn: &Turn) -> u64 {
    AROUND + turn.parts.iter().map(part).sum::<u64>()
}

fn part(part: &Part) -> u64 {
    match part {
        Part::Text(words) => text(words),
        Part::ToolUse(call) => AROUND + text(&call.name) + text(&call.input.to_string()),
        Part::ToolResult(result) => AROUND + text(&result.text),
        Part::Image(_) => AN_IMAGE,
        Part::Document(document) => AROUND + written(&document.what),
        Part::Reasoning(reasoning) => match &reasoning.what {
            Reasoning::Text { text: thought, .. } => AROUND + text(thought),
            Reasoning::Redacted(bytes) => AROUND + tokens(bytes.len(), BYTES_A_TOKEN),
        },
        Part::CachePoint(_) => 0,
    }
}

fn written(document: &Document) -> u64 {
    let bytes_a_token = match document.format {
        DocumentFormat::Csv | DocumentFormat::Html | DocumentFormat::Txt | DocumentFormat::Md => {
            BYTES_A_TOKEN
        }
        DocumentFormat::Pdf
        | DocumentFormat::Doc
        | DocumentFormat::Docx
        | DocumentFormat::Xls
        | DocumentFormat::Xlsx => PACKED_BYTES_A_TOKEN,
    };
    tokens(document.bytes.len(), bytes_a_token)
}

fn text(text: &str) -> u64 {
    tokens(text.len(), BYTES_A_TOKEN)
}

fn tokens(bytes: usize, bytes_a_token: usize) -> u64 {
    bytes.div_ceil(bytes_a_token) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dialogue::{ToolResult, ToolUse};

    fn said(role: Role, words: &str) -> Turn {
        Turn {
            role,
            parts: vec![Part::Text(words.to_owned())],
        }
    }

    fn calls(id: &str) -> Turn {
        Turn {
            role: Role::Assistant,
            parts: vec![Part::ToolUse(ToolUse {
                id: id.to_owned(),
                name: "weather".to_owned(),
                input: json!({"city": "Oslo"}),
            })],
        }
    }

    fn answers(id: &str) -> Turn {
        Turn {
            role: Role::User,
            parts: vec![Part::ToolResult(ToolResult {
                id: id.to_owned(),
                text: "rain".to_owned(),
            })],
        }
    }

    fn chat(turns: Vec<Turn>) -> Dialogue {
        Dialogue {
            turns,
            ..Dialogue::of_prompt("-")
        }
    }

    fn with_tools() -> Dialogue {
        chat(vec![
            said(Role::User, "Hello"),
            said(Role::Assistant, "Hi"),
            said(Role::User, "Is it wet?"),
            calls("a"),
            answers("a"),
            calls("b"),
            answers("b"),
            said(Role::Assistant, "It is."),
            said(Role::User, "Thanks"),
        ])
    }

    #[test]
    fn a_chat_is_cut_before_a_users_turn_that_answers_no_tool() {
        let cuts = Cuts::of(&with_tools());
        let turns: Vec<_> = cuts.0.iter().map(|cut| cut.turns).collect();
        assert_eq!(turns, [0, 2, 8]);
    }

    #[test]
    fn a_turn_whose_tools_are_still_being_called_stays_whole() {
        let mut open = with_tools();
        open.turns.truncate(7);
        let cuts = Cuts::of(&open);
        assert_eq!(cuts.shortest().unwrap().turns, 2);
        assert_eq!(cuts.fitting(0, 1, 1.0), cuts.shortest());
    }

    #[test]
    fn the_longest_rest_that_fits_is_kept() {
        let words = "x".repeat(300);
        let turns = [Role::User, Role::Assistant].repeat(3);
        let mut turns: Vec<_> = turns.into_iter().map(|role| said(role, &words)).collect();
        turns.push(said(Role::User, &words));
        let cuts = Cuts::of(&chat(turns));
        let all = 7 * (100 + AROUND);
        assert_eq!(cuts.whole().unwrap().tokens, all);
        for (budget, ratio, kept) in [
            (all, 1.0, 0),
            (all - 1, 1.0, 2),
            (all - 1, 0.5, 0),
            (3 * (100 + AROUND), 1.0, 4),
            (1, 1.0, 6),
        ] {
            let cut = cuts.fitting(0, budget, ratio).unwrap();
            assert_eq!(cut.turns, kept, "{budget} at {ratio}");
        }
        assert_eq!(cuts.fitting(1, all, 1.0).unwrap().turns, 2);
    }

    #[test]
    fn the_system_prompt_and_the_tools_are_always_counted_and_kept() {
        let mut dialogue = with_tools();
        dialogue.system = vec![Instruction::Text("Be brief.".to_owned())];
        let bare = Cuts::of(&with_tools()).shortest().unwrap().tokens;
        let told = Cuts::of(&dialogue).shortest().unwrap().tokens;
        assert_eq!(told, bare + 3 + AROUND);
        let rest = without_oldest(&dialogue, 8);
        assert_eq!(rest.system, dialogue.system);
        assert_eq!(rest.turns, [said(Role::User, "Thanks")]);
    }

    /// Rounds of a chat: how often the model calls a tool before it answers.
    fn rounds() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(0..3_usize, 1..20)
    }

    proptest! {
        #[test]
        fn what_is_left_is_a_chat_with_whole_pairs(rounds in rounds(), budget in 0..2_000_u64) {
            let mut turns = Vec::new();
            for (round, tools) in rounds.into_iter().enumerate() {
                if round > 0 {
                    turns.push(said(Role::Assistant, "answer"));
                }
                turns.push(said(Role::User, "question"));
                for tool in 0..tools {
                    let id = format!("{round}-{tool}");
                    turns.push(calls(&id));
                    turns.push(answers(&id));
                }
            }
            let dialogue = chat(turns);
            let cut = Cuts::of(&dialogue).fitting(0, budget, 1.0).unwrap();
            let left = without_oldest(&dialogue, cut.turns);
            prop_assert!(begins(&left.turns[0]));
            prop_assert_eq!(left.turns.last(), dialogue.turns.last());
            for pair in left.turns.windows(2) {
                prop_assert_ne!(pair[0].role, pair[1].role);
                if let Part::ToolResult(result) = &pair[1].parts[0] {
                    let Part::ToolUse(call) = &pair[0].parts[0] else {
                        panic!("a result without its call");
                    };
                    prop_assert_eq!(&call.id, &result.id);
                }
            }
        }
    }
}
