"""What does an ARIMA model say about the points to come?

With x less its mean (d = 0) or its drift line (d = 1), A(B) x = M(B) e, where A is the AR polynomial times (1 - B)^d
and M the MA polynomial. The last p + d values and q innovations are all that a forecast needs; its variance is that of
e times the sum of the squared psi weights of M / A.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """One order that was tried."""

    p: int
    d: int
    q: int
    drift: bool
    log_likelihood: float | None = None
    aic: float | None = None
    variance: float | None = None
    error: str | None = None
    """Why it is no model."""


@dataclass(frozen=True)
class Arima:
    chosen: Candidate
    ar: tuple[float, ...]
    ma: tuple[float, ...]
    level: float
    """The mean of x (d = 0), its drift per point (d = 1), or 0."""
    variance: float
    values: tuple[float, ...]
    """The last p + d values of x, the newest first."""
    innovations: tuple[float, ...]
    """The last q of e, the newest first."""

    @property
    def constant(self) -> float:
        """The constant term of the equation of the differenced series."""
        return self.level * (1.0 - sum(self.ar))

    def ahead(self, horizon: int) -> tuple[Vector, Vector]:
        """Values and their standard errors 1 to `horizon` points after the end."""
        from scipy.signal import lfilter, lfiltic

        over, under = np.array([1.0, *self.ma]), _polynomial(self.ar, self.chosen.d)
        steps = np.arange(horizon, dtype=np.float64) + 1.0
        back = np.arange(len(self.values), dtype=np.float64)
        path = np.full(horizon, self.level) if self.chosen.d == 0 else self.level * steps
        past = np.array(self.values) - (self.level if self.chosen.d == 0 else -self.level * back)
        start = lfiltic(over, under, y=past, x=np.array(self.innovations))
        path = path + (lfilter(over, under, np.zeros(horizon), zi=start)[0] if len(start) else 0.0)
        impulse = np.zeros(horizon)
        impulse[0] = 1.0
        psi = lfilter(over, under, impulse)
        return path, np.sqrt(self.variance * np.cumsum(psi**2))


def _polynomial(ar: tuple[float, ...], d: int) -> Vector:
    out = np.array([1.0, *(-weight for weight in ar)])
    for _ in range(d):
        out = np.convolve(out, [1.0, -1.0])
    return np.asarray(out, dtype=np.float64)
