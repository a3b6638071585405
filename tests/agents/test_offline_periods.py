"""Schedules, windows and spans of time, as people say them."""

import pytest

from agents.offline.periods import Window, hours_of, schedule_of, window_of


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        *(("monitor it every hour", "0 * * * *"), ("hourly", "0 * * * *"), ("once an hour", "0 * * * *")),
        *(("every minute", "* * * * *"), ("every 15 minutes", "*/15 * * * *"), ("every half hour", "*/30 * * * *")),
        *(("every 60 minutes", "0 * * * *"), ("every 6 hours", "0 */6 * * *"), ("every 24 hours", "0 0 * * *")),
        *(("every day", "0 0 * * *"), ("daily at 6", "0 6 * * *"), ("every day at 18:45", "45 18 * * *")),
        *(("every day at 6:30pm", "30 18 * * *"), ("each day at 12 am", "0 0 * * *"), ("daily at 12 pm", "0 12 * * *")),
        *(("every night", "0 0 * * *"), ("every morning", "0 6 * * *"), ("daily at noon", "0 12 * * *")),
        *(("twice a day", "0 */12 * * *"), ("every 2 days", "0 0 */2 * *"), ("every week", "0 0 * * 1")),
        *(("every Monday at 8", "0 8 * * 1"), ("on fridays", "0 0 * * 5"), ("every weekday at 7", "0 7 * * 1-5")),
        *(("once a month", "0 0 1 * *"), ("watch it, schedule '5 4 * * 1-5'", "5 4 * * 1-5")),
        *(("every hour with daily windows", "0 * * * *"), ("windows of 200 rows", None), ("hourly windows", None)),
        *(("watch it", None), ("every 200 rows", None), ("windows of 6 hours", None)),
    ],
)
def test_a_rhythm_is_a_cron_expression(words: str, cron: str | None) -> None:
    assert schedule_of(words) == cron


@pytest.mark.parametrize("words", ["every 7 minutes", "every 45 minutes", "every 5 hours", "every 30 seconds"])
def test_a_rhythm_that_cron_cannot_hold_evenly_is_told_from_none_at_all(words: str) -> None:
    assert schedule_of(words) == ""


@pytest.mark.parametrize(
    ("words", "window"),
    [
        *(("windows of 200 rows", Window(rows=200)), ("200-row windows", Window(rows=200))),
        *(("window of 1,000", Window(rows=1000)), ("every 500 predictions", Window(rows=500))),
        *(("in batches of 250", Window(rows=250)), ("1000 rows per window", Window(rows=1000))),
        *(("6-hour windows", Window(hours=6.0)), ("windows of half an hour", Window(hours=0.5))),
        *(("windows of 2 days", Window(hours=48.0)), ("daily windows", Window(hours=24.0))),
        *(("every hour", None), ("watch it", None), ("every 15 minutes", None)),
    ],
)
def test_a_window_has_rows_or_hours(words: str, window: Window | None) -> None:
    assert window_of(words) == window


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        *(("for 4 hours", 4.0), ("for a day", 24.0), ("for two weeks", 336.0), ("for half an hour", 0.5)),
        *(("for 90 minutes", 1.5), ("for 1.5 h", 1.5), ("until tomorrow", None), ("now", None)),
    ],
)
def test_a_span_is_in_hours(words: str, hours: float | None) -> None:
    assert hours_of(words) == hours
