import json
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.drift.baseline import Baseline, LossModel, PerformanceReference
from engine.drift.estimate_loss import estimate_loss, fit_loss_model
from engine.drift.found import PerformanceDrift
from engine.drift.levels import Level
from engine.drift.policy import Policy
from engine.errors import BadArguments, TooFewRows
from engine.metrics import METRICS, Floats, score

POLICY = Policy()
Rows = tuple[NDArray[np.float32], Floats, Floats]


def rows_of(rng: np.random.Generator, rows: int, shift: float = 0.0, unit: float = 1.0) -> Rows:
    """Features, truth and prediction; errors grow with the first feature, which may have moved."""
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    features[:, 0] += np.float32(shift)
    prediction = features[:, 0] + 0.5 * features[:, 1].astype(np.float64)
    noise = 0.3 + np.log1p(np.exp(features[:, 0].astype(np.float64)))
    return features, unit * (prediction + noise * rng.normal(size=rows)), unit * prediction


def fitted(name: str, before: Rows, seed: int = 0) -> LossModel:
    return fit_loss_model(*before, METRICS[name], seed=seed)


def estimated(name: str, before: Rows, now: Rows, seed: int = 0, baseline: Baseline | None = None) -> PerformanceDrift:
    reference = PerformanceReference(name, "regression", (), 0.5, before[1], before[2])
    model = fitted(name, before, seed)
    return estimate_loss(
        model, now[0], now[2], METRICS[name], POLICY, reference=reference, baseline=baseline, seed=seed
    )


def covered(name: str, trials: int) -> float:
    """How often the realised metric of rows that moved lies within the interval of its estimate."""
    inside = 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, 8])
        before, now = rows_of(rng, 2000), rows_of(rng, 500, 0.7)
        found = estimated(name, before, now, seed).interval
        assert found is not None
        inside += found[0] <= score(METRICS[name], now[1], now[2]) <= found[1]
    return inside / trials


@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_under_covariate_shift_the_realised_error_is_within_the_interval(name: str) -> None:
    assert covered(name, 12) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_in_nine_of_ten_trials_under_covariate_shift_the_interval_holds(name: str) -> None:
    assert covered(name, 100) >= 0.9


def test_rows_that_moved_to_where_errors_are_large_are_an_estimated_drop() -> None:
    rng = np.random.default_rng(0)
    before, now = rows_of(rng, 3000), rows_of(rng, 1000, 1.0)
    found = estimated("mae", before, now)
    assert found.baseline == pytest.approx(score(METRICS["mae"], before[1], before[2]))
    assert found.value == pytest.approx(score(METRICS["mae"], now[1], now[2]), rel=0.1)
    assert found.level is Level.RED
    assert (found.source, found.method) == ("estimated", "DLE")


def test_without_drift_at_most_one_of_fifteen_estimates_is_told_of() -> None:
    told = 0
    for seed in range(15):
        rng = np.random.default_rng([seed, 9])
        told += estimated("mae", rows_of(rng, 800), rows_of(rng, 300), seed).level > Level.GREEN
    assert told <= 1


def test_concept_drift_cannot_be_seen_and_the_notes_say_so() -> None:
    rng = np.random.default_rng(1)
    before, (features, truth, prediction) = rows_of(rng, 2000), rows_of(rng, 1000)
    found = estimated("mae", before, (features, truth + 5, prediction))
    assert found.value == pytest.approx(found.baseline, rel=0.1)
    assert found.level is Level.GREEN
    assert "cannot tell of a change in what the same rows lead to" in found.notes[0]


@pytest.mark.parametrize("unit", [1e-9, 1e12, 1e170])
def test_the_unit_of_the_target_changes_nothing_but_the_unit_of_the_estimate(unit: float) -> None:
    def told(scale: float) -> PerformanceDrift:
        rng = np.random.default_rng(2)
        return estimated("rmse", rows_of(rng, 500, unit=scale), rows_of(rng, 200, 0.5, unit=scale))

    plain, scaled = told(1.0), told(unit)
    assert scaled.value == pytest.approx(unit * (plain.value or 0), rel=0.02)
    assert scaled.level is plain.level


