"""What kind of problem a target makes, its classes in words, and whether it can be learned at all."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import BadChoice, TargetUnusable, TooFewRows
from engine.kinds import Task as Task

TASKS: tuple[Task, ...] = get_args(Task)

MIN_ROWS = 5
"""Labelled training rows below which nothing is learned; an import of ten rows leaves as many for any usual split."""

MAX_CLASSES = 200
MAX_INTEGER_CLASSES = 20
POSITIVE_WORDS = frozenset({"1", "yes", "true", "y", "t", "positive"})
NEGATIVE_WORDS = frozenset({"0", "-1", "no", "false", "n", "f", "negative"})


def infer_task(target: pd.Series, kind: str) -> Task:
    """The task that a target of this declared kind makes.

    Two values are binary. Text is otherwise multiclass, whole numbers are multiclass up to 20 distinct values that
    repeat (ten times on average), everything else is regression.

    Raises:
        TargetUnusable: a date or an image cannot be predicted.
    """
    if kind == "image":
        raise TargetUnusable(f"Target {target.name!r} holds images, not answers.", "Choose another column.")
    if kind == "datetime":
        raise TargetUnusable(
            f"Target {target.name!r} is a date, which cannot be predicted.", "Turn it into a number or choose another."
        )
    values = target.dropna()
    distinct = int(values.nunique())
    if distinct == 2 or kind == "boolean":
        return "binary"
    if kind in {"category", "text", "identifier"}:
        return "multiclass"
    numbers = values.to_numpy(dtype=np.float64)
    whole = bool(np.all(numbers == np.round(numbers)))
    most = MAX_INTEGER_CLASSES if kind == "integer" else MAX_INTEGER_CLASSES // 2
    if whole and distinct <= most and len(values) >= 10 * distinct:
        return "multiclass"
    return "regression"


def check_task(task: str) -> Task:
    """The task by its name.

    Raises:
        BadChoice: not a task.
    """
    for known in TASKS:
        if known == task:
            return known
    raise BadChoice("task", task, TASKS)


def check_target(series: pd.Series, task: Task) -> None:
    """Refuse a target that nothing can be learned from.

    Raises:
        TargetUnusable: all missing, constant, not numbers for regression, or the wrong number of classes.
        TooFewRows: fewer than `MIN_ROWS` labelled rows.
    """
    values = series.dropna()
    name = repr(series.name)
    if values.empty:
        raise TargetUnusable(f"Target {name} has no value in any row.", "Choose another column.")
    distinct = int(values.nunique())
    if distinct == 1:
        raise TargetUnusable(
            f"Target {name} is {label_text(values.iloc[0])!r} in every row, so there is nothing to predict.",
            "Choose a column with at least two values.",
        )
    if len(values) < MIN_ROWS:
        raise TooFewRows(
            f"Target {name} is known in only {len(values)} training row(s).", f"Give at least {MIN_ROWS} of them."
        )
    _check_classes(values, distinct, task, name)


def _check_classes(values: pd.Series, distinct: int, task: Task, name: str) -> None:
    if task == "regression":
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            raise TargetUnusable(f"Target {name} does not hold numbers.", "Choose task='multiclass' or another column.")
    elif task == "binary" and distinct != 2:
        raise TargetUnusable(f"Target {name} has {distinct} values, not two.", "Choose task='multiclass'.")
    elif distinct > MAX_CLASSES or distinct > len(values) / 2:
        raise TargetUnusable(
            f"Target {name} has {distinct} classes in {len(values)} rows, too many to learn.",
            "Choose a column with fewer classes, or task='regression' if it holds numbers.",
        )


def label_text(value: object) -> str:
    """A label as text: whole numbers without a decimal point, booleans as 'True' and 'False'."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def class_names(series: pd.Series, task: Task) -> tuple[str, ...]:
    """The classes of a target as text, in code order; () for regression.

    Numbers stand in numeric order, text in alphabetical order. A binary target is (negative, positive): positive is
    the value that says so (1, yes, true ...) where the other denies it (0, no, false ...), or else the rarer one, since
    that is the one people look for.
    """
    if task == "regression":
        return ()
    counts = series.dropna().value_counts()
    ordered = sorted(counts.index)
    names = [label_text(value) for value in ordered]
    if task == "binary" and len(names) == 2:
        low, high = (name.lower() for name in names)
        if low in NEGATIVE_WORDS and high in POSITIVE_WORDS:
            return tuple(names)
        denied = low in POSITIVE_WORDS and high in NEGATIVE_WORDS
        if denied or counts[ordered[0]] < counts[ordered[1]]:
            names.reverse()
    return tuple(names)


def encode_target(series: pd.Series, task: Task, classes: Sequence[str]) -> NDArray[np.float64] | NDArray[np.int64]:
    """The target as numbers: (n,) float64 for regression (NaN where missing), else (n,) int64 codes into `classes`.

    A missing or unknown class has code -1.
    """
    if task == "regression":
        numbers = pd.to_numeric(series, errors="coerce").astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, np.nan)
    codes = {name: code for code, name in enumerate(classes)}
    known = {value: codes.get(label_text(value), -1) for value in series.dropna().unique()}
    return np.array([-1 if pd.isna(value) else known[value] for value in series], dtype=np.int64)
