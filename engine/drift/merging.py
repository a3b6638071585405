"""The profile of the rows of two profiles."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.drift.columns import Form, keys_of, merge_columns, sketches_of
from engine.drift.reference import ColumnReference
from engine.drift.sample import RowSample, merge_samples
from engine.errors import BadArguments
from engine.naming import shortened

if TYPE_CHECKING:
    from engine.drift.profile import MetricBaseline, Profile


def merge_profiles(first: "Profile", second: "Profile") -> "Profile":
    """As `Profile.merge` says."""
    _refuse_unlike(first, second)
    form: Form = "exact" if first.form == second.form == "exact" else "sketch"
    parts = {name: merge_columns(first.part(name), second.part(name), form) for name in first.columns}
    columns = {name: part.column for name, part in parts.items()}
    return replace(
        first,
        columns=columns,
        rows=first.rows + second.rows,
        form=form,
        metric=_merged_metric(first, second),
        importance=_merged_importance(first, second),
        sample=_merged_sample(first, second, columns),
        performance=None,
        sketches=sketches_of(parts),
        keys=keys_of(parts),
    )


def _refuse_unlike(first: "Profile", second: "Profile") -> None:
    lone = sorted(first.columns.keys() ^ second.columns.keys())
    if lone:
        raise BadArguments(
            f"The profiles have different columns: only one has {shortened(lone)}.",
            "Merge profiles of the same columns, read by the same schema.",
        )
    unlike = [name for name in first.columns if _identity(first, name) != _identity(second, name)]
    if unlike:
        told = [f"{name!r} ({_in_words(first, name)}; {_in_words(second, name)})" for name in unlike]
        raise BadArguments(
            f"The profiles have columns of different kinds: {shortened(told)}.",
            "Make both with the same schema and the same target.",
        )
    if (first.classes, first.task) != (second.classes, second.task):
        raise BadArguments(
            f"The profiles are of different tasks: {_task(first)} and {_task(second)}.",
            "Merge profiles of the same model.",
        )


def _identity(profile: "Profile", name: str) -> tuple[object, ...]:
    column = profile.columns[name]
    return column.kind, column.role, profile.readings[name].width


def _in_words(profile: "Profile", name: str) -> str:
    column = profile.columns[name]
    width = profile.readings[name].width
    return f"{column.role} of kind {column.kind}" + (f" of {width} numbers" if width else "")


def _task(profile: "Profile") -> str:
    return f"{profile.task or 'none'} with classes {', '.join(profile.classes) or 'none'}"


def _merged_sample(first: "Profile", second: "Profile", union: Mapping[str, ColumnReference]) -> RowSample | None:
    if first.sample is None or second.sample is None:
        return None
    return merge_samples((first.sample, first.columns), (second.sample, second.columns), union)


def _merged_metric(first: "Profile", second: "Profile") -> "MetricBaseline | None":
    one, other = first.metric, second.metric
    if one is None or other is None or (one.name, one.greater_is_better) != (other.name, other.greater_is_better):
        return None
    rows = one.rows + other.rows
    share = one.rows / rows if rows else 0.5
    value = share * one.value + (1 - share) * other.value
    # the errors of two separate sets of rows are independent: their variances add up
    below = math.hypot(share * (one.value - one.ci[0]), (1 - share) * (other.value - other.ci[0]))
    above = math.hypot(share * (one.ci[1] - one.value), (1 - share) * (other.ci[1] - other.value))
    return one.model_copy(update={"value": value, "ci": (value - below, value + above), "rows": rows})


def _merged_importance(first: "Profile", second: "Profile") -> dict[str, float]:
    if first.importance.keys() != second.importance.keys():
        return {}
    share = first.rows / (first.rows + second.rows)
    return {name: share * value + (1 - share) * second.importance[name] for name, value in first.importance.items()}
