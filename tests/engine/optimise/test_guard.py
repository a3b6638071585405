"""The accuracy guard: figures that agree with resampling by hand, and refusals instead of silent passes."""

from typing import Any

import numpy as np
import pytest

from engine.errors import BadArguments, TargetUnusable
from engine.metrics import METRICS, Floats, Target, metrics_of, resampled_scores, score
from engine.optimise.errors import VariantRefused
from engine.optimise.guard import Guard, explain_drop, guard_of, measure_drop, passes
from engine.optimise.spec import Drop, Goal
from engine.tasks import Task

RNG = np.random.default_rng(0)
ROWS = 600
Y2 = (RNG.random(ROWS) < 0.3).astype(np.int64)
Y4 = RNG.integers(0, 4, ROWS)
YR = RNG.normal(1e4, 3, ROWS)


def of_positive(scores: Floats) -> Floats:
    scores = np.clip(scores, 0, 1)
    return np.stack([1 - scores, scores], axis=1)


# rounded, so that ties are met
P2 = of_positive(np.round(0.3 * Y2 + RNG.random(ROWS) * 0.7, 2))
RAW = np.round(RNG.random((ROWS, 4)) + 0.4 * np.eye(4)[Y4], 2)
P4 = RAW / RAW.sum(axis=1, keepdims=True)
PR = YR + RNG.normal(size=ROWS)
CASES: dict[Task, tuple[Target, Floats]] = {"binary": (Y2, P2), "multiclass": (Y4, P4), "regression": (YR, PR)}
ALL = [(task, metric.name) for task in CASES for metric in metrics_of(task)]


def guarded(name: str, task: Task = "binary", rows: int = ROWS, **more: Any) -> Guard:
    y, original = CASES[task]
    return guard_of(METRICS[name], y[:rows], original[:rows], task=task, threshold=0.5, seed=0, **more)


def disturbed(task: Task, size: float = 0.05) -> Floats:
    prediction = CASES[task][1]
    noise = np.random.default_rng(1).normal(0, size, prediction.shape)
    moved = prediction + noise * (3 if task == "regression" else 1)
    return (
        moved if task == "regression" else np.clip(moved, 1e-6, None) / np.clip(moved, 1e-6, None).sum(axis=1)[:, None]
    )


@pytest.mark.parametrize(("task", "name"), ALL)
def test_weighted_scores_are_those_of_repeated_rows(task: Task, name: str) -> None:
    y, prediction = CASES[task]
    counts = np.random.default_rng(2).integers(0, 3, (20, ROWS))
    found = resampled_scores(METRICS[name], y, prediction, counts.astype(float), 0.4)
    for count, value in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(ROWS), count)
        assert value == pytest.approx(score(METRICS[name], y[rows], prediction[rows], 0.4), abs=1e-12)


@pytest.mark.parametrize(("task", "name"), ALL)
def test_a_drop_and_its_interval_are_those_of_resampling_pairs_by_hand(task: Task, name: str) -> None:
    (y, original), variant, metric = CASES[task], disturbed(task), METRICS[name]
    found = guarded(name, task).drop(variant)

    def drop(rows: Any) -> float:
        old, new = (score(metric, y[rows], answers[rows]) for answers in (original, variant))
        return old - new if metric.greater_is_better else new / old - 1

    rng = np.random.default_rng(3)
    strata = [np.arange(ROWS)] if task == "regression" else [np.flatnonzero(y == code) for code in np.unique(y)]
    draws = [drop(np.concatenate([rng.choice(rows, len(rows)) for rows in strata])) for _ in range(400)]
    width = float(np.std(draws))
    assert found.value == pytest.approx(drop(np.arange(ROWS)), abs=1e-12)
    assert found.metric == pytest.approx(score(metric, y, variant), abs=1e-12)
    assert found.ci == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.4 * width)
    assert found.upper == pytest.approx(np.quantile(draws, 0.95), abs=0.4 * width)
    assert found.ci[0] < found.value < found.upper < found.ci[1]
    assert found.rows == ROWS


