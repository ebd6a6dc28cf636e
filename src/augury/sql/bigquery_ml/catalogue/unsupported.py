"""Which options of BigQuery are refused here, and what is to be done instead?

Nothing is ignored: an option that could not be honoured would train another model than the one asked for.
"""

from __future__ import annotations

from augury.sql.bigquery_ml.catalogue.model_types import INSTEAD, TIME_SERIES
from augury.sql.bigquery_ml.catalogue.option import Refusal

_VERTEX = f"models are registered in Vertex AI by BigQuery alone: leave it out, or {INSTEAD}"
_NET = f"it belongs to neural networks, which train only on Google Cloud: use boosted_tree_*, or {INSTEAD}"
_AUTOML = f"it belongs to AutoML, which trains only on Google Cloud: {INSTEAD}"
_REMOTE = f"it belongs to remote models, which answer only from Google Cloud: {INSTEAD}"
_INSIGHTS = f"it belongs to contribution_analysis, which runs only on Google Cloud: {INSTEAD}"
_PICTURES = f"pictures in object tables are read only on Google Cloud: {INSTEAD}"


def _all(why: str, **names: str) -> tuple[Refusal, ...]:
    return tuple(Refusal(name, why, api) for name, api in names.items())


UNSUPPORTED: tuple[Refusal, ...] = (
    *_all(
        _VERTEX,
        model_registry="modelRegistry",
        vertex_ai_model_id="",
        vertex_ai_model_version_aliases="vertexAiModelVersionAliases",
    ),
    *_all(
        f"a key of Cloud KMS encrypts a model inside Google Cloud: protect the folder of the models, or {INSTEAD}",
        kms_key_name="",
    ),
    Refusal(
        "holiday_region",
        "holiday effects need Google's table of holidays, which is not shipped here: give holidays as 0/1 columns to "
        f"arima_plus_xreg, or {INSTEAD}",
        "holidayRegion",
        TIME_SERIES,
    ),
    Refusal(
        "hierarchical_time_series_cols",
        f"series are not reconciled over a hierarchy here: forecast each level as series of its own, or {INSTEAD}",
        "",
        TIME_SERIES,
    ),
    Refusal("warm_start", "a model is always trained from the start here: leave it out, or write FALSE", "warmStart"),
    *_all(
        _NET,
        activation_fn="activationFn",
        batch_size="batchSize",
        hidden_units="hiddenUnits",
        optimizer="optimizer",
        l1_reg_activation="l1RegActivation",
        integrated_gradients_num_steps="integratedGradientsNumSteps",
        tf_version="tfVersion",
    ),
    *_all(_AUTOML, budget_hours="budgetHours", optimization_objective=""),
    # By position: a keyword of this name with a string looks like a password to bandit.
    Refusal("hugging_face_token", _REMOTE),
    *_all(
        _REMOTE,
        endpoint="",
        endpoint_idle_ttl="endpointIdleTtl",
        remote_service_type="",
        hugging_face_model_id="huggingFaceModelId",
        model_garden_model_name="modelGardenModelName",
        machine_type="machineType",
        min_replica_count="minReplicaCount",
        max_replica_count="maxReplicaCount",
        reservation_affinity_type="reservationAffinityType",
        reservation_affinity_key="reservationAffinityKey",
        reservation_affinity_values="reservationAffinityValues",
        document_processor="",
        speech_recognizer="",
        prompt_col="",
        evaluation_task="",
    ),
    *_all(
        _INSIGHTS,
        contribution_metric="contributionMetric",
        dimension_id_cols="dimensionIdColumns",
        is_test_col="isTestColumn",
        min_apriori_support="minAprioriSupport",
        top_k_insights_by_apriori_support="",
        pruning_method="",
    ),
    *_all(_PICTURES, color_space="colorSpace"),
)

API_ONLY = {
    "holidayRegions": "what holiday_region says when it has several regions",
    "timeSeriesIdColumns": "what time_series_id_col says when it has several columns",
    "lossType": "reported by the service; no option of CREATE MODEL sets it",
    "sampledShapleyNumPaths": "reported by the service for explanations of AutoML and neural networks",
}
"""Properties of TrainingOptions that are no options of SQL by themselves."""
