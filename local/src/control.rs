//! The control plane's listings: foundation models and inference profiles (botocore's service
//! model of `bedrock`). It knows one region and one account.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use crate::catalogue::{self, ACCOUNT, Family, Lifecycle, MODELS, Model};
use crate::error::{Failure, Kind};
use crate::extract::{Id, Parameters};
use crate::server::Local;

const REGION: &str = "us-east-1";

/// When the profiles say that they were made; made up.
const PROFILES_CREATED: &str = "2025-01-01T00:00:00Z";

/// An operation of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Operation {
    ListFoundationModels,
    GetFoundationModel,
    ListInferenceProfiles,
    GetInferenceProfile,
}

/// Counts the calls of an operation.
pub(crate) async fn count(
    State((local, operation)): State<(Arc<Local>, Operation)>,
    request: Request,
    next: Next,
) -> Response {
    local.calls.receive_control(operation);
    next.run(request).await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    model_arn: String,
    model_id: &'static str,
    model_name: &'static str,
    provider_name: &'static str,
    input_modalities: Vec<&'static str>,
    output_modalities: Vec<&'static str>,
    response_streaming_supported: bool,
    customizations_supported: Vec<&'static str>,
    inference_types_supported: Vec<&'static str>,
    model_lifecycle: LifecycleSummary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LifecycleSummary {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_of_life_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_of_life_time: Option<String>,
}

impl From<&Model> for Summary {
    fn from(model: &Model) -> Self {
        let mut input = vec!["TEXT"];
        if model.sees {
            input.push("IMAGE");
        }
        let mut inference = Vec::new();
        if model.on_demand {
            inference.push("ON_DEMAND");
        }
        // Outside the service model's own enum, as AWS sends it.
        if !model.profiles.is_empty() {
            inference.push("INFERENCE_PROFILE");
        }
        if model.fine_tuning {
            inference.push("PROVISIONED");
        }
        let (output, streams) = match model.family {
            Family::Text(family) => ("TEXT", family.streams()),
            Family::Image(_) => ("IMAGE", false),
        };
        let (status, end) = match model.lifecycle {
            Lifecycle::Active => ("ACTIVE", None),
            Lifecycle::Legacy(end) => ("LEGACY", Some(end)),
            Lifecycle::Retired(end) => ("LEGACY", end),
        };
        Self {
            model_arn: model.arn(REGION),
            model_id: model.id,
            model_name: model.name,
            provider_name: model.provider,
            input_modalities: input,
            output_modalities: vec![output],
            response_streaming_supported: streams,
            customizations_supported: if model.fine_tuning {
                vec!["FINE_TUNING"]
            } else {
                vec![]
            },
            inference_types_supported: inference,
            model_lifecycle: LifecycleSummary {
                status,
                start_of_life_time: model.released().map(|day| midnight(&day)),
                end_of_life_time: end.map(midnight),
            },
        }
    }
}

fn midnight(day: &str) -> String {
    format!("{day}T00:00:00Z")
}

/// The filters of ListFoundationModels.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelFilter {
    by_provider: Option<String>,
    by_customization_type: Option<String>,
    by_output_modality: Option<String>,
    by_inference_type: Option<String>,
}

impl ModelFilter {
    fn check(&self) -> Result<(), Failure> {
        one_of(
            "byCustomizationType",
            self.by_customization_type.as_deref(),
            &["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"],
        )?;
        let modalities = ["TEXT", "IMAGE", "EMBEDDING"];
        one_of(
            "byOutputModality",
            self.by_output_modality.as_deref(),
            &modalities,
        )?;
        let types = ["ON_DEMAND", "PROVISIONED"];
        one_of("byInferenceType", self.by_inference_type.as_deref(), &types)
    }