def test_the_share_of_changed_labels_is_counted_at_the_threshold() -> None:
    y = np.tile([0, 1], 50)
    original, variant = of_positive(np.full(100, 0.3)), of_positive(np.where(np.arange(100) < 7, 0.2, 0.3))
    found = measure_drop(METRICS["accuracy"], y, original, variant, task="binary", threshold=0.25, seed=0)
    assert found.changed == 0.07
    assert guarded("rmse", "regression").drop(disturbed("regression")).changed is None


@pytest.mark.parametrize(("task", "name"), ALL)
def test_an_identical_variant_loses_exactly_nothing(task: Task, name: str) -> None:
    found = guarded(name, task).drop(CASES[task][1].copy())
    assert (found.value, found.ci, found.upper) == (0.0, (0.0, 0.0), 0.0)
    assert passes(found, Goal(metric=name, max_drop=0.0))


@pytest.mark.parametrize(("task", "name"), ALL)
def test_a_better_variant_has_a_negative_drop(task: Task, name: str) -> None:
    y = CASES[task][0]
    perfect = y.astype(float) if task == "regression" else np.eye(2 if task == "binary" else 4)[y]
    found = guarded(name, task).drop(perfect)
    assert found.value <= found.upper < 0
    assert passes(found, Goal(metric=name, max_drop=0.0))


def test_the_same_rows_and_seed_give_the_same_figures_one_by_one_or_together() -> None:
    guard = guarded("f1")
    one = measure_drop(METRICS["f1"], Y2, P2, disturbed("binary"), task="binary", threshold=0.5, seed=0)
    assert guard.drop(disturbed("binary")) == one == guard.drop(disturbed("binary"))
    other = measure_drop(METRICS["f1"], Y2, P2, disturbed("binary"), task="binary", threshold=0.5, seed=1)
    assert other.ci != one.ci
    assert other.value == one.value


def test_every_resample_has_as_many_rows_of_each_class_as_there_are() -> None:
    guard = guarded("macro_f1", "multiclass", draws=50)
    for code in range(4):
        assert (guard.counts[guard.y == code].sum(axis=0, dtype=np.int64) == np.count_nonzero(code == Y4)).all()
    assert (guarded("rmse", "regression", draws=50).counts.sum(axis=0, dtype=np.int64) == ROWS).all()


def test_a_uniformly_worse_variant_has_a_higher_bound_on_the_same_resamples() -> None:
    guard = guarded("roc_auc")
    drops = [guard.drop(disturbed("binary", size)) for size in (0.05, 0.2, 0.8)]
    assert sorted(drop.upper for drop in drops) == [drop.upper for drop in drops]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("task", CASES)
def test_an_answer_that_is_no_number_is_refused(task: Task, broken: float) -> None:
    variant = CASES[task][1].copy()
    variant[7] = broken
    with pytest.raises(VariantRefused, match=r"not a number on 1 of 600 rows"):
        guarded(metrics_of(task)[0].name, task).drop(variant)


def test_an_original_that_answers_no_number_is_refused() -> None:
    broken = np.where(np.arange(ROWS) == 3, np.nan, PR)
    with pytest.raises(VariantRefused, match="The model as it was trained answers what is not a number on 1 of 600"):
        measure_drop(METRICS["rmse"], YR, broken, PR, task="regression", threshold=0.5, seed=0)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_wild_answers_do_not_pass_nor_overflow(name: str) -> None:
    guard, goal = guarded(name, "regression"), Goal(metric=name, max_drop=1.0)
    assert not passes(guard.drop(PR * 1e6), goal)
    wild = np.where(np.arange(ROWS) % 2, 1.7e308, -1.7e308)
    with pytest.raises(VariantRefused, match="cannot be bounded on these 600 rows"):
        guard.drop(wild)


