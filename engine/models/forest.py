"""Random forest, grown a few trees at a time so that it can stop between any two batches."""

import time
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from engine.features import Matrix
from engine.files import write_atomic
from engine.models.base import Floats, NoTimeError, Params, Setting, Target

TREES = 200
MAX_TREE_ROWS = 30_000
BATCH_SECONDS = 0.25
TRUSTED = ["sklearn.tree._tree.Tree"]
"""The only type beyond skops' own safe list that a forest file may hold. Never taken from the file itself."""


@dataclass(frozen=True)
class Forest:
    """`trees` is a scikit-learn forest fitted on float32 features."""

    kind: ClassVar[str] = "forest"
    trees: Any

    @property
    def chosen(self) -> Params:
        return {"trees": len(self.trees.estimators_)}

    def predict(self, features: Matrix) -> Floats:
        if isinstance(self.trees, RandomForestRegressor):
            return np.asarray(self.trees.predict(features), dtype=np.float64)
        return np.asarray(self.trees.predict_proba(features), dtype=np.float64)

    def thinned(self, parts: int) -> "Forest":
        """The first 1/parts of the trees: the mean over `parts` such forests is one forest of full size."""
        fewer = copy(self.trees)
        fewer.estimators_ = self.trees.estimators_[: max(1, len(self.trees.estimators_) // parts)]
        fewer.n_estimators = len(fewer.estimators_)
        return Forest(fewer)

    def save(self, folder: Path) -> None:
        # the lightest compression takes away two thirds; a stronger one only takes longer
        data = skops.io.dumps(self.trees, compression=ZIP_DEFLATED, compresslevel=1)
        write_atomic(folder / "forest.skops", data)


def load(folder: Path) -> Forest:
    """Read what `save` wrote.

    Raises:
        skops.io.exceptions.UntrustedTypesFoundException: the file holds a type that is not on our list.
    """
    return Forest(skops.io.load(folder / "forest.skops", trusted=TRUSTED))


def fit(features: Matrix, y: Target, params: Params, setting: Setting) -> Forest:
    """Grow up to `trees` trees; a forest cut short keeps those it has.

    Raises:
        NoTimeError: stopped before the first tree.
    """
    total = int(params.get("trees", TREES))
    forest = _empty_forest(int(features.shape[0]), params, setting)
    batch = setting.threads
    grown = 0
    while grown < total and not setting.deadline.over():
        grown = min(total, grown + batch)
        began = time.monotonic()
        forest.set_params(n_estimators=grown)
        forest.fit(features, y, sample_weight=setting.weights)
        taken = time.monotonic() - began
        # threads share a batch, so its size is a multiple of theirs
        per_tree = max(taken / batch, 1e-4)
        batch = max(1, int(BATCH_SECONDS / per_tree) // setting.threads) * setting.threads
        setting.hearing.tick(grown, total)
    if grown == 0:
        raise NoTimeError("no tree was grown")
    # summing the trees in one thread keeps the last bit the same from call to call
    forest.set_params(n_jobs=1)
    return Forest(forest)


def _empty_forest(rows: int, params: Params, setting: Setting) -> Any:  # noqa: ANN401
    shared: dict[str, Any] = {
        "n_estimators": 0,
        "warm_start": True,
        "n_jobs": setting.threads,
        "random_state": setting.seed,
        "min_samples_leaf": int(params.get("leaf", 3)),
        "max_features": float(params.get("share", 0.35)),
        "max_samples": MAX_TREE_ROWS if rows > MAX_TREE_ROWS else None,
    }
    if setting.regression:
        return RandomForestRegressor(**shared)
    return RandomForestClassifier(**shared)
