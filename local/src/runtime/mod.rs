//! The five operations of Bedrock Runtime.

pub(crate) mod converse;
mod counting;
mod delivery;
mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use http::HeaderMap;
use serde::Serialize;

use crate::calls::UnderWay;
use crate::catalogue::{self, Resolved};
use crate::error::{Failure, Kind};
use crate::families::{self, Ending, ImageFamily, Painted, Speaker, TextFamily, TextRequest};
use crate::fault::{Delivery, Fault};
use crate::picture::{self, Order};
use crate::server::Local;
use crate::text::{Role, Step, Steps, Unavailable, Usage};
use delivery::{Answer, Taken};

/// The longest body, in bytes (Bedrock's own limit).
const LONGEST_BODY: usize = 25_000_000;

/// How much of a body that is too long is read before it is refused, so that a client which writes
/// first and reads afterwards gets the refusal.
const DRAINED: usize = 4 * LONGEST_BODY;

/// What answers the image models.
pub(crate) const PAINTER: &str = "procedural-picture";

/// The format that a fault puts in the place of Converse's; Nova's would pass for it.
const FOREIGN: TextFamily = TextFamily::ClaudeText;

/// An operation of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Operation {
    InvokeModel,
    InvokeModelWithResponseStream,
    Converse,
    ConverseStream,
    CountTokens,
}

/// A call that has been understood so far that it can be counted.
struct Call {
    local: Arc<Local>,
    operation: Operation,
    resolved: Resolved,
    started: Instant,
}

/// How a text answer is written.
enum Format {
    Native(Speaker),
    Converse(converse::Format),
}

/// Answers a call.
#[tracing::instrument(skip_all, fields(model = tracing::field::Empty))]
pub(crate) async fn answer(
    local: Arc<Local>,
    operation: Operation,
    model_id: String,
    request: Request,
) -> Response {
    let started = Instant::now();
    let response = match handle(local, operation, &model_id, request, started).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    tracing::info!(
        ?operation,
        status = response.status().as_u16(),
        milliseconds = milliseconds(started.elapsed()),
        "answered"
    );
    response
}

async fn handle(
    local: Arc<Local>,
    operation: Operation,
    model_id: &str,
    request: Request,
    started: Instant,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let resolved = match operation {
        Operation::CountTokens => counting::resolve(model_id)?,
        Operation::InvokeModel
        | Operation::InvokeModelWithResponseStream
        | Operation::Converse
        | Operation::ConverseStream => catalogue::resolve(model_id, local.faults.is_some())?,
    };
    local.calls.receive(operation, resolved.model.id);
    tracing::Span::current().record("model", resolved.model.id);
    refuse_guardrail(&parts.headers)?;
    let call = Call {
        local,
        operation,
        resolved,
        started,
    };
    match operation {
        Operation::InvokeModel => call.invoke(&body).await,
        Operation::InvokeModelWithResponseStream => call.invoke_stream(&body).await,
        Operation::Converse => {
            let (request, format) = converse::read(&call.resolved, &body, false)?;
            let format = format.look_up(&call.local.prefixes);
            call.whole_text(request, Format::Converse(format)).await
        }
        Operation::ConverseStream => {
            let (request, format) = converse::read(&call.resolved, &body, true)?;
            let format = format.look_up(&call.local.prefixes);
            call.streamed_text(request, Format::Converse(format)).await
        }
        Operation::CountTokens => counting::answer(&call.resolved, &body),
    }
}

impl Call {
    async fn invoke(self, body: &[u8]) -> Result<Response, Failure> {
        match families::read(self.resolved.model, body)? {
            families::Request::Text(request) => {
                let format = self.native(&request);
                self.whole_text(request, format).await
            }
            families::Request::Image(family, order) => self.image(family, order).await,
        }
    }

    async fn invoke_stream(self, body: &[u8]) -> Result<Response, Failure> {
        match families::read(self.resolved.model, body)? {
            families::Request::Text(request) => {
                let format = self.native(&request);
                self.streamed_text(request, format).await
            }
            families::Request::Image(..) => Err(does_not_stream()),
        }
    }

    fn native(&self, request: &TextRequest) -> Format {
        Format::Native(Speaker {
            model: self.resolved.model,
            message_id: format!("msg_bdrk_01{:016x}", crate::server::random()),
            // Four characters a token is the usual rule of thumb.
            estimated_input: prompt_of(request).chars().count().div_ceil(4),
        })
    }

