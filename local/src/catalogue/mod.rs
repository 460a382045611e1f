//! The models played here, and what a model id may be (`docs: models-supported`,
//! `inference-profiles-support`, `model-lifecycle`; state of November 2026).

mod models;

use crate::error::{Failure, Kind};
use crate::families::{ImageFamily, TextFamily, mistral_instruct};

pub(crate) use models::MODELS;

/// The account that the local ARNs name.
pub(crate) const ACCOUNT: &str = "123456789012";

/// Whose wire format a model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text(TextFamily),
    Image(ImageFamily),
}

/// Where a model stands. Nothing but a server started with `--faults` refuses a retired one:
/// to keep the old formats alive is what the local server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Active,
    /// Still answers, until this day (`YYYY-MM-DD`).
    Legacy(&'static str),
    /// Past its end, which AWS documents for all but one model.
    Retired(Option<&'static str>),
}

/// How Converse takes a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Converse {
    Refused,
    WithoutSystem,
    WithSystem,
}

/// One model.
#[derive(Debug)]
pub(crate) struct Model {
    pub id: &'static str,
    pub name: &'static str,
    pub provider: &'static str,
    pub family: Family,
    /// Called by its own id; the others answer to their profiles alone.
    pub on_demand: bool,
    /// The regions of its system inference profiles.
    pub profiles: &'static [&'static str],
    pub lifecycle: Lifecycle,
    /// The most tokens it generates; unused by images.
    pub max_output: i64,
    /// Whether the user's turn may hold pictures on AWS (a listing fact; see `families`).
    pub sees: bool,
    pub fine_tuning: bool,
}

/// ARNs that do not say their family: the local account owns these few. Its models do not retire, so
/// that with `--faults` too every family has one that answers.
const OWNED: &[(&str, &str)] = &[
    ("provisioned-model/claude123456", "anthropic.claude-v2"),
    (
        "provisioned-model/sdxl12345678",
        "stability.stable-diffusion-xl-v1",
    ),
    (
        "provisioned-model/titan1234567",
        "amazon.titan-text-express-v1",
    ),
    (
        "custom-model-deployment/titan1234567",
        "amazon.titan-text-lite-v1",
    ),
    (
        "application-inference-profile/nova12345678",
        "amazon.nova-lite-v1:0",
    ),
    // An import that was converted to speak Claude's Messages.
    (
        "imported-model/claude123456",
        "anthropic.claude-3-5-haiku-20241022-v1:0",
    ),
    (
        "imported-model/llama1234567",
        "meta.llama3-1-8b-instruct-v1:0",
    ),
];

const INVALID: &str = "The provided model identifier is invalid.";
const END_OF_LIFE: &str = "This model version has reached the end of its life. Please refer to \
                           the AWS documentation for more details.";

/// What a model id leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub model: &'static Model,
    pub converse: Converse,
}

impl Resolved {
    /// A model by its own id.
    pub(crate) fn of(model: &'static Model) -> Self {
        Self {
            model,
            converse: model.converse(),
        }
    }
}

/// The model behind an id, a profile id or an ARN, as the runtime takes it.
///
/// `retire` makes models past their end of life answer as AWS does.
///
/// # Errors
///
/// `ValidationException` for an unknown id and for one that wants a profile;
/// `ResourceNotFoundException` for the end of life.
pub(crate) fn resolve(id: &str, retire: bool) -> Result<Resolved, Failure> {
    let mut owned = None;
    let (model, through_profile) = if id.starts_with("arn:") {
        let resource = local_resource(id).ok_or_else(|| Failure::validation(INVALID))?;
        match resource.split_once('/') {
            Some(("foundation-model", base)) => (find(base), false),
            Some(("inference-profile", profile)) => (find_by_profile(profile), true),
            _ => {
                owned = OWNED.iter().find(|(own, _)| *own == resource);
                (owned.and_then(|(_, base)| find(base)), true)
            }
        }
    } else {
        match find(id) {
            Some(model) => (Some(model), false),
            None => (find_by_profile(id), true),
        }
    };
    let model = model.ok_or_else(|| Failure::validation(INVALID))?;
    if retire && owned.is_none() && matches!(model.lifecycle, Lifecycle::Retired(_)) {
        return Err(Failure::new(Kind::ResourceNotFound, END_OF_LIFE));
    }
    if !model.on_demand && !through_profile {
        return Err(Failure::validation(format!(
            "Invocation of model ID {} with on-demand throughput isn\u{2019}t supported. Retry your \
             request with the ID or ARN of an inference profile that contains this model.",
            model.id
        )));
    }
    let imported = owned.is_some_and(|(resource, _)| resource.starts_with("imported-model/"));
    Ok(Resolved {
        model,
        converse: if imported {
            Converse::Refused
        } else {
            model.converse()
        },
    })
}

/// The last part of `arn:{partition}:bedrock:{region}:{account}:{resource}`.
fn local_resource(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let known = parts.next() == Some("arn")
        && matches!(parts.next(), Some("aws" | "aws-cn" | "aws-us-gov"))
        && parts.next() == Some("bedrock")
        && parts.next().is_some_and(|region| !region.is_empty());
    let account = parts.next()?;
    let resource = parts.next()?;
    // Foundation models belong to no account, everything else to the caller's.
    let foundation = resource.starts_with("foundation-model/");
    (known && foundation == account.is_empty()).then_some(resource)
}

/// A model by its own id.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

/// A model by `{prefix}.{id}`.
pub(crate) fn find_by_profile(id: &str) -> Option<&'static Model> {
    let (prefix, base) = id.split_once('.')?;
    find(base).filter(|model| model.profiles.contains(&prefix))
}

