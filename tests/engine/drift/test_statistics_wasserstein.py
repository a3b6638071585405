"""Wasserstein: exact as in scipy, and an effect that one wild value cannot move."""

import numpy as np
import pytest
from scipy import stats

from engine.drift.reference import Floats, Steps
from engine.drift.statistics.steps import from_sorted
from engine.drift.statistics.wasserstein import moved, wasserstein

DRAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy": lambda rng, n: rng.standard_cauchy(n),
    "skewed": lambda rng, n: rng.lognormal(0, 2, n),
    "tied": lambda rng, n: rng.normal(size=n).round(1),
    "few": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "dates": lambda rng, n: 1.7e9 + 1e6 * rng.random(n),
}


def steps_of(values: Floats) -> Steps:
    return from_sorted(np.sort(np.asarray(values, dtype=np.float64)))


@pytest.mark.parametrize("sizes", [(1, 1), (7, 3), (3, 7), (1_000, 1_000), (5_000, 300), (300, 5_000), (20_000, 7_777)])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_distance_is_that_of_scipy(draw: str, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sizes)
    first, second = DRAWS[draw](rng, sizes[0]), 1.1 * DRAWS[draw](rng, sizes[1])
    right = stats.wasserstein_distance(first, second)
    assert moved(steps_of(first), steps_of(second)).distance == pytest.approx(right, rel=1e-7)
    assert wasserstein(steps_of(first), steps_of(second)) == pytest.approx(right, rel=1e-7)


def test_nothing_moved_between_a_sample_and_itself() -> None:
    same = steps_of(np.random.default_rng(0).normal(size=1_000))
    assert moved(same, same).distance == moved(same, same).effect == 0.0


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_the_effect_is_in_standard_deviations(scale: float) -> None:
    rng = np.random.default_rng(1)
    found = moved(steps_of(scale * rng.normal(size=50_000)), steps_of(scale * rng.normal(0.5, 1, 50_000)))
    assert found.effect == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("wild", [1e6, -1e6, 1e300])
@pytest.mark.parametrize("side", [0, 1])
def test_one_wild_value_moves_the_effect_by_a_hundredth_at_most(side: int, wild: float) -> None:
    rng = np.random.default_rng(2)
    samples = [rng.normal(size=10_000), rng.normal(0.8, 1, 10_000)]
    before = moved(steps_of(samples[0]), steps_of(samples[1])).effect
    samples[side][0] = wild
    after = moved(steps_of(samples[0]), steps_of(samples[1]))
    assert after.effect == pytest.approx(before, rel=0.01)
    assert after.distance > 90


@pytest.mark.parametrize("share", [0.6, 0.9, 0.99])
def test_where_most_values_are_one_wider_quantiles_give_the_scale(share: float) -> None:
    rng = np.random.default_rng(3)
    first, second = (np.where(rng.random(20_000) < share, 0.0, 1 + rng.random(20_000)) for _ in range(2))
    assert moved(steps_of(first), steps_of(second)).effect == pytest.approx(0, abs=0.05)


def test_against_a_constant_there_is_no_scale_but_there_is_a_distance() -> None:
    constant = steps_of(np.full(100, 3.0))
    assert moved(constant, steps_of(np.full(10, 3.0))).effect == 0.0
    found = moved(constant, steps_of(np.full(10, 5.0)))
    assert (found.distance, found.effect) == (2.0, None)


def test_where_no_double_holds_the_distance_it_is_not_finite_and_nothing_warns() -> None:
    ends = steps_of(np.array([-1.7e308, 0.0, 1.7e308]))
    assert not np.isfinite(moved(ends, steps_of(np.array([-1.7e308, 1.0, 1.7e308]))).distance)
