"""Running an exported core, and features that hold all that a tree may meet."""

import numpy as np

from engine.features import FeaturePlan, Matrix
from engine.features_layout import Layout
from engine.features_steps import CategoryStep, NumberStep
from engine.models.base import Deadline, Setting
from engine.models.model import Model
from engine.optimise.core import Core, core_feeds
from engine.progress import Control
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings
from engine.tasks import Task

BATCHES = (1, 3, 7, 33)
ROWS, WIDTH, CATEGORICAL = 500, 6, (0, 1)
LEVELS = 45


def train_features(seed: int = 0) -> np.ndarray:
    """float32 (ROWS, WIDTH): two columns of codes, numbers of which some are missing, one that is mostly 0."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(ROWS, WIDTH))
    features[:, 0] = rng.integers(0, LEVELS, ROWS)
    features[:, 1] = rng.integers(0, 4, ROWS)
    features[rng.random(ROWS) < 0.2, 2] = np.nan
    features[rng.random(ROWS) < 0.1, 0] = np.nan
    features[rng.random(ROWS) < 0.6, 4] = 0.0
    return features.astype(np.float32)


def fresh_features() -> np.ndarray:
    """Others of the same kind, with codes that were never seen, negative ones, and rows where all is missing."""
    features = train_features(1)
    features[:60, 0], features[60:90, 0], features[90:120, 1] = LEVELS, -1, 10_000
    features[120:140] = np.nan
    return features


def signal(features: np.ndarray) -> np.ndarray:
    """What can be learned from them: sets of codes, numbers, and whether one is missing."""
    filled = np.nan_to_num(features)
    codes = 2.0 * (filled[:, 0] % 3 == 1) + filled[:, 1] % 2
    return np.asarray(codes + filled[:, 2] + np.isnan(features[:, 2]) + (filled[:, 4] > 0), dtype=np.float64)


def cut(values: np.ndarray, classes: int) -> np.ndarray:
    """Values as `classes` classes of the same size."""
    return np.digitize(values, np.quantile(values, np.arange(1, classes) / classes)).astype(np.int64)


def setting(task: Task, classes: int, categorical: tuple[int, ...] = CATEGORICAL) -> Setting:
    return Setting(task, classes, Deadline(Control()), seed=1, categorical=categorical)


def plain_plan(width: int = WIDTH) -> FeaturePlan:
    """A tree plan of which the first columns are categories."""
    categories = [
        CategoryStep(column=f"c{place}", flavour="tree", levels=("a",), rare=True, missing_flag=True)
        for place in CATEGORICAL
    ]
    numbers = [NumberStep(column=f"x{place}", flavour="tree") for place in range(len(CATEGORICAL), width)]
    return FeaturePlan(flavour="tree", steps=(*categories, *numbers))


class Running:
    """One session over a core."""

    def __init__(self, core: Core, layout: Layout = ()) -> None:
        self._layout = layout
        self._session = open_session(core.model.SerializeToString(), SessionSettings())

    def answer(self, features: Matrix) -> np.ndarray:
        """(rows, outputs)"""
        return np.asarray(self._session.run(None, core_feeds(features, self._layout))[0])


def largest_difference(running: Running, model: Model, features: Matrix) -> float:
    """Between a core and its model at all BATCHES and on all rows; for regression as a share of the largest value."""
    worst = 0.0
    for rows in (*(features[-batch:] for batch in BATCHES), features):
        got, wanted = running.answer(rows), model.predict(rows)
        wanted = wanted[:, None] if wanted.ndim == 1 else wanted
        assert got.dtype == np.float64
        assert got.shape == wanted.shape
        unit = float(np.abs(wanted).max()) if model.task == "regression" else 1.0
        worst = max(worst, float(np.abs(got - wanted).max()) / unit)
    return worst
