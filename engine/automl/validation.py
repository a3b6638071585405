"""Which rows a candidate is validated on: folds when rows are few, one holdout when they are many, by time or group
where the dataset was split so, since a random fold would then leak."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.automl.spec import TrainSpec
from engine.errors import BadSplit
from engine.models.base import Target
from engine.tasks import Task

FOLDS = 5
HOLDOUT_SHARE = 0.2
FOLD_ROWS = 20_000
CELLS_PER_SECOND = 40_000
"""Rows x features below which a second of budget affords five folds (measured on two cores)."""
NETWORK_FOLD_ROWS = 1_000
"""Rows from which networks are validated on a holdout; below, a holdout is too small to judge by."""
NETWORK_FOLD_SECONDS = 30.0
TRAINING_CELLS_PER_SECOND = 400_000
TEXT_CELLS = 60


@dataclass(frozen=True)
class Validation:
    """`fold` (n,) int8: the fold in which a row is validated, -1 for rows that are always trained on."""

    method: str
    fold: NDArray[np.int8]

    @property
    def folds(self) -> int:
        return int(self.fold.max()) + 1


def make_validation(
    frame: pd.DataFrame, y: Target, task: Task, spec: TrainSpec, cells: int, networks: bool = False
) -> Validation:
    """Assign rows to folds, by time or group if the spec names such a column.

    `cells` is rows x features; with a budget it decides whether five folds are affordable. Where `networks` are among
    the candidates, usually one holdout: five fits of a network would leave each too little of the time.

    Raises:
        ColumnNotFound is left to the caller; BadSplit: fewer than two groups.
    """
    rng = np.random.default_rng([spec.seed, 1])
    folds = 1 if networks and not _networks_in_folds(len(frame), spec) else _fold_count(len(frame), cells, spec)
    if spec.order_column is not None:
        return Validation("time holdout", _latest(frame[spec.order_column]))
    if spec.group_column is not None:
        groups = _group_codes(frame[spec.group_column], spec.group_column)
        folds = min(folds, int(groups.max()) + 1)
        return Validation(_name(folds, "group "), _whole_groups(groups, max(folds, 2), folds == 1, rng))
    strata = np.zeros(len(frame), dtype=np.int64) if task == "regression" else y.astype(np.int64)
    dealt = _dealt(strata, folds if folds > 1 else round(1 / HOLDOUT_SHARE), rng)
    return Validation(_name(folds, ""), dealt if folds > 1 else _first_only(dealt))


def _networks_in_folds(rows: int, spec: TrainSpec) -> bool:
    """Whether a network is fitted five times: few rows, and the time for it.

    Not for a student, which is to be one small network in the end, nor where several processes have to find each other
    for every fit.
    """
    timely = spec.fixed or spec.budget_seconds is None or spec.budget_seconds >= NETWORK_FOLD_SECONDS
    return rows < NETWORK_FOLD_ROWS and timely and spec.student is None and spec.processes == 1


def _fold_count(rows: int, cells: int, spec: TrainSpec) -> int:
    if rows >= FOLD_ROWS:
        return 1
    if spec.fixed or spec.budget_seconds is None:
        return FOLDS
    return FOLDS if cells <= CELLS_PER_SECOND * spec.budget_seconds else 1


def _name(folds: int, how: str) -> str:
    return f"{how}{folds}-fold" if folds > 1 else f"{how}holdout"


def _dealt(strata: NDArray[np.int64], folds: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Deal shuffled rows like cards, one stratum after the other, so that every fold has its share of each."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(strata), dtype=np.int8)
    fold[order] = np.arange(len(strata)) % folds
    return fold


def _first_only(fold: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(fold == 0, 0, -1).astype(np.int8)


def _latest(order: pd.Series) -> NDArray[np.int8]:
    """The last fifth of the rows by time; rows of the moment where it begins stay together. Missing counts as first."""
    ranks = order.rank(method="min", na_option="top").to_numpy()
    latest = ranks > np.quantile(ranks, 1 - HOLDOUT_SHARE, method="lower")
    if not latest.any():
        latest = ranks == ranks.max()
    if latest.all():
        raise BadSplit(f"Column {order.name!r} has one moment only.", "Choose a column that orders the rows.")
    return np.where(latest, 0, -1).astype(np.int8)


def _group_codes(groups: pd.Series, name: str) -> NDArray[np.int64]:
    codes, _ = pd.factorize(groups, use_na_sentinel=False)
    if codes.max() < 1:
        raise BadSplit(f"Column {name!r} has one group only.", "Choose a column with at least two groups.")
    return np.asarray(codes, dtype=np.int64)


def _whole_groups(
    groups: NDArray[np.int64], folds: int, holdout: bool, rng: np.random.Generator
) -> NDArray[np.int8]:  # fmt: skip
    """Put each group, largest first, into the emptiest fold."""
    folds = min(round(1 / HOLDOUT_SHARE), int(groups.max()) + 1) if holdout else folds
    sizes = np.bincount(groups)
    shuffled = rng.permutation(len(sizes))
    loads = np.zeros(folds, dtype=np.int64)
    home = np.empty(len(sizes), dtype=np.int8)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        home[group] = np.argmin(loads)
        loads[home[group]] += sizes[group]
    return _first_only(home[groups]) if holdout else home[groups]


def row_limit(rows: int, features: int, texts: int, spec: TrainSpec) -> int:
    """How many rows the budget can turn into features at all; all of them without a clock."""
    if spec.fixed or spec.budget_seconds is None:
        return rows
    width = features - texts + TEXT_CELLS * texts
    return min(rows, max(2_000, int(spec.budget_seconds * TRAINING_CELLS_PER_SECOND / max(1, width))))


def sample_rows(y: Target, task: Task, limit: int, keep: Sequence[int], seed: int) -> NDArray[np.int64]:
    """`limit` row positions in ascending order, drawn at random; `keep` are always among them (rare classes)."""
    rng = np.random.default_rng([seed, 2])
    chosen = rng.permutation(len(y))[:limit]
    return np.unique(np.concatenate([chosen, np.asarray(keep, dtype=np.int64)]))
