//! An answer in any of the shapes that models of several makers have on Bedrock: `generation` (Meta),
//! `outputs` (Mistral), `choices` with `text`, `message` or `delta` (DeepSeek, OpenAI, Qwen).
//!
//! An imported model answers as its architecture does or as OpenAI's API does, whatever family it is
//! declared to be of (AWS userguide, `model-customization-import-model`; recorded traffic).

use serde::Deserialize;
use serde_json::Value;

use super::chat_completions::finish;
use super::{Chunk, Completion, Finish, InvocationMetrics, Reasoning, Thought, Usage, lenient};
use crate::Error;

#[derive(Debug, Deserialize)]
pub(super) struct AnyAnswer {
    #[serde(default)]
    generation: Option<String>,
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    generation_token_count: Option<u64>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    outputs: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default, rename = "amazon-bedrock-invocationMetrics")]
    metrics: Option<InvocationMetrics>,
}

#[derive(Debug, Default, Deserialize)]
struct Choice {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    delta: Option<Said>,
    /// Mistral's and DeepSeek's word. Beside a `finish_reason` it is a server's own: the token or the text that
    /// ended the answer.
    #[serde(default)]
    stop_reason: Option<Value>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
    /// The same, as newer servers call it.
    #[serde(default)]
    reasoning: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    completion_tokens: Option<u64>,
}

/// What all shapes say.
struct Read {
    /// `None` where there is no place for a text at all.
    text: Option<String>,
    thought: Option<String>,
    reason: Option<String>,
    usage: Option<Usage>,
    /// Meta's counts, which are of the text so far.
    so_far: Option<Usage>,
}

impl AnyAnswer {
    fn read(self) -> Read {
        let Self {
            generation,
            prompt_token_count,
            generation_token_count,
            stop_reason,
            choices,
            outputs,
            usage,
            metrics,
        } = self;
        let choice = choices.or(outputs).and_then(|list| list.into_iter().next());
        let is_chosen = choice.is_some();
        let Choice {
            text,
            message,
            delta,
            stop_reason: choice_stop_reason,
            finish_reason,
        } = choice.unwrap_or_default();
        let (content, thought) = message.or(delta).map_or((None, None), |said| {
            (said.content, said.reasoning_content.or(said.reasoning))
        });
        let choice_stop_reason = match choice_stop_reason {
            Some(Value::String(reason)) => Some(reason),
            Some(_) | None => None,
        };
        let counted =
            usage.and_then(|tokens| counts(tokens.prompt_tokens, tokens.completion_tokens));
        Read {
            text: generation
                .or(text)
                .or(content)
                .or_else(|| is_chosen.then(String::new)),
            thought: thought.filter(|thought| !thought.is_empty()),
            reason: finish_reason
                .or(choice_stop_reason)
                .or(stop_reason)
                .filter(|reason| !reason.is_empty()),
            usage: metrics.map(Usage::from).or(counted),
            so_far: counts(prompt_token_count, generation_token_count),
        }
    }
}

fn counts(input: Option<u64>, output: Option<u64>) -> Option<Usage> {
    Some(Usage {
        input: input?,
        output: output?,
        ..Usage::default()
    })
}

/// `family` is what the error names.
pub(super) fn decode(family: &'static str, answer: AnyAnswer) -> Result<Completion, Error> {
    let Read {
        text,
        thought,
        reason,
        usage,
        so_far,
    } = answer.read();
    let text =
        text.ok_or_else(|| Error::malformed(family, "generation, choices[0], outputs[0]"))?;
    let thought = thought.map(|text| Reasoning::Text {
        text,
        signature: None,
    });
    Ok(Completion {
        text,
        finish: reason.map_or(Finish::EndOfTurn, finish),
        usage: usage.or(so_far),
        reasoning: thought.into_iter().collect(),
        ..Completion::default()
    })
}

/// One chunk of a streamed answer, which counts at its end alone.
pub(super) fn decode_chunk(answer: AnyAnswer) -> Chunk {
    let Read {
        text,
        thought,
        reason,
        usage,
        so_far: _,
    } = answer.read();
    let reason = reason.filter(|reason| !reason.is_empty());
    Chunk {
        text: text.unwrap_or_default(),
        finish: reason.map(finish),
        usage,
        reasoning: thought.map(Thought::Text),
        ..Chunk::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: Value) -> AnyAnswer {
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn every_shape_of_a_whole_answer_is_read() {
        let usage = counts(Some(3), Some(2));
        for (body, usage) in [
            (
                json!({"generation": "Fish", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "length"}),
                usage,
            ),
            (
                json!({"outputs": [{"text": "Fish", "stop_reason": "length"}]}),
                None,
            ),
            (
                json!({"choices": [{"text": "Fish", "stop_reason": "length"}]}),
                None,
            ),
            (
                json!({"object": "text_completion", "choices": [{"text": "Fish", "finish_reason": "length", "logprobs": null}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
                usage,
            ),
            (
                json!({"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Fish"}, "finish_reason": "length"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
                usage,
            ),
        ] {
            let completion = decode("llama-3", read(body.clone())).unwrap();
            let expected = Completion {
                text: "Fish".to_owned(),
                finish: Finish::Length,
                usage,
                ..Completion::default()
            };
            assert_eq!(completion, expected, "{body}");
        }
    }

    #[test]
    fn every_shape_of_a_chunk_is_read() {
        for body in [
            json!({"generation": "Fish", "prompt_token_count": null, "generation_token_count": 2, "stop_reason": null}),
            json!({"outputs": [{"text": "Fish", "stop_reason": null}]}),
            json!({"choices": [{"text": "Fish", "finish_reason": null}]}),
            json!({"choices": [{"delta": {"content": "Fish"}, "finish_reason": null}]}),
        ] {
            let chunk = decode_chunk(read(body.clone()));
            let expected = Chunk {
                text: "Fish".to_owned(),
                ..Chunk::default()
            };
            assert_eq!(chunk, expected, "{body}");
        }
        let last = json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
        assert_eq!(decode_chunk(read(last)).usage, counts(Some(3), Some(2)));
    }

    #[test]
    fn a_thought_has_a_field_of_its_own_in_a_chat() {
        let said = json!({"content": "Fish", "reasoning_content": "They ask."});
        let whole = decode("qwen", read(json!({"choices": [{"message": said}]}))).unwrap();
        assert_eq!(
            whole.reasoning,
            [Reasoning::Text {
                text: "They ask.".to_owned(),
                signature: None
            }]
        );
        let chunk = decode_chunk(read(json!({"choices": [{"delta": said}]})));
        assert_eq!(chunk.reasoning, Some(Thought::Text("They ask.".to_owned())));
    }

    #[test]
    fn an_answer_without_a_text_is_malformed() {
        for body in [
            json!({}),
            json!({"choices": []}),
            json!({"completion": "x"}),
        ] {
            assert!(decode("llama-3", read(body)).is_err());
        }
    }
}
