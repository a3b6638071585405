"""Can a classifier tell current rows from reference rows? Its ROC AUC on rows that it has not seen says how well.

Cross-validation would put too much trust in that AUC: each pair of rows is used twice, once with either row in
training, so the folds err the same way and their mean varies up to 1.4 times as much as the Mann-Whitney variance says
(measured: 11 to 14 % false alarms at 5 %). Here a fold is scored by a classifier fitted on the folds before it only (A.
P. Dawid, "Statistical theory: the prequential approach", 1984). Whatever was learned before, the next fold's AUC is 1/2
on average when nothing changed, so the errors of the folds are uncorrelated and the variance holds for any classifier.
"""

from dataclasses import dataclass

import numpy as np

from engine.drift.learners import Labels, Learner, Rows, trees
from engine.drift.reference import Counts, Floats
from engine.drift.statistics.tested import told
from engine.drift.thinning import LEAST_ROWS, chosen

MOST_ROWS = 2_000
"""On each side; more are thinned."""
FOLDS = 6
_QUANTILE = 1.959964
"""Of the normal distribution, for an interval at 95 %."""
_NEAR = 1e-9


@dataclass(frozen=True)
class DomainFound:
    """How well a classifier tells the two sides apart.

    Attributes:
        auc: mean ROC AUC of the folds, each weighted by the rows its classifier was fitted on; 0.5 is chance, and below
            it lie current rows that are copies of reference rows.
        interval: at 95 %, of the AUC of the classifiers as they were fitted.
        p_value: of AUC > 0.5, one-sided.
        importance: (d,) shares by column that sum to 1; all 0 when the classifier found nothing to lean on.
    """

    auc: float
    interval: tuple[float, float]
    p_value: float
    importance: Floats


@dataclass(frozen=True)
class Folds:
    """AUCs (f,) of uncorrelated folds, with the weight, the reference rows n and the current rows m of each.

    The weights sum to 1.
    """

    aucs: Floats
    weights: Floats
    n: Counts
    m: Counts

    @property
    def auc(self) -> float:
        """The weighted mean."""
        return float(self.weights @ self.aucs)

    def variance(self, auc: float) -> float:
        """Of the weighted mean, were its true value `auc`; at 0.5 it is that of Mann-Whitney without ties.

        R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2"
        (2006), method 5.
        """
        rows = (self.n + self.m) / 2
        spread = auc * (1 - auc) * (1 + (rows - 1) * ((1 - auc) / (2 - auc) + auc / (1 + auc)))
        return float(np.sum(self.weights**2 * spread / (self.n * self.m)))

    def interval(self) -> tuple[float, float]:
        """The AUCs from which the mean is less than 1.96 of their own standard errors away (a score interval)."""
        # the variance is the same at AUC and 1 - AUC, so the upper end is the lower one of the mirror image
        return self._lower(self.auc), 1 - self._lower(1 - self.auc)

    def p_value(self) -> float:
        """Of a mean so far above 0.5, one-sided; with ties it is an upper bound."""
        from scipy.special import ndtr

        return told(float(ndtr((0.5 - self.auc) / np.sqrt(self.variance(0.5)))))

    def _lower(self, auc: float) -> float:
        from scipy.optimize import brentq

        if auc <= 0:
            return 0.0
        # at 1 the variance is 0, which would pass for a solution
        highest = min(auc, 1 - _NEAR)
        return float(brentq(lambda at: auc - at - _QUANTILE * np.sqrt(self.variance(at)), 0.0, highest))


def domain_classifier(reference: Rows, current: Rows, seed: int = 0, learner: Learner = trees) -> DomainFound | None:
    """Compare reference rows (s, d) and current rows (n, d); None with fewer than 30 rows on a side or no column.

    D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests" (2017), with an AUC in place of the accuracy.
    """
    if min(len(reference), len(current)) < LEAST_ROWS or not reference.shape[1]:
        return None
    rng = np.random.default_rng([seed, 21])
    sides = [side[chosen(len(side), MOST_ROWS, rng)] for side in (reference, current)]
    sizes = [len(side) for side in sides]
    fold = np.concatenate([rng.permutation(size) % FOLDS for size in sizes])
    folds, importance = _forward(np.concatenate(sides), np.repeat([0, 1], sizes), fold, learner)
    total = float(importance.sum())
    return DomainFound(
        auc=folds.auc,
        interval=folds.interval(),
        p_value=folds.p_value(),
        importance=importance / total if total > 0 else np.zeros_like(importance),
    )


def _forward(rows: Rows, labels: Labels, fold: Counts, learner: Learner) -> tuple[Folds, Floats]:
    """Score folds 1, 2, ... by what was learned on those before."""
    aucs, sizes, importances = [], [], []
    for number in range(1, FOLDS):
        before, here = fold < number, fold == number
        fitted = learner(rows[before], labels[before])
        aucs.append(_auc(fitted.score(rows[here]), labels[here]))
        sizes.append(np.bincount(labels[here], minlength=2))
        importances.append(fitted.importance)
    n, m = np.stack(sizes, axis=1)
    weights = np.arange(1, FOLDS) / np.arange(1, FOLDS).sum()
    return Folds(np.array(aucs), weights, n, m), weights @ np.stack(importances)


def _auc(scores: Floats, labels: Labels) -> float:
    """Share of the pairs of a current and a reference row in which the current one scores higher; ties count half."""
    from scipy.stats import rankdata

    m = int(labels.sum())
    n = len(labels) - m
    return float((rankdata(scores)[labels == 1].sum() - m * (m + 1) / 2) / (n * m))
