"""Choosing the rows that are sealed as the test set, once, at import."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from engine.data.schema import Schema
from engine.errors import BadSplit
from engine.tasks import MIN_ROWS, infer_task

Method = Literal["auto", "random", "stratified", "time", "group"]
Mask = npt.NDArray[np.bool_]
_Labels = npt.NDArray[np.int64]

_BINS = 10
"""Quantile bins that stand for classes where the target is a number."""

_FEW = 20
"""Numeric targets with at most this many values are split as classes."""


class SplitSpec(BaseModel):
    """How the test rows are chosen. `column` orders (time) or binds (group) rows; `fraction` is the share sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = "auto"
    column: str | None = None
    fraction: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Split:
    """`test` marks the sealed rows, `left_out` those in neither part (their target is missing); both (rows,) bool."""

    method: str
    column: str | None
    seed: int
    fraction: float
    test: Mask
    left_out: Mask = field(default_factory=lambda: np.zeros(0, dtype=bool))
    notes: tuple[str, ...] = ()


def make_split(frame: pd.DataFrame, schema: Schema, target: str | None, spec: SplitSpec) -> Split:
    """Split the rows of a coerced frame; the same arguments give the same rows.

    'auto' is stratified when there is a target, random otherwise. A class with two or more rows has at least one on
    each side where the fraction allows it, and always one in training.

    Raises:
        ColumnNotFound: the target or the split column does not exist.
        BadSplit: the split cannot be made as asked, or one side would be empty or of a single class.
    """
    method = _method(spec, target)
    usable = np.ones(len(frame), dtype=bool) if target is None else _present(frame, schema, target)
    rows = np.flatnonzero(usable)
    part = frame.iloc[rows]
    rng = np.random.default_rng(spec.seed)
    if method == "time":
        chosen, notes = _by_time(part, schema, str(spec.column), spec.fraction)
    elif method == "group":
        chosen, notes = _by_group(part, schema, str(spec.column), spec.fraction, rng)
    else:
        labels = _labels(part, schema, target) if method == "stratified" and target is not None else None
        chosen, notes = _by_label(labels, len(part), spec.fraction, rng)
        method = "stratified" if labels is not None else "random"
    _check_sides(part, schema, target, chosen, method)
    test = np.zeros(len(frame), dtype=bool)
    test[rows[chosen]] = True
    return Split(method, spec.column, spec.seed, spec.fraction, test, ~usable, (*_left_out(~usable, target), *notes))


def _method(spec: SplitSpec, target: str | None) -> str:
    if not 0 < spec.fraction < 1:
        raise BadSplit(f"A test share of {spec.fraction:g} leaves one side empty.", "Give a share such as 0.2.")
    if spec.method in {"time", "group"}:
        if spec.column is None:
            raise BadSplit(f"A split by {spec.method} needs a column.", "Name it as the split column.")
        if spec.column == target:
            raise BadSplit(f"The target {target!r} cannot be the split column too.", "Name another split column.")
        return spec.method
    if spec.column is not None:
        raise BadSplit(
            f"A split column ({spec.column!r}) is used by the splits 'time' and 'group' only, not by {spec.method!r}.",
            "Say which of the two it is for.",
        )
    if spec.method == "stratified" and target is None:
        raise BadSplit("A stratified split needs a target.", "Name the target or take the split 'random'.")
    return "stratified" if target is not None and spec.method == "auto" else spec.method.replace("auto", "random")


def _present(frame: pd.DataFrame, schema: Schema, target: str) -> Mask:
    schema.kind(target)
    return frame[target].notna().to_numpy(dtype=bool)


def _left_out(left_out: Mask, target: str | None) -> list[str]:
    count = int(left_out.sum())
    return [f"{count:,} row(s) without a value of the target {target!r} are left out."] if count else []


