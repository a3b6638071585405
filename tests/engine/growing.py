"""How the time of a function of texts grows with their length."""

import time
from collections.abc import Callable


def growth(work: Callable[[str], object], unit: str, end: str = "", size: int = 25_000) -> float:
    """How many times as long `work` takes for a text of twice `size` characters of `unit`: 2 where it is linear.

    It is measured again, up to 3 times, while it is 3 or more: another process may have been in the way.
    """

    def seconds(length: int) -> float:
        text = unit * (length // len(unit)) + end
        begin = time.thread_time()
        work(text)
        return time.thread_time() - begin

    found: list[float] = []
    while not found or (min(found) >= 3 and len(found) < 3):
        # what is done in a few milliseconds is too short to be compared, and cannot be what this looks for
        found.append(seconds(2 * size) / max(seconds(size), 0.01))
    return min(found)