    fn keeps(&self, summary: &Summary) -> bool {
        let lists = |wanted: &Option<String>, list: &[&str]| {
            wanted
                .as_ref()
                .is_none_or(|wanted| list.contains(&wanted.as_str()))
        };
        self.by_provider
            .as_ref()
            .is_none_or(|provider| provider.eq_ignore_ascii_case(summary.provider_name))
            && lists(
                &self.by_customization_type,
                &summary.customizations_supported,
            )
            && lists(&self.by_output_modality, &summary.output_modalities)
            && lists(&self.by_inference_type, &summary.inference_types_supported)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelListing {
    model_summaries: Vec<Summary>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelDetails {
    model_details: Summary,
}

/// `GET /foundation-models`. Models past their end of life stay listed, as `LEGACY`: here they
/// still answer.
pub(crate) async fn list_models(Parameters(filter): Parameters<ModelFilter>) -> Response {
    if let Err(failure) = filter.check() {
        return failure.into_response();
    }
    let model_summaries = MODELS
        .iter()
        .map(Summary::from)
        .filter(|summary| filter.keeps(summary))
        .collect();
    Json(ModelListing { model_summaries }).into_response()
}

/// `GET /foundation-models/{id}`, by id or ARN.
pub(crate) async fn get_model(Id(id): Id) -> Response {
    let base = id
        .split_once(":foundation-model/")
        .map_or(id.as_str(), |(_, base)| base);
    match catalogue::find(base) {
        Some(model) => Json(ModelDetails {
            model_details: model.into(),
        })
        .into_response(),
        None => Failure::validation("The provided model identifier is invalid.").into_response(),
    }
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Profile {
    inference_profile_name: String,
    inference_profile_arn: String,
    inference_profile_id: String,
    created_at: &'static str,
    updated_at: &'static str,
    models: Vec<ProfileModel>,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
struct ProfileModel {
    model_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileListing {
    inference_profile_summaries: Vec<Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The filter and the page of ListInferenceProfiles.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfilePage {
    max_results: Option<usize>,
    next_token: Option<usize>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `GET /inference-profiles`.
pub(crate) async fn list_profiles(Parameters(page): Parameters<ProfilePage>) -> Response {
    let types = ["SYSTEM_DEFINED", "APPLICATION"];
    if let Err(failure) = one_of("type", page.kind.as_deref(), &types) {
        return failure.into_response();
    }
    let size = page.max_results.unwrap_or(1000);
    if !(1..=1000).contains(&size) {
        return Failure::validation("maxResults: a number from 1 to 1000").into_response();
    }
    let start = page.next_token.unwrap_or(0);
    let wanted = |profile: &Profile| page.kind.as_ref().is_none_or(|kind| kind == profile.kind);
    let profiles: Vec<Profile> = profiles().filter(wanted).collect();
    let next = start.saturating_add(size);
    Json(ProfileListing {
        next_token: (next < profiles.len()).then(|| next.to_string()),
        inference_profile_summaries: profiles.into_iter().skip(start).take(size).collect(),
    })
    .into_response()
}

/// `GET /inference-profiles/{id}`, by id or ARN.
pub(crate) async fn get_profile(Id(id): Id) -> Response {
    let is_named = |profile: &Profile| {
        profile.inference_profile_id == id || profile.inference_profile_arn == id
    };
    match profiles().find(is_named) {
        Some(profile) => Json(profile).into_response(),
        None => Failure::new(
            Kind::ResourceNotFound,
            "The inference profile does not exist.",
        )
        .into_response(),
    }
}

fn profiles() -> impl Iterator<Item = Profile> {
    let system = MODELS.iter().flat_map(|model| {
        model.profiles.iter().map(|prefix| {
            let id = format!("{prefix}.{}", model.id);
            Profile {
                inference_profile_name: format!("{} {}", prefix.to_uppercase(), model.name),
                inference_profile_arn: format!(
                    "arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{id}"
                ),
                inference_profile_id: id,
                created_at: PROFILES_CREATED,
                updated_at: PROFILES_CREATED,
                models: regions(prefix)
                    .iter()
                    .map(|region| ProfileModel {
                        model_arn: model.arn(region),
                    })
                    .collect(),
                status: "ACTIVE",
                kind: "SYSTEM_DEFINED",
            }
        })
    });
    let application =
        catalogue::owned("application-inference-profile").map(|(id, model)| Profile {
            inference_profile_name: format!("local {}", model.name),
            inference_profile_arn: format!(
                "arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile/{id}"
            ),
            inference_profile_id: id.to_owned(),
            created_at: PROFILES_CREATED,
            updated_at: PROFILES_CREATED,
            models: vec![ProfileModel {
                model_arn: model.arn(REGION),
            }],
            status: "ACTIVE",
            kind: "APPLICATION",
        });
    system.chain(application)
}

/// A few of the regions behind a prefix, at most five (`docs: inference-profiles-support`). A
/// global profile names a model without a region.
fn regions(prefix: &str) -> &'static [&'static str] {
    match prefix {
        "us" => &["us-east-1", "us-east-2", "us-west-2"],
        "eu" => &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"],
        "apac" => &[
            "ap-northeast-1",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
        ],
        "jp" => &["ap-northeast-1", "ap-northeast-3"],
        "au" => &["ap-southeast-2", "ap-southeast-4"],
        "us-gov" => &["us-gov-east-1", "us-gov-west-1"],
        _ => &[""],
    }
}

fn one_of(name: &str, value: Option<&str>, allowed: &[&str]) -> Result<(), Failure> {
    match value {
        Some(value) if !allowed.contains(&value) => Err(Failure::validation(format!(
            "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member \
             must satisfy enum value set: [{}]",
            allowed.join(", ")
        ))),
        _ => Ok(()),
    }
}
