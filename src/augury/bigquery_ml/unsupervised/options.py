"""Which options of BigQuery ML do these types of models honour, and which are refused, and why?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from augury.bigquery_ml.unsupervised import given

SUPPORTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "kmeans": frozenset(given.KMeansOptions.model_fields) - {"warm_start"},
        "pca": frozenset(given.PCAOptions.model_fields),
        "matrix_factorization": frozenset(given.FactorizationOptions.model_fields),
        "onnx": frozenset(given.FileOptions.model_fields),
        # INPUT and OUTPUT are clauses of the statement, not options.
        "xgboost": frozenset(given.XGBoostOptions.model_fields) - {"input", "output"},
    }
)
"""By type of model; `model_type` itself is not listed."""

_VERTEX = "models are registered in Vertex AI by BigQuery alone: keep this pipeline's target on BigQuery"

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "warm_start": "a model is always trained from the start here: leave it out, or FALSE",
        "model_registry": _VERTEX,
        "vertex_ai_model_id": _VERTEX,
        "vertex_ai_model_version_aliases": _VERTEX,
        "kms_key_name": "files of models are encrypted by BigQuery alone: protect the folder of the models instead",
    }
)
"""By option, for all these types."""
