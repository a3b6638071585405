"""The progress of a job while it runs, on stderr: bars and a growing leaderboard on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from engine.progress import FitFinished, FitProgress, FitStarted, Note, Progress, StageStarted
from millwright.cli.plain import plain
from millwright.cli.reply import console_on

FRAMES_PER_SECOND = 8


@dataclass
class Course:
    """What has happened so far, over all tool calls of one command; `budget` in seconds."""

    budget: float | None = None
    started: float = field(default_factory=time.monotonic)
    fits: list[FitFinished] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.started


class View(Protocol):
    """Something that shows progress and says sentences."""

    def progress(self, progress: Progress) -> None: ...

    def say(self, text: str) -> None: ...


class Lines:
    """One line per event, for a pipe or a log."""

    def __init__(self, course: Course) -> None:
        self.course = course

    def progress(self, progress: Progress) -> None:
        line = describe(progress)
        if line:
            self.say(f"[{self.course.spent:5.1f} s] {line}")

    def say(self, text: str) -> None:
        print(plain(text), file=sys.stderr, flush=True)


class Screen:
    """The current stage, the current fit and the budget as bars above the leaderboard so far."""

    def __init__(self, console: Console, course: Course) -> None:
        self.console = console
        self.course = course
        self.bars = Bars(
            TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.fields[note]}"), console=console
        )
        self.clock = self.bars.add_task("time", total=course.budget, note="")
        self.fit: TaskID | None = None

    def progress(self, progress: Progress) -> None:
        match progress:
            case StageStarted():
                self.bars.update(self.clock, description=progress.stage)
            case FitStarted():
                self._begin(f"  {progress.model} ({progress.index} of {progress.total})")
            case FitProgress() if self.fit is not None:
                self.bars.update(self.fit, completed=progress.done, total=progress.total)
            case FitFinished():
                self._begin(None)
                self.course.fits.append(progress)
            case Note():
                self.say(progress.text)

    def say(self, text: str) -> None:
        self.console.print(plain(text), highlight=False, markup=False)

    def _begin(self, fit: str | None) -> None:
        if self.fit is not None:
            self.bars.remove_task(self.fit)
        self.fit = None if fit is None else self.bars.add_task(fit, total=None, note="")

    def __rich__(self) -> Group:
        spent, budget, fits = self.course.spent, self.course.budget, self.course.fits
        note = f"{spent:.0f} s" if budget is None else f"{spent:.0f} of {budget:.0f} s"
        self.bars.update(self.clock, completed=spent, note=note)
        return Group(self.bars, leaderboard_so_far(fits)) if fits else Group(self.bars)


def leaderboard_so_far(fits: list[FitFinished]) -> Table:
    """The finished fits; the order is that of finishing, since only the engine knows which metric is better high."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("model", fits[-1].metric, "seconds", ""):
        table.add_column(heading, justify="left" if heading in ("model", "") else "right")
    for fit in fits:
        value = "-" if fit.validation is None else f"{fit.validation:.4f}"
        told = fit.detail if fit.status == "done" else fit.status
        table.add_row(fit.model, value, f"{fit.seconds:.1f}", Text(plain(told)))
    return table


def describe(progress: Progress) -> str:
    """One line for a log; '' for what would only fill it."""
    match progress:
        case StageStarted():
            return f"{progress.stage} {progress.detail}".strip()
        case FitStarted():
            return f"fit {progress.model} ({progress.index} of {progress.total})"
        case FitFinished(validation=None):
            return f"{progress.model} {progress.status} {progress.detail}".strip()
        case FitFinished():
            return f"{progress.model} {progress.metric} {progress.validation:.4f} in {progress.seconds:.1f} s"
        case Note():
            return progress.text
        case _:
            return ""


@contextmanager
def open_view(course: Course) -> Iterator[View]:
    """A view for this stderr, closed at the end."""
    console = console_on(sys.stderr)
    if not console.is_terminal or console.is_dumb_terminal or console.no_color:
        yield Lines(course)
        return
    screen = Screen(console, course)
    with Live(screen, console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True):
        yield screen
