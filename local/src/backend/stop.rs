//! Stop sequences in text that comes piece by piece.

/// Lets text through until a stop sequence comes up, also one that is spread over several pieces.
#[derive(Debug)]
pub struct StopMatcher {
    stops: Vec<String>,
    /// Text that may turn out to be the beginning of a stop sequence.
    held: String,
}

/// What became of a piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Text that belongs to the answer, perhaps empty.
    pub text: String,
    /// The stop sequence that ends the answer here.
    pub stop: Option<String>,
}

impl StopMatcher {
    /// Empty stop sequences are left out: they would end every answer at once.
    #[must_use]
    pub fn new(stops: &[String]) -> Self {
        Self {
            stops: stops
                .iter()
                .filter(|stop| !stop.is_empty())
                .cloned()
                .collect(),
            held: String::new(),
        }
    }

    /// Takes the next piece. After a stop there must be no further one.
    pub fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self
            .stops
            .iter()
            .filter_map(|stop| Some((self.held.find(stop)?, stop)))
            .min_by_key(|(at, _)| *at);
        if let Some((at, stop)) = found {
            let stop = stop.clone();
            self.held.truncate(at);
            return Passed {
                text: std::mem::take(&mut self.held),
                stop: Some(stop),
            };
        }
        let keep = self.held.split_off(self.held.len() - self.undecided());
        Passed {
            text: std::mem::replace(&mut self.held, keep),
            stop: None,
        }
    }

    /// What was held back when generation ended without a stop sequence.
    #[must_use]
    pub fn finish(self) -> String {
        self.held
    }

    /// How many bytes at the end may be the beginning of a stop sequence.
    fn undecided(&self) -> usize {
        self.held
            .char_indices()
            .filter_map(|(at, _)| self.held.get(at..))
            .find(|tail| self.stops.iter().any(|stop| stop.starts_with(tail)))
            .map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the pieces; what passes at each, and what ended it.
    fn check(stops: &[&str], pieces: &[&str], passes: &[&str], ends: Option<&str>) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut matcher = StopMatcher::new(&stops);
        let mut passed = Vec::new();
        let mut stop = None;
        for piece in pieces {
            let next = matcher.push(piece);
            passed.push(next.text);
            stop = next.stop;
            if stop.is_some() {
                break;
            }
        }
        if stop.is_none() {
            passed.push(matcher.finish());
        }
        assert_eq!(passed, passes, "{stops:?} in {pieces:?}");
        assert_eq!(stop.as_deref(), ends, "{stops:?} in {pieces:?}");
    }

    #[test]
    fn text_before_a_stop_sequence_passes_and_nothing_after_it() {
        check(&["END"], &["one END two"], &["one "], Some("END"));
        check(
            &["three", ","],
            &["one two, three"],
            &["one two"],
            Some(","),
        );
        check(&["a"], &["a"], &[""], Some("a"));
    }

    #[test]
    fn a_stop_sequence_may_be_spread_over_pieces() {
        check(
            &["\n\nHuman:"],
            &["Hi\n", "\nHum", "an: x"],
            &["Hi", "", ""],
            Some("\n\nHuman:"),
        );
        check(
            &["aab"],
            &["a", "a", "a", "b"],
            &["", "", "a", ""],
            Some("aab"),
        );
        check(&["é!"], &["caf", "é", "!"], &["caf", "", ""], Some("é!"));
    }

    #[test]
    fn a_false_beginning_is_let_go() {
        check(
            &["\n\nHuman:"],
            &["Hi\n", "\nHungry"],
            &["Hi", "\n\nHungry", ""],
            None,
        );
        check(&["||"], &["a|", "b|"], &["a", "|b", "|"], None);
    }

    #[test]
    fn without_stop_sequences_everything_passes_at_once() {
        check(&[], &["one ", "two"], &["one ", "two", ""], None);
        check(&[""], &["one"], &["one", ""], None);
    }
}
