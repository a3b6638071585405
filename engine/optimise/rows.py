"""Which rows of the training part of a dataset a variant is made from, and on which it is compared with the original.

They never overlap, and the sealed test rows are in neither. Where the record of the training is still there, the rows
compared on are those that a candidate was validated on; otherwise they are drawn as a new validation would draw them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.automl.members import blend
from engine.automl.record import Record
from engine.automl.spec import TrainSpec
from engine.automl.validation import make_validation
from engine.models.base import Floats, Target
from engine.package_info import PackageInfo
from engine.tasks import encode_target

MOST_GUARD = 4_000
"""Rows compared on at most: more change no interval that matters and take time with every variant."""
MOST_TRAIN = 50_000
LEAST_GUARD = 30

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """`train` are made from, `guard` compared on, with their encoded targets; `words` say which `guard` are.

    `unseen_train` and `unseen_guard`, (n,) or (n, classes), are the answers of the model's own kind by models of its
    training that had not seen these rows (out of fold), NaN where there are none; None where the record is gone. Trees
    know the rows that they were fitted on by heart: who learns from the model, or is compared with it, without having
    seen these rows, is to be measured by these.
    """

    train: pd.DataFrame
    y_train: Target
    guard: pd.DataFrame
    y_guard: Target
    words: str
    unseen_train: Floats | None = None
    unseen_guard: Floats | None = None


def rows_of(frame: pd.DataFrame, info: PackageInfo, run: Path, seed: int) -> Rows:
    """Divide the training rows of the model's dataset; `run` is the folder of its training, which may be gone."""
    y = encode_target(frame[info.target], info.task, info.classes)
    known = np.isfinite(y) if info.task == "regression" else y >= 0
    frame, y = frame[known], y[known]
    recorded = _recorded(run, known)
    fold, words = recorded or _drawn(frame, y, info)
    unseen = None if recorded is None else _unseen(run, known, info)
    guard, train = np.flatnonzero(fold == 0), np.flatnonzero(fold != 0)
    rng = np.random.default_rng([seed, 5])
    guard, train = _at_most(guard, MOST_GUARD, rng), _at_most(train, MOST_TRAIN, rng)
    return Rows(
        frame.iloc[train], y[train], frame.iloc[guard], y[guard], f"{len(guard):,} {words}",
        unseen_train=None if unseen is None else unseen[train], unseen_guard=None if unseen is None else unseen[guard],
    )  # fmt: skip


def _recorded(run: Path, known: NDArray[np.bool_]) -> tuple[Places, str] | None:
    """The first fold of the training: rows that it did not use count as rows to make from."""
    try:
        position, fold = Record(run).rows()
    except OSError:
        return None
    if position.max(initial=-1) >= len(known):
        return None
    whole = np.full(len(known), -1, dtype=np.int64)
    whole[position] = fold
    if not (whole[known] >= 0).any():
        return None
    return _joined(whole[known]), (
        "rows that its training validated candidates on (the model itself was fitted on them later)"
    )


def _joined(fold: Places) -> Places:
    """With few rows, as many folds as make LEAST_GUARD rows count as the first, and half of them at most."""
    folds = int(fold.max()) + 1
    counts = np.cumsum([(fold == one).sum() for one in range(folds)])
    wanted = min(int(np.searchsorted(counts, LEAST_GUARD)) + 1, max(1, folds // 2))
    return np.where((fold >= 0) & (fold < wanted), 0, fold)


def _unseen(run: Path, known: NDArray[np.bool_], info: PackageInfo) -> Floats | None:
    """Out-of-fold answers to all rows with a label; None where a member has left none."""
    record, weights = Record(run), dict[str, float]()
    for member in info.members:
        candidate = member.name.partition("/")[0]  # a model of one fold is 'forest/fold-0'
        weights[candidate] = weights.get(candidate, 0.0) + member.weight
    try:
        position, _ = record.rows()
        parts = blend([record.prediction(name) for name in weights], list(weights.values()))
    except (OSError, ValueError, KeyError):
        return None
    whole = np.full((len(known), *parts.shape[1:]), np.nan)
    whole[position] = parts
    return np.asarray(whole[known], dtype=np.float64)


def _drawn(frame: pd.DataFrame, y: Target, info: PackageInfo) -> tuple[Places, str]:
    said: Mapping[str, object] = info.lineage.spec
    spec = TrainSpec.model_validate({**said, "max_models": None, "budget_seconds": 1.0})
    fold = make_validation(frame, y, info.task, spec, cells=0).fold.astype(np.int64)
    return fold, "training rows drawn for this, since the record of its training is gone"


def _at_most(rows: Places, most: int, rng: np.random.Generator) -> Places:
    return rows if len(rows) <= most else np.sort(rng.permutation(rows)[:most])
