//! A streamed answer in OpenAI's shapes: one JSON document a chunk.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::calls::{CallDelta, NO_INPUT};
use super::fields::Fields;
use super::{OfAnswer, Served, TokenUsage};
use crate::Error;
use crate::families::{Beside, Chunk, Finish, Thought, ToolDelta, Usage};

/// The longest text of one chunk, in bytes: escaped it still fits a line of 128 KiB, which is what
/// readers of server-sent events are built for.
const LONGEST_TEXT: usize = 16 * 1024;

/// How an answer is to be streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streaming {
    /// Whether a last chunk tells the tokens used.
    pub include_usage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    include_usage: Option<bool>,
    /// Padding against an observer of the traffic's sizes; TLS carries it or not.
    #[serde(default)]
    include_obfuscation: Option<bool>,
}

/// Takes `stream` and `stream_options`; `None` for an answer that is sent whole.
pub(super) fn streaming(fields: &mut Fields<'_>) -> Result<Option<Streaming>, Error> {
    let stream = fields.take::<bool>("stream")?.unwrap_or(false);
    let options = fields.take::<Options>("stream_options")?;
    match (stream, options) {
        (true, options) => {
            if options
                .as_ref()
                .is_some_and(|options| options.include_obfuscation == Some(true))
            {
                return Err(Error::unsupported(
                    "stream_options.include_obfuscation",
                    "chunks are not padded",
                ));
            }
            let include_usage = options.and_then(|options| options.include_usage);
            Ok(Some(Streaming {
                include_usage: include_usage.unwrap_or(false),
            }))
        }
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Error::invalid(
            "stream_options",
            "it goes with `stream: true` only",
        )),
    }
}

/// How one route writes its choices.
pub trait Delta: Serialize {
    /// The whole answer's choice, whose id prefix the chunks share.
    type Whole: OfAnswer;

    /// The chunks' `object`.
    const OBJECT: &'static str;

    /// What opens a choice, before any text, if anything does.
    fn opening(index: usize) -> Option<Self>
    where
        Self: Sized;

    /// More text of a choice.
    fn text(index: usize, text: String) -> Self;

    /// More of what the model thinks; `None` where the route has no place for it.
    fn thought(index: usize, thought: Thought) -> Option<Self>
    where
        Self: Sized;

    /// A piece of a call of a tool; `None` where the route has no place for it.
    fn call(index: usize, call: CallDelta) -> Option<Self>
    where
        Self: Sized;

    /// A choice's end, and what is said beside it.
    fn end(index: usize, finish: &Finish, beside: Beside) -> Self;
}

#[derive(Serialize)]
struct Document<'a, D> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [D],
    /// Without the option there is no such key; with it, it is null but in the last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<TokenUsage>>,
    #[serde(flatten)]
    served: Option<&'a Served>,
    /// In the first chunk alone, and only where turns were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    history_trimmed: Option<usize>,
}

/// Writes the chunks of one answer.
#[derive(Debug)]
pub struct Writer<D> {
    id: String,
    created: u64,
    model: String,
    streaming: Streaming,
    choices: Vec<Choice>,
    served: Served,
    /// How many turns of the history were left out, until it has been told.
    trimmed: Option<usize>,
    delta: PhantomData<fn() -> D>,
}

#[derive(Debug)]
struct Choice {
    /// The text that stands before the model's own, until it has been written.
    opening: Option<String>,
    usage: Option<Usage>,
    calls: Calls,
}

/// The calls of tools that a choice has so far.
#[derive(Debug, Default)]
struct Calls {
    begun: usize,
    /// The last has no arguments yet.
    is_bare: bool,
}

impl Calls {
    fn write(&mut self, delta: ToolDelta) -> Vec<CallDelta> {
        match delta {
            ToolDelta::Begins { id, name } => {
                let mut deltas: Vec<_> = self.end().into_iter().collect();
                deltas.push(CallDelta::begins(self.begun, id, name));
                self.begun += 1;
                self.is_bare = true;
                deltas
            }
            ToolDelta::Input(json) => {
                self.is_bare &= json.is_empty();
                let index = self.begun.saturating_sub(1);
                pieces(&json)
                    .map(|piece| CallDelta::arguments(index, piece))
                    .collect()
            }
        }
    }

    /// Arguments that are JSON for a call that got none.
    fn end(&mut self) -> Option<CallDelta> {
        let index = self.begun.saturating_sub(1);
        std::mem::take(&mut self.is_bare).then(|| CallDelta::arguments(index, NO_INPUT.to_owned()))
    }
}

