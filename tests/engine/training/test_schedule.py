"""Learning rates, worked by hand."""

import math

import pytest

from engine.training.schedule import learning_rate
from engine.training.spec import FitSpec


def rates(spec: FitSpec, total: int) -> list[float]:
    return [learning_rate(spec, step, total) for step in range(total)]


def test_constant_stays_after_the_warm_up() -> None:
    spec = FitSpec(learning_rate=0.4, schedule="constant", warmup=0.5)
    assert rates(spec, 8) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4])


def test_linear_falls_to_zero_after_the_last_step() -> None:
    spec = FitSpec(learning_rate=1.0, schedule="linear", warmup=0.2)
    assert rates(spec, 10) == pytest.approx([0.5, 1.0, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_cosine_is_half_way_in_the_middle() -> None:
    spec = FitSpec(learning_rate=2.0, schedule="cosine", warmup=0.0)
    assert rates(spec, 4) == pytest.approx([2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5)])


def test_a_training_of_one_step_learns_at_the_full_rate() -> None:
    assert rates(FitSpec(learning_rate=0.3), 1) == [0.3]


def test_the_schedule_ends_when_the_time_does() -> None:
    spec = FitSpec(learning_rate=1.0, schedule="linear", warmup=0.2, seconds=10.0)
    at = {elapsed: learning_rate(spec, 0, 1000, elapsed) for elapsed in (0.0, 1.0, 2.0, 6.0, 10.0, 12.0)}
    assert at == pytest.approx({0.0: 0.005, 1.0: 0.5, 2.0: 1.0, 6.0: 0.5, 10.0: 0.0, 12.0: 0.0})


def test_steps_count_when_they_are_further_than_the_time() -> None:
    spec = FitSpec(learning_rate=1.0, schedule="linear", warmup=0.0, seconds=100.0)
    assert learning_rate(spec, 5, 10, elapsed=20.0) == pytest.approx(0.5)
