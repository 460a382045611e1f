//! The client to Bedrock's control plane: what there is to call.
//!
//! Source: the Bedrock API reference's ListFoundationModels, ListInferenceProfiles,
//! GetFoundationModel and GetInferenceProfile. The calls cost nothing.

use aws_config::SdkConfig;
use aws_sdk_bedrock::Client;
use aws_sdk_bedrock::config::retry::RetryConfig;
use aws_sdk_bedrock::config::timeout::TimeoutConfig;
use aws_sdk_bedrock::config::{Builder, StalledStreamProtectionConfig, http::HttpResponse};
use aws_sdk_bedrock::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrock::types::InferenceProfileType;
use bedrock_adapter::Error;
use bedrock_adapter::bedrock::{Expected, Watch, connected, list};
use bedrock_adapter::config::Connection;
use bedrock_adapter::deadline::Deadline;
use bedrock_adapter::error::{Cause, UpstreamFault};
use bedrock_adapter::telemetry::Traced;

use crate::bedrock::{Foundation, Profile};

/// Profiles of one page: the most that Bedrock gives.
const PAGE: i32 = 1_000;

/// More pages than any account has profiles for.
const MOST_PAGES: usize = 100;

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    client: Client,
}

impl Control {
    /// Builds the client: the connection's region and role, and the SDK's own endpoint. The
    /// connection's endpoint is the one that models are called at.
    pub(crate) async fn connect(sdk: &SdkConfig, connection: &Connection) -> Self {
        let config = Builder::from(&connected(sdk, connection).await)
            // Calls are made again, and their answers watched, by the rules of all calls to Bedrock.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(Watch {
                idle: connection.idle,
                expects: Expected::Whole,
            })
            .interceptor(Traced)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// All foundation models of the region.
    pub(crate) async fn foundations(&self, deadline: Deadline) -> Result<Vec<Foundation>, Error> {
        let output = list("ListFoundationModels", deadline, || {
            self.client
                .list_foundation_models()
                .customize()
                .config_override(within(deadline))
                .send()
        })
        .await?;
        let models = output.model_summaries.unwrap_or_default();
        Ok(models.into_iter().map(Foundation::from).collect())
    }

    /// All inference profiles of a type, page after page.
    pub(crate) async fn profiles(
        &self,
        kind: InferenceProfileType,
        deadline: Deadline,
    ) -> Result<Vec<Profile>, Error> {
        const OPERATION: &str = "ListInferenceProfiles";
        let mut profiles = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let output = list(OPERATION, deadline, || {
                self.client
                    .list_inference_profiles()
                    .type_equals(kind.clone())
                    .max_results(PAGE)
                    .set_next_token(token.clone())
                    .customize()
                    .config_override(within(deadline))
                    .send()
            })
            .await?;
            let page = output.inference_profile_summaries.unwrap_or_default();
            profiles.extend(page.into_iter().map(Profile::from));
            token = output.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(profiles);
            }
        }
        Err(Error::malformed(OPERATION, "nextToken"))
    }

    /// One foundation model, by id or ARN; nothing where Bedrock does not know it.
    pub(crate) async fn foundation(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Foundation>, Error> {
        list("GetFoundationModel", deadline, || async {
            let call = self.client.get_foundation_model().model_identifier(id);
            match call
                .customize()
                .config_override(within(deadline))
                .send()
                .await
            {
                Ok(output) => Ok(output.model_details.map(Foundation::from)),
                Err(error) if is_unknown(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// One inference profile, by id or ARN; nothing where Bedrock does not know it.
    pub(crate) async fn profile(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<Profile>, Error> {
        list("GetInferenceProfile", deadline, || async {
            let call = self.client.get_inference_profile();
            match call
                .inference_profile_identifier(id)
                .customize()
                .config_override(within(deadline))
                .send()
                .await
            {
                Ok(output) => Ok(Some(Profile::from(output))),
                Err(error) if is_unknown(&error) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// Bedrock calls an id that it does not know not found or invalid, by the operation.
fn is_unknown<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error.as_service_error().and_then(E::code);
    matches!(
        code,
        Some("ResourceNotFoundException" | "ValidationException")
    )
}

/// The error of who waited in vain.
pub(crate) fn out_of_time() -> Error {
    Error::Upstream {
        fault: UpstreamFault::ListingTimedOut,
        cause: Cause::of("Listing"),
    }
}

/// One call ends by the deadline.
fn within(deadline: Deadline) -> Builder {
    let timeout = TimeoutConfig::builder()
        .operation_timeout(deadline.remaining())
        .build();
    Builder::default().timeout_config(timeout)
}