impl<D: Delta> Writer<D> {
    /// The writer of an answer to the request with this id. Of each of its choices, `openings`
    /// has the text that stands before the model's own, such as an echoed prompt.
    pub fn new(
        request_id: &str,
        created: u64,
        model: String,
        openings: Vec<String>,
        streaming: Streaming,
    ) -> Self {
        let choice = |opening| Choice {
            opening: Some(opening),
            usage: None,
            calls: Calls::default(),
        };
        Self {
            id: format!("{}-{request_id}", D::Whole::ID_PREFIX),
            created,
            model,
            streaming,
            choices: openings.into_iter().map(choice).collect(),
            served: Served::default(),
            trimmed: None,
            delta: PhantomData,
        }
    }

    /// The same for a chat without so many turns of its history; the first document says it.
    #[must_use]
    pub fn of_trimmed(self, turns: usize) -> Self {
        Self {
            trimmed: (turns > 0).then_some(turns),
            ..self
        }
    }

    /// What a chunk of the choice with this index becomes: none, one or several documents.
    pub fn write(&mut self, index: usize, chunk: Chunk) -> Result<Vec<String>, Error> {
        self.served.note(&chunk);
        let Chunk {
            text,
            finish,
            usage,
            reasoning,
            beside,
            tool,
        } = chunk;
        let mut deltas = Vec::new();
        let mut calls = Vec::new();
        if let Some(choice) = self.choices.get_mut(index) {
            choice.usage = usage.or(choice.usage);
            if let Some(opening) = choice.opening.take() {
                deltas.extend(D::opening(index));
                deltas.extend(texts(index, &opening));
            }
            calls.extend(tool.into_iter().flat_map(|tool| choice.calls.write(tool)));
            if finish.is_some() {
                calls.extend(choice.calls.end());
            }
        }
        deltas.extend(
            reasoning
                .into_iter()
                .flat_map(|thought| thoughts(index, thought)),
        );
        deltas.extend(texts(index, &text));
        let calls = calls.into_iter();
        deltas.extend(calls.filter_map(|call| D::call(index, call)));
        deltas.extend(finish.map(|finish| D::end(index, &finish, beside)));
        deltas
            .into_iter()
            .map(|delta| {
                let trimmed = self.trimmed.take();
                self.document(&[delta], None, None, trimmed)
            })
            .collect()
    }

    /// What ends the answer, and the tokens that all choices used.
    pub fn end(&self) -> Result<(Option<String>, Option<Usage>), Error> {
        let usage = Usage::sum(self.choices.iter().map(|choice| choice.usage));
        let last = match self.streaming.include_usage {
            true => Some(self.document(&[], usage, Some(&self.served), None)?),
            false => None,
        };
        Ok((last, usage))
    }

    fn document(
        &self,
        choices: &[D],
        usage: Option<Usage>,
        served: Option<&Served>,
        history_trimmed: Option<usize>,
    ) -> Result<String, Error> {
        let document = Document {
            id: &self.id,
            object: D::OBJECT,
            created: self.created,
            model: &self.model,
            choices,
            usage: self
                .streaming
                .include_usage
                .then(|| usage.map(|usage| TokenUsage::of(usage, &self.served))),
            served,
            history_trimmed,
        };
        serde_json::to_string(&document).map_err(|_| Error::defect("chunk"))
    }
}

/// The text in pieces that are not too long, cut between characters.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, more) = rest.split_at_checked(rest.floor_char_boundary(LONGEST_TEXT))?;
        rest = more;
        (!piece.is_empty()).then(|| piece.to_owned())
    })
}

fn texts<D: Delta>(index: usize, text: &str) -> impl Iterator<Item = D> {
    pieces(text).map(move |piece| D::text(index, piece))
}

