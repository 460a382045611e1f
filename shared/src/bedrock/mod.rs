//! The client to Bedrock's runtime: the one place that calls a model.
//!
//! It is built once at cold start. Every call is bounded by the request's deadline, and made again
//! only as `retry` says; a call that timed out or began to answer never is, because each is paid
//! for.

mod body;
mod breaker;
mod counting;
mod fault;
mod guardrail;
mod headers;
mod listing;
mod retry;
mod role;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{
    Builder, Region, StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    GuardrailConfiguration, GuardrailStreamConfiguration, GuardrailTrace,
};
use bytes::Bytes;

use crate::Error;
use crate::api::options;
use crate::config::{Connection, Guardrail};
use crate::converse;
use crate::deadline::Deadline;
use crate::families::{Beside, Completion, Usage};
use crate::generation::Aside;
use crate::model::{Target, TextFamily};
use crate::telemetry::Call;
pub use body::{Expected, Watch};
use breaker::Breaker;
use headers::TokenCounts;
pub use listing::list;
use retry::{Failure, repeat};
pub use stream::Stream;

const JSON: &str = "application/json";

/// The action that both whole operations need, as IAM names it.
const ACTION: &str = "InvokeModel";

/// What InvokeModel answered.
#[derive(Debug)]
pub struct Answer {
    /// The family's native body.
    pub body: Bytes,
    /// Tokens used, where the headers say it.
    pub usage: Option<Usage>,
    /// Whether a guardrail intervened: the answer is then the guardrail's.
    pub intervened: bool,
    /// What else the headers say.
    pub beside: Beside,
}

/// The client.
#[derive(Debug, Clone)]
pub struct Bedrock {
    client: Client,
    guardrail: Option<Guardrail>,
    idle: Duration,
    breaker: Arc<Breaker>,
}

