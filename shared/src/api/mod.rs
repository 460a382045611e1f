//! The caller's side: what a request may say, and the shape of the answers.
//!
//! The shapes are OpenAI's, so that any OpenAI client speaks to these functions; Bedrock's own
//! options are extra fields. Each request is read field by field through [`fields::Fields`],
//! which is what makes an unknown, doubled or ill-typed field an error that names it.

mod calls;
pub mod chat;
pub mod completion;
mod content;
mod data_url;
pub mod document;
pub mod fields;
mod format;
mod history;
pub mod image;
pub mod inference;
pub mod limits;
pub mod options;
mod served;
pub mod streamed;
mod thinking;
mod tools;

use serde::Serialize;

use crate::Error;
use crate::error::FieldFault;
use crate::families::{Completion, Finish, Usage};
use crate::model::{Api, Wanted};
use fields::Fields;
use limits::Limits;

pub use served::Served;

/// Tokens used, as OpenAI names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TokenUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    completion_tokens_details: CompletionTokens,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct PromptTokens {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct CompletionTokens {
    /// 0 for an answer without reasoning; Bedrock does not say how many tokens reasoning took.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
}

impl TokenUsage {
    /// The tokens of an answer that was served so.
    fn of(usage: Usage, served: &Served) -> Self {
        // Bedrock counts cache reads and writes apart from the input, OpenAI within it.
        let prompt_tokens = usage
            .input
            .saturating_add(usage.cache_read)
            .saturating_add(usage.cache_write);
        Self {
            prompt_tokens,
            completion_tokens: usage.output,
            total_tokens: prompt_tokens.saturating_add(usage.output),
            prompt_tokens_details: PromptTokens {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write,
            },
            completion_tokens_details: CompletionTokens {
                reasoning_tokens: (!served.reasoned).then_some(0),
            },
        }
    }
}

/// The answer to a request for text, in the shape that completions and chat share.
#[derive(Debug, Serialize)]
pub struct Generated<C> {
    /// The route's prefix and the request id.
    pub id: String,
    object: &'static str,
    /// Seconds since 1970.
    pub created: u64,
    /// The model, as the caller named it.
    pub model: String,
    /// What was generated.
    pub choices: Vec<C>,
    /// Tokens used by all choices; absent where the model does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
    #[serde(flatten)]
    served: Served,
}

/// One of an answer's choices, which says what kind of answer it belongs to.
pub trait OfAnswer: Serialize {
    /// What the answer's id begins with.
    const ID_PREFIX: &'static str;

    /// The answer's `object`.
    const OBJECT: &'static str;

    /// The choice with this index: what the model wrote, behind an opening such as an echoed prompt.
    fn new(index: usize, opening: &str, completion: Completion) -> Self;
}

impl<C: OfAnswer> Generated<C> {
    /// An answer to the request with this id.
    pub fn new(
        request_id: &str,
        created: u64,
        model: String,
        choices: Vec<C>,
        usage: Option<Usage>,
        served: Served,
    ) -> Self {
        Self {
            id: format!("{}-{request_id}", C::ID_PREFIX),
            object: C::OBJECT,
            created,
            model,
            choices,
            usage: usage.map(|usage| TokenUsage::of(usage, &served)),
            served,
        }
    }
}

/// OpenAI's word for why generation ended.
fn finish_reason(finish: &Finish) -> String {
    match finish {
        Finish::EndOfTurn | Finish::StopSequence => "stop".to_owned(),
        Finish::Length | Finish::ContextWindow => "length".to_owned(),
        Finish::ToolUse => "tool_calls".to_owned(),
        Finish::Filtered | Finish::Guardrail => "content_filter".to_owned(),
        Finish::Other(reason) => format!("other:{reason}"),
    }
}

/// Bedrock's word for it, which tells apart what OpenAI's does not. It is Converse's for every
/// family.
fn stop_reason(finish: &Finish) -> String {
    match finish {
        Finish::EndOfTurn => "end_turn".to_owned(),
        Finish::StopSequence => "stop_sequence".to_owned(),
        Finish::Length => "max_tokens".to_owned(),
        Finish::ContextWindow => "model_context_window_exceeded".to_owned(),
        Finish::ToolUse => "tool_use".to_owned(),
        Finish::Filtered => "content_filtered".to_owned(),
        Finish::Guardrail => "guardrail_intervened".to_owned(),
        Finish::Other(reason) => reason.clone(),
    }
}

/// The JSON of a request that this program makes.
fn written(request: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(request).map_err(|_| Error::defect("request"))
}

/// For `skip_serializing_if`.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Whether a text has nothing that a model could read: white space and zero-width characters only.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
    })
}

/// Refuses a prompt that is longer than the deployment takes.
fn check_length(text: &str, param: impl Fn() -> String, limits: &Limits) -> Result<(), Error> {
    match limits::is_longer(text, limits.prompt_characters) {
        false => Ok(()),
        true => Err(Error::Field {
            param: param(),
            fault: FieldFault::PromptTooLong(format!(
                "it must have at most {} characters",
                limits.prompt_characters
            )),
        }),
    }
}

/// Takes the fields that choose a model and the way to it.
pub(crate) fn wanted(fields: &mut Fields<'_>) -> Result<Wanted, Error> {
    Ok(Wanted {
        model: fields.take("model")?,
        family: fields.take("family")?,
        api: match fields.take::<String>("api")?.as_deref() {
            None => None,
            Some("converse") => Some(Api::Converse),
            Some("invoke") => Some(Api::Invoke),
            Some(_) => return Err(Error::invalid("api", "it is either `converse` or `invoke`")),
        },
    })
}

/// Takes `n`: how many answers, 1 by default.
pub(crate) fn answers(fields: &mut Fields<'_>, limits: &Limits) -> Result<usize, Error> {
    let n = fields.take::<i64>("n")?.unwrap_or(1);
    usize::try_from(n)
        .ok()
        .filter(|n| (1..=limits.answers).contains(n))
        .ok_or_else(|| {
            let most = limits.answers;
            Error::invalid("n", format!("it must be between 1 and {most}"))
        })
}

/// Takes the fields that official clients send and that change nothing: the caller's own
/// bookkeeping, and options at the value that means "off".
pub(crate) fn bookkeeping(fields: &mut Fields<'_>) -> Result<(), Error> {
    for name in ["user", "metadata", "safety_identifier", "prompt_cache_key"] {
        fields.accept(name)?;
    }
    fields.neutral("store", |store: &bool| !store)
}
