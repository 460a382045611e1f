//! What a model is said to think. No model thinks here: the text says so, and the signature is made
//! of it, so that a text that was changed on its way back shows (`docs:
//! claude-messages-extended-thinking`, `nova2: extended-thinking`, `model-parameters-openai`).

use serde::Deserialize;

use crate::catalogue::{Family, Model};
use crate::error::Failure;
use crate::families::TextFamily;

/// The fewest tokens that Claude thinks with.
const LEAST_BUDGET: i64 = 1_024;

/// `thinking`, of Claude.
#[derive(Deserialize)]
pub(super) struct Claude {
    r#type: String,
    #[serde(default)]
    budget_tokens: Option<i64>,
}

/// `reasoningConfig`, of Nova 2.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Nova {
    r#type: String,
    #[serde(default)]
    max_reasoning_effort: Option<String>,
}

/// What is asked beside it that Claude and Nova look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    pub max_tokens: Option<i64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: bool,
    pub prefill: bool,
}

/// What an answer says that a model thought, and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thought {
    pub text: String,
    pub signature: Option<String>,
}

/// Whether a Claude thinks when it is asked to.
fn claude_thinks(model: &Model) -> bool {
    model.family == Family::Text(TextFamily::ClaudeMessages)
        && (model.id.contains("claude-3-7") || !model.id.contains("claude-3"))
}

fn nova_thinks(model: &Model) -> bool {
    model.id.contains("nova-2")
}

/// Whether a model takes back what it thought.
pub(super) fn returns(model: &Model) -> bool {
    claude_thinks(model) || nova_thinks(model)
}

/// What Claude thinks with this request.
pub(super) fn of_claude(
    model: &Model,
    asked: Option<Claude>,
    beside: Beside,
) -> Result<Option<Thought>, Failure> {
    let Some(Claude {
        r#type,
        budget_tokens,
    }) = asked
    else {
        return Ok(None);
    };
    if r#type == "disabled" {
        return Ok(None);
    }
    if !claude_thinks(model) {
        return Err(model_says("thinking: Extra inputs are not permitted"));
    }
    let with = match (r#type.as_str(), budget_tokens) {
        ("adaptive", None) => "as it saw fit".to_owned(),
        ("enabled", None) => {
            return Err(model_says("thinking.enabled.budget_tokens: Field required"));
        }
        ("enabled", Some(budget)) if budget < LEAST_BUDGET => {
            return Err(model_says(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            ));
        }
        ("enabled", Some(budget)) => {
            if beside.max_tokens.is_some_and(|most| most <= budget) {
                return Err(model_says(
                    "`max_tokens` must be greater than `thinking.budget_tokens`.",
                ));
            }
            format!("with {budget} tokens")
        }
        _ => {
            return Err(model_says(
                "thinking: Input tag does not match any of the expected tags",
            ));
        }
    };
    if beside.temperature.is_some_and(|value| value != 1.0) {
        return Err(model_says(
            "`temperature` may only be set to 1 when thinking is enabled.",
        ));
    }
    if beside.top_p.is_some_and(|value| value < 0.95) {
        return Err(model_says(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
        ));
    }
    if beside.top_k {
        return Err(model_says(
            "`top_k` must be unset when thinking is enabled.",
        ));
    }
    if beside.prefill {
        return Err(model_says(
            "When `thinking` is enabled, a final `assistant` message must start with a thinking block.",
        ));
    }
    let text = format!("[simulated] No language model thought this. It was to think {with}.");
    let signature = Some(signature(&text));
    Ok(Some(Thought { text, signature }))
}

/// What Nova 2 thinks with this request: it does not show it.
pub(super) fn of_nova(
    model: &Model,
    asked: Option<Nova>,
    beside: Beside,
) -> Result<Option<Thought>, Failure> {
    let Some(Nova {
        r#type,
        max_reasoning_effort,
    }) = asked
    else {
        return Ok(None);
    };
    if !nova_thinks(model) {
        return Err(model_says(
            "Malformed input request: #: extraneous key [reasoningConfig] is not permitted",
        ));
    }
    match (r#type.as_str(), max_reasoning_effort.as_deref()) {
        ("disabled", None) => return Ok(None),
        ("enabled", Some("low" | "medium")) => {}
        ("enabled", Some("high")) => {
            let bounded = beside.max_tokens.is_some()
                || beside.temperature.is_some()
                || beside.top_p.is_some()
                || beside.top_k;
            if bounded {
                return Err(model_says(
                    "maxTokens, temperature, topP and topK must be unset when maxReasoningEffort is high.",
                ));
            }
        }
        _ => {
            return Err(model_says(
                "Malformed input request: #/reasoningConfig is not valid",
            ));
        }
    }
    Ok(Some(Thought {
        text: "[REDACTED]".to_owned(),
        signature: None,
    }))
}

fn model_says(what: &str) -> Failure {
    Failure::validation(format!("The model returned the following errors: {what}"))
}

/// The signature of a text: it shows a change, and proves nothing.
pub(super) fn signature(text: &str) -> String {
    format!("local-{:016x}", fingerprint(text))
}

/// FNV-1a.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
