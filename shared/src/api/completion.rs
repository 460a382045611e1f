//! Text completion: `POST /v1/completions`, OpenAI's legacy completions.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calls::CallDelta;
use super::fields::Fields;
use super::inference::Inference;
use super::limits::Limits;
use super::options::Options;
use super::streamed::{self, Streaming, streaming};
use super::{
    OfAnswer, answers, bookkeeping, check_length, finish_reason, is_blank, is_false, stop_reason,
    wanted, written,
};
use crate::Error;
use crate::families::{Beside, Completion, Finish, Thought};
use crate::model::Wanted;

/// Tokens to generate where the request does not say: OpenAI's default for this route.
const DEFAULT_MAX_TOKENS: i64 = 16;

/// How many times the largest `n` one request may ask for, all prompts together.
const CHOICES_PER_ANSWER: usize = 4;

/// How many prompts one request may hold.
const MOST_PROMPTS: usize = 20;

/// A request for text completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model, and the way to it.
    pub wanted: Wanted,
    /// At least one prompt, none of them blank.
    pub prompts: Vec<String>,
    /// Completions per prompt.
    pub n: usize,
    /// Whether the completion repeats its prompt.
    pub echo: bool,
    /// How the answer is to be streamed; `None` sends it whole.
    pub streaming: Option<Streaming>,
    /// How to generate.
    pub inference: Inference,
    /// Bedrock's own options.
    pub options: Options,
}

impl Request {
    /// Reads a request's JSON body.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        Fields::read(body, |fields| Self::take(fields, limits))
    }

    /// The request that a bare prompt is: as long an answer as a chat's may be, not OpenAI's few tokens.
    pub fn of_prompt(prompt: &str, limits: &Limits) -> Result<Self, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            prompt: &'a str,
        }

        let mut request = Self::parse(&written(&Body { prompt })?, limits)?;
        request.inference.max_tokens = None;
        Ok(request)
    }

    /// The names of all fields that a request may have.
    pub fn fields() -> Result<Vec<&'static str>, Error> {
        let smallest = br#"{"prompt":"a"}"#;
        Fields::names(smallest, |fields| Self::take(fields, &Limits::default()))
    }

    fn take(fields: &mut Fields<'_>, limits: &Limits) -> Result<Self, Error> {
        let wanted = wanted(fields)?;
        let prompts = prompts(fields.require("prompt")?, limits)?;
        let n = answers(fields, limits)?;
        let most = limits.answers.saturating_mul(CHOICES_PER_ANSWER);
        if prompts.len() * n > most {
            let reason = format!("prompts times `n` must be at most {most}");
            return Err(Error::invalid("n", reason));
        }
        let echo = fields.take("echo")?.unwrap_or(false);
        let streaming = streaming(fields)?;
        let mut inference = Inference::take(fields, limits)?;
        inference
            .max_tokens
            .get_or_insert(DEFAULT_MAX_TOKENS.min(limits.max_tokens));
        fields.neutral("best_of", |best: &i64| usize::try_from(*best) == Ok(n))?;
        fields.neutral("suffix", |suffix: &String| suffix.is_empty())?;
        fields.neutral("logprobs", |logprobs: &Value| {
            *logprobs == Value::Bool(false)
        })?;
        fields.neutral("logit_bias", |bias: &serde_json::Map<_, _>| bias.is_empty())?;
        let options = Options::take(fields)?;
        bookkeeping(fields)?;
        Ok(Self {
            wanted,
            prompts,
            n,
            echo,
            streaming,
            inference,
            options,
        })
    }
}