/// The local account's resources of a kind, with their models.
pub(crate) fn owned(kind: &str) -> impl Iterator<Item = (&'static str, &'static Model)> {
    OWNED.iter().filter_map(move |(resource, base)| {
        let (own_kind, id) = resource.split_once('/')?;
        (own_kind == kind).then_some((id, find(base)?))
    })
}

impl Model {
    /// The model's ARN in a region.
    pub(crate) fn arn(&self, region: &str) -> String {
        format!("arn:aws:bedrock:{region}::foundation-model/{}", self.id)
    }

    /// Whether Converse serves it (`docs: conversation-inference-supported-models-features`);
    /// tg1-large came before Converse.
    fn converse(&self) -> Converse {
        match self.family {
            Family::Text(TextFamily::Titan) if self.id == "amazon.titan-tg1-large" => {
                Converse::Refused
            }
            Family::Text(TextFamily::Titan) => Converse::WithoutSystem,
            Family::Text(TextFamily::MistralInstruct) if mistral_instruct::is_open(self) => {
                Converse::WithoutSystem
            }
            // They are listed with Converse, but without chat.
            Family::Text(
                TextFamily::Jurassic2 | TextFamily::Command | TextFamily::CommandAtOnce,
            ) => Converse::Refused,
            Family::Text(
                TextFamily::ClaudeText
                | TextFamily::ClaudeMessages
                | TextFamily::Nova
                | TextFamily::Jamba
                | TextFamily::Llama2
                | TextFamily::Llama3
                | TextFamily::Llama4
                | TextFamily::DeepSeekR1 { .. }
                | TextFamily::OpenAi
                | TextFamily::Qwen
                | TextFamily::CommandR
                | TextFamily::MistralInstruct
                | TextFamily::MistralChat,
            ) => Converse::WithSystem,
            Family::Image(_) => Converse::Refused,
        }
    }

    /// Claude 4.5 takes `temperature` or `top_p`, not both (`docs:
    /// model-parameters-anthropic-claude-messages-request-response`).
    pub(crate) fn one_of_temperature_and_top_p(&self) -> bool {
        self.id.contains("-4-5-")
    }

    /// Claude 5 takes neither `temperature` nor `top_p` (langchain-aws's model profiles).
    pub(crate) fn without_sampling(&self) -> bool {
        self.id.ends_with("-5")
    }

    /// The day that a Claude's id names, as `YYYY-MM-DD`. For the other models no start is documented
    /// in what we read, and AWS too leaves it out of some.
    pub(crate) fn released(&self) -> Option<String> {
        let day = self.id.split('-').find(|part| {
            part.len() == 8
                && part.starts_with("20")
                && part.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        let (year, day) = day.split_at_checked(4)?;
        let (month, day) = day.split_at_checked(2)?;
        Some(format!("{year}-{month}-{day}"))
    }

    /// What Claude's own answers call the model: Anthropic's name, not Bedrock's id.
    pub(crate) fn anthropic_name(&self) -> &'static str {
        let id = self.id.trim_start_matches("anthropic.");
        match id {
            "claude-v2" => "claude-2.0",
            "claude-v2:1" => "claude-2.1",
            "claude-instant-v1" => "claude-instant-1.2",
            // `-v1:0` at the end is Bedrock's.
            dated => dated.rsplit_once("-v").map_or(dated, |(name, _)| name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, model: Result<&str, &str>) {
        let resolved = resolve(id, false).map(|resolved| resolved.model.id);
        let seen = resolved
            .as_ref()
            .map(|id| *id)
            .map_err(|failure| failure.message.as_str());
        match (seen, model) {
            (Ok(seen), Ok(model)) => assert_eq!(seen, model, "{id}"),
            (Err(seen), Err(part)) => assert!(seen.contains(part), "{id}: {seen}"),
            (seen, model) => panic!("{id}: {seen:?}, not {model:?}"),
        }
    }

    #[test]
    fn ids_profiles_and_arns_lead_to_their_model() {
        const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        check("amazon.titan-tg1-large", Ok("amazon.titan-tg1-large"));
        check("us.amazon.nova-micro-v1:0", Ok("amazon.nova-micro-v1:0"));
        check(
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Ok(SONNET),
        );
        check(
            "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Ok(SONNET),
        );
        check(SONNET, Err("isn\u{2019}t supported"));
        check(
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1",
            Ok("anthropic.claude-v2:1"),
        );
        check(
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Ok(SONNET),
        );
        check(
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/titan1234567",
            Ok("amazon.titan-text-express-v1"),
        );
        check(
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/claude123456",
            Ok("anthropic.claude-3-5-haiku-20241022-v1:0"),
        );
        check(
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/unknown",
            Err(INVALID),
        );
        check(
            "arn:aws:bedrock:us-east-1:1:foundation-model/anthropic.claude-v2",
            Err(INVALID),
        );
        check("arn:aws:s3:::bucket", Err(INVALID));
        check("us.amazon.titan-tg1-large", Err(INVALID));
        check("anthropic.claude-v9", Err(INVALID));
        check("", Err(INVALID));
    }

    #[test]
    fn a_retired_model_is_refused_only_when_asked_for() {
        for model in MODELS
            .iter()
            .filter(|model| matches!(model.lifecycle, Lifecycle::Retired(_)))
        {
            let id = match model.profiles.first() {
                Some(prefix) => format!("{prefix}.{}", model.id),
                None => model.id.to_owned(),
            };
            assert!(resolve(&id, false).is_ok(), "{id}");
            let refusal = resolve(&id, true).expect_err("retired");
            assert_eq!(refusal.kind, Kind::ResourceNotFound, "{id}");
        }
        assert!(resolve("us.amazon.nova-micro-v1:0", true).is_ok());
    }
}
