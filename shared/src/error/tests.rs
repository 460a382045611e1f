use super::*;

fn upstream(fault: UpstreamFault) -> Error {
    Error::Upstream {
        fault,
        cause: Cause::default(),
    }
}

fn model(fault: ModelFault) -> Error {
    Error::Model {
        model: "m".to_owned(),
        fault,
    }
}

fn reason() -> String {
    "r".to_owned()
}

const WAIT: Duration = Duration::from_secs(3);

/// Fault, status, type, code, param, retry.
type Case = (
    Error,
    u16,
    &'static str,
    &'static str,
    Option<&'static str>,
    Retry,
);

/// The table of the HTTP contract.
fn table() -> Vec<Case> {
    use Retry::{Later, Never, Pointless};
    const REQUEST: &str = "invalid_request_error";
    const LIMIT: &str = "rate_limit_error";
    const API: &str = "api_error";
    let known = String::new();
    vec![
        (
            Error::missing("prompt"),
            400,
            REQUEST,
            "missing_required_parameter",
            Some("prompt"),
            Pointless,
        ),
        (
            Error::invalid("n", "r"),
            400,
            REQUEST,
            "invalid_value",
            Some("n"),
            Pointless,
        ),
        (
            Error::Field {
                param: "x".to_owned(),
                fault: FieldFault::Unknown { nearest: None },
            },
            400,
            REQUEST,
            "unknown_parameter",
            Some("x"),
            Pointless,
        ),
        (
            Error::unsupported("seed", "r"),
            400,
            REQUEST,
            "unsupported_parameter",
            Some("seed"),
            Pointless,
        ),
        (
            model(ModelFault::FamilyRequired { known }),
            400,
            REQUEST,
            "model_family_required",
            Some("family"),
            Pointless,
        ),
        (
            model(ModelFault::TaskUnsupported("t")),
            400,
            REQUEST,
            "unsupported_model",
            Some("model"),
            Pointless,
        ),
        (
            model(ModelFault::NotAllowed),
            403,
            "permission_error",
            "model_not_allowed",
            Some("model"),
            Pointless,
        ),
        (
            model(ModelFault::NotFound),
            404,
            REQUEST,
            "model_not_found",
            Some("model"),
            Pointless,
        ),
        (
            model(ModelFault::ProfileRequired { profile: None }),
            400,
            REQUEST,
            "invalid_value",
            Some("model"),
            Pointless,
        ),
        (
            model(ModelFault::Closed {
                until: None,
                successor: None,
            }),
            404,
            REQUEST,
            "model_retired",
            Some("model"),
            Pointless,
        ),
        (
            model(ModelFault::Retired {
                since: None,
                successor: None,
            }),
            404,
            REQUEST,
            "model_retired",
            Some("model"),
            Pointless,
        ),
        (
            RequestFault::BodyMissing.into(),
            400,
            REQUEST,
            "body_required",
            None,
            Pointless,
        ),
        (
            RequestFault::BodyNotJson {
                reason: reason(),
                line: 1,
                column: 1,
            }
            .into(),
            400,
            REQUEST,
            "invalid_json",
            None,
            Pointless,
        ),
        (
            RequestFault::BodyTooLarge { size: 2, limit: 1 }.into(),
            413,
            REQUEST,
            "request_too_large",
            None,
            Pointless,
        ),
        (
            RequestFault::AnswerTooLarge { limit: 1 }.into(),
            413,
            REQUEST,
            "answer_too_large",
            None,
            Pointless,
        ),
        (
            RequestFault::IdempotencyUnsupported.into(),
            400,
            REQUEST,
            "idempotency_unsupported",
            None,
            Pointless,
        ),
        (
            Error::Field {
                param: "prompt".to_owned(),
                fault: FieldFault::PromptTooLong(reason()),
            },
            400,
            REQUEST,
            "prompt_too_long",
            Some("prompt"),
            Pointless,
        ),
        (
            Error::Field {
                param: "messages".to_owned(),
                fault: FieldFault::HistoryTooLong(reason()),
            },
            400,
            REQUEST,
            "history_too_long",
            Some("messages"),
            Pointless,
        ),
        (
            upstream(UpstreamFault::TooLarge { limit: 1 }),
            502,
            API,
            "upstream_malformed",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::Stalled),
            504,
            API,
            "model_timeout",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::ListingTimedOut),
            504,
            API,
            "deadline_exceeded",
            None,
            Never,
        ),
        (
            RequestFault::MediaTypeUnsupported.into(),
            415,
            REQUEST,
            "unsupported_media_type",
            None,
            Pointless,
        ),
        (
            RequestFault::RouteNotFound.into(),
            404,
            REQUEST,
            "not_found",
            None,
            Pointless,
        ),
        (
            RequestFault::MethodNotAllowed { allow: "POST" }.into(),
            405,
            REQUEST,
            "method_not_allowed",
            None,
            Pointless,
        ),
        (
            RequestFault::EventUnsupported("r").into(),
            400,
            REQUEST,
            "unsupported_event",
            None,
            Pointless,
        ),
        (
            RequestFault::ContextTooLong { reason: reason() }.into(),
            400,
            REQUEST,
            "context_length_exceeded",
            None,
            Pointless,
        ),
        (
            RequestFault::Filtered { reason: reason() }.into(),
            400,
            REQUEST,
            "content_policy_violation",
            None,
            Pointless,
        ),
        (
            RequestFault::Refused { reason: reason() }.into(),
            400,
            REQUEST,
            "request_refused",
            None,
            Pointless,
        ),
        (
            upstream(UpstreamFault::Throttled { retry_after: None }),
            429,
            LIMIT,
            "rate_limit_exceeded",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::QuotaExceeded),
            429,
            LIMIT,
            "quota_exceeded",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::Unavailable),
            503,
            API,
            "service_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::ModelNotReady),
            503,
            API,
            "model_not_ready",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::CredentialsUnavailable),
            503,
            API,
            "credentials_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::AccessDenied),
            500,
            API,
            "upstream_access_denied",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::Defect),
            500,
            API,
            "internal_error",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::ModelFailed),
            502,
            API,
            "model_error",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::Failed),
            502,
            API,
            "upstream_error",
            None,
            Never,
        ),
        (
            Error::malformed("titan-text", "results"),
            502,
            API,
            "upstream_malformed",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::Truncated),
            502,
            API,
            "upstream_truncated",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::ImageInvalid("r")),
            502,
            API,
            "image_invalid",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::NotStored),
            503,
            API,
            "answer_not_stored",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::StorageUnavailable),
            503,
            API,
            "storage_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::StorageDenied),
            500,
            API,
            "storage_access_denied",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::EncryptionUnavailable),
            503,
            API,
            "encryption_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::EncryptionDenied),
            500,
            API,
            "encryption_access_denied",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::QueueUnavailable),
            503,
            API,
            "queue_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::Resting { wait: WAIT }),
            503,
            API,
            "service_unavailable",
            None,
            Later,
        ),
        (
            upstream(UpstreamFault::Interrupted),
            504,
            API,
            "interrupted",
            None,
            Never,
        ),
        (
            RequestFault::IdempotencyMismatch.into(),
            422,
            REQUEST,
            "idempotency_mismatch",
            None,
            Pointless,
        ),
        (
            RequestFault::IdempotencyInProgress { wait: WAIT }.into(),
            409,
            REQUEST,
            "idempotency_in_progress",
            None,
            Later,
        ),
        (
            RequestFault::TooManyLines { limit: 1 }.into(),
            413,
            REQUEST,
            "batch_too_long",
            None,
            Pointless,
        ),
        (
            RequestFault::InputGone.into(),
            404,
            REQUEST,
            "input_gone",
            None,
            Pointless,
        ),
        (
            RequestFault::InputArchived.into(),
            400,
            REQUEST,
            "input_archived",
            None,
            Pointless,
        ),
        (
            upstream(UpstreamFault::DeadlineExceeded),
            504,
            API,
            "deadline_exceeded",
            None,
            Never,
        ),
        (
            upstream(UpstreamFault::ModelTimedOut),
            504,
            API,
            "model_timeout",
            None,
            Never,
        ),
    ]
}

