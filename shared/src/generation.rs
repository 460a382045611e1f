//! Text from a model: finds it, chooses between the family's native body and Converse, calls it.

use aws_config::SdkConfig;

use async_stream::try_stream;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::Error;
use crate::api::inference::Inference;
use crate::api::limits::Limits;
use crate::api::streamed::{Delta, Writer};
use crate::bedrock::{Bedrock, Stream};
use crate::config::{Config, DefaultModel, Invalid};
use crate::converse;
use crate::deadline::Deadline;
use crate::error::ModelFault;
use crate::families::{self, Chunk, Completion, Conversation, Input, Usage};
use crate::fan_out::fan_out;
use crate::model::{Api, Directory, Family, Resource, Target, TextFamily, Wanted};
use crate::reply::{Event, Events};
use crate::telemetry::Facts;

/// How many calls of one request are made at a time.
const CALLS_AT_A_TIME: usize = 4;

/// The text models of a deployment: what both text functions are made of.
#[derive(Debug)]
pub struct TextModels {
    bedrock: Bedrock,
    directory: Directory,
    limits: Limits,
}

/// Chunks of several answers as they come, each with the index of its answer.
type Chunks = BoxStream<'static, Result<(usize, Chunk), Error>>;

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
            limits: config.limits,
        })
    }

    /// How much one request may ask for.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The tokens of an answer where the request does not say: the deployment's default, or what
    /// the model can do, if that is less.
    pub fn default_max_tokens(&self, target: &Target) -> i64 {
        let limits = &self.limits;
        let model = target.entry.and_then(|entry| entry.max_output);
        let most = model.map_or(limits.max_tokens, |most| limits.max_tokens.min(most.into()));
        limits.default_max_tokens.min(most)
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

    /// Makes the calls, a few at a time, and writes their chunks as they come. The first chunk has
    /// come when this returns, so that a call that fails before it keeps its own status.
    pub async fn stream<D: Delta + 'static>(
        &self,
        calls: Vec<Call>,
        target: &Target,
        deadline: Deadline,
        mut writer: Writer<D>,
    ) -> Result<Events, Error> {
        let several = calls.len() > 1;
        let mut chunks = self.chunks(calls, target.clone(), deadline);
        let first = match chunks.next().await {
            Some(Ok(first)) => first,
            // The others have begun too.
            Some(Err(error)) if several => return Err(Error::PartlyPaid(Box::new(error))),
            Some(Err(error)) => return Err(error),
            None => return Err(Error::defect("stream")),
        };
        let model = target.id.as_str().to_owned();
        Ok(Box::pin(try_stream! {
            let (index, chunk) = first;
            for document in writer.write(index, chunk)? {
                yield Event::Data(document);
            }
            while let Some((index, chunk)) = chunks.try_next().await? {
                for document in writer.write(index, chunk)? {
                    yield Event::Data(document);
                }
            }
            let (last, usage) = writer.end()?;
            if let Some(document) = last {
                yield Event::Data(document);
            }
            yield Event::End(Facts { model, usage, images: 0 });
        }))
    }

    fn chunks(&self, calls: Vec<Call>, target: Target, deadline: Deadline) -> Chunks {
        let bedrock = self.bedrock.clone();
        stream::iter(calls.into_iter().enumerate())
            .flat_map_unordered(CALLS_AT_A_TIME, move |(index, call)| {
                let (bedrock, target) = (bedrock.clone(), target.clone());
                let opening = async move { call.stream(&bedrock, &target, deadline).await };
                // On the heap: inline, the SDK's futures nest deeper than the compiler will lay out.
                stream::once(Box::pin(opening))
                    .map_ok(Stream::chunks)
                    .try_flatten()
                    .map_ok(move |chunk| (index, chunk))
                    .boxed()
            })
            .boxed()
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
