"""What the checks look at: a model through its public door, real training rows, and answers to rows it had not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.errors import Fixable
from engine.metrics import METRICS, Floats, Metric, Target
from engine.package_info import InputColumn, PackageInfo
from engine.serving.predictor import Prediction

FEW = 4
"""Rows of one trial of one column."""
MOST_COLUMNS = 60
"""Columns tried one by one; a check says when there are more."""
EQUAL, ALIKE = 1e-6, 1e-3
"""Answers no further apart are the same, and nearly the same; of the largest answer, for numbers."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """Training rows (n) with their encoded target, and the answers (n,) or (n, classes) of models of the training that
    had not seen them."""

    frame: pd.DataFrame
    y: Target
    answers: Floats


@dataclass(frozen=True, eq=False)
class Subject:
    """A model to be tried.

    Attributes:
        predict: the model's answers to raw rows, as `Predictor.predict`.
        rows: training rows (n), the model's columns alone.
        target: of these rows.
        identifiers: columns of these rows by which a row is told from others; the model must not look at them.
        unseen: None where the record of the training is gone.
    """

    info: PackageInfo
    predict: Callable[[pd.DataFrame], Prediction]
    rows: pd.DataFrame
    target: pd.Series
    identifiers: pd.DataFrame = field(default_factory=pd.DataFrame)
    unseen: Unseen | None = None
    seed: int = 0

    @property
    def metric(self) -> Metric:
        return METRICS[self.info.metric.name]

    def of_kind(self, *kinds: str) -> list[InputColumn]:
        """The model's columns of these kinds, the first ones where there are many."""
        return [column for column in self.info.columns if column.kind in kinds][:MOST_COLUMNS]

    def some(self, count: int) -> pd.DataFrame:
        """The first rows, as new ones."""
        return self.rows.head(count).reset_index(drop=True)

    def answers(self, frame: pd.DataFrame) -> Floats:
        """Values (n,) or probabilities (n, classes)."""
        return answers_of(self.predict(frame))


def answers_of(prediction: Prediction) -> Floats:
    """Values (n,) or probabilities (n, classes) of a prediction."""
    given = prediction.labels if prediction.probabilities is None else prediction.probabilities
    return np.asarray(given, dtype=np.float64)


def apart(one: Floats, other: Floats) -> float:
    """The largest difference, as a share of the largest answer where that is over 1; infinite where shapes differ or
    an answer is not a number."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    scale = max(1.0, float(np.abs(one).max(initial=0.0)))
    return float(np.abs(one - other).max(initial=0.0)) / scale


def filled(frame: pd.DataFrame, column: str, values: Sequence[object]) -> pd.DataFrame:
    """The frame with other cells in one column, in turn; the column may hold anything."""
    cells = [values[place % len(values)] for place in range(len(frame))]
    return frame.assign(**{column: pd.Series(cells, index=frame.index, dtype=object)})


def tried(subject: Subject, frame: pd.DataFrame) -> str:
    """Why these rows are not answered well: 'crashes (...)', 'no number', or '' when every answer is a number.

    A refusal with a sentence for the user is no crash.
    """
    try:
        answers = subject.answers(frame)
    except Fixable:
        return ""
    except Exception as error:  # a model may fail in any way: that is what is looked for
        return f"crashes ({type(error).__name__}: {str(error)[:120]})"
    if len(answers) != len(frame):
        return f"{len(answers)} answers to {len(frame)} rows"
    return "" if np.isfinite(answers).all() else "answers what is not a number"