def test_rmse_stands_in_for_r2() -> None:
    rng = np.random.default_rng(3)
    found = estimated("r2", rows_of(rng, 500), rows_of(rng, 200), baseline=Baseline(0.7, (0.6, 0.8)))
    assert found.metric == "rmse"
    assert found.baseline is not None
    assert found.baseline > 1
    assert "r2 cannot be estimated, so rmse is given instead." in found.notes


def test_the_model_survives_being_json() -> None:
    rng = np.random.default_rng(4)
    before, now = rows_of(rng, 500), rows_of(rng, 200)
    model = fit_loss_model(*before, METRICS["mae"], encoding={"columns": ["a", "b"]})
    again = LossModel.model_validate_json(model.model_dump_json())
    assert again == model
    one, other = (estimate_loss(each, now[0], now[2], METRICS["mae"], POLICY) for each in (model, again))
    assert one == other


def test_categories_and_missing_features_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 3, 2000)
    features = np.stack([codes, np.where(rng.random(2000) < 0.3, np.nan, 1.0)], axis=1).astype(np.float32)
    truth = np.array([0.2, 3.0, 1.0])[codes] * rng.normal(size=2000)
    model = fit_loss_model(features, truth, np.zeros(2000), METRICS["mae"], categorical=[0])
    found = estimate_loss(model, features[codes == 1], np.zeros((codes == 1).sum()), METRICS["mae"], POLICY)
    assert found.value == pytest.approx(3 * np.sqrt(2 / np.pi), rel=0.1)


def test_a_prediction_without_errors_is_estimated_to_have_none() -> None:
    features, _, prediction = rows_of(np.random.default_rng(6), 200)
    model = fit_loss_model(features, prediction, prediction, METRICS["mae"])
    found = estimate_loss(model, features, prediction, METRICS["mae"], POLICY)
    assert found.value == pytest.approx(0.0, abs=1e-3)


def test_unlabelled_rows_and_missing_predictions_do_not_count() -> None:
    features, truth, prediction = rows_of(np.random.default_rng(7), 300)
    truth[:150], prediction[150:160] = np.nan, np.nan
    model = fit_loss_model(features, truth, prediction, METRICS["mae"])
    found = estimate_loss(model, features, prediction, METRICS["mae"], POLICY)
    assert (found.rows, found.drop) == (290, None)
    assert estimate_loss(model, features[:19], prediction[:19], METRICS["mae"], POLICY).value is None


def test_few_rows_are_not_learned_from() -> None:
    with pytest.raises(TooFewRows, match=r"cannot be fitted on 99 row"):
        fitted("mae", rows_of(np.random.default_rng(8), 99))


def test_other_features_and_other_metrics_are_refused() -> None:
    before = rows_of(np.random.default_rng(9), 200)
    model = fitted("mae", before)
    with pytest.raises(BadArguments, match="do not fit 200 prediction"):
        estimate_loss(model, before[0][:, :3], before[2], METRICS["mae"], POLICY)
    with pytest.raises(BadArguments, match="cannot tell 'rmse'"):
        estimate_loss(model, before[0], before[2], METRICS["rmse"], POLICY)


def test_many_rows_are_learned_from_in_a_second_of_work() -> None:
    rng = np.random.default_rng(10)
    features = rng.normal(size=(30_000, 40)).astype(np.float32)
    truth = features[:, 0].astype(np.float64) * rng.normal(size=30_000)
    began = time.process_time()
    fit_loss_model(features, truth, np.zeros(30_000), METRICS["mae"])
    assert time.process_time() - began < 3  # a second when the machine is quiet


def test_what_is_estimated_is_json() -> None:
    rng = np.random.default_rng(11)
    found = estimated("mae", rows_of(rng, 200), rows_of(rng, 50))
    json.loads(found.model_dump_json(), parse_constant=pytest.fail)
