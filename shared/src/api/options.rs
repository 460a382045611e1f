//! Bedrock's own options of a call, beside the inference parameters: how much to reason, a guardrail,
//! a service tier, latency, and fields that only the model knows.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fields::Fields;
use crate::Error;
use crate::closed_set::closed_set;

/// How many paths of response fields Converse takes.
const MOST_PATHS: usize = 10;

/// The longest path, in characters.
const LONGEST_PATH: usize = 256;

/// The longest id of a guardrail, in characters.
const LONGEST_IDENTIFIER: usize = 2_048;

/// Names that an additional field must not have, wherever it stands: they would lift this deployment's
/// bound on an answer's tokens, change what is answered to, or take text out of a guardrail's sight.
const RESERVED: [&str; 19] = [
    "max_tokens",
    "maxTokens",
    "maxTokenCount",
    "max_completion_tokens",
    "max_gen_len",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens_to_sample",
    "messages",
    "system",
    "prompt",
    "inputText",
    "message",
    "chat_history",
    "model",
    "stream",
    "n",
    "num_generations",
    "numResults",
];

/// What Bedrock's own fields begin with in a native body.
const OF_BEDROCK: &str = "amazon-bedrock-";

/// Bedrock's own options of a call. `Default` asks for none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// How much to reason; `None` leaves it to the model.
    pub thinking: Option<Thinking>,
    /// The guardrail that the request names.
    pub guardrail: Option<Guardrail>,
    /// The service tier, where it is not the default.
    pub tier: Option<Tier>,
    /// The latency, where the request says it.
    pub latency: Option<Latency>,
    /// Fields of the model's own, merged into those that this program sends.
    pub request_fields: Map<String, Value>,
    /// JSON Pointers to fields of the model's own answer.
    pub response_paths: Vec<String>,
}

/// How much a model is to reason before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all.
    Off,
    /// As much as this.
    Effort(Effort),
    /// With at most so many tokens, at least 1,024.
    Budget(i64),
    /// As the model sees fit.
    Adaptive,
}

closed_set! {
    /// How much to reason.
    pub enum Effort {
        /// As little as the model can.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// A fair amount.
        Medium = "medium",
        /// Much.
        High = "high",
    }
}

closed_set! {
    /// A service tier beside the default one.
    pub enum Tier {
        /// Cheaper, and slower under load.
        Flex = "flex",
        /// Dearer, and first under load.
        Priority = "priority",
        /// Capacity that was reserved.
        Reserved = "reserved",
    }
}

closed_set! {
    /// How fast an answer is to be.
    pub enum Latency {
        /// As usual.
        Standard = "standard",
        /// Faster, where a model has it.
        Optimized = "optimized",
    }
}

/// A guardrail that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Its id or ARN.
    pub id: String,
    /// Its version, or `DRAFT`.
    pub version: String,
    /// Whether the answer is to say which policies intervened.
    pub trace: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardrailField {
    identifier: String,
    version: String,
    #[serde(default)]
    trace: Option<Switch>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Switch {
    Enabled,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerformanceField {
    #[serde(default)]
    latency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThinkingField {
    r#type: ThinkingKind,
    #[serde(default)]
    budget_tokens: Option<i64>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum ThinkingKind {
    Enabled,
    Disabled,
    Adaptive,
}

impl Options {
    /// Takes the options that every request for text may have.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, Error> {
        Ok(Self {
            thinking: None,
            guardrail: guardrail(fields)?,
            tier: tier(fields)?,
            latency: latency(fields)?,
            request_fields: request_fields(fields)?,
            response_paths: response_paths(fields)?,
        })
    }

    /// Takes a chat's options: how much to reason as well.
    pub(super) fn take_with_thinking(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let thinking = thinking(fields)?;
        let options = Self::take(fields)?;
        Ok(Self {
            thinking,
            ..options
        })
    }
}

fn thinking(fields: &mut Fields<'_>) -> Result<Option<Thinking>, Error> {
    let effort = match fields.take::<String>("reasoning_effort")?.as_deref() {
        None => None,
        Some("none") => Some(Thinking::Off),
        Some(name) => {
            let effort = named(name, Effort::ALL, Effort::name);
            let effort = effort.ok_or_else(|| {
                Error::invalid(
                    "reasoning_effort",
                    "it must be `none`, `minimal`, `low`, `medium` or `high`",
                )
            })?;
            Some(Thinking::Effort(effort))
        }
    };
    let thinking = match fields.take::<ThinkingField>("thinking")? {
        None => None,
        Some(field) => Some(match (field.r#type, field.budget_tokens) {
            (ThinkingKind::Disabled, None) => Thinking::Off,
            (ThinkingKind::Adaptive, None) => Thinking::Adaptive,
            (ThinkingKind::Enabled, Some(budget @ 1_024..)) => Thinking::Budget(budget),
            (ThinkingKind::Enabled, Some(_)) => {
                let reason = "it must be at least 1024";
                return Err(Error::invalid("thinking.budget_tokens", reason));
            }
            (ThinkingKind::Enabled, None) => return Err(Error::missing("thinking.budget_tokens")),
            (ThinkingKind::Disabled | ThinkingKind::Adaptive, Some(_)) => {
                let reason = "it goes with the type `enabled` only";
                return Err(Error::invalid("thinking.budget_tokens", reason));
            }
        }),
    };
    match (effort, thinking) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "thinking",
            "it and `reasoning_effort` say the same; send one of them",
        )),
        (effort, thinking) => Ok(thinking.or(effort)),
    }
}

