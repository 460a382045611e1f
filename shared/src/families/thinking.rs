//! What a model thinks before it writes, where it says so in its text, between two tags.

use super::{Chunk, Completion, Finish, Reasoning, Thought};

/// How a model's text tells what it thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Untold,
    /// Between `<think>` and `</think>`, if at all.
    Tagged,
    /// Up to `</think>`: the prompt has ended with `<think>`.
    Begun,
    /// Between `<reasoning>` and `</reasoning>`, if at all.
    TaggedReasoning,
}

impl Thinking {
    /// Whether a thought ends in this text.
    pub fn ends_in(self, text: &str) -> bool {
        Splitter::new(self).is_some_and(|splitter| text.contains(splitter.close))
    }

    /// Takes what the model thought out of the text of a whole answer.
    #[must_use]
    pub fn apart(self, completion: Completion) -> Completion {
        let Some(mut splitter) = Splitter::new(self) else {
            return completion;
        };
        let mut parts = splitter.feed(&completion.text);
        parts.add(splitter.end());
        let thought = (!parts.thought.trim().is_empty()).then(|| Reasoning::Text {
            text: parts.thought.trim().to_owned(),
            signature: None,
        });
        let mut reasoning = completion.reasoning;
        reasoning.extend(thought);
        Completion {
            text: parts.text,
            reasoning,
            ..completion
        }
    }
}

/// What a piece of text was.
#[derive(Debug, Default)]
struct Parts {
    thought: String,
    text: String,
}

impl Parts {
    fn add(&mut self, more: Self) {
        self.thought.push_str(&more.thought);
        self.text.push_str(&more.text);
    }
}

/// Where a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At its beginning, or behind a thought: another may follow.
    Before,
    /// At the beginning of a thought whose tag the prompt has.
    Begun,
    Within,
    Behind,
}

/// Takes the thoughts out of a text that comes in pieces.
#[derive(Debug)]
pub struct Splitter {
    open: &'static str,
    close: &'static str,
    place: Place,
    /// Whether a thought has ended: the white space behind it means nothing.
    thought: bool,
    /// What may be the beginning of a tag.
    held: String,
}

impl Splitter {
    /// `None` where there is nothing to take out.
    pub fn new(thinking: Thinking) -> Option<Self> {
        let (open, close, place) = match thinking {
            Thinking::Untold => return None,
            Thinking::Tagged => ("<think>", "</think>", Place::Before),
            Thinking::Begun => ("<think>", "</think>", Place::Begun),
            Thinking::TaggedReasoning => ("<reasoning>", "</reasoning>", Place::Before),
        };
        Some(Self {
            open,
            close,
            place,
            thought: false,
            held: String::new(),
        })
    }

    /// Takes the thoughts out of a chunk's text. What its last characters are may show with the next
    /// chunk only; with the reason why the answer ended comes all that is left.
    pub fn split(&mut self, chunk: Chunk) -> Chunk {
        let mut parts = self.feed(&chunk.text);
        if chunk.finish.is_some() {
            parts.add(self.end());
        }
        let reasoning = match chunk.reasoning {
            Some(Thought::Text(told)) => Some(Thought::Text(told + &parts.thought)),
            Some(other) => Some(other),
            None => (!parts.thought.is_empty()).then_some(Thought::Text(parts.thought)),
        };
        Chunk {
            text: parts.text,
            reasoning,
            ..chunk
        }
    }

    /// What is held, where what follows is not the model's.
    pub fn left(&mut self) -> Chunk {
        self.split(Chunk {
            finish: Some(Finish::EndOfTurn),
            ..Chunk::default()
        })
    }

    fn feed(&mut self, more: &str) -> Parts {
        self.held.push_str(more);
        let mut parts = Parts::default();
        loop {
            match self.place {
                Place::Before | Place::Begun => {
                    let begun = self.held.trim_start();
                    if let Some(rest) = begun.strip_prefix(self.open) {
                        self.held = rest.to_owned();
                        self.place = Place::Within;
                    } else if self.open.starts_with(begun) {
                        return parts;
                    } else if self.place == Place::Begun {
                        self.place = Place::Within;
                    } else {
                        if self.thought {
                            self.held = begun.to_owned();
                        }
                        self.place = Place::Behind;
                    }
                }
                Place::Within => {
                    if let Some((thought, rest)) = self.held.split_once(self.close) {
                        parts.thought.push_str(thought);
                        self.held = rest.to_owned();
                        self.thought = true;
                        self.place = Place::Before;
                    } else {
                        let kept = self.held.split_off(self.sure());
                        parts.thought.push_str(&self.held);
                        self.held = kept;
                        return parts;
                    }
                }
                Place::Behind => {
                    parts.text.push_str(&std::mem::take(&mut self.held));
                    return parts;
                }
            }
        }
    }

