"""Whether a challenger may take the place of a champion: it has to be better on the same rows by more than chance."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from engine.drift.baseline import finite, known
from engine.drift.drop import statistic_of, worsening
from engine.drift.performance import too_few_of_a_class
from engine.drift.resample import deviation, expansion, interval, resampled
from engine.errors import BadArguments
from engine.figures import figure
from engine.metrics import Floats, Metric, Target, score, stand_in

LEAST_ROWS = 50


class GateVerdict(BaseModel):
    """`passed` only if the one-sided p-value (Student's t with the error of the bootstrap) is at most alpha and all of
    `interval` (percentiles of the bootstrap, two-sided at 1 - 2 alpha) lies above 0: the two err at different kinds of
    tails. `improvement` is positive when the challenger is better, whichever way the metric runs. Figures are None
    where nothing could be compared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    passed: bool
    metric: str
    champion: float | None
    challenger: float | None
    improvement: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    rows: int
    sentence: str


def paired_gate(
    metric: Metric,
    truth: Target,
    champion: Floats,
    challenger: Floats,
    *,
    champion_threshold: float = 0.5,
    challenger_threshold: float = 0.5,
    alpha: float = 0.05,
    seed: int = 0,
) -> GateVerdict:
    """Compare two predictions (n,) or (n, classes) of the same rows by the paired bootstrap of their metrics.

    Rows whose label is not known (-1 or NaN) or that the champion has no finite prediction for are left out. A
    challenger without one for any row does not pass, nor does any on fewer than 50 rows or, for metrics of a class,
    on fewer than 10 of the rarest class. log_loss or rmse stands in for a metric that has no value on these rows.
    Sources: Efron and Tibshirani 1993, chapter 13; Hesterberg 2015.

    Raises:
        BadArguments: the predictions do not have a row for each label.
    """
    task = metric.tasks[0]
    champion, challenger = np.asarray(champion, dtype=np.float64), np.asarray(challenger, dtype=np.float64)
    if not len(truth) == len(champion) == len(challenger) or champion.shape != challenger.shape:
        raise BadArguments(
            f"Predictions of shapes {champion.shape} and {challenger.shape} do not fit {len(truth)} label(s).",
            "Let both models predict the same rows.",
        )
    usable = known(truth, task) & finite(champion)
    truth, champion, challenger = truth[usable], champion[usable], challenger[usable]
    if refusal := _refusal(metric, truth, champion, challenger):
        return _not_compared(metric, len(truth), refusal)
    if not np.isfinite(score(metric, truth, champion, champion_threshold)):
        metric = stand_in(task)
    old = statistic_of(metric, truth, champion, champion_threshold)
    new = statistic_of(metric, truth, challenger, challenger_threshold)

    rng = np.random.default_rng([seed, 18])
    # how much worse the champion is than the challenger
    draws = resampled(lambda rows: worsening(metric, old(rows), new(rows)), len(truth), rng)
    before = score(metric, truth, champion, champion_threshold)
    after = score(metric, truth, challenger, challenger_threshold)
    return _verdict(metric, before, after, draws, len(truth), alpha)


def _refusal(metric: Metric, truth: Target, champion: Floats, challenger: Floats) -> str:
    """Why these rows cannot tell, or ''."""
    if len(truth) < LEAST_ROWS:
        return f"{len(truth)} labelled row(s) are too few to compare on; {LEAST_ROWS} are needed."
    if missing := int((~finite(challenger)).sum()):
        return f"The challenger has no finite prediction for {missing:,} of {len(truth):,} row(s)."
    if not np.isfinite(score(metric, truth, champion)):
        return ""
    return too_few_of_a_class(metric, truth, champion.shape[-1])


def _not_compared(metric: Metric, rows: int, sentence: str) -> GateVerdict:
    return GateVerdict(
        passed=False, metric=metric.name, champion=None, challenger=None, improvement=None, interval=None, p_value=None,
        rows=rows, sentence=sentence,
    )  # fmt: skip


def _verdict(metric: Metric, old: float, new: float, draws: Floats, rows: int, alpha: float) -> GateVerdict:
    better = metric.improvement(new, old)
    p_value = _p_value(better, draws, rows)
    span = interval(better + (draws - better) * expansion(rows, alpha), 2 * alpha)
    passed = p_value <= alpha and span is not None and span[0] > 0
    return GateVerdict(
        passed=passed, metric=metric.name, champion=old, challenger=new, improvement=better, interval=span,
        p_value=p_value, rows=rows, sentence=_sentence(metric, old, new, p_value, rows, passed),
    )  # fmt: skip


def _p_value(better: float, draws: Floats, rows: int) -> float:
    """One-sided, by Student's t with the standard error of the bootstrap."""
    from scipy.special import stdtr

    error = deviation(draws) * np.sqrt(rows / (rows - 1))
    if error == 0.0:
        return 0.0 if better > 0 else 1.0
    return float(stdtr(rows - 1, -better / error))


def _sentence(metric: Metric, old: float, new: float, p_value: float, rows: int, passed: bool) -> str:
    verdict = "is better than" if passed else "is not shown to be better than"
    return (
        f"The challenger's {metric.name} of {figure(new)} {verdict} the champion's {figure(old)} on {rows:,} "
        f"rows (p = {p_value:.2g})."
    )
