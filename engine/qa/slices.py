"""The metric by groups of rows: every value of the main category columns, or a quarter of the rows by a main numeric
column, with intervals made for so many looks.

A group is worse than the others when its interval leaves out what the groups of its column score on average. Intervals
are normal ones of the bootstrap's standard error, with the quantile of Student's t for few rows, widened for the number
of groups (Bonferroni), so that the chance of any false alarm is at most .05. The average over groups takes the place of
the score of all rows: for means of errors they are the same, but a ranking of all rows at once (roc_auc) also counts
how well the groups are told apart, and every group of a telling column would look worse than that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.cells import clip
from engine.figures import figure
from engine.kinds import Task
from engine.metrics import METRICS, Floats, Metric, Target, confusion, resampled_scores, score
from engine.package_info import PackageInfo
from engine.qa.answers import GONE
from engine.qa.check import Figure, Finding, failed, passed, skipped, warned
from engine.qa.subject import Subject, Unseen

MOST_COLUMNS = 5
MOST_VALUES = 10
LEAST_ROWS = 30
LEAST_OF_CLASS = 10
DRAWS = 300
CELLS_AT_ONCE = 2_000_000
FALSE_ALARMS = 0.05
CATEGORIES, NUMBERS = frozenset({"category", "boolean"}), frozenset({"number", "integer"})
PIECES = 4
BY_SHARE = frozenset({"f1", "precision", "average_precision"})
"""Metrics that move with the share of positives alone."""


@dataclass(frozen=True)
class Group:
    """Rows with one value of one column. `drop` is how much worse than `others`, the mean of the column's groups: in
    units of the metric, for errors and losses as a share; `low` and `high` are the interval of `value`."""

    where: str
    rows: int
    value: float
    low: float
    high: float
    others: float
    drop: float
    positives: float | None = None

    def worse(self, metric: Metric, allowed: float = 0.0) -> bool:
        """Whether it is shown that the group is worse than the others by more than `allowed`."""
        if metric.greater_is_better:
            return self.high < self.others - allowed
        return self.low > self.others * (1 + allowed)


@dataclass(frozen=True)
class _Scored:
    where: str
    rows: int
    value: float
    error: float
    positives: float | None


def slice_metric(metric: Metric, task: Task) -> Metric:
    """What groups are compared by: metrics that mean something else in each group are replaced."""
    if task == "regression":
        return METRICS["rmse"] if metric.name == "r2" else metric
    if task == "multiclass" and metric.name in {"macro_f1", "balanced_accuracy", "roc_auc"}:
        return METRICS["accuracy"]  # which classes a group holds would decide
    return metric


def groups_of(
    unseen: Unseen, columns: list[str], metric: Metric, task: Task, threshold: float, seed: int
) -> list[Group]:
    """The groups of these columns, the worst first. Those with too few rows are left out."""
    scored: list[list[_Scored]] = []
    for place, name in enumerate(columns):
        rng = np.random.default_rng([seed, 13, place])
        found = [
            one
            for where, inside in _values(unseen.frame[name])
            if (one := _score(where, inside, unseen, metric, task, threshold, rng)) is not None
        ]
        if len(found) > 1:  # one group has nothing to be compared with
            scored.append(found)
    looks = sum(map(len, scored))
    groups = [group for column in scored for group in _compared(column, metric, looks)]
    return sorted(groups, key=lambda group: -group.drop)


def main_columns(info: PackageInfo) -> list[str]:
    """Category and boolean columns, then numeric ones, the most important of each first."""
    rank = {row.column: place for place, row in enumerate(info.importance)}
    grouped = [column for column in info.columns if column.kind in {*CATEGORIES, *NUMBERS}]
    grouped.sort(key=lambda column: (column.kind in NUMBERS, rank.get(column.name, len(rank))))
    return [column.name for column in grouped][:MOST_COLUMNS]


def subject_groups(subject: Subject, metric: Metric | None = None) -> tuple[list[Group], Metric] | str:
    """The groups of a model and what they are compared by, or why there are none."""
    if subject.unseen is None:
        return GONE
    columns, info = main_columns(subject.info), subject.info
    if not columns:
        return "The model has no column of categories or numbers to group rows by."
    chosen = slice_metric(metric or subject.metric, info.task)
    found = groups_of(subject.unseen, columns, chosen, info.task, info.threshold, subject.seed)
    return (found, chosen) if found else f"No column has two groups of {LEAST_ROWS} unseen rows or more."


def worst_slice(subject: Subject) -> Finding:
    """The group that is worst off, and whether that is more than chance."""
    found = subject_groups(subject)
    if isinstance(found, str):
        return skipped(found)
    groups, metric = found
    bad = [group for group in groups if group.worse(metric)]
    worst = bad[0] if bad else groups[0]
    figures = _figures(worst, metric, len(groups), len(bad))
    words = words_of(worst, metric, len(groups))
    if not bad:
        return passed(f"No group of {len(groups)} is clearly worse than the others; the lowest: {words}.", **figures)
    more = f" {len(bad) - 1} more group(s) are clearly worse as well." if len(bad) > 1 else ""
    return warned(f"Clearly worse than the others: {words}.{more}", **figures)


def slice_limit(subject: Subject, metric: Metric | None, allowed: float) -> Finding:
    """Whether no group is worse than the others by more than is allowed."""
    found = subject_groups(subject, metric)
    if isinstance(found, str):
        return skipped(found)
    groups, chosen = found
    worst = groups[0]
    figures = {**_figures(worst, chosen, len(groups), 0), "allowed": allowed}
    words = words_of(worst, chosen, len(groups))
    shown = next((group for group in groups if group.worse(chosen, allowed)), None)
    if shown is not None:
        figures = {**_figures(shown, chosen, len(groups), 0), "allowed": allowed}
        return failed(f"{words_of(shown, chosen, len(groups))}; {figure(allowed)} is allowed.", **figures)
    if worst.drop > allowed:
        return warned(f"{words}; {figure(allowed)} is allowed, but so few rows do not show that it is more.", **figures)
    return passed(f"The worst of {len(groups)} groups: {words}; {figure(allowed)} is allowed.", **figures)


def words_of(group: Group, metric: Metric, looks: int) -> str:
    """'Contract = 'Two year' has f1 0.21 [0.05, 0.37] on 310 rows, the groups of its column 0.48 on average'."""
    by_share = ""
    if metric.name in BY_SHARE and group.positives is not None:
        by_share = f" ({group.positives:.0%} of its rows are positive, which alone moves {metric.name})"
    return (
        f"{group.where} has {metric.name} {figure(round(group.value, 4))} "
        f"[{figure(round(group.low, 4))}, {figure(round(group.high, 4))}, widened for {looks} groups] on "
        f"{group.rows:,} unseen rows, the groups of its column {figure(round(group.others, 4))} on average{by_share}"
    )


def _values(cells: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What a group is called, and which rows (n,) are in it."""
    if pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
        yield from _ranges(cells)
        return
    counts = cells.dropna().value_counts()
    for value in counts.index[:MOST_VALUES]:
        yield f"{clip(cells.name)} = {clip(value)!r}", (cells == value).fillna(False).to_numpy(dtype=np.bool_)


