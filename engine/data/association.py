"""How strongly one column goes with the target, in [0, 1], corrected for what chance alone would show.

- number with number: |Spearman's rank correlation|
- category with class: Cramér's V, bias-corrected (Bergsma 2013)
- number with class, or category with number: the correlation ratio, corrected for the number of groups
  (epsilon squared, Kelley 1935); its square root
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.kinds import Task

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_MOST_ROWS = 50_000
_LEAST_ROWS = 10
_NUMERIC = {"number", "integer", "datetime"}


def relation(values: pd.Series, target: pd.Series, kind: str, task: Task) -> float | None:
    """Association over the rows where both are present; None for text, images, identifiers and too few rows."""
    if kind in {"text", "image", "identifier"}:
        return None
    both = _sample((values.notna() & target.notna()).to_numpy(dtype=bool))
    if len(both) < _LEAST_ROWS:
        return None
    column, goal = values.iloc[both], target.iloc[both]
    if task == "regression":
        numbers = _floats(goal)
        return spearman(_floats(column), numbers) if kind in _NUMERIC else correlation_ratio(_codes(column), numbers)
    classes = _codes(goal)
    return correlation_ratio(classes, _floats(column)) if kind in _NUMERIC else cramers_v(_codes(column), classes)


def lone_strength(values: pd.Series, target: pd.Series, kind: str, task: Task) -> float | None:
    """How well this column alone ranks or names the target, in [0, 1].

    As `relation`, but for a numeric column and two classes it is |2 AUC - 1|, which reaches 1 for every perfect
    separation, however the numbers are spread.
    """
    if task != "binary" or kind not in _NUMERIC:
        return relation(values, target, kind, task)
    both = _sample((values.notna() & target.notna()).to_numpy(dtype=bool))
    if len(both) < _LEAST_ROWS:
        return None
    classes = _codes(target.iloc[both])
    ranks = _ranks(_floats(values.iloc[both]))
    positive = int(classes.sum())
    negative = len(classes) - positive
    if positive == 0 or negative == 0:
        return None
    area = (ranks[classes == 1].sum() - positive * (positive + 1) / 2) / (positive * negative)
    return float(abs(2 * area - 1))


def missing_strength(values: pd.Series, target: pd.Series, task: Task) -> float | None:
    """How well the gaps of a column alone tell the target; None when it has (almost) none or nothing else."""
    share = float(values.isna().mean())
    if not 0.01 <= share <= 0.99:
        return None
    return relation(values.isna(), target, "boolean", task)


def spearman(one: Floats, other: Floats) -> float:
    """|Rank correlation| of two columns of the same length; 0 when one is constant."""
    first, second = _ranks(one), _ranks(other)
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float(min(1.0, abs((first * second).sum()) / scale)) if scale > 0 else 0.0


def correlation_ratio(groups: Codes, numbers: Floats) -> float:
    """Share of spread (square root of variance) explained by group means, corrected for the number of groups."""
    rows, counts = len(numbers), np.bincount(groups)
    counts = counts[counts > 0]
    scale = float(np.abs(numbers).max(initial=0.0)) or 1.0  # keeps the squares of huge numbers finite
    scaled = numbers / scale
    total = float(((scaled - scaled.mean()) ** 2).sum())
    if total == 0 or rows <= len(counts):
        return 0.0
    sums = np.bincount(groups, weights=scaled)
    means = sums / np.maximum(np.bincount(groups), 1)
    within = float(((scaled - means[groups]) ** 2).sum())
    explained = 1 - within / total * (rows - 1) / (rows - len(counts))
    return float(np.sqrt(np.clip(explained, 0, 1)))


def cramers_v(one: Codes, other: Codes) -> float:
    """Bias-corrected Cramér's V of two columns of codes."""
    rows, r, c = len(one), int(one.max()) + 1, int(other.max()) + 1
    if r < 2 or c < 2:
        return 0.0
    # only occurring pairs are counted: a full table of two wide columns would not fit in memory
    pairs, observed = np.unique(one * c + other, return_counts=True)
    expected = np.bincount(one)[pairs // c] * np.bincount(other)[pairs % c] / rows
    phi = float((observed**2 / expected).sum() / rows - 1)
    corrected = max(0.0, phi - (r - 1) * (c - 1) / (rows - 1))
    smaller = min(r - (r - 1) ** 2 / (rows - 1), c - (c - 1) ** 2 / (rows - 1)) - 1
    return float(np.sqrt(min(1.0, corrected / smaller))) if smaller > 0 else 0.0


def _sample(present: npt.NDArray[np.bool_]) -> Codes:
    """Positions of the rows to use: all, or an even sample of them."""
    rows: Codes = np.arange(len(present), dtype=np.int64)[present]
    if len(rows) <= _MOST_ROWS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_ROWS, dtype=np.int64)]


def _floats(column: pd.Series) -> Floats:
    if column.dtype.kind == "M":
        return np.asarray(column.astype("int64"), dtype=np.float64)
    return np.asarray(column, dtype=np.float64)


def _codes(column: pd.Series) -> Codes:
    return pd.factorize(column, sort=False)[0].astype(np.int64)


def _ranks(numbers: Floats) -> Floats:
    """Ranks from 1, ties share their mean."""
    return np.asarray(pd.Series(numbers).rank(), dtype=np.float64)
