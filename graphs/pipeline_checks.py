"""Validation: what is demanded of an attempt, measured on the rows held out from its fits. No test row is read."""

from collections.abc import Callable, Iterator

from engine.figures import figure
from engine.metrics import METRICS
from graphs.pipeline_types import CheckResult, Checks, Gain
from tools.training import TrainingResult
from tools.workshop import Workshop

RESAMPLES = 300
MOST_ROWS = 20_000
BASELINE = "dummy"

Measure = Callable[[Workshop, TrainingResult, int], Gain | None]
"""By how much the best candidate beats the baseline, from what the training kept; None where that has no value."""


def measured_gain(workshop: Workshop, result: TrainingResult, seed: int) -> Gain | None:
    """From resampled validation rows, the same for both, so that what both find hard does not count as noise.

    On at most 20,000 rows. None where a score or the baseline has no value.
    """
    import numpy as np

    from engine.automl.record import Record
    from engine.automl.run import TrainingRun
    from engine.metrics import resampled_scores

    record = Record(workshop.runs / result.run)
    kept = record.preparation()
    if kept is None or result.best is None or result.baseline is None:
        return None
    dataset = workshop.datasets.get(result.dataset)
    frame = workshop.datasets.training_frame(dataset.id)
    run = TrainingRun(record.folder, frame, dataset.schema_, kept[0])
    best, base = record.prediction(result.best), record.prediction(BASELINE)
    usable = np.isfinite(best).reshape(len(best), -1)[:, 0] & np.isfinite(base).reshape(len(base), -1)[:, 0]
    rng = np.random.default_rng([seed, 7])
    rows = np.flatnonzero(usable)
    rows = rows if len(rows) <= MOST_ROWS else np.sort(rng.permutation(rows)[:MOST_ROWS])
    mask = np.isin(np.arange(len(best)), rows)
    y, judge, metric = run.table.y[mask], run.judge(mask), kept[1].chosen_metric
    weights = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=RESAMPLES).astype(np.float64)
    new, old = (
        resampled_scores(metric, y, prediction[mask], weights, judge.threshold(prediction[mask]))
        for prediction in (best, base)
    )
    gains = new - old if metric.greater_is_better else old - new
    gains = gains[np.isfinite(gains)]
    whole = result.validation
    if not len(gains) or whole is None:
        return None
    low, high = np.percentile(gains, [2.5, 97.5])
    return Gain(value=metric.improvement(whole.value, result.baseline.value), low=float(low), high=float(high))


def judged(
    checks: Checks, result: TrainingResult, gain: Gain | None, leaks: tuple[str, ...], kept: frozenset[str]
) -> tuple[CheckResult, ...]:
    """Each check that is demanded, with its verdict and the figures behind it.

    `leaks` are the columns trained on that the profile names; `kept` those that the user wants to keep.
    """
    return tuple(_judged(checks, result, gain, leaks, kept))


def _judged(
    checks: Checks, result: TrainingResult, gain: Gain | None, leaks: tuple[str, ...], kept: frozenset[str]
) -> Iterator[CheckResult]:
    if checks.no_leak:
        wished = f"; you asked to keep {_listed(wish)}" if (wish := [name for name in leaks if name in kept]) else ""
        why = f"{_listed(leaks)}: named by the profile{wished}" if leaks else "no column that the profile names"
        yield CheckResult(name="no_leak", passed=not leaks, why=f"{why}.")
    if checks.beats_baseline:
        yield CheckResult(name="beats_baseline", passed=gain is not None and gain.low > 0, why=_against(result, gain))
    if checks.min_score is not None:
        yield _against_least(checks.min_score, result)


def _against(result: TrainingResult, gain: Gain | None) -> str:
    if gain is None:
        return "There is no score of a model or of the baseline on the validation rows."
    name = result.validation.name if result.validation else "score"
    between = f"95 % interval {figure(gain.low)} to {figure(gain.high)}"
    verdict = "better than the baseline" if gain.low > 0 else "no more than noise"
    return f"{result.best} gains {figure(gain.value)} of {name} over the baseline ({between}): {verdict}."


def _against_least(least: float, result: TrainingResult) -> CheckResult:
    found = result.validation
    if found is None:
        return CheckResult(name="min_score", passed=False, why="There is no score on the validation rows.")
    greater = METRICS[found.name].greater_is_better
    passed = METRICS[found.name].improvement(found.value, least) >= 0
    bound = "least" if greater else "most"
    why = f"{found.name} {figure(found.value)}, and at {bound} {figure(least)} is demanded."
    return CheckResult(name="min_score", passed=passed, why=why)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    from engine.data.cells import clip

    return ", ".join(repr(clip(name)) for name in names)
