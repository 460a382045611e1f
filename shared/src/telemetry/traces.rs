//! X-Ray: a subsegment for each call to AWS, sent to the daemon that Lambda runs beside the function.
//!
//! Source: the X-Ray developer guide's pages `xray-api-segmentdocuments`, `xray-concepts` (the header)
//! and `xray-daemon`. Names of objects and of buckets are left out: callers choose them.

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use serde::Serialize;

use super::scope::Scope;

/// What the daemon wants to hear first.
const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

/// Where AWS's answers have the request's id.
const REQUEST_ID: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// What Lambda says of the trace that an invocation belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    /// The trace's id.
    pub(super) root: String,
    /// The segment that calls belong to, where segments are wanted.
    parent: Option<String>,
}

impl Trace {
    /// Reads `Root=…;Parent=…;Sampled=1` and whatever else there is.
    pub(super) fn read(header: &str) -> Option<Self> {
        let value = |name: &str| {
            header.split(';').find_map(|part| {
                let (key, value) = part.trim().split_once('=')?;
                (key == name).then(|| value.to_owned())
            })
        };
        let sampled = value("Sampled").as_deref() == Some("1");
        Some(Self {
            root: value("Root")?,
            parent: value("Parent").filter(|_| sampled),
        })
    }

    /// Whether this trace's segments are wanted.
    pub(super) const fn is_sampled(&self) -> bool {
        self.parent.is_some()
    }
}

/// A call to AWS that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) service: Cow<'static, str>,
    pub(super) operation: Cow<'static, str>,
    pub(super) model: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
    pub(super) outcome: Outcome,
    pub(super) ended: SystemTime,
    pub(super) took: Duration,
}

/// How a call went, in X-Ray's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Throttled,
    Refused,
    Failed,
}

impl Segment {
    /// A call that ends now.
    pub(super) fn of(began: Instant, outcome: Outcome) -> Self {
        Self {
            service: Cow::default(),
            operation: Cow::default(),
            model: None,
            status: None,
            request_id: None,
            outcome,
            ended: SystemTime::now(),
            took: began.elapsed(),
        }
    }

    /// What the daemon is sent.
    pub(super) fn datagram(&self, trace: &Trace) -> String {
        let ended = self.ended.duration_since(UNIX_EPOCH).unwrap_or_default();
        let document = Document {
            name: &self.service,
            id: format!("{:016x}", fastrand::u64(1..)),
            trace_id: &trace.root,
            parent_id: trace.parent.as_deref(),
            r#type: "subsegment",
            namespace: "aws",
            start_time: ended.saturating_sub(self.took).as_secs_f64(),
            end_time: ended.as_secs_f64(),
            aws: Aws {
                operation: &self.operation,
                request_id: self.request_id.as_deref(),
            },
            annotations: self.model.as_deref().map(|model| Annotations { model }),
            http: self.status.map(|status| Http {
                response: Response { status },
            }),
            error: matches!(self.outcome, Outcome::Refused | Outcome::Throttled),
            throttle: self.outcome == Outcome::Throttled,
            fault: self.outcome == Outcome::Failed,
        };
        // It is plain data, which always serializes.
        let document = serde_json::to_string(&document).unwrap_or_default();
        format!("{HEADER}{document}")
    }
}

/// A segment as X-Ray reads it.
#[derive(Debug, Serialize)]
struct Document<'a> {
    name: &'a str,
    id: String,
    trace_id: &'a str,
    parent_id: Option<&'a str>,
    r#type: &'static str,
    namespace: &'static str,
    start_time: f64,
    end_time: f64,
    aws: Aws<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    error: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    throttle: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fault: bool,
}

#[derive(Debug, Serialize)]
struct Aws<'a> {
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Annotations<'a> {
    model: &'a str,
}

#[derive(Debug, Serialize)]
struct Http {
    response: Response,
}

#[derive(Debug, Serialize)]
struct Response {
    status: u16,
}

/// Traces each operation of a client of the AWS SDK, its repetitions within it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traced;

