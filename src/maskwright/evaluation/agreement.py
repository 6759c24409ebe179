"""How well predicted volumes agree with true ones, over patients.

Pearson's correlation; Lin's concordance correlation (1989); the mean difference with its 95 % interval (Student's t);
the limits of agreement, mean difference ± 1.96 standard deviations (Bland and Altman 1986). Differences are predicted
minus true.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def agreement(predicted: Sequence[float], true: Sequence[float]) -> dict[str, float | int | list[float] | None]:
    """Agreement of volumes, a pair a patient, in their own unit; None what too few or equal values leave undefined."""
    one, other = np.asarray(predicted, float), np.asarray(true, float)
    count = len(one)
    difference = one - other
    mean = float(difference.mean()) if count else None
    if count < 2:
        return {
            "n": count, "mean_difference": mean, "mean_difference_ci95": None, "limits_of_agreement": None,
            "correlation": None, "concordance": None,
        }  # fmt: skip
    spread = float(difference.std(ddof=1))
    half = float(stats.t.ppf(0.975, count - 1)) * spread / np.sqrt(count)
    middle = float(difference.mean())
    varied = one.std() > 0 and other.std() > 0
    # Lin's, with the moments of the sample as in his paper (divided by n).
    covariance = float(np.mean((one - one.mean()) * (other - other.mean())))
    below = float(one.var() + other.var() + (one.mean() - other.mean()) ** 2)
    return {
        "n": count,
        "mean_difference": mean,
        "mean_difference_ci95": [middle - half, middle + half],
        "limits_of_agreement": [middle - 1.96 * spread, middle + 1.96 * spread],
        "correlation": float(np.corrcoef(one, other)[0, 1]) if varied else None,
        "concordance": 2 * covariance / below if below > 0 else None,
    }
