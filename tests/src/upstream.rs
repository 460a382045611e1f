//! A server that plays Bedrock byte by byte: what the local Bedrock's markers cannot ask for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::canary::CANARY;
use crate::{calls, listener, request};

/// One answer, step by step. Where it ends without closing, the connection takes the next request.
#[derive(Debug, Clone, Default)]
pub struct Script(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Send(Bytes),
    /// One frame of a stream, whose time is remembered.
    Frame(Bytes),
    /// Each byte in a segment of its own.
    Bytewise(Bytes),
    Wait(Duration),
    /// Nothing more, until the client goes.
    Hold,
    /// FIN.
    Close,
    /// RST.
    Reset,
}

impl Script {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Never an answer.
    pub fn silence() -> Self {
        Self::new().hold()
    }

    /// A whole JSON answer.
    pub fn json(body: &Value) -> Self {
        Self::whole(200, &["content-type: application/json"], body.to_string())
    }

    /// An error in Bedrock's shape.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::error_with(status, kind, message, &[])
    }

    /// An error in Bedrock's shape, with more headers.
    pub fn error_with(status: u16, kind: &str, message: &str, headers: &[&str]) -> Self {
        let kind = format!("x-amzn-errortype: {kind}");
        let own = ["content-type: application/json", kind.as_str()];
        // It may quote what Bedrock was told.
        let body = json!({"message": format!("{message} {CANARY}")}).to_string();
        Self::whole(status, &[&own, headers].concat(), body)
    }

    /// A page, as proxies answer with.
    pub fn page(status: u16, html: &str) -> Self {
        Self::whole(status, &["content-type: text/html"], html.to_owned())
    }

    /// A whole answer.
    pub fn whole(status: u16, headers: &[&str], body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::head(status, headers, body.len()).bytes(body)
    }

    /// The head of an answer whose body is to have so many bytes.
    pub fn head(status: u16, headers: &[&str], length: usize) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {length}\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        Self::new().bytes(head)
    }

    /// The head of a chunked event stream.
    pub fn stream() -> Self {
        Self::new().bytes(
            "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
             x-amzn-bedrock-content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        )
    }

    /// A whole event stream.
    pub fn stream_of(frames: impl IntoIterator<Item = Bytes>) -> Self {
        Self::stream().frames(frames).end()
    }

    /// These bytes.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.then(Step::Send(bytes.into()))
    }

    /// A frame of a stream, as a chunk of its own.
    #[must_use]
    pub fn frame(self, frame: &Bytes) -> Self {
        self.then(Step::Frame(chunked(frame)))
    }

    /// Frames of a stream, each as a chunk of its own.
    #[must_use]
    pub fn frames(self, frames: impl IntoIterator<Item = Bytes>) -> Self {
        frames
            .into_iter()
            .fold(self, |script, frame| script.frame(&frame))
    }

    /// The same answer, each byte in a segment of its own.
    #[must_use]
    pub fn bytewise(self) -> Self {
        let steps = self.0.into_iter().map(|step| match step {
            Step::Send(bytes) | Step::Frame(bytes) => Step::Bytewise(bytes),
            step => step,
        });
        Self(steps.collect())
    }

    /// Another answer's steps.
    #[must_use]
    pub fn then_all(mut self, Self(steps): Self) -> Self {
        self.0.extend(steps);
        self
    }

    /// A pause.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.then(Step::Wait(time))
    }

    /// The last chunk of a stream.
    #[must_use]
    pub fn end(self) -> Self {
        self.bytes("0\r\n\r\n")
    }

    /// Nothing more; the connection stays open until the client closes it.
    #[must_use]
    pub fn hold(self) -> Self {
        self.then(Step::Hold)
    }

    /// The connection is closed.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// The connection is reset.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

fn chunked(bytes: &Bytes) -> Bytes {
    let mut chunk = BytesMut::from(format!("{:x}\r\n", bytes.len()).as_bytes());
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk.freeze()
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When its end had come.
    pub at: Instant,
    /// The path, percent-encoded as it came.
    pub path: String,
    headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When each frame of its answer went.
    pub emitted: Vec<Instant>,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("a text"))
    }

    /// The body's JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// The server. The first request gets the first script, the second the second; the last repeats.
#[derive(Debug)]
pub struct Upstream {
    url: String,
    log: Arc<Log>,
}

#[derive(Debug)]
struct Log {
    requests: Mutex<Vec<Received>>,
    /// How many requests came.
    received: watch::Sender<usize>,
    /// How many answers the client went away from.
    dropped: watch::Sender<usize>,
    /// How many connections came.
    connections: watch::Sender<usize>,
    /// How many of them this server has closed.
    closed: watch::Sender<usize>,
}

