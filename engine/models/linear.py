"""Logistic, softmax and ridge regression by L-BFGS, able to stop after any iteration.

Written here rather than taken from scikit-learn because its solvers cannot be interrupted. The loss is the mean over
rows (weighted) of log loss or half squared error plus `strength / 2 / n * |coefficients|^2`; the intercept is free.
With validation rows, a path of strengths is tried from strong to weak, each started from the one before, until one
is worse.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from engine.features import Matrix
from engine.files import write_json
from engine.models.base import Deadline, Floats, NoTimeError, Params, Setting, Target

STRENGTHS = (100.0, 10.0, 1.0, 0.1)
MAX_ITERATIONS = 300
DOUBLE_CELLS = 40_000_000
LARGE = 1e100


@dataclass(frozen=True)
class Linear:
    """`coefficients` (features, outputs) and `intercept` (outputs,); one output for regression, else one a class.

    A regression target is learned centred and scaled; `centre` and `scale` bring predictions back.
    """

    kind: ClassVar[str] = "linear"
    coefficients: Floats
    intercept: Floats
    regression: bool
    centre: float
    scale: float
    strength: float

    @property
    def chosen(self) -> Params:
        return {"strength": self.strength}

    def predict(self, features: Matrix) -> Floats:
        raw = np.asarray(features @ self.coefficients.astype(np.float32), dtype=np.float64) + self.intercept
        if self.regression:
            return np.asarray(raw[:, 0] * self.scale + self.centre, dtype=np.float64)
        return np.asarray(softmax(raw, axis=1), dtype=np.float64)

    def thinned(self, parts: int) -> "Linear":
        """All of it: it is small."""
        return self

    def save(self, folder: Path) -> None:
        write_json(
            folder / "linear.json",
            {
                "coefficients": self.coefficients.tolist(),
                "intercept": self.intercept.tolist(),
                "regression": self.regression,
                "centre": self.centre,
                "scale": self.scale,
                "strength": self.strength,
            },
        )


def load(folder: Path) -> Linear:
    """Read what `save` wrote."""
    data = json.loads((folder / "linear.json").read_text(encoding="utf-8"))
    coefficients = np.array(data.pop("coefficients"), dtype=np.float64).reshape(-1, len(data["intercept"]))
    return Linear(coefficients=coefficients, **(data | {"intercept": np.array(data["intercept"], dtype=np.float64)}))


def fit(features: Matrix, y: Target, params: Params, setting: Setting) -> Linear:
    """Fit one strength, or the best of the path when `params` names none and there are validation rows.

    Raises:
        NoTimeError: stopped before the first iteration was through.
    """
    rows = features.astype(np.float64) if features.size <= DOUBLE_CELLS else features
    centre, scale = _centre_and_scale(y) if setting.regression else (0.0, 1.0)
    problem = _Problem(rows, _wanted(y, setting, centre, scale), setting)
    path = (float(params["strength"]),) if "strength" in params else STRENGTHS if setting.valid is not None else (10.0,)
    best: Linear | None = None
    least, worse = np.inf, False
    point = np.zeros((features.shape[1] + 1, problem.outputs))
    for index, strength in enumerate(path):
        point, usable = _descend(problem, point, strength, setting.deadline)
        if usable:
            model = Linear(point[:-1], point[-1], setting.regression, centre, scale, strength)
            loss = _validation_loss(model, setting) if len(path) > 1 else 0.0
            worse = loss > least
            if not worse:
                best, least = model, loss
        if setting.deadline.reached or worse:
            break
        setting.hearing.tick(index + 1, len(path))
    if best is None:
        raise NoTimeError("no iteration was through")
    return best


def _centre_and_scale(y: Target) -> tuple[float, float]:
    """Mean and deviation; through the largest value, since the squares of huge ones are not finite."""
    largest = float(np.abs(y).max(initial=0.0))
    unit = largest if largest > LARGE else 1.0
    return float(np.mean(y / unit)) * unit, (float(np.std(y / unit)) or 1.0) * unit


def _wanted(y: Target, setting: Setting, centre: float, scale: float) -> Floats:
    """The target (n, outputs): scaled values, or one-hot classes."""
    if setting.regression:
        return np.asarray((y - centre) / scale, dtype=np.float64)[:, None]
    return np.eye(setting.classes)[y.astype(np.int64)]


class _Problem:
    """The loss and its gradient over fixed rows."""

    def __init__(self, features: Matrix, wanted: Floats, setting: Setting) -> None:
        self.features = features
        self.transposed = features.T.tocsr() if hasattr(features, "tocsr") else features.T
        self.wanted = wanted
        self.outputs = wanted.shape[1]
        self.regression = setting.regression
        rows = wanted.shape[0]
        weights = np.ones(rows) if setting.weights is None else setting.weights
        self.weights = (weights / weights.sum())[:, None]
        self.rows = rows

    def loss(self, point: Floats, strength: float) -> tuple[float, Floats]:
        """Mean loss plus penalty at `point` (features + 1, outputs), and the gradient of the same shape."""
        coefficients = point[:-1]
        raw = np.asarray(self.features @ coefficients.astype(self.features.dtype), dtype=np.float64) + point[-1]
        if self.regression:
            slope = raw - self.wanted
            loss = float(np.sum(self.weights * slope**2)) / 2
        else:
            logs = log_softmax(raw, axis=1)
            slope = np.exp(logs) - self.wanted
            loss = -float(np.sum(self.weights * self.wanted * logs))
        slope = slope * self.weights
        penalty = strength / self.rows
        gradient = np.empty_like(point)
        gradient[:-1] = self.transposed @ slope.astype(self.features.dtype) + penalty * coefficients
        gradient[-1] = slope.sum(axis=0)
        return loss + penalty / 2 * float(np.sum(coefficients**2)), gradient


def _descend(problem: _Problem, start: Floats, strength: float, deadline: Deadline) -> tuple[Floats, bool]:
    """Minimise from `start`; the last point reached, and whether at least one iteration was through."""
    last, through = start, False

    def after(intermediate_result: object) -> None:
        nonlocal last, through
        last, through = np.array(getattr(intermediate_result, "x")).reshape(start.shape), True  # noqa: B009
        if deadline.over():
            raise StopIteration

    if deadline.over():
        return start, False
    objective: Callable[[Floats], tuple[float, Floats]] = lambda flat: _flat_loss(problem, flat, strength)  # noqa: E731
    found = minimize(
        objective,
        start.ravel(),
        jac=True,
        method="L-BFGS-B",
        callback=after,
        options={"maxiter": MAX_ITERATIONS, "maxcor": 20, "ftol": 1e-8, "gtol": 1e-5},
    )
    # a start that is already the minimum ends without an iteration and is usable too
    return (last, through) if deadline.reached else (np.asarray(found.x).reshape(start.shape), True)


def _flat_loss(problem: _Problem, flat: Floats, strength: float) -> tuple[float, Floats]:
    loss, gradient = problem.loss(flat.reshape(-1, problem.outputs), strength)
    return loss, gradient.ravel()


def _validation_loss(model: Linear, setting: Setting) -> float:
    if setting.valid is None:
        return 0.0
    features, y = setting.valid
    prediction = model.predict(features)
    if setting.regression:
        return float(np.mean(((prediction - y) / model.scale) ** 2))
    chosen = prediction[np.arange(len(y)), y.astype(np.int64)]
    return -float(np.mean(np.log(np.maximum(chosen, 1e-15))))
