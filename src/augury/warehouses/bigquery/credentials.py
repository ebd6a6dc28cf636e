"""As whom is BigQuery asked: a key file, the environment's identity, or a service account that either acts as?

A file is read by the loader of its own type: Google's general one takes any type, programs to be run among them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from augury.errors import UsageError, nearest
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import refusals

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TYPES = ("service_account", "authorized_user", "external_account")


def of(place: BigQueryPlace, root: Path) -> Any:
    """None for those of the environment, found by the client. Raises UsageError."""
    if place.credentials is None and place.impersonate is None:
        return None
    failures: tuple[type[BaseException], ...] = (*refusals.ours(), ValueError)
    try:
        found = _environment() if place.credentials is None else _of_file(root / place.credentials, place.credentials)
        return found if place.impersonate is None else _acting_as(found, place.impersonate)
    except failures as error:
        raise _useless(place.credentials or "the environment", str(error)) from error


def _environment() -> Any:
    from google import auth

    library: Any = auth
    return library.default(scopes=[_SCOPE])[0]


def _acting_as(source: Any, account: str) -> Any:
    from google.auth import impersonated_credentials

    library: Any = impersonated_credentials
    return library.Credentials(source_credentials=source, target_principal=account, target_scopes=[_SCOPE])


def _of_file(path: Path, named: str) -> Any:
    try:
        kind = json.loads(path.read_text("utf-8")).get("type")
    except OSError as error:
        raise UsageError(
            f"the credentials file {named} is not there",
            why=error.strerror,
            fix="Name it relative to the project, in `bigquery: credentials` of the target in augury.yml.",
        ) from error
    except (ValueError, AttributeError) as error:
        raise _useless(named, "it is not a JSON object") from error
    if kind == "service_account":
        from google.oauth2 import service_account

        keys: Any = service_account.Credentials
        return keys.from_service_account_file(str(path), scopes=[_SCOPE])
    if kind == "authorized_user":
        from google.oauth2 import credentials

        users: Any = credentials.Credentials
        return users.from_authorized_user_file(str(path), scopes=[_SCOPE])
    if kind == "external_account":
        from google.auth import identity_pool

        pools: Any = identity_pool.Credentials
        return pools.from_file(str(path), scopes=[_SCOPE])
    close = nearest(str(kind), _TYPES)
    hint = f", did you mean {close}?" if close else f": {', '.join(_TYPES)}"
    raise _useless(named, f"its type {kind!r} is none that is read{hint}")


def _useless(named: str, why: str) -> UsageError:
    return UsageError(
        f"there are no valid credentials for BigQuery in {named}",
        why=why.split("\n", 1)[0],
        fix="Run: gcloud auth application-default login; or name a key file in `bigquery: credentials` of the target.",
    )
