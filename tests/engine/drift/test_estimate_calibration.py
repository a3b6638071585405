import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from engine.drift.calibration import Calibrator, Curve, choose_calibrator
from engine.drift.resample import Floats, Rows


def odds(shares: Floats) -> Floats:
    return np.asarray(np.log(shares / (1 - shares)), dtype=np.float64)


def binary(rows: int, seed: int = 0, sharper: float = 1.0) -> tuple[Rows, Floats]:
    """Probabilities whose log-odds are `sharper` times the true ones."""
    rng = np.random.default_rng([seed, 5])
    z = 1.5 * rng.normal(size=rows)
    positive = 1 / (1 + np.exp(-sharper * z))
    return (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int64), np.stack([1 - positive, positive], axis=1)


def test_the_logistic_curve_is_that_of_scikit_learn() -> None:
    truth, prediction = binary(800, sharper=2.0)
    weights = np.random.default_rng(1).integers(0, 3, 800).astype(np.float64)
    found = Curve.of(prediction[:, 1], truth.astype(np.float64)).logistic(prediction[:, 1], weights)
    inputs = odds(prediction[:, 1])[:, None]
    expected = LogisticRegression(C=1e3, tol=1e-8).fit(inputs, truth, weights).predict_proba(inputs)[:, 1]
    assert found == pytest.approx(expected, abs=2e-3)


def test_the_isotonic_curve_is_that_of_scikit_learn_to_half_a_row_in_each_block() -> None:
    truth, prediction = binary(5000, sharper=2.0)
    scores = np.round(prediction[:, 1], 2)
    found = Curve.of(scores, truth.astype(np.float64)).isotonic(scores, np.ones(5000))
    expected = IsotonicRegression().fit(scores, truth).predict(scores)
    assert np.abs(found - expected).mean() < 0.02
    assert np.corrcoef(found, expected)[0, 1] > 0.995


def test_a_pure_block_at_the_end_of_the_scale_is_not_taken_as_certain() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    found = Curve.of(scores, (scores > 0.5).astype(np.float64)).isotonic(np.array([0.0, 0.2, 0.8, 1.0]), np.ones(6))
    assert found == pytest.approx([0.5 / 4, 0.5 / 4, 3.5 / 4, 3.5 / 4])


@pytest.mark.parametrize(("sharper", "form"), [(1.0, "none"), (2.5, "logistic"), (0.4, "logistic")])
def test_probabilities_are_calibrated_where_they_are_too_sharp_or_too_blunt(sharper: float, form: str) -> None:
    chosen = choose_calibrator(*binary(2000, sharper=sharper), np.random.default_rng(0))
    assert chosen.form == form


def test_a_bend_that_no_logistic_curve_follows_is_calibrated_by_an_isotonic_one() -> None:
    rng = np.random.default_rng(6)
    positive = rng.random(4000)
    truth = (rng.random(4000) < np.where(positive > 0.8, 0.95, 0.3)).astype(np.int64)
    chosen = choose_calibrator(truth, np.stack([1 - positive, positive], axis=1), rng)
    assert chosen.form == "isotonic"


@pytest.mark.parametrize("form", ["logistic", "isotonic"])
def test_calibration_brings_shares_of_classes_back(form: str) -> None:
    truth, prediction = binary(4000, sharper=2.5)
    calibrator = Calibrator.of("logistic" if form == "logistic" else "isotonic", truth, prediction)
    after = calibrator.apply(prediction, np.ones(4000))
    high = after[:, 1] > 0.8
    assert after.sum(axis=1) == pytest.approx(1.0)
    assert after[high, 1].mean() == pytest.approx(truth[high].mean(), abs=0.02)


@pytest.mark.parametrize("form", ["logistic", "isotonic"])
def test_a_class_that_the_reference_does_not_hold_keeps_probabilities_finite(form: str) -> None:
    rng = np.random.default_rng(7)
    prediction = rng.dirichlet([1.0, 1.0, 1.0], size=200)
    calibrator = Calibrator.of("logistic" if form == "logistic" else "isotonic", rng.integers(0, 2, 200), prediction)
    after = calibrator.apply(np.array([[0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]]), np.ones(200))
    assert np.isfinite(after).all()
    assert after[:, 2].max() < 0.05


def test_with_many_classes_probabilities_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(8)
    prediction = rng.dirichlet(np.ones(21), size=300)
    chosen = choose_calibrator(rng.integers(0, 21, 300), prediction, rng)
    assert chosen.form == "none"
    assert chosen.apply(prediction, np.ones(300)) is prediction
