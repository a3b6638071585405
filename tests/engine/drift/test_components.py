"""Principal components: a correlation that breaks is seen, one wild value or a column without values is not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA

from engine.drift.components import EXPLAINED, fit_components, reconstruction_errors, reconstruction_test
from engine.drift.statistics import tested

Floats = NDArray[np.float64]


def correlated(rng: np.random.Generator, rows: int, correlation: float, columns: int = 2) -> Floats:
    """The first two of the columns have this correlation; each is standard normal."""
    table = rng.normal(size=(rows, columns))
    table[:, 1] = correlation * table[:, 0] + np.sqrt(1 - correlation**2) * table[:, 1]
    return table


def found(reference: Floats, current: Floats, seed: int = 0) -> tested.Tested:
    result = reconstruction_test(reference, current, seed)
    assert result is not None
    return result


@pytest.mark.parametrize(("columns", "correlation"), [(2, 0.9), (10, 0.9), (10, 0.6)])
def test_a_correlation_that_broke_is_found_where_no_column_shows_it(columns: int, correlation: float) -> None:
    alone, together = [], []
    for trial in range(20):
        rng = np.random.default_rng([trial, columns])
        reference, current = correlated(rng, 1000, correlation, columns), correlated(rng, 300, 0.0, columns)
        together.append(found(reference, current, trial))
        alone.append([ks_2samp(reference[:, at], current[:, at]).pvalue for at in (0, 1)])
    assert np.mean([result.p_value <= 0.001 for result in together]) >= 0.95
    assert np.mean([result.effect for result in together]) > 0.15
    assert np.mean(np.array(alone) <= 0.05) <= 0.15


@pytest.mark.parametrize("current", [30, 100, 300, 1000])
def test_chance_alone_rings_in_at_most_8_percent_of_trials(current: int) -> None:
    results = []
    for trial in range(250):
        rng = np.random.default_rng([trial, current, 1])
        sides = [np.column_stack([correlated(rng, n, 0.7, 6), rng.integers(0, 3, n)]) for n in (400, current)]
        results.append(found(sides[0], sides[1], trial))
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.08


def test_one_wild_value_neither_rings_nor_hides_a_change() -> None:
    rng = np.random.default_rng(2)
    reference, same, other = correlated(rng, 1000, 0.9), correlated(rng, 1000, 0.9), correlated(rng, 1000, 0.0)
    plain = found(reference, other)
    for table in (reference, same, other):
        table[0] = [1e6, -1e6]
    assert found(reference, same).p_value > 0.05
    assert found(reference, other).statistic == pytest.approx(plain.statistic, abs=0.02)


@pytest.mark.parametrize("cell", [np.nan, np.inf, 5.0])
def test_a_column_of_nothing_but_one_value_changes_nothing(cell: float) -> None:
    rng = np.random.default_rng(3)
    reference, current = correlated(rng, 300, 0.8), correlated(rng, 200, 0.3)
    plain = found(reference, current)
    wider = [np.column_stack([table[:, :1], np.full(len(table), cell), table[:, 1:]]) for table in (reference, current)]
    assert found(wider[0], wider[1]) == plain


def test_missing_and_infinite_cells_stand_for_the_median() -> None:
    rng = np.random.default_rng(4)
    table = correlated(rng, 101, 0.8)
    components = fit_components(table)
    assert components is not None
    holed, filled = table[:3].copy(), table[:3].copy()
    holed[:, 0] = [np.nan, np.inf, -np.inf]
    filled[:, 0] = np.median(table[:, 0])
    assert reconstruction_errors(components, holed).tolist() == reconstruction_errors(components, filled).tolist()


def test_a_column_that_went_missing_altogether_breaks_nothing() -> None:
    rng = np.random.default_rng(5)
    reference, current = correlated(rng, 300, 0.8), correlated(rng, 300, 0.8)
    current[:, 1] = np.nan
    assert 0 < found(reference, current).p_value < 0.05


def test_columns_that_follow_from_one_another_give_no_errors_wherever_they_lie() -> None:
    rng = np.random.default_rng(6)
    one, other = rng.normal(size=(300, 1)), rng.normal(2, 1, size=(300, 1))
    tables = [np.hstack([x, 3 * x + 1, -x]).astype(np.float32) for x in (one, other)]
    assert found(tables[0], tables[1]) == tested.Tested(0.0, 1.0, 0.0)


@pytest.mark.parametrize("table", [np.ones((50, 3)), np.full((50, 3), np.nan), np.arange(50.0)[:, None]])
def test_fewer_than_two_columns_that_vary_are_not_tested(table: Floats) -> None:
    assert reconstruction_test(table, table) is None


@pytest.mark.parametrize("sizes", [(29, 100), (100, 29), (0, 0)])
def test_too_few_rows_are_not_tested(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    assert reconstruction_test(*(rng.normal(size=(size, 3)) for size in sizes)) is None


def test_more_columns_than_rows_can_be_tested() -> None:
    rng = np.random.default_rng(8)
    assert 0 < found(rng.normal(size=(30, 60)), rng.normal(size=(30, 60))).p_value <= 1


def test_the_errors_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(9)
    table = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 5))
    components = fit_components(table)
    assert components is not None
    standard = np.clip((table - components.centre) / components.scale, -4, 4)
    model = PCA(len(components.axes)).fit(standard)
    expected = np.linalg.norm(standard - model.inverse_transform(model.transform(standard)), axis=1)
    assert np.abs(reconstruction_errors(components, table) - expected).max() < 1e-6
    assert model.explained_variance_ratio_.sum() >= EXPLAINED or len(components.axes) == 4
    assert PCA(len(components.axes) - 1).fit(standard).explained_variance_ratio_.sum() < EXPLAINED


def test_distance_and_p_value_are_those_of_scipy() -> None:
    rng = np.random.default_rng(10)
    reference, current = correlated(rng, 200, 0.6, 4), correlated(rng, 90, 0.3, 4)
    order = np.random.default_rng([0, 23]).permutation(200)
    components = fit_components(reference[order[:100]])
    assert components is not None
    sides = [reconstruction_errors(components, side) for side in (reference[order[100:]], current)]
    expected = ks_2samp(*sides, method="asymp")
    assert found(reference, current).statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found(reference, current).p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_scale_and_centre_are_robust_and_fall_back_where_most_values_are_one() -> None:
    rng = np.random.default_rng(11)
    normal, rare, once = rng.normal(5, 2, 1000), np.zeros(1000), np.zeros(1000)
    normal[:10], rare[:150], once[0] = 1e9, 1.0, 1.0
    components = fit_components(np.column_stack([normal, rare, once]))
    assert components is not None
    assert components.centre == pytest.approx([5, 0, 0], abs=0.2)
    assert components.scale == pytest.approx([2, 1 / 2.563, once.std()], rel=0.1)
