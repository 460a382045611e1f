//! The client to Bedrock's runtime: the one place that calls a model.
//!
//! It is built once at cold start. Every call is bounded by the request's deadline. The SDK
//! retries what failed before the model began to answer (throttling, 5xx, a refused connection);
//! a call that timed out or began to answer is never made again, because each is paid for.

mod fault;
mod headers;
mod once;
mod stream;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{
    Builder, StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_bedrockruntime::primitives::Blob;
use bytes::Bytes;

use crate::Error;
use crate::config::Connection;
use crate::converse;
use crate::deadline::Deadline;
use crate::families::{Completion, Usage};
use crate::model::{Target, TextFamily};
use headers::TokenCounts;
use once::NeverAnswerTwice;
pub use stream::Stream;

const JSON: &str = "application/json";

/// What InvokeModel answered.
#[derive(Debug)]
pub struct Answer {
    /// The family's native body.
    pub body: Bytes,
    /// Tokens used, where the headers say it.
    pub usage: Option<Usage>,
}

/// The client.
#[derive(Debug, Clone)]
pub struct Bedrock {
    client: Client,
}

impl Bedrock {
    /// Builds the client: region, endpoint and role of the connection go before the SDK's own.
    pub async fn connect(sdk: &SdkConfig, connection: &Connection) -> Self {
        let mut config = Builder::from(sdk)
            .retry_classifier(NeverAnswerTwice)
            // A model may think for longer than this protection waits; the deadline bounds it.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &connection.endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some(region) = &connection.region {
            config = config.region(aws_sdk_bedrockruntime::config::Region::new(region.clone()));
        }
        if let Some(role) = &connection.role {
            let provider = AssumeRoleProvider::builder(role)
                .session_name(&connection.session_name)
                .configure(sdk)
                .build()
                .await;
            config = config.credentials_provider(provider);
        }
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// InvokeModel: the family's native body in and out.
    pub async fn invoke(
        &self,
        target: &Target,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let counts = TokenCounts::default();
        let output = self
            .client
            .invoke_model()
            .model_id(target.id.as_str())
            .content_type(JSON)
            .accept(JSON)
            .body(Blob::new(body))
            .customize()
            .interceptor(counts.clone())
            .config_override(within(deadline))
            .send()
            .await
            .map_err(|error| fault::of_call(error, target))?;
        Ok(Answer {
            body: Bytes::from(output.body.into_inner()),
            usage: counts.usage(),
        })
    }

    /// InvokeModelWithResponseStream: the family's native body in, its chunks out.
    pub async fn invoke_stream(
        &self,
        target: &Target,
        family: TextFamily,
        body: Vec<u8>,
        deadline: Deadline,
    ) -> Result<Stream, Error> {
        let output = self
            .client
            .invoke_model_with_response_stream()
            .model_id(target.id.as_str())
            .content_type(JSON)
            .accept(JSON)
            .body(Blob::new(body))
            .customize()
            .config_override(within(deadline))
            .send()
            .await
            .map_err(|error| fault::of_call(error, target))?;
        Ok(Stream::native(
            family,
            output.body,
            target.clone(),
            deadline,
        ))
    }

    /// Converse.
    pub async fn converse(
        &self,
        target: &Target,
        request: converse::Request,
        deadline: Deadline,
    ) -> Result<Completion, Error> {
        let converse::Request {
            messages,
            system,
            inference_config,
            additional_fields,
        } = request;
        let output = self
            .client
            .converse()
            .model_id(target.id.as_str())
            .set_messages(Some(messages))
            .set_system(system)
            .set_inference_config(inference_config)
            .set_additional_model_request_fields(additional_fields)
            .customize()
            .config_override(within(deadline))
            .send()
            .await
            .map_err(|error| fault::of_call(error, target))?;
        converse::decode(output)
    }

    /// ConverseStream.
    pub async fn converse_stream(
        &self,
        target: &Target,
        request: converse::Request,
        deadline: Deadline,
    ) -> Result<Stream, Error> {
        let converse::Request {
            messages,
            system,
            inference_config,
            additional_fields,
        } = request;
        let output = self
            .client
            .converse_stream()
            .model_id(target.id.as_str())
            .set_messages(Some(messages))
            .set_system(system)
            .set_inference_config(inference_config)
            .set_additional_model_request_fields(additional_fields)
            .customize()
            .config_override(within(deadline))
            .send()
            .await
            .map_err(|error| fault::of_call(error, target))?;
        Ok(Stream::converse(output.stream, target.clone(), deadline))
    }
}

/// The whole call, retries and waits included, ends by the deadline. (A limit on one attempt
/// would make the SDK call, and pay, again.)
fn within(deadline: Deadline) -> Builder {
    let timeout = TimeoutConfig::builder()
        .operation_timeout(deadline.remaining())
        .build();
    Builder::default().timeout_config(timeout)
}
