"""Making a model's probabilities true on the rows of a reference, by a logistic or an isotonic curve where it helps."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.drift.resample import Floats, Rows

FOLDS = 5
MOST_CALIBRATED = 20
"""With more classes, the rows of each are too few to calibrate by."""
NEWTON_STEPS = 8
RIDGE = 1e-3
LEAST_PROBABILITY = 1e-6

Form = Literal["none", "logistic", "isotonic"]


@dataclass(frozen=True)
class Curve:
    """Scores of one class on the reference, ready to be calibrated under any weights of the rows.

    Attributes:
        knots: (m,) distinct scores, sorted; `places` (n,) says which of them a row has.
        hits: (n,) 1 where a row is of the class.
    """

    knots: Floats
    places: Rows
    hits: Floats

    @classmethod
    def of(cls, scores: Floats, hits: Floats) -> "Curve":
        """The curve of scores (n,) in [0, 1]."""
        knots, places = np.unique(scores, return_inverse=True)
        return cls(knots, np.asarray(places, dtype=np.int64), hits)

    def isotonic(self, scores: Floats, weights: Floats) -> Floats:
        """Isotonic regression with straight lines between the middles of its blocks.

        Each block has half a hit and half a miss added (Jeffreys), since a block of hits only at the end of the scale
        is chosen for being so: taken as certain, it makes every estimate too good.
        """
        from scipy.optimize import isotonic_regression

        rows, hits = self._counted(weights)
        there = rows > 0
        rows, hits, knots = rows[there], hits[there], self.knots[there]
        starts = isotonic_regression(hits / rows, weights=rows).blocks[:-1]
        within = np.add.reduceat(rows, starts)
        middles = np.add.reduceat(knots * rows, starts) / within
        shares = (np.add.reduceat(hits, starts) + 0.5) / (within + 1)
        return np.asarray(np.interp(scores, middles, shares), dtype=np.float64)

    def logistic(self, scores: Floats, weights: Floats) -> Floats:
        """Logistic regression on the log-odds (Platt 1999), by Newton's method with a slight ridge."""
        rows, hits = self._counted(weights)
        inputs = np.stack([np.ones(len(self.knots)), _log_odds(self.knots)], axis=1)
        beta = np.zeros(2)
        for _ in range(NEWTON_STEPS):
            share = _sigmoid(inputs @ beta)
            curvature = (inputs * (rows * share * (1 - share))[:, None]).T @ inputs + RIDGE * np.eye(2)
            beta += np.linalg.solve(curvature, inputs.T @ (hits - rows * share) - RIDGE * beta)
        return _sigmoid(beta[0] + beta[1] * _log_odds(scores))

    def _counted(self, weights: Floats) -> tuple[Floats, Floats]:
        """Weight and weight of the hits at each knot."""
        rows = np.bincount(self.places, weights, minlength=len(self.knots)).astype(np.float64)
        return rows, np.bincount(self.places, weights * self.hits, minlength=len(self.knots)).astype(np.float64)


@dataclass(frozen=True)
class Calibrator:
    """A curve for each class against the rest (of two classes, only for the positive one)."""

    form: Form
    curves: tuple[Curve, ...]

    @classmethod
    def of(cls, form: Form, truth: Rows, prediction: Floats) -> "Calibrator":
        """A calibrator from class codes (n,) and probabilities (n, k)."""
        codes = [1] if prediction.shape[1] == 2 else range(prediction.shape[1])
        return cls(form, tuple(Curve.of(prediction[:, code], (truth == code).astype(np.float64)) for code in codes))

    def apply(self, prediction: Floats, weights: Floats) -> Floats:
        """Probabilities (m, k) as calibrated on the reference's rows with these weights (n,)."""
        if self.form == "none":
            return prediction
        if len(self.curves) == 1:
            positive = self._share(self.curves[0], prediction[:, 1], weights)
            return np.stack([1 - positive, positive], axis=1)
        columns = [self._share(curve, prediction[:, code], weights) for code, curve in enumerate(self.curves)]
        shares: Floats = np.stack(columns, axis=1)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)

    def _share(self, curve: Curve, scores: Floats, weights: Floats) -> Floats:
        return curve.isotonic(scores, weights) if self.form == "isotonic" else curve.logistic(scores, weights)


def choose_calibrator(truth: Rows, prediction: Floats, rng: np.random.Generator) -> Calibrator:
    """The simplest of none, logistic and isotonic that is not bettered by the next, by more than one standard error of
    the squared error of rows left out (5 folds).
    """
    best: Form = "none"
    if prediction.shape[1] <= MOST_CALIBRATED:
        fold = rng.permutation(len(truth)) % FOLDS
        errors = _left_out_errors(best, truth, prediction, fold)
        rivals: tuple[Form, ...] = ("logistic", "isotonic")
        for form in rivals:
            rival = _left_out_errors(form, truth, prediction, fold)
            gained = errors - rival
            if gained.mean() > gained.std() / np.sqrt(len(truth)):
                best, errors = form, rival
    return Calibrator.of(best, truth, prediction)


def _left_out_errors(form: Form, truth: Rows, prediction: Floats, fold: Rows) -> Floats:
    """Squared error of each row (n,), calibrated without its fold."""
    target = np.eye(prediction.shape[1])[truth]
    errors = np.empty(len(truth))
    for left_out in range(FOLDS):
        inside, outside = fold != left_out, fold == left_out
        calibrator = Calibrator.of(form, truth[inside], prediction[inside])
        after = calibrator.apply(prediction[outside], np.ones(int(inside.sum())))
        errors[outside] = ((after - target[outside]) ** 2).sum(axis=1)
    return errors


def _log_odds(probabilities: Floats) -> Floats:
    clipped = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def _sigmoid(values: Floats) -> Floats:
    # beyond 30 it is 0 or 1 to double precision, and a class that is never met has no bound of its own
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30.0, 30.0))), dtype=np.float64)