fn thoughts<D: Delta>(index: usize, thought: Thought) -> Vec<D> {
    let thoughts = match thought {
        Thought::Text(text) => pieces(&text).map(Thought::Text).collect(),
        whole @ (Thought::Signature(_) | Thought::Redacted(_)) => vec![whole],
    };
    let deltas = thoughts.into_iter();
    deltas
        .filter_map(|thought| D::thought(index, thought))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{chat, completion};

    const USAGE: Usage = Usage {
        input: 3,
        output: 2,
        cache_read: 0,
        cache_write: 0,
    };

    fn chunk(text: &str, finish: Option<Finish>, usage: Option<Usage>) -> Chunk {
        Chunk {
            text: text.to_owned(),
            finish,
            usage,
            ..Chunk::default()
        }
    }

    fn run<D: Delta>(include_usage: bool, chunks: Vec<(usize, Chunk)>) -> Vec<Value> {
        let streaming = Streaming { include_usage };
        let openings = vec![String::new(), "echo ".to_owned()];
        let mut writer =
            Writer::<D>::new("8d1c", 1_700_000_000, "m".to_owned(), openings, streaming);
        let mut documents: Vec<String> = chunks
            .into_iter()
            .flat_map(|(index, chunk)| writer.write(index, chunk).unwrap())
            .collect();
        documents.extend(writer.end().unwrap().0);
        documents
            .iter()
            .map(|document| serde_json::from_str(document).unwrap())
            .collect()
    }

    #[test]
    fn a_chat_opens_with_the_role_and_ends_with_a_reason() {
        let documents = run::<chat::Delta>(
            false,
            vec![
                (0, chunk("Hi", None, None)),
                (0, chunk("", Some(Finish::EndOfTurn), None)),
                (0, chunk("", None, Some(USAGE))),
            ],
        );
        let choices: Vec<_> = documents
            .iter()
            .map(|document| &document["choices"][0])
            .collect();
        assert_eq!(
            choices,
            [
                &json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null, "finish_reason": null}),
                &json!({"index": 0, "delta": {"content": "Hi"}, "logprobs": null, "finish_reason": null}),
                &json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop", "stop_reason": "end_turn"}),
            ]
        );
        for document in &documents {
            assert_eq!(document["id"], "chatcmpl-8d1c");
            assert_eq!(document["object"], "chat.completion.chunk");
            assert_eq!(document["created"], 1_700_000_000);
            assert!(document.get("usage").is_none());
        }
    }

    #[test]
    fn calls_of_tools_are_counted_and_have_json_each() {
        let tool = |tool| Chunk {
            tool: Some(tool),
            ..Chunk::default()
        };
        let begins = |id: &str, name: &str| {
            tool(ToolDelta::Begins {
                id: id.to_owned(),
                name: name.to_owned(),
            })
        };
        let input = |json: &str| tool(ToolDelta::Input(json.to_owned()));
        let documents = run::<chat::Delta>(
            false,
            [
                chunk("Let me see.", None, None),
                begins("t1", "f"),
                input(""),
                begins("t2", "g"),
                input("{\"a\""),
                input(":1}"),
                begins("t3", "h"),
                chunk("", Some(Finish::ToolUse), None),
            ]
            .map(|chunk| (0, chunk))
            .into(),
        );
        let choices: Vec<_> = documents
            .iter()
            .map(|document| &document["choices"][0])
            .collect();
        let calls: Vec<_> = choices
            .iter()
            .map(|choice| &choice["delta"]["tool_calls"])
            .filter(|calls| !calls.is_null())
            .collect();
        let begun = |index: usize, id: &str, name: &str| json!([{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]);
        let more = |index: usize, arguments: &str| json!([{"index": index, "function": {"arguments": arguments}}]);
        assert_eq!(
            calls,
            [
                &begun(0, "t1", "f"),
                &more(0, "{}"),
                &begun(1, "t2", "g"),
                &more(1, "{\"a\""),
                &more(1, ":1}"),
                &begun(2, "t3", "h"),
                &more(2, "{}"),
            ]
        );
        let last = choices.last().unwrap();
        assert_eq!(last["finish_reason"], "tool_calls");
        assert_eq!(last["stop_reason"], "tool_use");
    }

    #[test]
    fn long_arguments_are_cut_into_short_lines() {
        let json = "x".repeat(40_000);
        let documents = run::<chat::Delta>(
            false,
            vec![(
                0,
                Chunk {
                    tool: Some(ToolDelta::Input(json.clone())),
                    ..Chunk::default()
                },
            )],
        );
        let pieces: Vec<_> = documents
            .iter()
            .filter_map(|document| {
                document["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
            })
            .collect();
        assert_eq!(pieces.concat(), json);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST_TEXT));
    }

    #[test]
    fn usage_is_null_until_the_last_chunk_which_has_the_sum() {
        let both = [0, 1].map(|index| (index, chunk("a", Some(Finish::Length), Some(USAGE))));
        let documents = run::<completion::Delta>(true, both.into());
        let (last, others) = documents.split_last().unwrap();
        assert_eq!(others.len(), 5);
        assert_eq!(others[2]["choices"][0]["text"], "echo ");
        assert!(
            others
                .iter()
                .all(|document| document["usage"] == Value::Null)
        );
        assert!(
            others
                .iter()
                .all(|document| document.get("usage").is_some())
        );
        assert_eq!(last["choices"], json!([]));
        assert_eq!(last["usage"]["prompt_tokens"], 6);
        assert_eq!(last["usage"]["total_tokens"], 10);
        assert_eq!(last["object"], "text_completion");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_into_short_lines() {
        let text = "\u{0}🦊".repeat(20_000);
        let documents = run::<completion::Delta>(false, vec![(0, chunk(&text, None, None))]);
        let joined: String = documents
            .iter()
            .map(|document| document["choices"][0]["text"].as_str().unwrap())
            .collect();
        assert_eq!(joined, text);
        for document in documents {
            assert!(document.to_string().len() < 128 * 1024);
        }
    }
}
