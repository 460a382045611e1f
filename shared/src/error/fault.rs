//! What can be wrong, by who can act on it. `Display` is the caller's message.

use std::time::Duration;

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FieldFault {
    /// It is required.
    #[error("is required.")]
    Missing,
    /// Its value is wrong; the text says what is allowed.
    #[error("is not valid: {0}.")]
    Invalid(String),
    /// A prompt is longer than this deployment takes; the text names the limit.
    #[error("is too long: {0}.")]
    PromptTooLong(String),
    /// A history is longer than this deployment takes; the text names the limit.
    #[error("is too long: {0}.")]
    HistoryTooLong(String),
    /// There is no such field.
    #[error("is not a known field{}", match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => ".".to_owned(),
    })]
    Unknown {
        /// The nearest known name.
        nearest: Option<&'static str>,
    },
    /// It would change the answer and cannot be honoured.
    #[error("is not supported by {by}: {reason}.")]
    Unsupported {
        /// Who cannot honour it: a family, or this API.
        by: &'static str,
        /// Why, or what to send instead.
        reason: &'static str,
    },
}

/// What can be wrong with a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelFault {
    /// Its id does not say the family.
    #[error(
        "does not say its family; declare it with the field `family` or an alias, as one of: {known}; or, for text, ask for `\"api\": \"converse\"`."
    )]
    FamilyRequired {
        /// Names of the families.
        known: String,
    },
    /// It serves another task.
    #[error("does not serve {0}.")]
    TaskUnsupported(&'static str),
    /// The deployment does not allow it.
    #[error("is not allowed on this deployment.")]
    NotAllowed,
    /// There is no such model.
    #[error("does not exist or is not available in this region.")]
    NotFound,
    /// It cannot be called by its own id.
    #[error("is not served on demand by this id; use {}.",
        profile.as_ref().map_or_else(
            || "the id or ARN of an inference profile that contains it".to_owned(),
            |id| format!("the inference profile `{id}`")
        ))]
    ProfileRequired {
        /// The profile of the region, where one is known.
        profile: Option<String>,
    },
    /// It is legacy, and Bedrock refuses it to accounts that have not called it lately.
    #[error("is legacy and closed to accounts that have not used it lately{}{}.",
        until.map(|day| format!("; its last day is {day}")).unwrap_or_default(),
        successor.map(|id| format!("; use `{id}` instead")).unwrap_or_default())]
    Closed {
        /// Its last day, as `YYYY-MM-DD`, where AWS has named one.
        until: Option<&'static str>,
        /// What to use instead.
        successor: Option<&'static str>,
    },
    /// It is past its end of life.
    #[error("has reached the end of its life{}{}.",
        since.map(|day| format!(" on {day}")).unwrap_or_default(),
        successor.map(|id| format!("; use `{id}` instead")).unwrap_or_default())]
    Retired {
        /// Its last day, as `YYYY-MM-DD`, where AWS has named one.
        since: Option<&'static str>,
        /// What to use instead.
        successor: Option<&'static str>,
    },
}

/// What can be wrong with a request as a whole.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestFault {
    /// There is no body, or it is `null`.
    #[error("The request has no body; send a JSON object.")]
    BodyMissing,
    /// The body is not one JSON object.
    #[error("The body is not a JSON object: {reason} at line {line}, column {column}.")]
    BodyNotJson {
        /// What is wrong.
        reason: String,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
    },
    /// The body is said to be base64 and is not.
    #[error("The body is not base64.")]
    BodyNotBase64,
    /// The body is longer than the limit.
    #[error("The body has {size} bytes; the limit is {limit} bytes.")]
    BodyTooLarge {
        /// Bytes received.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The request asks to be answered once only, by a key, and there is nowhere to keep the answer.
    #[error("`Idempotency-Key` is not served by this deployment; leave the header out.")]
    IdempotencyUnsupported,
    /// The key was used with another request.
    #[error("This `Idempotency-Key` was used with another request; use a new one.")]
    IdempotencyMismatch,
    /// The request of this key is being answered.
    #[error("The request of this `Idempotency-Key` is being answered; retry later.")]
    IdempotencyInProgress {
        /// How long that takes at most.
        wait: Duration,
    },
    /// A batch file has too many lines.
    #[error("The batch file has more than {limit} lines; split it.")]
    TooManyLines {
        /// Lines allowed.
        limit: u64,
    },
    /// The object is gone that the request was in.
    #[error("The upload was deleted or replaced before it was read.")]
    InputGone,
    /// The object is in an archive.
    #[error("The upload is archived and cannot be read; restore it and upload it again.")]
    InputArchived,
    /// The body is not sent as plain JSON.
    #[error("Send the body as `application/json`, without a content encoding.")]
    MediaTypeUnsupported,
    /// There is no such path.
    #[error("There is nothing at this path.")]
    RouteNotFound,
    /// The path has no such method.
    #[error("This method is not allowed here; use {allow}.")]
    MethodNotAllowed {
        /// The method to use.
        allow: &'static str,
    },
    /// The event cannot be read, or is of a service that this function does not serve.
    #[error("This function cannot serve this event: {0}.")]
    EventUnsupported(&'static str),
    /// History and answer do not fit the model's window.
    #[error("The request does not fit the model's context window: {reason}")]
    ContextTooLong {
        /// The model's own words.
        reason: String,
    },
    /// The answer has more bytes than can be sent.
    #[error(
        "The answer has more than the {limit} bytes that can be sent whole; ask for fewer or shorter ones, or for a stream."
    )]
    AnswerTooLarge {
        /// Bytes that can be sent.
        limit: usize,
    },
    /// The prompt, the answer or an image was filtered.
    #[error("The content was filtered: {reason}")]
    Filtered {
        /// Which part, in the model's own words.
        reason: String,
    },
    /// Bedrock found the request invalid.
    #[error("Bedrock refused the request: {reason}")]
    Refused {
        /// Bedrock's own words.
        reason: String,
    },
}

