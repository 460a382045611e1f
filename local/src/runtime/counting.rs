//! CountTokens (`docs: count-tokens`, botocore's service model): how many tokens a request has, in the
//! form of either other operation.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::converse;
use crate::catalogue::{self, Family, Resolved};
use crate::error::Failure;
use crate::families::{self, TextFamily};

/// What it says of models that it does not serve, and of profiles.
const UNSUPPORTED: &str = "The provided model doesn't support counting tokens.";

/// Claudes from before it; the page names none of them.
const OLD: [&str; 3] = [
    "anthropic.claude-3-haiku",
    "anthropic.claude-3-opus",
    "anthropic.claude-3-sonnet",
];

#[derive(Deserialize)]
struct Request {
    input: Input,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Input {
    Converse(Box<RawValue>),
    InvokeModel(Native),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Native {
    body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    input_tokens: usize,
}

/// The foundation model with this id, if its tokens are counted. A model that answers through profiles
/// alone is counted by its own id nevertheless.
pub(super) fn resolve(id: &str) -> Result<Resolved, Failure> {
    let model = catalogue::find(id).ok_or_else(|| Failure::validation(UNSUPPORTED))?;
    let counts = match model.family {
        Family::Text(TextFamily::ClaudeMessages) => {
            !OLD.iter().any(|old| model.id.starts_with(old))
        }
        Family::Text(_) | Family::Image(_) => false,
    };
    match counts {
        true => Ok(Resolved::of(model)),
        false => Err(Failure::validation(UNSUPPORTED)),
    }
}

/// Counts: four characters a token is the usual rule of thumb.
pub(super) fn answer(resolved: &Resolved, body: &[u8]) -> Result<Response, Failure> {
    let malformed = || Failure::validation("Malformed input request, please reformat your input.");
    let request: Request = serde_json::from_slice(body).map_err(|_| malformed())?;
    let request = match request.input {
        Input::Converse(request) => converse::read(resolved, request.get().as_bytes(), false)?.0,
        Input::InvokeModel(native) => {
            let body = STANDARD.decode(native.body).map_err(|_| malformed())?;
            match families::read(resolved.model, &body)? {
                families::Request::Text(request) => request,
                families::Request::Image(..) => return Err(Failure::validation(UNSUPPORTED)),
            }
        }
    };
    let characters: usize = request
        .turns
        .iter()
        .map(|turn| turn.text.chars().count())
        .sum();
    let input_tokens = characters.div_ceil(4).max(1);
    Ok(Json(Counted { input_tokens }).into_response())
}
