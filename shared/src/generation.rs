//! Text from a model: finds it, chooses between the family's native body and Converse, calls it.

use aws_config::SdkConfig;

use crate::Error;
use crate::api::inference::Inference;
use crate::bedrock::{Bedrock, Stream};
use crate::config::{Config, DefaultModel, Invalid};
use crate::converse;
use crate::deadline::Deadline;
use crate::error::ModelFault;
use crate::families::{self, Completion, Conversation, Input, Usage};
use crate::fan_out::fan_out;
use crate::model::{Api, Directory, Family, Resource, Target, TextFamily, Wanted};

/// How many calls of one request are made at a time.
const CALLS_AT_A_TIME: usize = 4;

/// The text models of a deployment: what both text functions are made of.
#[derive(Debug)]
pub struct TextModels {
    bedrock: Bedrock,
    directory: Directory,
}

impl TextModels {
    /// Builds the client, once. The default model must be one that writes text.
    pub async fn connect(
        config: Config,
        sdk: &SdkConfig,
        default: DefaultModel,
    ) -> Result<Self, Invalid> {
        let directory = config.directory;
        default.check(&directory, Target::text_family)?;
        Ok(Self {
            bedrock: Bedrock::connect(sdk, &config.bedrock).await,
            directory,
        })
    }

    /// Finds the model that a request is for.
    pub fn find(&self, wanted: &Wanted) -> Result<Target, Error> {
        self.directory.find(wanted)
    }

    /// Makes the calls, a few at a time; the answers come in their order, with the sum of their
    /// tokens.
    pub async fn send(
        &self,
        calls: impl IntoIterator<Item = Call>,
        target: &Target,
        deadline: Deadline,
    ) -> Result<(Vec<Completion>, Option<Usage>), Error> {
        let sending = calls
            .into_iter()
            .map(|call| call.send(&self.bedrock, target, deadline));
        let completions = fan_out(sending, CALLS_AT_A_TIME).await?;
        let usage = Usage::sum(completions.iter().map(|completion| completion.usage));
        Ok((completions, usage))
    }
}

/// A call that is ready to be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// InvokeModel.
    Invoke {
        /// The family whose body it is.
        family: TextFamily,
        /// The native body.
        body: Vec<u8>,
        /// Whether the answer begins with the white space that stands behind a turn's marker.
        behind_marker: bool,
    },
    /// Converse with this request.
    Converse(converse::Request),
}

impl Call {
    /// Checks and encodes a request.
    ///
    /// A prompt goes over the family's native body, a conversation over Converse, unless the
    /// request or an alias chose otherwise or Converse does not serve the model. A model whose
    /// family is not known is served by Converse alone.
    pub fn prepare(
        target: &Target,
        input: Input<'_>,
        inference: &Inference,
    ) -> Result<Self, Error> {
        let family = target.text_family()?;
        let usual = match input {
            Input::Prompt(_) => Api::Invoke,
            Input::Conversation(_) if serves_converse(target) => Api::Converse,
            Input::Conversation(_) => Api::Invoke,
        };
        match (target.api.unwrap_or(usual), family) {
            (Api::Invoke, Some(family)) => Ok(Self::Invoke {
                family,
                body: families::encode_text(family, target.entry, input, inference)?,
                behind_marker: families::answers_behind_marker(family, input),
            }),
            (Api::Invoke, None) if target.api.is_some() => {
                Err(target.fault(ModelFault::FamilyRequired {
                    known: Family::names(),
                }))
            }
            (Api::Converse, _) if !serves_converse(target) => Err(target.fault(
                ModelFault::TaskUnsupported("Converse; use `\"api\": \"invoke\"`"),
            )),
            (Api::Invoke, None) | (Api::Converse, _) => {
                let prompt;
                let conversation = match input {
                    Input::Conversation(conversation) => conversation,
                    Input::Prompt(text) => {
                        prompt = Conversation::of_prompt(text);
                        &prompt
                    }
                };
                converse::encode(family, target.entry, conversation, inference).map(Self::Converse)
            }
        }
    }

    /// Makes the call and waits for the whole answer.
    pub async fn send(
        self,
        bedrock: &Bedrock,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Completion, Error> {
        match self {
            Self::Converse(request) => bedrock.converse(target, request, deadline).await,
            Self::Invoke {
                family,
                body,
                behind_marker,
            } => {
                let answer = bedrock.invoke(target, body, deadline).await?;
                let mut completion = families::decode_text(family, &answer.body)?;
                if behind_marker {
                    completion.text = completion.text.trim_start().to_owned();
                }
                // The headers are the same for all families; a body's own counts come second.
                completion.usage = answer.usage.or(completion.usage);
                Ok(completion)
            }
        }
    }

    /// Makes the call and hands out the answer as it is written.
    pub async fn stream(
        self,
        bedrock: &Bedrock,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Stream, Error> {
        match self {
            Self::Converse(request) => bedrock.converse_stream(target, request, deadline).await,
            Self::Invoke {
                family,
                body,
                behind_marker,
            } => {
                let stream = bedrock
                    .invoke_stream(target, family, body, deadline)
                    .await?;
                Ok(stream.behind_marker(behind_marker))
            }
        }
    }
}

/// Whether Converse serves the model, as far as can be told without asking. What was customised
/// or imported has a runtime of its own, whatever it was made from; a request may say that it
/// serves Converse.
fn serves_converse(target: &Target) -> bool {
    match target.id.resource() {
        Resource::ImportedModel | Resource::CustomModel | Resource::CustomModelDeployment => {
            target.api == Some(Api::Converse)
        }
        Resource::FoundationModel
        | Resource::InferenceProfile
        | Resource::ApplicationInferenceProfile
        | Resource::ProvisionedModel
        | Resource::Prompt
        | Resource::PromptRouter
        | Resource::SagemakerEndpoint => target.entry.is_none_or(|entry| entry.converse),
    }
}
