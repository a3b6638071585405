"""The summary of a pipeline: what came out, or what came nearest and how to go on."""

from collections.abc import Sequence
from typing import Any

from engine.errors import JobFailed
from engine.figures import figure
from graphs.pipeline_retry import best_of, trained_leaks
from graphs.pipeline_types import Attempt, Branch, PipelineSummary
from graphs.run_types import SummaryMetric
from tools.training import TrainingResult, ValidationValue


def summary_of(
    attempts: Sequence[Attempt],
    result: TrainingResult | None,
    *,
    run: str,
    branch: dict[str, Any] | None,
    target: str,
    trail: Sequence[str],
    stopped: str,
    attempts_allowed: int,
    spent: float,
) -> PipelineSummary:
    """The summary; `result` is that of the packaged attempt, None when nothing was packaged.

    Raises:
        JobFailed: the end was stopped before it had packaged a model.
    """
    last = attempts[-1]
    nearest = last if last.passed else best_of([a for a in attempts if not trained_leaks(a)] or attempts)
    found = PipelineSummary(
        run_id=run,
        branch=None if branch is None else Branch.model_validate(branch),
        state="passed" if last.passed else "failed",
        why=_why(attempts, nearest, stopped, attempts_allowed),
        advice=() if last.passed else _advice(run, nearest, last, result),
        dataset_id=nearest.prepared.dataset,
        target=target,
        task=nearest.task,
        attempts=tuple(attempts),
        best_attempt=nearest.number,
        checkpoints=tuple(trail),
        validation=_value(nearest, nearest.score),
        baseline=_value(nearest, nearest.baseline),
        seconds=round(spent, 3),
    )
    return found if result is None else _with_model(found, result)


def _with_model(summary: PipelineSummary, result: TrainingResult) -> PipelineSummary:
    if result.model is None or result.metric is None:
        raise JobFailed(f"Run {summary.run_id!r} was stopped before a model was packaged.", "Resume it.")
    metric = SummaryMetric(name=result.metric.name, value=result.metric.value, ci=result.metric.ci)
    ended = {name: getattr(result, name) for name in ("importance", "package", "report", "validation", "baseline")}
    return summary.model_copy(update={**ended, "model_id": result.model, "metric": metric})


def _value(attempt: Attempt, value: float | None) -> ValidationValue | None:
    if value is None or attempt.metric is None:
        return None
    return ValidationValue(name=attempt.metric, value=value, method="validation rows")


def _why(attempts: Sequence[Attempt], nearest: Attempt, stopped: str, allowed: int) -> str:
    last = attempts[-1]
    if last.passed:
        return f"Validation passed at attempt {last.number} of {allowed}."
    score = "without a score" if nearest.score is None else f"with {nearest.metric} {figure(nearest.score)}"
    came = f"Attempt {nearest.number} came nearest, {score}."
    if last.cancelled:
        return f"Validation failed, and the training was cancelled. {came}"
    reason = stopped or f"All {allowed} attempts are used. {' '.join(check.why for check in last.failed)}"
    return f"Validation failed. {reason} {came}"


def _advice(run: str, nearest: Attempt, last: Attempt, result: TrainingResult | None) -> tuple[str, ...]:
    """Commands to go on with, those that fit what failed."""
    start = f"millwright pipeline from {run}"
    failed = {check.name for check in nearest.failed}
    lines = []
    if "min_score" in failed and nearest.score is not None:
        lines.append(f"Ask for less: {start}:train-{nearest.number} --min-score SCORE")
    if "no_leak" in failed:
        lines.append(
            f"Allow leaks, if they are known before the target is: {start}:train-{nearest.number} --allow-leaks"
        )
    lines.append(f"Try on: {start}:validate-{last.number} --attempts {last.number + 2}")
    if result is None:
        lines.append(f"Package the best attempt all the same: {start}:validate-{last.number} --keep-best")
    return tuple(lines)