fn guardrail(fields: &mut Fields<'_>) -> Result<Option<Guardrail>, Error> {
    let Some(field) = fields.take::<GuardrailField>("guardrail")? else {
        return Ok(None);
    };
    let GuardrailField {
        identifier,
        version,
        trace,
    } = field;
    let is_id = (1..=LONGEST_IDENTIFIER).contains(&identifier.len())
        && identifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'-'));
    if !is_id {
        let reason = "it must be a guardrail's id or ARN";
        return Err(Error::invalid("guardrail.identifier", reason));
    }
    let is_number = (1..=8).contains(&version.len())
        && version.bytes().all(|byte| byte.is_ascii_digit())
        && !version.starts_with('0');
    if !is_number && version != "DRAFT" {
        let reason = "it must be a guardrail's version or `DRAFT`";
        return Err(Error::invalid("guardrail.version", reason));
    }
    Ok(Some(Guardrail {
        id: identifier,
        version,
        trace: trace == Some(Switch::Enabled),
    }))
}

fn tier(fields: &mut Fields<'_>) -> Result<Option<Tier>, Error> {
    match fields.take::<String>("service_tier")?.as_deref() {
        None | Some("auto" | "default") => Ok(None),
        Some(name) => named(name, Tier::ALL, Tier::name).map(Some).ok_or_else(|| {
            Error::invalid(
                "service_tier",
                "it must be `auto`, `default`, `flex`, `priority` or `reserved`",
            )
        }),
    }
}

fn latency(fields: &mut Fields<'_>) -> Result<Option<Latency>, Error> {
    let field = fields.take::<PerformanceField>("performance_config")?;
    match field.and_then(|field| field.latency) {
        None => Ok(None),
        Some(name) => named(&name, Latency::ALL, Latency::name)
            .map(Some)
            .ok_or_else(|| {
                Error::invalid(
                    "performance_config.latency",
                    "it must be `standard` or `optimized`",
                )
            }),
    }
}

fn request_fields(fields: &mut Fields<'_>) -> Result<Map<String, Value>, Error> {
    const NAME: &str = "additional_model_request_fields";
    let Some(given) = fields.object(NAME)? else {
        return Ok(Map::new());
    };
    match given.iter().find_map(|(key, value)| reserved(key, value)) {
        None => Ok(given),
        Some(path) => Err(Error::unsupported(
            format!("{NAME}.{path}"),
            "this deployment sets it itself; use the request's own field",
        )),
    }
}

/// The path of the first reserved name among a field and what is in it.
fn reserved(key: &str, value: &Value) -> Option<String> {
    if RESERVED.contains(&key) || key.starts_with(OF_BEDROCK) {
        return Some(key.to_owned());
    }
    let members = value.as_object()?;
    let path = members
        .iter()
        .find_map(|(key, value)| reserved(key, value))?;
    Some(format!("{key}.{path}"))
}

fn response_paths(fields: &mut Fields<'_>) -> Result<Vec<String>, Error> {
    const NAME: &str = "additional_model_response_field_paths";
    let paths = fields.take::<Vec<String>>(NAME)?.unwrap_or_default();
    if paths.len() > MOST_PATHS {
        let reason = format!("it must hold at most {MOST_PATHS} paths");
        return Err(Error::invalid(NAME, reason));
    }
    for (index, path) in paths.iter().enumerate() {
        if !path.starts_with('/') || path.chars().count() > LONGEST_PATH {
            return Err(Error::invalid(
                format!("{NAME}[{index}]"),
                format!(
                    "it must be a JSON Pointer, such as `/stop_sequence`, of at most {LONGEST_PATH} characters"
                ),
            ));
        }
    }
    Ok(paths)
}

