//! The listener, the routes and what every request shares.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::serve::ListenerExt as _;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::backend::{Backend, OpenError};
use crate::calls::Calls;
use crate::config::Config;
use crate::extract::Id;
use crate::fault::Throttled;
use crate::runtime::converse::Prefixes;
use crate::runtime::{self, Operation};
use crate::{control, inspection};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Local {
    pub backend: Backend,
    /// Only with `--faults`.
    pub faults: Option<Throttled>,
    pub calls: Calls,
    /// What a cache of prompts has seen.
    pub prefixes: Prefixes,
}

/// A running server. It stops, with all connections, when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Taken only by `drop`.
    runtime: Option<Runtime>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Only loopback may reach a server that checks no credentials.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address is taken, or the process may not listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no threads or signals.
    #[error("the runtime does not start")]
    Runtime(#[from] std::io::Error),
    /// The text backend cannot be set up.
    #[error("the text backend cannot be set up")]
    Backend(#[from] OpenError),
}

impl Server {
    /// Starts a server on threads of its own. When this returns, connections are accepted.
    ///
    /// # Errors
    ///
    /// When the backend cannot be set up or the address cannot be listened on.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        if !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let runtime = Runtime::new()?;
        let guard = runtime.enter();
        let local = Arc::new(Local {
            backend: Backend::open(config)?,
            faults: config.faults.then(Throttled::default),
            calls: Calls::default(),
            prefixes: Prefixes::default(),
        });
        let cannot_listen = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = std::net::TcpListener::bind(config.listen).map_err(cannot_listen)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        // Frames are small and must not wait for each other's acknowledgement.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
        });
        tracing::info!(
            %address,
            text = local.backend.name(),
            images = runtime::PAINTER,
            faults = config.faults,
            "listening"
        );
        drop(runtime.spawn(axum::serve(listener, routes(local)).into_future()));
        drop(guard);
        Ok(Self {
            address,
            runtime: Some(runtime),
        })
    }

    /// Where the server is: `http://127.0.0.1:4600`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until the process is interrupted or terminated.
    ///
    /// # Errors
    ///
    /// When the system gives no signals.
    pub fn wait(&self) -> Result<(), StartError> {
        let Some(runtime) = &self.runtime else {
            return Ok(());
        };
        runtime.block_on(async {
            let mut terminated = signal(SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted?,
                _ = terminated.recv() => {}
            }
            Ok(())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting would be forbidden in a test's own runtime.
            runtime.shutdown_background();
        }
    }
}

fn routes(local: Arc<Local>) -> Router {
    use control::Operation::{
        GetFoundationModel, GetInferenceProfile, ListFoundationModels, ListInferenceProfiles,
    };
    let counted = |route: MethodRouter<Arc<Local>>, operation| {
        let state = (Arc::clone(&local), operation);
        route.route_layer(middleware::from_fn_with_state(state, control::count))
    };
    let operation = |operation| {
        post(
            move |State(local): State<Arc<Local>>, Id(id): Id, request: Request| {
                runtime::answer(local, operation, id, request)
            },
        )
    };
    Router::new()
        .route("/model/{id}/invoke", operation(Operation::InvokeModel))
        .route(
            "/model/{id}/invoke-with-response-stream",
            operation(Operation::InvokeModelWithResponseStream),
        )
        .route("/model/{id}/converse", operation(Operation::Converse))
        .route(
            "/model/{id}/converse-stream",
            operation(Operation::ConverseStream),
        )
        .route(
            "/model/{id}/count-tokens",
            operation(Operation::CountTokens),
        )
        .route(
            "/foundation-models",
            counted(get(control::list_models), ListFoundationModels),
        )
        .route(
            "/foundation-models/{id}",
            counted(get(control::get_model), GetFoundationModel),
        )
        .route(
            "/inference-profiles",
            counted(get(control::list_profiles), ListInferenceProfiles),
        )
        .route(
            "/inference-profiles/{id}",
            counted(get(control::get_profile), GetInferenceProfile),
        )
        .route("/_local/health", get(inspection::health))
        .route("/_local/models", get(inspection::models))
        .route(
            "/_local/calls",
            get(inspection::calls).delete(inspection::reset_calls),
        )
        .fallback(unknown_operation)
        .method_not_allowed_fallback(unknown_operation)
        .layer(middleware::map_response(name_request))
        .with_state(local)
}

/// Every answer has an id.
async fn name_request(mut response: Response) -> Response {
    let (high, low) = (random(), random());
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    );
    if let Ok(id) = HeaderValue::from_str(&id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    response
}

async fn unknown_operation() -> Response {
    let mut response = Response::new(Body::from(r#"{"message":"Unknown operation."}"#));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(
        HeaderName::from_static("x-amzn-errortype"),
        HeaderValue::from_static("UnknownOperationException"),
    );
    response
}

/// 64 random bits; each `RandomState` has keys of its own.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}
