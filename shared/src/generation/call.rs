//! One call for text: the choice between the family's native body and Converse.

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ConverseTokensRequest, CountTokensInput, InvokeModelTokensRequest,
};

use crate::Error;
use crate::api::inference::Inference;
use crate::api::options::{Guardrail, Latency, Options, Thinking, Tier};
use crate::bedrock::{Bedrock, Stream};
use crate::converse::{self, ToldByTool};
use crate::deadline::Deadline;
use crate::dialogue::{Dialogue, Input};
use crate::error::ModelFault;
use crate::families::{self, Completion, Finish, Thinking as Tells};
use crate::model::{Api, Family, Resource, Target, TextFamily};

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
        /// How the answer tells what the model thinks.
        thinking: Tells,
        /// What is said beside the body.
        aside: Aside,
    },
    /// Converse with this request.
    Converse(Box<converse::Request>),
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
        options: &Options,
    ) -> Result<Self, Error> {
        let family = target.text_family()?;
        let usual = match input {
            Input::Prompt(_) => Api::Invoke,
            Input::Dialogue(_) if serves_converse(target) => Api::Converse,
            Input::Dialogue(_) => Api::Invoke,
        };
        match (target.api.unwrap_or(usual), family) {
            (Api::Invoke, Some(family)) => {
                let conversation;
                let input = match input {
                    Input::Prompt(text) => families::Input::Prompt(text),
                    Input::Dialogue(dialogue) => {
                        conversation = dialogue.plain()?;
                        families::Input::Conversation(&conversation)
                    }
                };
                Ok(Self::Invoke {
                    family,
                    body: with_fields(
                        families::encode_text(family, target.entry, input, inference)?,
                        options,
                    )?,
                    behind_marker: families::answers_behind_marker(family, input),
                    thinking: families::thinking(family, input),
                    aside: Aside::of(options)?,
                })
            }
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
                let dialogue = match input {
                    Input::Dialogue(dialogue) => dialogue,
                    Input::Prompt(text) => {
                        prompt = Dialogue::of_prompt(text);
                        &prompt
                    }
                };
                converse::encode(family, target.entry, dialogue, inference, options)
                    .map(|request| Self::Converse(Box::new(request)))
            }
        }
    }

    /// The request, for Bedrock to count its tokens.
    pub fn counted(&self) -> Result<CountTokensInput, Error> {
        Ok(match self {
            Self::Converse(request) => CountTokensInput::Converse(
                ConverseTokensRequest::builder()
                    .set_messages(Some(request.messages.clone()))
                    .set_system(request.system.clone())
                    .set_tool_config(request.tools.clone())
                    .set_additional_model_request_fields(request.additional_fields.clone())
                    .build(),
            ),
            Self::Invoke { body, .. } => CountTokensInput::InvokeModel(
                InvokeModelTokensRequest::builder()
                    .body(Blob::new(body.clone()))
                    .build()
                    .map_err(|_| Error::defect("count"))?,
            ),
        })
    }

    /// Makes the call and waits for the whole answer.
    pub async fn send(
        &self,
        bedrock: &Bedrock,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Completion, Error> {
        match self {
            Self::Converse(request) => {
                let completion = bedrock.converse(target, request, deadline).await?;
                Ok(match request.answers_by_tool {
                    true => converse::told_by_tool(completion),
                    false => completion,
                })
            }
            Self::Invoke {
                family,
                body,
                behind_marker,
                thinking,
                aside,
            } => {
                let answer = bedrock.invoke(target, body, aside, deadline).await?;
                let mut completion = families::decode_text(*family, &answer.body)?;
                if *behind_marker {
                    completion.text = completion.text.trim_start().to_owned();
                }
                // What a guardrail says in the model's place is no thought; what it only masked may be.
                if !answer.intervened || thinking.ends_in(&completion.text) {
                    completion = thinking.apart(completion);
                }
                if answer.intervened {
                    completion.finish = Finish::Guardrail;
                }
                // The headers are the same for all families; a body's own counts come second.
                completion.usage = answer.usage.or(completion.usage);
                completion.beside = answer.beside;
                Ok(completion)
            }
        }
    }

    /// Whether the model has this answer whole alone.
    pub const fn is_whole_only(&self) -> bool {
        match self {
            Self::Converse(request) => request.whole_only,
            Self::Invoke { family, .. } => !families::streams(*family),
        }
    }

    /// What makes the answer's text of the chunks of a call of a tool, where the answer is asked for
    /// with one.
    pub fn told_by_tool(&self) -> Option<ToldByTool> {
        match self {
            Self::Converse(request) => request.answers_by_tool.then(ToldByTool::default),
            Self::Invoke { .. } => None,
        }
    }

    /// Makes the call and hands out the answer as it is written.
    pub async fn stream(
        &self,
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
                thinking,
                aside,
            } => {
                let body = families::streamed_body(*family, body);
                let stream = bedrock
                    .invoke_stream(target, *family, &body, aside, deadline)
                    .await?;
                Ok(stream.behind_marker(*behind_marker).thinking(*thinking))
            }
        }
    }
}

/// What InvokeModel is told in headers, beside the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aside {
    /// The guardrail that the request names.
    pub guardrail: Option<Guardrail>,
    /// The service tier, where it is not the default.
    pub tier: Option<Tier>,
    /// The latency, where the request says it.
    pub latency: Option<Latency>,
}

impl Aside {
    /// What InvokeModel can be told; what only Converse has is refused by name.
    fn of(options: &Options) -> Result<Self, Error> {
        let Options {
            thinking,
            guardrail,
            tier,
            latency,
            // They are in the body.
            request_fields: _,
            response_paths,
        } = options;
        let traced = guardrail.as_ref().is_some_and(|guardrail| guardrail.trace);
        for (param, given) in [
            (
                "reasoning_effort",
                matches!(thinking, Some(Thinking::Effort(_))),
            ),
            (
                "thinking",
                matches!(thinking, Some(Thinking::Budget(_) | Thinking::Adaptive)),
            ),
            (
                "additional_model_response_field_paths",
                !response_paths.is_empty(),
            ),
            ("guardrail.trace", traced),
        ] {
            if given {
                return Err(Error::unsupported(
                    param,
                    "only Converse takes it; use `\"api\": \"converse\"`",
                ));
            }
        }
        Ok(Self {
            guardrail: guardrail.clone(),
            tier: *tier,
            latency: *latency,
        })
    }
}

/// The native body with the caller's own fields of the model.
fn with_fields(body: Vec<u8>, options: &Options) -> Result<Vec<u8>, Error> {
    if options.request_fields.is_empty() {
        return Ok(body);
    }
    let defect = |_| Error::defect("with_fields");
    let mut members = serde_json::from_slice(&body).map_err(defect)?;
    converse::merge(&mut members, &options.request_fields)?;
    serde_json::to_vec(&members).map_err(defect)
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
        | Resource::SagemakerEndpoint => {
            target.entry.is_none_or(|entry| entry.capabilities.converse)
        }
    }
}
