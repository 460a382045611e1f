//! What Bedrock takes as a model id: a foundation model's id, an inference profile's id, or an ARN.
//!
//! Source: the pattern of `modelId` in the service model, and the userguide's pages
//! `inference-profiles-support` and `models-supported`.

/// Geographies of system-defined inference profiles. The prefix is cut to find the model.
const GEOGRAPHIES: [&str; 11] = [
    "us", "eu", "apac", "jp", "au", "us-gov", "global", "sa", "amer", "ca", "in",
];

/// The longest id that Bedrock takes.
const LONGEST: usize = 2048;

/// A well-formed model id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelId {
    text: String,
    base: Option<String>,
    resource: Resource,
}

/// What an id points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A foundation model, by id or ARN.
    FoundationModel,
    /// A system-defined inference profile, by id or ARN.
    InferenceProfile,
    /// An inference profile of the account's own.
    ApplicationInferenceProfile,
    /// A model customised from a foundation model.
    CustomModel,
    /// An on-demand deployment of a custom model.
    CustomModelDeployment,
    /// A model whose weights were imported.
    ImportedModel,
    /// Provisioned throughput.
    ProvisionedModel,
    /// A prompt of prompt management.
    Prompt,
    /// A prompt router, AWS's own or the account's.
    PromptRouter,
    /// A Marketplace model behind a SageMaker endpoint.
    SagemakerEndpoint,
}

/// The text is not a model id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a model id")]
pub struct Malformed;

impl ModelId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.is_empty()
            || text.len() > LONGEST
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Malformed);
        }
        let (resource, base) = match text.strip_prefix("arn:") {
            Some(arn) => arn_resource(arn).ok_or(Malformed)?,
            None => {
                let (resource, base) = bare(text);
                (resource, Some(foundation(base).ok_or(Malformed)?))
            }
        };
        Ok(Self {
            text: text.to_owned(),
            base: base.map(str::to_owned),
            resource,
        })
    }

    /// The id as Bedrock is told it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `provider.model`, without geography or ARN; `None` where the id does not say it.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// The foundation model's or system-defined profile's id, without the ARN; `None` for what is known
    /// by its ARN alone.
    pub fn bare(&self) -> Option<&str> {
        match self.resource {
            Resource::FoundationModel | Resource::InferenceProfile => self.text.rsplit('/').next(),
            Resource::ApplicationInferenceProfile
            | Resource::CustomModel
            | Resource::CustomModelDeployment
            | Resource::ImportedModel
            | Resource::ProvisionedModel
            | Resource::Prompt
            | Resource::PromptRouter
            | Resource::SagemakerEndpoint => None,
        }
    }

    /// What the id points at.
    pub const fn resource(&self) -> Resource {
        self.resource
    }
}

/// Cuts the geography from a bare id.
fn bare(text: &str) -> (Resource, &str) {
    match text.split_once('.') {
        Some((geography, rest)) if GEOGRAPHIES.contains(&geography) => {
            (Resource::InferenceProfile, rest)
        }
        Some(_) | None => (Resource::FoundationModel, text),
    }
}

/// `provider.model`, if that is what the text is.
fn foundation(text: &str) -> Option<&str> {
    let (provider, model) = text.split_once('.')?;
    let provider_ok = provider
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let model_ok = model
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-.:_".contains(&byte));
    (!provider.is_empty() && !model.is_empty() && provider_ok && model_ok).then_some(text)
}