impl Bedrock {
    /// Builds the client.
    pub async fn connect(sdk: &SdkConfig, connection: &Connection) -> Self {
        let sdk = &connected(sdk, connection).await;
        let mut config = Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            // A model may think for longer than this protection waits; `Watch` stands in for it.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &connection.endpoint {
            config = config.endpoint_url(endpoint);
        }
        Self {
            client: Client::from_conf(config.build()),
            guardrail: connection.guardrail.clone(),
            idle: connection.idle,
            breaker: Arc::default(),
        }
    }

    const fn watch(&self, expects: Expected) -> Watch {
        Watch {
            idle: self.idle,
            expects,
        }
    }

    /// The guardrail of a call.
    fn guardrail(
        &self,
        asked: Option<&options::Guardrail>,
    ) -> Result<Option<options::Guardrail>, Error> {
        guardrail::settle(self.guardrail.as_ref(), asked)
    }

    /// InvokeModel: the family's native body in and out.
    pub async fn invoke(
        &self,
        target: &Target,
        body: &[u8],
        aside: &Aside,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        let guardrail = &self.guardrail(aside.guardrail.as_ref())?;
        repeat(&self.breaker, deadline, |made| async move {
            let counts = TokenCounts::default();
            let call = Call::begin(&target.id, "InvokeModel", made);
            let output = self
                .client
                .invoke_model()
                .model_id(target.id.as_str())
                .content_type(JSON)
                .accept(JSON)
                .set_guardrail_identifier(guardrail.clone().map(|guardrail| guardrail.id))
                .set_guardrail_version(guardrail.clone().map(|guardrail| guardrail.version))
                .set_service_tier(aside.tier.map(converse::tier_type))
                .set_performance_config_latency(aside.latency.map(converse::latency_type))
                .body(Blob::new(body))
                .customize()
                .interceptor(counts.clone())
                .interceptor(self.watch(Expected::Whole))
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault::of_call(error, target));
            let output = ended(call, output, |_| counts.usage())?;
            let beside = Beside {
                tier: output.service_tier.map(|tier| tier.as_str().to_owned()),
                latency: output
                    .performance_config_latency
                    .map(|latency| latency.as_str().to_owned()),
                ..Beside::default()
            };
            let body = Bytes::from(output.body.into_inner());
            Ok(Answer {
                intervened: guardrail.is_some() && guardrail::intervened(&body),
                body,
                beside,
                usage: counts.usage(),
            })
        })
        .await
        .map_err(|error| error.during(ACTION, Some(target.id.as_str())))
    }

    /// InvokeModelWithResponseStream: the family's native body in, its chunks out. The first chunk
    /// that says something has come when this returns.
    pub async fn invoke_stream(
        &self,
        target: &Target,
        family: TextFamily,
        body: &[u8],
        aside: &Aside,
        deadline: Deadline,
    ) -> Result<Stream, Error> {
        let guardrail = &self.guardrail(aside.guardrail.as_ref())?;
        repeat(&self.breaker, deadline, |made| async move {
            let call = Call::begin(&target.id, "InvokeModelWithResponseStream", made);
            let output = self
                .client
                .invoke_model_with_response_stream()
                .model_id(target.id.as_str())
                .content_type(JSON)
                .accept(JSON)
                .set_guardrail_identifier(guardrail.clone().map(|guardrail| guardrail.id))
                .set_guardrail_version(guardrail.clone().map(|guardrail| guardrail.version))
                .set_service_tier(aside.tier.map(converse::tier_type))
                .set_performance_config_latency(aside.latency.map(converse::latency_type))
                .body(Blob::new(body))
                .customize()
                .interceptor(self.watch(Expected::Events))
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault::of_call(error, target));
            let (output, call) = begun(call, output)?;
            let events = stream::Events::Native {
                family,
                guarded: guardrail.is_some(),
                events: output.body,
            };
            Stream::open(events, call, target.clone(), deadline, self.idle).await
        })
        .await
        .map_err(|error| error.during(stream::ACTION, Some(target.id.as_str())))
    }

    /// Converse.
    pub async fn converse(
        &self,
        target: &Target,
        request: &converse::Request,
        deadline: Deadline,
    ) -> Result<Completion, Error> {
        let guardrail = &self.guardrail(request.guardrail.as_ref())?;
        let output = repeat(&self.breaker, deadline, |made| async move {
            let call = Call::begin(&target.id, "Converse", made);
            let converse::Request {
                messages,
                system,
                inference_config,
                additional_fields,
                response_paths,
                guardrail: _,
                tier,
                latency,
                tools,
                output,
                answers_by_tool: _,
                whole_only: _,
            } = request.clone();
            let output = self
                .client
                .converse()
                .model_id(target.id.as_str())
                .set_messages(Some(messages))
                .set_system(system)
                .set_inference_config(inference_config)
                .set_additional_model_request_fields(additional_fields)
                .set_additional_model_response_field_paths(response_paths)
                .set_service_tier(tier)
                .set_performance_config(latency)
                .set_tool_config(tools)
                .set_output_config(output)
                .set_guardrail_config(guardrail.clone().map(|guardrail| {
                    GuardrailConfiguration::builder()
                        .guardrail_identifier(guardrail.id)
                        .guardrail_version(guardrail.version)
                        .set_trace(guardrail.trace.then_some(GuardrailTrace::Enabled))
                        .build()
                }))
                .customize()
                .interceptor(self.watch(Expected::Whole))
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault::of_call(error, target));
            ended(call, output, converse::usage_of)
        })
        .await;
        output
            .and_then(converse::decode)
            .map_err(|error| error.during(ACTION, Some(target.id.as_str())))
    }

    /// ConverseStream. The first chunk that says something has come when this returns.
    pub async fn converse_stream(
        &self,
        target: &Target,
        request: &converse::Request,
        deadline: Deadline,
    ) -> Result<Stream, Error> {
        let guardrail = &self.guardrail(request.guardrail.as_ref())?;
        repeat(&self.breaker, deadline, |made| async move {
            let call = Call::begin(&target.id, "ConverseStream", made);
            let converse::Request {
                messages,
                system,
                inference_config,
                additional_fields,
                response_paths,
                guardrail: _,
                tier,
                latency,
                tools,
                output,
                answers_by_tool: _,
                whole_only: _,
            } = request.clone();
            let output = self
                .client
                .converse_stream()
                .model_id(target.id.as_str())
                .set_messages(Some(messages))
                .set_system(system)
                .set_inference_config(inference_config)
                .set_additional_model_request_fields(additional_fields)
                .set_additional_model_response_field_paths(response_paths)
                .set_service_tier(tier)
                .set_performance_config(latency)
                .set_tool_config(tools)
                .set_output_config(output)
                .set_guardrail_config(guardrail.clone().map(|guardrail| {
                    GuardrailStreamConfiguration::builder()
                        .guardrail_identifier(guardrail.id)
                        .guardrail_version(guardrail.version)
                        .set_trace(guardrail.trace.then_some(GuardrailTrace::Enabled))
                        .build()
                }))
                .customize()
                .interceptor(self.watch(Expected::Events))
                .config_override(within(deadline))
                .send()
                .await
                .map_err(|error| fault::of_call(error, target));
            let (output, call) = begun(call, output)?;
            let events = stream::Events::Converse(output.stream);
            Stream::open(events, call, target.clone(), deadline, self.idle).await
        })
        .await
        .map_err(|error| error.during(stream::ACTION, Some(target.id.as_str())))
    }
}

/// Measures the end of a call that is answered whole.
fn ended<T>(
    mut call: Call,
    outcome: Result<T, Failure>,
    usage: impl FnOnce(&T) -> Option<Usage>,
) -> Result<T, Failure> {
    match &outcome {
        Ok(answer) => {
            call.used(usage(answer));
            call.answered();
        }
        Err(failure) => call.failed(&failure.error),
    }
    outcome
}

/// Measures a call whose answer is a stream, if it never begins.
fn begun<T>(mut call: Call, outcome: Result<T, Failure>) -> Result<(T, Call), Failure> {
    match outcome {
        Ok(answer) => Ok((answer, call)),
        Err(failure) => {
            call.failed(&failure.error);
            Err(failure)
        }
    }
}

/// The SDK's configuration with the region and the role of a connection, where it names them.
pub async fn connected(sdk: &SdkConfig, connection: &Connection) -> SdkConfig {
    let mut config = sdk.to_builder();
    if let Some(region) = &connection.region {
        config = config.region(Region::new(region.clone()));
    }
    if let Some(role) = &connection.role {
        let provider = role::assumed(sdk, role, &connection.session_name).await;
        config = config.credentials_provider(provider);
    }
    config.build()
}

/// One call ends by the deadline. (A limit on one attempt of the SDK's own would make it call, and
/// pay, again.)
fn within(deadline: Deadline) -> Builder {
    let timeout = TimeoutConfig::builder()
        .operation_timeout(deadline.remaining())
        .build();
    Builder::default().timeout_config(timeout)
}
