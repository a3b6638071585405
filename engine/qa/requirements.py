"""Holding a model against what the user requires of it."""

from collections.abc import Callable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from engine.figures import figure
from engine.metrics import METRICS, Metric, bootstrap_interval, score
from engine.qa.answers import beats_baseline, timed
from engine.qa.check import Figure, Finding, failed, passed, skipped, warned
from engine.qa.slices import slice_limit
from engine.qa.subject import Subject


class Requirements(BaseModel):
    """What is required; None and False: nothing. `metric` is that of `min_score` and `max_slice_drop`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str | None = None
    min_score: float | None = None
    max_latency_ms: float | None = Field(None, gt=0)
    max_size_mb: float | None = Field(None, gt=0)
    max_slice_drop: float | None = Field(None, ge=0)
    must_beat_baseline: bool = False


Requirement = tuple[str, str, Callable[[Subject], Finding]]


def requirement_checks(asked: Requirements, size_mb: float) -> list[Requirement]:
    """(id, name, check) of everything that is required. `size_mb` is that of what answers."""
    metric = None if asked.metric is None else METRICS[asked.metric]
    found: list[Requirement] = []
    least, slow, large, apart = asked.min_score, asked.max_latency_ms, asked.max_size_mb, asked.max_slice_drop
    if least is not None:
        found.append(("min_score", "Score", lambda subject: reaches(subject, metric or subject.metric, least)))
    if slow is not None:
        found.append(("max_latency_ms", "Latency", lambda subject: quick_enough(timed(subject), slow)))
    if large is not None:
        found.append(("max_size_mb", "Size", lambda _: small_enough(size_mb, large)))
    if apart is not None:
        found.append(("max_slice_drop", "Worst group", lambda subject: slice_limit(subject, metric, apart)))
    if asked.must_beat_baseline:
        found.append(("must_beat_baseline", "Better than a constant", _must_beat))
    return found


def reaches(subject: Subject, metric: Metric, least: float) -> Finding:
    """Whether validation score and recorded test result reach `least`; a metric without an interval in the package is
    judged on the rows of the training that the models had not seen. The sealed rows are not looked at again."""
    info = subject.info
    validation, interval = _validation(subject, metric)
    test = info.metric.value if info.metric.name == metric.name else info.metric.others.get(metric.name)
    if info.metric.name == metric.name:
        interval = info.metric.ci
    if validation is None and test is None:
        return skipped(f"The package records no {metric.name}, and there are no unseen rows to measure it on.")
    known = {"validation": validation, "test": test}
    values = {where: value for where, value in known.items() if value is not None}
    words = ", ".join(f"{figure(value)} in {where}" for where, value in values.items())
    wanted = f"{'at least' if metric.greater_is_better else 'at most'} {figure(least)}"
    worst = None if interval is None else interval[0 if metric.greater_is_better else 1]
    figures: dict[str, Figure] = {"metric": metric.name, "required": least, **known, "worst": worst}
    if any(metric.improvement(value, least) < 0 for value in values.values()):
        return failed(f"{metric.name} is {words}; {wanted} is required.", **figures)
    if worst is None:
        return warned(f"{metric.name} is {words}, {wanted} as required, but without an interval.", **figures)
    if metric.improvement(worst, least) < 0:
        return warned(
            f"{metric.name} is {words}, {wanted} as required, but its interval reaches to {figure(worst)}: the "
            "requirement may be met by chance.",
            **figures,
        )
    return passed(f"{metric.name} is {words}, and {figure(worst)} at worst; {wanted} is required.", **figures)


def _validation(subject: Subject, metric: Metric) -> tuple[float | None, tuple[float | None, float | None] | None]:
    """The validation score, and its interval where it was measured here."""
    info, unseen = subject.info, subject.unseen
    if info.validation is not None and info.validation.name == metric.name:
        return info.validation.value, None
    if unseen is None:
        return None, None
    value = score(metric, unseen.y, unseen.answers, info.threshold)
    if not np.isfinite(value):
        return None, None
    low, high = bootstrap_interval(metric, unseen.y, unseen.answers, subject.seed, threshold=info.threshold)
    return value, (low, high) if np.isfinite([low, high]).all() else None


def quick_enough(times: tuple[float, float, int], most: float) -> Finding:
    """By the median; a slow tail is a warning."""
    middle, late, count = times
    words = f"One row takes {middle:.2f} ms in the middle and {late:.2f} ms at the 95th percentile of {count} answers"
    figures = {"median_ms": round(middle, 4), "p95_ms": round(late, 4), "allowed_ms": most, "answers": count}
    if middle > most:
        return failed(f"{words}; {figure(most)} ms is allowed.", **figures)
    if late > most:
        return warned(f"{words}; {figure(most)} ms is allowed, which the slowest answers do not keep.", **figures)
    return passed(f"{words}; {figure(most)} ms is allowed.", **figures)


def small_enough(size_mb: float, most: float) -> Finding:
    """By the size of plans and weights."""
    words = f"What answers takes {figure(size_mb)} MB; {figure(most)} MB is allowed."
    tell = failed if size_mb > most else passed
    return tell(words, size_mb=size_mb, allowed_mb=most)


def _must_beat(subject: Subject) -> Finding:
    found = beats_baseline(subject.info)
    if found.status != "warned":
        return found
    return found.model_copy(update={"status": "failed"})  # required beyond doubt
