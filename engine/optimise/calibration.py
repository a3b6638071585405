"""The rows that a quantised model's ranges are taken from: drawn from the training rows, and checked.

Ranges of rows that are unlike those a model meets ruin it without a word: digits calibrated on pixels a hundredth as
bright are told apart no better than by guessing.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.drift.compare import compare
from engine.drift.levels import Level
from engine.drift.policy import Alpha, Policy
from engine.drift.profile import Profile
from engine.drift.reading import named, read_column
from engine.drift.reference import Floats, Steps
from engine.drift.statistics.steps import at_most, from_sorted
from engine.errors import BadCalibration
from engine.metrics import Target
from engine.serving.runtime import Feeds

CALIBRATION_ROWS = 256
"""From 128 rows on the error of a quantised network got no smaller; twice that for columns that are seldom not 0."""
LEAST_ROWS = 100
"""With n rows, 2 / (n + 1) of new values lie outside their range: 2 % for 100."""
CHANCE = 1e-5
"""Probability, for all columns together, with which ranges of random training rows would be called too narrow."""
WIDE, WIDEST = 3.0, 30.0
"""By how many ranges of the training rows a value may lie outside of theirs, as one of a few or at all. The first costs
two of the eight bits, and heavy tails bring it about now and then; the second costs five."""
FEW = 0.01
"""Share of the rows that are a few: ranges can do without them (see `engine.optimise.fallback`)."""

STRICT = Policy(alpha=Alpha(yellow=1e-3, orange=1e-4, red=1e-5))
"""Chance raises fewer false alarms than in monitoring; rows in other units have p-values below 1e-20."""

_MOST_TOLD = 3
_ADVICE = "Give rows drawn at random from those that the model was trained on, in the same units."


def calibration_rows(frame: pd.DataFrame, y: Target, *, rows: int = CALIBRATION_ROWS, seed: int = 0) -> pd.DataFrame:
    """At most so many rows of `frame`, drawn at random and in their order; the caller sees to it that it has training
    rows only.

    With class codes (n,) in `y` each class gets its share, and one row at least as far as there are enough; numbers
    are not looked at.
    """
    rng = np.random.default_rng([seed, 21])
    if len(frame) <= rows:
        return frame
    codes, counts = np.unique(y, return_counts=True)
    if np.issubdtype(y.dtype, np.floating) or len(codes) >= rows:
        return frame.iloc[np.sort(rng.permutation(len(frame))[:rows])]
    drawn = [
        rng.permutation(np.flatnonzero(y == code))[:count]
        for code, count in zip(codes, _shares(counts, rows), strict=True)
    ]
    return frame.iloc[np.sort(np.concatenate(drawn))]


def check_calibration(rows: pd.DataFrame, reference: Profile, *, least: int = LEAST_ROWS, seed: int = 0) -> None:
    """See that calibration rows are like those that the model was made from.

    They must not differ from the profile at ORANGE or RED in any column (see `STRICT`), and the range of a
    column of numbers must be neither so narrow that chance cannot explain it (the probability that n random rows all
    lie in it is the n-th power of the share of the profile that does) nor far outside of the profile's.

    Raises:
        BadCalibration: too few rows, or unlike the profile; says where and what to do.
        BadArguments, DuplicateColumns: `rows` is no frame to compare (see `engine.drift.compare`).
    """
    report = compare(reference, rows, STRICT, seed=seed)
    if len(rows) < least:
        raise BadCalibration(
            f"There are {len(rows):,} calibration rows, and {least:,} are needed: with fewer, more than "
            f"{2 / (least + 1):.0%} of new values lie outside the ranges seen.",
            "Give more rows of those that the model was trained on.",
        )
    told = dict(_ranges(rows, reference))
    for place, finding in enumerate(finding for finding in report.findings if finding.level >= Level.ORANGE):
        told.setdefault(finding.column or str(place), finding.sentence)
    if told:
        first = " ".join(list(told.values())[:_MOST_TOLD])
        more = f" So it is for {len(told) - _MOST_TOLD} more column(s)." if len(told) > _MOST_TOLD else ""
        raise BadCalibration(
            f"The calibration rows are unlike those that the model was made from. {first}{more}",
            _ADVICE,
        )


def check_ranges(calibration: Sequence[Feeds], training: Sequence[Feeds]) -> None:
    """The same check of ranges on what a core takes, after the features are made: floats, each column or channel.

    Images count as their least and greatest pixels, row by row. Whole numbers (codes, tokens) are not looked at.

    Raises:
        BadCalibration: there are no rows, a range is too narrow for chance, or far outside that of the training rows.
    """
    if not calibration:
        raise BadCalibration("There are no calibration rows.", _ADVICE)
    for name in training[0] if training else ():
        given, known = (np.concatenate([_columns(feeds[name]) for feeds in part]) for part in (calibration, training))
        if known.dtype.kind != "f":
            continue
        for place in range(known.shape[1]):
            what = f"Input {name!r}, place {place},"
            words = _range_words(what, given[:, place], from_sorted(np.sort(known[:, place])), known.shape[1])
            if words:
                raise BadCalibration(words, _ADVICE)


def _ranges(rows: pd.DataFrame, reference: Profile) -> Iterator[tuple[str, str]]:
    """Columns whose range is wrong, and what is wrong with it."""
    given = named(rows)
    columns = {
        name: column.steps
        for name, column in reference.columns.items()
        if column.steps is not None and column.kind in {"number", "integer"} and name in given.columns
    }
    for name, steps in columns.items():
        values = read_column(given[name], reference.readings[name]).values
        words = "" if values is None else _range_words(f"Column {name!r}", values, steps, len(columns))
        if words:
            yield name, words


def _range_words(what: str, values: Floats, known: Steps, columns: int) -> str:
    """What is wrong with a range, '' if nothing."""
    if not len(values) or not known.total:
        return ""
    low, high = float(values.min()), float(values.max())
    first, last = float(known.values[0]), float(known.values[-1])
    theirs = f"it goes from {low:.4g} to {high:.4g}, that of the training rows from {first:.4g} to {last:.4g}"
    span = last - first
    outside = np.mean((values < first - WIDE * span) | (values > last + WIDE * span))
    if span > 0 and (outside > FEW or max(first - low, high - last) > WIDEST * span):
        return f"{what} has values far outside the known range: {theirs}."
    inside = at_most(known, np.array([np.nextafter(low, -np.inf), high]))
    share = min(1.0, float(inside[1] - inside[0]) / known.total + 2 * known.error)
    # also a range that holds nothing of the training rows at all
    if share < 1 and (share <= 0 or len(values) * math.log(share) < math.log(CHANCE / max(1, columns))):
        return f"{what} covers too little of the known range, {share:.0%} of the training values: {theirs}."
    return ""


def _columns(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """(n, columns): matrices as they are, of (n, channels, ...) least and greatest value of each channel."""
    if values.ndim <= 2:
        return values.reshape(len(values), -1)
    flat = values.reshape(len(values), values.shape[1], -1)
    return np.concatenate([flat.min(axis=2), flat.max(axis=2)], axis=1)


def _shares(counts: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """How many of `rows` each class gets: its share rounded down, one at least, the rest to the largest remainders."""
    wanted = counts * rows / counts.sum()
    given: NDArray[np.int64] = np.maximum(1, np.floor(wanted)).astype(np.int64)
    for place in np.argsort(given - wanted, kind="stable")[: max(0, rows - int(given.sum()))]:
        given[place] += 1
    while given.sum() > rows:
        given[given.argmax()] -= 1
    return given
