"""The decisions before the first fit: task, metric, columns, rows, validation, candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.automl.portfolio import candidates, family_of
from engine.automl.spec import Preparation, TrainSpec
from engine.automl.validation import Validation, make_validation, row_limit, sample_rows
from engine.data.schema import Schema
from engine.errors import BadBudget, ColumnNotFound, TargetUnusable
from engine.families import NETWORKS
from engine.features import uninformative
from engine.metrics import choose_metric
from engine.models.base import Target
from engine.pixels import pixel_grid
from engine.tasks import Task, check_target, class_names, encode_target, infer_task

RARE_ROWS = 5


@dataclass(frozen=True)
class Prepared:
    """A preparation, the positions of the rows it uses, and their validation folds."""

    preparation: Preparation
    position: NDArray[np.int64]
    validation: Validation


def prepare(frame: pd.DataFrame, schema: Schema, spec: TrainSpec) -> Prepared:
    """Decide everything that needs no fit.

    Raises:
        BadBudget: under one second.
        ColumnNotFound: the target, a dropped column, or the order or group column is not there.
        TargetUnusable, TooFewRows: as `check_target`; no column is left to learn from.
        BadChoice: a metric that is not of the task, or an unknown model.
        BadSplit: a group or order column that cannot divide the rows.
    """
    if not spec.fixed and spec.budget_seconds is not None and not spec.budget_seconds >= 1:
        raise BadBudget(spec.budget_seconds)
    _check_columns(schema, spec)
    target = frame[spec.target]
    task = spec.task or infer_task(target, schema.kind(spec.target))
    check_target(target, task)
    metric = choose_metric(task, target, spec.metric)
    classes = class_names(target, task)
    y = encode_target(target, task, classes)
    features, dropped = _features(frame, schema, spec)
    names = candidates(spec.models, spec.max_models, kinds_of(schema, features), spec.budget_seconds)
    position, notes = _rows(y, task, spec, len(features), len(set(features) & set(schema.of_kind("text"))))
    used = frame.iloc[position]
    cells = len(used) * len(features)
    networks = any(family_of(name) in NETWORKS for name in names)
    validation = make_validation(used, y[position], task, spec, cells, networks)
    preparation = Preparation(
        target=spec.target, task=task, metric=metric.name, validation_method=validation.method, folds=validation.folds,
        features=tuple(features), dropped=dropped, classes=classes, rows=len(used), candidates=names,
        notes=(*notes, *_class_notes(y[position], task, classes)),
    )  # fmt: skip
    return Prepared(preparation, position, validation)


def kinds_of(schema: Schema, features: Sequence[str]) -> set[str]:
    """Kinds of the columns to learn from; numbers that are the pixels of one image count as 'image' too."""
    # all numbers of the data, since pixels that are the same in every row are no features and yet have their place
    grid = pixel_grid(schema.of_kind("number", "integer", "boolean"))
    pixels = grid is not None and not set(features).isdisjoint(grid.columns)
    return {*(schema.kind(name) for name in features), *(("image",) if pixels else ())}


def _check_columns(schema: Schema, spec: TrainSpec) -> None:
    named = [spec.target, *spec.drop, spec.order_column, spec.group_column]
    for name in named:
        if name is not None and name not in schema.names:
            raise ColumnNotFound(name, schema.names)


def _features(frame: pd.DataFrame, schema: Schema, spec: TrainSpec) -> tuple[list[str], dict[str, str]]:
    """Columns to learn from, and why the others are left out."""
    dropped = dict.fromkeys(spec.drop, "left out as asked")
    for name in schema.of_kind("identifier"):
        if name != spec.target:
            dropped.setdefault(name, "it identifies rows")
    if spec.group_column is not None and spec.group_column != spec.target:
        dropped.setdefault(spec.group_column, "it names the groups that rows are kept together by")
    left = [name for name in schema.features(spec.target, spec.drop) if name not in dropped]
    dropped |= uninformative(frame, schema, left)
    features = [name for name in left if name not in dropped]
    if not features:
        reasons = "; ".join(f"{name!r}: {why}" for name, why in list(dropped.items())[:5]) or "it is the only column"
        raise TargetUnusable(
            f"No column is left to predict {spec.target!r} from ({reasons}).",
            "Add a column that says something about it, or override a column's kind.",
        )
    return features, dropped


def _rows(
    y: Target, task: Task, spec: TrainSpec, features: int, texts: int
) -> tuple[NDArray[np.int64], list[str]]:  # fmt: skip
    """Rows with a target, fewer when the budget could not even read them all."""
    known = np.isfinite(y) if task == "regression" else y >= 0
    position = np.flatnonzero(known).astype(np.int64)
    notes = []
    if len(position) < len(y):
        notes.append(f"{len(y) - len(position):,} row(s) without a target are left out.")
    limit = row_limit(len(position), features, texts, spec)
    if limit < len(position):
        rare = _rare_rows(y[position], task)
        notes.append(f"The budget allows {limit:,} of {len(position):,} rows; the others are not used for training.")
        position = position[sample_rows(y[position], task, limit, rare, spec.seed)]
    return position, notes


def _rare_rows(y: Target, task: Task) -> list[int]:
    """Rows of classes so small that a sample could lose them."""
    if task == "regression":
        return []
    counts = np.bincount(y.astype(np.int64))
    return [int(row) for code in np.flatnonzero(counts <= 20 * RARE_ROWS) for row in np.flatnonzero(y == code)]


def _class_notes(y: Target, task: Task, classes: tuple[str, ...]) -> list[str]:
    if task == "regression":
        return []
    counts = np.bincount(y.astype(np.int64), minlength=len(classes))
    return [
        f"Class {name!r} has {count} training row(s): its own scores say little."
        for name, count in zip(classes, counts.tolist(), strict=True)
        if count <= RARE_ROWS
    ]
