"""Ctrl-C while a job runs: the first asks the job to stop and keeps the best so far, the second leaves at once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from engine.errors import MillwrightError, NotFound

if TYPE_CHECKING:
    from tools.workshop import Jobs

PATIENCE_S = 10.0
LOOK_EVERY_S = 0.1
EXIT_CODE = 130
"""What a shell reports for a command that was ended by Ctrl-C."""


class Interrupted(MillwrightError):
    """The user left; the hint says how to go on."""

    code = "interrupted"


def cancel_job(jobs: "Jobs", job: str) -> None:
    """Cancel a job that was asked for; it may take a moment until it is on record."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            jobs.cancel(job)
            return
        except NotFound:
            if time.monotonic() > deadline:
                return
            time.sleep(LOOK_EVERY_S)


@dataclass
class Interrupt:
    """Whether the user asked to stop."""

    asked: bool = False

    @property
    def exit_code(self) -> int:
        return EXIT_CODE if self.asked else 0


@contextmanager
def stop_on_interrupt(
    cancel: Callable[[], object], say: Callable[[str], None], working: Callable[[], bool] = lambda: True
) -> Iterator[Interrupt]:
    """While the block runs, Ctrl-C calls `cancel` and lets the block come to its end.

    A second Ctrl-C, and one while `working` says that no job runs, raises KeyboardInterrupt.
    `cancel` runs in a thread of its own: the signal may have arrived in the middle of a database call of this one.
    """
    interrupt = Interrupt()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if interrupt.asked or not working():
            raise KeyboardInterrupt
        interrupt.asked = True
        say("Stopping; what can be used by then is kept. Press Ctrl-C again to leave without it.")
        threading.Thread(target=cancel, name="cancel", daemon=True).start()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
