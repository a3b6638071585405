"""A loop in its own process that can be killed at any place, with a person who answers as told."""

from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Literal

from graphs.events import Emit
from graphs.loop_types import Proposal
from tests.graphs.loopshop import look_after, loop_workshop
from tests.graphs.smallshop import kill_here

Answer = Literal["yes", "no", "nobody"]


def killer(home: Path) -> Emit:
    """A listener at whose word the process dies, e.g. at 'tool_finished announce': after a tool, before its record."""
    return lambda event: kill_here(home, f"{event.kind} {getattr(event, 'call', '')}".strip())


def run(home: Path, answer: Answer) -> None:
    """Look after the monitor once; its summary is left in the home."""

    def approve(_: Proposal) -> bool:
        kill_here(home, "asked")
        return answer == "yes"

    summary = look_after(loop_workshop(home), approve if answer != "nobody" else None, killer(home))
    (home / "summary.json").write_text(summary.model_dump_json())


def started(home: Path, answer: Answer) -> ForkServerProcess:
    """The same in a process of its own, made from one that has loaded everything and runs no threads."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=run, args=(home, answer))
    process.start()
    return process


def ended(home: Path, answer: Answer) -> int | None:
    """How that process ended; -9 where it was killed."""
    process = started(home, answer)
    process.join()
    return process.exitcode