    async fn whole_text(self, request: TextRequest, format: Format) -> Result<Response, Failure> {
        let prompt = prompt_of(&request);
        let fault = match self.before(&prompt, Delivery::WholeText).await? {
            Before::Answer(response) => return Ok(response),
            Before::Continue(fault) => fault,
        };
        let family = request.family;
        let mut generation = self.generate(request, fault).await?;
        let mut text = String::new();
        let mut first_byte = None;
        loop {
            match generation.steps.recv().await {
                Some(Step::Text(more)) => {
                    first_byte.get_or_insert_with(|| self.started.elapsed());
                    text.push_str(&more);
                }
                Some(Step::Done { finish, usage }) => {
                    let ending = match fault {
                        Some(Fault::Filtered) => Ending::Filtered,
                        _ => Ending::Finished(finish),
                    };
                    let end = self.end(ending, usage, first_byte);
                    let (body, taken) = match format {
                        Format::Native(speaker) => {
                            let wrong = fault == Some(Fault::WrongFamily);
                            let family = if wrong { family.another() } else { family };
                            let taken = Taken {
                                tokens: Some(end.usage),
                                latency: end.latency,
                            };
                            (family.answer(&speaker, &text, &end), Some(taken))
                        }
                        Format::Converse(_) if fault == Some(Fault::WrongFamily) => {
                            let speaker = self.foreign_speaker();
                            (FOREIGN.answer(&speaker, &text, &end), None)
                        }
                        Format::Converse(format) => (format.answer(&text, &end), None),
                    };
                    let backend = self.local.backend.name();
                    return Ok(Answer {
                        body,
                        backend,
                        taken,
                    }
                    .into_response(fault));
                }
                None => return Err(broke_off(Kind::ServiceUnavailable)),
            }
        }
    }

    async fn streamed_text(
        self,
        request: TextRequest,
        format: Format,
    ) -> Result<Response, Failure> {
        let prompt = prompt_of(&request);
        let fault = match self.before(&prompt, Delivery::Stream).await? {
            Before::Answer(response) => return Ok(response),
            Before::Continue(fault) => fault,
        };
        let family = request.family;
        let script = match (format, fault) {
            (Format::Native(speaker), Some(Fault::WrongFamily)) => {
                native(family.another(), speaker)?
            }
            (Format::Native(speaker), _) => native(family, speaker)?,
            (Format::Converse(_), Some(Fault::WrongFamily)) => {
                native(FOREIGN, self.foreign_speaker())?
            }
            (Format::Converse(format), _) => stream::Script::Converse(format),
        };
        let generation = self.generate(request, fault).await?;
        let backend = self.local.backend.name();
        Ok(delivery::event_stream(
            stream::play(self, script, generation, fault),
            &backend,
        ))
    }

