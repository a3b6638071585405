"""Testing one column: did the shape of its present values change, and did the rates of missing and new ones?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.drift.found import Overlay
from engine.drift.overlay import NumberBins, category_overlay, number_bins, number_overlay
from engine.drift.reference import ColumnReference, CurrentColumn, Steps, Test
from engine.drift.statistics.chi2 import bins_test
from engine.drift.statistics.divergence import jensen_shannon
from engine.drift.statistics.ks import ks_distance, ks_test
from engine.drift.statistics.pooling import Bins, category_bins, value_bins
from engine.drift.statistics.psi import psi_test
from engine.drift.statistics.rates import least_p_value, rate_test
from engine.drift.statistics.steps import from_sorted, quantiles
from engine.drift.statistics.tested import Tested
from engine.drift.statistics.unseen import unseen_test, well_named
from engine.drift.statistics.wasserstein import moved

RateName = Literal["missing_rate", "infinite_rate", "unseen_rate"]
Metrics = Mapping[str, float | None]
Vectors = NDArray[np.float32]

LEAST_PRESENT = 10
"""Values on either side below which the shape of a column is not tested."""

_LEAST_TELLING = 0.05
"""Greatest of the smallest p-values that a test of missing or infinite cells is asked for."""


@dataclass(frozen=True)
class Shape:
    """`tested` is None where the shape is not tested. `psi` is the test on the bins, where there are any."""

    test: Test
    tested: Tested | None = None
    psi: Tested | None = None
    metrics: Metrics = field(default_factory=dict)
    overlay: Overlay | None = None


@dataclass(frozen=True)
class Rate:
    """`before` of `before_of` rows of the reference, `now` of `now_of` current rows.

    Of unseen categories the reference has no rate; there `before` are the rows to be expected in another one like it.
    """

    name: RateName
    before: int
    before_of: int
    now: int
    now_of: int
    tested: Tested


@dataclass(frozen=True)
class Compared:
    """A column with all its tests, before their p-values are corrected for one another."""

    reference: ColumnReference
    current: CurrentColumn
    shape: Shape
    rates: tuple[Rate, ...]

    @property
    def tests(self) -> dict[str, Tested]:
        """All of them: 'shape', and the rates by name."""
        shape = {"shape": self.shape.tested} if self.shape.tested else {}
        return shape | {rate.name: rate.tested for rate in self.rates}


def compare_column(reference: ColumnReference, current: CurrentColumn, seed: int) -> Compared:
    """Test a column as its reference says."""
    return Compared(reference, current, _shape(reference, current, seed), tuple(_rates(reference, current)))


def _rates(reference: ColumnReference, current: CurrentColumn) -> Iterator[Rate]:
    n, m = reference.rows, current.rows
    gaps: dict[RateName, tuple[int, int]] = {
        "missing_rate": (reference.missing, current.missing),
        "infinite_rate": (reference.infinite, current.infinite),
    }
    for name, (before, now) in gaps.items():
        # what can tell nothing is no test: one missing cell must not make the correction of the others harsher
        if least_p_value(before + now, n, m) <= _LEAST_TELLING:
            yield Rate(name, before, n, now, m, rate_test(before, n, now, m))
    if reference.counts is not None and current.counts is not None and current.present:
        yield from _unseen(reference, reference.counts, current, current.counts)


def _unseen(
    reference: ColumnReference, counts: Mapping[str, int], current: CurrentColumn, now: Mapping[str, int]
) -> Iterator[Rate]:
    named, n, m = well_named(counts, reference.rest), reference.present, current.present
    unseen = sum(rows for name, rows in now.items() if name not in named)
    expected, tested = unseen_test(named, reference.rest, n, unseen, m)
    if expected + unseen:
        yield Rate("unseen_rate", expected, n, unseen, m, tested)


def _shape(reference: ColumnReference, current: CurrentColumn, seed: int) -> Shape:
    if min(reference.present, current.present) < LEAST_PRESENT:
        return Shape("rates")
    if reference.steps is not None and current.values is not None:
        return _numbers(reference, reference.steps, from_sorted(current.values))
    if reference.counts is not None and current.counts is not None:
        return _categories(reference.counts, reference.rest, current.counts)
    if reference.sample is not None and current.vectors is not None:
        return _vectors(reference.sample, current.vectors, reference.test, seed)
    return Shape("rates")


def _numbers(reference: ColumnReference, steps: Steps, current: Steps) -> Shape:
    bins = number_bins(reference.edges if reference.edges is not None else np.empty(0), steps, current)
    overlay = number_overlay(bins, dates=reference.kind == "datetime")
    if reference.test == "rates":
        return Shape("rates", overlay=overlay)
    psi = psi_test(bins.reference, bins.current)
    metrics = {**_binned(psi, bins), **_described(steps, current)}
    # counts taken from a sketch are off by more than chi-squared allows for; KS is told by how much
    if reference.test == "chi2" and not steps.error:
        found = bins_test(value_bins(steps, current))
        extra = {"cramers_v": found.cramers_v, "ks": ks_distance(steps, current)}
        return Shape("chi2", found, psi, metrics | extra, overlay)
    tested = ks_test(steps, current)
    return Shape("ks", tested, psi, metrics | {"ks": tested.statistic}, overlay)


def _described(reference: Steps, current: Steps) -> dict[str, float | None]:
    distance = moved(reference, current)
    return {
        "wasserstein": distance.distance,
        "wasserstein_effect": distance.effect,
        "reference_median": float(quantiles(reference, (0.5,))[0]),
        "median": float(quantiles(current, (0.5,))[0]),
    }


def _categories(reference: Mapping[str, int], rest: int, current: Mapping[str, int]) -> Shape:
    bins = category_bins(reference, rest, current)
    found, psi = bins_test(bins), psi_test(bins.reference, bins.current)
    metrics = {**_binned(psi, bins), "cramers_v": found.cramers_v}
    return Shape("chi2", found, psi, metrics, category_overlay(reference, rest, current))


def _binned(psi: Tested, bins: Bins | NumberBins) -> dict[str, float | None]:
    return {
        "psi_corrected": psi.effect,
        "psi_p_value": psi.p_value,
        "jensen_shannon": jensen_shannon(bins.reference, bins.current),
    }


def _vectors(reference: Vectors, current: Vectors, test: Test, seed: int) -> Shape:
    """The effect is the lower end of the AUC's interval: an AUC by chance above a threshold is no drift.

    The p-value of embeddings is that of the two tests together (Bonferroni): their discrepancy's own, by permutation,
    never gets small enough to survive the correction for many columns.
    """
    from engine.drift.multivariate import compare_vectors

    found = compare_vectors(reference, current, seed)
    if found is None:
        return Shape("rates")
    metrics = {"domain_auc": found.auc, "mmd2": found.mmd2, "mmd_p_value": found.mmd_p_value}
    tested = Tested(found.auc, found.p_value, found.interval[0])
    if test == "mmd":
        tested = Tested(found.mmd2, min(1.0, 2 * min(found.p_value, found.mmd_p_value)), found.interval[0])
    return Shape(test, tested, metrics=metrics)
