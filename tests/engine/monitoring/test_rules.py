from collections.abc import Sequence
from datetime import timedelta

import pytest

from engine.drift.levels import Level
from engine.drift.policy import Policy, RetrainRule
from engine.monitoring.records import Check
from engine.monitoring.rules import action_of, should_retrain
from tests.engine.monitoring.logged import START, check

POLICY = Policy(retrain=RetrainRule(features=3, windows=4, drop=0.10))
DRIFTED = {"a": Level.YELLOW, "b": Level.RED, "c": Level.ORANGE, "d": Level.GREEN}


def measured(values: Sequence[float | None], baseline: float = 0.8, model: str = "mdl_1") -> list[Check]:
    return [check("mon", n, value=value, baseline=baseline, model=model) for n, value in enumerate(values, start=1)]


def errors(values: Sequence[float], baseline: float) -> list[Check]:
    """Checks by a metric that is better when it is smaller."""
    return [
        check("mon", n, value=value, baseline=baseline, metric="rmse", greater_is_better=False)
        for n, value in enumerate(values, start=1)
    ]


def test_three_drifted_features_in_the_newest_check_ask_for_a_retraining() -> None:
    advice = should_retrain([check("mon", 1, DRIFTED)], POLICY)
    assert advice.retrain
    assert advice.features == ("b", "c", "a")
    assert advice.reasons == ("3 feature(s) drifted: b, c, a; the policy asks for 3.",)


def test_two_drifted_features_or_three_of_an_older_check_do_not() -> None:
    two = check("mon", 2, {**DRIFTED, "a": Level.GREEN})
    assert not should_retrain([two], POLICY).retrain
    assert not should_retrain([check("mon", 1, DRIFTED), two], POLICY).retrain


def test_a_mean_metric_that_fell_by_more_than_the_policy_allows_asks_for_a_retraining() -> None:
    advice = should_retrain(measured([0.9, 0.71, 0.72, 0.70, 0.72]), POLICY)
    assert advice.retrain
    assert (advice.metric, advice.baseline, advice.windows) == (pytest.approx(0.7125), 0.8, 4)
    assert "roc_auc was 0.7125 on average over the last 4 windows with labels" in advice.reasons[0]
    assert "more than 10% worse than its baseline of 0.8" in advice.reasons[0]


def test_a_fall_of_exactly_the_share_is_not_more_than_it() -> None:
    assert not should_retrain(measured([0.72] * 4), POLICY).retrain
    assert should_retrain(measured([0.7199] * 4), POLICY).retrain


def test_an_error_that_grew_is_a_fall_and_one_that_shrank_is_none() -> None:
    assert should_retrain(errors([11.1] * 4, 10.0), POLICY).retrain
    assert not should_retrain(errors([8.0] * 4, 10.0), POLICY).retrain
    assert not should_retrain(measured([0.99] * 4), POLICY).retrain


def test_a_baseline_below_zero_or_at_zero_has_a_direction_too() -> None:
    assert should_retrain(measured([-0.6] * 4, baseline=-0.5), POLICY).retrain
    assert not should_retrain(measured([-0.4] * 4, baseline=-0.5), POLICY).retrain
    assert should_retrain(errors([0.01] * 4, 0.0), POLICY).retrain


def test_too_few_windows_with_a_metric_are_not_judged() -> None:
    advice = should_retrain(measured([0.1, 0.1, 0.1]), POLICY)
    assert (advice.retrain, advice.metric, advice.windows) == (False, None, 3)


def test_windows_whose_labels_have_not_come_are_passed_over() -> None:
    assert should_retrain(measured([0.5, None, 0.5, 0.5, 0.5, None, None]), POLICY).windows == 4


def test_what_a_model_did_that_was_replaced_does_not_count() -> None:
    checks = [*measured([0.1] * 9, model="mdl_old"), *measured([0.8] * 3, model="mdl_new")]
    advice = should_retrain(checks, POLICY)
    assert (advice.retrain, advice.windows) == (False, 3)


def test_another_metric_than_the_one_measured_now_does_not_count() -> None:
    assert should_retrain([*measured([0.1] * 9), *errors([10.0] * 3, 10.0)], POLICY).windows == 3


def test_without_checks_or_without_a_baseline_there_is_no_advice() -> None:
    assert not should_retrain([], POLICY).retrain
    unknown = [check("mon", n, value=0.1, baseline=None) for n in range(1, 9)]
    assert not should_retrain(unknown, POLICY).retrain


def test_both_reasons_are_told() -> None:
    checks = [*measured([0.5] * 4), check("mon", 5, DRIFTED, value=0.5)]
    assert len(should_retrain(checks, POLICY).reasons) == 2


def test_an_action_has_its_date_from_the_policy() -> None:
    assert action_of(Level.ORANGE, POLICY, START) == (POLICY.actions.orange, START + timedelta(hours=48))
    assert action_of(Level.RED, POLICY, START) == (POLICY.actions.red, START)
    assert action_of(Level.GREEN, POLICY, START) == (POLICY.actions.green, None)
