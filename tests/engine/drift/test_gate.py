import json
import time

import numpy as np
import pytest

from engine.drift.gate import GateVerdict, paired_gate
from engine.errors import BadArguments
from engine.metrics import METRICS, Floats, Target

Pair = tuple[Target, Floats, Floats]


def classified(seed: int, rows: int, champion: float = 1.0, challenger: float = 1.0) -> Pair:
    """Two models that know the log-odds up to noise of their own, the less the better."""
    rng = np.random.default_rng([seed, 11])
    z = 1.5 * rng.normal(size=rows)
    truth = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int64)

    def guess(noise: float) -> Floats:
        positive = 1 / (1 + np.exp(-(z + noise * rng.normal(size=rows))))
        return np.stack([1 - positive, positive], axis=1)

    return truth, guess(champion), guess(challenger)


def regressed(seed: int, rows: int, champion: float = 1.0, challenger: float = 1.0) -> Pair:
    rng = np.random.default_rng([seed, 12])
    truth = rng.normal(size=rows)
    return truth, truth + champion * rng.standard_t(5, rows), truth + challenger * rng.standard_t(5, rows)


def gated(name: str, rows: Pair, seed: int = 0) -> GateVerdict:
    return paired_gate(METRICS[name], *rows, seed=seed)


def passes(name: str, rows: int, trials: int) -> float:
    """Share of challengers no better than the champion that pass."""
    make = regressed if METRICS[name].uses == "values" else classified
    return sum(gated(name, make(seed, rows), seed).passed for seed in range(trials)) / trials


@pytest.mark.parametrize(("name", "rows"), [("accuracy", 60), ("log_loss", 200), ("rmse", 200)])
def test_of_challengers_that_are_no_better_at_most_six_in_a_hundred_pass(name: str, rows: int) -> None:
    assert passes(name, rows, 400) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 500])
@pytest.mark.parametrize("name", ["accuracy", "f1", "log_loss", "roc_auc", "rmse", "r2"])
def test_challengers_that_are_no_better_pass_no_more_often_than_alpha(name: str, rows: int) -> None:
    two_errors = 2 * np.sqrt(0.05 * 0.95 / 300)
    assert passes(name, rows, 300) <= 0.05 + two_errors


@pytest.mark.parametrize("name", ["roc_auc", "f1", "accuracy", "log_loss"])
def test_a_challenger_that_is_better_passes(name: str) -> None:
    verdict = gated(name, classified(0, 2000, 1.5, 0.3))
    assert verdict.passed
    assert verdict.improvement is not None
    assert verdict.improvement > 0
    assert verdict.interval is not None
    assert verdict.interval[0] > 0
    assert "is better than the champion's" in verdict.sentence


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_challenger_with_smaller_errors_passes(name: str) -> None:
    assert gated(name, regressed(0, 500, 1.0, 0.8)).passed
    assert not gated(name, regressed(0, 500, 0.8, 1.0)).passed


def test_a_challenger_that_is_better_by_chance_only_does_not_pass() -> None:
    verdict = gated("accuracy", classified(4, 100, 1.0, 0.95))
    assert not verdict.passed
    assert "is not shown to be better" in verdict.sentence


def test_the_champion_itself_does_not_pass() -> None:
    truth, champion, _ = classified(1, 200)
    verdict = gated("roc_auc", (truth, champion, champion))
    assert (verdict.passed, verdict.improvement, verdict.p_value) == (False, 0.0, 1.0)


def test_the_p_value_of_a_difference_of_means_is_that_of_the_paired_test() -> None:
    from scipy.stats import ttest_rel

    truth, champion, challenger = regressed(2, 400, 1.0, 0.95)
    verdict = gated("mae", (truth, champion, challenger))
    expected = ttest_rel(np.abs(truth - champion), np.abs(truth - challenger), alternative="greater").pvalue
    assert verdict.p_value == pytest.approx(expected, abs=0.03)


def test_each_model_has_its_own_threshold() -> None:
    truth, champion, _ = classified(3, 400)
    same = paired_gate(METRICS["f1"], truth, champion, champion, champion_threshold=0.4, challenger_threshold=0.4)
    other = paired_gate(METRICS["f1"], truth, champion, champion, champion_threshold=0.99, challenger_threshold=0.4)
    assert same.improvement == 0
    assert other.passed


@pytest.mark.parametrize("rows", [0, 49])
def test_on_fewer_than_fifty_rows_nobody_passes(rows: int) -> None:
    verdict = gated("rmse", regressed(5, rows, 9.0, 0.0))
    assert (verdict.passed, verdict.p_value, verdict.rows) == (False, None, rows)
    assert "too few to compare on" in verdict.sentence


def test_with_few_rows_of_a_class_nobody_passes_by_a_metric_of_classes() -> None:
    truth = np.repeat([0, 1], [95, 5])
    good, bad = np.where(truth == 1, 0.9, 0.1), np.full(100, 0.1)
    pair = truth, np.stack([1 - bad, bad], axis=1), np.stack([1 - good, good], axis=1)
    assert not gated("f1", pair).passed
    assert "5 row(s) of the rarest class" in gated("f1", pair).sentence
    assert gated("log_loss", pair).passed


def test_log_loss_stands_in_where_rows_are_of_one_class() -> None:
    truth, champion, challenger = classified(6, 1000, 1.5, 0.2)
    one = truth == 1
    verdict = gated("roc_auc", (truth[one], champion[one], challenger[one]))
    assert verdict.metric == "log_loss"


def test_rows_without_a_label_are_left_out() -> None:
    truth, champion, challenger = classified(7, 300)
    truth[:100] = -1
    assert gated("accuracy", (truth, champion, challenger)).rows == 200


def test_a_challenger_that_cannot_answer_every_row_does_not_pass() -> None:
    truth, champion, challenger = regressed(8, 300, 1.0, 0.1)
    challenger[7] = np.nan
    verdict = gated("rmse", (truth, champion, challenger))
    assert not verdict.passed
    assert "no finite prediction for 1 of 300" in verdict.sentence


def test_predictions_of_other_rows_are_refused() -> None:
    truth, champion, challenger = regressed(9, 100)
    with pytest.raises(BadArguments, match=r"do not fit 100 label"):
        gated("rmse", (truth, champion, challenger[1:]))


def test_two_thousand_rows_are_compared_in_a_second_of_work() -> None:
    rows = classified(10, 2000)
    began = time.process_time()
    gated("roc_auc", rows)
    assert time.process_time() - began < 2  # half a second when the machine is quiet


@pytest.mark.parametrize("rows", [10, 60])
def test_a_verdict_is_json(rows: int) -> None:
    json.loads(gated("average_precision", classified(11, rows)).model_dump_json(), parse_constant=pytest.fail)
