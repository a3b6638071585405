"""Calibration, leaks, the baseline and requirements, against figures worked by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from engine.metrics import METRICS
from engine.package_info import ImportanceEntry, ValidationScore
from engine.qa.answers import beats_baseline, calibration, calibration_error, chance_error, leaks
from engine.qa.requirements import Requirements, quick_enough, reaches, requirement_checks, small_enough
from engine.qa.run import run_checks
from engine.qa.subject import Unseen
from tests.engine.qa.small import info, subject, table, unseen


def drawn(rows: int, sharpen: float, seed: int) -> Unseen:
    """Answers whose log-odds are `sharpen` times what they should be."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.05, 0.95, rows)
    odds = sharpen * np.log(true / (1 - true))
    stated = 1 / (1 + np.exp(-odds))
    y = (rng.random(rows) < true).astype(np.int64)
    return Unseen(pd.DataFrame(index=range(rows)), y, np.stack([1 - stated, stated], axis=1))


def test_the_calibration_error_is_the_one_worked_by_hand() -> None:
    stated = np.array([0.25, 0.25, 0.85, 0.85])
    came_true = np.array([0.0, 1.0, 1.0, 1.0])
    # bins .2-.3: observed .5, stated .25; .8-.9: observed 1, stated .85
    assert calibration_error(stated, came_true) == pytest.approx(0.5 * 0.25 + 0.5 * 0.15)
    assert calibration_error(np.array([1.0]), np.array([1.0])) == 0


def test_right_probabilities_are_warned_of_at_most_5_times_of_100_and_boastful_ones_found() -> None:
    honest = sum(calibration(subject(unseen=drawn(150, 1.0, seed))).status == "warned" for seed in range(200))
    boastful = sum(calibration(subject(unseen=drawn(600, 3.0, seed))).status == "warned" for seed in range(20))
    assert honest <= 10 + 3.3 * np.sqrt(200 * 0.05 * 0.95)
    assert boastful == 20
    assert chance_error(np.full(400, 0.5), 0) == pytest.approx(1.96 * 0.5 / np.sqrt(400), rel=0.15)


def test_calibration_is_skipped_with_its_reason() -> None:
    assert "gone" in calibration(subject()).detail
    assert "too few" in calibration(subject(unseen=drawn(50, 1.0, 0))).detail
    assert calibration(subject(about=info("regression"))).status == "skipped"


def test_a_column_that_tells_the_target_is_a_warning() -> None:
    rows = table()
    target = pd.Series(np.where(rows["fee"] > 50, "yes", "no"), dtype="str")
    found = leaks(subject(rows=rows, target=target))
    assert found.status == "warned"
    assert "'fee' alone (1.000 of 1)" in found.detail
    gaps = rows.assign(age=rows["age"].where(rows["fee"] > 50))
    assert "'age'" in leaks(subject(rows=gaps.assign(fee=1.0), target=target)).detail


def test_a_model_that_leans_on_one_column_is_a_warning() -> None:
    lone = (ImportanceEntry(column="plan", importance=0.29, deviation=0.0),)
    found = leaks(subject(about=info(importance=lone)))
    assert found.status == "warned"
    assert found.figures["share"] == pytest.approx(0.29 / 0.31, abs=1e-4)
    assert leaks(subject()).status == "passed"


@pytest.mark.parametrize(
    ("validation", "ci", "status"),
    [
        (0.81, (0.78, 0.86), "passed"),
        (0.81, (0.49, 0.86), "warned"),
        (0.5, (0.7, 0.8), "failed"),
        (0.81, (None, None), "warned"),
    ],
)
def test_a_model_beats_a_constant_by_both_scores_or_in_doubt(validation: float, ci: Any, status: str) -> None:
    about = info(
        validation=ValidationScore(name="roc_auc", value=validation, method="5-fold"),
        metric=info().metric.model_copy(update={"ci": ci}),
    )
    assert beats_baseline(about).status == status
    required = Requirements(must_beat_baseline=True)
    (check,) = run_checks(subject(about=about), requirement_checks(required, 1.0))
    assert check.status == ("passed" if status == "passed" else "failed")


def test_less_is_better_for_errors() -> None:
    assert beats_baseline(info("regression")).status == "passed"
    worse = info("regression", validation=ValidationScore(name="rmse", value=20.5, method="5-fold"))
    assert beats_baseline(worse).status == "failed"


@pytest.mark.parametrize(("least", "status"), [(0.75, "passed"), (0.79, "warned"), (0.815, "failed"), (0.9, "failed")])
def test_a_score_is_reached_by_validation_test_and_its_interval(least: float, status: str) -> None:
    found = reaches(subject(), METRICS["roc_auc"], least)
    assert found.status == status
    assert (found.figures["validation"], found.figures["test"], found.figures["worst"]) == (0.81, 0.82, 0.78)


@pytest.mark.parametrize(("most", "status"), [(12.0, "passed"), (10.7, "warned"), (10.2, "failed")])
def test_an_error_has_to_be_at_most_what_is_required(most: float, status: str) -> None:
    assert reaches(subject(about=info("regression")), METRICS["rmse"], most).status == status


def test_another_metric_is_measured_on_unseen_rows_and_never_on_sealed_ones() -> None:
    rows = unseen({"a": (400, 0.9)}, 0)
    found = reaches(subject(unseen=rows), METRICS["f1"], 0.5)
    assert found.status == "passed"
    assert found.figures["validation"] == pytest.approx(0.9, abs=0.04)
    assert found.figures["test"] is None
    assert reaches(subject(), METRICS["f1"], 0.5).status == "skipped"
    assert reaches(subject(), METRICS["accuracy"], 0.7).status == "warned"


def test_latency_and_size_are_held_against_their_limits() -> None:
    assert quick_enough((4.0, 4.9, 60), 5.0).status == "passed"
    assert quick_enough((4.0, 6.0, 60), 5.0).status == "warned"
    assert quick_enough((5.1, 6.0, 60), 5.0).status == "failed"
    assert (small_enough(2.0, 2.0).status, small_enough(2.1, 2.0).status) == ("passed", "failed")


def test_only_what_is_required_is_checked() -> None:
    assert requirement_checks(Requirements(), 1.0) == []
    every = Requirements(min_score=0.7, max_latency_ms=500, max_size_mb=2, max_slice_drop=0.1, must_beat_baseline=True)
    found = run_checks(subject(), requirement_checks(every, 1.0))
    assert [check.id for check in found] == list(Requirements.model_fields)[1:]
    with pytest.raises(ValidationError):
        Requirements(max_latency_ms=0)


def test_a_test_metric_that_stood_in_gives_no_interval_for_another() -> None:
    stand_in = info().metric.model_copy(update={"name": "log_loss", "value": 0.4, "greater_is_better": False})
    assert beats_baseline(info(metric=stand_in)).status == "warned"
