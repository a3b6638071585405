"""The classifiers that try to tell current rows from reference rows: small trees for tables, logistic for vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.drift.reference import Floats

Rows = NDArray[np.floating]
Labels = NDArray[np.int64]
"""1 for current rows, 0 for those of the reference."""

_ROUNDS = 40
_TREES: dict[str, object] = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_LEAST_IN_LEAF = (3, 20)
_STRENGTH = 0.1
"""Inverse of the ridge: of 0.1, 1, 10 and 100 it had the most power on embeddings and on hashed texts alike."""
_FLOOR = 0.1
_FARTHEST = 10.0
"""In deviations; what lies beyond is drawn in."""
_LARGE = 1e30
"""Stands for infinity, which trees are not told to expect."""


@dataclass(frozen=True)
class Fitted:
    """A classifier that was fitted.

    Attributes:
        score: rows (n, d) to (n,), higher for rows that look current.
        importance: (d,) how much it leans on each column, not negative.
    """

    score: Callable[[Rows], Floats]
    importance: Floats


Learner = Callable[[Rows, Labels], Fitted]
"""From rows (n, d) and labels (n,) of both kinds."""


def trees(rows: Rows, labels: Labels) -> Fitted:
    """40 boosted trees of 8 leaves (LightGBM), both sides of equal weight; NaN is a value of its own."""
    import lightgbm

    least, most = _LEAST_IN_LEAF
    smaller = int(np.bincount(labels, minlength=2).min())
    options: dict[str, Any] = _TREES | {"min_data_in_leaf": min(most, max(least, smaller // 3))}
    data = lightgbm.Dataset(_bounded(rows), label=labels, weight=_even(labels), params=options)
    booster = lightgbm.train(options, data, num_boost_round=_ROUNDS)
    return Fitted(
        score=lambda rows: np.asarray(booster.predict(_bounded(rows), raw_score=True, num_threads=1)),
        importance=np.asarray(booster.feature_importance("gain"), dtype=np.float64),
    )


def linear(rows: Rows, labels: Labels) -> Fitted:
    """Logistic regression with a strong ridge on standardised dimensions, both sides of equal weight.

    Rows must be finite. A dimension that hardly varies (a rare word) is scaled by no less than a tenth of what is
    usual, so that its few rows do not decide.
    """
    from sklearn.linear_model import LogisticRegression

    wide = rows.astype(np.float64)
    centre, deviation = wide.mean(axis=0), wide.std(axis=0)
    usual = float(np.sqrt(np.mean(deviation**2)))
    # dimensions share one unit of length: the ridge then means the same for 3 dimensions and for 500
    scale = (deviation + (_FLOOR * usual or 1.0)) * np.sqrt(rows.shape[1])
    reach = _FARTHEST / np.sqrt(rows.shape[1])

    def standardised(rows: Rows) -> Floats:
        return np.asarray(np.clip((rows - centre) / scale, -reach, reach))

    model = LogisticRegression(C=_STRENGTH, max_iter=1000)
    model.fit(standardised(rows), labels, sample_weight=_even(labels))
    return Fitted(
        score=lambda rows: np.asarray(model.decision_function(standardised(rows))),
        importance=np.abs(np.asarray(model.coef_[0], dtype=np.float64)),
    )


def _even(labels: Labels) -> Floats:
    """(n,) weights that sum to n, half of it on each side."""
    return np.asarray(len(labels) / 2 / np.bincount(labels, minlength=2)[labels])


def _bounded(rows: Rows) -> Rows:
    return np.clip(rows, -_LARGE, _LARGE)
