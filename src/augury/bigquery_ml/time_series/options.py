"""Which options does a time series model have, and what was chosen?

BigQuery docs: 'The CREATE MODEL statement for ARIMA_PLUS models' and '... for ARIMA_PLUS_XREG models'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augury.bigquery_ml.time_series.readers import Reader
from augury.errors import UsageError, nearest

XREG = "arima_plus_xreg"

FREQUENCIES = ("auto_frequency", "per_minute", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly")

SEASONALITIES = ("auto", "no_seasonality", "daily", "weekly", "monthly", "quarterly", "yearly")

MAX_HORIZON = 10_000

_BOTH = frozenset(
    {
        "model_type",
        "time_series_timestamp_col",
        "time_series_data_col",
        "time_series_id_col",
        "horizon",
        "auto_arima",
        "auto_arima_max_order",
        "auto_arima_min_order",
        "non_seasonal_order",
        "data_frequency",
        "include_drift",
        "clean_spikes_and_dips",
        "adjust_step_changes",
        "time_series_length_fraction",
        "min_time_series_length",
        "max_time_series_length",
        "trend_smoothing_window_size",
    }
)
_UNIVARIATE = _BOTH | {
    "decompose_time_series",
    "forecast_limit_lower_bound",
    "forecast_limit_upper_bound",
    "seasonalities",
}

SUPPORTED: Mapping[str, frozenset[str]] = {"arima_plus": _UNIVARIATE, "arima": _UNIVARIATE, XREG: _BOTH | {"l2_reg"}}
"""Options that do something here, by model type."""

_ON_BIGQUERY = "keep this pipeline's target on BigQuery"

REFUSED: Mapping[str, str] = {
    "holiday_region": "holiday effects need Google's table of holidays, which is not shipped here: leave it out, give "
    f"holidays as 0/1 columns to arima_plus_xreg, or {_ON_BIGQUERY}",
    "hierarchical_time_series_cols": "series are not reconciled over a hierarchy here: forecast each level on its "
    f"own, or {_ON_BIGQUERY}",
    "kms_key_name": f"it encrypts a model inside Google Cloud: leave it out, or {_ON_BIGQUERY}",
    "model_registry": f"there is no Vertex AI to register with: leave it out, or {_ON_BIGQUERY}",
    "vertex_ai_model_id": f"there is no Vertex AI to register with: leave it out, or {_ON_BIGQUERY}",
    "vertex_ai_model_version_aliases": f"there is no Vertex AI to register with: leave it out, or {_ON_BIGQUERY}",
}
"""Documented for time series models, not done here: name to reason and advice."""


@dataclass(frozen=True)
class Options:
    """Everything chosen, defaults filled in."""

    timestamp: str
    data: str
    ids: tuple[str, ...] = ()
    horizon: int = 1000
    min_order: int = 0
    max_order: int = 2
    order: tuple[int, int, int] | None = None
    """(p, d, q) where auto_arima is off."""
    drift: bool = False
    """Whether `order` has a drift term."""
    frequency: str = "auto_frequency"
    clean: bool = True
    adjust: bool = True
    fraction: float | None = None
    min_length: int = 20
    max_length: int | None = None
    smoothing: int | None = None
    decompose: bool = True
    lower: float | None = None
    upper: float | None = None
    seasonalities: tuple[str, ...] = ("auto",)
    l2: float = 0.0

    @property
    def limited(self) -> bool:
        return self.lower is not None or self.upper is not None

    def trend_length(self, length: int) -> int:
        """How many of the last points the trend is modelled on."""
        if self.max_length is not None:
            return min(length, self.max_length)
        if self.fraction is not None:
            return min(length, max(int(length * self.fraction), self.min_length))
        return length


def read(model_type: str, given: Mapping[str, Any]) -> Options:
    """Raises UsageError with every problem at once."""
    reader = Reader(given)
    _names(model_type, reader)
    options = Options(
        timestamp=reader.name("time_series_timestamp_col", required=True),
        data=reader.name("time_series_data_col", required=True),
        ids=reader.names("time_series_id_col"),
        horizon=reader.integer("horizon", 1000, 1, MAX_HORIZON),
        min_order=reader.integer("auto_arima_min_order", 0, 0, 4),
        max_order=reader.integer("auto_arima_max_order", 2, 1, 5),
        order=_order(reader),
        drift=reader.boolean("include_drift", False),
        frequency=reader.word("data_frequency", "auto_frequency", FREQUENCIES),
        clean=reader.boolean("clean_spikes_and_dips", True),
        adjust=reader.boolean("adjust_step_changes", True),
        fraction=reader.number("time_series_length_fraction", above=0.0, below=1.0),
        min_length=reader.integer("min_time_series_length", 20, 4, None),
        max_length=reader.optional_integer("max_time_series_length", 4),
        smoothing=reader.optional_integer("trend_smoothing_window_size", 1),
        decompose=reader.boolean("decompose_time_series", True),
        lower=reader.number("forecast_limit_lower_bound"),
        upper=reader.number("forecast_limit_upper_bound"),
        seasonalities=_seasonalities(reader),
        l2=reader.number("l2_reg", at_least=0.0) or 0.0,
    )
    _together(options, reader)
    if reader.problems:
        count = len(reader.problems)
        raise UsageError(
            f"{count} option{'s' if count != 1 else ''} of {model_type} cannot be used",
            why="; ".join(reader.problems),
            fix="Change OPTIONS of CREATE MODEL.",
        )
    return options


def _names(model_type: str, reader: Reader) -> None:
    supported = SUPPORTED[model_type]
    for name in reader.given:
        if name in REFUSED:
            reader.problem(f"{name}: {REFUSED[name]}")
        elif name not in supported:
            near = nearest(name, supported | REFUSED.keys())
            reader.problem(
                f"{name} is no option of {model_type}" + (f": did you mean {near}?" if near and near != name else "")
            )


def _order(reader: Reader) -> tuple[int, int, int] | None:
    automatic = reader.boolean("auto_arima", True)
    given = reader.given.get("non_seasonal_order")
    if given is None:
        if not automatic:
            reader.problem("auto_arima = FALSE needs non_seasonal_order = (p, d, q)")
        elif "include_drift" in reader.given:
            reader.problem("include_drift is decided by auto_arima: leave it out, or set auto_arima = FALSE")
        return None
    if automatic:
        reader.problem("non_seasonal_order needs auto_arima = FALSE")
    if isinstance(given, Mapping):
        given = [given.get(part) for part in "pdq"]
    parts = tuple(given) if isinstance(given, list | tuple) else ()
    if len(parts) != 3 or not all(type(part) is int for part in parts):
        reader.problem(f"non_seasonal_order is {given!r}: it must be three integers (p, d, q)")
        return None
    p, d, q = parts
    if not (0 <= p <= 5 and 0 <= d <= 2 and 0 <= q <= 5):
        reader.problem(f"non_seasonal_order is {parts}: p and q go from 0 to 5, d from 0 to 2")
        return None
    return p, d, q


def _seasonalities(reader: Reader) -> tuple[str, ...]:
    words = reader.words("seasonalities", SEASONALITIES) or ("auto",)
    if len(words) > 1 and {"auto", "no_seasonality"} & set(words):
        reader.problem("seasonalities: AUTO and NO_SEASONALITY stand alone")
    return words


def _together(options: Options, reader: Reader) -> None:
    _orders_fit(options, reader)
    _lengths_fit(options, reader)
    if options.lower is not None and options.upper is not None and options.lower >= options.upper:
        reader.problem("forecast_limit_lower_bound must be less than forecast_limit_upper_bound")
    columns = [options.timestamp, options.data, *options.ids]
    repeated = {name for name in columns if name and [other.lower() for other in columns].count(name.lower()) > 1}
    if repeated:
        reader.problem(f"{', '.join(sorted(repeated))}: timestamp, data and id columns must be different columns")


def _orders_fit(options: Options, reader: Reader) -> None:
    if options.order is None:
        if options.min_order >= options.max_order:
            least, most = options.min_order, options.max_order
            reader.problem(f"auto_arima_min_order ({least}) must be less than auto_arima_max_order ({most})")
        return
    if options.ids:
        reader.problem("several series need auto_arima: leave out auto_arima and non_seasonal_order")
    if options.drift and options.order[1] != 1:
        reader.problem("include_drift is for d = 1 in non_seasonal_order")


def _lengths_fit(options: Options, reader: Reader) -> None:
    least_given = "min_time_series_length" in reader.given
    if options.max_length is not None:
        if options.fraction is not None or least_given:
            reader.problem("max_time_series_length excludes time_series_length_fraction and min_time_series_length")
    elif least_given and options.fraction is None:
        reader.problem("min_time_series_length needs time_series_length_fraction")
