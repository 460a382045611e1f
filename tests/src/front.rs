//! What stands before the S3 and the SQS of the tests: it remembers every request, and makes go
//! wrong what a test wants to go wrong.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, Request, Response, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::watch;

use crate::canary::{self, CANARY, Watch};
use crate::fault::{Act, FailedEntries, Fault, Held, On, Operation};
use crate::request::decoded;
use crate::signature::Signature;
use crate::{calls, listener, record};

/// How long a test waits for requests to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service that can stand behind a [`Front`].
pub(crate) trait Service: Send + Sync + 'static {
    /// Whether what is written here is content: what is asked for, or what came of it.
    const KEEPS_CONTENT: bool;

    /// What a request wants, and of what: the bucket and the key, or nothing and the queue.
    fn target(&self, head: &request::Parts, body: &Bytes) -> (Operation, String, String);

    /// The answer when nothing goes wrong.
    fn answer(&self, request: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send;

    /// An error in this service's own format.
    fn error(&self, status: u16, code: &str, message: &str) -> Response<Bytes>;
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When its end had come.
    pub at: Instant,
    /// What it wanted.
    pub operation: Operation,
    /// The bucket; empty for SQS.
    pub bucket: String,
    /// The object's key, or the prefix of a listing; for SQS the queue's name.
    pub name: String,
    /// The query, as it came.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The status it was answered with; nothing if it was not answered.
    pub status: Option<u16>,
}

impl Seen {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(HeaderValue::to_str);
        value.transpose().expect("a text").unwrap_or_default()
    }

    fn is(&self, on: &On) -> bool {
        on.includes(self.operation, &self.name)
    }
}

/// What came, and what is to go wrong.
#[derive(Debug)]
pub(crate) struct Front {
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<Fault>>,
    arrived: watch::Sender<usize>,
    watch: Watch,
}

impl Front {
    /// Serves in the background until the test's runtime ends; returns `http://127.0.0.1:…` too.
    pub(crate) async fn serve<S: Service>(service: Arc<S>) -> (String, Arc<Self>) {
        let front = Arc::new(Self {
            seen: Mutex::default(),
            faults: Mutex::default(),
            arrived: watch::Sender::new(0),
            watch: Watch::default(),
        });
        let (listener, address) = listener::bind().await;
        let kept = Arc::clone(&front);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                connection.set_nodelay(true).expect("TCP_NODELAY");
                let (front, service) = (Arc::clone(&kept), Arc::clone(&service));
                let answers = service_fn(move |request| {
                    let (front, service) = (Arc::clone(&front), Arc::clone(&service));
                    async move { front.answer(&*service, request).await }
                });
                // A client that is killed breaks its connection off.
                let served =
                    http1::Builder::new().serve_connection(TokioIo::new(connection), answers);
                tokio::spawn(async move { drop(served.await) });
            }
        });
        (format!("http://{address}"), front)
    }

    /// What looks for content where there must be none.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.faults().push(fault);
    }

    pub(crate) fn hold(&self, on: &On) -> Held {
        let held = Held::new();
        self.fail(on.held(held.clone()));
        held
    }

    pub(crate) fn heal(&self) {
        self.faults().clear();
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen().clone()
    }

    pub(crate) fn of(&self, on: &On) -> Vec<Seen> {
        let seen = self.seen();
        seen.iter().filter(|seen| seen.is(on)).cloned().collect()
    }

    pub(crate) fn count(&self, on: &On) -> usize {
        self.seen().iter().filter(|seen| seen.is(on)).count()
    }

    pub(crate) async fn until(&self, on: &On, count: usize) {
        let mut arrived = self.arrived.subscribe();
        let enough = arrived.wait_for(|_| self.count(on) >= count);
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(enough) => drop(enough.expect("the service lives")),
            Err(_) => panic!("{} of {count} requests came: {on:?}", self.count(on)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer<S: Service>(
        &self,
        service: &S,
        request: Request<Incoming>,
    ) -> Result<Response<Sending>, Hung> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Hung)?.to_bytes();
        let (operation, bucket, name) = service.target(&head, &body);
        calls::record(&head, &body);
        self.look::<S>(&head, &body);
        let act = {
            let mut faults = self.faults();
            let mut faults = faults.iter_mut();
            faults.find_map(|fault| fault.applies(operation, &name))
        };
        let number = {
            let mut seen = self.seen();
            seen.push(Seen {
                at: Instant::now(),
                operation,
                bucket,
                name,
                query: head.uri.query().unwrap_or_default().to_owned(),
                headers: head.headers.clone(),
                body: body.clone(),
                status: None,
            });
            seen.len() - 1
        };
        self.arrived.send_modify(|count| *count += 1);
        let request = Request::from_parts(head.clone(), body);
        let response = act_out(act, service, request).await?;
        calls::record_answer(&head, response.status().as_u16());
        if operation == Operation::GetObject {
            response.body().record_content(&head);
        }
        if let Some(seen) = self.seen().get_mut(number) {
            seen.status = Some(response.status().as_u16());
        }
        Ok(response)
    }

    /// Looks at all that must hold no content: target, headers, and the body where that is so too.
    fn look<S: Service>(&self, head: &request::Parts, body: &Bytes) {
        let target = decoded(&head.uri.to_string());
        self.watch.look("a target", target.as_bytes());
        for (name, value) in &head.headers {
            self.watch.look(name.as_str(), value.as_bytes());
        }
        if !S::KEEPS_CONTENT {
            self.watch.look("a body", body);
        }
    }
}