/// What can be wrong behind the request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UpstreamFault {
    /// Bedrock throttled the call.
    #[error("Bedrock is throttling this deployment; retry later.")]
    Throttled {
        /// How long Bedrock asked to wait.
        retry_after: Option<Duration>,
    },
    /// A Bedrock quota is used up.
    #[error("A Bedrock quota of this deployment is used up; retry later.")]
    QuotaExceeded,
    /// Bedrock cannot be reached, or says that it is unavailable.
    #[error("Bedrock is unavailable; retry later.")]
    Unavailable,
    /// The connection broke before an answer began; the model may be at work.
    #[error("The connection to Bedrock broke before it answered; retry later.")]
    ConnectionLost,
    /// Bedrock was unavailable so often that it is not asked for a while.
    #[error("Bedrock is unavailable; retry later.")]
    Resting {
        /// Until it is asked again.
        wait: Duration,
    },
    /// The model is being loaded.
    #[error("The model is not ready yet; retry later.")]
    ModelNotReady,
    /// No AWS credentials could be had.
    #[error("This deployment could not load its AWS credentials; retry later.")]
    CredentialsUnavailable,
    /// Bedrock refused this deployment's credentials or role.
    #[error(
        "This deployment has no access to what it asked Bedrock for; its operator has to grant it."
    )]
    AccessDenied,
    /// S3 did not take what the model made.
    #[error("The answer was made but could not be stored; asking again makes, and bills, another.")]
    NotStored,
    /// S3 cannot be reached, or says that it is unavailable; no model has been called.
    #[error("This deployment's storage is unavailable; retry later.")]
    StorageUnavailable,
    /// S3 refused this deployment's role.
    #[error("This deployment has no access to its storage; its operator has to grant it.")]
    StorageDenied,
    /// The storage's key cannot be used for now.
    #[error("The encryption key of this deployment's storage is unavailable; retry later.")]
    EncryptionUnavailable,
    /// This deployment's role may not use the storage's key.
    #[error(
        "This deployment may not use the encryption key of its storage; its operator has to grant it."
    )]
    EncryptionDenied,
    /// SQS cannot be reached, or did not take a message.
    #[error("This deployment's queue is unavailable; retry later.")]
    QueueUnavailable,
    /// Earlier deliveries of the request ended without an answer, and each may have been billed.
    #[error(
        "The request was begun twice and ended without an answer each time; both calls may have been billed, and no third is made."
    )]
    Interrupted,
    /// The model failed.
    #[error("The model failed to process the request.")]
    ModelFailed,
    /// Bedrock failed.
    #[error("Bedrock failed to process the request.")]
    Failed,
    /// Bedrock, or something on the way, failed in a way that is not known; the model may be at work.
    #[error("Bedrock failed to process the request; the call may have been billed.")]
    FailedUnclearly,
    /// The answer is not of the family's, or the operation's, shape.
    #[error("Bedrock's answer does not have the shape of {family}, at `{path}`.")]
    Malformed {
        /// Name of the family, or of the operation.
        family: &'static str,
        /// Where in the answer.
        path: String,
    },
    /// The answer broke off.
    #[error("Bedrock's answer broke off.")]
    Truncated,
    /// The answer is larger than any model's.
    #[error("Bedrock's answer is larger than {limit} bytes.")]
    TooLarge {
        /// Bytes that are read at most.
        limit: usize,
    },
    /// The answer began and then paused for too long.
    #[error("The model's answer paused for too long; the call may have been billed.")]
    Stalled,
    /// The image is damaged, or not of the size that was asked for.
    #[error("The model's image is not usable: {0}.")]
    ImageInvalid(&'static str),
    /// This request's time was up.
    #[error("The model did not answer within this request's time; the call may have been billed.")]
    DeadlineExceeded,
    /// This request's time was up before Bedrock had said what there is.
    #[error("Bedrock did not list its models within this request's time.")]
    ListingTimedOut,
    /// The model's own time was up.
    #[error("The model took too long; the call may have been billed.")]
    ModelTimedOut,
    /// A defect of ours.
    #[error("The request failed through a defect of this service.")]
    Defect,
}
