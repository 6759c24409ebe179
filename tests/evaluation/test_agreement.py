import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from maskwright.evaluation.agreement import agreement


@given(st.integers(0, 10_000), st.integers(3, 40))
def test_against_scipy_and_the_definition(seed, count):
    rng = np.random.default_rng(seed)
    true = rng.uniform(10, 200, count)
    predicted = true * rng.normal(0.95, 0.1, count) + 3
    found = agreement(predicted, true)
    difference = predicted - true
    assert found["correlation"] == pytest.approx(stats.pearsonr(predicted, true).statistic)
    interval = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert found["mean_difference_ci95"] == pytest.approx([interval.low, interval.high])
    assert found["limits_of_agreement"] == pytest.approx(
        [difference.mean() - 1.96 * difference.std(ddof=1), difference.mean() + 1.96 * difference.std(ddof=1)]
    )
    rho = stats.pearsonr(predicted, true).statistic
    lin = (
        2 * rho * predicted.std() * true.std() / (predicted.var() + true.var() + (predicted.mean() - true.mean()) ** 2)
    )
    assert found["concordance"] == pytest.approx(lin)


def test_too_few_or_all_the_same():
    assert agreement([], [])["mean_difference"] is None
    undefined = dict.fromkeys(("mean_difference_ci95", "limits_of_agreement", "correlation", "concordance"))
    assert agreement([3.0], [2.0]) == {"n": 1, "mean_difference": 1.0, **undefined}
    same = agreement([5.0, 5.0], [5.0, 5.0])
    assert same["correlation"] is None and same["concordance"] is None and same["limits_of_agreement"] == [0, 0]