def _labels(part: pd.DataFrame, schema: Schema, target: str) -> _Labels | None:
    """A class number per row: the target's value, or its quantile bin. None when there are too many to balance."""
    column = part[target]
    if schema.kind(target) in {"number", "integer", "datetime"} and column.nunique() > _FEW:
        ranks = column.astype("float64" if schema.kind(target) != "datetime" else "int64").rank(method="first")
        bins = min(_BINS, max(1, len(part) // 5))
        return ((ranks.to_numpy() - 1) * bins // len(part)).astype(np.int64)
    codes, values = pd.factorize(column, sort=True)
    return codes.astype(np.int64) if len(values) <= max(2, len(part) // 2) else None


def _by_label(labels: _Labels | None, rows: int, fraction: float, rng: np.random.Generator) -> tuple[Mask, list[str]]:
    """Take the fraction of each class: whole rows by rounding down, the rest to the largest remainders."""
    codes = np.zeros(rows, dtype=np.int64) if labels is None else labels
    counts = np.bincount(codes)
    wanted = counts * fraction
    take = np.minimum(np.floor(wanted).astype(np.int64), counts - 1)
    # a class that can spare a row shows at least one in the test set
    take = np.where((take == 0) & (counts >= 2) & (wanted >= 0.5), 1, take)
    if labels is not None and (take > 0).sum() < 2:
        # a test of one class would judge nothing: the next most frequent ones show a row, too
        for code in np.argsort(-np.where(counts >= 2, wanted, 0), kind="stable")[:2]:
            take[code] = max(int(take[code]), int(counts[code] >= 2))
    short = round(rows * fraction) - int(take.sum())
    for code in np.argsort(-(wanted - take), kind="stable")[: max(short, 0)]:
        take[code] += int(take[code] + 1 < counts[code])
    chosen = np.zeros(rows, dtype=bool)
    for code, count in enumerate(take):
        chosen[rng.permutation(np.flatnonzero(codes == code))[:count]] = True
    lone = int((counts == 1).sum()) if labels is not None else 0
    return chosen, [f"{lone} class(es) with a single row: training only."] if lone else []


def _by_time(part: pd.DataFrame, schema: Schema, column: str, fraction: float) -> tuple[Mask, list[str]]:
    """The latest rows. Rows of one instant stay on one side, so every test row is later than all of training."""
    if schema.kind(column) not in {"datetime", "number", "integer"}:
        raise BadSplit(
            f"Column {column!r} is of kind {schema.kind(column)} and has no order in time.",
            "Name a column of dates or numbers, or override its kind with datetime.",
        )
    times = part[column]
    values = np.sort(times.dropna().astype("int64" if schema.kind(column) == "datetime" else "float64").to_numpy())
    changes = np.flatnonzero(values[1:] > values[:-1]) + 1  # positions where a later instant begins
    if len(changes) == 0:
        raise BadSplit(f"Column {column!r} has a single value: no row is later than another.", "Name another column.")
    cut = changes[np.argmin(np.abs(changes - (len(values) - fraction * len(part))))]
    order = times.astype("int64").where(times.notna(), values[0]) if schema.kind(column) == "datetime" else times
    chosen = (order >= values[cut]).fillna(False).to_numpy(dtype=bool)
    unknown = int(times.isna().sum())
    notes = [f"{unknown:,} row(s) without a time in {column!r} stay in training."] if unknown else []
    return chosen, [*notes, *_off(chosen, fraction, "rows of one instant stay together")]


def _by_group(
    part: pd.DataFrame, schema: Schema, column: str, fraction: float, rng: np.random.Generator
) -> tuple[Mask, list[str]]:
    """Whole groups, drawn until the share is reached as nearly as they allow."""
    schema.kind(column)
    codes, groups = pd.factorize(part[column], sort=True)
    if len(groups) < 2:
        raise BadSplit(f"Column {column!r} has {len(groups)} group(s); two are needed.", "Name another column.")
    sizes = np.bincount(codes[codes >= 0], minlength=len(groups))
    taken: list[int] = []
    wanted, total = fraction * len(part), 0
    for group in rng.permutation(len(groups)):
        if abs(total + sizes[group] - wanted) < abs(total - wanted) and len(taken) < len(groups) - 1:
            taken.append(int(group))
            total += int(sizes[group])
    if not taken:
        taken = [int(np.argmin(sizes))]
    unknown = int((codes < 0).sum())
    notes = [f"{unknown:,} row(s) without a group in {column!r} stay in training."] if unknown else []
    chosen = np.isin(codes, taken)
    return chosen, [*notes, *_off(chosen, fraction, "groups stay whole")]


def _off(chosen: Mask, fraction: float, why: str) -> list[str]:
    share = float(chosen.mean())
    return [f"The test share is {share:.0%} instead of {fraction:.0%}: {why}."] if abs(share - fraction) > 0.02 else []


def _check_sides(part: pd.DataFrame, schema: Schema, target: str | None, test: Mask, method: str) -> None:
    if not test.any() or test.all():
        raise BadSplit(
            f"The {method} split leaves no row for {'training' if test.any() else 'the test set'}.",
            "Give more rows or another test share.",
        )
    if target is None or part[target].nunique() < 2:
        return
    remedy = "Give more rows of the others." if method == "stratified" else "Take another split column or 'stratified'."
    learned = part[target][~test].dropna()
    if learned.nunique() < 2:
        raise BadSplit(f"After the {method} split, training has a single value of the target {target!r}.", remedy)
    if len(learned) < MIN_ROWS:
        raise BadSplit(
            f"The {method} split leaves {len(learned)} row(s) for training.",
            f"Training needs {MIN_ROWS}: give more rows or a smaller test share.",
        )
    if learned.nunique() > len(learned) / 2:
        return  # too many classes to learn at all, which the training says better
    # a class that training lacks cannot be predicted, so it does not make a test
    judged = part[target][test]
    if _is_class(learned, schema, target) and judged[judged.isin(learned.unique())].nunique() < 2:
        raise BadSplit(
            f"After the {method} split, the test rows have a single class of the target {target!r} that training has "
            "too: nothing could be judged.",
            remedy,
        )


def _is_class(values: pd.Series, schema: Schema, target: str) -> bool:
    return schema.kind(target) != "datetime" and infer_task(values, schema.kind(target)) != "regression"
