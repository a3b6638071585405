"""Events of a run or a conversation as they come: words where the caller wants them, the work on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from graphs.events import Event, PlanProposed, TextDelta, ToolFinished, ToolProgress, ToolStarted
from millwright.cli.interrupt import Interrupt, cancel_job, stop_on_interrupt
from millwright.cli.live import Course, View, open_view
from millwright.cli.reply import console_on

if TYPE_CHECKING:
    from agents.plan import Plan
    from tools.workshop import Workshop

WORTH_SAYING_S = 1.0


def to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class Listener:
    """Renders events. The view of a tool's progress is open from its start to its end."""

    def __init__(
        self, workshop: "Workshop", budget: float | None = None, words: Callable[[str], None] = to_stderr
    ) -> None:
        self._workshop = workshop
        self._course = Course(budget)
        self._words = words
        self._open = ExitStack()
        self._view: View | None = None
        self._job: str | None = None
        self.plan_shown = ""

    def __call__(self, event: Event) -> None:
        match event:
            case TextDelta():
                self._words(event.text)
            case PlanProposed():
                self.show_plan(event.plan)
            case ToolStarted():
                self._begin(event)
            case ToolProgress() if self._view is not None:
                self._view.progress(event.progress)
            case ToolFinished():
                self._end(event)

    def say(self, text: str) -> None:
        """A sentence beside the work, wherever it is shown now."""
        if self._view is not None:
            self._view.say(text)
        else:
            to_stderr(f"{text}\n")

    def show_plan(self, plan: "Plan") -> None:
        """The plan as a table on stderr, once for each content."""
        if plan.hash == self.plan_shown:
            return
        self.plan_shown = plan.hash
        from millwright.cli.screens import sentences, table

        rows = [
            (number, f"{tool}: {choices}" if choices else tool, why, estimate)
            for number, tool, choices, estimate, why in plan.to_table()
        ]
        total = f"About {plan.seconds:.0f} s in all." if plan.seconds is not None else "Nobody knows how long."
        console = console_on(sys.stderr)
        console.print(sentences("", f"Plan: {plan.goal}"))
        console.print(table((">", "step", "why", ">estimate"), rows))
        console.print(sentences(total, ""))

    def job_runs(self) -> bool:
        """Whether a job is under way, which keeps its best so far when it is told to stop."""
        return self._view is not None and self._job is not None

    def cancel(self) -> None:
        """Cancel the job that the tool call under way has started, and no other one of this home."""
        if self._job is not None:
            cancel_job(self._workshop.jobs, self._job)

    def close(self) -> None:
        self._open.close()
        self._view = None

    def _begin(self, event: ToolStarted) -> None:
        self.close()
        self._job = event.job
        self._view = self._open.enter_context(open_view(self._course))
        self._view.say(f"> {event.tool}")

    def _end(self, event: ToolFinished) -> None:
        self.close()
        if event.error:
            self.say(f"  {event.error}")
        elif event.seconds >= WORTH_SAYING_S:
            self.say(f"  {event.tool}: {event.seconds:.1f} s")


@contextmanager
def listening(listener: Listener) -> Iterator[Interrupt]:
    """While the block runs, Ctrl-C stops the job under way and keeps its best so far; with no job it ends the block."""
    try:
        with stop_on_interrupt(listener.cancel, listener.say, listener.job_runs) as interrupt:
            yield interrupt
    finally:
        listener.close()
