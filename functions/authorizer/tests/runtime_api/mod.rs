//! The function in a process of its own, and the Runtime API that it asks for events.
//!
//! Source: the Lambda developer guide's page `runtimes-api`.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

const TIME: Duration = Duration::from_secs(20);

/// The built function, one event at a time.
pub(crate) struct Function {
    child: Child,
    events: mpsc::UnboundedSender<String>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The function's answer.
    Response(Value),
    /// The report that it failed.
    Error(Value),
}

struct Desk {
    events: Mutex<mpsc::UnboundedReceiver<String>>,
    outcomes: mpsc::UnboundedSender<Outcome>,
}

impl Function {
    /// Starts it, with the log that says most.
    pub(crate) async fn start() -> Self {
        let (events, submitted) = mpsc::unbounded_channel();
        let (report, outcomes) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            events: Mutex::new(submitted),
            outcomes: report,
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(|desk, body| close(desk, body, Outcome::Response)),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(|desk, body| close(desk, body, Outcome::Error)),
            )
            .with_state(desk);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket's address");
        tokio::spawn(axum::serve(listener, routes).into_future());
        let child = Command::new(env!("CARGO_BIN_EXE_authorizer"))
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        Self {
            child,
            events,
            outcomes,
        }
    }

    /// Invokes it with an event.
    pub(crate) async fn decide(&mut self, event: &str) -> Outcome {
        self.events
            .send(event.to_owned())
            .expect("the desk is open");
        let outcome = tokio::time::timeout(TIME, self.outcomes.recv()).await;
        outcome.expect("in time").expect("the desk is open")
    }

    /// Kills it and returns everything that it wrote.
    pub(crate) async fn stop(mut self) -> String {
        self.child.start_kill().expect("the process is ours");
        let output = self.child.wait_with_output().await.expect("its output");
        [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat()
    }
}

/// Waits for the next event, as long as it takes.
async fn next(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let event = desk.events.lock().await.recv().await;
    let deadline = SystemTime::now() + TIME;
    let deadline = deadline.duration_since(UNIX_EPOCH).expect("after 1970");
    let headers = [
        ("lambda-runtime-aws-request-id", "an-id".to_owned()),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:authorizer".to_owned(),
        ),
    ];
    (headers, event.expect("the desk is open"))
}

async fn close(
    State(desk): State<Arc<Desk>>,
    body: String,
    outcome: impl Fn(Value) -> Outcome,
) -> impl IntoResponse {
    let body = serde_json::from_str(&body).expect("JSON");
    desk.outcomes
        .send(outcome(body))
        .expect("a test that waits");
    axum::http::StatusCode::ACCEPTED
}
