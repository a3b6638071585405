"""How long a training has been going, and whether someone wants it to stop; the same answer in every process."""

import time
from collections.abc import Callable

import torch

from engine.training.parallel import Parallel


def never() -> bool:
    """Nobody asks to stop."""
    return False


class Clock:
    """`elapsed` seconds (those of earlier runs of the same training among them) and `stopped`, as of the last `look`.

    Several processes go by the clock of the first, and stop when any of them is asked to; their clocks and wishes are
    only exchanged when there is a time limit or a `stop`, which has to be given in all of them or in none.
    """

    def __init__(self, limit: float | None, stop: Callable[[], bool], parallel: Parallel) -> None:
        self._began = time.monotonic()
        self._limit = limit
        self._stop = stop
        self._parallel = parallel
        self._exchanging = parallel.world > 1 and (limit is not None or stop is not never)
        self.elapsed = 0.0
        self.stopped = False
        self.late = False

    def go_on(self, used: float) -> None:
        """Earlier runs have used so many seconds."""
        self._began -= used

    @property
    def seconds(self) -> float:
        """Since the beginning, by this process's own clock."""
        return time.monotonic() - self._began

    def look(self, reserve: float = 0.0) -> None:
        """Find out the time; it is `late` when less than `reserve` seconds are left until the limit."""
        self.elapsed, self.stopped = self.seconds, self._stop()
        if self._exchanging:
            first = self._parallel.rank == 0
            own = [self.elapsed * first, reserve * first, float(self.stopped)]
            self.elapsed, reserve, stops = self._parallel.total(torch.tensor(own, dtype=torch.float64)).tolist()
            self.stopped = stops > 0
        self.late = self._limit is not None and self.elapsed + reserve >= self._limit
