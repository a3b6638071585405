"""A trained model as a folder: data and weights in open formats, each file with its hash. Never pickle.

model.json       what it is: signature, metrics, leaderboard, lineage, hashes of the other files
members/<name>/  fitted feature plan and weights of each model in the average
model.onnx       in an optimised package: plan and weights as one graph, in the place of the members
runtime.json     in an optimised package: how it is run
optimisation.*   in an optimised package: every way that was tried, as data and as a page
profile.json     description of the training rows
drift.profile    reference that live rows are compared with (see engine.drift.profile)
evaluation.json  curves and counts on the sealed test rows
card.md          the model card
report.html      the report, one page that stands alone
"""

import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from engine.errors import PackageDamaged
from engine.files import atomic_folder, write_atomic, write_json
from engine.package_info import (
    BoardRow,
    ImportanceEntry,
    InputColumn,
    Lineage,
    MemberEntry,
    PackageFiles,
    PackageInfo,
    TestMetric,
    ValidationScore,
)

if TYPE_CHECKING:
    import pandas as pd

    from engine.automl.spec import FitOutcome, Preparation, Selection, TrainSpec
    from engine.data.profile import FrameProfile
    from engine.data.store import Dataset
    from engine.drift.profile import Profile
    from engine.evaluate import Evaluation
    from engine.explain import Importance

_LIBRARIES = (
    *("numpy", "pandas", "scikit-learn", "lightgbm", "skops", "scipy"),
    *("torch", "tokenizers", "pillow", "onnxruntime"),
)
_MOST_KNOWN = 1_000


