//! Everything that can go wrong, by who can act on it, and what the caller is told.
//!
//! [`Error::row`] is the one table from fault to status, type, code and retry advice. `Display` is
//! the message for the caller. The log gets the code and the [`Cause`], never a message, because
//! a message may quote the request.

mod fault;

use std::time::Duration;

use serde::Serialize;

pub use fault::{FieldFault, ModelFault, RequestFault, UpstreamFault};

/// What went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A field of the request is at fault: the caller can mend it.
    #[error("`{param}` {fault}")]
    Field {
        /// Path of the field, such as `messages[2].content`.
        param: String,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// The model that was asked for cannot serve: the caller can choose another.
    #[error("The model `{model}` {fault}")]
    Model {
        /// The model, as the caller named it.
        model: String,
        /// What is wrong with it.
        fault: ModelFault,
    },
    /// The request as a whole is at fault: the caller can mend it.
    #[error("{0}")]
    Request(RequestFault),
    /// A later call of the request failed when an earlier one had been answered, and billed: what
    /// would else be retried must not be.
    #[error("{0} Part of the request was answered and billed before.")]
    PartlyPaid(Box<Error>),
    /// Bedrock, S3 or this deployment is at fault: waiting or the operator can mend it.
    #[error("{fault}")]
    Upstream {
        /// What is wrong.
        fault: UpstreamFault,
        /// What AWS said, for the log.
        cause: Cause,
    },
}

/// What AWS said, in the few facts that may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// The AWS error code, such as `ThrottlingException`, or where the call failed.
    pub code: String,
    /// AWS's request id.
    pub request_id: Option<String>,
    /// The call that failed, where one did.
    pub call: Option<Box<FailedCall>>,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCall {
    /// The operation, as IAM names its action.
    pub action: &'static str,
    /// The model, as Bedrock knows it, if one was called.
    pub model: Option<String>,
}

impl Cause {
    /// A cause that AWS gave no request id for.
    pub fn of(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            ..Self::default()
        }
    }
}

/// Whether asking again can help, as the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The request is at fault: official clients do not retry such a status by themselves.
    Pointless,
    /// `retry-after` is sent.
    Later,
    /// `x-should-retry: false` is sent: it would fail again, or pay for the model again.
    Never,
}

/// What a fault means to a request that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The same again would fail again: the error is the answer.
    Permanent,
    /// It may go well later, and nothing has been paid for.
    Unpaid,
    /// It may go well later, and may have been paid for.
    PerhapsPaid,
}

/// What a fault means to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// HTTP status.
    pub status: u16,
    /// OpenAI's `type`.
    pub r#type: &'static str,
    /// OpenAI's `code`.
    pub code: &'static str,
    /// Whether asking again can help.
    pub retry: Retry,
}

const fn request(status: u16, code: &'static str) -> Row {
    Row {
        status,
        r#type: "invalid_request_error",
        code,
        retry: Retry::Pointless,
    }
}

const fn limit(code: &'static str) -> Row {
    Row {
        status: 429,
        r#type: "rate_limit_error",
        code,
        retry: Retry::Later,
    }
}

const fn later(code: &'static str) -> Row {
    Row {
        status: 503,
        r#type: "api_error",
        code,
        retry: Retry::Later,
    }
}

const fn never(status: u16, code: &'static str) -> Row {
    Row {
        status,
        r#type: "api_error",
        code,
        retry: Retry::Never,
    }
}