    async fn image(self, family: ImageFamily, order: Order) -> Result<Response, Failure> {
        let prompt = format!("{}\n{}", order.prompt, order.negative);
        let fault = match self.before(&prompt, Delivery::Image).await? {
            Before::Answer(response) => return Ok(response),
            Before::Continue(fault) => fault,
        };
        let _under_way = self.begin(fault).await;
        let seed = order.seed.unwrap_or_else(random_seed);
        let count = order.count;
        let paint = move |seed| {
            let file = picture::paint(&order, seed)?;
            Ok::<_, png::EncodingError>(Painted { seed, file })
        };
        let paint = move || {
            let first = paint(seed)?;
            let others = (1..count).map(|further| paint(seed.wrapping_add(further)));
            Ok::<_, png::EncodingError>((first, others.collect::<Result<Vec<_>, _>>()?))
        };
        let (mut first, others) = tokio::task::spawn_blocking(paint)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| Failure::new(Kind::InternalServer, "The picture was not painted."))?;
        match fault {
            Some(Fault::BadImage) => first.file.truncate(first.file.len() / 2),
            Some(Fault::BadCrc) => delivery::spoil_png(&mut first.file),
            _ => {}
        }
        let family = if fault == Some(Fault::WrongFamily) {
            family.another()
        } else {
            family
        };
        let body = family.answer(&first, &others, fault == Some(Fault::Filtered));
        let backend = PAINTER.to_owned();
        let taken = Taken {
            tokens: None,
            latency: milliseconds(self.started.elapsed()),
        };
        Ok(Answer {
            body,
            backend,
            taken: Some(taken),
        }
        .into_response(fault))
    }

    /// What a fault does before any answer.
    async fn before(&self, prompt: &str, delivery: Delivery) -> Result<Before, Failure> {
        let Some(throttled) = &self.local.faults else {
            return Ok(Before::Continue(None));
        };
        let fault = Fault::find(prompt, delivery)?;
        match fault {
            Some(Fault::Throttle { first }) => {
                if throttled.throttles(prompt, first) {
                    return Err(too_many_requests(None));
                }
            }
            Some(Fault::RetryAfter(milliseconds)) => {
                return Err(too_many_requests(Some(milliseconds)));
            }
            Some(Fault::Error(kind)) => {
                return Err(Failure::new(
                    kind,
                    format!("Injected {}Exception.", kind.stem()),
                ));
            }
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Garbage) => return Ok(Before::Answer(delivery::garbage())),
            Some(Fault::Empty) => return Ok(Before::Answer(delivery::empty())),
            Some(
                Fault::Slow(_)
                | Fault::StallBody
                | Fault::Cut
                | Fault::CutFrame
                | Fault::NoEnd
                | Fault::Exception(_)
                | Fault::WrongFamily
                | Fault::Filtered
                | Fault::BadImage
                | Fault::BadCrc,
            )
            | None => {}
        }
        Ok(Before::Continue(fault))
    }

    /// The model is at work, and paid for, until what this returns is dropped.
    async fn begin(&self, fault: Option<Fault>) -> UnderWay {
        let under_way = self
            .local
            .calls
            .generate(self.operation, self.resolved.model.id);
        if let Some(Fault::Slow(longer)) = fault {
            tokio::time::sleep(longer).await;
        }
        under_way
    }

    async fn generate(
        &self,
        request: TextRequest,
        fault: Option<Fault>,
    ) -> Result<Generation, Failure> {
        let under_way = self.begin(fault).await;
        let steps = self
            .local
            .backend
            .generate(request.turns, request.options)
            .await
            .map_err(|unavailable| {
                let kind = match unavailable {
                    Unavailable::Down { .. } => Kind::ServiceUnavailable,
                    Unavailable::TooLong { .. } => Kind::Validation,
                };
                Failure::new(kind, unavailable.to_string())
            })?;
        Ok(Generation {
            steps,
            _under_way: under_way,
        })
    }

    fn end(&self, ending: Ending, usage: Usage, first_byte: Option<Duration>) -> families::End {
        let latency = self.started.elapsed();
        families::End {
            ending,
            usage,
            latency: milliseconds(latency),
            first_byte: milliseconds(first_byte.unwrap_or(latency)),
        }
    }

    /// Speaks where a fault puts a native answer in the place of Converse's.
    fn foreign_speaker(&self) -> Speaker {
        Speaker {
            model: self.resolved.model,
            message_id: "msg_bdrk_01".to_owned(),
            estimated_input: 0,
        }
    }
}

/// A generation and its place in the count of those under way. Dropping it ends the work.
struct Generation {
    steps: Steps,
    _under_way: UnderWay,
}

fn native(family: TextFamily, speaker: Speaker) -> Result<stream::Script, Failure> {
    let chunks = family.chunks(speaker).ok_or_else(does_not_stream)?;
    Ok(stream::Script::Native(chunks))
}

fn does_not_stream() -> Failure {
    Failure::validation("The model is unsupported for streaming.")
}

/// Whether a fault has already answered.
enum Before {
    Answer(Response),
    Continue(Option<Fault>),
}

fn too_many_requests(retry_after: Option<u64>) -> Failure {
    Failure {
        retry_after,
        ..Failure::new(
            Kind::Throttling,
            "Too many requests, please wait before trying again.",
        )
    }
}

/// The backend ended without saying so.
fn broke_off(kind: Kind) -> Failure {
    Failure::new(
        kind,
        "The local backend broke off before the end of its answer.",
    )
}

/// Where markers are looked for: what the caller said, not what a model once answered.
fn prompt_of(request: &TextRequest) -> String {
    let asked = request
        .turns
        .iter()
        .filter(|turn| turn.role != Role::Assistant);
    asked
        .map(|turn| turn.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

async fn read_body(body: Body) -> Result<Vec<u8>, Failure> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Failure::validation("The request's body could not be read."))?;
        length += chunk.len();
        if length > DRAINED {
            break;
        }
        if length <= LONGEST_BODY {
            bytes.extend_from_slice(&chunk);
        }
    }
    if length > LONGEST_BODY {
        return Err(Failure::validation(format!(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member \
             must have length less than or equal to {LONGEST_BODY}"
        )));
    }
    Ok(bytes)
}

/// There are no guardrails here, and a call that wants one must not pass for guarded.
fn refuse_guardrail(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key("x-amzn-bedrock-guardrailidentifier") {
        return Err(families::not_played("guardrails"));
    }
    Ok(())
}

fn random_seed() -> u32 {
    // 0 means "random" and is no seed of its own.
    u32::try_from(crate::server::random() >> 32)
        .unwrap_or(u32::MAX)
        .max(1)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
