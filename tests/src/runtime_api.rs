//! Lambda's Runtime API, which hands out invocations and takes back answers, whole or streamed.
//!
//! Sources: the Lambda developer guide's pages `runtimes-api` and `runtimes-custom` (response
//! streaming: the mode's header, chunked bodies, the error trailers), and `lambda-response-streaming`
//! for the prelude of an HTTP answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::canary::Watch;
use crate::listener;
use crate::outcome::Outcome;
use crate::streamed::{Chunk, End, Streamed};

/// The largest answer in one piece that Lambda takes, in bytes.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

const ROOT: &str = "/2018-06-01/runtime/";

/// How many invocations there were, of all functions: no two have the same id.
static INVOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Which header says that an answer is streamed.
const MODE: &str = "lambda-runtime-function-response-mode";

/// What every invocation says of the trace that it belongs to.
pub const TRACE: &str =
    "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=53995c3f42cd8ad8;Sampled=1";

/// A header of `/next` that the answer brings back.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// How an invocation is to go.
#[derive(Debug)]
pub struct Terms {
    /// What the function is told that it has; nobody stops it afterwards.
    pub time: Duration,
    /// After how many chunks of a streamed answer's body, the prelude not counted, the Runtime
    /// API closes the connection.
    pub hang_up_after: Option<usize>,
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
    open: Mutex<HashMap<String, Open>>,
    watch: Watch,
}

/// An invocation that a function works on.
#[derive(Debug)]
struct Open {
    report: oneshot::Sender<Outcome>,
    hang_up_after: Option<usize>,
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Invocation {
    id: String,
    deadline: u128,
    event: Bytes,
}

impl RuntimeApi {
    /// Starts the service, which shows this watch the errors that are reported.
    pub(crate) async fn start(watch: Watch) -> Self {
        let (submit, waiting) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            submit,
            waiting: tokio::sync::Mutex::new(waiting),
            open: Mutex::default(),
            watch,
        });
        let (listener, address) = listener::bind().await;
        let served = Arc::clone(&desk);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&served)));
            }
        });
        Self {
            url: format!("http://{address}"),
            desk,
        }
    }

    /// `host:port`, as the variable `AWS_LAMBDA_RUNTIME_API` has it.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Hands an event to the next function that asks; what becomes of it comes later.
    pub fn submit(&self, event: Bytes, terms: Terms) -> oneshot::Receiver<Outcome> {
        let Terms {
            time,
            hang_up_after,
        } = terms;
        let (report, outcome) = oneshot::channel();
        let deadline = SystemTime::now() + time;
        let number = INVOCATIONS.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let open = Open {
            report,
            hang_up_after,
        };
        self.desk.open().insert(id.clone(), open);
        let invocation = Invocation {
            id,
            deadline: deadline
                .duration_since(UNIX_EPOCH)
                .expect("a clock after 1970")
                .as_millis(),
            event,
        };
        self.desk.submit.send(invocation).expect("the desk is open");
        outcome
    }
}

/// Serves a connection until the function closes it, or the Runtime API hangs up.
async fn serve(connection: TcpStream, desk: Arc<Desk>) {
    connection.set_nodelay(true).expect("TCP_NODELAY");
    let hang_up = Arc::new(Notify::new());
    let notified = Arc::clone(&hang_up);
    let service = service_fn(move |request| {
        let (desk, hang_up) = (Arc::clone(&desk), Arc::clone(&hang_up));
        async move { Ok::<_, Infallible>(route(request, &desk, &hang_up).await) }
    });
    tokio::select! {
        // A function that is killed breaks its connection off.
        _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service) => {}
        () = notified.notified() => {}
    }
}

