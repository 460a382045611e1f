//! What a text backend is asked and what it answers. A family's wire format is translated to and
//! from these types; a backend knows nothing of wire formats.

use tokio::sync::mpsc;

/// Who speaks a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation. A bare prompt is one user turn. A conversation that ends with an
/// assistant turn asks the model to go on from that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// How to generate, after the family's own defaults and ranges have been applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The most tokens to generate, at least 1.
    pub max_tokens: usize,
    /// 0 takes the likeliest token each time.
    pub temperature: f64,
    /// Nucleus sampling, in (0, 1].
    pub top_p: Option<f64>,
    /// Sample from the `k` likeliest tokens.
    pub top_k: Option<usize>,
    /// Generation ends before the first of these.
    pub stop: Vec<String>,
}

/// Why generation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The model ended its turn.
    EndOfTurn,
    /// This stop sequence came up; it is not part of the text.
    StopSequence(String),
    /// `max_tokens` was reached.
    Length,
}

/// Tokens read and generated, by the backend's own tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: usize,
    /// Tokens generated.
    pub output: usize,
}

/// One step of a generation. `Done` comes exactly once, last; a channel that closes without it
/// means that the backend failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// More text, never empty.
    Text(String),
    /// The end.
    Done {
        /// Why it ended.
        finish: Finish,
        /// What it took.
        usage: Usage,
    },
}

/// Why a backend cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The backend is down: Bedrock's `ServiceUnavailableException` (503).
    #[error("the local backend `{backend}` does not answer: {reason}")]
    Down {
        /// The backend's name.
        backend: String,
        /// Why, without any of the prompt.
        reason: String,
    },
    /// The prompt does not fit the backend's window: Bedrock's `ValidationException` (400).
    #[error("Input is too long for requested model: {tokens} tokens, the window is {window}.")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// The window of the backend.
        window: usize,
    },
}

/// A generation under way. Dropping it ends the work.
pub type Steps = mpsc::Receiver<Step>;
