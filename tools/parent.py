"""Ending with the process that started this one, however that ends."""

import ctypes
import os
import signal
import sys
import threading

_SET_DEATH_SIGNAL = 1


def die_with_parent(parent: int) -> None:
    """End this process when `parent` ends, even by kill -9.

    The kernel's death signal does it; the end of standard input, a pipe that the parent holds open, does it as well
    where the signal was lost because the parent died before it was asked for.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    threading.Thread(target=_wait_for_end_of_input, name="parent", daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)
