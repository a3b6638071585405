"""The student: a small network that learns the answers of the model it is to replace (Hinton et al. 2015)."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.automl.fitting import Features, Table
from engine.automl.members import Member
from engine.automl.portfolio import class_power, params_of
from engine.automl.prepare import kinds_of
from engine.automl.spec import StudentSpec, TrainSpec
from engine.automl.validation import make_validation
from engine.data.schema import Schema
from engine.errors import BadArguments, BadChoice, TooFewRows
from engine.families import NETWORKS, check_needs
from engine.metrics import METRICS
from engine.models.base import Deadline, Floats, Hearing, NoTimeError, Target
from engine.models.model import fit_model, warm_up
from engine.optimise.errors import VariantRefused
from engine.progress import Control, FitProgress, Note
from engine.tasks import MIN_ROWS, Task, encode_target

TOLD_EVERY_S = 0.5


def train_student(
    train: pd.DataFrame,
    schema: Schema,
    *,
    target: str,
    task: Task,
    metric: str,
    classes: Sequence[str],
    answers: Floats,
    family: str,
    width: int,
    seconds: float | None,
    seed: int,
    threads: int,
    folder: Path,
    control: Control,
) -> Member:
    """Fit one small network with a feature plan of its own; a fifth of the rows end its training, chosen by `seed`.

    Without `seconds` the work is fixed and gives the same bits each time.

    Args:
        train: rows in the schema's kinds, with the target; those without a target are left out.
        schema: all of its columns but the target and identifiers are learned from.
        metric: decides how the best pass is chosen and rare classes are weighed.
        answers: the model's own, (n, classes) probabilities or (n,) values, for all rows of `train`.
        family: one of `engine.families.NETWORKS`.
        width: of its layers, see `engine.models.network_params.net_spec`.
        folder: where a long training keeps what it has so far, and goes on from when called again.

    Raises:
        BadChoice: not a network, or one with nothing to look at in these columns.
        BadArguments: the answers do not fit the rows and classes, or the width is no width.
        TooFewRows: too few rows have a target.
        VariantRefused: it was stopped before its first step.
        LossNotFinite, OutOfMemory: as `engine.training.fit`.
    """
    columns = [name for name in schema.names if name != target and schema.kind(name) != "identifier"]
    _check(family, schema, columns, width)
    y = encode_target(train[target], task, classes)
    known = _labelled(y, answers, task, len(classes))
    spec = StudentSpec(teacher="the original", width=width)
    wished = TrainSpec(target=target, seed=seed, budget_seconds=seconds, student=spec)
    frame, judge = train.iloc[known], METRICS[metric]
    table = Table(
        frame=frame, schema=schema, columns=tuple(columns), y=y[known], task=task, classes=len(classes),
        validation=make_validation(frame, y[known], task, wished, len(frame) * len(columns), networks=True),
        power=class_power(task, judge), teacher=answers[known],
    )  # fmt: skip
    warm_up(family)
    deadline = Deadline(control, seconds)
    params = spec.params | params_of(family, judge, task, seed)
    try:
        part = Features(table, seed).fold(family, 0, deadline.check)
        setting = part.setting(table, deadline, seed, threads, _hearing(family, control), folder)
        model = fit_model(family, *part.train, params, setting)
    except NoTimeError:
        raise VariantRefused("The student was stopped before its first step.", "Give it more time.") from None
    shutil.rmtree(folder, ignore_errors=True)
    return Member(plan=part.plan, model=model, task=task, classes=tuple(classes), params=params)


def _labelled(y: Target, answers: Floats, task: Task, classes: int) -> NDArray[np.int64]:
    """Places of the rows with a target, where there are enough and the answers fit them."""
    if answers.shape != ((len(y),) if task == "regression" else (len(y), classes)):
        raise BadArguments(f"Answers of shape {answers.shape} do not fit {len(y)} rows and {classes} classes.")
    known = np.flatnonzero(np.isfinite(y) if task == "regression" else y >= 0)
    if len(known) < MIN_ROWS:
        raise TooFewRows(f"A student has only {len(known)} rows to learn from.", f"Give at least {MIN_ROWS}.")
    return known


def _check(family: str, schema: Schema, columns: Sequence[str], width: int) -> None:
    if family not in NETWORKS:
        raise BadChoice("student", family, NETWORKS)
    check_needs([family], kinds_of(schema, columns))
    if width < 1:
        raise BadArguments(f"A width of {width} is none.", "Give 1 or more, such as 48.")


def _hearing(family: str, control: Control) -> Hearing:
    told = [0.0]

    def tick(done: int, total: int) -> None:
        now = time.monotonic()
        if now - told[0] >= TOLD_EVERY_S:
            told[0] = now
            control.watch(FitProgress(model=f"student ({family})", done=done, total=max(done, total)))

    return Hearing(tick=tick, note=lambda text: control.watch(Note(text=f"student: {text}")))
