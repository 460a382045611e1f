//! A control plane that gives its profiles one by one and fails on demand.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use end_to_end::tap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SYSTEM: [&str; 3] = [
    "eu.amazon.nova-lite-v1:0",
    "jp.amazon.nova-lite-v1:0",
    "us.amazon.nova-lite-v1:0",
];

/// The server.
pub(crate) struct ControlPlane {
    url: String,
    state: Arc<Mutex<Behaviour>>,
}

#[derive(Default)]
struct Behaviour {
    counts: BTreeMap<String, u64>,
    /// How many of a path's next requests are throttled.
    throttled: BTreeMap<String, u64>,
    never_ends: bool,
    stalls: bool,
    /// The status and the body that everything is answered with.
    page: Option<(StatusCode, &'static str)>,
}

type Shared = State<Arc<Mutex<Behaviour>>>;

fn lock(state: &Mutex<Behaviour>) -> MutexGuard<'_, Behaviour> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<Behaviour>>::default();
        let routes = Router::new()
            .route("/foundation-models", get(models))
            .route("/inference-profiles", get(profiles))
            .layer(from_fn_with_state(Arc::clone(&state), behave))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket's address");
        tokio::spawn(axum::serve(listener, routes).into_future());
        Self {
            url: tap(&format!("http://{address}")),
            state,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The ids of everything, sorted.
    pub(crate) fn ids(&self) -> Vec<&'static str> {
        let mut ids = [&SYSTEM[..], &["amazon.nova-lite-v1:0"]].concat();
        ids.sort_unstable();
        ids
    }

    /// Throttles so many of the path's next requests.
    pub(crate) fn throttle(&self, path: &str, count: u64) {
        lock(&self.state).throttled.insert(path.to_owned(), count);
    }

    /// Each page of profiles names a next one.
    pub(crate) fn never_end(&self) {
        lock(&self.state).never_ends = true;
    }

    /// Nothing is answered.
    pub(crate) fn stall(&self) {
        lock(&self.state).stalls = true;
    }

    /// Everything is answered with this, as by a proxy that stands before Bedrock.
    pub(crate) fn answer_with(&self, status: u16, page: &'static str) {
        let status = StatusCode::from_u16(status).expect("a status");
        lock(&self.state).page = Some((status, page));
    }

    /// The requests to a path.
    pub(crate) fn count(&self, path: &str) -> u64 {
        lock(&self.state).counts.get(path).copied().unwrap_or(0)
    }
}

async fn behave(State(state): Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (throttled, stalls, page) = {
        let mut state = lock(&state);
        *state.counts.entry(path.clone()).or_default() += 1;
        let left = state.throttled.entry(path).or_default();
        let throttled = *left > 0;
        *left = left.saturating_sub(1);
        (throttled, state.stalls, state.page)
    };
    if stalls {
        std::future::pending::<()>().await;
    }
    if let Some(page) = page {
        return page.into_response();
    }
    match throttled {
        false => next.run(request).await,
        true => (
            StatusCode::TOO_MANY_REQUESTS,
            [("x-amzn-errortype", "ThrottlingException")],
            r#"{"message":"Rate exceeded"}"#,
        )
            .into_response(),
    }
}

async fn models() -> Json<Value> {
    let id = "amazon.nova-lite-v1:0";
    let arn = format!("arn:aws:bedrock:us-east-1::foundation-model/{id}");
    Json(json!({"modelSummaries": [{"modelId": id, "modelArn": arn}]}))
}

/// One profile a page; tokens are of the server's own making.
async fn profiles(
    State(state): Shared,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    if query.get("type").is_some_and(|kind| kind == "APPLICATION") {
        return Json(json!({"inferenceProfileSummaries": []}));
    }
    let token = query.get("nextToken").map(|token| {
        let number = token.strip_prefix("opaque/+=");
        number
            .and_then(|number| number.parse().ok())
            .expect("a token of ours")
    });
    let index: usize = token.unwrap_or(0);
    let never_ends = lock(&state).never_ends;
    let id = SYSTEM[index % SYSTEM.len()];
    let next = (never_ends || index + 1 < SYSTEM.len()).then(|| format!("opaque/+={}", index + 1));
    Json(json!({
        "inferenceProfileSummaries": [{
            "inferenceProfileId": id,
            "inferenceProfileArn": format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}"),
            "inferenceProfileName": id,
            "models": [],
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }],
        "nextToken": next,
    }))
}
