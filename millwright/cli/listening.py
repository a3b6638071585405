"""Events of a run or a conversation as they come: words where the caller wants them, the work on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from engine.errors import Fixable, MillwrightError
from graphs.events import (
    CheckpointSaved,
    ClaimsChecked,
    Event,
    Handover,
    PlanProposed,
    TextDelta,
    TextRevised,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from millwright.cli.interrupt import Interrupt, Interrupted, cancel_job, stop_on_interrupt
from millwright.cli.live import Course, View, open_view
from millwright.cli.plain import plain
from millwright.cli.reply import console_on

if TYPE_CHECKING:
    from agents.plan import Plan
    from tools.workshop import Workshop

WORTH_SAYING_S = 1.0
TAKEN_BACK = "\n[taken back: a figure or a name in it stands in no result; what follows replaces it]\n"
Result = TypeVar("Result")


def to_stderr(text: str) -> None:
    sys.stderr.write(plain(text))
    sys.stderr.flush()


class Listener:
    """Renders events. The view of a tool's progress is open from its start to its end.

    Args:
        words: where what is said goes.
        live: whether somebody reads along, so that words go out as they come. Else they go out when the answer is
            whole, without what was taken back of it.
    """

    def __init__(
        self,
        workshop: "Workshop",
        budget: float | None = None,
        words: Callable[[str], None] = to_stderr,
        live: bool = True,
    ) -> None:
        self._workshop = workshop
        self._course = Course(budget)
        self._words = words
        self._open = ExitStack()
        self._view: View | None = None
        self._job: str | None = None
        self._live = live
        self._pieces: list[str] = []
        self.plan_shown = ""
        self.notes: list[str] = []
        """What is worth saying of the answers when the turn is through."""

    def __call__(self, event: Event) -> None:
        if not isinstance(event, TextDelta | TextRevised):
            self._pass_on()
        match event:
            case TextDelta():
                self._say_words(event.text)
            case TextRevised():
                self._take_back(event)
            case ClaimsChecked() if event.struck or event.sent_back:
                self.notes.append(_of_claims(event))
            case PlanProposed():
                self.show_plan(event.plan)
            case Handover(agent=agent, task=task):
                self.say(f"[{agent}] {task}")
            case CheckpointSaved(run=run, name=name):
                self.say(f"  checkpoint {run}:{name}")
            case ToolStarted():
                self._begin(event)
            case ToolProgress() if self._view is not None:
                self._view.progress(event.progress)
            case ToolFinished():
                self._end(event)

    def _say_words(self, text: str) -> None:
        if self._live:
            self._words(text)
        else:
            self._pieces.append(text)

    def _take_back(self, event: TextRevised) -> None:
        if self._live:
            self._words(TAKEN_BACK)
        else:
            del self._pieces[max(0, len(self._pieces) - event.deltas) :]

    def _pass_on(self) -> None:
        """Say the words of an answer that is whole."""
        if self._pieces:
            self._words("".join(self._pieces))
            self._pieces = []

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
        from millwright.cli.screens_run import show_plan

        show_plan(plan, console_on(sys.stderr))

    def job_runs(self) -> bool:
        """Whether a job is under way, which keeps its best so far when it is told to stop."""
        return self._view is not None and self._job is not None

    def cancel(self) -> None:
        """Cancel the job that the tool call under way has started, and no other one of this home."""
        if self._job is not None:
            cancel_job(self._workshop.jobs, self._job)

    def close(self) -> None:
        self._pass_on()
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


def _of_claims(event: ClaimsChecked) -> str:
    """What became of claims that nothing holds, in a line."""
    if event.struck:
        values = dict.fromkeys(claim.value for claim in event.claims if not claim.grounded)
        return f"  struck, as no result holds it: {', '.join(values)}"
    return f"  sent back once, as no result holds it: {', '.join(event.taken_back)}"


@contextmanager
def listening(listener: Listener) -> Iterator[Interrupt]:
    """While the block runs, Ctrl-C stops the job under way and keeps its best so far; with no job it ends the block."""
    try:
        with stop_on_interrupt(listener.cancel, listener.say, listener.job_runs) as interrupt:
            yield interrupt
    finally:
        listener.close()


def carried_out(run: str, go_on: str, listener: Listener, work: Callable[[], Result]) -> tuple[Result, int]:
    """What `work` gives, and the exit code: that of Ctrl-C when it was stopped early and kept its best so far.

    Args:
        go_on: how the user goes on with `run`; told whenever something of it is kept.

    Raises:
        Interrupted: stopped by Ctrl-C before there was a result.
        MillwrightError: what `work` raises.
    """
    interrupt = Interrupt()
    try:
        with listening(listener) as interrupt:
            found = work()
    except KeyboardInterrupt as error:
        raise Interrupted(f"Run {run} was left; what is finished is kept.", go_on) from error
    except MillwrightError as error:
        if interrupt.asked:
            raise Interrupted(f"Run {run} was stopped before it had a model.", go_on) from error
        if not isinstance(error, Fixable):
            to_stderr(f"{go_on}\n")
        raise
    return found, interrupt.exit_code
