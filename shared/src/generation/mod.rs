//! Text from a model: finds it and makes the calls of a request, whole or streamed.

mod call;
mod history;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_config::SdkConfig;

use async_stream::try_stream;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::Error;
use crate::api::document::Document;
use crate::api::inference::Inference;
use crate::api::limits::Limits;
use crate::api::options::Options;
use crate::api::streamed::{Delta, Streaming, Writer};
use crate::api::{Generated, OfAnswer as _, Served};
use crate::bedrock::Bedrock;
use crate::config::{Config, DefaultModel, Invalid};
use crate::converse;
use crate::deadline::Deadline;
use crate::families::{Chunk, Completion, Usage};
use crate::fan_out::fan_out;
use crate::model::{Directory, Target, Wanted};
use crate::reply::{Event, Events, Reply};
use crate::runtime::Invocation;
use crate::telemetry::Facts;

pub use call::{Aside, Call};
pub use history::{History, Wish};

/// How many calls of one request are made at a time.
const CALLS_AT_A_TIME: usize = 4;

/// The text models of a deployment: what both text functions are made of.
#[derive(Debug)]
pub struct TextModels {
    bedrock: Bedrock,
    directory: Directory,
    limits: Limits,
    history: History,
}

/// What is asked of the models for one request.
#[derive(Debug)]
pub struct Asked {
    /// The calls, each with the text that stands before its answer, such as an echoed prompt.
    pub alternatives: Vec<(Arc<Call>, String)>,
    /// How the answer is to be streamed; `None` sends it whole.
    pub streaming: Option<Streaming>,
    /// How many turns of the history were left out.
    pub trimmed: usize,
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
            history: config.history,
        })
    }

    /// How much one request may ask for.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The tokens of an answer where the request does not say: the deployment's default, or what
    /// the model can do, if that is less.
    fn default_max_tokens(&self, target: &Target) -> i64 {
        let limits = &self.limits;
        let model = target.entry.and_then(|entry| entry.max_output);
        let most = model.map_or(limits.max_tokens, |most| limits.max_tokens.min(most.into()));
        limits.default_max_tokens.min(most)
    }

    /// Bounds the tokens of an answer where the request does not say, unless the model refuses a bound
    /// beside what is asked of it.
    pub fn bound(
        &self,
        target: &Target,
        options: &Options,
        inference: &mut Inference,
    ) -> Result<(), Error> {
        let family = target.text_family()?;
        if !converse::wants_no_bound(family, target.entry, options.thinking) {
            let default = self.default_max_tokens(target);
            inference.max_tokens.get_or_insert(default);
        }
        Ok(())
    }

    /// Finds the model that a request is for.
    pub fn find(&self, wanted: &Wanted) -> Result<Target, Error> {
        self.directory.find(wanted)
    }

    /// Answers a request, whole or streamed as it asks.
    pub async fn answer<D: Delta + 'static>(
        &self,
        asked: Asked,
        target: Target,
        invocation: &Invocation,
    ) -> Result<Reply, Error> {
        let Asked {
            alternatives,
            streaming,
            trimmed,
        } = asked;
        let (calls, openings): (Vec<_>, Vec<_>) = alternatives.into_iter().unzip();
        let Invocation {
            id,
            deadline,
            started,
            streams,
            ..
        } = invocation;
        if let Some(streaming) = streaming.filter(|_| *streams) {
            let name = target.name.clone();
            let writer =
                Writer::<D>::new(id, *started, name, openings, streaming).of_trimmed(trimmed);
            let events = self
                .stream(calls, &target, *deadline, (writer, trimmed))
                .await?;
            return Ok(Reply::Stream(events, trimmed));
        }
        let (completions, usage) = self.send(&calls, &target, *deadline).await?;
        let served = Served::of(&completions).of_trimmed(trimmed);
        let choices = completions
            .into_iter()
            .zip(openings)
            .enumerate()
            .map(|(index, (completion, opening))| D::Whole::new(index, &opening, completion))
            .collect();
        let facts = Facts {
            model: target.id.as_str().to_owned(),
            usage,
            images: 0,
            trimmed,
        };
        let response =
            Generated::<D::Whole>::new(id, *started, target.name, choices, usage, served);
        Ok(Reply::Whole(Document::of(&response)?, facts))
    }

    /// Makes the calls, a few at a time; the answers come in their order, with the sum of their
    /// tokens.
    async fn send(
        &self,
        calls: &[Arc<Call>],
        target: &Target,
        deadline: Deadline,
    ) -> Result<(Vec<Completion>, Option<Usage>), Error> {
        let sending = calls
            .iter()
            .map(|call| call.send(&self.bedrock, target, deadline));
        let completions = fan_out(sending, CALLS_AT_A_TIME).await?;
        let usage = Usage::sum(completions.iter().map(|completion| completion.usage));
        Ok((completions, usage))
    }

    /// Makes the calls, a few at a time, and writes their chunks as they come. The first chunk has
    /// come when this returns, so that calls that fail before it keep their own status.
    async fn stream<D: Delta + 'static>(
        &self,
        calls: Vec<Arc<Call>>,
        target: &Target,
        deadline: Deadline,
        (mut writer, trimmed): (Writer<D>, usize),
    ) -> Result<Events, Error> {
        let mut chunks = self.chunks(calls, target.clone(), deadline);
        let (index, chunk) = first(&mut chunks).await?;
        let model = target.id.as_str().to_owned();
        Ok(Box::pin(try_stream! {
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
            yield Event::End(Facts { model, usage, images: 0, trimmed });
        }))
    }

    /// The chunks of the calls; a call whose model has the answer whole alone gives it in few. Once a
    /// call has failed, no further one is begun.
    fn chunks(&self, calls: Vec<Arc<Call>>, target: Target, deadline: Deadline) -> Chunks {
        let bedrock = self.bedrock.clone();
        let failed = Arc::new(AtomicBool::new(false));
        stream::iter(calls.into_iter().enumerate())
            .flat_map_unordered(CALLS_AT_A_TIME, move |(index, call)| {
                let (bedrock, target) = (bedrock.clone(), target.clone());
                let failed = Arc::clone(&failed);
                // On the heap: inline, the SDK's futures nest deeper than the compiler will lay out.
                let chunks: Chunks = Box::pin(try_stream! {
                    if failed.load(Ordering::Relaxed) {
                        return;
                    }
                    if call.is_whole_only() {
                        let whole = call.send(&bedrock, &target, deadline).await;
                        failed.fetch_or(whole.is_err(), Ordering::Relaxed);
                        for chunk in whole?.into_chunks() {
                            yield (index, chunk);
                        }
                    } else {
                        let mut told = call.told_by_tool();
                        let opened = call.stream(&bedrock, &target, deadline).await;
                        failed.fetch_or(opened.is_err(), Ordering::Relaxed);
                        let opened = opened?;
                        let mut chunks = std::pin::pin!(opened.chunks());
                        while let Some(chunk) = chunks.try_next().await? {
                            yield (index, match &mut told {
                                Some(told) => told.told(chunk),
                                None => chunk,
                            });
                        }
                    }
                });
                chunks
            })
            .boxed()
    }
}

/// The first chunk of several answers. If a call fails before any has answered, those under way are
/// waited for: what they say decides whether the client may try again.
async fn first(chunks: &mut Chunks) -> Result<(usize, Chunk), Error> {
    let mut failed: Option<Error> = None;
    loop {
        match (chunks.next().await, failed.take()) {
            (Some(Ok(first)), None) => return Ok(first),
            (Some(Ok(_)), Some(error)) => return Err(Error::PartlyPaid(Box::new(error))),
            (Some(Err(error)), None) => failed = Some(error),
            (Some(Err(other)), Some(error)) if other.may_be_billed() => {
                return Err(Error::PartlyPaid(Box::new(error)));
            }
            (Some(Err(_)), Some(error)) => failed = Some(error),
            (None, Some(error)) => return Err(error),
            (None, None) => return Err(Error::defect("stream")),
        }
    }
}
