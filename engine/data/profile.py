"""Describing the training rows: each column, its association with the target, and warnings in words."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from engine.data.association import lone_strength, missing_strength, relation
from engine.data.cells import clip
from engine.data.image_text import image_sizes
from engine.data.profiled import ColumnProfile as ColumnProfile
from engine.data.profiled import FrameProfile as FrameProfile
from engine.data.profiled import Leak as Leak
from engine.data.schema import Column, Schema
from engine.errors import TargetUnusable
from engine.kinds import Task
from engine.tasks import infer_task

_BINS = 10
_TOP = 5
_MANY_MISSING = 0.3
_RARE_CLASS = 0.1
_FEW_OF_CLASS = 10
_LEAK = 0.98


def profile_frame(
    frame: pd.DataFrame, schema: Schema, target: str | None = None, most_columns: int | None = None
) -> FrameProfile:
    """Profile coerced rows (training rows only: nothing here knows of sealed ones).

    Of a schema with more columns than `most_columns`, the target and the first ones are profiled, and a warning says
    so.

    Raises:
        ColumnNotFound: the target does not exist.
    """
    task = _task(frame, schema, target)
    whole, schema = schema, _cut(schema, target, most_columns)
    cut = len(whole.columns) - len(schema.columns)
    columns = tuple(_column(frame, column, target, task) for column in schema.columns)
    shares = _class_shares(frame, target) if task in {"binary", "multiclass"} and target is not None else {}
    leaks = tuple(_leaks(frame, schema, target, task))
    warnings = [
        *([f"Only {len(columns):,} of {len(whole.columns):,} columns are described here."] if cut else []),
        *(_row_warnings(frame, schema) if not cut else ()),  # rows are not equal for being so in some columns
        *(
            warning
            for column in columns
            for warning in _column_warnings(column, schema.column(column.name), len(frame))
        ),
        *_class_warnings(frame, target, shares),
        *(leak.sentence for leak in leaks),
    ]
    return FrameProfile(
        rows=len(frame),
        columns=columns,
        target=target,
        task=task,
        class_shares=shares,
        warnings=tuple(warnings),
        leaks=leaks,
    )


def _cut(schema: Schema, target: str | None, most: int | None) -> Schema:
    if most is None or len(schema.columns) <= most:
        return schema
    kept = [name for name in schema.names if name != target][: most - 1]
    return schema.subset([*kept, *([target] if target else [])])


def _task(frame: pd.DataFrame, schema: Schema, target: str | None) -> Task | None:
    if target is None:
        return None
    kind = schema.kind(target)
    if frame[target].nunique() < 2:
        return None
    try:
        return infer_task(frame[target], kind)
    except TargetUnusable:
        return None  # a profile is still worth having


def _column(frame: pd.DataFrame, column: Column, target: str | None, task: Task | None) -> ColumnProfile:
    values = frame[column.name]
    missing = int(values.isna().sum())
    related = None
    if target is not None and task is not None and column.name != target:
        related = relation(values, frame[target], column.kind, task)
    base = ColumnProfile(
        name=column.name,
        kind=column.kind,
        missing=missing,
        missing_share=missing / max(len(values), 1),
        distinct=int(values.nunique()),
        relation=None if related is None else round(related, 4),
    )
    if column.kind in {"number", "integer"}:
        return base.model_copy(update=_numbers(values))
    if column.kind == "image":
        return base.model_copy(update={"top": tuple(image_sizes(values).items())[:_TOP]})
    return base.model_copy(update={"top": _top(values)}) if column.kind != "identifier" else base


def _numbers(values: pd.Series) -> dict[str, object]:
    present = values.dropna().to_numpy(dtype=np.float64)
    if len(present) == 0:
        return {}
    largest = float(np.abs(present).max())
    scale = largest if largest > 1e150 else 1.0  # keeps sums and squares of huge numbers finite
    present = present / scale
    low, middle, high = (float(cut) for cut in np.quantile(present, (0.25, 0.5, 0.75)))
    reach = 1.5 * (high - low)
    counts, _ = np.histogram(present, bins=_BINS)
    return {
        "minimum": float(present.min()) * scale,
        "quartiles": (low * scale, middle * scale, high * scale),
        "maximum": float(present.max()) * scale,
        "mean": float(present.mean()) * scale,
        "deviation": float(present.std()) * scale,
        "outliers": int(((present < low - reach) | (present > high + reach)).sum()),
        "histogram": tuple(int(count) for count in counts),
    }


def _top(values: pd.Series) -> tuple[tuple[str, int], ...]:
    counts = values.dropna().value_counts().head(_TOP)
    return tuple((clip(value), int(count)) for value, count in counts.items())


def _class_shares(frame: pd.DataFrame, target: str) -> dict[str, float]:
    """Share of each class among the labelled rows, the largest first; labels are clipped."""
    shares = frame[target].dropna().astype(str).value_counts(normalize=True)
    clipped: dict[str, float] = {}
    for label, share in shares.items():
        clipped[clip(label)] = clipped.get(clip(label), 0.0) + float(share)
    return clipped


def _row_warnings(frame: pd.DataFrame, schema: Schema) -> Iterator[str]:
    columns = [name for name in schema.names if schema.kind(name) != "identifier"]
    twins = int(frame.duplicated(subset=columns).sum()) if columns else 0
    if twins:
        yield f"{twins:,} row(s) ({_share(twins, len(frame))}) repeat an earlier row in every column but identifiers."


def _share(count: int, rows: int) -> str:
    return f"{count / rows:.0%}" if count >= 0.01 * rows else "under 1%"


def _column_warnings(column: ColumnProfile, declared: Column, rows: int) -> Iterator[str]:
    name = f"Column {clip(column.name)!r}"
    if column.missing == rows:
        yield f"{name} has no value in any row."
    elif column.distinct == 1 and not column.missing:
        yield f"{name} has the same value in every row and tells nothing."
    elif column.missing_share > _MANY_MISSING:
        yield f"{name} is missing in {_share(column.missing, rows)} of the rows."
    if column.kind == "category" and column.distinct > 20 and column.distinct > 0.5 * (rows - column.missing):
        yield f"{name} is a category with {column.distinct:,} different values: most occur only once."
    if declared.caution:
        yield declared.caution


def _class_warnings(frame: pd.DataFrame, target: str | None, shares: dict[str, float]) -> Iterator[str]:
    if target is None:
        return
    missing = int(frame[target].isna().sum())
    if missing:
        yield f"The target {clip(target)!r} is missing in {missing:,} row(s); they cannot be learned from."
    if not shares:
        return
    counts = frame[target].dropna().value_counts()
    rare, share = list(shares.items())[-1]
    if share < _RARE_CLASS and share < 0.5 / len(shares):
        yield f"The classes are unbalanced: {rare!r} has {share:.1%} of the rows. Accuracy would flatter."
    few = int((counts < _FEW_OF_CLASS).sum())
    if few:
        yield f"{few} class(es) have fewer than {_FEW_OF_CLASS} rows; scores on them will be rough."


def _leaks(frame: pd.DataFrame, schema: Schema, target: str | None, task: Task | None) -> Iterator[Leak]:
    if target is None or task is None:
        return
    for name in schema.features(target):
        strength = lone_strength(frame[name], frame[target], schema.kind(name), task)
        if strength is not None and strength >= _LEAK:
            told = (
                f"Column {clip(name)!r} predicts the target almost alone ({strength:.3f} of 1): "
                "a leak unless it is known before the target is."
            )
            yield Leak(column=name, by="values", strength=round(strength, 4), sentence=told)
        gap = missing_strength(frame[name], frame[target], task)
        if gap is not None and gap >= _LEAK:
            told = f"Whether column {clip(name)!r} is missing gives the target away ({gap:.3f} of 1): probably a leak."
            yield Leak(column=name, by="missing", strength=round(gap, 4), sentence=told)
