//! The environment, read once at cold start; nothing else reads it (but the AWS SDK its own
//! variables). A mistake ends the start with one line that names the variable.

mod events;
mod reporting;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderValue;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;

use crate::Error;
use crate::api::limits::{Limits, MOST_ANSWERS};
use crate::doors::api_gateway::Cors;
use crate::generation::History;
use crate::model::{Alias, Api, Directory, Family, ModelId, Target, Wanted};

pub use events::{Events, QueueUrls};
pub use reporting::Reporting;

/// How long a presigned URL may live at most: longer would outlive a role's credentials anyway.
const LONGEST_URL_LIFE: u64 = 3_600;

/// The largest body that is read. API Gateway's own limit is 10 MB, Lambda's is 6 MB of event.
const LARGEST_BODY: u64 = 6 * 1024 * 1024;

/// What a function is told by its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How to reach Bedrock.
    pub bedrock: Connection,
    /// The models.
    pub directory: Directory,
    /// Where images are kept.
    pub image_bucket: Option<String>,
    /// How long an image's URL lives.
    pub image_url_life: Duration,
    /// How much one request may ask for.
    pub limits: Limits,
    /// How a chat's history is kept within a model's window.
    pub history: History,
    /// How HTTP is spoken.
    pub http: Http,
    /// Which uploads and messages are taken, and where their results go.
    pub events: Events,
    /// How what is measured is reported.
    pub reporting: Reporting,
}

/// How HTTP is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Whether answers leave through Lambda's streaming response.
    pub streaming: bool,
    /// Who posts them to the Runtime API.
    pub responder: Responder,
    /// Which web pages may read them.
    pub cors: Cors,
    /// How long the gateway in front waits for an answer, from when it accepted the request.
    pub gateway_timeout: Option<Duration>,
    /// The largest body that is read, in bytes.
    pub largest_body: usize,
}

/// Who posts answers to the Runtime API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Responder {
    /// This crate, over connections that do not hold small packets back.
    Direct,
    /// `lambda_runtime` itself.
    Stock,
}

/// How to reach Bedrock, where that differs from the SDK's own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The region to call.
    pub region: Option<String>,
    /// The role to assume.
    pub role: Option<String>,
    /// The session's name, as CloudTrail shows it.
    pub session_name: String,
    /// The endpoint to call.
    pub endpoint: Option<String>,
    /// The guardrail that stands before and behind each model.
    pub guardrail: Option<Guardrail>,
    /// How long an answer may pause once it has begun.
    pub idle: Duration,
}

/// A guardrail of Bedrock's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Its id or ARN.
    pub id: String,
    /// Its version, or `DRAFT`.
    pub version: String,
}

/// The model of a request that names none: the variable that says it, and what it is without.
#[derive(Debug, Clone, Copy)]
pub struct DefaultModel {
    /// The variable's name.
    pub variable: &'static str,
    /// The model without the variable.
    pub id: &'static str,
}

impl DefaultModel {
    /// Refuses, at the start, a default model that the function's task cannot use.
    pub fn check<F>(
        self,
        directory: &Directory,
        family: impl FnOnce(&Target) -> Result<F, Error>,
    ) -> Result<(), Invalid> {
        let target = directory.find(&Wanted::default());
        match target.and_then(|target| family(&target)) {
            Ok(_) => Ok(()),
            Err(error) => Err(Invalid::new(
                self.variable,
                format!("is not usable: {error}"),
            )),
        }
    }
}

/// A variable that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} {reason}")]
pub struct Invalid {
    variable: &'static str,
    reason: String,
}

impl Invalid {
    /// A variable with what is wrong with it.
    pub fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        Self {
            variable,
            reason: reason.into(),
        }
    }
}

impl Config {
    /// Reads the process's environment.
    pub fn from_environment(default_model: Option<DefaultModel>) -> Result<Self, Invalid> {
        Self::read(default_model, variable)
    }