fn named<T: Copy>(name: &str, all: &[T], name_of: impl Fn(T) -> &'static str) -> Option<T> {
    all.iter().copied().find(|one| name_of(*one) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(body: &str) -> Result<Options, Error> {
        Fields::read(body.as_bytes(), Options::take_with_thinking)
    }

    #[test]
    fn what_is_off_asks_for_nothing() {
        for body in [
            "{}",
            r#"{"service_tier":"auto"}"#,
            r#"{"service_tier":"default"}"#,
            r#"{"performance_config":{}}"#,
            r#"{"additional_model_request_fields":{},"additional_model_response_field_paths":[]}"#,
            r#"{"guardrail":null,"thinking":null,"reasoning_effort":null}"#,
        ] {
            assert_eq!(options(body), Ok(Options::default()), "{body}");
        }
    }

    #[test]
    fn each_option_is_read() {
        let body = r#"{"reasoning_effort":"low","service_tier":"flex",
            "performance_config":{"latency":"optimized"},
            "guardrail":{"identifier":"abc123","version":"DRAFT","trace":"enabled"},
            "additional_model_request_fields":{"anthropic_beta":["a"]},
            "additional_model_response_field_paths":["/stop_sequence"]}"#;
        let read = options(body).unwrap();
        assert_eq!(read.thinking, Some(Thinking::Effort(Effort::Low)));
        assert_eq!(read.tier, Some(Tier::Flex));
        assert_eq!(read.latency, Some(Latency::Optimized));
        let guardrail = read.guardrail.unwrap();
        assert_eq!(
            (guardrail.id.as_str(), guardrail.version.as_str()),
            ("abc123", "DRAFT")
        );
        assert!(guardrail.trace);
        assert_eq!(read.request_fields["anthropic_beta"][0], "a");
        assert_eq!(read.response_paths, ["/stop_sequence"]);
    }

    #[test]
    fn thinking_has_two_names_and_one_meaning() {
        for (body, thinking) in [
            (r#"{"reasoning_effort":"none"}"#, Thinking::Off),
            (r#"{"thinking":{"type":"disabled"}}"#, Thinking::Off),
            (r#"{"thinking":{"type":"adaptive"}}"#, Thinking::Adaptive),
            (
                r#"{"thinking":{"type":"enabled","budget_tokens":1024}}"#,
                Thinking::Budget(1_024),
            ),
        ] {
            assert_eq!(options(body).unwrap().thinking, Some(thinking), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, param, code) in [
            (
                r#"{"reasoning_effort":"most"}"#,
                "reasoning_effort",
                "invalid_value",
            ),
            (
                r#"{"reasoning_effort":"low","thinking":{"type":"adaptive"}}"#,
                "thinking",
                "invalid_value",
            ),
            (
                r#"{"thinking":{"type":"enabled"}}"#,
                "thinking.budget_tokens",
                "missing_required_parameter",
            ),
            (
                r#"{"thinking":{"type":"enabled","budget_tokens":1023}}"#,
                "thinking.budget_tokens",
                "invalid_value",
            ),
            (
                r#"{"thinking":{"type":"adaptive","budget_tokens":2000}}"#,
                "thinking.budget_tokens",
                "invalid_value",
            ),
            (
                r#"{"thinking":{"type":"adaptive","effort":1}}"#,
                "thinking.effort",
                "unknown_parameter",
            ),
            (
                r#"{"service_tier":"scale"}"#,
                "service_tier",
                "invalid_value",
            ),
            (
                r#"{"performance_config":{"latency":"fast"}}"#,
                "performance_config.latency",
                "invalid_value",
            ),
            (
                r#"{"guardrail":{"identifier":"a b","version":"1"}}"#,
                "guardrail.identifier",
                "invalid_value",
            ),
            (
                r#"{"guardrail":{"identifier":"ab","version":"01"}}"#,
                "guardrail.version",
                "invalid_value",
            ),
            (
                r#"{"guardrail":{"identifier":"ab","version":"1","mode":"x"}}"#,
                "guardrail.mode",
                "unknown_parameter",
            ),
            (
                r#"{"additional_model_request_fields":{"max_tokens":100000}}"#,
                "additional_model_request_fields.max_tokens",
                "unsupported_parameter",
            ),
            (
                r#"{"additional_model_request_fields":{"inferenceConfig":{"maxTokens":100000}}}"#,
                "additional_model_request_fields.inferenceConfig.maxTokens",
                "unsupported_parameter",
            ),
            (
                r#"{"additional_model_request_fields":{"amazon-bedrock-guardrailConfig":{"tagSuffix":"a"}}}"#,
                "additional_model_request_fields.amazon-bedrock-guardrailConfig",
                "unsupported_parameter",
            ),
            (
                r#"{"additional_model_response_field_paths":["stop_sequence"]}"#,
                "additional_model_response_field_paths[0]",
                "invalid_value",
            ),
            (
                r#"{"additional_model_response_field_paths":["/a","/a","/a","/a","/a","/a","/a","/a","/a","/a","/a"]}"#,
                "additional_model_response_field_paths",
                "invalid_value",
            ),
        ] {
            let error = options(body).unwrap_err();
            assert_eq!(
                (error.param(), error.row().code),
                (Some(param), code),
                "{body}: {error}"
            );
        }
    }
}
