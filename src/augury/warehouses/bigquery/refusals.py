"""What did BigQuery answer, which of our errors is that, and is it worth asking again?

Reasons are those of BigQuery docs: 'Error messages'. Tests of retriability ask for the reason first: some 403s pass by
themselves (rateLimitExceeded, quotaExceeded) and some never do (accessDenied, bytesBilledLimitExceeded).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from augury.errors import AuguryError, LimitExceeded, Place, QueryRefused, StorageFailed, UsageError

PASSING = frozenset(
    (
        *("rateLimitExceeded", "quotaExceeded", "backendError", "internalError", "badGateway", "tableUnavailable"),
        *("jobBackendError", "jobInternalError", "jobRateLimitExceeded"),
    )
)
"""Reasons that pass by themselves."""
_PASSING_CODES = frozenset((408, 429, 500, 502, 503, 504))
_PLACE = re.compile(r"\s*at \[(\d+):(\d+)\]")
_MEANT = re.compile(r"[;.]?\s*Did you mean ([^\s?]+)\?")
_ASKED = re.compile(r"bigquery\.[a-z]+\.[A-Za-z]+")
_BYTES = re.compile(r"(\d+)(?!.*\d)", re.DOTALL)
_ROLES = {
    "bigquery.jobs": "BigQuery Job User (roles/bigquery.jobUser)",
    "bigquery.readsessions": "BigQuery Read Session User (roles/bigquery.readSessionUser)",
    "bigquery.datasets.create": "BigQuery User (roles/bigquery.user)",
    "bigquery.tables.getData": "BigQuery Data Viewer (roles/bigquery.dataViewer)",
    "bigquery.tables.get": "BigQuery Data Viewer (roles/bigquery.dataViewer)",
    "bigquery.tables.list": "BigQuery Data Viewer (roles/bigquery.dataViewer)",
}
"""Predefined roles with a permission (BigQuery docs: 'BigQuery IAM roles and permissions'), the longest name first
that fits."""
_EDITOR = "BigQuery Data Editor (roles/bigquery.dataEditor)"
_GONE = "Nothing was replaced. "


def facts(error: BaseException) -> tuple[str, str]:
    """(reason, message) as BigQuery gave them; empty reason where it gave none."""
    listed = getattr(error, "errors", None) or ()
    first = listed[0] if listed else {}
    reason = str(first.get("reason", "")) if isinstance(first, Mapping) else ""
    message = str(first.get("message", "")) if isinstance(first, Mapping) else ""
    return reason, message or str(getattr(error, "message", "") or error)


def passing(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from requests import exceptions as http

    if isinstance(error, http.SSLError):
        return False
    if isinstance(error, (ConnectionError, http.ConnectionError, http.Timeout, http.ChunkedEncodingError)):
        return True
    if isinstance(error, auth.TransportError):
        return True
    if isinstance(error, api.RetryError):
        return False
    reason, _ = facts(error)
    if reason:
        return reason in PASSING
    return isinstance(error, api.GoogleAPICallError) and error.code in _PASSING_CODES


def not_found(error: BaseException) -> bool:
    from google.api_core.exceptions import NotFound

    return isinstance(error, NotFound)


def unavailable_here(error: BaseException) -> bool:
    """Whether an API is not there for this identity or at this address, so that another way has to do."""
    from google.api_core.exceptions import Forbidden, MethodNotImplemented, NotFound

    return isinstance(error, Forbidden | MethodNotImplemented | NotFound)


def overtaken(error: BaseException) -> bool:
    """Whether what was to be changed had been changed since it was looked at."""
    from google.api_core.exceptions import PreconditionFailed

    return isinstance(error, PreconditionFailed)


def conflict(error: BaseException) -> bool:
    from google.api_core.exceptions import Conflict

    return isinstance(error, Conflict)


def ours() -> tuple[type[BaseException], ...]:
    """What Google's clients raise."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    return (GoogleAPIError, GoogleAuthError, RequestException, ConnectionError)


def of(error: BaseException, *, limit: int | None = None, who: str = "") -> AuguryError:
    """Our error for one of Google's. `limit` are the bytes that the job was allowed to bill, `who` the identity."""
    from google.api_core.exceptions import Forbidden, NotFound, RetryError, Unauthorized
    from google.auth.exceptions import GoogleAuthError, TransportError

    if isinstance(error, AuguryError):
        return error
    if isinstance(error, RetryError) and error.cause is not None:
        return of(error.cause, limit=limit, who=who)
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return _no_credentials(error)
    reason, message = facts(error)
    if passing(error):
        return _unavailable(reason, message)
    if reason == "bytesBilledLimitExceeded":
        return _too_dear(message, limit)
    if reason == "accessDenied" or isinstance(error, (Forbidden, Unauthorized)):
        return _forbidden(message, who)
    if reason == "stopped":
        return StorageFailed("the job was cancelled", why=message, fix=f"{_GONE}Run the same command again.")
    if isinstance(error, NotFound) and not _PLACE.search(message) and "/jobs" in str(error):
        message = message.rsplit(": ", 1)[-1] if message.startswith("404") else message
    return _refused(message)


def _refused(message: str) -> QueryRefused:
    place, meant = _PLACE.search(message), _MEANT.search(message)
    sentence = _MEANT.sub("", _PLACE.sub("", message)).strip().split("\n", 1)[0].rstrip(".")
    sentence = sentence.removeprefix("Invalid query: ").removeprefix("Query error: ")
    plain = sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
    return QueryRefused(
        f"BigQuery refused the query: {plain}",
        where=Place(line=int(place[1]) if place else None),
        fix=f"Did you mean {meant[1]!r}?" if meant else None,
    )


def _too_dear(message: str, limit: int | None) -> LimitExceeded:
    needed = _BYTES.search(message)
    allowed = f"{limit:,} bytes are allowed" if limit is not None else "fewer bytes are allowed"
    return LimitExceeded(
        f"the query would be billed for {int(needed[1]):,} bytes, {allowed}"
        if needed
        else f"the query would be billed for more than that: {allowed}",
        why=message,
        fix=f"{_GONE}Read fewer columns and dates, or raise limits.bytes_billed in pipeline.yml.",
    )


def _forbidden(message: str, who: str) -> UsageError:
    asked = _ASKED.search(message)
    permission = asked[0] if asked else ""
    fits = [name for name in _ROLES if permission.startswith(name)]
    role = _ROLES[max(fits, key=len)] if fits else _EDITOR
    needs = f"{permission} is missing: ask" if permission else "Ask"
    return UsageError(
        f"BigQuery denies access{f' to {who}' if who else ''}",
        why=message.rstrip("."),
        fix=f"{needs} for the role {role} on the project or dataset that is named.",
    )


def _no_credentials(error: BaseException) -> UsageError:
    return UsageError(
        "there are no valid credentials for BigQuery",
        why=str(error).split("\n", 1)[0],
        fix="Run: gcloud auth application-default login; or name a key file in `bigquery: credentials` of the target.",
    )


def _unavailable(reason: str, message: str) -> StorageFailed:
    quota = reason in ("rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded")
    return StorageFailed(
        "a quota of BigQuery is used up" if quota else "BigQuery did not answer, however often it was asked",
        why=message.rstrip("."),
        fix="Run the same command again later: what is done is kept."
        + (" With fewer dates at once (max_parallel_jobs) quotas last longer." if quota else ""),
    )
