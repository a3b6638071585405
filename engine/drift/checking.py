"""Everything that can be told of current rows of a model: columns, predictions, and with labels how well it does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.drift.baseline import Baseline, PerformanceReference
from engine.drift.compare import compare
from engine.drift.found import ColumnDrift, DriftReport, Finding, ImportanceDrift, PerformanceDrift, StreamAlarm
from engine.drift.levels import Level, highest
from engine.drift.policy import Policy
from engine.drift.profile import Profile
from engine.drift.reference import Floats
from engine.figures import figure
from engine.metrics import METRICS, Metric, Target, labels_of
from engine.tasks import Task

LEAST_LABELLED = 30
"""Labelled rows from which on performance is measured and the target's distribution compared."""


@dataclass(frozen=True)
class Answered:
    """Rows (n) that a model answered.

    Attributes:
        frame: the columns as they were asked.
        prediction: (n,) values or (n, k) probabilities.
        labels: (n,) raw true values in the target's kind, missing where none has come yet.
        truth: (n,) the same, encoded: NaN or -1 where not known.
        earlier_errors: (m,) errors of labelled rows before these, in order, for the detectors on the stream.
    """

    frame: pd.DataFrame
    prediction: Floats
    labels: pd.Series
    truth: Target
    earlier_errors: Floats

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(n,) which rows have a label."""
        return self.labels.notna().to_numpy(dtype=np.bool_)


def check_rows(
    profile: Profile,
    rows: Answered,
    policy: Policy,
    *,
    predict: Callable[[pd.DataFrame], Floats] | None = None,
    seed: int = 0,
) -> DriftReport:
    """Compare rows with the reference and measure the model on those that have labels.

    Args:
        predict: the model, to weigh its columns anew where there are enough labels.

    Raises:
        BadArguments: the predictions do not fit the profile.
    """
    report = compare(profile, rows.frame, policy, prediction=rows.prediction, multivariate=True, seed=seed)
    columns = {**report.columns, **_target(profile, rows.labels[rows.known], policy)}
    reference = profile.performance
    performance = () if reference is None else _performance(profile, reference, rows, policy, seed)
    importance = None
    if reference is not None and predict is not None:
        importance = _importance(reference, rows, predict, policy, seed)
    streams = () if reference is None else _streams(rows, reference)
    findings = [
        *report.findings,
        *(finding for name in columns.keys() - report.columns.keys() for finding in columns[name].findings),
        *_of_performance(performance),
        *_of_importance(importance),
        *_of_streams(streams),
    ]
    return report.model_copy(
        update={
            "columns": columns,
            "performance": performance,
            "importance": importance,
            "streams": streams,
            "findings": tuple(sorted(findings, key=lambda finding: -finding.level.rank)),
            "level": highest([report.level, *(finding.level for finding in findings)]),
        }
    )


def errors_of(truth: Target, prediction: Floats, task: Task, threshold: float) -> Floats:
    """(n,) 0 or 1 for a right or wrong label, the absolute error of a number; NaN where the truth is not known."""
    if task == "regression":
        return np.abs(truth - prediction)
    wrong = (labels_of(prediction, threshold) != truth).astype(np.float64)
    return np.where(truth >= 0, wrong, np.nan)


def _target(profile: Profile, labels: pd.Series, policy: Policy) -> dict[str, ColumnDrift]:
    """The target compared, of the rows whose labels have come: labels that are still to come are not missing values."""
    name = profile.target
    if name is None or len(labels) < LEAST_LABELLED or name not in profile.columns:
        return {}
    column = {name: profile.columns[name]}
    alone = Profile(
        columns=column, readings={name: profile.readings[name]}, rows=profile.rows, target=name, task=profile.task
    )
    return dict(compare(alone, pd.DataFrame({name: labels}), policy).columns)


def _performance(
    profile: Profile, reference: PerformanceReference, rows: Answered, policy: Policy, seed: int
) -> tuple[PerformanceDrift, ...]:
    """Measured where there are labels, and estimated for all rows."""
    from engine.drift.performance import realised

    metric, baseline = METRICS[reference.metric], _baseline(profile, reference)
    known = rows.known
    found = [_estimated(profile, reference, metric, rows, policy, baseline, seed)]
    if known.sum() >= LEAST_LABELLED:
        found.insert(
            0,
            realised(
                reference, metric, reference.task, reference.classes, rows.truth[known], rows.prediction[known], policy,
                threshold=reference.threshold, baseline=baseline, seed=seed,
            ),
        )  # fmt: skip
    return tuple(one for one in found if one is not None)


def _baseline(profile: Profile, reference: PerformanceReference) -> Baseline | None:
    """The metric of the sealed test rows; None (the out-of-fold rows count) where it is of another metric."""
    metric = profile.metric
    return None if metric is None or metric.name != reference.metric else Baseline(metric.value, metric.ci)


def _estimated(
    profile: Profile,
    reference: PerformanceReference,
    metric: Metric,
    rows: Answered,
    policy: Policy,
    baseline: Baseline | None,
    seed: int,
) -> PerformanceDrift | None:
    if reference.task != "regression":
        from engine.drift.estimate_classes import estimate_classes

        return estimate_classes(
            reference, metric, rows.prediction, policy, threshold=reference.threshold, baseline=baseline, seed=seed
        )
    if reference.loss_model is None:
        return None
    from engine.drift.estimate_loss import estimate_loss
    from engine.drift.sample import encode_rows

    same = baseline if metric.name in {"rmse", "mae"} else None
    return estimate_loss(
        reference.loss_model, encode_rows(profile, rows.frame), rows.prediction, metric, policy,
        reference=reference, baseline=same, seed=seed,
    )  # fmt: skip


def _importance(
    reference: PerformanceReference,
    rows: Answered,
    predict: Callable[[pd.DataFrame], Floats],
    policy: Policy,
    seed: int,
) -> ImportanceDrift | None:
    from engine.drift.importance import LEAST_ROWS, contributions, importance_drift

    known = np.flatnonzero(rows.known)
    if reference.contributions is None or len(known) < LEAST_ROWS:
        return None
    current = contributions(
        predict, rows.frame.iloc[known], rows.truth[known], reference.columns, reference.task, seed, repeats=1
    )
    return importance_drift(reference.contributions, reference.columns, current, policy, seed)


def _streams(rows: Answered, reference: PerformanceReference) -> tuple[StreamAlarm, ...]:
    """Alarms that ring in these rows, after the errors of the labelled ones before them."""
    from engine.drift.streams import error_streams

    errors = errors_of(rows.truth, rows.prediction, reference.task, reference.threshold)
    now = errors[np.isfinite(errors)]
    if len(now) < LEAST_LABELLED:
        return ()
    before = len(rows.earlier_errors)
    return tuple(
        alarm.model_copy(update={"first": None if alarm.first is None or alarm.first < before else alarm.first - before,
                                 "rows": len(now)})
        for alarm in error_streams(np.concatenate([rows.earlier_errors, now]))
    )  # fmt: skip


def _of_performance(found: tuple[PerformanceDrift, ...]) -> list[Finding]:
    """A drop at YELLOW or higher. One that is only estimated is a warning: labels decide."""
    findings = []
    for one in found:
        if one.level == Level.GREEN or one.value is None or one.baseline is None or one.drop is None:
            continue
        measured = one.source == "labels"
        how = f"on {one.rows:,} labelled rows" if measured else f"as estimated for {one.rows:,} rows without labels"
        findings.append(
            Finding(
                code="performance_drop" if measured else "estimated_drop",
                level=one.level,
                sentence=f"{one.metric} is {figure(one.value)} {how}, {one.drop:.1%} worse than its baseline of "
                f"{figure(one.baseline)}.",
                figures={"value": one.value, "baseline": one.baseline, "drop": one.drop, "p_value": one.p_value},
            )
        )
    return findings


def _of_importance(found: ImportanceDrift | None) -> list[Finding]:
    if found is None or found.level == Level.GREEN or found.change is None:
        return []
    moved = max(found.current, key=lambda name: abs(found.current[name] - found.reference[name]))
    sentence = (
        f"What the model leans on changed by {found.change:.0%}: most of all {moved!r}, from "
        f"{found.reference[moved]:.0%} to {found.current[moved]:.0%} of the importance."
    )
    figures = {"change": found.change, "p_value": found.p_value}
    return [Finding(code="importance_change", level=found.level, sentence=sentence, figures=figures)]


def _of_streams(found: tuple[StreamAlarm, ...]) -> list[Finding]:
    """An alarm is a reason to look closer; how bad things are is for the metric to say."""
    return [
        Finding(
            code="error_stream",
            level=Level.YELLOW,
            sentence=f"{alarm.detector} rang at labelled row {alarm.first + 1:,} of {alarm.rows:,}: errors have risen.",
            figures={"first": float(alarm.first), "rows": float(alarm.rows)},
        )
        for alarm in found
        if alarm.first is not None and alarm.detector != "DDM"
    ]
