//! The families' native wire formats, one file each, all of them pure.
//!
//! Every file has the same order: wire types, parameters, encode, decode, stream chunk. The
//! dispatch here is exhaustive, so that a new family is a list of compile errors to work through
//! (`CONTRIBUTING.md` has the checklist).

pub mod claude_messages;
pub mod claude_text;
mod lenient;
pub mod nova_text;
mod parameter;
pub mod stable_diffusion_xl;
pub mod stable_image;
pub mod titan_text;

pub use parameter::{Bounds, Rule, check};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::api::image::{Drawing, Size};
use crate::api::inference::{Inference, Parameter};
use crate::model::{Entry, ImageFamily, TextFamily};

/// Who speaks a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said; not blank.
    pub text: String,
}

/// A conversation. There is at least one turn, the first is the user's, and the roles alternate.
/// A last turn of the assistant is a prefill that the model goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Instructions that stand above the turns.
    pub system: Option<String>,
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
}

impl Conversation {
    /// A bare prompt as a conversation of one user turn.
    pub fn of_prompt(prompt: &str) -> Self {
        Self {
            system: None,
            turns: vec![Turn {
                role: Role::User,
                text: prompt.to_owned(),
            }],
        }
    }

    /// The same conversation for a model that takes no system prompt: it is put before the first
    /// user turn, with a blank line between.
    #[must_use]
    pub fn with_folded_system(&self) -> Self {
        let mut turns = self.turns.clone();
        if let (Some(system), Some(first)) = (&self.system, turns.first_mut()) {
            first.text = format!("{system}\n\n{}", first.text);
        }
        Self {
            system: None,
            turns,
        }
    }
}

/// What a text model is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// A prompt, to be sent as it is.
    Prompt(&'a str),
    /// A conversation, to be written in the family's own form.
    Conversation(&'a Conversation),
}

/// What a text model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text, as the model wrote it.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens used, where the body says it.
    pub usage: Option<Usage>,
}

/// One part of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// More text; often empty.
    pub text: String,
    /// Why the answer ended, once it has.
    pub finish: Option<Finish>,
    /// Tokens used, once that is known.
    pub usage: Option<Usage>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    EndOfTurn,
    /// A stop sequence came up.
    StopSequence,
    /// The most tokens were reached.
    Length,
    /// The model asks for a tool.
    ToolUse,
    /// The answer was filtered.
    Filtered,
    /// A reason that this version does not know, in the model's own word.
    Other(String),
}

/// Tokens used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, without those that came from or went to a cache.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
    /// Tokens read from a cache.
    pub cache_read: u64,
    /// Tokens written to a cache.
    pub cache_write: u64,
}

impl Usage {
    /// The sum over several answers; `None` as soon as one of them does not say.
    pub fn sum(mut counts: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        counts.try_fold(Self::default(), |sum, usage| Some(sum + usage?))
    }
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
        }
    }
}

/// What an image model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The image file, still in base64.
    pub base64: String,
    /// The seed that makes it again, where the model says it.
    pub seed: Option<u64>,
}

/// What the last chunk of every InvokeModelWithResponseStream carries beside the model's own keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvocationMetrics {
    #[serde(default, deserialize_with = "lenient::count")]
    input_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_write_input_token_count: Option<u64>,
}

impl From<InvocationMetrics> for Usage {
    fn from(metrics: InvocationMetrics) -> Self {
        Self {
            input: metrics.input_token_count.unwrap_or(0),
            output: metrics.output_token_count.unwrap_or(0),
            cache_read: metrics.cache_read_input_token_count.unwrap_or(0),
            cache_write: metrics.cache_write_input_token_count.unwrap_or(0),
        }
    }
}

/// What the family does with a parameter, for this model.
pub fn rule(family: TextFamily, model: Option<&Entry>, parameter: Parameter) -> Rule {
    match family {
        TextFamily::TitanText => titan_text::rule(model, parameter),
        TextFamily::ClaudeText => claude_text::rule(model, parameter),
        TextFamily::ClaudeMessages => claude_messages::rule(model, parameter),
        TextFamily::NovaText => nova_text::rule(model, parameter),
    }
}

