//! The wire formats that the models speak. A text family reads a native body into turns and
//! options, and writes what a backend generated as a native answer or as stream chunks; an image
//! family does the same with a picture. One file a family.
//!
//! What no local backend can do - see pictures, call tools, think, obey guardrails - is refused
//! with a `ValidationException` that says so, never dropped.

pub(crate) mod amazon_image;
pub(crate) mod claude_messages;
pub(crate) mod claude_text;
pub(crate) mod command;
pub(crate) mod command_r;
pub(crate) mod deepseek;
pub(crate) mod jamba;
pub(crate) mod jurassic_2;
mod lines;
pub(crate) mod llama;
pub(crate) mod mistral_chat;
pub(crate) mod mistral_instruct;
pub(crate) mod nova;
pub(crate) mod openai;
mod prompt;
pub(crate) mod qwen;
pub(crate) mod sdxl;
pub(crate) mod stable_image;
pub(crate) mod titan;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::catalogue::{Family, Model};
use crate::error::{Failure, Kind, to_json};
use crate::picture::{Order, Pixels, read_png};
use crate::schema;
use crate::text::{Finish, Options, Role, Turn, Usage};

/// Families of text models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFamily {
    Titan,
    ClaudeText,
    ClaudeMessages,
    Nova,
    Jamba,
    Llama2,
    Llama3,
    Llama4,
    /// Whether the prompt has begun the thought.
    DeepSeekR1 {
        begun: bool,
    },
    OpenAi,
    Qwen,
    MistralChat,
    MistralInstruct,
    /// Cohere Command, asked for a streamed answer in pieces.
    Command,
    /// The same, asked for the answer at once.
    CommandAtOnce,
    Jurassic2,
    CommandR,
}

/// Families of image models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageFamily {
    Sdxl08,
    Sdxl10,
    Stable(stable_image::Model),
    Amazon(amazon_image::Model),
}

/// A picture that was painted.
#[derive(Debug)]
pub(crate) struct Painted {
    pub seed: u32,
    /// A PNG.
    pub file: Vec<u8>,
}

/// A native body, read.
#[derive(Debug)]
pub(crate) enum Request {
    Text(TextRequest),
    Image(ImageFamily, Order),
}

/// What a text model is asked.
#[derive(Debug, Clone)]
pub(crate) struct TextRequest {
    /// The wire format of the answer.
    pub family: TextFamily,
    pub turns: Vec<Turn>,
    pub options: Options,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As the backend said.
    Finished(Finish),
    /// The model's own moderation, which only a fault plays.
    Filtered,
}

/// The end of an answer.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub ending: Ending,
    pub usage: Usage,
    /// Milliseconds from the request to the end.
    pub latency: u64,
    /// Milliseconds from the request to the first text.
    pub first_byte: u64,
}

/// Who answers: what Claude's messages say of themselves.
#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    pub model: &'static Model,
    pub message_id: String,
    /// Tokens of the prompt as a stream's first event gives them. The backend counts only at the
    /// end, so this is an estimate; the last event has the real count.
    pub estimated_input: usize,
}

