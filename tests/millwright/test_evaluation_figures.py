"""The figures of an evaluation, recomputed by hand."""

from math import isclose

import numpy as np
import pytest

from millwright.evaluation_figures import Tried, compared, figures_of, wilson


def tried(scenario: str, ok: bool, model: str = "a", repeat: int = 0, **more: object) -> Tried:
    given = {"claims": 4, "grounded": 3, "calls": 2, "valid": 1, "prompt_tokens": 100, "completion_tokens": 20}
    kind = "plans" if scenario < "c" else "tools"
    whole = {"model": model, "scenario": scenario, "kind": kind, "repeat": repeat, "ok": ok, "unmet": (), **given}
    return Tried.model_validate({**whole, "cost": 0.5, "seconds": 2.0, **more})


def test_wilsons_interval_is_that_of_the_formula() -> None:
    # 7 of 10: centre (0.7 + 1.92073) / (1 + 0.384146), half 1.95996 sqrt(0.021 + 0.0096036) / 1.384146
    low, high = wilson(7, 10)
    assert isclose(low, 0.396778, abs_tol=1e-5)
    assert isclose(high, 0.892209, abs_tol=1e-5)
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
    assert wilson(5, 5)[0] == pytest.approx(5 / (5 + 1.959963984540054**2))


def test_shares_and_means_are_those_of_the_trials() -> None:
    trials = [
        tried("a", True, seconds=1.0, cost=0.1),
        tried("b", False, claims=0, grounded=0, seconds=3.0, cost=0.2),
        tried("c", True, claims=10, grounded=10, prompt_tokens=400),
    ]
    found = figures_of("a", [*trials, tried("a", False, model="b")])
    assert (found.success.hits, found.success.of, found.success.value) == (2, 3, 2 / 3)
    assert (found.grounded.hits, found.grounded.of, found.grounded.value) == (13, 14, 13 / 14)
    assert (found.valid_calls.hits, found.valid_calls.of, found.valid_calls.value) == (3, 6, 0.5)
    assert found.tokens.value == pytest.approx((120 + 120 + 420) / 3)
    assert found.seconds.value == pytest.approx(2.0)
    assert found.cost is not None
    assert found.cost.value == pytest.approx(0.8 / 3)
    assert {kind: (share.hits, share.of) for kind, share in found.kinds.items()} == {"plans": (1, 2), "tools": (1, 1)}
    assert {name: share.hits for name, share in found.scenarios.items()} == {"a": 1, "b": 0, "c": 1}


def test_an_interval_holds_its_value_and_is_the_same_each_time() -> None:
    trials = [tried(f"s{number}", number % 3 > 0, seconds=float(number)) for number in range(12)]
    found, again = figures_of("a", trials, seed=3), figures_of("a", trials, seed=3)
    assert found == again
    for share in (found.success, found.grounded, found.valid_calls):
        assert share.ci is not None
        assert share.value is not None
        assert share.ci[0] <= share.value <= share.ci[1]
    assert found.seconds.ci[0] < found.seconds.value < found.seconds.ci[1]


def test_repeats_of_one_scenario_make_no_interval_narrower_than_scenarios_allow() -> None:
    # two scenarios, each always the same: with ten repeats there are still two things known
    trials = [tried(name, name == "a", repeat=repeat) for name in ("a", "b") for repeat in range(10)]
    found = figures_of("a", trials).success
    assert found.value == 0.5
    assert found.ci == (0.0, 1.0)


def test_what_was_never_stated_or_priced_has_no_figure() -> None:
    trials = [tried("a", True, claims=0, grounded=0, cost=None), tried("b", True, claims=0, grounded=0)]
    found = figures_of("a", trials)
    assert found.grounded.value is None
    assert found.grounded.ci is None
    assert found.cost is None


def test_a_draw_of_scenarios_that_state_nothing_is_left_out() -> None:
    trials = [tried("a", True), tried("b", True, claims=0, grounded=0)]
    found = figures_of("a", trials).grounded
    assert found.value == 0.75
    assert found.ci is not None
    assert np.isfinite(found.ci).all()


def test_two_models_are_compared_on_the_scenarios_that_both_played() -> None:
    one = [tried("a", True), tried("b", True), tried("c", True, seconds=6.0), tried("only", False)]
    other = [tried("a", False, model="b"), tried("b", True, model="b"), tried("c", False, model="b")]
    found = compared("a", "b", [*one, *other])
    assert found is not None
    assert found.scenarios == 3
    assert found.success.value == pytest.approx(3 / 3 - 1 / 3)
    assert found.seconds.value == pytest.approx((2 + 2 + 6) / 3 - 2)
    assert found.grounded is not None
    assert found.grounded.value == pytest.approx(0.0)
    assert found.grounded.ci == (0.0, 0.0)
    assert not found.grounded.clear
    assert compared("a", "b", one) is None


def test_a_difference_is_clear_where_every_scenario_says_so_and_not_where_they_disagree() -> None:
    names = [f"s{number}" for number in range(8)]
    better = [tried(name, True) for name in names] + [tried(name, False, model="b") for name in names]
    mixed = [tried(name, number % 2 == 0) for number, name in enumerate(names)]
    mixed += [tried(name, number % 2 == 1, model="b") for number, name in enumerate(names)]
    first, second = compared("a", "b", better), compared("a", "b", mixed)
    assert first is not None
    assert second is not None
    assert (first.success.value, first.success.ci, first.success.clear) == (1.0, (1.0, 1.0), True)
    assert second.success.value == 0.0
    assert not second.success.clear


def test_pairs_make_a_difference_surer_than_each_models_own_interval() -> None:
    # times differ much between scenarios and by exactly one second between models
    one = [tried(f"s{number}", True, seconds=10.0 * number + 1) for number in range(9)]
    other = [tried(f"s{number}", True, model="b", seconds=10.0 * number) for number in range(9)]
    found = compared("a", "b", [*one, *other])
    assert found is not None
    assert found.seconds.ci == pytest.approx((1.0, 1.0))
