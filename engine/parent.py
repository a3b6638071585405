"""Ending with the process that started this one, however that ends."""

import ctypes
import os
import signal
import sys
import threading

_SET_DEATH_SIGNAL = 1


def die_with(parent: int) -> None:
    """End this process when `parent`, who started it with a pipe as its standard input, ends, even by kill -9.

    On Linux the kernel sends a signal. The end of the pipe, which `parent` or one before it holds open, does it
    everywhere, and also where the signal was lost because the parent died before it was asked for.
    """
    be_killed_with(parent)
    threading.Thread(target=_wait_for_end_of_input, name="parent", daemon=True).start()


def be_killed_with(parent: int) -> None:
    """As `die_with`, by the signal alone: for a process that reads its input, and ends at the end of it, by itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _wait_for_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)