/// Reads a native body for a model.
///
/// # Errors
///
/// `ValidationException` as Bedrock words it.
pub(crate) fn read(model: &'static Model, body: &[u8]) -> Result<Request, Failure> {
    match model.family {
        Family::Text(TextFamily::Titan) => titan::read(model, body).map(Request::Text),
        // Claude 2 and Instant take the Messages body too (recorded).
        Family::Text(TextFamily::ClaudeText) if schema::has_key(body, "messages") => {
            claude_messages::read(model, body).map(Request::Text)
        }
        Family::Text(TextFamily::ClaudeText) => claude_text::read(model, body).map(Request::Text),
        Family::Text(TextFamily::ClaudeMessages) => {
            claude_messages::read(model, body).map(Request::Text)
        }
        Family::Text(TextFamily::Nova) => nova::read(model, body).map(Request::Text),
        Family::Text(TextFamily::Jamba) => jamba::read(model, body).map(Request::Text),
        Family::Text(family @ TextFamily::Llama2) => {
            llama::read(model, family, llama::turns_2, body).map(Request::Text)
        }
        Family::Text(family @ TextFamily::Llama3) => {
            llama::read(model, family, llama::turns_3, body).map(Request::Text)
        }
        Family::Text(family @ TextFamily::Llama4) => {
            llama::read(model, family, llama::turns_4, body).map(Request::Text)
        }
        Family::Text(TextFamily::DeepSeekR1 { .. }) => {
            deepseek::read(model, body).map(Request::Text)
        }
        Family::Text(TextFamily::OpenAi) => openai::read(model, body).map(Request::Text),
        Family::Text(TextFamily::Qwen) => qwen::read(model, body).map(Request::Text),
        Family::Text(TextFamily::MistralChat) => mistral_chat::read(model, body).map(Request::Text),
        Family::Text(TextFamily::MistralInstruct) => {
            mistral_instruct::read(model, body).map(Request::Text)
        }
        Family::Text(TextFamily::Command | TextFamily::CommandAtOnce) => {
            command::read(model, body).map(Request::Text)
        }
        Family::Text(TextFamily::Jurassic2) => jurassic_2::read(model, body).map(Request::Text),
        Family::Text(TextFamily::CommandR) => command_r::read(model, body).map(Request::Text),
        Family::Image(family @ ImageFamily::Sdxl08) => {
            sdxl::read_08(body).map(|order| Request::Image(family, order))
        }
        Family::Image(family @ ImageFamily::Sdxl10) => {
            sdxl::read_10(body).map(|order| Request::Image(family, order))
        }
        Family::Image(family @ ImageFamily::Stable(which)) => {
            stable_image::read(which, body).map(|order| Request::Image(family, order))
        }
        Family::Image(family @ ImageFamily::Amazon(which)) => {
            amazon_image::read(which, body).map(|order| Request::Image(family, order))
        }
    }
}

impl TextFamily {
    /// A whole answer.
    pub(crate) fn answer(self, speaker: &Speaker, text: &str, end: &End) -> Vec<u8> {
        match self {
            Self::Titan => titan::answer(text, end),
            Self::ClaudeText => claude_text::answer(text, end),
            Self::ClaudeMessages => claude_messages::answer(speaker, text, end),
            Self::Nova => nova::answer(text, end),
            Self::Jamba => jamba::answer(speaker, text, end),
            Self::Llama2 | Self::Llama3 | Self::Llama4 => llama::answer(text, end),
            Self::DeepSeekR1 { begun } => deepseek::answer(begun, text, end),
            Self::OpenAi => openai::answer(speaker, text, end),
            Self::Qwen => qwen::answer(speaker, text, end),
            Self::MistralChat => mistral_chat::answer(text, end),
            Self::MistralInstruct => mistral_instruct::answer(text, end),
            Self::Command | Self::CommandAtOnce => command::answer(speaker, text, end),
            Self::Jurassic2 => jurassic_2::answer(text, end),
            Self::CommandR => command_r::answer(speaker, text, end),
        }
    }

    /// Whether its models stream.
    pub(crate) fn streams(self) -> bool {
        match self {
            Self::Jurassic2 => false,
            Self::Titan
            | Self::ClaudeText
            | Self::ClaudeMessages
            | Self::Nova
            | Self::Jamba
            | Self::Llama2
            | Self::Llama3
            | Self::Llama4
            | Self::DeepSeekR1 { .. }
            | Self::OpenAi
            | Self::Qwen
            | Self::Command
            | Self::CommandAtOnce
            | Self::CommandR
            | Self::MistralInstruct
            | Self::MistralChat => true,
        }
    }

    /// The chunks of a streamed answer; `None` where there are none.
    pub(crate) fn chunks(self, speaker: Speaker) -> Option<Chunks> {
        Some(match self {
            Self::Titan => Chunks::Titan(titan::Chunks::default()),
            Self::ClaudeText => Chunks::ClaudeText(claude_text::Chunks::default()),
            Self::ClaudeMessages => Chunks::ClaudeMessages(claude_messages::Chunks::new(speaker)),
            Self::Nova => Chunks::Nova(nova::Chunks::default()),
            Self::Jamba => Chunks::Jamba(jamba::Chunks::new(speaker)),
            Self::Llama2 | Self::Llama3 | Self::Llama4 => Chunks::Llama(llama::Chunks),
            Self::DeepSeekR1 { begun } => Chunks::DeepSeek(deepseek::Chunks::new(begun)),
            Self::OpenAi => Chunks::OpenAi(openai::Chunks::new(speaker)),
            Self::Qwen => Chunks::Qwen(qwen::Chunks::new(speaker)),
            Self::MistralChat => Chunks::MistralChat(mistral_chat::Chunks),
            Self::MistralInstruct => Chunks::MistralInstruct(mistral_instruct::Chunks::default()),
            Self::Command => Chunks::Command(command::Chunks::default()),
            Self::CommandAtOnce => Chunks::CommandAtOnce(command::AtOnce::new(speaker)),
            Self::Jurassic2 => return None,
            Self::CommandR => Chunks::CommandR(command_r::Chunks::new(speaker)),
        })
    }

