"""The clock of a run counts work, not the time between two processes; the pace follows from it."""

import json
from pathlib import Path

import pytest

from graphs.clock import RunClock
from graphs.pace import Pace


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_seconds_of_several_processes_add_up_without_the_time_between(tmp_path: Path) -> None:
    hands, file = Hands(), tmp_path / "clock.json"
    with RunClock(file, hands) as clock:
        hands.at += 4
        assert clock.spent() == 4
    hands.at += 1000
    with RunClock(file, hands) as clock:
        hands.at += 2
        assert clock.spent() == 6


def test_a_clock_outside_a_run_stands_still(tmp_path: Path) -> None:
    hands = Hands()
    clock = RunClock(tmp_path / "clock.json", hands)
    with clock:
        hands.at += 3
    hands.at += 50
    assert clock.spent() == 3


def test_the_record_is_kept_while_the_run_works(tmp_path: Path) -> None:
    import time

    file = tmp_path / "clock.json"
    with RunClock(file):
        deadline = time.monotonic() + 10
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 0.5 < json.loads(file.read_text())["spent"] < 10


@pytest.mark.parametrize(("budget", "reserve"), [(5, 2.0), (60, 9.0), (600, 60.0)])
def test_the_end_has_its_reserve(budget: float, reserve: float) -> None:
    pace = Pace(budget)
    assert pace.reserve == pytest.approx(reserve)
    assert pace.for_round(0) == pytest.approx(budget - reserve)


def test_there_is_always_time_for_a_model() -> None:
    pace = Pace(5)
    assert pace.for_round(spent=30) == 1
    assert pace.for_finish(spent=30) == 1
    assert not pace.another_round(1, spent=30)


def test_a_fixed_number_of_models_looks_at_no_clock() -> None:
    pace = Pace(None)
    assert pace.for_round(1e9) is None
    assert pace.for_finish(1e9) is None
    assert not pace.another_round(1, 0)
