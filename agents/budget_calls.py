"""What a call of a tool costs: a call, the seconds that it trains, the bytes that it adds to the home.

A training is held with the seconds that it is given, or with its estimate; the bytes are those of the files that it
names, and what the folders of the home have grown by when it is through. A job whose time is up is told to stop, and
keeps its best so far.
"""

import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from agents.budget import BudgetSpent, Spent
from agents.budget_purse import Hold, Purse
from engine.errors import JobFailed, MillwrightError, NotFound
from tools.arguments import parse_request
from tools.jobs import CANCELLED_CODE
from tools.spec import ToolResult, ToolSpec
from tools.workshop import Workshop

BUDGET = "budget_seconds"
LOOK_S, LEAST_S = 0.2, 0.1
SLICE_S = 2.0
"""Seconds that are held on top for a training that has no end of its own and is not through."""
LEAST_BYTES = 100_000
"""Held for a call that writes to the home, where no file that it names says more."""
APART = frozenset({"sessions", "logs", "cache", "budgets"})
"""Folders of the home whose growth is not that of a call."""
NOT_MADE = frozenset({"bad_arguments", "tool_not_found"})
"""Errors of calls that were never begun: they are not counted."""


@dataclass
class Charge:
    """One call while it is made. `look` is to be called with its progress."""

    purse: Purse | None = None
    result: ToolResult | None = None
    stopped: BudgetSpent | None = None
    job: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Look at the clock. A job is stopped from outside, and has a result then; anything else ends here.

        Raises:
            BudgetSpent: the seconds of work are through.
        """
        if self.purse is not None and not self.job:
            self.purse.check()


@contextmanager
def charged(
    purse: Purse | None, workshop: Workshop, tool: str, arguments: Mapping[str, object], job: str | None
) -> Iterator[Charge]:
    """Hold what a call may use, and settle what it did use; the block makes it and sets `result`.

    Raises:
        BudgetSpent: there is not enough left; the block is not run. Or its job was stopped before it had anything.
    """
    if purse is None:
        yield Charge()
        return
    spec = workshop.tools.get(tool)
    trains = spec is not None and spec.job and spec.effect == "compute"
    limited = trains and purse.limits("training_seconds")
    there = trains and _is_done(workshop, job)
    seconds, own_end = 0.0, True
    if spec is not None and limited and not there:
        seconds, own_end = _training(workshop, spec, arguments)
    disk = spec is not None and spec.effect != "read" and purse.limits("disk_bytes")
    needs = Spent(tool_calls=1, training_seconds=seconds, disk_bytes=_needed(arguments) if disk else 0)
    hold = purse.hold(needs)
    began, charge = time.monotonic(), Charge(purse, job=job is not None)
    before, calls = 0, 1
    try:
        before = _size(workshop.home) if disk else 0
        with _looked_after(charge, hold, workshop, job, own_end):
            yield charge
    except MillwrightError as error:
        calls = 0 if error.code in NOT_MADE else 1
        if charge.stopped is not None and isinstance(error, JobFailed) and error.code == CANCELLED_CODE:
            raise charge.stopped from error
        raise
    finally:
        took = 0.0
        if trains and calls:
            told = getattr(charge.result, "seconds", None)
            took = float(told) if isinstance(told, int | float) else 0.0 if there else time.monotonic() - began
        grown = max(0, _size(workshop.home) - before) if disk else 0
        # a job whose result is there was charged then, unless whoever waited for it was killed
        job = None if charge.result is None or not trains else job
        hold.settle(Spent(tool_calls=calls, training_seconds=took, disk_bytes=grown), job)


def _is_done(workshop: Workshop, job: str | None) -> bool:
    """Whether a job is only asked for its result again; one that failed is run again."""
    with suppress(NotFound):
        return job is not None and workshop.jobs.status(job).result is not None
    return False


def _training(workshop: Workshop, spec: ToolSpec, arguments: Mapping[str, object]) -> tuple[float, bool]:
    """Seconds that a training is held with, and whether it keeps to them by itself."""
    try:
        request = parse_request(spec, arguments)
        own = getattr(request, BUDGET, None)
        if own is not None:
            return float(own), True
        guess = float(spec.estimate(workshop, request).seconds)
        return max(LEAST_S, guess) if math.isfinite(guess) else LEAST_S, False
    except MillwrightError:
        return LEAST_S, True  # the call itself says what is wrong with it


@contextmanager
def _looked_after(charge: Charge, hold: Hold, workshop: Workshop, job: str | None, own_end: bool) -> Iterator[None]:
    """Tell the job to stop when its seconds are through and no more are left."""
    purse = hold.purse
    if job is None or not (purse.limits("wall_seconds") or not own_end):
        yield
        return
    began = time.monotonic()

    def look() -> None:
        while not charge.over.wait(LOOK_S):
            try:
                purse.check()
                if not own_end and time.monotonic() - began > hold.held.training_seconds - LOOK_S:
                    hold.extend(Spent(training_seconds=SLICE_S))
            except BudgetSpent as error:
                charge.stopped = error
                try:
                    workshop.jobs.cancel(job)
                    return
                except NotFound:
                    pass  # not begun yet: it is told at the next look

    thread = threading.Thread(target=look, name=f"budget-{job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        charge.over.set()
        thread.join()


def _needed(arguments: Mapping[str, object]) -> int:
    """Bytes of the files that the arguments name."""
    found = LEAST_BYTES
    for value in arguments.values():
        if isinstance(value, str) and 0 < len(value) < 4096 and "\0" not in value:
            try:
                found = max(found, Path(value).stat().st_size if Path(value).is_file() else 0)
            except OSError:
                continue
    return found


def _size(home: Path) -> int:
    """Bytes of the files in the folders of the home; databases and journals beside them do not count.

    Others work in the home at the same time: what is gone before it is looked at is passed over.
    """
    total = 0
    for folder, folders, files in os.walk(home):
        if folder == str(home):
            folders[:] = [name for name in folders if name not in APART]
            continue
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
