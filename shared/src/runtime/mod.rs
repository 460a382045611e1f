//! Runs a task as a Lambda function: one typed request in, one reply out, whatever the door.

mod batch;
mod concurrently;
mod failed;
mod http;
mod once;
mod report;
mod responder;
mod worker;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::{FutureExt as _, StreamExt as _};
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{
    Context, FunctionResponse, LambdaEvent, LambdaInvocation, Runtime, StreamResponse, service_fn,
};
use serde_json::value::RawValue;

use crate::Error;
use crate::config::{self, Config, DefaultModel, Http, Invalid, Responder};
use crate::deadline::Deadline;
use crate::doors::Event;
use crate::doors::api_gateway::{Buffered, Input, Response, Route};
use crate::doors::notification::Trusted;
use crate::doors::queue::Failures;
use crate::error::RequestFault;
use crate::jobs;
use crate::reply::Reply;
use crate::telemetry::{self, Scope, Telemetry};
use failed::Failed;
use responder::Poster;
use worker::Worker;

/// The largest body of an answer that is sent as one object. Lambda takes 6 MB of JSON; this
/// leaves room for escapes and headers.
const LARGEST_BUFFERED: usize = 5 * 1024 * 1024;

/// The largest body, escaped as it is within an answer that is one object, that Lambda takes.
const LARGEST_POSTED: usize = 6 * 1024 * 1024 - 64 * 1024;

/// The largest body of an answer that is streamed: Lambda's limit is 200 MB.
const LARGEST_STREAMED: usize = 190 * 1024 * 1024;

/// What one function does.
pub trait Task: Sized {
    /// Its routes.
    const ROUTES: &'static [Route];

    /// The model of a request that names none, for a function that calls models.
    const DEFAULT_MODEL: Option<DefaultModel> = None;

    /// What it is to uploads and messages, if it takes them.
    const FUNCTION: Option<jobs::Function> = None;

    /// The request, once it has been read.
    type Request;

    /// Builds the clients, once.
    fn connect(config: Config, sdk: &SdkConfig) -> impl Future<Output = Result<Self, Invalid>>;

    /// Reads a request.
    fn parse(&self, input: Input) -> Result<Self::Request, Error>;

    /// The request for the default model that a bare prompt is.
    fn of_prompt(&self, _prompt: &str) -> Result<Self::Request, Error> {
        Err(RequestFault::MediaTypeUnsupported.into())
    }

    /// Answers a request.
    fn answer(
        &self,
        request: Self::Request,
        invocation: &Invocation,
    ) -> impl Future<Output = Result<Reply, Error>>;
}

/// The invocation that a request is answered in.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The request's id: Lambda's own, or the one that follows from an upload or a message.
    pub id: String,
    /// When the last call must have ended.
    pub deadline: Deadline,
    /// Seconds since 1970.
    pub started: u64,
    /// The largest body that the answer may have, in bytes.
    pub largest_answer: usize,
    /// Whether the answer can leave as it is written. Where it cannot, a request to stream it is
    /// answered whole.
    pub streams: bool,
}

/// The same work, whose panic is an error of ours: the environment lives on.
async fn caught<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let working = AssertUnwindSafe(work).catch_unwind();
    working
        .await
        .unwrap_or_else(|_| Err(Error::defect("panic")))
}

/// Runs the function until the environment ends. A mistake in the configuration ends it at once,
/// with one line that names the variable.
pub async fn run<T: Task>() -> Result<(), lambda_runtime::Error> {
    telemetry::init(config::log_level());
    let function = Function::<T>::start()
        .await
        .inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    let function = &function;
    let runtime = Runtime::new(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let LambdaEvent { payload, context } = event;
        let scope = function.telemetry.scope(&context);
        scope.hold(function.handle(payload.get(), &context)).await
    }));
    match function.http.responder {
        Responder::Direct => {
            let poster = &Poster::connect();
            let direct = layer_fn(|_stock| {
                service_fn(move |invocation: LambdaInvocation| async move {
                    // What is not UTF-8 is no event; the door says so.
                    let event = std::str::from_utf8(&invocation.body).unwrap_or_default();
                    let context = &invocation.context;
                    let answering = async {
                        match function.handle(event, context).await {
                            Ok(response) => poster.post(&invocation, response).await,
                            Err(failed) => poster.post_failure(&invocation, &failed).await,
                        }
                    };
                    function.telemetry.scope(context).hold(answering).await
                })
            });
            runtime.layer(direct).run().await
        }
        Responder::Stock => runtime.run().await,
    }
}

/// The answer, whose parts are made by whatever task sends them.
fn scoped(response: Response) -> Response {
    match (response, Scope::current()) {
        (FunctionResponse::StreamingResponse(answer), Some(scope)) => {
            FunctionResponse::StreamingResponse(StreamResponse {
                metadata_prelude: answer.metadata_prelude,
                stream: scope.hold_stream(answer.stream).boxed(),
            })
        }
        (response, _) => response,
    }
}

/// A task with how it is spoken to.
#[derive(Debug)]
struct Function<T> {
    task: T,
    http: Http,
    telemetry: Telemetry,
    trusted: Trusted,
    /// Who does what uploads and messages ask for, where there is a place for results.
    worker: Option<Worker>,
}

impl<T: Task> Function<T> {
    async fn start() -> Result<Self, Invalid> {
        let config = Config::from_environment(T::DEFAULT_MODEL)?;
        let client = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(client)
            .load()
            .await;
        let worker = match T::FUNCTION {
            Some(function) => Worker::connect(function, &config, &sdk)?,
            None => None,
        };
        Ok(Self {
            http: config.http.clone(),
            telemetry: Telemetry::new(config.reporting.clone()),
            trusted: worker
                .as_ref()
                .map(|worker| worker.trusted().clone())
                .unwrap_or_default(),
            worker,
            task: T::connect(config, &sdk).await?,
        })
    }

    /// Answers one event. A request always has an answer; records that fail without a queue to report
    /// them to fail the invocation. The environment lives on.
    async fn handle(&self, event: &str, context: &Context) -> Result<Response, Failed> {
        let answered = AssertUnwindSafe(self.answered(event, context)).catch_unwind();
        let outcome = answered.await.unwrap_or_else(|_| Err(Failed::defect()));
        outcome.inspect_err(|failed| {
            let request_id = &context.request_id;
            tracing::error!(
                request_id,
                kind = failed.error_type,
                "the invocation failed"
            );
        })
    }

    async fn answered(&self, event: &str, context: &Context) -> Result<Response, Failed> {
        let worker = || self.worker.as_ref().ok_or_else(Failed::not_served);
        let answer = match Event::of(event, &self.trusted) {
            Event::Http => return Ok(scoped(self.http(event, context).await)),
            Event::Direct => Box::pin(self.direct(event, context)).await,
            Event::Messages(records) if records.is_empty() => Buffered::Failures(Failures::of([])),
            Event::Messages(records) => {
                let records = worker()?.messages(&self.task, &records, context);
                Buffered::Failures(Box::pin(records).await?)
            }
            Event::Notifications(jobs) => {
                let jobs = worker()?.notifications(&self.task, jobs, context);
                Box::pin(jobs).await?;
                Buffered::Nothing(())
            }
            Event::Foreign(source) => return Err(Failed::foreign(source)),
        };
        Ok(FunctionResponse::BufferedResponse(answer))
    }
}