#[derive(Debug)]
struct Begun(Instant);

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Traced {
    fn name(&self) -> &'static str {
        "Traced"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if Scope::current().is_some_and(|scope| scope.is_traced()) {
            bag.interceptor_state().store_put(Begun(Instant::now()));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(Begun(began)), Some(scope)) = (bag.load::<Begun>(), Scope::current()) else {
            return Ok(());
        };
        let (service, operation) = bag
            .load::<Metadata>()
            .map(|call| (call.service().to_owned(), call.name().to_owned()))
            .unwrap_or_default();
        let response = context.response();
        let status = response.map(|response| response.status().as_u16());
        let request_id = REQUEST_ID
            .iter()
            .find_map(|name| response?.headers().get(*name));
        let segment = Segment {
            service: service.into(),
            operation: operation.into(),
            status,
            request_id: request_id.map(str::to_owned),
            ..Segment::of(*began, outcome_of(status))
        };
        scope.see(|seen| seen.segments.push(segment));
        Ok(())
    }
}

/// Without a status there was no answer.
const fn outcome_of(status: Option<u16>) -> Outcome {
    match status {
        // A key that is not there, and a condition that does not hold, are what is asked about.
        Some(..=399 | 404 | 409 | 412) => Outcome::Done,
        Some(429) => Outcome::Throttled,
        Some(400..=499) => Outcome::Refused,
        Some(_) | None => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_header_is_read_in_any_order() {
        let header = "Parent=53995c3f42cd8ad8;Sampled=1;Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=1:a:0";
        let trace = Trace {
            root: "1-5759e988-bd862e3fe1be46a994272793".to_owned(),
            parent: Some("53995c3f42cd8ad8".to_owned()),
        };
        assert_eq!(Trace::read(header), Some(trace));
        for unwanted in ["Root=1-a-b;Parent=c;Sampled=0", "Root=1-a-b;Sampled=1"] {
            let trace = Trace::read(unwanted).unwrap();
            assert_eq!((trace.root.as_str(), trace.is_sampled()), ("1-a-b", false));
        }
        assert_eq!(Trace::read("Sampled=1"), None);
        assert_eq!(Trace::read(""), None);
    }

    #[test]
    fn a_call_is_a_subsegment_of_the_function() {
        let trace = Trace::read("Root=1-a-b;Parent=c;Sampled=1").unwrap();
        let segment = Segment {
            service: "S3".into(),
            operation: "PutObject".into(),
            status: Some(503),
            request_id: Some("r".to_owned()),
            ended: UNIX_EPOCH + Duration::from_millis(10_500),
            took: Duration::from_millis(250),
            ..Segment::of(Instant::now(), outcome_of(Some(503)))
        };
        let datagram = segment.datagram(&trace);
        let (header, document) = datagram.split_once('\n').unwrap();
        assert_eq!(header, r#"{"format":"json","version":1}"#);
        let mut document: Value = serde_json::from_str(document).unwrap();
        let id = document["id"].take();
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let id = id.as_str().unwrap();
        assert!(id.len() == 16 && id.bytes().all(is_hex), "{id}");
        assert_eq!(
            document,
            json!({
                "name": "S3",
                "id": null,
                "trace_id": "1-a-b",
                "parent_id": "c",
                "type": "subsegment",
                "namespace": "aws",
                "start_time": 10.25,
                "end_time": 10.5,
                "aws": {"operation": "PutObject", "request_id": "r"},
                "http": {"response": {"status": 503}},
                "fault": true,
            })
        );
    }

    #[test]
    fn what_is_asked_about_is_no_fault() {
        for status in [200, 304, 404, 409, 412] {
            assert_eq!(outcome_of(Some(status)), Outcome::Done, "{status}");
        }
        assert_eq!(outcome_of(Some(403)), Outcome::Refused);
        assert_eq!(outcome_of(Some(429)), Outcome::Throttled);
        assert_eq!(outcome_of(Some(500)), Outcome::Failed);
        assert_eq!(outcome_of(None), Outcome::Failed);
    }
}
