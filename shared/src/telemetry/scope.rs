//! Whom a measurement belongs to. The scope travels with the task that works on an invocation, so that
//! what is measured deep below need not be handed down to; whoever spawns a task takes it along.

use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::Stream;
use lambda_runtime::Context;

use super::calls::{Called, Drawn};
use super::metrics::{self, Head};
use super::traces::{Segment, Trace};
use crate::config::Reporting;

tokio::task_local! {
    static CURRENT: Scope;
}

/// How one environment reports.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry(Arc<Reporting>);

/// What one invocation is measured for.
#[derive(Debug, Clone)]
pub(crate) struct Scope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reporting: Arc<Reporting>,
    request_id: String,
    trace: Option<Trace>,
    key_id: OnceLock<String>,
    seen: Mutex<Seen>,
}

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) calls: Vec<Called>,
    pub(super) images: Vec<Drawn>,
    pub(super) duplicates: u64,
    pub(super) records_failed: u64,
    pub(super) segments: Vec<Segment>,
}

impl Telemetry {
    pub(crate) fn new(reporting: Reporting) -> Self {
        Self(Arc::new(reporting))
    }

    /// The scope of an invocation.
    pub(crate) fn scope(&self, context: &Context) -> Scope {
        let header = context.xray_trace_id.as_deref();
        Scope(Arc::new(Inner {
            reporting: Arc::clone(&self.0),
            request_id: context.request_id.clone(),
            trace: header.and_then(Trace::read),
            key_id: OnceLock::new(),
            seen: Mutex::default(),
        }))
    }
}

impl Scope {
    /// The scope that the present task works in.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Works in this scope.
    pub(crate) async fn hold<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// The same work, for a task of its own, in the scope of the present one.
    pub(crate) fn inherited<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
        let scope = Self::current();
        async move {
            match scope {
                Some(scope) => scope.hold(work).await,
                None => work.await,
            }
        }
    }

    /// The same stream, polled in this scope by whatever task.
    pub(crate) fn hold_stream<S>(self, stream: S) -> impl Stream<Item = S::Item> + Send + Unpin
    where
        S: Stream + Send + Unpin,
    {
        let mut stream = stream;
        futures_util::stream::poll_fn(move |context| {
            CURRENT.sync_scope(self.clone(), || {
                std::pin::Pin::new(&mut stream).poll_next(context)
            })
        })
    }

    /// Says which API key the request came with: its id, never the key.
    pub(crate) fn of_key(&self, id: &str) {
        // An invocation over HTTP is one request, which has one key.
        let _ = self.0.key_id.set(id.to_owned());
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.0.key_id.get().map(String::as_str)
    }

    pub(super) fn trace_id(&self) -> Option<&str> {
        self.0.trace.as_ref().map(|trace| trace.root.as_str())
    }

    /// Whether this invocation is one of those whose calls are traced.
    pub(super) fn is_traced(&self) -> bool {
        let trace = self.0.trace.as_ref();
        self.0.reporting.trace_daemon.is_some() && trace.is_some_and(Trace::is_sampled)
    }

    pub(super) fn see(&self, see: impl FnOnce(&mut Seen)) {
        see(&mut self.0.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let seen = std::mem::take(self.seen.get_mut().unwrap_or_else(PoisonError::into_inner));
        let head = Head {
            namespace: &self.reporting.namespace,
            function: &self.reporting.function,
            by_key: self.reporting.by_key,
            milliseconds: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| {
                    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
                }),
            request_id: &self.request_id,
            trace_id: self.trace.as_ref().map(|trace| trace.root.as_str()),
            key_id: self.key_id.get().map(String::as_str),
        };
        let mut text = String::new();
        for line in metrics::lines(&head, &seen) {
            let _ = writeln!(text, "{line}");
        }
        // One write, so that no log line comes between. Nobody is left to be told that it failed.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
        if let (Some(daemon), Some(trace)) = (self.reporting.trace_daemon, &self.trace)
            && !seen.segments.is_empty()
            && let Ok(socket) = UdpSocket::bind(("0.0.0.0", 0))
        {
            for segment in &seen.segments {
                let _ = socket.send_to(segment.datagram(trace).as_bytes(), daemon);
            }
        }
    }
}

/// Counts a request that had been answered before, and was not paid for again.
pub(crate) fn duplicate_avoided() {
    if let Some(scope) = Scope::current() {
        scope.see(|seen| seen.duplicates += 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    fn scope() -> Scope {
        let reporting = Reporting {
            namespace: "Tests".to_owned(),
            function: "chat".to_owned(),
            by_key: false,
            trace_daemon: None,
        };
        Telemetry::new(reporting).scope(&Context::default())
    }

    fn duplicates(scope: &Scope) -> u64 {
        let mut duplicates = 0;
        scope.see(|seen| duplicates = seen.duplicates);
        duplicates
    }

    #[tokio::test]
    async fn what_is_spawned_or_streamed_stays_in_the_scope() {
        let scope = scope();
        duplicate_avoided();
        scope
            .clone()
            .hold(async {
                duplicate_avoided();
                let inherited = Scope::inherited(async { duplicate_avoided() });
                tokio::spawn(inherited).await.unwrap();
            })
            .await;
        let stream = futures_util::stream::iter([1, 2]).map(|item| {
            duplicate_avoided();
            item
        });
        let mut stream = scope.clone().hold_stream(stream);
        let items = tokio::spawn(async move { [stream.next().await, stream.next().await] });
        assert_eq!(items.await.unwrap(), [Some(1), Some(2)]);
        // The first was in no scope.
        assert_eq!(duplicates(&scope), 4);
    }
}
