import time

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from engine.drift.found import ImportanceDrift
from engine.drift.importance import contributions, importance_drift
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.errors import BadArguments
from engine.metrics import Floats, Target

POLICY = Policy()
NAMES = ["a", "b", "c", "d"]
SLOPES = np.array([1.5, 1.0, 0.5, 0.0])


def classified(rng: np.random.Generator, rows: int, scrambled: str = "") -> tuple[pd.DataFrame, Target]:
    """Rows on whose columns the answer depends by the slopes; a scrambled column has lost its link to the answer."""
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=NAMES)
    truth = (rng.random(rows) < 1 / (1 + np.exp(-frame.to_numpy() @ SLOPES))).astype(np.int64)
    if scrambled:
        frame[scrambled] = rng.permutation(frame[scrambled])
    return frame, truth


def predict(frame: pd.DataFrame) -> Floats:
    positive = 1 / (1 + np.exp(-frame[NAMES].to_numpy() @ SLOPES))
    return np.stack([1 - positive, positive], axis=1)


def regress(frame: pd.DataFrame) -> Floats:
    return np.asarray(frame[NAMES].to_numpy() @ SLOPES, dtype=np.float64)


def weighed(rows: tuple[pd.DataFrame, Target], seed: int = 0) -> NDArray[np.float32]:
    return contributions(predict, *rows, NAMES, "binary", seed)


def compared(before: int, now: int, seed: int, scrambled: str = "") -> ImportanceDrift:
    rng = np.random.default_rng([seed, 10])
    first, second = weighed(classified(rng, before), seed), weighed(classified(rng, now, scrambled), seed + 1)
    return importance_drift(first, NAMES, second, POLICY, seed)


def test_importance_of_a_regression_is_twice_the_variance_that_a_column_brings() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 4)), columns=NAMES)
    found = contributions(regress, frame, regress(frame), NAMES, "regression", 0, repeats=5)
    assert found.shape == (2000, 4)
    assert found.dtype == np.float32
    assert found.mean(axis=0) == pytest.approx(2 * SLOPES**2, rel=0.1)


def test_a_column_that_the_model_does_not_look_at_contributes_nothing_to_any_row() -> None:
    found = weighed(classified(np.random.default_rng(1), 300))
    assert not found[:, 3].any()
    means = found.mean(axis=0)
    assert means[0] > means[1] > means[2] > 0


def test_without_drift_at_most_two_of_thirty_comparisons_are_told_of() -> None:
    assert sum(compared(500, 300, seed).level > Level.GREEN for seed in range(30)) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("before", "now"), [(200, 100), (500, 300), (2000, 1000)])
def test_without_drift_at_most_eight_of_a_hundred_comparisons_are_told_of(before: int, now: int) -> None:
    found = [compared(before, now, seed) for seed in range(200)]
    assert np.mean([drift.level > Level.GREEN for drift in found]) <= 0.08
    assert np.mean([(drift.p_value or 0) <= 0.05 for drift in found]) <= 0.08 + 0.02


def test_a_model_whose_important_column_was_scrambled_is_found() -> None:
    found = compared(1000, 500, 2, scrambled="a")
    assert found.level is Level.RED
    assert found.reference["a"] > 0.5
    assert found.current["a"] < 0.1
    assert found.rows == 500


def test_a_column_of_little_weight_that_was_scrambled_is_no_more_than_yellow() -> None:
    assert compared(1000, 500, 3, scrambled="c").level <= Level.YELLOW


def test_the_change_is_the_total_variation_less_what_chance_brings() -> None:
    found = compared(1000, 500, 4, scrambled="a")
    raw = 0.5 * sum(abs(found.reference[name] - found.current[name]) for name in NAMES)
    assert found.change is not None
    assert 0 < raw - found.change < 0.1
    assert sum(found.reference.values()) == pytest.approx(1)
    same = weighed(classified(np.random.default_rng(5), 300))
    assert importance_drift(same, NAMES, same, POLICY, 0).change == 0


def test_a_model_that_no_column_helps_any_more_has_changed() -> None:
    rng = np.random.default_rng(6)
    before = weighed(classified(rng, 400))
    found = importance_drift(before, NAMES, -np.abs(before), POLICY, 0)
    assert set(found.current.values()) == {0.0}
    assert found.level is Level.RED


def test_columns_that_were_not_measured_on_both_sides_are_left_out() -> None:
    before = weighed(classified(np.random.default_rng(7), 200))
    now = before.copy()
    before[:, 0], now[:, 1] = np.nan, np.inf
    found = importance_drift(before, NAMES, now, POLICY, 0)
    assert list(found.reference) == ["c", "d"]


@pytest.mark.parametrize("rows", [0, 49])
def test_few_rows_tell_nothing(rows: int) -> None:
    before = weighed(classified(np.random.default_rng(8), 200))
    found = importance_drift(before, NAMES, before[:rows], POLICY, 0)
    assert (found.change, found.p_value, found.level, found.rows) == (None, None, Level.GREEN, rows)


def test_contributions_of_other_columns_are_refused() -> None:
    with pytest.raises(BadArguments, match=r"do not fit 4 column"):
        importance_drift(np.zeros((60, 4), np.float32), NAMES, np.zeros((60, 3), np.float32), POLICY, 0)


def test_rows_without_a_label_are_left_out() -> None:
    frame, truth = classified(np.random.default_rng(9), 100)
    truth[:30] = -1
    assert weighed((frame, truth)).shape == (70, 4)
    truth[:] = -1
    assert weighed((frame, truth)).shape == (0, 4)


def test_two_thousand_rows_are_the_most_that_are_looked_at() -> None:
    assert len(weighed(classified(np.random.default_rng(10), 2500))) == 2000


def test_when_time_is_up_columns_that_were_not_reached_are_not_finite() -> None:
    frame, truth = classified(np.random.default_rng(11), 1000)

    def slowly(rows: pd.DataFrame) -> Floats:
        time.sleep(0.02)
        return predict(rows)

    found = contributions(slowly, frame, truth, NAMES, "binary", 0, repeats=50, seconds=0.05)
    assert 200 <= len(found) < 1000
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 3]).all()


def test_a_row_that_turns_from_sure_to_wrong_counts_as_log_of_ten_thousand_at_most() -> None:
    frame = pd.DataFrame({"a": np.repeat([0.0, 1.0], 100)})
    truth = np.repeat([0, 1], 100)
    found = contributions(
        lambda rows: np.stack([1 - rows["a"], rows["a"]], axis=1), frame, truth, ["a"], "binary", 0, 1
    )
    assert set(np.unique(found.round(3))) == {np.float32(0.0), np.float32(round(np.log(1e4), 3))}


def test_losses_beyond_what_numbers_hold_are_not_finite_and_raise_nothing() -> None:
    frame = pd.DataFrame({"a": np.linspace(-1e200, 1e200, 60)})
    found = contributions(lambda rows: rows["a"].to_numpy(), frame, np.zeros(60), ["a"], "regression", 0)
    assert not np.isfinite(found).all()
