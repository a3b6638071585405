from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engine.drift.found import StreamAlarm
from engine.drift.streams import Floats, error_streams
from engine.errors import BadArguments

CHANGE = 2_000
ROWS = 4_000
START = datetime(2026, 3, 1, tzinfo=UTC)


def zero_one(seed: int, before: float = 0.2, after: float = 0.4) -> Floats:
    """Errors whose rate changes after 2,000 of 4,000 rows."""
    rate = np.repeat([before, after], [CHANGE, ROWS - CHANGE])
    return (np.random.default_rng([seed, 3]).random(ROWS) < rate).astype(np.float64)


def sizes(seed: int, after: float = 2.0) -> Floats:
    """Absolute errors whose spread changes after 2,000 of 4,000 rows."""
    spread = np.repeat([1.0, after], [CHANGE, ROWS - CHANGE])
    return np.abs(np.random.default_rng([seed, 4]).normal(size=ROWS)) * spread


def by_name(alarms: tuple[StreamAlarm, ...]) -> dict[str, int | None]:
    return {alarm.detector: alarm.first for alarm in alarms}


def figures(trials: int) -> dict[str, tuple[float, float, float]]:
    """Of each detector: share of false alarms before the change, of detections of the others, and median delay."""
    found = [by_name(error_streams(zero_one(seed))) for seed in range(trials)]
    told = {}
    for detector in found[0]:
        first = [alarms[detector] for alarms in found]
        early = [place for place in first if place is not None and place < CHANGE]
        delays = [place - CHANGE for place in first if place is not None and place >= CHANGE]
        told[detector] = len(early) / trials, len(delays) / (trials - len(early)), float(np.median(delays))
    return told


def test_errors_that_double_are_found_as_quickly_as_river_promises() -> None:
    told = figures(60)
    false, detected, delay = told["ADWIN"]
    assert (false, detected) == (0.0, 1.0)
    assert 80 <= delay <= 220
    false, detected, delay = told["Page-Hinkley"]
    assert (false, detected) == (0.0, 1.0)
    assert 150 <= delay <= 320
    false, detected, delay = told["DDM"]
    assert false <= 0.5
    assert detected >= 0.9
    assert 100 <= delay <= 350


def test_sizes_of_errors_that_double_are_found_whatever_their_unit() -> None:
    small, large = error_streams(sizes(0)), error_streams(1e6 * sizes(0))
    assert small == large
    assert by_name(small).keys() == {"ADWIN", "Page-Hinkley"}
    assert all(first is not None and CHANGE <= first < CHANGE + 600 for first in by_name(small).values())


def test_one_wild_error_neither_rings_nor_hides_the_change() -> None:
    errors = sizes(1)
    errors[150], errors[1000] = 1e9, 1e9
    assert all(first is not None and first >= CHANGE for first in by_name(error_streams(errors)).values())


def test_a_model_that_becomes_better_rings_nothing() -> None:
    alarms = by_name(error_streams(zero_one(2, before=0.4, after=0.2)))
    assert alarms["ADWIN"] is None
    assert alarms["Page-Hinkley"] is None


def test_errors_that_stay_as_they_were_ring_neither_adwin_nor_page_hinkley() -> None:
    alarms = [by_name(error_streams(zero_one(seed, after=0.2))) for seed in range(20)]
    assert {(found["ADWIN"], found["Page-Hinkley"]) for found in alarms} == {(None, None)}


def test_rows_are_put_in_the_order_of_their_times_and_the_alarm_tells_its_own() -> None:
    errors = zero_one(3)
    times = [START + timedelta(minutes=minute) for minute in range(ROWS)]
    mixed = np.random.default_rng(0).permutation(ROWS)
    alarms = error_streams(errors[mixed], [times[place] for place in mixed])
    assert by_name(alarms) == by_name(error_streams(errors))
    assert all(alarm.first is not None and alarm.at == times[alarm.first] for alarm in alarms)


def test_errors_that_are_not_finite_are_passed_over_and_still_counted() -> None:
    errors = zero_one(4)
    gaps = np.insert(errors, 0, [np.nan, np.inf])
    whole, gapped = by_name(error_streams(errors)), by_name(error_streams(gaps))
    assert gapped == {name: None if first is None else first + 2 for name, first in whole.items()}


@pytest.mark.parametrize("errors", [[], [np.nan] * 5, [0.0] * 100, [1.0] * 100, [0.5] * 100])
def test_a_stream_without_news_rings_nothing(errors: list[float]) -> None:
    alarms = error_streams(np.array(errors))
    assert all(alarm.first is None and alarm.rows == len(errors) for alarm in alarms)


def test_another_number_of_times_is_refused() -> None:
    with pytest.raises(BadArguments, match=r"1 time\(s\) do not fit 2 error"):
        error_streams(np.zeros(2), [START])
