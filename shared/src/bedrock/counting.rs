//! CountTokens: how many tokens a request has for its model, without asking the model. It costs
//! nothing and is asked once.
//!
//! Source: the userguide's page `count-tokens`, and the service model. It takes foundation models'
//! ids alone; profiles' it refuses, so the model behind one is asked for.

use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::types::CountTokensInput;

use super::{Bedrock, fault};
use crate::Error;
use crate::deadline::Deadline;
use crate::model::Target;
use crate::telemetry::Traced;

/// The longest time that a count may take: an answer matters more.
const PATIENCE: Duration = Duration::from_secs(5);

/// The part of the time left that a count may take.
const SHARE: u32 = 8;

impl Bedrock {
    /// How many tokens the request has for the foundation model with this id.
    pub async fn count_tokens(
        &self,
        target: &Target,
        model: &str,
        input: CountTokensInput,
        deadline: Deadline,
    ) -> Result<u64, Error> {
        let client: &Client = &self.client;
        let patience = PATIENCE.min(deadline.remaining() / SHARE);
        let timeout = TimeoutConfig::builder().operation_timeout(patience).build();
        let output = client
            .count_tokens()
            .model_id(model)
            .input(input)
            .customize()
            .interceptor(Traced)
            .config_override(Builder::default().timeout_config(timeout))
            .send()
            .await
            .map_err(|error| fault::of_call(error, target).error)?;
        Ok(u64::try_from(output.input_tokens).unwrap_or(0))
    }
}
