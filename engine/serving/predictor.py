"""Predictions from a package folder alone. All that serving needs: no registry, no dataset, no training code."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.automl.members import load_member
from engine.data.schema import Column, Schema, coerce_counted
from engine.errors import MillwrightError, PackageDamaged, TooFewRows
from engine.metrics import labels_of
from engine.naming import shortened
from engine.optimise.errors import VariantRefused
from engine.package import read_package
from engine.package_info import PackageFiles, PackageInfo
from engine.serving.runtime import MembersRuntime, Runtime, load_runtime

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """Answers for n rows, in their order.

    Attributes:
        labels: (n,) class names as text, or float64 values for regression.
        probabilities: (n, k) in the order of `classes`; None for regression.
        classes: names of the classes; () for regression.
        notes: what was ignored or taken as missing in these rows, in sentences.
    """

    labels: NDArray[np.object_] | Floats
    probabilities: Floats | None
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Predictor:
    """A loaded package, with the categories it knows by column. Safe to share between threads: nothing changes."""

    info: PackageInfo
    schema: Schema
    runtime: Runtime
    known: Mapping[str, frozenset[str]]

    def predict(self, frame: pd.DataFrame) -> Prediction:
        """Predict rows that have the model's columns, in any order.

        Cells that do not fit and categories never seen are tolerated and named in the notes.

        Raises:
            ColumnsMissing: a column the model needs is not there.
            TooFewRows: there is no row.
        """
        frame = _plain_names(frame)
        rows, unusable = coerce_counted(frame, self.schema)
        if rows.empty:
            raise TooFewRows("There are no rows to predict.", "Give at least one.")
        notes = (*self._extra(frame), *_unusable(unusable, self.schema), *self._unseen(rows))
        answer = self.runtime.answer(rows)
        if self.info.task == "regression":
            return Prediction(answer, None, (), notes)
        names = np.array(self.info.classes, dtype=object)
        return Prediction(names[labels_of(answer, self.info.threshold)], answer, self.info.classes, notes)

    def raw(self, frame: pd.DataFrame) -> Floats:
        """(n,) values or (n, k) probabilities for rows already in the schema's kinds, without notes."""
        return self.runtime.answer(frame)

    def to_frame(self, prediction: Prediction) -> pd.DataFrame:
        """'prediction' and, for classes, 'probability_<class>' columns, one row for each row given."""
        frame = pd.DataFrame({"prediction": prediction.labels})
        if prediction.probabilities is None:
            return frame
        names = [f"probability_{name}" for name in prediction.classes]
        return frame.join(pd.DataFrame(prediction.probabilities, columns=names))

    def _extra(self, frame: pd.DataFrame) -> list[str]:
        expected = {*self.schema.names, *self.info.dropped, self.info.target}
        extra = [name for name in frame.columns if name not in expected]
        return [f"Ignored {len(extra)} column(s) that the model does not use: {shortened(extra)}."] if extra else []

    def _unseen(self, rows: pd.DataFrame) -> list[str]:
        notes = []
        for name, known in self.known.items():
            # plain sets: asking pandas the same would double the time that one row takes
            cells = rows[name].tolist()
            new = [value for value in dict.fromkeys(cells) if isinstance(value, str) and value not in known]
            if new:
                strange = set(new)
                count = sum(value in strange for value in cells)
                examples = shortened([repr(_clip(value)) for value in new], 3)
                notes.append(f"Column {name!r}: {count} value(s) not seen in training: {examples}.")
        return notes


def load(folder: Path) -> Predictor:
    """Read a package and make it ready to predict.

    Raises:
        PackageDamaged: the folder is not a whole package, or a file was altered.
        VariantRefused: it is one that this machine cannot run: it has no GPU or no compiler.
    """
    info = read_package(folder)
    columns = [
        Column.model_validate(column.model_dump(include={"name", "kind", "date_format", "decimal_comma"}))
        for column in info.columns
    ]
    known = {column.name: frozenset(column.known) for column in info.columns if column.known is not None}
    return Predictor(info, Schema(columns=tuple(columns)), _runtime(folder, info), known)


def _runtime(folder: Path, info: PackageInfo) -> Runtime:
    try:
        if PackageFiles.RUNTIME in info.files:
            return load_runtime(folder)
        members = [load_member(folder / PackageFiles.MEMBERS / member.folder) for member in info.members]
        return MembersRuntime(tuple(members), tuple(member.weight for member in info.members))
    except VariantRefused:  # whole, but not for this machine
        raise
    except (OSError, ValueError, TypeError, KeyError, MillwrightError) as error:
        # the hashes were right, so this is a package of another version, or one that was made to look right
        raise PackageDamaged(folder, f"its model cannot be loaded ({type(error).__name__}: {error})") from error


def _plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in frame.columns]
    return frame if names == list(frame.columns) else frame.set_axis(names, axis="columns")


def _unusable(counts: dict[str, int], schema: Schema) -> list[str]:
    return [
        f"Column {name!r}: {count} cell(s) are no {schema.kind(name)} and were taken as missing."
        for name, count in counts.items()
    ]


def _clip(value: object, most: int = 40) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
