"""Checks of what a model answers: probabilities, variety, calibration, what it leans on, baseline, speed."""

import time

import numpy as np

from engine.data.association import lone_strength, missing_strength
from engine.data.cells import clip
from engine.figures import figure
from engine.metrics import METRICS, Floats, labels_of
from engine.naming import shortened
from engine.package_info import PackageInfo
from engine.qa.check import Figure, Finding, failed, passed, skipped, warned
from engine.qa.subject import MOST_COLUMNS, Subject

GONE = "The record of its training is gone, so there are no answers to rows that it had not seen."
SUM_OFF = 1e-6
BINS = 10
LEAST_CALIBRATED = 100
BADLY_CALIBRATED = 0.05
"""A smaller expected calibration error is no cause for a warning, however sure it is."""
DRAWS = 400
CELLS_AT_ONCE = 2_000_000
LEAK = 0.98
LEANS = 0.9
"""Share of what the model gains over the baseline that goes when one column is shuffled."""
TIMED, TIMED_SECONDS, WARM_UP = 60, 2.0, 3


def probabilities(subject: Subject) -> Finding:
    """Probabilities lie between 0 and 1 and sum to one; the label belongs to the classes."""
    if subject.info.task == "regression":
        return skipped("The model answers numbers, not classes.")
    prediction = subject.predict(subject.rows)
    shares = prediction.probabilities
    if shares is None or shares.shape != (len(subject.rows), len(subject.info.classes)):
        return failed(f"It does not give a probability for each of its {len(subject.info.classes)} classes.")
    if not np.isfinite(shares).all() or shares.min() < -SUM_OFF or shares.max() > 1 + SUM_OFF:
        return failed(
            "Some probabilities are not between 0 and 1.", least=float(shares.min()), most=float(shares.max())
        )
    off = float(np.abs(shares.sum(axis=1) - 1).max())
    if off > SUM_OFF:
        return failed(f"The probabilities of a row sum to one only within {off:.3g}.", off=off)
    strange = sorted(set(map(str, prediction.labels)) - set(subject.info.classes))
    if strange:
        return failed(f"It names classes that it does not have: {shortened([clip(name) for name in strange], 3)}.")
    return passed(
        f"On {len(shares):,} rows all probabilities lie between 0 and 1 and sum to one.", rows=len(shares), off=off
    )


def varied(subject: Subject) -> Finding:
    """The answer is not the same whatever the row."""
    answers = subject.answers(subject.rows)
    if not np.isfinite(answers).all():
        return failed(f"Some of {len(answers):,} training rows are not answered by numbers.")
    spread = float(np.ptp(answers, axis=0).max())
    if spread <= 1e-12 * max(1.0, float(np.abs(answers).max())):
        return failed(f"All {len(answers):,} rows get the same answer.", spread=spread)
    if subject.info.task == "regression":
        return passed(f"The answers to {len(answers):,} rows differ (range {figure(spread)}).", spread=spread)
    named = len(np.unique(labels_of(answers, subject.info.threshold)))
    if named == 1:
        return warned(f"All {len(answers):,} rows get the same class, with different probabilities.", classes=named)
    return passed(f"{named} of {len(subject.info.classes)} classes are named on {len(answers):,} rows.", classes=named)


def calibration(subject: Subject) -> Finding:
    """Whether a probability of 70 % comes true 7 times of 10, on rows that the models had not seen."""
    if subject.info.task == "regression":
        return skipped("The model answers numbers, not probabilities.")
    if subject.unseen is None:
        return skipped(GONE)
    stated, came_true = _stated(subject.unseen.answers, np.asarray(subject.unseen.y, dtype=np.int64))
    if len(stated) < LEAST_CALIBRATED:
        return skipped(f"{len(stated)} unseen rows are too few to judge probabilities by.")
    error = calibration_error(stated, came_true)
    chance = chance_error(stated, subject.seed)
    words = (
        f"Stated and observed shares differ by {error:.3f} on average over {len(stated):,} unseen rows; chance alone "
        f"makes up to {chance:.3f}"
    )
    figures = {"error": round(error, 5), "chance": round(chance, 5), "rows": len(stated)}
    if error > chance and error > BADLY_CALIBRATED:
        return warned(f"{words}. The probabilities are not to be taken at face value.", **figures)
    return passed(f"{words}.", **figures)