    /// How many bytes of what is held cannot be the beginning of the closing tag.
    fn sure(&self) -> usize {
        let held = self.held.as_str();
        (0..held.len())
            .find(|at| {
                held.get(*at..)
                    .is_some_and(|tail| self.close.starts_with(tail))
            })
            .unwrap_or(held.len())
    }

    /// What is held, once nothing follows.
    fn end(&mut self) -> Parts {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Before if self.thought => Parts {
                text: held.trim_start().to_owned(),
                ..Parts::default()
            },
            Place::Before | Place::Behind => Parts {
                text: held,
                ..Parts::default()
            },
            Place::Begun | Place::Within => Parts {
                thought: held,
                ..Parts::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::families::Finish;

    fn whole(thinking: Thinking, text: &str) -> (String, String) {
        let completion = thinking.apart(Completion {
            text: text.to_owned(),
            ..Completion::default()
        });
        let thoughts = completion.reasoning.into_iter().map(|block| match block {
            Reasoning::Text { text, .. } => text,
            Reasoning::Redacted(_) => panic!("nothing is encrypted here"),
        });
        (thoughts.collect(), completion.text)
    }

    fn streamed(thinking: Thinking, pieces: &[String]) -> (String, String) {
        let Some(mut splitter) = Splitter::new(thinking) else {
            return (String::new(), pieces.concat());
        };
        let (mut thoughts, mut text) = (String::new(), String::new());
        let end = Chunk {
            finish: Some(Finish::EndOfTurn),
            ..Chunk::default()
        };
        let chunks = pieces.iter().map(|text| Chunk {
            text: text.clone(),
            ..Chunk::default()
        });
        for chunk in chunks.chain([end]) {
            let chunk = splitter.split(chunk);
            if let Some(Thought::Text(more)) = chunk.reasoning {
                thoughts.push_str(&more);
            }
            text.push_str(&chunk.text);
        }
        (thoughts.trim().to_owned(), text)
    }

    #[test]
    fn a_thought_is_taken_out_of_the_text() {
        use Thinking::{Begun, Tagged, TaggedReasoning, Untold};
        for (thinking, said, thought, text) in [
            (Untold, "<think>a</think>b", "", "<think>a</think>b"),
            (Tagged, "<think>\na\n</think>\n\nb", "a", "b"),
            (Tagged, "  b <think>", "", "  b <think>"),
            (Tagged, "<th", "", "<th"),
            (Begun, "a\n</think>\n\nb </think>", "a", "b </think>"),
            (Begun, "<think>\na</think>b", "a", "b"),
            // It was cut while it thought.
            (Begun, "a < b </thi", "a < b </thi", ""),
            (Begun, "", "", ""),
            (TaggedReasoning, "<reasoning>a</reasoning>b", "a", "b"),
            // A stream of gpt-oss may tag each piece.
            (
                TaggedReasoning,
                "<reasoning>a </reasoning><reasoning>c</reasoning>b",
                "a c",
                "b",
            ),
            (TaggedReasoning, "b", "", "b"),
        ] {
            let expected = (thought.to_owned(), text.to_owned());
            assert_eq!(whole(thinking, said), expected, "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn a_stream_is_split_as_the_whole_answer_is(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["<", "think", ">", "</", "<think>", "</think>", " ", "\n", "a", "é"]),
                0..12,
            ),
            begun in any::<bool>(),
        ) {
            let thinking = if begun { Thinking::Begun } else { Thinking::Tagged };
            let pieces: Vec<String> = pieces.into_iter().map(str::to_owned).collect();
            prop_assert_eq!(streamed(thinking, &pieces), whole(thinking, &pieces.concat()));
        }
    }
}