    /// Reads an environment. An empty variable is as if it were not set, which is how a template
    /// leaves an optional one out.
    pub fn read(
        default_model: Option<DefaultModel>,
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, Invalid> {
        let lookup = |name| {
            lookup(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let config = Self {
            bedrock: Connection {
                region: lookup("BEDROCK_REGION"),
                role: checked(
                    "BEDROCK_ASSUME_ROLE",
                    lookup,
                    "is not a role's ARN",
                    is_role,
                )?,
                session_name: checked(
                    "BEDROCK_ROLE_SESSION_NAME",
                    lookup,
                    "is not of 2 to 64 letters, digits or _+=,.@-",
                    is_session_name,
                )?
                .unwrap_or_else(|| "bedrock-lambdas".to_owned()),
                endpoint: checked(
                    "BEDROCK_ENDPOINT_URL",
                    lookup,
                    "is not an http or https URL",
                    is_endpoint,
                )?,
                guardrail: guardrail(lookup)?,
                idle: seconds("IDLE_TIMEOUT_SECONDS", lookup, 1..=900)?
                    .unwrap_or(Duration::from_secs(30)),
            },
            directory: Directory {
                default: default_model
                    .map(|model| lookup(model.variable).unwrap_or_else(|| model.id.to_owned())),
                aliases: aliases(lookup("MODEL_ALIASES"))?,
                allowed: allowed(lookup("ALLOWED_MODELS"))?,
                region: lookup("BEDROCK_REGION").or_else(|| lookup("AWS_REGION")),
            },
            image_bucket: lookup("IMAGE_BUCKET"),
            image_url_life: seconds("IMAGE_URL_SECONDS", lookup, 1..=LONGEST_URL_LIFE)?
                .unwrap_or(Duration::from_secs(LONGEST_URL_LIFE)),
            limits: limits(lookup)?,
            history: history(lookup)?,
            http: http(lookup)?,
            events: Events::read(lookup)?,
            reporting: Reporting::read(lookup)?,
        };
        let directory = &config.directory;
        if let (Some(model), Some(name)) = (default_model, &directory.default)
            && ModelId::parse(name).is_err()
            && !directory.aliases.contains_key(name)
        {
            let reason = "is neither a model id nor an alias";
            return Err(Invalid::new(model.variable, reason));
        }
        Ok(config)
    }
}

/// Both of its variables, or neither: without its version a guardrail would not be used.
fn guardrail(
    lookup: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<Guardrail>, Invalid> {
    let reason = "is not set, and the other of the guardrail's two variables is";
    match (lookup("GUARDRAIL_ID"), lookup("GUARDRAIL_VERSION")) {
        (None, None) => Ok(None),
        (Some(id), Some(version)) => Ok(Some(Guardrail { id, version })),
        (None, Some(_)) => Err(Invalid::new("GUARDRAIL_ID", reason)),
        (Some(_), None) => Err(Invalid::new("GUARDRAIL_VERSION", reason)),
    }
}

/// A variable whose value must be of a form.
fn checked(
    variable: &'static str,
    lookup: impl Fn(&'static str) -> Option<String>,
    fault: &'static str,
    is_good: fn(&str) -> bool,
) -> Result<Option<String>, Invalid> {
    match lookup(variable) {
        Some(value) if !is_good(&value) => Err(Invalid::new(variable, fault)),
        value => Ok(value),
    }
}

fn is_role(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/")
}

/// The pattern that STS states for `RoleSessionName`.
fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

fn is_endpoint(text: &str) -> bool {
    text.parse::<http::Uri>()
        .is_ok_and(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")))
}

/// The level that `RUST_LOG` asks for; `info` where it asks for none that is known. It is read
/// before the rest, so that a mistake in the rest can be logged.
pub fn log_level() -> LevelFilter {
    variable("RUST_LOG")
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO)
}

fn variable(name: &'static str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the environment"
    )]
    std::env::var(name).ok()
}

/// `{"gpt-4o": "us.amazon.nova-lite-v1:0", "mine": {"model": "arn:…", "family": "claude-messages",
/// "api": "invoke"}}`
fn aliases(text: Option<String>) -> Result<BTreeMap<String, Alias>, Invalid> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Id(String),
        Whole(Whole),
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        model: String,
        family: Option<String>,
        api: Option<Api>,
    }

    let invalid = |reason: String| Invalid::new("MODEL_ALIASES", reason);
    let Some(text) = text else {
        return Ok(BTreeMap::new());
    };
    let written: BTreeMap<String, Written> = serde_json::from_str(&text).map_err(|_| {
        invalid(
            "is not a JSON object from names to model ids or to {model, family, api}".to_owned(),
        )
    })?;
    written
        .into_iter()
        .map(|(name, alias)| {
            let Whole { model, family, api } = match alias {
                Written::Id(model) => Whole {
                    model,
                    family: None,
                    api: None,
                },
                Written::Whole(whole) => whole,
            };
            let id = ModelId::parse(&model)
                .map_err(|_| invalid(format!("has no model id at `{name}`")))?;
            let family = match family {
                None => None,
                Some(family) => Some(Family::named(&family).ok_or_else(|| {
                    invalid(format!(
                        "has at `{name}` a family other than {}",
                        Family::names()
                    ))
                })?),
            };
            let told = id.base().and_then(Family::of);
            match (told, family) {
                (Some(told), Some(family)) if told != family => Err(invalid(format!(
                    "says {family} at `{name}`, whose model is of {told}"
                ))),
                _ => Ok((name, Alias { id, family, api })),
            }
        })
        .collect()
}

/// Model ids and ARNs with commas between.
fn allowed(text: Option<String>) -> Result<Vec<ModelId>, Invalid> {
    listed(text)
        .into_iter()
        .map(|id| {
            ModelId::parse(&id).map_err(|_| {
                let reason = format!("holds `{id}`, which is no model id");
                Invalid::new("ALLOWED_MODELS", reason)
            })
        })
        .collect()
}

fn limits(lookup: impl Fn(&'static str) -> Option<String> + Copy) -> Result<Limits, Invalid> {
    let Limits {
        prompt_characters,
        history_characters,
        messages,
        answers,
        max_tokens,
        default_max_tokens,
    } = Limits::default();
    let size = |variable, range, usual: usize| {
        let value = number(variable, lookup, range)?;
        Ok::<_, Invalid>(value.map_or(usual, |value| value as usize))
    };
    let tokens = |variable, usual: i64| {
        let value = number(variable, lookup, 1..=1_000_000)?;
        Ok::<_, Invalid>(value.map_or(usual, u64::cast_signed))
    };
    Ok(Limits {
        prompt_characters: size("MAX_PROMPT_CHARACTERS", 1..=10_000_000, prompt_characters)?,
        history_characters: size("MAX_HISTORY_CHARACTERS", 1..=10_000_000, history_characters)?,
        messages: size("MAX_MESSAGES", 1..=1_000_000, messages)?,
        answers: size("MAX_ANSWERS", 1..=MOST_ANSWERS as u64, answers)?,
        max_tokens: tokens("MAX_TOKENS_LIMIT", max_tokens)?,
        default_max_tokens: tokens("DEFAULT_MAX_TOKENS", default_max_tokens)?,
    })
}

fn history(lookup: impl Fn(&'static str) -> Option<String> + Copy) -> Result<History, Invalid> {
    let trims = match lookup("HISTORY_TRIMMING").as_deref() {
        None | Some("disabled") => false,
        Some("auto") => true,
        Some(_) => {
            let reason = "is neither `auto` nor `disabled`";
            return Err(Invalid::new("HISTORY_TRIMMING", reason));
        }
    };
    let margin = number("HISTORY_MARGIN_TOKENS", lookup, 0..=1_000_000)?;
    Ok(History {
        trims,
        margin: margin.unwrap_or(History::default().margin),
    })
}

fn http(lookup: impl Fn(&'static str) -> Option<String> + Copy) -> Result<Http, Invalid> {
    let streaming = match lookup("HTTP_RESPONSE").as_deref() {
        None | Some("stream") => true,
        Some("buffered") => false,
        Some(_) => {
            let reason = "is neither `stream` nor `buffered`";
            return Err(Invalid::new("HTTP_RESPONSE", reason));
        }
    };
    let responder = match lookup("RUNTIME_RESPONDER").as_deref() {
        None | Some("direct") => Responder::Direct,
        Some("stock") => Responder::Stock,
        Some(_) => {
            let reason = "is neither `direct` nor `stock`";
            return Err(Invalid::new("RUNTIME_RESPONDER", reason));
        }
    };
    let origin = checked(
        "CORS_ALLOW_ORIGIN",
        lookup,
        "is not one origin such as https://example.com",
        is_origin,
    )?;
    let largest_body = number("MAX_BODY_BYTES", lookup, 1..=LARGEST_BODY)?;
    Ok(Http {
        streaming,
        responder,
        cors: Cors(origin.and_then(|origin| HeaderValue::from_str(&origin).ok())),
        gateway_timeout: seconds("GATEWAY_TIMEOUT_SECONDS", lookup, 1..=900)?,
        largest_body: largest_body.unwrap_or(LARGEST_BODY) as usize,
    })
}

/// What stands between commas.
fn listed(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Scheme, host and perhaps a port, and nothing else; never `*`.
fn is_origin(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        let authority = uri.authority().map(|authority| authority.as_str());
        let whole = uri.scheme_str().zip(authority);
        is_endpoint(text)
            && whole.is_some_and(|(scheme, host)| text == format!("{scheme}://{host}"))
    })
}

fn seconds(
    variable: &'static str,
    lookup: impl Fn(&'static str) -> Option<String>,
    range: RangeInclusive<u64>,
) -> Result<Option<Duration>, Invalid> {
    Ok(number(variable, lookup, range)?.map(Duration::from_secs))
}

fn number(
    variable: &'static str,
    lookup: impl Fn(&'static str) -> Option<String>,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, Invalid> {
    let Some(text) = lookup(variable) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| {
        let (from, to) = (range.start(), range.end());
        Invalid::new(
            variable,
            format!("is not a whole number from {from} to {to}"),
        )
    })
}

#[cfg(test)]
mod tests;