fn prompts(prompt: Prompt, limits: &Limits) -> Result<Vec<String>, Error> {
    let prompts = match prompt {
        Prompt::One(text) => vec![text],
        Prompt::Several(texts) => texts,
        Prompt::Tokens(_) => {
            return Err(Error::unsupported(
                "prompt",
                "token arrays mean nothing to Bedrock; send text",
            ));
        }
    };
    if prompts.is_empty() || prompts.len() > MOST_PROMPTS {
        return Err(Error::invalid(
            "prompt",
            format!("it must hold 1 to {MOST_PROMPTS} texts"),
        ));
    }
    let several = prompts.len() > 1;
    for (index, text) in prompts.iter().enumerate() {
        let param = || match several {
            true => format!("prompt[{index}]"),
            false => "prompt".to_owned(),
        };
        if is_blank(text) {
            return Err(Error::invalid(param(), "it must not be blank"));
        }
        check_length(text, param, limits)?;
    }
    Ok(prompts)
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
enum Prompt {
    One(String),
    Several(Vec<String>),
    #[expect(dead_code, reason = "it is there to be told apart, and refused")]
    Tokens(Vec<IgnoredAny>),
}

/// One completion.
#[derive(Debug, Serialize)]
pub struct Choice {
    text: String,
    index: usize,
    logprobs: Option<()>,
    finish_reason: String,
    stop_reason: String,
    #[serde(skip_serializing_if = "is_false")]
    empty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<Value>,
}

/// A part of one completion.
#[derive(Debug, Serialize)]
pub struct Delta {
    text: String,
    index: usize,
    logprobs: Option<()>,
    finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<Value>,
}

impl streamed::Delta for Delta {
    type Whole = Choice;

    const OBJECT: &'static str = Choice::OBJECT;

    fn opening(_: usize) -> Option<Self> {
        None
    }

    fn text(index: usize, text: String) -> Self {
        Self {
            text,
            index,
            logprobs: None,
            finish_reason: None,
            stop_reason: None,
            additional_model_response_fields: None,
        }
    }

    fn thought(_: usize, _: Thought) -> Option<Self> {
        None
    }

    /// A prompt comes without tools.
    fn call(_: usize, _: CallDelta) -> Option<Self> {
        None
    }

    fn end(index: usize, finish: &Finish, beside: Beside) -> Self {
        Self {
            text: String::new(),
            index,
            logprobs: None,
            finish_reason: Some(finish_reason(finish)),
            stop_reason: Some(stop_reason(finish)),
            additional_model_response_fields: beside.fields,
        }
    }
}

impl OfAnswer for Choice {
    const ID_PREFIX: &'static str = "cmpl";
    const OBJECT: &'static str = "text_completion";

    fn new(index: usize, opening: &str, completion: Completion) -> Self {
        let Completion {
            text,
            finish,
            beside,
            ..
        } = completion;
        Self {
            index,
            logprobs: None,
            finish_reason: finish_reason(&finish),
            stop_reason: stop_reason(&finish),
            empty: is_blank(&text),
            text: format!("{opening}{text}"),
            additional_model_response_fields: beside.fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str, param: &str, code: &str) {
        let error = Request::parse(body.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(
            (error.param(), error.row().code),
            (Some(param), code),
            "{body}: {error}"
        );
    }

    #[test]
    fn a_request_has_openais_defaults() {
        let request = Request::parse(br#"{"prompt":"Hi"}"#, &Limits::default()).unwrap();
        assert_eq!(request.prompts, ["Hi"]);
        assert_eq!((request.n, request.echo), (1, false));
        assert_eq!(
            request.inference,
            Inference {
                max_tokens: Some(16),
                ..Inference::default()
            }
        );
    }

    #[test]
    fn fields_that_change_nothing_are_accepted() {
        let body = br#"{"model":"amazon.titan-tg1-large","prompt":["a","b"],"n":2,"best_of":2,"suffix":"",
            "logprobs":null,"logit_bias":{},"presence_penalty":0,"frequency_penalty":0.0,"repetition_penalty":1,
            "min_tokens":0,"stop":[],"user":"u","metadata":{"k":1},"store":false,"stream":false,"echo":true}"#;
        let request = Request::parse(body, &Limits::default()).unwrap();
        assert_eq!(
            request.inference,
            Inference {
                max_tokens: Some(16),
                ..Inference::default()
            }
        );
        assert_eq!(
            (request.prompts.len(), request.n, request.echo),
            (2, 2, true)
        );
    }

    #[test]
    fn bad_input_names_the_field() {
        refused(r#"{}"#, "prompt", "missing_required_parameter");
        refused(r#"{"prompt":""}"#, "prompt", "invalid_value");
        refused("{\"prompt\":\" \u{200b}\"}", "prompt", "invalid_value");
        refused(r#"{"prompt":["a"," "]}"#, "prompt[1]", "invalid_value");
        refused(r#"{"prompt":[]}"#, "prompt", "invalid_value");
        refused(r#"{"prompt":5}"#, "prompt", "invalid_value");
        refused(r#"{"prompt":[1,2]}"#, "prompt", "unsupported_parameter");
        refused(r#"{"prompt":"a","n":0}"#, "n", "invalid_value");
        refused(r#"{"prompt":"a","n":11}"#, "n", "invalid_value");
        refused(
            r#"{"prompt":["a","a","a","a","a"],"n":9}"#,
            "n",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"a","logprobs":3}"#,
            "logprobs",
            "unsupported_parameter",
        );
        refused(r#"{"prompt":"a","n":1.5}"#, "n", "invalid_value");
        refused(
            r#"{"prompt":"a","max_token":5}"#,
            "max_token",
            "unknown_parameter",
        );
        refused(
            r#"{"prompt":"a","temperature":"hot"}"#,
            "temperature",
            "invalid_value",
        );
        refused(
            r#"{"prompt":"a","temperature":1e400}"#,
            "temperature",
            "invalid_value",
        );
        refused(r#"{"prompt":"a","stop":5}"#, "stop", "invalid_value");
        refused(
            r#"{"prompt":"a","suffix":"b"}"#,
            "suffix",
            "unsupported_parameter",
        );
        refused(
            r#"{"prompt":"a","best_of":3}"#,
            "best_of",
            "unsupported_parameter",
        );
        refused(
            r#"{"prompt":"a","stream":true,"stream_options":{"include_obfuscation":true}}"#,
            "stream_options.include_obfuscation",
            "unsupported_parameter",
        );
        refused(
            r#"{"prompt":"a","stream":true,"stream_options":{"usage":true}}"#,
            "stream_options.usage",
            "unknown_parameter",
        );
        refused(
            r#"{"prompt":"a","stream_options":{}}"#,
            "stream_options",
            "invalid_value",
        );
        refused(r#"{"prompt":"a","api":"magic"}"#, "api", "invalid_value");
        refused(
            r#"{"prompt":"a","max_tokens":5,"max_completion_tokens":6}"#,
            "max_completion_tokens",
            "invalid_value",
        );
    }

    #[test]
    fn a_limit_is_named() {
        let limits = Limits {
            prompt_characters: 3,
            answers: 2,
            max_tokens: 100,
            ..Limits::default()
        };
        for (body, param, code, says) in [
            (
                r#"{"prompt":"🦊🦊🦊🦊"}"#,
                "prompt",
                "prompt_too_long",
                "at most 3 characters",
            ),
            (
                r#"{"prompt":["a","abcd"]}"#,
                "prompt[1]",
                "prompt_too_long",
                "at most 3 characters",
            ),
            (
                r#"{"prompt":"🦊","n":3}"#,
                "n",
                "invalid_value",
                "between 1 and 2",
            ),
            (
                r#"{"prompt":"a","max_tokens":101}"#,
                "max_tokens",
                "invalid_value",
                "at most 100",
            ),
            (
                r#"{"prompt":"a","max_completion_tokens":101}"#,
                "max_completion_tokens",
                "invalid_value",
                "at most 100",
            ),
        ] {
            let error = Request::parse(body.as_bytes(), &limits).unwrap_err();
            assert_eq!(
                (error.param(), error.row().code),
                (Some(param), code),
                "{body}"
            );
            assert!(error.to_string().contains(says), "{error}");
        }
        let body = r#"{"prompt":["🦊🦊🦊"],"n":2,"max_tokens":100}"#;
        assert!(Request::parse(body.as_bytes(), &limits).is_ok());
    }
}
