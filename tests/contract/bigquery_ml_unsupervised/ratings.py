"""Ratings that two hidden tastes explain, and what a matrix factorization made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tests.contract.bigquery_ml_unsupervised.calls import ask, column, rows_of


def ratings_of(users: int, items: int, share: float, seed: int) -> pa.Table:
    """Ratings from 1 to 5 that two hidden tastes explain."""
    random = np.random.default_rng(seed)
    tastes = random.normal(size=(users, 2)) @ random.normal(size=(2, items))
    user, item = np.nonzero(random.random((users, items)) < share)
    noisy = tastes[user, item] + 0.3 * random.normal(size=len(user))
    return pa.table(
        {
            "user": pa.array(user * 10),
            "item": pa.array([f"i{at:02}" for at in item]),
            "rating": pa.array(np.clip(np.round(3 + noisy), 1, 5).astype(np.int64)),
        }
    )


def parts(model: Any) -> dict[str, Any]:
    """Factors and intercepts by what they belong to."""
    rows = rows_of(ask(model, "weights"))
    out: dict[str, Any] = {"global": rows[-1]["intercept"]}
    for name in ("user", "item"):
        mine = [row for row in rows if row["processed_input"] == name]
        out[f"{name}s"] = [row["feature"] for row in mine]
        out[f"{name}_factors"] = np.array([[each["weight"] for each in row["factor_weights"]] for row in mine])
        out[f"{name}_intercepts"] = np.array([row["intercept"] for row in mine])
    return out


def positions(table: pa.Table, found: dict[str, Any]) -> tuple[Any, Any, Any]:
    user = np.array([found["users"].index(str(value)) for value in table.column("user").to_pylist()])
    item = np.array([found["items"].index(value) for value in table.column("item").to_pylist()])
    return user, item, column(table, "rating").astype(float)
