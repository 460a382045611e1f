//! The environment, read once at cold start; nothing else reads it (but the AWS SDK its own
//! variables). A mistake ends the start with one line that names the variable.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tracing::level_filters::LevelFilter;

use crate::Error;
use crate::model::{Alias, Api, Directory, Family, ModelId, Target, Wanted};

/// How long a presigned URL may live at most: longer would outlive a role's credentials anyway.
const LONGEST_URL_LIFE: u64 = 3_600;

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
    pub fn from_environment(default_model: DefaultModel) -> Result<Self, Invalid> {
        Self::read(default_model, variable)
    }

    /// Reads an environment. An empty variable is as if it were not set, which is how a template
    /// leaves an optional one out.
    pub fn read(
        default_model: DefaultModel,
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
            },
            directory: Directory {
                default: lookup(default_model.variable)
                    .unwrap_or_else(|| default_model.id.to_owned()),
                aliases: aliases(lookup("MODEL_ALIASES"))?,
                allowed: allowed(lookup("ALLOWED_MODELS"))?,
            },
            image_bucket: lookup("IMAGE_BUCKET"),
            image_url_life: url_life(lookup("IMAGE_URL_SECONDS"))?,
        };
        let directory = &config.directory;
        if ModelId::parse(&directory.default).is_err()
            && !directory.aliases.contains_key(&directory.default)
        {
            return Err(Invalid::new(
                default_model.variable,
                "is neither a model id nor an alias",
            ));
        }
        Ok(config)
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

/// Model ids with commas between.
fn allowed(text: Option<String>) -> Result<Vec<String>, Invalid> {
    let ids = text.unwrap_or_default();
    ids.split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| match ModelId::parse(id) {
            Ok(_) => Ok(id.to_owned()),
            Err(_) => Err(Invalid::new(
                "ALLOWED_MODELS",
                format!("holds `{id}`, which is no model id"),
            )),
        })
        .collect()
}

fn url_life(text: Option<String>) -> Result<Duration, Invalid> {
    let seconds = match text {
        None => LONGEST_URL_LIFE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|seconds| (1..=LONGEST_URL_LIFE).contains(seconds))
            .ok_or_else(|| {
                Invalid::new(
                    "IMAGE_URL_SECONDS",
                    format!("is not a number of seconds from 1 to {LONGEST_URL_LIFE}"),
                )
            })?,
    };
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextFamily;

    const DEFAULT: DefaultModel = DefaultModel {
        variable: "DEFAULT_CHAT_MODEL",
        id: "us.amazon.nova-lite-v1:0",
    };

    fn read(variables: &[(&str, &str)]) -> Result<Config, Invalid> {
        Config::read(DEFAULT, |name| {
            variables
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_is_enough() {
        let config = read(&[("MODEL_ALIASES", ""), ("IMAGE_BUCKET", " ")]).unwrap();
        assert_eq!(config.directory.default, "us.amazon.nova-lite-v1:0");
        assert_eq!(config.bedrock.session_name, "bedrock-lambdas");
        assert_eq!(
            (config.image_bucket, config.image_url_life),
            (None, Duration::from_secs(3_600))
        );
    }

    #[test]
    fn everything_can_be_set() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl";
        let aliases = format!(
            r#"{{"gpt-4o":"us.amazon.nova-lite-v1:0","mine":{{"model":"{arn}","family":"claude-messages","api":"invoke"}}}}"#
        );
        let config = read(&[
            ("DEFAULT_CHAT_MODEL", "mine"),
            ("MODEL_ALIASES", &aliases),
            (
                "ALLOWED_MODELS",
                &format!("us.amazon.nova-lite-v1:0, {arn}"),
            ),
            ("BEDROCK_REGION", "us-west-2"),
            (
                "BEDROCK_ASSUME_ROLE",
                "arn:aws:iam::123456789012:role/bedrock",
            ),
            ("BEDROCK_ROLE_SESSION_NAME", "me@home"),
            ("BEDROCK_ENDPOINT_URL", "http://127.0.0.1:4600"),
            ("IMAGE_BUCKET", "pictures"),
            ("IMAGE_URL_SECONDS", "60"),
        ])
        .unwrap();
        let mine = config.directory.aliases.get("mine").unwrap();
        assert_eq!(mine.id.as_str(), arn);
        assert_eq!(
            (mine.family, mine.api),
            (
                Some(Family::Text(TextFamily::ClaudeMessages)),
                Some(Api::Invoke)
            )
        );
        assert_eq!(config.directory.allowed.len(), 2);
        assert_eq!(config.bedrock.region.as_deref(), Some("us-west-2"));
        assert_eq!(config.bedrock.session_name, "me@home");
        assert_eq!(config.image_url_life, Duration::from_secs(60));
    }

    #[test]
    fn a_mistake_names_its_variable() {
        for (variable, value) in [
            ("DEFAULT_CHAT_MODEL", "gpt-4o"),
            ("MODEL_ALIASES", "[]"),
            ("MODEL_ALIASES", r#"{"a":"no id"}"#),
            (
                "MODEL_ALIASES",
                r#"{"a":{"model":"amazon.nova-lite-v1:0","family":"gpt"}}"#,
            ),
            (
                "MODEL_ALIASES",
                r#"{"a":{"model":"amazon.nova-lite-v1:0","colour":"red"}}"#,
            ),
            (
                "MODEL_ALIASES",
                r#"{"a":{"model":"amazon.nova-lite-v1:0","family":"titan-text"}}"#,
            ),
            ("ALLOWED_MODELS", "amazon.nova-lite-v1:0,x"),
            ("BEDROCK_ASSUME_ROLE", "bedrock"),
            ("BEDROCK_ROLE_SESSION_NAME", "a b"),
            ("BEDROCK_ENDPOINT_URL", "bedrock.internal"),
            ("BEDROCK_ENDPOINT_URL", "ftp://bedrock.internal"),
            ("IMAGE_URL_SECONDS", "0"),
            ("IMAGE_URL_SECONDS", "86400"),
            ("IMAGE_URL_SECONDS", "an hour"),
        ] {
            let error = read(&[(variable, value)]).unwrap_err();
            assert_eq!(error.variable, variable, "{value}: {error}");
        }
    }
}