    /// A family whose answers this one's reader cannot take for its own.
    pub(crate) fn another(self) -> Self {
        match self {
            Self::Titan
            | Self::ClaudeMessages
            | Self::Nova
            | Self::Jamba
            | Self::Llama2
            | Self::Llama3
            | Self::Llama4
            | Self::DeepSeekR1 { .. }
            | Self::OpenAi
            | Self::Qwen
            | Self::Jurassic2
            | Self::Command
            | Self::CommandAtOnce
            | Self::CommandR
            | Self::MistralInstruct
            | Self::MistralChat => Self::ClaudeText,
            Self::ClaudeText => Self::Titan,
        }
    }
}

impl ImageFamily {
    /// A whole answer. `filtered` is the model's own moderation, which only a fault plays.
    pub(crate) fn answer(self, first: &Painted, others: &[Painted], filtered: bool) -> Vec<u8> {
        match self {
            Self::Sdxl08 | Self::Sdxl10 => sdxl::answer(first, filtered),
            Self::Stable(_) => stable_image::answer(first, filtered),
            Self::Amazon(which) => amazon_image::answer(which, first, others, filtered),
        }
    }

    /// A family whose answers this one's reader cannot take for its own.
    pub(crate) fn another(self) -> Self {
        match self {
            Self::Sdxl08 | Self::Sdxl10 => Self::Stable(stable_image::Model::Core),
            Self::Stable(_) | Self::Amazon(_) => Self::Sdxl10,
        }
    }
}

/// The chunks of a stream, each a whole native JSON document, in order.
#[derive(Debug)]
pub(crate) enum Chunks {
    Titan(titan::Chunks),
    ClaudeText(claude_text::Chunks),
    ClaudeMessages(claude_messages::Chunks),
    Nova(nova::Chunks),
    Jamba(jamba::Chunks),
    Llama(llama::Chunks),
    DeepSeek(deepseek::Chunks),
    OpenAi(openai::Chunks),
    Qwen(qwen::Chunks),
    MistralChat(mistral_chat::Chunks),
    MistralInstruct(mistral_instruct::Chunks),
    Command(command::Chunks),
    CommandAtOnce(command::AtOnce),
    CommandR(command_r::Chunks),
}

impl Chunks {
    /// Before any text.
    pub(crate) fn begin(&mut self) -> Vec<Vec<u8>> {
        match self {
            Self::Titan(_)
            | Self::Llama(_)
            | Self::MistralChat(_)
            | Self::MistralInstruct(_)
            | Self::Command(_)
            | Self::CommandAtOnce(_)
            | Self::ClaudeText(_) => Vec::new(),
            Self::ClaudeMessages(chunks) => chunks.begin(),
            Self::Nova(chunks) => chunks.begin(),
            Self::Jamba(chunks) => chunks.begin(),
            Self::DeepSeek(chunks) => chunks.begin(),
            Self::OpenAi(chunks) => chunks.begin(),
            Self::Qwen(chunks) => chunks.begin(),
            Self::CommandR(chunks) => chunks.begin(),
        }
    }