async fn route(request: Request<Incoming>, desk: &Desk, hang_up: &Notify) -> Response<Full<Bytes>> {
    let path = request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    let parts: Vec<_> = path.split('/').map(str::to_owned).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(desk).await,
        (&Method::POST, ["init", "error"]) => {
            let body = request.into_body().collect().await.expect("a whole body");
            desk.watch.look("an error of the start", &body.to_bytes());
            accepted()
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            for (name, value) in request.headers() {
                desk.watch.look(name.as_str(), value.as_bytes());
            }
            let report = |report: Value| {
                let text = report.to_string();
                desk.watch.look("an error report", text.as_bytes());
                Outcome::Error(report)
            };
            whole(request, desk, id, report).await
        }
        (&Method::POST, ["invocation", id, "response"]) => {
            match request.headers().get(MODE).map(HeaderValue::as_bytes) {
                Some(b"streaming") => stream(request, desk, id, hang_up).await,
                Some(mode) => panic!("an unknown mode of answer: {mode:?}"),
                None => whole(request, desk, id, Outcome::Response).await,
            }
        }
        _ => refused(),
    }
}

/// Waits for the next invocation, as long as it takes.
async fn next(desk: &Desk) -> Response<Full<Bytes>> {
    let invocation = desk.waiting.lock().await.recv().await;
    let Invocation {
        id,
        deadline,
        event,
    } = invocation.expect("the desk is open");
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &id)
        .header(INVOCATION_ID, invocation_id(&id))
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:under-test",
        )
        .header("lambda-runtime-trace-id", TRACE)
        .body(Full::from(event))
        .expect("good headers")
}

fn invocation_id(id: &str) -> String {
    format!("invocation-of-{id}")
}

/// An answer in one piece.
async fn whole(
    request: Request<Incoming>,
    desk: &Desk,
    id: &str,
    outcome: impl FnOnce(Value) -> Outcome,
) -> Response<Full<Bytes>> {
    let open = desk.open().remove(id);
    let body = request.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let read = body
        .ok()
        .filter(|body| body.len() <= LARGEST_ANSWER)
        .and_then(|body| serde_json::from_slice(&body).ok());
    match (open, read) {
        (Some(open), Some(body)) => {
            // The test may have stopped waiting.
            let _ = open.report.send(outcome(body));
            accepted()
        }
        _ => refused(),
    }
}

/// A streamed answer: metadata, eight zero bytes, the body.
async fn stream(
    request: Request<Incoming>,
    desk: &Desk,
    id: &str,
    hang_up: &Notify,
) -> Response<Full<Bytes>> {
    let Some(open) = desk.open().remove(id) else {
        return refused();
    };
    check_head(request.headers(), id);
    let streamed = receive(request.into_body(), open.hang_up_after).await;
    if let End::Failed(kind, report) = &streamed.end {
        let report = format!("{kind} {report}");
        desk.watch
            .look("an error within an answer", report.as_bytes());
    }
    let hung_up = streamed.end == End::HungUp;
    let _ = open.report.send(Outcome::Streamed(streamed));
    if hung_up {
        hang_up.notify_one();
        // Nothing is said any more: the connection goes.
        std::future::pending::<()>().await;
    }
    accepted()
}

/// What the guide asks of the head of a streamed answer, and the invocation's own id.
fn check_head(headers: &HeaderMap, id: &str) {
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str());
        value.transpose().expect("a text").unwrap_or_default()
    };
    assert_eq!(header("transfer-encoding"), "chunked");
    assert_eq!(
        header("content-type"),
        "application/vnd.awslambda.http-integration-response"
    );
    assert_eq!(header(INVOCATION_ID), invocation_id(id));
}

async fn receive(mut body: Incoming, hang_up_after: Option<usize>) -> Streamed {
    let mut streamed = Streamed::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            streamed.end = End::Broken;
            return streamed;
        };
        match frame.into_data() {
            Ok(bytes) => streamed.push(Chunk {
                at: Instant::now(),
                bytes,
            }),
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    streamed.end = End::of_trailers(&trailers);
                }
            }
        }
        if hang_up_after.is_some_and(|count| streamed.body.len() >= count) {
            streamed.end = End::HungUp;
            return streamed;
        }
    }
    streamed
}

fn accepted() -> Response<Full<Bytes>> {
    status(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
}

fn refused() -> Response<Full<Bytes>> {
    status(
        StatusCode::BAD_REQUEST,
        r#"{"errorMessage":"Invalid request ID or body","errorType":"InvalidRequest"}"#,
    )
}

fn status(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}