#[test]
fn every_fault_has_its_row() {
    for (error, status, r#type, code, param, retry) in table() {
        assert_eq!(
            error.row(),
            Row {
                status,
                r#type,
                code,
                retry
            },
            "{error:?}"
        );
        assert_eq!(error.param(), param, "{error:?}");
    }
}

#[test]
fn a_code_says_the_same_wherever_it_stands() {
    let mut rows: Vec<_> = table().iter().map(|(error, ..)| error.row()).collect();
    rows.sort_by_key(|row| row.code);
    for pair in rows.windows(2) {
        assert!(
            pair[0].code != pair[1].code || pair[0] == pair[1],
            "{pair:?}"
        );
    }
}

#[test]
fn the_body_has_all_four_keys() {
    for (error, ..) in table() {
        let body = serde_json::to_value(error.body()).unwrap();
        let keys: Vec<_> = body["error"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, ["code", "message", "param", "type"], "{error:?}");
        assert_ne!(body["error"]["message"], "", "{error:?}");
    }
}

#[test]
fn a_wait_is_whole_seconds_and_never_none() {
    let throttled = |wait| upstream(UpstreamFault::Throttled { retry_after: wait }).retry_after();
    assert_eq!(throttled(None), Some(2));
    assert_eq!(throttled(Some(Duration::ZERO)), Some(1));
    assert_eq!(throttled(Some(Duration::from_millis(3_001))), Some(4));
    assert_eq!(
        upstream(UpstreamFault::ModelNotReady).retry_after(),
        Some(2)
    );
    assert_eq!(upstream(UpstreamFault::ModelFailed).retry_after(), None);
    assert_eq!(Error::missing("x").retry_after(), None);
}