def test_rows_without_a_label_are_left_out() -> None:
    y, numbers = Y2.copy(), YR.copy()
    y[:100], numbers[:100] = -1, np.nan
    variant, moved = disturbed("binary"), disturbed("regression")
    variant[:100], moved[:100] = np.nan, np.nan
    whole = measure_drop(METRICS["f1"], y, P2, variant, task="binary", threshold=0.5, seed=0)
    part = measure_drop(METRICS["f1"], Y2[100:], P2[100:], variant[100:], task="binary", threshold=0.5, seed=0)
    assert whole == part
    assert whole.rows == 500
    found = measure_drop(METRICS["rmse"], numbers, PR, moved, task="regression", threshold=0.5, seed=0)
    assert found.rows == 500


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_rows_on_which_the_metric_has_no_value_are_an_error(name: str) -> None:
    with pytest.raises(TargetUnusable, match=rf"{name} has no value on the 50 row\(s\)"):
        measure_drop(METRICS[name], np.zeros(50, int), P2[:50], P2[:50], task="binary", threshold=0.5, seed=0)


def test_no_labelled_row_is_an_error() -> None:
    with pytest.raises(TargetUnusable, match="No row has a known label"):
        measure_drop(METRICS["f1"], np.full(ROWS, -1), P2, P2, task="binary", threshold=0.5, seed=0)


def test_answers_to_other_rows_or_classes_are_an_error() -> None:
    with pytest.raises(BadArguments, match="599 answers do not fit 600 rows"):
        guarded("f1").drop(P2[1:])
    with pytest.raises(BadArguments, match="do not fit the original's"):
        guarded("macro_f1", "multiclass").drop(P4[:, :3])


@pytest.mark.parametrize("name", ["accuracy", "f1", "macro_f1", "balanced_accuracy", "precision", "recall"])
def test_few_rows_do_not_prove_that_little_is_lost(name: str) -> None:
    """On 80 rows no label changes, yet .02 may well be lost; a copy passes, and so does the same on all 600 rows."""
    goal = Goal(metric=name, max_drop=0.01)
    y, sure = Y2, of_positive(np.where(Y2 == 1, 0.8, 0.2))
    moved, copied = (of_positive(sure[:, 1] + shift) for shift in (0.1, 1e-5))

    def drop(variant: Floats, rows: int) -> Drop:
        return measure_drop(
            METRICS[name], y[:rows], sure[:rows], variant[:rows], task="binary", threshold=0.5, seed=0
        )  # fmt: skip

    few = drop(moved, 80)
    assert (few.value, few.changed) == (0.0, 0.0)
    assert not passes(few, goal)
    assert "which are too few to rule out a loss of" in explain_drop(few, goal)
    assert passes(drop(copied, 80), goal)
    assert passes(drop(moved, 600), goal)


def test_the_bound_for_unseen_errors_is_one_and_a_half_wrong_answers() -> None:
    y = np.tile([0, 1], 100)
    sure = of_positive(np.where(y == 1, 0.9, 0.1))
    for name, price in (("accuracy", 1 / 200), ("balanced_accuracy", 1 / 200), ("recall", 0.5 / 100)):
        found = measure_drop(METRICS[name], y, sure, sure[:, ::-1][::-1], task="binary", threshold=0.5, seed=0)
        assert found.upper == 0.0
        moved = of_positive(sure[:, 1] + 0.05)
        found = measure_drop(METRICS[name], y, sure, moved, task="binary", threshold=0.5, seed=0)
        assert found.upper == pytest.approx(1.5 * price)


@pytest.mark.parametrize(("task", "name"), ALL)
def test_on_a_handful_of_rows_nothing_but_a_copy_passes(task: Task, name: str) -> None:
    guard, goal = guarded(name, task, rows=20), Goal(metric=name, max_drop=0.5)
    assert not passes(guard.drop(disturbed(task, 0.002)[:20]), goal)
    assert passes(guard.drop(CASES[task][1][:20] + 1e-6), goal)