    /// More text.
    pub(crate) fn text(&mut self, text: &str) -> Vec<Vec<u8>> {
        match self {
            Self::Titan(chunks) => chunks.text(text),
            Self::ClaudeText(chunks) => chunks.text(text),
            Self::ClaudeMessages(chunks) => chunks.text(text),
            Self::Nova(chunks) => chunks.text(text),
            Self::Jamba(chunks) => chunks.text(text),
            Self::Llama(chunks) => chunks.text(text),
            Self::DeepSeek(chunks) => chunks.text(text),
            Self::OpenAi(chunks) => chunks.text(text),
            Self::Qwen(chunks) => chunks.text(text),
            Self::MistralChat(chunks) => chunks.text(text),
            Self::MistralInstruct(chunks) => chunks.text(text),
            Self::Command(chunks) => chunks.text(text),
            Self::CommandAtOnce(chunks) => chunks.text(text),
            Self::CommandR(chunks) => chunks.text(text),
        }
    }

    /// After the last text; the last chunk carries the metrics.
    pub(crate) fn end(&mut self, end: &End) -> Vec<Vec<u8>> {
        match self {
            Self::Titan(chunks) => chunks.end(end),
            Self::ClaudeText(chunks) => chunks.end(end),
            Self::ClaudeMessages(chunks) => chunks.end(end),
            Self::Nova(chunks) => chunks.end(end),
            Self::Jamba(chunks) => chunks.end(end),
            Self::Llama(chunks) => chunks.end(end),
            Self::DeepSeek(chunks) => chunks.end(end),
            Self::OpenAi(chunks) => chunks.end(end),
            Self::Qwen(chunks) => chunks.end(end),
            Self::MistralChat(chunks) => chunks.end(end),
            Self::MistralInstruct(chunks) => chunks.end(end),
            Self::Command(chunks) => chunks.end(end),
            Self::CommandAtOnce(chunks) => chunks.end(end),
            Self::CommandR(chunks) => chunks.end(end),
        }
    }
}

/// `amazon-bedrock-invocationMetrics`, the extra key of a stream's last chunk.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics {
    input_token_count: usize,
    output_token_count: usize,
    invocation_latency: u64,
    first_byte_latency: u64,
}

impl From<&End> for Metrics {
    fn from(end: &End) -> Self {
        Self {
            input_token_count: end.usage.input,
            output_token_count: end.usage.output,
            invocation_latency: end.latency,
            first_byte_latency: end.first_byte,
        }
    }
}

/// The limit where the caller sets none and the family has no small default of its own. AWS takes the
/// model's maximum, which a small local model that has lost its thread would fill for minutes.
pub(crate) const UNASKED_LIMIT: i64 = 1024;

/// Refuses what a local backend cannot do.
pub(crate) fn not_played(what: &str) -> Failure {
    Failure::new(
        Kind::Validation,
        format!("The local server does not play {what}; AWS would take it to the model."),
    )
}

/// Reads a picture in base64.
///
/// # Errors
///
/// `ValidationException` that names the field.
fn picture_of(text: &str, field: &str) -> Result<Pixels, Failure> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|_| Failure::validation(format!("{field} is not valid base64")))?;
    read_png(&bytes).map_err(|problem| Failure::validation(format!("{field}: {problem}")))
}

/// Reads who speaks each message, `user` or `assistant` as the schema has checked: the user first,
/// then in turns. Nova's own bodies and Converse share the rule and its words.
///
/// # Errors
///
/// `ValidationException` as Bedrock words it.
pub(crate) fn take_turns<'a>(roles: impl Iterator<Item = &'a str>) -> Result<Vec<Role>, Failure> {
    let speakers: Vec<Role> = roles
        .map(|role| match role {
            "user" => Role::User,
            _ => Role::Assistant,
        })
        .collect();
    if speakers.first() == Some(&Role::Assistant) {
        return Err(Failure::validation(
            "A conversation must start with a user message. Try again with a conversation that \
             starts with a user message.",
        ));
    }
    let mut neighbours = speakers.iter().zip(speakers.iter().skip(1));
    if neighbours.any(|(one, next)| one == next) {
        return Err(Failure::validation(
            "A conversation must alternate between user and assistant roles. Make sure the \
             conversation alternates between user and assistant roles and try again.",
        ));
    }
    Ok(speakers)
}

/// The most tokens to generate, from a value the schema has checked. A limit of 0 is legal in some
/// families, and no backend generates nothing: it counts as 1.
pub(crate) fn limit(tokens: i64) -> usize {
    usize::try_from(tokens).unwrap_or(usize::MAX).max(1)
}

/// One chunk.
fn chunk(value: &impl Serialize) -> Vec<Vec<u8>> {
    vec![to_json(value)]
}
