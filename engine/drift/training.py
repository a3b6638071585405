"""The reference of a trained model: its training rows, and how it did on those that it had not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from engine.automl.run import TrainingRun
from engine.automl.select import HeldOut
from engine.drift.baseline import LossModel, PerformanceReference, reference_rows
from engine.drift.estimate_loss import fit_loss_model
from engine.drift.importance import contributions
from engine.drift.profile import MetricBaseline, Profile, fit_profile
from engine.drift.sample import encode_rows
from engine.errors import TooFewRows
from engine.evaluate import Evaluation
from engine.explain import Importance
from engine.metrics import METRICS

MOST_EXACT = 100_000
"""Rows up to which distributions are kept whole: a package of gigabytes is of no use to anyone."""
MOST_WATCHED = 500
"""Features that are watched: a report on more could not be read."""


def training_reference(
    run: TrainingRun,
    evaluation: Evaluation,
    importance: Sequence[Importance],
    seconds: float | None = None,
    *,
    most_exact: int = MOST_EXACT,
    most_watched: int = MOST_WATCHED,
) -> Profile:
    """What drift is measured against, from a run whose model is selected.

    Distributions are of the rows in use, predictions and errors of those held out from the fits; the sealed test rows
    give nothing but the metric and its interval.

    Args:
        evaluation: on the sealed test rows.
        importance: by column, the most important first.
        seconds: that the contributions of the columns may take (see `engine.drift.importance`).
        most_exact: rows; of more the distributions are sketched.
        most_watched: features; of more the most important are watched.
    """
    preparation, held_out, frame = run.preparation, run.validated(), run.table.frame
    watched = _watched(preparation.features, importance, most_watched)
    columns = [*watched, preparation.target]
    profile = fit_profile(
        frame[columns],
        run.schema.subset(columns),
        preparation.target,
        form="exact" if len(frame) <= most_exact else "sketch",
        classes=preparation.classes,
        task=preparation.task,
        metric=_metric(evaluation),
        importance={row.column: row.importance for row in importance},
        seed=run.spec.seed,
    )
    profile = _with_predictions(profile, held_out, preparation.classes)
    return profile.with_performance(_performance(run, profile, held_out, watched, seconds))


def _watched(features: Sequence[str], importance: Sequence[Importance], most: int) -> list[str]:
    """The features to watch, in their own order."""
    known = set(features)
    ranked = dict.fromkeys([*(row.column for row in importance if row.column in known), *features])
    chosen = set(list(ranked)[:most])
    return [name for name in features if name in chosen]


def _metric(evaluation: Evaluation) -> MetricBaseline | None:
    found: Mapping[str, object] = {
        "name": evaluation.metric,
        "value": evaluation.value,
        "ci": evaluation.ci,
        "rows": evaluation.rows,
        "greater_is_better": METRICS[evaluation.metric].greater_is_better,
    }
    finite = all(pd.notna(value) for value in (evaluation.value, *evaluation.ci))
    return MetricBaseline.model_validate(found) if finite else None


def _with_predictions(profile: Profile, held_out: HeldOut, classes: Sequence[str]) -> Profile:
    """The profile with the distribution of the out-of-fold predictions, which may be of fewer rows."""
    # beside the column names of the reference, so that the predictions take none of them
    empty = pd.DataFrame(index=range(len(held_out.frame)), columns=list(profile.columns), dtype=np.float64)
    of_held_out = fit_profile(
        empty, dict.fromkeys(profile.columns, "number"), prediction=held_out.prediction, classes=classes
    )
    names = of_held_out.of_role("prediction")
    return replace(
        profile,
        columns={**profile.columns, **{name: of_held_out.columns[name] for name in names}},
        readings={**profile.readings, **{name: of_held_out.readings[name] for name in names}},
    )


def _performance(
    run: TrainingRun, profile: Profile, held_out: HeldOut, columns: Sequence[str], seconds: float | None
) -> PerformanceReference:
    preparation, selection, seed = run.preparation, run.select(), run.spec.seed
    truth, prediction = reference_rows(held_out.y, held_out.prediction, preparation.task, seed)
    fold = run.held_out()
    return PerformanceReference(
        metric=preparation.metric,
        task=preparation.task,
        classes=preparation.classes,
        threshold=selection.threshold,
        truth=truth,
        prediction=prediction,
        contributions=contributions(
            fold.predict, fold.frame, fold.y, columns, preparation.task, seed, repeats=1, seconds=seconds
        ),
        columns=tuple(columns),
        loss_model=_loss_model(run, profile, held_out) if preparation.task == "regression" else None,
    )


def _loss_model(run: TrainingRun, profile: Profile, held_out: HeldOut) -> LossModel | None:
    try:
        return fit_loss_model(
            encode_rows(profile, held_out.frame),
            np.asarray(held_out.y, dtype=np.float64),
            held_out.prediction,
            METRICS[run.preparation.metric],
            seed=run.spec.seed,
        )
    except TooFewRows:
        return None  # the performance of a model of so few rows is not estimated without labels
