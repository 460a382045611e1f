//! Runs a task as a Lambda function: one typed request in, one typed answer out.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::config::{self, Config, DefaultModel, Invalid};
use crate::deadline::{self, Deadline};
use crate::doors::api_gateway::{Answer, Request, Route, Version};
use crate::telemetry::{self, Facts};

/// The largest body of an answer. Lambda takes 6 MB of JSON; this leaves room for escapes and
/// headers.
pub const LARGEST_ANSWER: usize = 5 * 1024 * 1024;

/// What one function does.
pub trait Task: Sized {
    /// Its route.
    const ROUTE: Route;

    /// The model of a request that names none.
    const DEFAULT_MODEL: DefaultModel;

    /// The request, once it has been read.
    type Request;

    /// The answer's body.
    type Response: Serialize;

    /// Builds the clients, once.
    fn connect(config: Config, sdk: &SdkConfig) -> impl Future<Output = Result<Self, Invalid>>;

    /// Reads a request's JSON body.
    fn parse(body: &[u8]) -> Result<Self::Request, Error>;

    /// Answers a request.
    fn answer(
        &self,
        request: Self::Request,
        invocation: &Invocation,
    ) -> impl Future<Output = Result<(Self::Response, Facts), Error>>;
}

/// The invocation that a request is answered in.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id.
    pub id: String,
    /// When the last call must have ended.
    pub deadline: Deadline,
    /// Seconds since 1970.
    pub started: u64,
}

/// Runs the function until the environment ends. A mistake in the configuration ends it at once,
/// with one line that names the variable.
pub async fn run<T: Task>() -> Result<(), lambda_runtime::Error> {
    telemetry::init(config::log_level());
    let task = start::<T>()
        .await
        .inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        let invocation = Invocation {
            id: event.context.request_id,
            deadline: Deadline::from_lambda(event.context.deadline),
            started: deadline::now(),
        };
        let task = &task;
        async move {
            Ok::<_, lambda_runtime::Error>(handle(task, event.payload.get(), invocation).await)
        }
    }))
    .await
}

async fn start<T: Task>() -> Result<T, Invalid> {
    let config = Config::from_environment(T::DEFAULT_MODEL)?;
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await;
    T::connect(config, &sdk).await
}

/// Answers one event. Whatever goes wrong becomes an answer: the environment lives on.
pub async fn handle<T: Task>(task: &T, event: &str, invocation: Invocation) -> Answer {
    let started = Instant::now();
    let id = invocation.id.clone();
    let request = Request::read(event);
    let version = request.as_ref().map_or(Version::V1, Request::version);
    let outcome = AssertUnwindSafe(respond(task, request, &invocation))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Error::defect("panic")));
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = outcome.and_then(|(response, facts)| {
        let answer = Answer::of(&response, version, &id, milliseconds)?;
        telemetry::answered(&id, &facts, milliseconds);
        Ok(answer)
    });
    answer.unwrap_or_else(|error| {
        telemetry::failed(&id, &error, milliseconds);
        Answer::of_error(&error, version, &id, milliseconds)
    })
}

async fn respond<T: Task>(
    task: &T,
    request: Result<Request, Error>,
    invocation: &Invocation,
) -> Result<(T::Response, Facts), Error> {
    let body = request?.body_for(T::ROUTE)?;
    let request = T::parse(&body)?;
    // On the heap: inline, the futures of the SDK nest deeper than the compiler will lay out.
    Box::pin(task.answer(request, invocation)).await
}