/// The native body of a request for text, after [`check`].
pub fn encode_text(
    family: TextFamily,
    model: Option<&Entry>,
    input: Input<'_>,
    inference: &Inference,
) -> Result<Vec<u8>, Error> {
    check(family.name(), inference, |parameter| {
        rule(family, model, parameter)
    })?;
    check_together(model, inference)?;
    let body = match family {
        TextFamily::TitanText => serde_json::to_vec(&titan_text::encode(input, inference)),
        TextFamily::ClaudeText => serde_json::to_vec(&claude_text::encode(model, input, inference)),
        TextFamily::ClaudeMessages => {
            serde_json::to_vec(&claude_messages::encode(input, inference))
        }
        TextFamily::NovaText => serde_json::to_vec(&nova_text::encode(input, inference)),
    };
    body.map_err(|_| Error::defect("encode_text"))
}

/// Checks the parameters that this model does not take together.
pub fn check_together(model: Option<&Entry>, inference: &Inference) -> Result<(), Error> {
    let both = inference.temperature.is_some() && inference.top_p.is_some();
    if both && model.is_some_and(|model| model.one_of_temperature_and_top_p) {
        return Err(Error::invalid(
            "top_p",
            "this model takes `temperature` or `top_p`, but not both",
        ));
    }
    Ok(())
}

/// A text model's answer from its native body.
pub fn decode_text(family: TextFamily, body: &[u8]) -> Result<Completion, Error> {
    match family {
        TextFamily::TitanText => titan_text::decode(read(family.name(), body)?),
        TextFamily::ClaudeText => Ok(claude_text::decode(read(family.name(), body)?)),
        TextFamily::ClaudeMessages => Ok(claude_messages::decode(read(family.name(), body)?)),
        TextFamily::NovaText => Ok(nova_text::decode(read(family.name(), body)?)),
    }
}

/// One chunk of a text model's streamed answer.
pub fn decode_chunk(family: TextFamily, body: &[u8]) -> Result<Chunk, Error> {
    match family {
        TextFamily::TitanText => Ok(titan_text::decode_chunk(read(family.name(), body)?)),
        TextFamily::ClaudeText => Ok(claude_text::decode_chunk(read(family.name(), body)?)),
        TextFamily::ClaudeMessages => Ok(claude_messages::decode_chunk(read(family.name(), body)?)),
        TextFamily::NovaText => Ok(nova_text::decode_chunk(read(family.name(), body)?)),
    }
}

/// The native body of a request for one image.
pub fn encode_image(
    family: ImageFamily,
    model: Option<&Entry>,
    drawing: &Drawing,
) -> Result<Vec<u8>, Error> {
    let body = match family {
        ImageFamily::StableDiffusionXl => {
            serde_json::to_vec(&stable_diffusion_xl::encode(model, drawing)?)
        }
        ImageFamily::StableImage => serde_json::to_vec(&stable_image::encode(drawing)?),
    };
    body.map_err(|_| Error::defect("encode_image"))
}

/// Whether an image may have this size, given what was asked for.
pub fn may_have_size(family: ImageFamily, drawing: &Drawing, size: Size) -> bool {
    match family {
        ImageFamily::StableDiffusionXl => drawing.size.is_none_or(|asked| asked == size),
        // A size is only asked for as a shape.
        ImageFamily::StableImage => true,
    }
}

/// An image model's answer from its native body.
pub fn decode_image(family: ImageFamily, body: &[u8]) -> Result<Picture, Error> {
    match family {
        ImageFamily::StableDiffusionXl => stable_diffusion_xl::decode(read(family.name(), body)?),
        ImageFamily::StableImage => stable_image::decode(read(family.name(), body)?),
    }
}

/// Reads an answer's JSON; the error says where it leaves the family's shape.
fn read<T: DeserializeOwned>(family: &'static str, body: &[u8]) -> Result<T, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| Error::malformed(family, error.path().to_string()))
}