/// What comes behind `arn:`.
fn arn_resource(arn: &str) -> Option<(Resource, Option<&str>)> {
    let mut parts = arn.splitn(5, ':');
    let (partition, service, region, account, resource) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let partition_ok = partition == "aws" || partition.starts_with("aws-");
    let region_ok = region
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let account_ok = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    // A global profile's model is of no region.
    let is_regional = !region.is_empty() || (service, account) == ("bedrock", "");
    if !partition_ok || !region_ok || !is_regional {
        return None;
    }
    let (kind, name) = resource.split_once('/')?;
    if name.is_empty() || name.contains("..") {
        return None;
    }
    let found = match (service, kind) {
        // A foundation model belongs to no account.
        ("bedrock", "foundation-model") if account.is_empty() => {
            return Some((Resource::FoundationModel, Some(foundation(name)?)));
        }
        ("bedrock", "inference-profile") => match bare(name) {
            (Resource::InferenceProfile, base) => {
                (Resource::InferenceProfile, Some(foundation(base)?))
            }
            _ => return None,
        },
        // `custom-model/{base model}:{version}/{id}` says what it was customised from.
        ("bedrock", "custom-model") => (
            Resource::CustomModel,
            name.split_once('/').and_then(|(base, _)| foundation(base)),
        ),
        ("bedrock", "application-inference-profile") => {
            (Resource::ApplicationInferenceProfile, None)
        }
        ("bedrock", "custom-model-deployment") => (Resource::CustomModelDeployment, None),
        ("bedrock", "imported-model") => (Resource::ImportedModel, None),
        ("bedrock", "provisioned-model") => (Resource::ProvisionedModel, None),
        ("bedrock", "prompt") => (Resource::Prompt, None),
        ("bedrock", "prompt-router" | "default-prompt-router") => (Resource::PromptRouter, None),
        ("sagemaker", "endpoint") => (Resource::SagemakerEndpoint, None),
        _ => return None,
    };
    account_ok.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, resource: Resource, base: Option<&str>) {
        let id = ModelId::parse(text).unwrap_or_else(|_| panic!("{text} is refused"));
        assert_eq!(
            (id.as_str(), id.resource(), id.base()),
            (text, resource, base)
        );
    }

    #[test]
    fn every_kind_of_id_is_read() {
        use Resource::*;
        is(
            "amazon.titan-tg1-large",
            FoundationModel,
            Some("amazon.titan-tg1-large"),
        );
        is(
            "anthropic.claude-v2:1",
            FoundationModel,
            Some("anthropic.claude-v2:1"),
        );
        is(
            "anthropic.claude-v2:1:18k",
            FoundationModel,
            Some("anthropic.claude-v2:1:18k"),
        );
        is(
            "stability.stable-diffusion-xl",
            FoundationModel,
            Some("stability.stable-diffusion-xl"),
        );
        is(
            "us.amazon.nova-micro-v1:0",
            InferenceProfile,
            Some("amazon.nova-micro-v1:0"),
        );
        is(
            "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
            InferenceProfile,
            Some("anthropic.claude-3-haiku-20240307-v1:0"),
        );
        is(
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            InferenceProfile,
            Some("anthropic.claude-sonnet-4-5-20250929-v1:0"),
        );
        for geography in GEOGRAPHIES {
            is(
                &format!("{geography}.meta.llama3-8b-instruct-v1:0"),
                InferenceProfile,
                Some("meta.llama3-8b-instruct-v1:0"),
            );
        }
        is(
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
            FoundationModel,
            Some("anthropic.claude-v2"),
        );
        is(
            "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0",
            FoundationModel,
            Some("amazon.nova-2-lite-v1:0"),
        );
        is(
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.titan-text-lite-v1",
            FoundationModel,
            Some("amazon.titan-text-lite-v1"),
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            InferenceProfile,
            Some("amazon.nova-lite-v1:0"),
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-text-express-v1:0:8k/abcdefghijkl",
            CustomModel,
            Some("amazon.titan-text-express-v1:0:8k"),
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
            ApplicationInferenceProfile,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl",
            CustomModelDeployment,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl",
            ImportedModel,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
            ProvisionedModel,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:3",
            Prompt,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:prompt-router/abcdefghijkl",
            PromptRouter,
            None,
        );
        is(
            "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1",
            PromptRouter,
            None,
        );
        is(
            "arn:aws:sagemaker:us-east-1:123456789012:endpoint/my-endpoint",
            SagemakerEndpoint,
            None,
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "gpt-4o",
            ".",
            "us.",
            "us.amazon",
            "../x",
            "amazon.",
            "amazon.titan/../x",
            "amazon.titan tg1",
            "amazon.tïtan",
            "arn:aws:bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:foundation-model/amazon.titan-tg1-large",
            "arn:aws:bedrock:us-east-1:12345:imported-model/abcdefghijkl",
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/",
            "arn:aws:bedrock:us-east-1:123456789012:unknown-kind/abcdefghijkl",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/amazon.nova-lite-v1:0",
            "arn:aws:s3:us-east-1:123456789012:bucket/abc",
            "arn:azure:bedrock:us-east-1::foundation-model/anthropic.claude-v2",
        ] {
            assert_eq!(ModelId::parse(text), Err(Malformed), "{text}");
        }
        assert_eq!(
            ModelId::parse(&format!("amazon.{}", "x".repeat(LONGEST))),
            Err(Malformed)
        );
    }
}
