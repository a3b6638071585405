"""Which logged rows a retraining learns from, and which it keeps for the contest with the champion."""

from functools import cached_property
from typing import TYPE_CHECKING

from engine.data.overlap import overlap
from engine.data.schema import coerce
from engine.drift.baseline import known
from engine.drift.levels import Level
from tools.drift_rows import from_log
from tools.retraining import LEAST_CONTEST, LEAST_FRESH, too_few

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from engine.drift.checking import Answered
    from engine.metrics import Target
    from engine.monitoring.records import Monitor, Window
    from engine.monitoring.rows import WindowRows
    from tools.drift_rows import Watched
    from tools.workshop import Workshop

    Mask = NDArray[np.bool_]

MOST_CONTEST = 2_000
CONTEST_SHARE = 0.4
"""Of the labelled rows since things changed, so many (the newest) are kept for the contest and not trained on."""
LEAST_ALONE = 150
"""Fresh rows from which on a challenger is also trained on them alone: in a world that changed, old rows mislead."""
MOST_LABELLED = 200_000
MOST_CHECKS = 200
OLD_AND_FRESH, FRESH = "old and fresh rows", "fresh rows alone"


class RetrainRows:
    """The newest labelled rows of a monitor, as they are now; places are theirs in the order of the log, from 0.

    Sealed rows of the champion's dataset that came by again are left out of everything, and so are rows with a label
    that the champion does not know: one slip of the pen is no new class, and models of other classes cannot be
    compared.
    """

    def __init__(self, workshop: "Workshop", monitor: "Monitor", champion: "Watched") -> None:
        self._workshop = workshop
        self._monitor = monitor
        self._champion = champion

    @cached_property
    def strange(self) -> int:
        """How many rows have a label that the champion does not know."""
        return int((self._answered.labels.notna() & ~self._known).sum())

    @cached_property
    def contest_from(self) -> str:
        """Id of the row from which on no row is trained on.

        Raises:
            TooFewRows: the champion was trained on nearly all of them.
        """
        places = self._unseen.nonzero()[0]
        if len(places) < LEAST_CONTEST + LEAST_FRESH:
            raise too_few(f"{len(places)} labelled rows of {self._monitor.name!r} are new to its champion")
        share = int(CONTEST_SHARE * (len(self._labelled) - self._changed_from))
        size = max(LEAST_CONTEST, min(MOST_CONTEST, share, len(places) - LEAST_FRESH))
        return self._labelled.ids[int(places[-size])]

    def choices(self) -> "dict[str, pd.DataFrame]":
        """Fresh rows before the contest, by what they are used for: all, to go with the champion's own, and those
        since things changed, to be learned from by themselves."""
        rows = self._rows[~self._sealed & self._known & (self._rows.index < self._place(self.contest_from))]
        changed = rows[rows.index >= self._changed_from]
        # by themselves, what the present champion learned from counts too: it may have been promoted since the change
        alone = len(changed) >= LEAST_ALONE and changed[self._champion.info.target].nunique() > 1
        return {OLD_AND_FRESH: rows[~self._trained[rows.index]], **({FRESH: changed} if alone else {})}

    def contest(self, first: str) -> "tuple[pd.DataFrame, Target]":
        """The newest rows (n, columns) from this id on that are new to the champion, and their true values (n,)."""
        places = self._unseen.nonzero()[0]
        chosen = places[places >= self._place(first)][-MOST_CONTEST:]
        return self._answered.frame.iloc[chosen].reset_index(drop=True), self._answered.truth[chosen]

    def _place(self, row: str) -> int:
        """Of a row; 0 where so many have come since that it is no longer among them."""
        return self._labelled.ids.index(row) if row in self._labelled.ids else 0

    @cached_property
    def _changed_from(self) -> int:
        """Place of the first row since the present trouble shows; 0 where there is none."""
        windows = self._workshop.monitoring.monitors
        troubled = 0
        for check in reversed(windows.history.history(self._monitor.id, MOST_CHECKS)):
            if check.level < Level.ORANGE:
                break
            troubled = check.window
        if not troubled:
            return 0
        return self._first_since(windows.windows.get(self._monitor.id, troubled))

    def _first_since(self, window: "Window") -> int:
        """Place of the first row of a window, or of what came after it where the window has no label yet."""
        # rows of one call share one time, so the time at which a window begins does not tell where it begins
        held = set(self._workshop.monitoring.monitors.windows.read(window).ids)
        inside = (place for place, row in enumerate(self._labelled.ids) if row in held)
        after = (place for place, at in enumerate(self._labelled.times) if at > window.ends)
        return next(inside, next(after, len(self._labelled)))

    @cached_property
    def _labelled(self) -> "WindowRows":
        return self._workshop.monitoring.monitors.windows.recent_labelled(self._monitor.id, MOST_LABELLED)

    @cached_property
    def _answered(self) -> "Answered":
        return from_log(self._champion, self._labelled)

    @cached_property
    def _rows(self) -> "pd.DataFrame":
        """All of them with their target, in the champion's kinds; the index is their place."""
        dataset = self._workshop.datasets.get(self._champion.info.lineage.dataset)
        names = [column.name for column in self._champion.info.columns]
        rows = coerce(self._answered.frame, dataset.schema_.subset(names), strict=False)
        rows[self._champion.info.target] = self._answered.labels
        return rows

    @cached_property
    def _overlap(self) -> "tuple[Mask, Mask]":
        found = overlap(self._workshop.datasets.get(self._champion.info.lineage.dataset), self._rows)
        return found.trained & found.telling, found.sealed & found.telling

    @property
    def _trained(self) -> "Mask":
        return self._overlap[0]

    @property
    def _sealed(self) -> "Mask":
        return self._overlap[1]

    @cached_property
    def _known(self) -> "Mask":
        return known(self._answered.truth, self._champion.info.task)

    @property
    def _unseen(self) -> "Mask":
        """Which (n,) may be judged on: the champion knows the label and was not trained on the row."""
        return self._known & ~self._trained & ~self._sealed