impl Log {
    fn requests(&self) -> MutexGuard<'_, Vec<Received>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_one(&self) {
        self.dropped.send_modify(|count| *count += 1);
    }
}

impl Upstream {
    /// Starts the server.
    pub async fn playing(scripts: impl IntoIterator<Item = Script>) -> Self {
        let scripts: Arc<[Script]> = scripts.into_iter().collect();
        let (listener, address) = listener::bind().await;
        let log = Arc::new(Log {
            requests: Mutex::default(),
            received: watch::Sender::new(0),
            dropped: watch::Sender::new(0),
            connections: watch::Sender::new(0),
            closed: watch::Sender::new(0),
        });
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                kept.connections.send_modify(|count| *count += 1);
                tokio::spawn(serve(connection, Arc::clone(&scripts), Arc::clone(&kept)));
            }
        });
        Self {
            url: format!("http://{address}"),
            log,
        }
    }

    /// `http://127.0.0.1:…`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.log.requests().clone()
    }

    /// The last request so far.
    pub fn last(&self) -> Received {
        self.log.requests().last().expect("a request").clone()
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        self.log.requests().len()
    }

    /// Waits until so many requests have come.
    pub async fn until(&self, count: usize) {
        until(&self.log.received, count).await;
    }

    /// How many connections came so far.
    pub fn connections(&self) -> usize {
        *self.log.connections.borrow()
    }

    /// How many answers the client has gone away from before their end.
    pub fn dropped(&self) -> usize {
        *self.log.dropped.borrow()
    }

    /// Waits until the client has gone away from so many answers.
    pub async fn until_dropped(&self, count: usize) {
        until(&self.log.dropped, count).await;
    }

    /// Waits until a script has closed so many connections.
    pub async fn until_closed(&self, count: usize) {
        until(&self.log.closed, count).await;
    }
}

async fn until(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = counter.wait_for(|counted| *counted >= count);
    let reached = tokio::time::timeout(Duration::from_secs(5), reached);
    reached.await.expect("it comes to that").expect("a server");
}

async fn serve(mut connection: TcpStream, scripts: Arc<[Script]>, log: Arc<Log>) {
    connection.set_nodelay(true).expect("TCP_NODELAY");
    while let Ok(request::Received { head, body, .. }) = request::read(&mut connection).await {
        calls::record(&head, &body);
        let number = {
            let mut requests = log.requests();
            requests.push(Received {
                at: Instant::now(),
                path: head.uri.path().to_owned(),
                headers: head.headers,
                body,
                emitted: Vec::new(),
            });
            requests.len() - 1
        };
        log.received.send_modify(|count| *count += 1);
        let script = scripts.get(number).or(scripts.last());
        let Script(steps) = script.expect("a script").clone();
        for step in steps {
            let (mut reader, mut writer) = connection.split();
            let ended = tokio::select! {
                biased;
                ended = act(&step, &mut writer, &log, number) => ended,
                () = gone(&mut reader) => {
                    log.drop_one();
                    return;
                }
            };
            match ended {
                Ended::No => {}
                Ended::Lost => {
                    log.drop_one();
                    return;
                }
                Ended::Closed => {
                    drop(connection);
                    log.closed.send_modify(|count| *count += 1);
                    return;
                }
                Ended::Reset => {
                    connection.set_zero_linger().expect("SO_LINGER");
                    drop(connection);
                    log.closed.send_modify(|count| *count += 1);
                    return;
                }
            }
        }
    }
}

/// What a step leaves of a connection.
enum Ended {
    No,
    /// The client has gone.
    Lost,
    Closed,
    Reset,
}

async fn act(step: &Step, writer: &mut WriteHalf<'_>, log: &Log, number: usize) -> Ended {
    let written = match step {
        Step::Send(bytes) => writer.write_all(bytes).await,
        Step::Frame(bytes) => {
            if let Some(request) = log.requests().get_mut(number) {
                request.emitted.push(Instant::now());
            }
            writer.write_all(bytes).await
        }
        Step::Bytewise(bytes) => bytewise(bytes, writer).await,
        Step::Wait(time) => {
            tokio::time::sleep(*time).await;
            Ok(())
        }
        Step::Hold => std::future::pending().await,
        Step::Close => return Ended::Closed,
        Step::Reset => return Ended::Reset,
    };
    match written {
        Ok(()) => Ended::No,
        Err(_) => Ended::Lost,
    }
}

async fn bytewise(bytes: &Bytes, writer: &mut WriteHalf<'_>) -> std::io::Result<()> {
    for byte in bytes {
        writer.write_u8(*byte).await?;
        // The client reads between them.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Waits until the client closes; it has nothing to say before its answer has ended.
async fn gone(reader: &mut ReadHalf<'_>) {
    if let Ok(byte) = reader.read_u8().await {
        panic!("a byte {byte:#x} within an answer");
    }
}