/// What is suggested where Bedrock does not say how long to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl Error {
    /// A field whose value is wrong.
    pub fn invalid(param: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            param: param.into(),
            fault: FieldFault::Invalid(reason.into()),
        }
    }

    /// A field that is missing.
    pub fn missing(param: impl Into<String>) -> Self {
        Self::Field {
            param: param.into(),
            fault: FieldFault::Missing,
        }
    }

    /// An option that this API does not serve, whatever the model.
    pub fn unsupported(param: impl Into<String>, reason: &'static str) -> Self {
        Self::Field {
            param: param.into(),
            fault: FieldFault::Unsupported {
                by: "this API",
                reason,
            },
        }
    }

    /// A fault of ours; `place` says where and holds no content.
    pub fn defect(place: &'static str) -> Self {
        Self::Upstream {
            fault: UpstreamFault::Defect,
            cause: Cause::of(place),
        }
    }

    /// An image that is damaged, or not the one that was asked for.
    pub fn image_invalid(reason: &'static str) -> Self {
        Self::Upstream {
            fault: UpstreamFault::ImageInvalid(reason),
            cause: Cause::of(reason),
        }
    }

    /// An answer that is not of the family's shape.
    pub fn malformed(family: &'static str, path: impl Into<String>) -> Self {
        let path = path.into();
        Self::Upstream {
            cause: Cause::of(path.clone()),
            fault: UpstreamFault::Malformed { family, path },
        }
    }

    /// The same error, with the call that it befell.
    #[must_use]
    pub fn during(mut self, action: &'static str, model: Option<&str>) -> Self {
        if let Self::Upstream { cause, .. } = &mut self {
            cause.call = Some(Box::new(FailedCall {
                action,
                model: model.map(str::to_owned),
            }));
        }
        self
    }

    /// The row of the error table.
    pub const fn row(&self) -> Row {
        match self {
            Self::PartlyPaid(error) => match error.row() {
                Row {
                    retry: Retry::Later,
                    status,
                    r#type,
                    code,
                } => Row {
                    retry: Retry::Never,
                    status,
                    r#type,
                    code,
                },
                row => row,
            },
            Self::Field { fault, .. } => match fault {
                FieldFault::Missing => request(400, "missing_required_parameter"),
                FieldFault::Invalid(_) => request(400, "invalid_value"),
                FieldFault::PromptTooLong(_) => request(400, "prompt_too_long"),
                FieldFault::HistoryTooLong(_) => request(400, "history_too_long"),
                FieldFault::Unknown { .. } => request(400, "unknown_parameter"),
                FieldFault::Unsupported { .. } => request(400, "unsupported_parameter"),
            },
            Self::Model { fault, .. } => match fault {
                ModelFault::FamilyRequired { .. } => request(400, "model_family_required"),
                ModelFault::TaskUnsupported(_) => request(400, "unsupported_model"),
                ModelFault::NotAllowed => Row {
                    r#type: "permission_error",
                    ..request(403, "model_not_allowed")
                },
                ModelFault::NotFound => request(404, "model_not_found"),
                ModelFault::ProfileRequired { .. } => request(400, "invalid_value"),
                ModelFault::Closed { .. } | ModelFault::Retired { .. } => {
                    request(404, "model_retired")
                }
            },
            Self::Request(fault) => match fault {
                RequestFault::BodyMissing => request(400, "body_required"),
                RequestFault::BodyNotJson { .. } | RequestFault::BodyNotBase64 => {
                    request(400, "invalid_json")
                }
                RequestFault::BodyTooLarge { .. } => request(413, "request_too_large"),
                RequestFault::MediaTypeUnsupported => request(415, "unsupported_media_type"),
                RequestFault::RouteNotFound => request(404, "not_found"),
                RequestFault::MethodNotAllowed { .. } => request(405, "method_not_allowed"),
                RequestFault::IdempotencyUnsupported => request(400, "idempotency_unsupported"),
                RequestFault::IdempotencyMismatch => request(422, "idempotency_mismatch"),
                RequestFault::IdempotencyInProgress { .. } => Row {
                    retry: Retry::Later,
                    ..request(409, "idempotency_in_progress")
                },
                RequestFault::TooManyLines { .. } => request(413, "batch_too_long"),
                RequestFault::InputGone => request(404, "input_gone"),
                RequestFault::InputArchived => request(400, "input_archived"),
                RequestFault::EventUnsupported(_) => request(400, "unsupported_event"),
                RequestFault::ContextTooLong { .. } => request(400, "context_length_exceeded"),
                RequestFault::AnswerTooLarge { .. } => request(413, "answer_too_large"),
                RequestFault::Filtered { .. } => request(400, "content_policy_violation"),
                RequestFault::Refused { .. } => request(400, "request_refused"),
            },
            Self::Upstream { fault, .. } => match fault {
                UpstreamFault::Throttled { .. } => limit("rate_limit_exceeded"),
                UpstreamFault::QuotaExceeded => limit("quota_exceeded"),
                UpstreamFault::Unavailable
                | UpstreamFault::ConnectionLost
                | UpstreamFault::Resting { .. } => later("service_unavailable"),
                UpstreamFault::ModelNotReady => later("model_not_ready"),
                UpstreamFault::CredentialsUnavailable => later("credentials_unavailable"),
                UpstreamFault::AccessDenied => never(500, "upstream_access_denied"),
                UpstreamFault::Defect => never(500, "internal_error"),
                UpstreamFault::ModelFailed => never(502, "model_error"),
                UpstreamFault::Failed | UpstreamFault::FailedUnclearly => {
                    never(502, "upstream_error")
                }
                UpstreamFault::Malformed { .. } | UpstreamFault::TooLarge { .. } => {
                    never(502, "upstream_malformed")
                }
                UpstreamFault::Truncated => never(502, "upstream_truncated"),
                UpstreamFault::ImageInvalid(_) => never(502, "image_invalid"),
                UpstreamFault::NotStored => never(503, "answer_not_stored"),
                UpstreamFault::StorageUnavailable => later("storage_unavailable"),
                UpstreamFault::StorageDenied => never(500, "storage_access_denied"),
                UpstreamFault::EncryptionUnavailable => later("encryption_unavailable"),
                UpstreamFault::EncryptionDenied => never(500, "encryption_access_denied"),
                UpstreamFault::QueueUnavailable => later("queue_unavailable"),
                UpstreamFault::Interrupted => never(504, "interrupted"),
                UpstreamFault::DeadlineExceeded | UpstreamFault::ListingTimedOut => {
                    never(504, "deadline_exceeded")
                }
                UpstreamFault::ModelTimedOut | UpstreamFault::Stalled => {
                    never(504, "model_timeout")
                }
            },
        }
    }

    /// Whether what failed may have been paid for, so that asking again would pay again.
    pub fn may_be_billed(&self) -> bool {
        self.row().retry == Retry::Never
    }

    /// What it means to a request that nobody waits for.
    pub const fn outlook(&self) -> Outlook {
        match self {
            Self::Field { .. } | Self::Model { .. } | Self::Request(_) => Outlook::Permanent,
            Self::PartlyPaid(error) => match error.outlook() {
                Outlook::Permanent => Outlook::Permanent,
                Outlook::Unpaid | Outlook::PerhapsPaid => Outlook::PerhapsPaid,
            },
            Self::Upstream { fault, .. } => match fault {
                UpstreamFault::Throttled { .. }
                | UpstreamFault::QuotaExceeded
                | UpstreamFault::Unavailable
                | UpstreamFault::Resting { .. }
                | UpstreamFault::ModelNotReady
                | UpstreamFault::CredentialsUnavailable
                | UpstreamFault::AccessDenied
                | UpstreamFault::StorageUnavailable
                | UpstreamFault::StorageDenied
                | UpstreamFault::EncryptionUnavailable
                | UpstreamFault::EncryptionDenied
                | UpstreamFault::QueueUnavailable
                | UpstreamFault::ListingTimedOut
                // Bedrock does not bill what it failed to process.
                | UpstreamFault::Failed => Outlook::Unpaid,
                UpstreamFault::NotStored
                | UpstreamFault::ConnectionLost
                | UpstreamFault::FailedUnclearly
                | UpstreamFault::ModelFailed
                | UpstreamFault::Malformed { .. }
                | UpstreamFault::Truncated
                | UpstreamFault::TooLarge { .. }
                | UpstreamFault::Stalled
                | UpstreamFault::ImageInvalid(_)
                | UpstreamFault::DeadlineExceeded
                | UpstreamFault::ModelTimedOut
                | UpstreamFault::Defect => Outlook::PerhapsPaid,
                UpstreamFault::Interrupted => Outlook::Permanent,
            },
        }
    }

    /// Path of the field that is at fault.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Field { param, .. } => Some(param),
            Self::Model {
                fault: ModelFault::FamilyRequired { .. },
                ..
            } => Some("family"),
            Self::Model { .. } => Some("model"),
            Self::PartlyPaid(error) => error.param(),
            Self::Request(_) | Self::Upstream { .. } => None,
        }
    }

    /// What AWS said, for the log.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Upstream { cause, .. } => Some(cause),
            Self::PartlyPaid(error) => error.cause(),
            Self::Field { .. } | Self::Model { .. } | Self::Request(_) => None,
        }
    }

    /// How long Bedrock asked to wait, where it did.
    pub fn wait_asked(&self) -> Option<Duration> {
        match self {
            Self::Upstream {
                fault: UpstreamFault::Throttled { retry_after },
                ..
            } => *retry_after,
            Self::Upstream {
                fault: UpstreamFault::Resting { wait },
                ..
            }
            | Self::Request(RequestFault::IdempotencyInProgress { wait }) => Some(*wait),
            Self::Upstream { .. }
            | Self::PartlyPaid(_)
            | Self::Field { .. }
            | Self::Model { .. }
            | Self::Request(_) => None,
        }
    }

    /// Whole seconds for the header `retry-after`, at least 1, where asking again can help.
    pub fn retry_after(&self) -> Option<u64> {
        let wait = self.wait_asked().unwrap_or(RETRY_AFTER);
        (self.row().retry == Retry::Later).then(|| wait.as_secs_f64().ceil().max(1.0) as u64)
    }

    /// The body of the answer, in the shape that every OpenAI client reads: all four keys present.
    pub fn body(&self) -> Body {
        let row = self.row();
        Body {
            error: Detail {
                message: shortened(&self.to_string()),
                r#type: row.r#type,
                param: self.param().map(shortened),
                code: row.code,
            },
        }
    }
}

/// What a caller sent may stand in a message, at any length; an answer has limits.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 1_000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl From<RequestFault> for Error {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}

/// `{"error": {…}}`
#[derive(Debug, Serialize)]
pub struct Body {
    error: Detail,
}

#[derive(Debug, Serialize)]
struct Detail {
    message: String,
    r#type: &'static str,
    param: Option<String>,
    code: &'static str,
}

#[cfg(test)]
mod tests;