def write_package(
    target: Path,
    *,
    model_id: str,
    run_id: str,
    dataset: "Dataset",
    spec: "TrainSpec",
    preparation: "Preparation",
    selection: "Selection",
    leaderboard: "Sequence[FitOutcome]",
    evaluation: "Evaluation",
    importance: "Sequence[Importance]",
    profile: "FrameProfile",
    reference: "Profile",
    notes: Sequence[str],
    created: datetime,
    seconds: float | None = None,
) -> Path:
    """Write the package folder `target` whole or not at all (an older one is replaced); returns it.

    Args:
        evaluation: of the selection on the sealed test rows.
        profile: of the training rows.
        reference: what live rows are to be compared with.
        created: with a time zone.
        seconds: wall-clock time of the training so far, if known.

    Raises:
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    info = PackageInfo(
        model_id=model_id,
        run_id=run_id,
        created=created,
        kind=selection.name,
        task=preparation.task,
        target=spec.target,
        target_kind=dataset.schema_.kind(spec.target),
        target_decimal_comma=dataset.schema_.column(spec.target).decimal_comma,
        classes=tuple(preparation.classes),
        threshold=selection.threshold,
        columns=_columns(dataset, preparation),
        members=_members(selection),
        metric=test_metric(evaluation),
        validation=_score(preparation, selection.validation),
        baseline=_score(preparation, selection.baseline),
        leaderboard=tuple(_board_row(row) for row in leaderboard),
        importance=tuple(_importance_entry(row) for row in importance),
        importance_rows=min((row.rows for row in importance), default=0) or None,
        dropped=dict(preparation.dropped),
        notes=tuple(dict.fromkeys((*notes, *evaluation.notes))),
        seconds=seconds,
        lineage=_lineage(dataset, spec),
        files={},
    )
    _write_files(target, info, selection, evaluation, profile, reference)
    return target


def read_info(folder: Path) -> PackageInfo:
    """What the package says of itself; the other files are not looked at.

    Raises:
        PackageDamaged: no package, or a `model.json` that is not one of ours.
    """
    try:
        text = (folder / PackageFiles.INFO).read_text(encoding="utf-8")
        return PackageInfo.model_validate_json(text)
    except FileNotFoundError as error:
        raise PackageDamaged(folder, f"{PackageFiles.INFO} is missing") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackageDamaged(folder, f"{PackageFiles.INFO} cannot be read ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PackageDamaged(folder, f"{PackageFiles.INFO} is not valid: {where} {first['msg']}") from error


def read_package(folder: Path) -> PackageInfo:
    """As `read_info`, after checking that every file is there and unaltered.

    Raises:
        PackageDamaged: naming the first file that is missing or altered.
    """
    info = read_info(folder)
    for name, expected in info.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise PackageDamaged(folder, f"{name} lies outside of it")
        if not path.is_file():
            raise PackageDamaged(folder, f"{name} is missing")
        if _sha256(path) != expected:
            raise PackageDamaged(folder, f"{name} was altered")
    if PackageFiles.ONNX in info.files or PackageFiles.PACKED in info.files:
        return info
    for member in info.members:
        if not any(name.startswith(f"{PackageFiles.MEMBERS}/{member.folder}/") for name in info.files):
            raise PackageDamaged(folder, f"member {member.folder!r} has no files")
    return info


def _write_files(
    target: Path,
    info: PackageInfo,
    selection: "Selection",
    evaluation: "Evaluation",
    profile: "FrameProfile",
    reference: "Profile",
) -> None:
    from engine.report.render import render_card, render_report

    with atomic_folder(target) as folder:
        for entry, member in zip(info.members, selection.members, strict=True):
            copy_tree(member.folder, folder / PackageFiles.MEMBERS / entry.folder)
        write_record(folder / PackageFiles.PROFILE, profile)
        reference.save(folder / PackageFiles.REFERENCE)
        write_record(folder / PackageFiles.EVALUATION, evaluation)
        write_atomic(folder / PackageFiles.CARD, render_card(info, profile))
        write_atomic(folder / PackageFiles.REPORT, render_report(info, evaluation, profile, target))
        # last, since it holds the hashes of all others
        write_json(
            folder / PackageFiles.INFO, info.model_copy(update={"files": file_hashes(folder)}).model_dump(mode="json")
        )


def _columns(dataset: "Dataset", preparation: "Preparation") -> tuple[InputColumn, ...]:
    from engine.data.tables import read_part

    rows = read_part(dataset.folder, "train")
    columns = [dataset.schema_.column(name) for name in preparation.features]
    return tuple(
        InputColumn(
            name=column.name,
            kind=column.kind,
            date_format=column.date_format,
            decimal_comma=column.decimal_comma,
            known=_known(rows[column.name]) if column.kind == "category" else None,
        )
        for column in columns
    )


def _known(cells: "pd.Series") -> tuple[str, ...] | None:
    """The categories seen in training, unless there are so many that a new one means nothing."""
    values = sorted(cells.dropna().unique())
    return tuple(values) if len(values) <= _MOST_KNOWN else None


def _members(selection: "Selection") -> tuple[MemberEntry, ...]:
    return tuple(
        MemberEntry(name=member.name, weight=member.weight, folder=f"{place}-{member.name}")
        for place, member in enumerate(selection.members)
    )


def test_metric(evaluation: "Evaluation") -> TestMetric:
    """The metric as a package tells it."""
    from engine.metrics import METRICS

    return TestMetric(
        name=evaluation.metric,
        value=_finite(evaluation.value),
        ci=(_finite(evaluation.ci[0]), _finite(evaluation.ci[1])),
        rows=evaluation.rows,
        greater_is_better=METRICS[evaluation.metric].greater_is_better,
        others={name: _finite(value) for name, value in evaluation.others.items()},
    )


def _score(preparation: "Preparation", value: float | None) -> ValidationScore | None:
    value = _finite(value)
    if value is None:
        return None
    return ValidationScore(name=preparation.metric, value=value, method=preparation.validation_method)


def _board_row(row: "FitOutcome") -> BoardRow:
    return BoardRow(
        model=row.model,
        status=row.status,
        validation=_finite(row.validation),
        seconds=round(row.seconds, 3),
        detail=row.detail,
        curve=row.curve,
    )


def _importance_entry(row: "Importance") -> ImportanceEntry:
    return ImportanceEntry(column=row.column, importance=row.importance, deviation=row.deviation)


def _lineage(dataset: "Dataset", spec: "TrainSpec") -> Lineage:
    split = dataset.split
    return Lineage(
        dataset=dataset.id,
        dataset_name=dataset.name,
        source=dataset.source,
        content_hash=dataset.content_hash,
        rows=dataset.rows,
        train_rows=dataset.train_rows,
        test_rows=dataset.test_rows,
        split_method=split.method,
        split_column=split.column,
        split_fraction=split.fraction,
        split_seed=split.seed,
        split_notes=tuple(split.notes),
        seed=spec.seed,
        spec=spec.model_dump(mode="json"),
        libraries=_libraries(),
    )


def _libraries() -> dict[str, str]:
    return {"python": python_version(), **{name: version(name) for name in _LIBRARIES}}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def copy_tree(source: Path, target: Path) -> None:
    """File by file, since `shutil.copytree` hides a full disk behind an error without a number."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def write_record(path: Path, model: BaseModel) -> None:
    """Write a record as JSON."""
    write_json(path, json.loads(model.model_dump_json()))


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
