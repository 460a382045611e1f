//! Runs a task as a Lambda function: one typed request in, one reply out.

mod responder;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::FutureExt as _;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Context, LambdaEvent, LambdaInvocation, Runtime, service_fn};
use serde_json::value::RawValue;

use crate::Error;
use crate::config::{self, Config, DefaultModel, Http, Invalid, Responder};
use crate::deadline::{self, Deadline};
use crate::doors::api_gateway::{Answer, Input, Request, Response, Route, Unread, Version};
use crate::error::RequestFault;
use crate::reply::Reply;
use crate::telemetry::{self, Line};
use responder::Poster;

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

    /// The request, once it has been read.
    type Request;

    /// Builds the clients, once.
    fn connect(config: Config, sdk: &SdkConfig) -> impl Future<Output = Result<Self, Invalid>>;

    /// Reads a request.
    fn parse(&self, input: Input) -> Result<Self::Request, Error>;

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
    /// Lambda's request id.
    pub id: String,
    /// When the last call must have ended.
    pub deadline: Deadline,
    /// Seconds since 1970.
    pub started: u64,
    /// The largest body that the answer may have, in bytes.
    pub largest_answer: usize,
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
        let response = function.handle(payload.get(), &context).await;
        Ok::<_, lambda_runtime::Error>(response)
    }));
    match function.http.responder {
        Responder::Direct if function.http.streaming => {
            let poster = &Poster::connect();
            let direct = layer_fn(|_stock| {
                service_fn(move |invocation: LambdaInvocation| async move {
                    // What is not UTF-8 is no event; the door says so.
                    let event = std::str::from_utf8(&invocation.body).unwrap_or_default();
                    let response = function.handle(event, &invocation.context).await;
                    poster.post(&invocation, response).await
                })
            });
            runtime.layer(direct).run().await
        }
        // An answer that is one object has nothing to wait for.
        Responder::Direct | Responder::Stock => runtime.run().await,
    }
}

/// A task with how it is spoken to.
#[derive(Debug)]
struct Function<T> {
    task: T,
    http: Http,
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
        Ok(Self {
            http: config.http.clone(),
            task: T::connect(config, &sdk).await?,
        })
    }

    /// Answers one event. Whatever goes wrong becomes an answer: the environment lives on.
    async fn handle(&self, event: &str, context: &Context) -> Response {
        let (answer, version) = AssertUnwindSafe(self.respond(event, context))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                let answer = failed(&Error::defect("panic"), Line::begin(&context.request_id));
                (answer, Some(Version::V1))
            });
        if version.is_some() && self.http.streaming {
            return answer.streaming();
        }
        // Whoever is no gateway does not read Lambda's streaming response.
        let version = version.unwrap_or(Version::V1);
        let (response, size) = answer.buffered(version).await;
        if size <= LARGEST_POSTED {
            return response;
        }
        let limit = LARGEST_POSTED;
        let error = RequestFault::AnswerTooLarge { limit }.into();
        let answer = failed(&error, Line::begin(&context.request_id));
        answer.buffered(version).await.0
    }

    /// The answer, and the version that a gateway waits for it in, if it is one that waits.
    async fn respond(&self, event: &str, context: &Context) -> (Answer, Option<Version>) {
        let line = Line::begin(&context.request_id);
        match Request::read(event) {
            Ok(request) => {
                let version = request.version();
                let cors = request.cors(&self.http.cors, T::ROUTES);
                let answer = self.answer(request, context, line).await;
                (answer.with(cors), Some(version))
            }
            Err(Unread { error, version }) => (failed(&error, line), version),
        }
    }

    async fn answer(&self, request: Request, context: &Context, mut line: Line) -> Answer {
        if request.is_preflight(T::ROUTES) {
            let answer = Answer::preflight(&line);
            line.none();
            return answer;
        }
        let invocation = Invocation {
            id: context.request_id.clone(),
            deadline: Deadline::from_lambda(context.deadline)
                .before_gateway(self.http.gateway_timeout, request.accepted()),
            started: deadline::now(),
            largest_answer: match self.http.streaming {
                true => LARGEST_STREAMED,
                false => LARGEST_BUFFERED,
            },
        };
        let outcome = AssertUnwindSafe(self.reply(request, &invocation))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(Error::defect("panic")));
        match outcome {
            Ok(Reply::Whole(document, facts)) => {
                line.answered(&facts);
                Answer::whole(document, &line)
            }
            Ok(Reply::Stream(events)) => Answer::streamed(events, line),
            Err(error) => failed(&error, line),
        }
    }

    async fn reply(&self, request: Request, invocation: &Invocation) -> Result<Reply, Error> {
        let input = request.input_for(T::ROUTES, self.http.largest_body)?;
        let request = self.task.parse(input)?;
        // On the heap: inline, the futures of the SDK nest deeper than the compiler will lay out.
        Box::pin(self.task.answer(request, invocation)).await
    }
}

/// The answer to a request that failed, which is logged.
fn failed(error: &Error, mut line: Line) -> Answer {
    line.failed(error);
    Answer::of_error(error, &line)
}
