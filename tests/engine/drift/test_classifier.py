"""The domain classifier: it must not ring by chance, and must find what is there."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from engine.drift.classifier import FOLDS, MOST_ROWS, DomainFound, Folds, domain_classifier
from engine.drift.learners import Fitted, Labels, Learner, Rows, linear, trees

Table = NDArray[np.float32]


def mixed(rng: np.random.Generator, rows: int) -> Table:
    """Correlated, skewed, binary, counted, half missing, heavy-tailed and constant columns."""
    table = rng.normal(size=(rows, 10))
    table[:, 1] += table[:, 0]
    table[:, 2] = np.exp(table[:, 2])
    table[:, 3] = rng.integers(0, 2, rows)
    table[:, 4] = rng.geometric(0.3, rows)
    table[:, 5] = np.where(rng.random(rows) < 0.5, np.nan, table[:, 5])
    table[:, 6] = rng.standard_cauchy(rows)
    table[:, 7] = 3.0
    return table.astype(np.float32)


def vectors(rng: np.random.Generator, rows: int, width: int = 64) -> Table:
    """Embeddings of which 8 directions hold most."""
    directions = np.random.default_rng(1).normal(size=(8, width))
    return (rng.normal(size=(rows, 8)) @ directions + rng.normal(size=(rows, width))).astype(np.float32)


def found(reference: Table, current: Table, seed: int = 0) -> DomainFound:
    result = domain_classifier(reference, current, seed)
    assert result is not None
    return result


def null_trials(kind: str, reference: int, current: int, trials: int) -> list[DomainFound]:
    draw, learner = {"table": (mixed, trees), "vectors": (vectors, linear)}[kind]
    results = []
    for trial in range(trials):
        rng = np.random.default_rng([trial, current])
        results.append(domain_classifier(draw(rng, reference), draw(rng, current), trial, learner))
    return [result for result in results if result is not None]


def shifted(rng: np.random.Generator, rows: int, by: float, columns: int = 3) -> Table:
    table = rng.normal(size=(rows, 20))
    table[:, :columns] += by
    return table.astype(np.float32)


def first_column(rows: Rows, labels: Labels) -> Fitted:
    """A learner that knows already what to look at."""
    return Fitted(lambda rows: rows[:, 0].astype(np.float64), np.eye(rows.shape[1])[0])


def test_chance_alone_rings_in_at_most_8_percent_of_trials_and_means_an_auc_of_a_half() -> None:
    tables = null_trials("table", 150, 100, 50)
    texts = null_trials("vectors", 300, 100, 150)
    assert (len(tables), len(texts)) == (50, 150)
    assert np.mean([result.p_value <= 0.05 for result in tables + texts]) <= 0.08
    aucs = np.array([result.auc for result in tables + texts])
    assert abs(aucs.mean() - 0.5) < 2.5 * aucs.std() / np.sqrt(len(aucs))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["table", "vectors"])
@pytest.mark.parametrize("current", [30, 100, 300, 1000])
def test_chance_alone_rings_in_at_most_8_percent_at_every_size(kind: str, current: int) -> None:
    results = null_trials(kind, 1000, current, 300)
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.08
    aucs = np.array([result.auc for result in results])
    assert abs(aucs.mean() - 0.5) < 3 * aucs.std() / np.sqrt(len(aucs))
    assert np.mean([result.interval[0] <= 0.5 <= result.interval[1] for result in results]) >= 0.91


@pytest.mark.parametrize("trials", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_half_a_deviation_in_3_of_20_columns_is_found_with_1000_rows_a_side(trials: int) -> None:
    results = []
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        results.append(found(shifted(rng, 1000, 0.0), shifted(rng, 1000, 0.5), trial))
    assert np.mean([result.p_value <= 0.001 and result.interval[0] >= 0.6 for result in results]) >= 0.95
    assert min(result.importance[:3].sum() for result in results) > 0.5


def test_a_correlation_that_broke_is_found_though_no_column_changed() -> None:
    rng = np.random.default_rng(3)
    together, apart = rng.normal(size=(2, 800, 2))
    together[:, 1] = 0.9 * together[:, 0] + np.sqrt(1 - 0.81) * together[:, 1]
    assert found(together.astype(np.float32), apart.astype(np.float32)).interval[0] > 0.7


def test_values_that_went_missing_are_found() -> None:
    rng = np.random.default_rng(4)
    reference, current = mixed(rng, 400), mixed(rng, 400)
    current[rng.random(400) < 0.5, 0] = np.nan
    result = found(reference, current)
    assert result.p_value < 1e-6
    assert result.importance.argmax() == 0


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_rows_of_the_reference_itself_never_ring(share: float) -> None:
    reference = mixed(np.random.default_rng(5), 400)
    assert found(reference, reference[: int(400 * share)]).p_value > 0.5


@pytest.mark.parametrize("learner", [trees, linear])
def test_constant_rows_are_told_apart_by_nothing(learner: Learner) -> None:
    result = domain_classifier(np.ones((50, 3)), np.ones((40, 3)), 0, learner)
    assert result is not None
    assert (result.auc, result.p_value) == (0.5, 0.5)
    assert result.importance.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf, 3e38, 0.0])
def test_a_column_of_nothing_but_one_strange_value_breaks_nothing(cell: float) -> None:
    rng = np.random.default_rng(6)
    reference, current = shifted(rng, 200, 0.0), shifted(rng, 200, 1.0)
    reference[:, 10], current[:, 10], current[0, 11] = cell, cell, cell
    result = found(reference, current)
    assert result.p_value < 1e-6
    assert np.isfinite([result.auc, *result.interval, *result.importance]).all()


@pytest.mark.parametrize(("reference", "current", "columns"), [(29, 500, 2), (500, 29, 2), (0, 0, 2), (50, 50, 0)])
def test_too_few_rows_and_no_columns_are_not_tested(reference: int, current: int, columns: int) -> None:
    assert domain_classifier(np.ones((reference, columns)), np.ones((current, columns))) is None


def test_thirty_rows_a_side_that_have_nothing_in_common_are_told_apart() -> None:
    result = domain_classifier(np.zeros((30, 2)), np.ones((30, 2)))
    assert result is not None
    assert result.p_value < 0.001
    assert 0.6 < result.interval[0] < result.auc


def test_equal_seeds_give_equal_results() -> None:
    rng = np.random.default_rng(7)
    reference, current = mixed(rng, 100), mixed(rng, 100)
    first, again, other = (found(reference, current, seed) for seed in (1, 1, 2))
    assert (first.auc, first.p_value, first.importance.tolist()) == (
        again.auc,
        again.p_value,
        again.importance.tolist(),
    )
    assert first.auc != other.auc


def test_importance_is_given_as_shares() -> None:
    rng = np.random.default_rng(8)
    assert found(mixed(rng, 100), mixed(rng, 100)).importance.sum() == pytest.approx(1, abs=1e-12)


def test_no_row_is_scored_by_a_classifier_that_saw_it_and_every_fold_learns_from_all_before() -> None:
    seen: list[set[float]] = []
    scored: list[set[float]] = []

    def spy(rows: Rows, labels: Labels) -> Fitted:
        seen.append(set(rows[:, 0].tolist()))
        return Fitted(lambda rows: (scored.append(set(rows[:, 0].tolist())), rows[:, 0])[1], np.ones(1))

    numbers = np.arange(120.0)[:, None]
    domain_classifier(numbers[:60], numbers[60:], 0, spy)
    assert [len(rows) for rows in seen] == [20, 40, 60, 80, 100]
    assert all(not before & here for before, here in zip(seen, scored, strict=True))
    assert all(before | here == later for before, here, later in zip(seen, scored, seen[1:], strict=False))


def test_many_rows_are_thinned_evenly() -> None:
    sizes: list[NDArray[np.int64]] = []

    def spy(rows: Rows, labels: Labels) -> Fitted:
        sizes.append(np.bincount(labels))
        return first_column(rows, labels)

    domain_classifier(np.arange(9_000.0)[:, None], np.arange(500.0)[:, None], 0, spy)
    assert sizes[-1].tolist() == [pytest.approx(MOST_ROWS * 5 / 6, abs=1), pytest.approx(500 * 5 / 6, abs=1)]


def test_the_auc_of_a_known_score_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(9)
    reference, current = rng.normal(0, 1, (1200, 1)), rng.normal(1, 1, (1200, 1))
    result = domain_classifier(reference, current, 0, first_column)
    pooled = roc_auc_score(np.repeat([0, 1], 1200), np.concatenate([reference, current])[:, 0])
    assert result is not None
    assert result.auc == pytest.approx(pooled, abs=0.01)
    assert result.interval[0] < norm.cdf(1 / np.sqrt(2)) < result.interval[1]


def test_of_one_fold_the_p_value_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(10)
    reference, current = rng.normal(size=70), rng.normal(0.2, 1, size=50)
    expected = mannwhitneyu(current, reference, alternative="greater", method="asymptotic", use_continuity=False)
    folds = Folds(np.array([expected.statistic / 3500]), np.ones(1), np.array([70]), np.array([50]))
    assert folds.p_value() == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("apart", [0.0, 0.7, 2.0])
def test_the_interval_covers_the_true_auc_in_95_percent_of_samples(apart: float) -> None:
    truth = norm.cdf(apart / np.sqrt(2))
    covered = []
    for trial in range(200):
        rng = np.random.default_rng([trial, 11])
        sides = rng.normal(0, 1, (300, 1)), rng.normal(apart, 1, (100, 1))
        result = domain_classifier(*sides, trial, first_column)
        covered.append(result is not None and result.interval[0] <= truth <= result.interval[1])
    assert 0.92 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("auc", [0.0, 1e-12, 0.2, 0.5, 0.9, 1.0])
def test_an_interval_stays_within_0_and_1_holds_its_auc_and_is_never_a_point(auc: float) -> None:
    folds = Folds(np.full(FOLDS, auc), np.full(FOLDS, 1 / FOLDS), np.full(FOLDS, 10), np.full(FOLDS, 8))
    low, high = folds.interval()
    assert 0 <= low <= folds.auc + 1e-9
    assert folds.auc - 1e-9 <= high <= 1
    assert high - low > 0.03
    mirrored = Folds(1 - folds.aucs, folds.weights, folds.n, folds.m).interval()
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)