#[test]
fn what_may_have_been_paid_for_is_told_from_what_was_not_and_from_what_is_no_use() {
    use Outlook::{PerhapsPaid, Permanent, Unpaid};
    for (error, outlook) in [
        (Error::missing("prompt"), Permanent),
        (model(ModelFault::NotFound), Permanent),
        (
            RequestFault::Filtered { reason: reason() }.into(),
            Permanent,
        ),
        (
            upstream(UpstreamFault::Throttled { retry_after: None }),
            Unpaid,
        ),
        (upstream(UpstreamFault::AccessDenied), Unpaid),
        (upstream(UpstreamFault::StorageUnavailable), Unpaid),
        (upstream(UpstreamFault::Resting { wait: WAIT }), Unpaid),
        (upstream(UpstreamFault::Failed), Unpaid),
        (upstream(UpstreamFault::DeadlineExceeded), PerhapsPaid),
        (upstream(UpstreamFault::Truncated), PerhapsPaid),
        (upstream(UpstreamFault::ConnectionLost), PerhapsPaid),
        (upstream(UpstreamFault::FailedUnclearly), PerhapsPaid),
        (
            Error::PartlyPaid(Box::new(RequestFault::Filtered { reason: reason() }.into())),
            Permanent,
        ),
        (upstream(UpstreamFault::NotStored), PerhapsPaid),
        (upstream(UpstreamFault::Defect), PerhapsPaid),
        (upstream(UpstreamFault::Interrupted), Permanent),
        (
            Error::PartlyPaid(Box::new(upstream(UpstreamFault::QuotaExceeded))),
            PerhapsPaid,
        ),
    ] {
        assert_eq!(error.outlook(), outlook, "{error:?}");
    }
}

#[test]
fn messages_say_what_to_do() {
    for (error, message) in [
        (
            Error::Field {
                param: "max_token".to_owned(),
                fault: FieldFault::Unknown {
                    nearest: Some("max_tokens"),
                },
            },
            "`max_token` is not a known field; did you mean `max_tokens`?",
        ),
        (
            model(ModelFault::Retired {
                since: Some("2025-08-15"),
                successor: Some("us.amazon.nova-micro-v1:0"),
            }),
            "The model `m` has reached the end of its life on 2025-08-15; use `us.amazon.nova-micro-v1:0` instead.",
        ),
        (
            model(ModelFault::Closed {
                until: Some("2027-03-30"),
                successor: Some("us.amazon.nova-pro-v1:0"),
            }),
            "The model `m` is legacy and closed to accounts that have not used it lately; its last day is 2027-03-30; use `us.amazon.nova-pro-v1:0` instead.",
        ),
        (
            model(ModelFault::ProfileRequired {
                profile: Some("eu.m".to_owned()),
            }),
            "The model `m` is not served on demand by this id; use the inference profile `eu.m`.",
        ),
        (
            model(ModelFault::ProfileRequired { profile: None }),
            "The model `m` is not served on demand by this id; use the id or ARN of an inference profile that contains it.",
        ),
        (
            Error::unsupported("suffix", "leave it out"),
            "`suffix` is not supported by this API: leave it out.",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_was_partly_paid_is_not_retried() {
    let throttled = upstream(UpstreamFault::Throttled { retry_after: None });
    let error = Error::PartlyPaid(Box::new(throttled));
    assert_eq!((error.row().status, error.row().retry), (429, Retry::Never));
    assert_eq!(error.retry_after(), None);
    let refused = Error::PartlyPaid(Box::new(Error::missing("prompt")));
    assert_eq!(
        (refused.row(), refused.param()),
        (Error::missing("prompt").row(), Some("prompt"))
    );
}

#[test]
fn a_long_value_does_not_make_a_long_answer() {
    let error = Error::invalid("é".repeat(100_000), "é".repeat(100_000));
    let body = serde_json::to_string(&error.body()).unwrap();
    assert!(body.len() < 4_500, "{} bytes", body.len());
}
