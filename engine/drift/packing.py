"""A profile as JSON values and arrays, and back: the form of the file that `Profile.save` writes."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, JsonValue

from engine.data.cells import clip
from engine.drift.archive import DAMAGE, Arrays, read_archive, write_archive
from engine.drift.columns import Form, Part, keys_of, sketches_of
from engine.drift.found import ColumnKind, Role
from engine.drift.profile import MetricBaseline, Profile
from engine.drift.reading import NUMERIC, VECTORS, Reading
from engine.drift.reference import ColumnReference, Steps, Test
from engine.drift.sample import RowSample
from engine.drift.sketch import Compact, told_by
from engine.errors import PackageDamaged, SourceNotFound
from engine.kinds import Task

if TYPE_CHECKING:
    from engine.drift.baseline import PerformanceReference

_NAME = "drift.profile"
_Type = TypeVar("_Type", bound=np.generic)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Column(_Part):
    name: str
    kind: ColumnKind
    role: Role
    rows: int
    missing: int
    infinite: int
    test: Test
    counts: tuple[tuple[str, int], ...] | None
    rest: int
    once: int
    reading: Reading


class _Head(_Part):
    format: Literal["millwright drift profile"] = "millwright drift profile"
    version: Literal[1] = 1
    rows: int
    target: str | None
    task: Task | None
    classes: tuple[str, ...]
    form: Form
    metric: MetricBaseline | None
    importance: dict[str, float]
    columns: tuple[_Column, ...]
    sampled: tuple[str, ...] | None
    performance: dict[str, JsonValue] | None


def save_profile(profile: Profile, path: Path) -> None:
    """As `Profile.save` says."""
    write_archive(_file(path), _head(profile).model_dump(mode="json"), _arrays(profile))


def load_profile(path: Path) -> Profile:
    """As `Profile.load` says."""
    path = _file(path)
    if not path.is_file():
        raise SourceNotFound(str(path))
    try:
        head, arrays = read_archive(path)
        return _unpacked(_Head.model_validate(head), arrays)
    except DAMAGE as error:
        raise PackageDamaged(path, f"it cannot be read as a drift profile ({clip(error, 120)})") from error


def _file(path: Path) -> Path:
    return path / _NAME if path.is_dir() else path


def _head(profile: Profile) -> _Head:
    return _Head(
        rows=profile.rows,
        target=profile.target,
        task=profile.task,
        classes=profile.classes,
        form=profile.form,
        metric=profile.metric,
        importance=dict(profile.importance),
        columns=tuple(_column(column, profile.readings[name]) for name, column in profile.columns.items()),
        sampled=None if profile.sample is None else profile.sample.names,
        performance=None if profile.performance is None else profile.performance.pack()[0],
    )


def _column(column: ColumnReference, reading: Reading) -> _Column:
    return _Column(
        name=column.name,
        kind=column.kind,
        role=column.role,
        rows=column.rows,
        missing=column.missing,
        infinite=column.infinite,
        test=column.test,
        counts=None if column.counts is None else tuple(column.counts.items()),
        rest=column.rest,
        once=column.once,
        reading=reading,
    )


def _arrays(profile: Profile) -> dict[str, NDArray[np.generic]]:
    parts = {f"column.{place}": _of_part(profile.part(name)) for place, name in enumerate(profile.columns)}
    if profile.sample is not None:
        parts["rows"] = {"sample": profile.sample.values, "keys": profile.sample.keys}
    if profile.performance is not None:
        parts["performance"] = profile.performance.pack()[1]
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def _of_part(part: Part) -> Arrays:
    column, steps = part.column, part.column.steps
    found: dict[str, NDArray[np.generic] | None] = {"edges": column.edges, "sample": column.sample, "keys": part.keys}
    if part.sketch is not None:
        found["sketch"] = np.frombuffer(part.sketch, dtype=np.uint8)  # which tells the steps
    elif steps is not None:
        found |= {"values": steps.values, "cumulative": steps.cumulative}
    return {name: array for name, array in found.items() if array is not None}


def _unpacked(head: _Head, arrays: Arrays) -> Profile:
    groups = _grouped(arrays)
    parts = {column.name: _part(column, groups[f"column.{place}"]) for place, column in enumerate(head.columns)}
    return Profile(
        columns={name: part.column for name, part in parts.items()},
        readings={column.name: column.reading for column in head.columns},
        rows=head.rows,
        target=head.target,
        task=head.task,
        classes=head.classes,
        form=head.form,
        metric=head.metric,
        importance=head.importance,
        sample=None if head.sampled is None else _sample(head.sampled, groups["rows"]),
        performance=None if head.performance is None else _performance(head.performance, groups["performance"]),
        sketches=sketches_of(parts),
        keys=keys_of(parts),
    )


def _grouped(arrays: Arrays) -> defaultdict[str, dict[str, NDArray[np.generic]]]:
    """The arrays of each part, by the last part of their names."""
    groups: defaultdict[str, dict[str, NDArray[np.generic]]] = defaultdict(dict)
    for name, array in arrays.items():
        part, _, last = name.rpartition(".")
        groups[part][last] = array
    return groups


def _part(column: _Column, arrays: Arrays) -> Part:
    numbers = _numbers(column, arrays)
    reference = ColumnReference(
        name=column.name,
        kind=column.kind,
        role=column.role,
        rows=column.rows,
        missing=column.missing,
        infinite=column.infinite,
        test=column.test,
        steps=None if numbers is None else numbers.steps,
        edges=None if numbers is None else _array(arrays, "edges", np.float64),
        counts=None if column.counts is None else dict(column.counts),
        rest=column.rest,
        once=column.once,
        sample=_array(arrays, "sample", np.float32, 2) if column.kind in VECTORS else None,
    )
    keys = _array(arrays, "keys", np.float64) if column.kind in VECTORS else None
    return Part(reference, None if numbers is None else numbers.sketch, keys)


def _numbers(column: _Column, arrays: Arrays) -> Compact | None:
    if column.kind not in NUMERIC:
        return None
    if "sketch" in arrays:
        return told_by(_array(arrays, "sketch", np.uint8).tobytes())
    cumulative = _array(arrays, "cumulative", np.int64) if "cumulative" in arrays else None
    return Compact(Steps(_array(arrays, "values", np.float64), cumulative))


def _sample(names: tuple[str, ...], arrays: Arrays) -> RowSample:
    return RowSample(names, _array(arrays, "sample", np.float32, 2), _array(arrays, "keys", np.float64))


def _performance(head: Mapping[str, object], arrays: Arrays) -> "PerformanceReference":
    from engine.drift.baseline import PerformanceReference

    return PerformanceReference.unpack(head, arrays)


def _array(arrays: Arrays, name: str, kind: type[_Type], dimensions: int = 1) -> NDArray[_Type]:
    found = arrays[name]
    if found.dtype != kind or found.ndim != dimensions:
        raise ValueError(f"an array {name!r} is of another type")
    return cast(NDArray[_Type], found)
