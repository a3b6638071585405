"""From logged rows, files and datasets to what the engine compares: rows, predictions, labels in their kinds."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.data.schema import Column, Schema, coerce
from engine.drift.checking import Answered, errors_of
from engine.drift.profile import Profile
from engine.errors import PackageDamaged, SourceNotFound
from engine.metrics import Target
from engine.package_info import PackageFiles
from engine.tasks import encode_target
from tools.packages import find_package

if TYPE_CHECKING:
    from engine.metrics import Floats
    from engine.monitoring.rows import WindowRows
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from engine.serving.predictor import Predictor
    from tools.workshop import Workshop


@dataclass(frozen=True)
class Watched:
    """A model with what drift is measured by. Loaded when first asked for."""

    record: "ModelRecord"
    info: "PackageInfo"

    @cached_property
    def profile(self) -> Profile:
        """Raises: PackageDamaged: the package has no whole reference."""
        try:
            return Profile.load(self.record.package / PackageFiles.REFERENCE)
        except SourceNotFound as error:
            why = f"it has no {PackageFiles.REFERENCE}, as models of earlier versions of Millwright have none"
            raise PackageDamaged(self.record.package, why) from error

    @cached_property
    def predictor(self) -> "Predictor":
        """Raises: PackageDamaged."""
        from engine.serving.predictor import load

        return load(self.record.package)

    def raw(self, frame: pd.DataFrame) -> "Floats":
        """(n,) values or (n, k) probabilities for rows as they were logged or read."""
        return self.predictor.raw(coerce(frame, self.predictor.schema, strict=False))

    def labels(self, cells: pd.Series) -> tuple[pd.Series, Target]:
        """True values in the target's kind, and encoded: -1 or NaN where not known."""
        info = self.info
        column = Column.model_validate(
            {"name": info.target, "kind": info.target_kind, "decimal_comma": info.target_decimal_comma}
        )
        labels = coerce(pd.DataFrame({info.target: cells}), Schema(columns=(column,)), strict=False)[info.target]
        return labels, encode_target(labels, info.task, info.classes)


def watched(workshop: "Workshop", model: str) -> Watched:
    """A model by id or name.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole.
    """
    return Watched(*find_package(workshop, model))


def watchable(workshop: "Workshop", model: str) -> Watched:
    """A model that later rows can be compared with: its reference is loaded.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole or has no reference.
    """
    found = watched(workshop, model)
    _ = found.profile
    return found


def from_table(model: Watched, frame: pd.DataFrame) -> Answered | None:
    """Rows of a table, answered now; None where a column that the model needs is not there."""
    needed = [column.name for column in model.info.columns]
    if frame.empty or any(name not in frame.columns for name in needed):
        return None
    cells = frame[model.info.target] if model.info.target in frame.columns else _none(len(frame))
    labels, truth = model.labels(cells.reset_index(drop=True))
    rows = frame.drop(columns=model.info.target, errors="ignore").reset_index(drop=True)
    return Answered(rows, model.raw(rows), labels, truth, np.empty(0))


def from_log(model: Watched, rows: "WindowRows", earlier: "WindowRows | None" = None) -> Answered:
    """Logged rows as they were answered, and the errors of `earlier` ones."""
    labels, truth = model.labels(pd.Series(rows.labels, dtype=object))
    before = np.empty(0)
    if earlier is not None and len(earlier):
        _, known = model.labels(pd.Series(earlier.labels, dtype=object))
        before = errors_of(known, earlier.answers, model.info.task, model.info.threshold)
    return Answered(rows.frame, rows.answers, labels, truth, before[np.isfinite(before)])


def answered_by(rows: "WindowRows", model_id: str) -> "WindowRows":
    """Those of the rows that one model answered."""
    return _chosen(rows, [place for place, name in enumerate(rows.model_ids) if name == model_id])


def newest(rows: "WindowRows", count: int) -> "WindowRows":
    """The last `count` of the rows."""
    return _chosen(rows, list(range(max(0, len(rows) - count), len(rows))))


def _chosen(rows: "WindowRows", places: list[int]) -> "WindowRows":
    from engine.monitoring.rows import WindowRows

    if len(places) == len(rows):
        return rows
    return WindowRows(
        frame=rows.frame.iloc[places].reset_index(drop=True),
        answers=rows.answers[places],
        predicted=tuple(rows.predicted[place] for place in places),
        labels=tuple(rows.labels[place] for place in places),
        ids=tuple(rows.ids[place] for place in places),
        times=tuple(rows.times[place] for place in places),
        model_ids=tuple(rows.model_ids[place] for place in places),
    )


def _none(rows: int) -> pd.Series:
    return pd.Series([None] * rows, dtype=object)
