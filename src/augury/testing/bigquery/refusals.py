"""How does BigQuery say no?

Reasons and their HTTP codes are those of BigQuery docs: "Error messages".
"""

from __future__ import annotations

from typing import Any

STATUS = {
    "accessDenied": 403,
    "backendError": 503,
    "bytesBilledLimitExceeded": 400,
    "conditionNotMet": 412,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "notImplemented": 501,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "stopped": 400,
    "tableUnavailable": 400,
}
"""The table gives several codes to `backendError` and 200 to `stopped`, which cannot carry an error: a request that
asks for the rows of a stopped job is answered with 400."""
CANONICAL = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class Refusal(Exception):
    """A request or a job that is refused, for one of the documented reasons."""

    def __init__(self, reason: str, message: str, *, location: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.status = status or STATUS.get(reason, 400)

    def proto(self) -> dict[str, Any]:
        """The `ErrorProto` of a job's status."""
        found = {"reason": self.reason, "message": self.message}
        return {**found, "location": self.location} if self.location else found

    def body(self) -> dict[str, Any]:
        """What the HTTP response holds."""
        error = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location:
            error |= {"location": self.location, "locationType": "parameter"}
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [error],
                "status": CANONICAL.get(self.status, "UNKNOWN"),
            }
        }


def not_imitated(what: str) -> Refusal:
    """A request that BigQuery answers and this server does not."""
    return Refusal("notImplemented", f"augury's test server does not imitate {what}: run this against BigQuery itself")


def invalid(message: str) -> Refusal:
    return Refusal("invalid", message)


def missing(kind: str, name: str) -> Refusal:
    return Refusal("notFound", f"Not found: {kind} {name}")


def duplicate(kind: str, name: str) -> Refusal:
    return Refusal("duplicate", f"Already Exists: {kind} {name}")


def broken(error: Exception) -> Refusal:
    """A mistake of this server. Clients would ask again for minutes after an `internalError`."""
    import traceback

    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    return Refusal("notImplemented", f"augury's test server failed at {where}: {type(error).__name__}: {error}")
