//! Chat: `POST /v1/chat/completions`, with the history kept in the request.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::history::dialogue;
use super::inference::Inference;
use super::limits::Limits;
use super::options::Options;
use super::streamed::{self, Streaming, streaming};
use super::thinking::{self, ThinkingBlock};
use super::{
    OfAnswer, answers, bookkeeping, finish_reason, is_blank, is_false, stop_reason, wanted, written,
};
use crate::Error;
use crate::dialogue::Dialogue;
use crate::families::{Beside, Completion, Finish, Thought};
use crate::model::Wanted;

/// A request for the next turn of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The model, and the way to it.
    pub wanted: Wanted,
    /// The history.
    pub dialogue: Dialogue,
    /// How many alternatives.
    pub n: usize,
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

    /// The request that a bare prompt is.
    pub fn of_prompt(prompt: &str, limits: &Limits) -> Result<Self, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            messages: [Message<'a>; 1],
        }

        #[derive(Serialize)]
        struct Message<'a> {
            role: &'static str,
            content: &'a str,
        }

        let message = Message {
            role: "user",
            content: prompt,
        };
        let messages = [message];
        Self::parse(&written(&Body { messages })?, limits)
    }

    /// The names of all fields that a request may have.
    pub fn fields() -> Result<Vec<&'static str>, Error> {
        let smallest = br#"{"messages":[{"role":"user","content":"a"}]}"#;
        Fields::names(smallest, |fields| Self::take(fields, &Limits::default()))
    }

    fn take(fields: &mut Fields<'_>, limits: &Limits) -> Result<Self, Error> {
        let wanted = wanted(fields)?;
        let dialogue = dialogue(fields.require("messages")?, limits)?;
        let n = answers(fields, limits)?;
        let streaming = streaming(fields)?;
        let inference = Inference::take(fields, limits)?;
        fields.neutral("logprobs", |wanted: &bool| !wanted)?;
        fields.neutral("top_logprobs", |count: &i64| *count == 0)?;
        fields.neutral("logit_bias", |bias: &serde_json::Map<_, _>| bias.is_empty())?;
        fields.neutral("response_format", |format: &ResponseFormat| {
            format.r#type == "text"
        })?;
        fields.neutral("modalities", |kinds: &Vec<String>| kinds == &["text"])?;
        fields.neutral("tools", |tools: &Vec<serde_json::Value>| tools.is_empty())?;
        fields.neutral("functions", |tools: &Vec<serde_json::Value>| {
            tools.is_empty()
        })?;
        fields.neutral("tool_choice", |choice: &serde_json::Value| {
            choice == "none" || choice == "auto"
        })?;
        fields.neutral("function_call", |choice: &serde_json::Value| {
            choice == "none" || choice == "auto"
        })?;
        fields.neutral("verbosity", |verbosity: &String| verbosity == "medium")?;
        for name in ["audio", "prediction", "web_search_options"] {
            fields.refuse(name)?;
        }
        fields.accept("parallel_tool_calls")?;
        let options = Options::take_with_thinking(fields)?;
        bookkeeping(fields)?;
        Ok(Self {
            wanted,
            dialogue,
            n,
            streaming,
            inference,
            options,
        })
    }
}

#[derive(Deserialize)]
struct ResponseFormat {
    r#type: String,
}

/// One alternative.
#[derive(Debug, Serialize)]
pub struct Choice {
    index: usize,
    message: Reply,
    logprobs: Option<()>,
    finish_reason: String,
    stop_reason: String,
    #[serde(skip_serializing_if = "is_false")]
    empty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Reply {
    role: &'static str,
    content: String,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<ThinkingBlock>,
}

/// A part of one alternative.
#[derive(Debug, Serialize)]
pub struct Delta {
    index: usize,
    delta: More,
    logprobs: Option<()>,
    finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_model_response_fields: Option<serde_json::Value>,
}

#[derive(Debug, Default, Serialize)]
struct More {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    thinking_blocks: Vec<ThinkingBlock>,
}

impl Delta {
    fn of(index: usize, delta: More, finish: Option<&Finish>) -> Self {
        Self {
            index,
            delta,
            logprobs: None,
            finish_reason: finish.map(finish_reason),
            stop_reason: finish.map(stop_reason),
            additional_model_response_fields: None,
        }
    }
}

impl streamed::Delta for Delta {
    type Whole = Choice;

    const OBJECT: &'static str = "chat.completion.chunk";

    fn opening(index: usize) -> Option<Self> {
        let role = More {
            role: Some("assistant"),
            content: Some(String::new()),
            ..More::default()
        };
        Some(Self::of(index, role, None))
    }

    fn text(index: usize, text: String) -> Self {
        let content = More {
            content: Some(text),
            ..More::default()
        };
        Self::of(index, content, None)
    }

    fn thought(index: usize, thought: Thought) -> Option<Self> {
        let delta = match thought {
            Thought::Text(text) => More {
                reasoning_content: Some(text),
                ..More::default()
            },
            Thought::Signature(signature) => More {
                thinking_blocks: vec![ThinkingBlock::signature(signature)],
                ..More::default()
            },
            Thought::Redacted(bytes) => More {
                thinking_blocks: vec![ThinkingBlock::redacted(&bytes)],
                ..More::default()
            },
        };
        Some(Self::of(index, delta, None))
    }

    fn end(index: usize, finish: &Finish, beside: Beside) -> Self {
        Self {
            additional_model_response_fields: beside.fields,
            ..Self::of(index, More::default(), Some(finish))
        }
    }
}

impl OfAnswer for Choice {
    const ID_PREFIX: &'static str = "chatcmpl";
    const OBJECT: &'static str = "chat.completion";

    fn new(index: usize, opening: &str, completion: Completion) -> Self {
        let Completion {
            text,
            finish,
            usage: _,
            tool_calls: _,
            reasoning,
            beside,
        } = completion;
        let (reasoning_content, thinking_blocks) = thinking::told(reasoning);
        Self {
            index,
            empty: is_blank(&text),
            message: Reply {
                role: "assistant",
                content: format!("{opening}{text}"),
                refusal: None,
                reasoning_content,
                thinking_blocks,
            },
            logprobs: None,
            finish_reason: finish_reason(&finish),
            stop_reason: stop_reason(&finish),
            additional_model_response_fields: beside.fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_would_change_the_answer_are_refused_by_name() {
        for (option, param) in [
            (r#""tools":[{"type":"function"}]"#, "tools"),
            (
                r#""response_format":{"type":"json_object"}"#,
                "response_format",
            ),
            (r#""logprobs":true"#, "logprobs"),
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":"a"}}],{option}}}"#);
            let error = Request::parse(body.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(
                (error.param(), error.row().code),
                (Some(param), "unsupported_parameter"),
                "{option}"
            );
        }
    }
}
