//! What is measured of calls to models, in the terms of Bedrock's own metrics.

use std::time::{Duration, Instant};

use super::prices;
use super::scope::Scope;
use super::traces::{Outcome, Segment};
use crate::Error;
use crate::api::image::Size;
use crate::families::Usage;
use crate::model::{ModelId, Target};

/// What X-Ray calls the service.
const SERVICE: &str = "Bedrock Runtime";

/// A call under way. One that is dropped when it had begun to answer counts as answered: nobody
/// reads on, but the model was at work.
#[derive(Debug)]
pub(crate) struct Call {
    scope: Option<Scope>,
    model: String,
    operation: &'static str,
    is_repetition: bool,
    began: Instant,
    first_token: Option<Duration>,
    usage: Option<Usage>,
    ended: bool,
}

/// A call that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Called {
    pub(super) model: String,
    pub(super) is_repetition: bool,
    pub(super) end: End,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Answered {
        latency: Duration,
        first_token: Option<Duration>,
        usage: Option<Usage>,
        cost: Option<f64>,
    },
    Throttled,
    ClientError,
    ServerError,
}

/// An image that was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) model: String,
    pub(super) size: String,
    pub(super) steps: &'static str,
    pub(super) cost: Option<f64>,
}

impl Call {
    /// A call of this operation that begins now; `made` counts from 1 how often it has been made.
    pub(crate) fn begin(model: &ModelId, operation: &'static str, made: u32) -> Self {
        Self {
            scope: Scope::current(),
            model: model.as_str().to_owned(),
            operation,
            is_repetition: made > 1,
            began: Instant::now(),
            first_token: None,
            usage: None,
            ended: false,
        }
    }

    /// The first part of a streamed answer has come.
    pub(crate) fn begins_to_answer(&mut self) {
        self.first_token = Some(self.began.elapsed());
    }

    /// The answer says what it took.
    pub(crate) fn used(&mut self, usage: Option<Usage>) {
        self.usage = usage.or(self.usage);
    }

    /// The whole answer has come.
    pub(crate) fn answered(&mut self) {
        let cost = self
            .usage
            .and_then(|usage| prices::of_text(&self.model, usage));
        let end = End::Answered {
            latency: self.began.elapsed(),
            first_token: self.first_token,
            usage: self.usage,
            cost,
        };
        self.end(end, Outcome::Done, None);
    }

    /// The call failed.
    pub(crate) fn failed(&mut self, error: &Error) {
        // The statuses are ours, but sort as Bedrock's own do, except that a refused role is the client's
        // fault there and ours here.
        let (end, outcome) = match error.row().status {
            429 => (End::Throttled, Outcome::Throttled),
            400..=499 => (End::ClientError, Outcome::Refused),
            500 => (End::ClientError, Outcome::Refused),
            _ => (End::ServerError, Outcome::Failed),
        };
        let request_id = error.cause().and_then(|cause| cause.request_id.clone());
        self.end(end, outcome, request_id);
    }

    fn end(&mut self, end: End, outcome: Outcome, request_id: Option<String>) {
        self.ended = true;
        let Some(scope) = &self.scope else { return };
        let segment = scope.is_traced().then(|| Segment {
            service: SERVICE.into(),
            operation: self.operation.into(),
            model: Some(self.model.clone()),
            request_id,
            ..Segment::of(self.began, outcome)
        });
        let called = Called {
            model: self.model.clone(),
            is_repetition: self.is_repetition,
            end,
        };
        scope.see(|seen| {
            seen.calls.push(called);
            seen.segments.extend(segment);
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended && self.first_token.is_some() {
            self.answered();
        }
    }
}

/// Counts an image that was made, in so many steps where the request said it.
pub fn image_made(target: &Target, size: Size, steps: Option<i64>) {
    let Some(scope) = Scope::current() else {
        return;
    };
    let model = target.id.as_str();
    let steps = bucketed(steps);
    let drawn = Drawn {
        model: model.to_owned(),
        size: size.to_string(),
        steps,
        cost: prices::of_image(model, steps == MANY_STEPS),
    };
    scope.see(|seen| seen.images.push(drawn));
}

/// More than this costs more.
const MOST_STEPS: i64 = 50;
const MANY_STEPS: &str = "51-150";

/// Steps, in the two ranges that Bedrock has prices for.
const fn bucketed(steps: Option<i64>) -> &'static str {
    match steps {
        None => "default",
        Some(..=MOST_STEPS) => "10-50",
        Some(_) => MANY_STEPS,
    }
}