def _stated(answers: Floats, y: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> tuple[Floats, Floats]:
    """Stated probability and whether it came true: of the positive class, or of the class that is named."""
    if answers.shape[1] == 2:
        return answers[:, 1], (y == 1).astype(np.float64)
    return answers.max(axis=1), (answers.argmax(axis=1) == y).astype(np.float64)


def calibration_error(stated: Floats, came_true: Floats) -> float:
    """Expected calibration error in ten bins of equal width: mean |stated - observed|, weighted by rows."""
    return float(_errors(stated, came_true[None])[0])


def chance_error(stated: Floats, seed: int) -> float:
    """The error that probabilities which are right stay below 95 times of 100: outcomes drawn from them."""
    rng = np.random.default_rng([seed, 11])
    batch = max(1, CELLS_AT_ONCE // len(stated))
    drawn = [
        _errors(stated, (rng.random((min(batch, DRAWS - start), len(stated))) < stated).astype(np.float64))
        for start in range(0, DRAWS, batch)
    ]
    return float(np.quantile(np.concatenate(drawn), 0.95))


def _errors(stated: Floats, came_true: Floats) -> Floats:
    """The calibration error of each of several outcomes (b, n)."""
    places = np.minimum((stated * BINS).astype(int), BINS - 1)
    gaps = (came_true - stated) @ np.eye(BINS)[places]
    return np.asarray(np.abs(gaps).sum(axis=1) / len(stated), dtype=np.float64)


def leaks(subject: Subject) -> Finding:
    """One column that explains nearly everything: it may be known only after the target is."""
    alone = [
        f"{clip(name)!r} alone ({strength:.3f} of 1)" for name, strength in _lone(subject).items() if strength >= LEAK
    ]
    share = leaning(subject.info)
    top = subject.info.importance[0].column if subject.info.importance else None
    figures = {"alone": len(alone), "column": top, "share": None if share is None else round(share, 4)}
    if alone:
        return warned(
            f"The target is explained almost wholly by {shortened(alone, 3)}: a leak, unless it is known before the "
            "target is.",
            **figures,
        )
    if share is not None and share >= LEANS and len(subject.info.columns) > 1:
        return warned(
            f"{share:.0%} of what the model gains over the baseline goes when {clip(top)!r} is shuffled: make sure "
            "that it is known at the time of prediction.",
            **figures,
        )
    return passed("No column alone explains nearly everything.", **figures)


def leaning(info: PackageInfo) -> float | None:
    """Share of the gain over the baseline that rests on the most important column; None where it is not known."""
    if info.validation is None or info.baseline is None or not info.importance:
        return None
    gain = METRICS[info.validation.name].improvement(info.validation.value, info.baseline.value)
    return info.importance[0].importance / gain if gain > 0 else None


def _lone(subject: Subject) -> dict[str, float]:
    """How well each column alone, or its gaps, tell the target."""
    found: dict[str, float] = {}
    kinds: dict[str, str] = {column.name: column.kind for column in subject.info.columns[:MOST_COLUMNS]}
    for name, kind in kinds.items():
        cells = subject.rows[name]
        strengths = (
            lone_strength(cells, subject.target, kind, subject.info.task),
            missing_strength(cells, subject.target, subject.info.task),
        )
        found[name] = max((value for value in strengths if value is not None), default=0.0)
    return found


def baseline(subject: Subject) -> Finding:
    """Whether it is better than a constant answer, and how sure that is."""
    return beats_baseline(subject.info)


def beats_baseline(info: PackageInfo) -> Finding:
    """By the validation scores and the interval of the test look that the package records; no new look is taken."""
    if info.validation is None or info.baseline is None:
        return skipped("The package records no score of the model or of the baseline.")
    metric = METRICS[info.validation.name]
    mine, constant = info.validation.value, info.baseline.value
    words = (
        f"{metric.name} {figure(mine)} in validation ({info.validation.method}), a constant answer {figure(constant)}"
    )
    figures: dict[str, Figure] = {"metric": metric.name, "validation": mine, "baseline": constant}
    if metric.improvement(mine, constant) <= 0:
        return failed(f"It is no better than a constant answer: {words}.", **figures)
    low, high = info.metric.ci
    worst = low if metric.greater_is_better else high
    if info.metric.name != metric.name or worst is None:
        return warned(f"{words}; its test result has no interval to be sure by.", **figures)
    figures["test_worst"] = worst
    words += f"; the sealed test rows leave it no worse than {figure(worst)}"
    if metric.improvement(worst, constant) <= 0:
        return warned(f"It may be no better than a constant answer: {words}.", **figures)
    return passed(f"It beats a constant answer: {words}.", **figures)


def latency(subject: Subject) -> Finding:
    """One row at a time, in this process."""
    middle, late, count = timed(subject)
    return passed(
        f"One row takes {middle:.2f} ms in the middle and {late:.2f} ms at the 95th percentile ({count} answers in "
        "this process).",
        median_ms=round(middle, 4), p95_ms=round(late, 4), answers=count,
    )  # fmt: skip


def timed(subject: Subject) -> tuple[float, float, int]:
    """Median and 95th percentile of the milliseconds that one row takes, and how many answers that is of."""
    rows = [subject.rows.iloc[[place % len(subject.rows)]] for place in range(TIMED + WARM_UP)]
    taken: list[float] = []
    end = time.perf_counter() + TIMED_SECONDS
    for turn, row in enumerate(rows):
        began = time.perf_counter()
        subject.predict(row)
        now = time.perf_counter()
        if turn >= WARM_UP:
            taken.append((now - began) * 1e3)
            if now > end:
                break
    return float(np.median(taken)), float(np.percentile(taken, 95)), len(taken)
