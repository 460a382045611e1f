//! Lambda's Runtime API, which hands out invocations and takes back answers.
//!
//! Source: the Lambda developer guide's page `runtimes-api`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::listener;

/// The largest answer that Lambda takes, in bytes.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

/// What became of an invocation.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The function's answer.
    Response(Value),
    /// The runtime's report that the function failed.
    Error(Value),
}

/// The service.
#[derive(Debug, Clone)]
pub struct RuntimeApi {
    url: String,
    desk: Arc<Desk>,
}

/// Invocations on their way to the function, and those it works on.
#[derive(Debug)]
struct Desk {
    submit: mpsc::UnboundedSender<Invocation>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    open: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    invocations: AtomicU64,
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Invocation {
    id: String,
    deadline: u128,
    event: String,
}

impl RuntimeApi {
    /// Starts the service.
    pub async fn start() -> Self {
        let (submit, waiting) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            submit,
            waiting: tokio::sync::Mutex::new(waiting),
            open: Mutex::default(),
            invocations: AtomicU64::default(),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(|desk, id, body| close(desk, id, body, Outcome::Response)),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(|desk, id, body| close(desk, id, body, Outcome::Error)),
            )
            .route("/2018-06-01/runtime/init/error", post(accepted))
            .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
            .with_state(Arc::clone(&desk));
        Self {
            url: listener::serve(routes).await,
            desk,
        }
    }

    /// `host:port`, as the variable `AWS_LAMBDA_RUNTIME_API` has it.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Hands an event to the next function that asks, and waits for what becomes of it. The
    /// function is told that it has this much time; nobody stops it afterwards.
    pub async fn invoke(&self, event: String, time: Duration) -> Outcome {
        let (report, outcome) = oneshot::channel();
        let deadline = SystemTime::now() + time;
        let number = self.desk.invocations.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        self.desk.open().insert(id.clone(), report);
        let invocation = Invocation {
            id,
            deadline: deadline
                .duration_since(UNIX_EPOCH)
                .expect("a clock after 1970")
                .as_millis(),
            event,
        };
        self.desk.submit.send(invocation).expect("the desk is open");
        outcome.await.expect("each invocation is answered once")
    }
}

/// Waits for the next invocation, as long as it takes.
async fn next(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let invocation = desk.waiting.lock().await.recv().await;
    let Invocation {
        id,
        deadline,
        event,
    } = invocation.expect("the desk is open");
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:under-test".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned(),
        ),
    ];
    (headers, event)
}

async fn close(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    body: Bytes,
    outcome: impl Fn(Value) -> Outcome,
) -> impl IntoResponse {
    let report = desk.open().remove(&id);
    match (report, serde_json::from_slice(&body)) {
        (Some(report), Ok(body)) => {
            // The test may have stopped waiting.
            let _ = report.send(outcome(body));
            (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
        }
        _ => (
            StatusCode::BAD_REQUEST,
            r#"{"errorMessage":"Invalid request ID or body","errorType":"InvalidRequest"}"#,
        ),
    }
}

async fn accepted() -> impl IntoResponse {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}