async fn act_out<S: Service>(
    act: Option<Act>,
    service: &S,
    mut request: Request<Bytes>,
) -> Result<Response<Sending>, Hung> {
    match act {
        None => {}
        Some(Act::Error(status, code, message)) => {
            // What a service says may quote what it was told.
            let response = service.error(status, &code, &format!("{message} {CANARY}"));
            return Ok(response.map(Sending::all));
        }
        Some(Act::Close) => return Err(Hung),
        Some(Act::Lose) => {
            service.answer(request).await;
            return Err(Hung);
        }
        Some(Act::Silence) => return Ok(never().await),
        Some(Act::Unanswered) => {
            service.answer(request).await;
            return Ok(never().await);
        }
        Some(Act::Cut(bytes)) => {
            let response = service.answer(request).await;
            return Ok(cut(response, bytes, Ending::Breaks));
        }
        Some(Act::Stall(bytes)) => {
            let response = service.answer(request).await;
            return Ok(cut(response, bytes, Ending::Stalls));
        }
        Some(Act::Header(name, value)) => {
            let mut response = service.answer(request).await;
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
            return Ok(response.map(Sending::all));
        }
        Some(Act::Claim(bytes)) => {
            let mut response = service.answer(request).await;
            response.headers_mut().insert(CONTENT_LENGTH, bytes.into());
            return Ok(response.map(|body| Sending {
                bytes: Some(body),
                ending: Ending::Stalls,
            }));
        }
        Some(Act::Delay(time)) => tokio::time::sleep(time).await,
        Some(Act::Meet(barrier)) => {
            barrier.wait().await;
        }
        Some(Act::Hold(held)) => held.wait().await,
        Some(Act::Entries(places)) => {
            request.extensions_mut().insert(FailedEntries(places));
        }
    }
    Ok(service.answer(request).await.map(Sending::all))
}

async fn never() -> Response<Sending> {
    match std::future::pending::<Infallible>().await {}
}

/// The same answer, of whose body only the beginning comes.
fn cut(mut response: Response<Bytes>, bytes: usize, ending: Ending) -> Response<Sending> {
    let whole = response.body().len();
    assert!(bytes < whole, "nothing to cut off: {whole} bytes");
    response.headers_mut().insert(CONTENT_LENGTH, whole.into());
    response.map(|body| Sending {
        bytes: Some(body.slice(..bytes)),
        ending,
    })
}

/// The connection is closed without an answer, or within one.
#[derive(Debug)]
pub(crate) struct Hung;

impl std::fmt::Display for Hung {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a test wants this connection closed")
    }
}

impl std::error::Error for Hung {}

/// The body of an answer.
pub(crate) struct Sending {
    bytes: Option<Bytes>,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    /// The bytes so far are to leave first.
    Breaks,
    Broken,
    Stalls,
}

impl Sending {
    /// Records that a function was given the canary.
    fn record_content(&self, head: &request::Parts) {
        let content = self.bytes.as_ref();
        let is_given = content.is_some_and(|content| canary::is_in(content));
        if let Some(signature) = Signature::of(head).filter(|_| is_given) {
            record::write(&json!({"given": signature.key}));
        }
    }

    fn all(bytes: Bytes) -> Self {
        Self {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            ending: Ending::Whole,
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Hung;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hung>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.ending {
            Ending::Whole => Poll::Ready(None),
            Ending::Breaks => {
                self.ending = Ending::Broken;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Broken => Poll::Ready(Some(Err(Hung))),
            Ending::Stalls => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ending == Ending::Whole && self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.ending {
            Ending::Whole => {
                let length = self.bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).expect("a length"))
            }
            Ending::Breaks | Ending::Broken | Ending::Stalls => SizeHint::default(),
        }
    }
}
