//! Text that no model wrote, and that says so. It depends on the whole history it was given, so
//! that a lost turn shows, and it is the same for the same history, so that a test can rely on it.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::text::{Finish, Options, Role, Step, Steps, Turn, Usage};

/// What every simulated text begins with.
pub const LABEL: &str = "[simulated]";

/// How many words of a turn are repeated.
const QUOTED_WORDS: usize = 12;

/// The simulator.
#[derive(Debug, Clone)]
pub struct Simulator {
    delay: Duration,
}

impl Simulator {
    /// `delay` passes before each word.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { delay }
    }

    /// Tells what it was given, word by word. A token is a word here.
    pub(super) fn generate(&self, turns: &[Turn], options: &Options) -> Steps {
        let (words, finish) = cut(&describe(turns), options);
        let usage = Usage {
            input: turns
                .iter()
                .map(|turn| turn.text.split_whitespace().count())
                .sum::<usize>()
                .max(1),
            output: words.len(),
        };
        let (sender, steps) = mpsc::channel(1);
        let delay = self.delay;
        tokio::spawn(async move {
            for word in words {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                if sender.send(Step::Text(word)).await.is_err() {
                    return;
                }
            }
            // A receiver that is gone wants no end either.
            let _ = sender.send(Step::Done { finish, usage }).await;
        });
        steps
    }
}

/// The whole text for a history.
fn describe(turns: &[Turn]) -> String {
    let system: Vec<&Turn> = turns
        .iter()
        .filter(|turn| turn.role == Role::System)
        .collect();
    let spoken: Vec<&Turn> = turns
        .iter()
        .filter(|turn| turn.role != Role::System)
        .collect();
    let mut text = format!(
        "{LABEL} No language model wrote this. The conversation has {} turn(s), fingerprint {:016x}.",
        spoken.len(),
        fingerprint(turns),
    );
    // Writing to a `String` cannot fail.
    for turn in system {
        let _ = write!(text, " The system prompt says \"{}\".", quote(&turn.text));
    }
    let mut users = spoken.iter().filter(|turn| turn.role == Role::User);
    if let Some(first) = users.next() {
        let _ = write!(
            text,
            " The first user turn says \"{}\".",
            quote(&first.text)
        );
    }
    if let Some(last) = users.next_back() {
        let _ = write!(text, " The last user turn says \"{}\".", quote(&last.text));
    }
    if let Some(prefill) = spoken.last().filter(|turn| turn.role == Role::Assistant) {
        let _ = write!(
            text,
            " The answer goes on from \"{}\".",
            quote(&prefill.text)
        );
    }
    text
}

fn quote(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut quoted = words
        .by_ref()
        .take(QUOTED_WORDS)
        .collect::<Vec<_>>()
        .join(" ");
    if words.next().is_some() {
        quoted.push('…');
    }
    quoted
}

/// FNV-1a over every role and text: stable across runs and platforms, unlike the standard hasher.
fn fingerprint(turns: &[Turn]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for turn in turns {
        add(match turn.role {
            Role::System => 1,
            Role::User => 2,
            Role::Assistant => 3,
        });
        turn.text.bytes().for_each(&mut add);
        add(0);
    }
    hash
}

/// The words up to the first stop sequence or the limit, each with the space before it.
fn cut(text: &str, options: &Options) -> (Vec<String>, Finish) {
    let stop = options
        .stop
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop)))
        .min_by_key(|(at, _)| *at);
    let (kept, finish) = match stop {
        Some((at, stop)) => (
            text.get(..at).unwrap_or(text),
            Finish::StopSequence(stop.clone()),
        ),
        None => (text, Finish::EndOfTurn),
    };
    let mut words: Vec<String> = kept.split_inclusive(' ').map(str::to_owned).collect();
    if words.len() > options.max_tokens {
        words.truncate(options.max_tokens);
        return (words, Finish::Length);
    }
    (words, finish)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, text: &str) -> Turn {
        Turn {
            role,
            text: text.to_owned(),
        }
    }

    fn options() -> Options {
        Options {
            max_tokens: 500,
            temperature: 0.0,
            top_p: None,
            top_k: None,
            stop: Vec::new(),
        }
    }

    #[test]
    fn the_text_is_labelled_and_depends_on_every_turn() {
        let history = [
            turn(Role::System, "Be brief."),
            turn(Role::User, "My name is Ada."),
            turn(Role::Assistant, "Hello."),
            turn(Role::User, "What is my name?"),
        ];
        let whole = describe(&history);
        assert!(whole.starts_with(LABEL), "{whole}");
        for part in [
            "3 turn(s)",
            "Be brief.",
            "My name is Ada.",
            "What is my name?",
        ] {
            assert!(whole.contains(part), "{part} is missing from {whole}");
        }
        for lost in 0..history.len() {
            let mut rest = history.to_vec();
            rest.remove(lost);
            assert_ne!(describe(&rest), whole, "turn {lost} changes nothing");
        }
    }

    #[test]
    fn a_stop_sequence_ends_the_text_before_it() {
        let (words, finish) = cut(
            "one two, three",
            &Options {
                stop: vec!["three".into(), ",".into()],
                ..options()
            },
        );
        assert_eq!(words.concat(), "one two");
        assert_eq!(finish, Finish::StopSequence(",".to_owned()));
    }

    #[test]
    fn the_limit_counts_words() {
        let (words, finish) = cut(
            "one two three",
            &Options {
                max_tokens: 2,
                ..options()
            },
        );
        assert_eq!(words, ["one ", "two "]);
        assert_eq!(finish, Finish::Length);
    }
}