def _ranges(cells: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
    present = values[np.isfinite(values)]
    if not len(present):
        return
    cuts = np.unique(np.quantile(present, np.linspace(0, 1, PIECES + 1), method="lower"))
    for place, (low, high) in enumerate(pairwise(cuts.tolist())):
        inside = (values > low) & (values <= high) if place else (values >= low) & (values <= high)
        yield f"{clip(cells.name)} from {figure(low)} to {figure(high)}", inside


def _score(
    where: str, inside: NDArray[np.bool_], unseen: Unseen, metric: Metric, task: Task, threshold: float,
    rng: np.random.Generator,
) -> _Scored | None:  # fmt: skip
    y, answers = unseen.y[inside], unseen.answers[inside]
    if len(y) < LEAST_ROWS or _too_few_of_class(y, metric, task):
        return None
    value = score(metric, y, answers, threshold)
    draws = _resampled(y, answers, metric, threshold, rng)
    if not np.isfinite(value) or len(draws) < DRAWS // 2:
        return None
    positives = float((y == 1).mean()) if task == "binary" else None
    return _Scored(where, len(y), value, float(draws.std(ddof=1)), positives)


def _resampled(y: Target, answers: Floats, metric: Metric, threshold: float, rng: np.random.Generator) -> Floats:
    """The metric of rows drawn anew with replacement, where it has a value."""
    if metric.uses == "labels":
        # of such rows only the cells of the confusion table count, and these are multinomial
        table = confusion(y, answers, threshold)
        k = len(table)
        true, named = np.divmod(np.arange(k * k), k)
        weights = rng.multinomial(len(y), table.ravel() / len(y), size=DRAWS).astype(np.float64)
        values = resampled_scores(metric, true, np.eye(k)[named], weights, 0.5)
    else:
        batch = max(1, CELLS_AT_ONCE // len(y))
        values = np.concatenate(
            [
                resampled_scores(metric, y, answers, _drawn(len(y), min(batch, DRAWS - start), rng), threshold)
                for start in range(0, DRAWS, batch)
            ]
        )
    return values[np.isfinite(values)]


def _drawn(rows: int, times: int, rng: np.random.Generator) -> Floats:
    """How often each row is drawn, (times, rows)."""
    places = rng.integers(0, rows, (times, rows)) + np.arange(times)[:, None] * rows
    return np.bincount(places.ravel(), minlength=times * rows).reshape(times, rows).astype(np.float64)


def _too_few_of_class(y: Target, metric: Metric, task: Task) -> bool:
    """Whether a metric that looks at classes apart has too few rows of one."""
    if task != "binary" or metric.name in {"accuracy", "log_loss"}:
        return False
    return int(np.bincount(np.asarray(y, dtype=np.int64), minlength=2).min()) < LEAST_OF_CLASS


def _compared(column: list[_Scored], metric: Metric, looks: int) -> Iterator[Group]:
    from scipy.special import stdtrit

    others = float(np.average([one.value for one in column], weights=[one.rows for one in column]))
    for one in column:
        reach = float(stdtrit(one.rows - 1, 1 - FALSE_ALARMS / (2 * looks))) * one.error
        worse = metric.improvement(others, one.value)
        drop = worse if metric.greater_is_better else worse / max(abs(others), 1e-12)
        high = min(one.value + reach, 1.0) if metric.greater_is_better else one.value + reach
        yield Group(one.where, one.rows, one.value, max(one.value - reach, 0.0), high, others, drop, one.positives)


def _figures(group: Group, metric: Metric, groups: int, worse: int) -> dict[str, Figure]:
    return {
        "metric": metric.name, "where": group.where, "rows": group.rows, "value": group.value, "low": group.low,
        "high": group.high, "others": group.others, "drop": group.drop, "groups": groups, "clearly_worse": worse,
    }  # fmt: skip
