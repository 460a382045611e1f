//! What Bedrock's control plane says of a model and of an inference profile, as far as it is shown.
//!
//! Modalities and inference types are kept as the words that came: real data leaves the service
//! model's enums (`INFERENCE_PROFILE`, `VIDEO`).

use aws_sdk_bedrock::operation::get_inference_profile::GetInferenceProfileOutput;
use aws_sdk_bedrock::primitives::{DateTime, DateTimeFormat};
use aws_sdk_bedrock::types::{
    FoundationModelDetails, FoundationModelLifecycleStatus, FoundationModelSummary,
    InferenceProfileSummary, InferenceProfileType,
};

/// A foundation model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Foundation {
    /// `provider.model`.
    pub id: String,
    /// Its ARN in the region that was asked.
    pub arn: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Who made it, for people.
    pub provider: Option<String>,
    /// `TEXT`, `IMAGE` and others.
    pub input: Vec<String>,
    /// `TEXT`, `IMAGE`, `EMBEDDING` and others.
    pub output: Vec<String>,
    /// Whether its answers can be streamed.
    pub streaming: Option<bool>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`.
    pub inference_types: Vec<String>,
    /// `ACTIVE` or `LEGACY`.
    pub status: Option<&'static str>,
    /// The start of its life, in seconds since 1970.
    pub start: Option<i64>,
    /// The end of its life, as `YYYY-MM-DD`.
    pub end: Option<String>,
}

/// An inference profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Profile {
    /// What a request names: a system-defined profile's id, and the ARN of one of the account's own,
    /// which Bedrock takes by ARN alone.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name for people.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// `provider.model` of the model behind it, which is the same in all of its regions.
    pub model: Option<String>,
}

/// The listing's rows and the answers about one model have the same fields in types of their own.
macro_rules! foundation_from {
    ($($source:ty),+) => {$(
        impl From<$source> for Foundation {
            fn from(model: $source) -> Self {
                let lifecycle = model.model_lifecycle;
                let lifecycle = lifecycle.as_ref();
                Self {
                    id: model.model_id,
                    arn: model.model_arn,
                    name: model.model_name,
                    provider: model.provider_name,
                    input: words(model.input_modalities),
                    output: words(model.output_modalities),
                    streaming: model.response_streaming_supported,
                    inference_types: words(model.inference_types_supported),
                    status: lifecycle.and_then(|lifecycle| match lifecycle.status {
                        FoundationModelLifecycleStatus::Active => Some("ACTIVE"),
                        FoundationModelLifecycleStatus::Legacy => Some("LEGACY"),
                        _ => None,
                    }),
                    start: lifecycle
                        .and_then(|lifecycle| lifecycle.start_of_life_time)
                        .map(|time| time.secs()),
                    end: lifecycle
                        .and_then(|lifecycle| lifecycle.end_of_life_time)
                        .and_then(day),
                }
            }
        }
    )+};
}

foundation_from!(FoundationModelSummary, FoundationModelDetails);

macro_rules! profile_from {
    ($($source:ty),+) => {$(
        impl From<$source> for Profile {
            fn from(profile: $source) -> Self {
                let id = match profile.r#type {
                    InferenceProfileType::Application => profile.inference_profile_arn.clone(),
                    _ => profile.inference_profile_id,
                };
                Self {
                    id,
                    arn: profile.inference_profile_arn,
                    name: profile.inference_profile_name,
                    created: profile.created_at.map(|time| time.secs()),
                    model: profile
                        .models
                        .into_iter()
                        .find_map(|model| foundation_id(&model.model_arn?)),
                }
            }
        }
    )+};
}

profile_from!(InferenceProfileSummary, GetInferenceProfileOutput);

fn words(list: Option<Vec<impl AsRef<str>>>) -> Vec<String> {
    let list = list.unwrap_or_default();
    list.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// `YYYY-MM-DD`, in UTC.
fn day(time: DateTime) -> Option<String> {
    let text = time.fmt(DateTimeFormat::DateTime).ok()?;
    text.split_once('T').map(|(day, _)| day.to_owned())
}

/// `provider.model`, from an ARN that need not have a region: a global profile's model has none.
fn foundation_id(arn: &str) -> Option<String> {
    let (_, id) = arn.split_once("::foundation-model/")?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrock::types::{
        FoundationModelLifecycle, InferenceProfileModel, InferenceProfileStatus, InferenceType,
        ModelModality,
    };

    use super::*;

    fn summary() -> aws_sdk_bedrock::types::builders::FoundationModelSummaryBuilder {
        FoundationModelSummary::builder()
            .model_id("amazon.nova-lite-v1:0")
            .model_arn("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0")
    }

    #[test]
    fn a_model_keeps_words_that_the_service_model_does_not_know() {
        let model = summary()
            .input_modalities(ModelModality::Text)
            .input_modalities(ModelModality::from("VIDEO"))
            .output_modalities(ModelModality::Text)
            .inference_types_supported(InferenceType::from("INFERENCE_PROFILE"))
            .build()
            .unwrap();
        let model = Foundation::from(model);
        assert_eq!(model.input, ["TEXT", "VIDEO"]);
        assert_eq!(model.inference_types, ["INFERENCE_PROFILE"]);
        assert_eq!((model.status, model.start, model.end), (None, None, None));
    }

    #[test]
    fn a_lifecycle_is_read() {
        let time = |text| DateTime::from_str(text, DateTimeFormat::DateTime).unwrap();
        for (status, shown) in [
            ("ACTIVE", Some("ACTIVE")),
            ("LEGACY", Some("LEGACY")),
            ("no value was set", None),
        ] {
            let lifecycle = FoundationModelLifecycle::builder()
                .status(FoundationModelLifecycleStatus::from(status))
                .start_of_life_time(time("2024-12-03T00:00:00Z"))
                .end_of_life_time(time("2027-04-08T23:30:00.5Z"))
                .build()
                .unwrap();
            let model = Foundation::from(summary().model_lifecycle(lifecycle).build().unwrap());
            assert_eq!(model.status, shown);
            assert_eq!(model.start, Some(1_733_184_000));
            assert_eq!(model.end.as_deref(), Some("2027-04-08"));
        }
    }

    #[test]
    fn a_profile_is_named_by_what_a_request_may_name() {
        let profile = |kind, arn: &str| {
            let models = InferenceProfileModel::builder().model_arn(arn).build();
            let profile = InferenceProfileSummary::builder()
                .inference_profile_id("the-id")
                .inference_profile_arn("the-arn")
                .inference_profile_name("A profile")
                .status(InferenceProfileStatus::Active)
                .r#type(kind)
                .models(models)
                .build()
                .unwrap();
            Profile::from(profile)
        };
        let regional = "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0";
        let global = "arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0";
        let system = profile(InferenceProfileType::SystemDefined, regional);
        let own = profile(InferenceProfileType::Application, global);
        assert_eq!((system.id.as_str(), own.id.as_str()), ("the-id", "the-arn"));
        for profile in [system, own] {
            assert_eq!(profile.model.as_deref(), Some("amazon.nova-lite-v1:0"));
        }
        let odd = profile(InferenceProfileType::Application, "arn:aws:bedrock");
        assert_eq!(odd.model, None);
    }
}
