//! Posts answers to the Runtime API itself.
//!
//! `lambda_runtime`'s own client does not set `TCP_NODELAY`, so that the first chunk of a stream
//! waits some 40 ms for the acknowledgement of the prelude before it, and later ones at times.
//! `docs/decisions/0008` has the figures; `RUNTIME_RESPONDER=stock` is the way back.

use std::convert::Infallible;

use async_stream::stream;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::request::Builder;
use http::{HeaderName, HeaderValue, Method, header};
use http_body::Frame;
use http_body_util::StreamBody;
use hyper_util::client::legacy::connect::HttpConnector;
use lambda_runtime::{FunctionResponse, LambdaInvocation, StreamResponse};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{BoxError, PooledClient, build_request};
use tokio::sync::oneshot;

use super::failed::Failed;
use crate::doors::api_gateway::Response;

const RESPONSE_MODE: HeaderName = HeaderName::from_static("lambda-runtime-function-response-mode");
const STREAMED: HeaderValue =
    HeaderValue::from_static("application/vnd.awslambda.http-integration-response");

/// By this the Runtime API tells an answer that comes late from the present one's.
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");

/// What kind of failure it is.
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");

/// What stands between the prelude and the body.
const DELIMITER: Bytes = Bytes::from_static(&[0; 8]);

/// A client of the Runtime API's answers.
#[derive(Debug)]
pub(super) struct Poster {
    client: PooledClient,
}

impl Poster {
    pub(super) fn connect() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = PooledClient::builder().with_connector(connector).build();
        Self { client }
    }

    /// Posts an answer and waits until it is sent. A Runtime API that does not take it is not the
    /// end of the environment: if it is gone for good, asking it for the next event will be.
    pub(super) async fn post(
        &self,
        invocation: &LambdaInvocation,
        response: Response,
    ) -> Result<(), BoxError> {
        let request_id = &invocation.context.request_id;
        let request = request_to(invocation, "response");
        let (sending, sent) = oneshot::channel();
        let (give_up, given_up) = oneshot::channel();
        let request = match response {
            FunctionResponse::BufferedResponse(answer) => {
                let answer = Bytes::from(serde_json::to_vec(&answer)?);
                request
                    .header(header::CONTENT_LENGTH, answer.len())
                    .body(body([answer], stream::empty(), sending, given_up))?
            }
            FunctionResponse::StreamingResponse(answer) => {
                let StreamResponse {
                    metadata_prelude,
                    stream,
                } = answer;
                let prelude = serde_json::to_vec(&metadata_prelude)?.into();
                request
                    .header(RESPONSE_MODE, "streaming")
                    .header(header::CONTENT_TYPE, STREAMED)
                    .body(body([prelude, DELIMITER], stream, sending, given_up))?
            }
        };
        let outcome = self.client.call(request).await;
        match &outcome {
            // It may say so before the body's end. Whether the body was read to its end or dropped,
            // its sender is gone by then; until then the connection is kept.
            Ok(answer) if answer.status().is_success() => {
                let _ = sent.await;
            }
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::error!(request_id, status, "the Runtime API refused the answer");
                // Nobody reads on: what still writes it ends.
                drop(give_up);
            }
            // hyper's errors are of the connection and hold no content.
            Err(error) => {
                tracing::error!(request_id, error, "the Runtime API did not take the answer");
            }
        }
        Ok(())
    }

    /// Posts that an invocation failed.
    pub(super) async fn post_failure(
        &self,
        invocation: &LambdaInvocation,
        failed: &Failed,
    ) -> Result<(), BoxError> {
        let request_id = &invocation.context.request_id;
        let request = request_to(invocation, "error")
            .header(ERROR_TYPE, failed.error_type)
            .body(Body::from(serde_json::to_vec(failed)?))?;
        match self.client.call(request).await {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::error!(request_id, status, "the Runtime API refused the failure");
            }
            Err(error) => {
                tracing::error!(
                    request_id,
                    error,
                    "the Runtime API did not take the failure"
                );
            }
        }
        Ok(())
    }
}

/// A post about an invocation.
fn request_to(invocation: &LambdaInvocation, what: &str) -> Builder {
    let request_id = &invocation.context.request_id;
    let path = format!("/2018-06-01/runtime/invocation/{request_id}/{what}");
    let request = build_request().method(Method::POST).uri(path);
    match invocation.parts.headers.get(INVOCATION_ID) {
        Some(invocation_id) => request.header(INVOCATION_ID, invocation_id),
        None => request,
    }
}

/// What goes first and the chunks, each as a frame of its own, as the local emulator needs them. If
/// nobody reads them on, they are dropped, and with them the call that makes them.
fn body<const FIRST: usize>(
    first: [Bytes; FIRST],
    chunks: impl Stream<Item = Result<Bytes, Infallible>> + Send + Unpin + 'static,
    sending: oneshot::Sender<Infallible>,
    given_up: oneshot::Receiver<Infallible>,
) -> Body {
    let mut chunks = chunks.take_until(given_up);
    let frames = stream! {
        // Dropped with the body.
        let _sending = sending;
        for bytes in first {
            yield Ok::<_, Infallible>(Frame::data(bytes));
        }
        while let Some(Ok(chunk)) = chunks.next().await {
            yield Ok(Frame::data(chunk));
        }
    };
    Body::new(StreamBody::new(Box::pin(frames)))
}
