"""Which problems there are. Must not know their texts."""

from enum import StrEnum


class ProblemType(StrEnum):
    """The last part of each problem's ``type``. The names are those of the public interface."""

    BAD_REQUEST = "bad-request"
    IDEMPOTENCY_KEY_REQUIRED = "idempotency-key-required"
    IDEMPOTENCY_KEY_INVALID = "idempotency-key-invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    CONTENT_DIGEST_MISMATCH = "content-digest-mismatch"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    BODY_TOO_LARGE = "body-too-large"
    TOO_MANY_REQUESTS = "too-many-requests"
    JOURNAL_FULL = "journal-full"
    JOURNAL_UNAVAILABLE = "journal-unavailable"
    OVERLOADED = "overloaded"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    REQUEST_TIMEOUT = "request-timeout"
    INTERNAL_ERROR = "internal-error"
