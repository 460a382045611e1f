//! The models played here, and what a model id may be (`docs: models-supported`,
//! `inference-profiles-support`, `model-lifecycle`; state of November 2026).

use crate::error::{Failure, Kind};
use crate::families::{ImageFamily, TextFamily};

use Lifecycle::{Active, Legacy, Retired};

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

const NOWHERE: &[&str] = &[];
const US: &[&str] = &["us"];
const REGIONS: &[&str] = &["us", "eu", "apac"];
const WORLD: &[&str] = &["us", "eu", "jp", "au", "us-gov", "global"];

/// A text model that is called by its own id; `..` changes the rest.
const fn text(id: &'static str, name: &'static str, family: TextFamily, max_output: i64) -> Model {
    Model {
        id,
        name,
        provider: match family {
            TextFamily::Titan | TextFamily::Nova => "Amazon",
            TextFamily::ClaudeText | TextFamily::ClaudeMessages => "Anthropic",
        },
        family: Family::Text(family),
        on_demand: true,
        profiles: NOWHERE,
        lifecycle: Lifecycle::Active,
        max_output,
        sees: false,
        fine_tuning: false,
    }
}

const fn image(
    id: &'static str,
    name: &'static str,
    family: ImageFamily,
    lifecycle: Lifecycle,
) -> Model {
    Model {
        id,
        name,
        provider: "Stability AI",
        family: Family::Image(family),
        on_demand: true,
        profiles: NOWHERE,
        lifecycle,
        max_output: 0,
        sees: matches!(family, ImageFamily::Sdxl10),
        fine_tuning: false,
    }
}

const fn titan(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    end: Option<&'static str>,
) -> Model {
    Model {
        lifecycle: Lifecycle::Retired(end),
        fine_tuning: true,
        ..text(id, name, TextFamily::Titan, max_output)
    }
}

const fn claude_text(id: &'static str, name: &'static str) -> Model {
    Model {
        lifecycle: Lifecycle::Retired(Some("2025-07-21")),
        ..text(id, name, TextFamily::ClaudeText, 4096)
    }
}

const fn claude(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    profiles: &'static [&'static str],
    lifecycle: Lifecycle,
) -> Model {
    Model {
        profiles,
        lifecycle,
        sees: true,
        ..text(id, name, TextFamily::ClaudeMessages, max_output)
    }
}

/// A Claude without an in-region id.
const fn claude_by_profile(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    profiles: &'static [&'static str],
    lifecycle: Lifecycle,
) -> Model {
    Model {
        on_demand: false,
        ..claude(id, name, max_output, profiles, lifecycle)
    }
}

const fn nova(id: &'static str, name: &'static str, sees: bool) -> Model {
    Model {
        profiles: REGIONS,
        sees,
        ..text(id, name, TextFamily::Nova, 10_000)
    }
}

