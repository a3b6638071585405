"""What a listener shows, and which job it cancels."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from os import environ
from pathlib import Path

import pytest

from graphs.events import ToolStarted
from millwright.cli.listening import Listener
from millwright.cli.live import Course, Lines, Screen, open_view
from tests.graphs.smallshop import small_workshop
from tools.training import TrainModelRequest


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def stderr_is_a_terminal(**variables: str) -> Iterator[None]:
    before, real = dict(environ), sys.stderr
    for name in ("NO_COLOR", "TERM"):
        environ.pop(name, None)
    environ.update({"TERM": "xterm-256color", **variables})
    sys.stderr = Terminal()
    try:
        yield
    finally:
        sys.stderr = real
        environ.clear()
        environ.update(before)


@pytest.mark.parametrize(
    ("variables", "view"), [({}, Screen), ({"NO_COLOR": "1"}, Lines), ({"TERM": "dumb"}, Lines)], ids=str
)
def test_bars_move_only_on_a_terminal_that_wants_them(variables: dict[str, str], view: type) -> None:
    with stderr_is_a_terminal(**variables), open_view(Course()) as opened:
        assert isinstance(opened, view)


def test_stopping_cancels_the_job_of_the_call_under_way_and_no_other(home: Path) -> None:
    workshop = small_workshop(home)
    request = TrainModelRequest(dataset="ds_small", target="y")
    for job in ("job_1", "job_2"):
        workshop.jobs._enter("train_model", request, job)  # type: ignore[attr-defined]
    listener = Listener(workshop)
    listener(ToolStarted(call="c", tool="train_model", arguments={}, job="job_1"))
    listener.cancel()
    listener.close()
    assert {job.job: job.state for job in workshop.jobs.list()} == {"job_1": "cancelling", "job_2": "running"}


def test_a_tool_that_is_no_job_has_nothing_to_stop(home: Path) -> None:
    listener = Listener(small_workshop(home))
    listener(ToolStarted(call="c", tool="add", arguments={}))
    assert not listener.job_runs()
    listener.cancel()
    listener.close()
