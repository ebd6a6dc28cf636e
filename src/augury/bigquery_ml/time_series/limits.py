"""How do forecasts stay within forecast limits?

The series is modelled on a scale that has no limits: the logarithm of the distance to one limit, or of the ratio of the
distances to both (Hyndman and Athanasopoulos, 'Forecasting: principles and practice', section 'Ensuring forecasts stay
within limits', which Google's page refers to). Values at or beyond a limit take no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    lower: float | None = None
    upper: float | None = None

    def inside(self, values: Vector) -> Vector:
        """NaN where a value is not within the limits."""
        out = values.astype(np.float64, copy=True)
        if self.lower is not None:
            out[~(out > self.lower)] = np.nan
        if self.upper is not None:
            out[~(out < self.upper)] = np.nan
        return out

    def forward(self, values: Vector) -> Vector:
        """From the data's scale to the model's."""
        if self.lower is not None and self.upper is not None:
            return np.asarray(np.log((values - self.lower) / (self.upper - values)), dtype=np.float64)
        if self.lower is not None:
            return np.asarray(np.log(values - self.lower), dtype=np.float64)
        if self.upper is not None:
            return np.asarray(-np.log(self.upper - values), dtype=np.float64)
        return values

    def back(self, values: Vector) -> Vector:
        """From the model's scale to the data's; increasing, so bounds stay bounds and medians medians."""
        lower, upper = self.lower, self.upper
        if lower is None and upper is None:
            return values
        with np.errstate(over="ignore"):
            if lower is not None and upper is not None:
                out = lower + (upper - lower) / (1.0 + np.exp(-values))
            else:
                out = lower + np.exp(values) if lower is not None else (upper or 0.0) - np.exp(-values)
        # Rounding reaches a limit that the formula does not.
        least = -np.inf if lower is None else np.nextafter(lower, np.inf)
        most = np.inf if upper is None else np.nextafter(upper, -np.inf)
        return np.asarray(np.clip(out, least, most), dtype=np.float64)

    def error_back(self, values: Vector, errors: Vector) -> Vector:
        """Standard errors on the data's scale, by the slope at `values`."""
        if self.lower is not None and self.upper is not None:
            share = 1.0 / (1.0 + np.exp(-np.abs(values)))
            return np.asarray(errors * (self.upper - self.lower) * share * (1.0 - share), dtype=np.float64)
        if self.lower is not None:
            return np.asarray(errors * np.exp(values), dtype=np.float64)
        if self.upper is not None:
            return np.asarray(errors * np.exp(-values), dtype=np.float64)
        return errors
