//! What a model thought, as a message says it: `reasoning_content` has the text, and
//! `thinking_blocks` what has to come back unchanged when the conversation goes on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::families::Reasoning;

/// A block of what a model thought, in the form that Claude's own API and LiteLLM have for it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ThinkingBlock {
    /// What it thought, with the signature that its maker demands back.
    Thinking {
        thinking: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// What it thought, encrypted; in base64.
    RedactedThinking { data: String },
}

impl ThinkingBlock {
    /// The signature of the block whose text came before, piece by piece.
    pub(super) fn signature(signature: String) -> Self {
        Self::Thinking {
            thinking: String::new(),
            signature: Some(signature),
        }
    }

    pub(super) fn redacted(bytes: &[u8]) -> Self {
        Self::RedactedThinking {
            data: STANDARD.encode(bytes),
        }
    }

    /// The block as it goes back to its maker.
    pub(super) fn read(self, path: &str) -> Result<Reasoning, Error> {
        match self {
            Self::Thinking {
                thinking,
                signature,
            } => Ok(Reasoning::Text {
                text: thinking,
                signature,
            }),
            Self::RedactedThinking { data } => {
                let bytes = STANDARD.decode(data);
                let bytes = bytes
                    .map_err(|_| Error::invalid(format!("{path}.data"), "it is not base64"))?;
                Ok(Reasoning::Redacted(bytes.into()))
            }
        }
    }
}

/// The message's `reasoning_content` and `thinking_blocks`. Without a signature nothing has to come
/// back, so that there are no blocks of models that do not sign.
pub(super) fn told(reasoning: Vec<Reasoning>) -> (Option<String>, Vec<ThinkingBlock>) {
    let mut content: Option<String> = None;
    let mut blocks = Vec::new();
    for reasoning in reasoning {
        match reasoning {
            Reasoning::Text { text, signature } => {
                content.get_or_insert_default().push_str(&text);
                if signature.is_some() {
                    blocks.push(ThinkingBlock::Thinking {
                        thinking: text,
                        signature,
                    });
                }
            }
            Reasoning::Redacted(bytes) => blocks.push(ThinkingBlock::redacted(&bytes)),
        }
    }
    (content, blocks)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    fn signed(text: &str) -> Reasoning {
        Reasoning::Text {
            text: text.to_owned(),
            signature: Some("c2ln".to_owned()),
        }
    }

    #[test]
    fn what_is_told_can_be_sent_back() {
        let reasoning = vec![
            signed("a"),
            Reasoning::Redacted(vec![0, 255].into()),
            signed("b"),
        ];
        let (content, blocks) = told(reasoning.clone());
        assert_eq!(content.as_deref(), Some("ab"));
        let written = to_value(&blocks).unwrap();
        let expected = json!([
            {"type": "thinking", "thinking": "a", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "AP8="},
            {"type": "thinking", "thinking": "b", "signature": "c2ln"},
        ]);
        assert_eq!(written, expected);
        let read: Vec<ThinkingBlock> = from_value(written).unwrap();
        let back: Result<Vec<_>, _> = read.into_iter().map(|block| block.read("p")).collect();
        assert_eq!(back.unwrap(), reasoning);
    }

    #[test]
    fn what_nobody_signed_need_not_come_back() {
        let unsigned = Reasoning::Text {
            text: "a".to_owned(),
            signature: None,
        };
        let (content, blocks) = told(vec![unsigned]);
        assert_eq!(content.as_deref(), Some("a"));
        assert!(blocks.is_empty());
        let (content, blocks) = told(Vec::new());
        assert!(content.is_none() && blocks.is_empty());
    }

    #[test]
    fn a_block_that_is_not_base64_is_named() {
        let block = ThinkingBlock::RedactedThinking {
            data: "%".to_owned(),
        };
        let error = block.read("messages[1].thinking_blocks[0]").unwrap_err();
        assert_eq!(error.param(), Some("messages[1].thinking_blocks[0].data"));
    }
}
