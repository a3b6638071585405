"""Registered models and their packages, as the tools tell of them."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from engine.kinds import Kind
from engine.package import read_info
from engine.package_info import PackageFiles, PackageInfo, ValidationScore
from tools.training import ImportanceRow, LeaderboardRow, MetricValue, ValidationValue

if TYPE_CHECKING:
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

MB = 1e6


def find_package(workshop: "Workshop", model: str) -> "tuple[ModelRecord, PackageInfo]":
    """A model by id, name or name@alias, and what its package says.

    Raises:
        NotFound: no such model.
        PackageDamaged: its folder is not whole.
    """
    record = workshop.registry.get(model)
    return record, read_info(record.package)


def metric_of(info: PackageInfo) -> MetricValue:
    """The metric on the sealed test rows."""
    low, high = info.metric.ci
    return MetricValue(
        name=info.metric.name,
        value=_number(info.metric.value),
        ci=(_number(low), _number(high)),
        rows=info.metric.rows,
    )


def score_of(score: ValidationScore | None) -> ValidationValue | None:
    return None if score is None else ValidationValue(name=score.name, value=score.value, method=score.method)


def leaderboard_of(info: PackageInfo) -> tuple[LeaderboardRow, ...]:
    return tuple(LeaderboardRow.model_validate(row.model_dump(exclude={"curve"})) for row in info.leaderboard)


def importance_of(info: PackageInfo, top: int | None = None) -> tuple[ImportanceRow, ...]:
    return tuple(ImportanceRow.model_validate(row.model_dump()) for row in info.importance[:top])


def report_of(package: Path) -> str:
    return str(package / PackageFiles.REPORT)


def size_mb(package: Path) -> float:
    """Size of the whole folder in MB."""
    return round(sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) / MB, 3)


def column_kinds(record: "ModelRecord") -> "dict[str, Kind]":
    """What the columns of a model hold: in new rows, images may be paths, and words that look like paths are words.

    Raises:
        PackageDamaged: its folder is not whole.
    """
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    return {column.name: kinds[column.kind] for column in read_info(record.package).columns}


def model_size_mb(package: Path) -> float:
    """Size in MB of what answers: feature plans and weights, without report and profile."""
    answering = [*(package / PackageFiles.MEMBERS).rglob("*"), *package.glob("model.onnx*")]
    answering.append(package / PackageFiles.RUNTIME)
    return round(sum(path.stat().st_size for path in answering if path.is_file()) / MB, 4)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