/// Every model, in the order of the listing.
///
/// tg1-large's limit is undocumented; 8192 is what weaviate's client sends. Nova's is given as
/// 5,000, 8,192 and 10,000 by different sources; the highest is taken, so that nothing that AWS
/// would answer is refused here. The newest Claudes' profiles are not documented in what we read.
pub(crate) static MODELS: &[Model] = &[
    titan("amazon.titan-tg1-large", "Titan Text Large", 8192, None),
    titan(
        "amazon.titan-text-lite-v1",
        "Titan Text G1 - Lite",
        4096,
        Some("2025-08-15"),
    ),
    titan(
        "amazon.titan-text-express-v1",
        "Titan Text G1 - Express",
        8192,
        Some("2025-08-15"),
    ),
    titan(
        "amazon.titan-text-premier-v1:0",
        "Titan Text G1 - Premier",
        3072,
        Some("2025-08-15"),
    ),
    nova("amazon.nova-micro-v1:0", "Nova Micro", false),
    nova("amazon.nova-lite-v1:0", "Nova Lite", true),
    nova("amazon.nova-pro-v1:0", "Nova Pro", true),
    Model {
        on_demand: false,
        profiles: US,
        lifecycle: Retired(Some("2026-09-14")),
        ..nova("amazon.nova-premier-v1:0", "Nova Premier", true)
    },
    Model {
        on_demand: false,
        profiles: WORLD,
        max_output: 65_536,
        ..nova("amazon.nova-2-lite-v1:0", "Nova 2 Lite", true)
    },
    claude_text("anthropic.claude-v2", "Claude"),
    claude_text("anthropic.claude-v2:1", "Claude"),
    claude_text("anthropic.claude-instant-v1", "Claude Instant"),
    claude(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Claude 3 Haiku",
        4096,
        REGIONS,
        Retired(Some("2026-09-10")),
    ),
    claude(
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "Claude 3.5 Sonnet",
        8192,
        REGIONS,
        Retired(Some("2026-03-01")),
    ),
    claude(
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "Claude 3.5 Sonnet v2",
        8192,
        REGIONS,
        Retired(Some("2026-03-01")),
    ),
    claude(
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        "Claude 3.5 Haiku",
        8192,
        US,
        Retired(Some("2026-06-19")),
    ),
    claude_by_profile(
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "Claude 3.7 Sonnet",
        128_000,
        REGIONS,
        Retired(Some("2026-04-28")),
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "Claude Sonnet 4",
        64_000,
        &["us", "eu", "apac", "global"],
        Retired(Some("2026-10-14")),
    ),
    claude_by_profile(
        "anthropic.claude-opus-4-1-20250805-v1:0",
        "Claude Opus 4.1",
        32_000,
        US,
        Legacy("2027-01-08"),
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        64_000,
        WORLD,
        Legacy("2027-04-08"),
    ),
    claude_by_profile(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "Claude Haiku 4.5",
        64_000,
        WORLD,
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-opus-4-5-20251101-v1:0",
        "Claude Opus 4.5",
        64_000,
        &["us", "eu", "global"],
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-5",
        "Claude Sonnet 5",
        128_000,
        WORLD,
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-opus-5",
        "Claude Opus 5",
        128_000,
        WORLD,
        Active,
    ),
    image(
        "stability.stable-diffusion-xl",
        "SDXL 0.8",
        ImageFamily::Sdxl08,
        Retired(Some("2024-04-30")),
    ),
    image(
        "stability.stable-diffusion-xl-v0",
        "SDXL 0.8",
        ImageFamily::Sdxl08,
        Retired(Some("2024-04-30")),
    ),
    image(
        "stability.stable-diffusion-xl-v1",
        "SDXL 1.0",
        ImageFamily::Sdxl10,
        Retired(Some("2025-05-20")),
    ),
    image(
        "stability.stable-image-core-v1:0",
        "Stable Image Core 1.0",
        ImageFamily::StableImageCore,
        Retired(Some("2025-09-04")),
    ),
    image(
        "stability.stable-image-core-v1:1",
        "Stable Image Core 1.0",
        ImageFamily::StableImageCore,
        Active,
    ),
];

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
    (IMPORTED, "anthropic.claude-3-5-haiku-20241022-v1:0"),
];

const IMPORTED: &str = "imported-model/claude123456";

const INVALID: &str = "The provided model identifier is invalid.";
const END_OF_LIFE: &str = "This model version has reached the end of its life. Please refer to \
                           the AWS documentation for more details.";

/// What a model id leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub model: &'static Model,
    pub converse: Converse,
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
    if retire && owned.is_none() && matches!(model.lifecycle, Retired(_)) {
        return Err(Failure::new(Kind::ResourceNotFound, END_OF_LIFE));
    }
    if !model.on_demand && !through_profile {
        return Err(Failure::validation(format!(
            "Invocation of model ID {} with on-demand throughput isn\u{2019}t supported. Retry your \
             request with the ID or ARN of an inference profile that contains this model.",
            model.id
        )));
    }
    let imported = owned.is_some_and(|(resource, _)| *resource == IMPORTED);
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
            Family::Text(
                TextFamily::ClaudeText | TextFamily::ClaudeMessages | TextFamily::Nova,
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
            .filter(|model| matches!(model.lifecycle, Retired(_)))
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
