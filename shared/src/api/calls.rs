//! The calls of tools in an answer, in OpenAI's shape: whole, and piece by piece.

use serde::Serialize;

use crate::dialogue::ToolUse;

/// What a call without input is given.
pub(super) const NO_INPUT: &str = "{}";

/// A call of a tool.
#[derive(Debug, Serialize)]
pub(super) struct ToolCall {
    id: String,
    r#type: &'static str,
    function: Function,
}

#[derive(Debug, Serialize)]
struct Function {
    name: String,
    /// JSON in a string.
    arguments: String,
}

impl From<ToolUse> for ToolCall {
    fn from(call: ToolUse) -> Self {
        let ToolUse { id, name, input } = call;
        Self {
            id,
            r#type: "function",
            function: Function {
                name,
                arguments: input.to_string(),
            },
        }
    }
}

/// A piece of a call of a tool: its beginning, or more of its arguments.
#[derive(Debug, Serialize)]
pub struct CallDelta {
    /// Which of the answer's calls it belongs to, from 0.
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: FunctionDelta,
}

#[derive(Debug, Serialize)]
struct FunctionDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    arguments: String,
}

impl CallDelta {
    /// The beginning.
    pub(super) fn begins(index: usize, id: String, name: String) -> Self {
        Self {
            index,
            id: Some(id),
            r#type: Some("function"),
            function: FunctionDelta {
                name: Some(name),
                arguments: String::new(),
            },
        }
    }

    /// More of the arguments.
    pub(super) fn arguments(index: usize, arguments: String) -> Self {
        Self {
            index,
            id: None,
            r#type: None,
            function: FunctionDelta {
                name: None,
                arguments,
            },
        }
    }
}
