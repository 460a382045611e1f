//! Answers requests over HTTP, and those of a caller who invokes the function itself.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue};
use lambda_runtime::Context;

use super::{
    Function, Invocation, LARGEST_BUFFERED, LARGEST_POSTED, LARGEST_STREAMED, Task, caught, once,
};
use crate::Error;
use crate::deadline::{self, Deadline};
use crate::doors::api_gateway::{Answer, Buffered, Input, Request, Response, Unread, Version};
use crate::error::RequestFault;
use crate::jobs::address::digest;
use crate::reply::Reply;
use crate::telemetry::{Line, Scope};

/// Says that an answer was kept from an earlier request of the same key.
const REPLAYED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("idempotent-replayed"),
    HeaderValue::from_static("true"),
);

/// Says how many turns of a chat's history were left out.
const TRIMMED: HeaderName = HeaderName::from_static("x-history-trimmed");

impl<T: Task> Function<T> {
    /// Answers a request over HTTP. Whatever goes wrong becomes an answer.
    pub(super) async fn http(&self, event: &str, context: &Context) -> Response {
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
        let answer = failed(&too_large(), Line::begin(&context.request_id));
        answer.buffered(version).await.0
    }

    /// Answers a request that came by itself, with the bare answer or the error's object.
    pub(super) async fn direct(&self, request: &str, context: &Context) -> Buffered {
        let mut line = Line::begin(&context.request_id);
        let invocation = Invocation {
            id: context.request_id.clone(),
            deadline: Deadline::from_lambda(context.deadline),
            started: deadline::now(),
            largest_answer: LARGEST_BUFFERED,
            streams: false,
        };
        let reply = async {
            let request = self.task.parse(Input::of(request.as_bytes().to_vec()))?;
            Box::pin(self.task.answer(request, &invocation)).await
        };
        let written = caught(reply).await.and_then(|reply| match reply {
            Reply::Whole(document, facts) => {
                let text = String::from_utf8(document.into_bytes().into())
                    .map_err(|_| Error::defect("text"))?;
                match text.len() <= LARGEST_POSTED {
                    true => Ok((text, facts)),
                    false => Err(too_large()),
                }
            }
            Reply::Stream(..) => Err(Error::defect("stream")),
        });
        match written {
            Ok((text, facts)) => {
                line.answered(&facts);
                Buffered::bare(text)
            }
            Err(error) => {
                line.failed(&error);
                Buffered::Error(error.body())
            }
        }
    }

    /// The answer, and the version that a gateway waits for it in, if it is one that waits.
    async fn respond(&self, event: &str, context: &Context) -> (Answer, Option<Version>) {
        let line = Line::begin(&context.request_id);
        match Request::read(event) {
            Ok(request) => {
                let version = request.version();
                if let (Some(scope), Some(id)) = (Scope::current(), request.key_id()) {
                    scope.of_key(id);
                }
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
            streams: true,
        };
        let (reply, replayed) = match caught(self.reply(request, invocation)).await {
            Ok(reply) => reply,
            Err(error) => return failed(&error, line),
        };
        let answer = match reply {
            Reply::Whole(document, facts) => {
                line.answered(&facts);
                Answer::whole(document, &line).with(left_out(facts.trimmed))
            }
            Reply::Stream(events, trimmed) => {
                Answer::streamed(events, line).with(left_out(trimmed))
            }
        };
        match replayed {
            true => answer.with(vec![REPLAYED]),
            false => answer,
        }
    }

    /// The reply, and whether it was kept from an earlier request.
    async fn reply(
        &self,
        request: Request,
        invocation: Invocation,
    ) -> Result<(Reply, bool), Error> {
        let key = request.idempotency_key();
        let input = request.input_for(T::ROUTES, self.http.largest_body)?;
        let Some(key) = key? else {
            let request = self.task.parse(input)?;
            // On the heap: inline, the futures of the SDK nest deeper than the compiler will lay out.
            let reply = Box::pin(self.task.answer(request, &invocation)).await?;
            return Ok((reply, false));
        };
        let worker = self.worker.as_ref();
        let keyed = worker.and_then(|worker| {
            let results = worker.results().clone();
            let digest = digest(&input.body);
            Some(once::Keyed::new(T::FUNCTION?, &key, digest, results))
        });
        let keyed = keyed.ok_or_else(|| Error::from(RequestFault::IdempotencyUnsupported))?;
        let request = self.task.parse(input)?;
        Box::pin(keyed.reply(&self.task, request, invocation)).await
    }
}

fn too_large() -> Error {
    let limit = LARGEST_POSTED;
    RequestFault::AnswerTooLarge { limit }.into()
}

fn left_out(turns: usize) -> Vec<(HeaderName, HeaderValue)> {
    match turns {
        0 => Vec::new(),
        turns => vec![(TRIMMED, turns.into())],
    }
}

/// The answer to a request that failed, which is logged.
fn failed(error: &Error, mut line: Line) -> Answer {
    line.failed(error);
    Answer::of_error(error, &line)
}
