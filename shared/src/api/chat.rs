//! Chat: `POST /v1/chat/completions`, with the history kept in the request.

use serde::Serialize;

use super::calls::{CallDelta, ToolCall};
use super::fields::Fields;
use super::format::format;
use super::history::{History, history};
use super::inference::Inference;
use super::limits::Limits;
use super::options::Options;
use super::streamed::{self, Streaming, streaming};
use super::thinking::{self, ThinkingBlock};
use super::tools::tools;
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
    /// Whether the oldest turns are left out where the history does not fit; `None` leaves it to the
    /// deployment.
    pub trims: Option<bool>,
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
        let History { system, turns } = history(fields.require("messages")?, limits)?;
        let dialogue = Dialogue {
            system,
            turns,
            tools: tools(fields)?,
            format: format(fields)?,
        };
        let n = answers(fields, limits)?;
        let streaming = streaming(fields)?;
        let inference = Inference::take(fields, limits)?;
        fields.neutral("logprobs", |wanted: &bool| !wanted)?;
        fields.neutral("top_logprobs", |count: &i64| *count == 0)?;
        fields.neutral("logit_bias", |bias: &serde_json::Map<_, _>| bias.is_empty())?;
        fields.neutral("modalities", |kinds: &Vec<String>| kinds == &["text"])?;
        fields.neutral("verbosity", |verbosity: &String| verbosity == "medium")?;
        for name in ["audio", "prediction", "web_search_options"] {
            fields.refuse(name)?;
        }
        let options = Options::take_with_thinking(fields)?;
        let trims = truncation(fields)?;
        bookkeeping(fields)?;
        Ok(Self {
            wanted,
            dialogue,
            n,
            streaming,
            inference,
            options,
            trims,
        })
    }
}

/// Takes `truncation`, as OpenAI's Responses have it.
fn truncation(fields: &mut Fields<'_>) -> Result<Option<bool>, Error> {
    match fields.take::<String>("truncation")?.as_deref() {
        None => Ok(None),
        Some("auto") => Ok(Some(true)),
        Some("disabled") => Ok(Some(false)),
        Some(_) => Err(Error::invalid(
            "truncation",
            "it must be `auto` or `disabled`",
        )),
    }
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
    /// Null where there are calls of tools alone.
    content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallDelta>,
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

    fn call(index: usize, call: CallDelta) -> Option<Self> {
        let delta = More {
            tool_calls: vec![call],
            ..More::default()
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
            tool_calls,
            reasoning,
            beside,
        } = completion;
        let (reasoning_content, thinking_blocks) = thinking::told(reasoning);
        Self {
            index,
            empty: is_blank(&text) && tool_calls.is_empty(),
            message: Reply {
                role: "assistant",
                content: match tool_calls.is_empty() || !text.is_empty() {
                    true => Some(format!("{opening}{text}")),
                    false => None,
                },
                tool_calls: tool_calls.into_iter().map(ToolCall::from).collect(),
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
    use serde_json::{Value, json};

    use super::*;
    use crate::dialogue::ToolUse;

    fn message(text: &str, tool_calls: Vec<ToolUse>) -> Value {
        let completion = Completion {
            text: text.to_owned(),
            finish: Finish::ToolUse,
            tool_calls,
            ..Completion::default()
        };
        serde_json::to_value(Choice::new(0, "", completion)).unwrap()
    }

    #[test]
    fn calls_stand_beside_the_text_or_in_its_place() {
        let call = ToolUse {
            id: "t1".to_owned(),
            name: "f".to_owned(),
            input: json!({"a": [1]}),
        };
        let called = json!([{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":[1]}"}}]);
        let alone = message("", vec![call.clone()]);
        assert_eq!(alone["message"]["content"], Value::Null);
        assert_eq!(alone["message"]["tool_calls"], called);
        assert_eq!(alone["finish_reason"], "tool_calls");
        assert!(alone.get("empty").is_none());

        let beside = message("Let me see.", vec![call]);
        assert_eq!(beside["message"]["content"], "Let me see.");
        assert_eq!(beside["message"]["tool_calls"], called);

        let none = message("", Vec::new());
        assert_eq!(none["message"]["content"], "");
        assert!(none["message"].get("tool_calls").is_none());
        assert_eq!(none["empty"], true);
    }

    #[test]
    fn options_that_would_change_the_answer_are_refused_by_name() {
        for (option, param) in [
            (r#""logprobs":true"#, "logprobs"),
            (r#""audio":{}"#, "audio"),
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