def test_few_rows_of_the_rarer_class_prove_nothing_about_it() -> None:
    y = (np.arange(ROWS) < 9).astype(np.int64)
    original = of_positive(np.where(y == 1, 0.9, 0.1))
    moved = of_positive(original[:, 1] * 0.99)
    for name, enough in (("f1", False), ("recall", False), ("roc_auc", False), ("accuracy", True)):
        found = measure_drop(METRICS[name], y, original, moved, task="binary", threshold=0.5, seed=0)
        assert passes(found, Goal(metric=name, max_drop=0.1)) == enough


def test_a_class_of_one_row_and_many_classes_are_no_obstacle() -> None:
    y = np.append(np.tile(np.arange(60), 10), 60)
    answers = np.full((601, 61), 0.001)
    answers[np.arange(601), y] = 0.94
    guard = guard_of(METRICS["macro_f1"], y, answers, task="multiclass", threshold=0.5, seed=0, draws=300)
    wrong = answers.copy()
    wrong[:60] = np.roll(wrong[:60], 1, axis=1)
    found = guard.drop(wrong)
    assert found.changed == pytest.approx(60 / 601)
    assert found.value == pytest.approx(0.1, abs=0.01)
    assert not passes(found, Goal(metric="macro_f1", max_drop=0.05))


def test_trifles_of_a_nearly_perfect_model_are_no_large_shares() -> None:
    nearly = YR + 1e-9 * (PR - YR)
    found = measure_drop(METRICS["rmse"], YR, nearly, YR + 1e-5 * (PR - YR), task="regression", threshold=0.5, seed=0)
    assert 0 < found.upper < 0.01
    exact = measure_drop(METRICS["rmse"], YR, YR.copy(), PR, task="regression", threshold=0.5, seed=0)
    assert not passes(exact, Goal(metric="rmse", max_drop=0.5))


def lost(value: float, ci: tuple[float, float], upper: float) -> Drop:
    return Drop(metric=0.7, value=value, ci=ci, upper=upper, changed=0.02, rows=1127)


@pytest.mark.parametrize(
    ("name", "drop", "said"),
    [
        (
            "f1", lost(0.0234, (0.0113, 0.0351), 0.033),
            "f1 falls by 0.023 (95 % interval 0.011 to 0.035) on 1,127 rows; at most 0.01 is allowed.",
        ),
        (
            "f1", lost(0.0082, (0.001, 0.0151), 0.0142),
            "f1 falls by 0.0082 (95 % interval 0.001 to 0.015) on 1,127 rows; a loss of 0.014 cannot be ruled out, and "
            "at most 0.01 is allowed.",
        ),
        (
            "accuracy", lost(0.0, (0.0, 0.0), 0.0201),
            "accuracy stays the same (95 % interval 0 to 0) on 1,127 rows, which are too few to rule out a loss of "
            "0.02; at most 0.01 is allowed.",
        ),
        (
            "r2", lost(-0.002, (-0.004, 0.0), -0.0003),
            "r2 rises by 0.002 (95 % interval of the loss -0.004 to 0) on 1,127 rows; at most 0.01 is allowed.",
        ),
        (
            "rmse", lost(0.0234, (0.0113, 0.0351), 0.033),
            "rmse rises by 0.023 of its value (95 % interval 0.011 to 0.035) on 1,127 rows; at most 0.01 is allowed.",
        ),
        (
            "log_loss", lost(0.01001, (0.0099, 0.012), 0.0119),
            "log_loss rises by 0.01001 of its value (95 % interval 0.0099 to 0.012) on 1,127 rows; at most 0.01 is "
            "allowed.",
        ),
    ],
)  # fmt: skip
def test_a_drop_is_explained_in_one_sentence(name: str, drop: Drop, said: str) -> None:
    assert explain_drop(drop, Goal(metric=name, max_drop=0.01)) == said


def test_the_guard_goes_by_the_bound_and_not_by_the_value() -> None:
    goal = Goal(metric="f1", max_drop=0.01)
    assert passes(lost(0.002, (0.0, 0.01), 0.01), goal)
    assert not passes(lost(-0.001, (-0.02, 0.02), 0.0101), goal)
