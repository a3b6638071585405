"""The reference profile: what is kept of the rows that a model was made from, to compare later rows with them."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import BaseModel, ConfigDict, FiniteFloat

from engine.data.schema import Schema
from engine.drift.columns import Form, Part, fit_column, keys_of, sketches_of
from engine.drift.declared import declare
from engine.drift.found import Role
from engine.drift.reading import PREDICTION, Reading, named, prediction_frame
from engine.drift.reference import ColumnReference, Floats
from engine.drift.sample import RowSample, row_keys, sample_rows
from engine.errors import BadArguments, TooFewRows
from engine.kinds import Task
from engine.naming import shortened

if TYPE_CHECKING:
    from engine.drift.baseline import PerformanceReference


class MetricBaseline(BaseModel):
    """A metric of the model on rows that it had not seen: `value` with its 95 % interval `ci`, on `rows` rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: FiniteFloat
    ci: tuple[FiniteFloat, FiniteFloat]
    rows: int
    greater_is_better: bool


@dataclass(frozen=True, eq=False)
class Profile:
    """Everything that is kept of a reference.

    Attributes:
        columns: in the frame's order, then the predictions.
        readings: how the cells of each column are read.
        classes: names of the columns of class probabilities.
        form: 'exact' keeps every distinct number; 'sketch' keeps bounded memory, with a stated error (`Steps.error`).
        importance: of columns, as given.
        sample: random rows as numbers; None where no feature can be one.
        performance: what performance drift keeps of the reference.
        sketches: serialised sketches by column, and
        keys: random keys of the columns' samples: what merging needs beside the columns.
    """

    columns: Mapping[str, ColumnReference]
    readings: Mapping[str, Reading]
    rows: int
    target: str | None = None
    task: Task | None = None
    classes: tuple[str, ...] = ()
    form: Form = "exact"
    metric: MetricBaseline | None = None
    importance: Mapping[str, float] = field(default_factory=dict)
    sample: RowSample | None = None
    performance: "PerformanceReference | None" = None
    sketches: Mapping[str, bytes] = field(default_factory=dict)
    keys: Mapping[str, Floats] = field(default_factory=dict)

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Names of the columns of a role. The predictions may be called other than usual (see `fit_profile`)."""
        return tuple(name for name, column in self.columns.items() if column.role == role)

    def part(self, name: str) -> Part:
        """One column with what it takes to merge it."""
        return Part(self.columns[name], self.sketches.get(name), self.keys.get(name))

    def with_performance(self, reference: "PerformanceReference | None") -> "Profile":
        """The same profile with what performance drift keeps of the reference."""
        return replace(self, performance=reference)

    def merge(self, other: "Profile") -> "Profile":
        """The profile of the rows of both.

        Of two exact profiles it equals that of all rows together, its random samples aside, as long as no column has
        more than 1,000 categories (see `merge_rankings` for more). With a sketch on either side it is a sketch.
        A metric that both have, and the importance of the same columns, are averaged by rows: exact for means over
        rows such as accuracy, an approximation for others; what only one side has is left out, as is `performance`.

        Raises:
            BadArguments: the two have different columns, kinds or roles; names them.
        """
        from engine.drift.merging import merge_profiles

        return merge_profiles(self, other)

    def save(self, path: Path | str) -> None:
        """Write one file at `path`, or 'drift.profile' in it where it is a folder; equal profiles give equal bytes.

        Raises:
            DiskFull, HomeNotWritable: nothing half-written stays.
        """
        from engine.drift.packing import save_profile

        save_profile(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> "Profile":
        """Read what `save` wrote, equal bit by bit.

        Raises:
            SourceNotFound: there is no such file.
            PackageDamaged: it is no whole profile of this version.
        """
        from engine.drift.packing import load_profile

        return load_profile(Path(path))


def fit_profile(
    frame: pd.DataFrame,
    schema: Schema | Mapping[str, str] | None = None,
    target: str | None = None,
    *,
    form: Form = "exact",
    prediction: Floats | None = None,
    classes: Sequence[str] = (),
    task: Task | None = None,
    metric: MetricBaseline | None = None,
    importance: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Profile:
    """Make the profile of reference rows.

    Args:
        frame: raw or coerced rows.
        schema: what the columns are; judged from the cells where it does not say (see `declare`).
        target: the column that is predicted.
        form: 'exact', or 'sketch' for at most 30 KB a column of numbers, however many rows there are.
        prediction: (n,) values or (n, k) probabilities of `classes`, kept as columns 'prediction' and, for more than
            two classes, 'prediction_confidence' (see `prediction_frame`), with '_' behind where a column of the frame
            has the name.
        task, metric, importance: kept as they are, see `Profile`.
        seed: of the random samples.

    Raises:
        TooFewRows: there are none.
        ColumnNotFound, ColumnsMissing, UnknownKind, KindMismatch, DuplicateColumns: frame and schema do not fit.
        BadArguments: `frame` is no DataFrame, the predictions do not fit the rows or the classes, or an importance is
            not finite.
    """
    frame = _checked(frame)
    readings = declare(frame, schema, target)
    roles: dict[str, Role] = {name: "target" if name == target else "feature" for name in readings}
    predicted = _predicted(frame, prediction, classes)
    for name in predicted.columns:
        readings[name] = Reading(kind="category" if predicted[name].dtype == "category" else "number")
        roles[name] = "prediction"
    whole = pd.concat([frame, predicted], axis=1)
    keys = row_keys(frame, seed)
    parts = {name: fit_column(name, whole[name], readings[name], roles[name], form, keys) for name in readings}
    columns = {name: part.column for name, part in parts.items()}
    return Profile(
        columns=columns,
        readings=readings,
        rows=len(frame),
        target=target,
        task=task,
        classes=tuple(classes),
        form=form,
        metric=metric,
        importance=_finite(importance or {}),
        sample=sample_rows(whole, readings, columns, keys),
        sketches=sketches_of(parts),
        keys=keys_of(parts),
    )


def _checked(frame: object) -> pd.DataFrame:
    """The rows, numbered anew and with column names as text."""
    if not isinstance(frame, pd.DataFrame):
        raise BadArguments(f"The rows are a {type(frame).__name__}.", "Give a pandas DataFrame.")
    if len(frame) == 0:
        raise TooFewRows("A profile cannot be made of no rows.", "Give the rows that the model was trained on.")
    return named(frame).reset_index(drop=True)


def _predicted(frame: pd.DataFrame, prediction: Floats | None, classes: Sequence[str]) -> pd.DataFrame:
    """The predictions as columns, under names that the frame leaves free."""
    if prediction is None:
        return pd.DataFrame(index=frame.index)
    predicted = prediction_frame(prediction, classes, [_free(name, set(frame.columns)) for name in PREDICTION])
    if len(predicted) != len(frame):
        raise BadArguments(
            f"There are {len(predicted):,} predictions for {len(frame):,} rows.",
            "Give one for each row, in their order.",
        )
    return predicted


def _free(name: str, taken: Collection[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _finite(importance: Mapping[str, float]) -> dict[str, float]:
    wrong = [name for name, value in importance.items() if not math.isfinite(value)]
    if wrong:
        raise BadArguments(f"The importance of {shortened(wrong)} is not a finite number.", "Leave it out.")
    return {name: float(value) for name, value in importance.items()}
