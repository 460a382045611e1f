//! `/_local/…`: what AWS has not, for launchers and tests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;

use crate::catalogue::{Family, MODELS};
use crate::error::{Failure, Kind};
use crate::runtime::PAINTER;
use crate::server::Local;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    text: String,
    images: &'static str,
    faults: bool,
}

#[derive(Serialize)]
struct Played {
    model: &'static str,
    backend: String,
}

/// `GET /_local/health`: 200 when the text backend would answer, else 503.
pub(crate) async fn health(State(local): State<Arc<Local>>) -> Response {
    match local.backend.ready().await {
        Ok(()) => Json(Health {
            status: "ready",
            text: local.backend.name(),
            images: PAINTER,
            faults: local.faults.is_some(),
        })
        .into_response(),
        Err(unavailable) => {
            Failure::new(Kind::ServiceUnavailable, unavailable.to_string()).into_response()
        }
    }
}

/// `GET /_local/models`: which backend answers which model.
pub(crate) async fn models(State(local): State<Arc<Local>>) -> Response {
    let played = |model: &crate::catalogue::Model| Played {
        model: model.id,
        backend: match model.family {
            Family::Text(_) => local.backend.name(),
            Family::Image(_) => PAINTER.to_owned(),
        },
    };
    Json(MODELS.iter().map(played).collect::<Vec<_>>()).into_response()
}

/// `GET /_local/calls`: how often each operation was called for each model.
pub(crate) async fn calls(State(local): State<Arc<Local>>) -> Response {
    Json(local.calls.list()).into_response()
}

/// `DELETE /_local/calls`: counts from zero again.
pub(crate) async fn reset_calls(State(local): State<Arc<Local>>) -> StatusCode {
    local.calls.reset();
    StatusCode::NO_CONTENT
}
