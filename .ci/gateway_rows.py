"""The rows of the error table that API Gateway answers by itself, by its name for each case.

`ALONE` rows no function can produce, so that only the template shows them; the functions' own tests
hold the others too. With `AuthMode` `Key` a caller sends an API key, with `IAM` a SigV4 signature.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = "Key"
IAM = "IAM"
BOTH = (KEY, IAM)

ALONE = "API Gateway alone"
ALSO_FUNCTIONS = "the functions, too"

INVALID = "invalid_request_error"
AUTHENTICATION = "authentication_error"
PERMISSION = "permission_error"
LIMIT = "rate_limit_error"
API = "api_error"


@dataclass(frozen=True)
class Row:
    """One answer of API Gateway."""

    cause: str
    case: str
    modes: tuple[str, ...]
    producer: str
    # None leaves each case that falls to a default its own status.
    status: int | None
    type: str
    code: str | None
    retry_after: int | None = None
    # Whether `x-should-retry: false` is sent.
    final: bool = False


ROWS = (
    Row("no key, or what cannot be one", "UNAUTHORIZED", BOTH, ALONE, 401, AUTHENTICATION, "invalid_api_key"),
    Row("an unknown or disabled key", "INVALID_API_KEY", BOTH, ALONE, 401, AUTHENTICATION, "invalid_api_key"),
    Row("a caller without permission", "ACCESS_DENIED", BOTH, ALONE, 403, PERMISSION, "access_denied"),
    Row("what the web ACL blocks", "WAF_FILTERED", BOTH, ALONE, 403, PERMISSION, "access_denied"),
    Row("a wrong path or method", "MISSING_AUTHENTICATION_TOKEN", (KEY,), ALSO_FUNCTIONS, 404, INVALID, "not_found"),
    Row(
        "an unsigned request", "MISSING_AUTHENTICATION_TOKEN", (IAM,), ALONE, 401, AUTHENTICATION, "invalid_api_key"
    ),
    Row("expired credentials", "EXPIRED_TOKEN", BOTH, ALONE, 401, AUTHENTICATION, "invalid_api_key"),
    Row("a wrong signature", "INVALID_SIGNATURE", BOTH, ALONE, 401, AUTHENTICATION, "invalid_api_key"),
    Row("a wrong path", "RESOURCE_NOT_FOUND", BOTH, ALSO_FUNCTIONS, 404, INVALID, "not_found"),
    Row("no object with prompt or messages", "BAD_REQUEST_BODY", BOTH, ALONE, 400, INVALID, None),
    Row("more than API Gateway takes", "REQUEST_TOO_LARGE", BOTH, ALSO_FUNCTIONS, 413, INVALID, "request_too_large"),
    Row(
        "another media type", "UNSUPPORTED_MEDIA_TYPE", BOTH, ALSO_FUNCTIONS, 415, INVALID, "unsupported_media_type"
    ),
    Row("a rate of the plan or the stage", "THROTTLED", BOTH, ALONE, 429, LIMIT, "rate_limit_exceeded", retry_after=1),
    Row(
        "a key's quota", "QUOTA_EXCEEDED", BOTH, ALONE, 429, LIMIT, "quota_exceeded", retry_after=3600, final=True
    ),
    Row("the authorizer failed", "AUTHORIZER_FAILURE", BOTH, ALONE, 503, API, "service_unavailable", retry_after=2),
    Row(
        "the authorizer is out of reach",
        "AUTHORIZER_CONFIGURATION_ERROR",
        BOTH,
        ALONE,
        503,
        API,
        "service_unavailable",
        retry_after=2,
    ),
    Row("a function's time was up", "INTEGRATION_TIMEOUT", BOTH, ALONE, 504, API, "deadline_exceeded", final=True),
    Row("a function's answer was lost", "INTEGRATION_FAILURE", BOTH, ALONE, 502, API, "upstream_error", final=True),
    Row("the definition is wrong", "API_CONFIGURATION_ERROR", BOTH, ALONE, 500, API, "internal_error", final=True),
    Row("any other refusal", "DEFAULT_4XX", BOTH, ALONE, None, INVALID, None),
    Row("any other failure", "DEFAULT_5XX", BOTH, ALONE, None, API, "internal_error", final=True),
)
