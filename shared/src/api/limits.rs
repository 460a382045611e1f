//! How much one request may ask for, as the deployment sets it.

/// The limits of a deployment. A request over one of them is refused with the limit's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters (Unicode scalar values) of one prompt.
    pub prompt_characters: usize,
    /// Characters of all messages of a chat together.
    pub history_characters: usize,
    /// Messages of a chat.
    pub messages: usize,
    /// Answers of one request: the largest `n`.
    pub answers: usize,
    /// Tokens of one answer: the largest `max_tokens`.
    pub max_tokens: i64,
    /// Tokens of a chat's answer where the request does not say. Bedrock reserves a request's
    /// `max_tokens` of its quota while it runs, so a model's own limit would throttle others.
    pub default_max_tokens: i64,
}

/// How many images a turn may have: Converse's limit of a message.
pub const MOST_IMAGES: usize = 20;

/// How many documents a turn may have: Converse's limit of a message.
pub const MOST_DOCUMENTS: usize = 5;

/// How many answers any deployment may allow.
pub const MOST_ANSWERS: usize = 10;

impl Default for Limits {
    fn default() -> Self {
        Self {
            prompt_characters: 1_000_000,
            history_characters: 4_000_000,
            messages: 10_000,
            answers: MOST_ANSWERS,
            max_tokens: 16_384,
            default_max_tokens: 2_048,
        }
    }
}

/// Whether a text has more characters than this. A text is not counted further than needed.
pub(super) fn is_longer(text: &str, characters: usize) -> bool {
    text.len() > characters && text.chars().nth(characters).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        for (text, characters, longer) in [
            ("abc", 3, false),
            ("abcd", 3, true),
            ("🦊🦊🦊", 3, false),
            ("🦊🦊🦊🦊", 3, true),
            ("e\u{301}", 1, true),
            ("", 0, false),
        ] {
            assert_eq!(is_longer(text, characters), longer, "{text}");
        }
    }
}
