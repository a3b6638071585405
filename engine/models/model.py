"""One door to all model kinds, which also keeps every class in the answer.

A fold may lack a class, and a class of two rows often does. The kinds are fitted on the classes that are there; the
absent ones get the small probability that one more row would have given them.
"""

import json
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadChoice
from engine.families import FAMILIES, NETWORKS
from engine.features import Matrix
from engine.features_steps import Flavour
from engine.files import write_json
from engine.models import dummy
from engine.models.base import Fitted, Floats, Params, Setting, Target
from engine.tasks import Task, check_task

FLAVOURS: dict[str, Flavour] = {
    "dummy": "tree",
    "linear": "linear",
    "lightgbm": "tree",
    "forest": "tree",
    **dict.fromkeys(NETWORKS, "network"),
}

# imported when used, since scikit-learn and LightGBM take seconds to load
_MODULES = {
    "dummy": "engine.models.dummy",
    "linear": "engine.models.linear",
    "lightgbm": "engine.models.boosting",
    "forest": "engine.models.forest",
    **dict.fromkeys(NETWORKS, "engine.models.network"),
}


@dataclass(frozen=True)
class Model:
    """A fitted model over all classes: `present` are the codes it was fitted with, `rows` how many rows."""

    inner: Fitted
    task: Task
    classes: int
    present: tuple[int, ...]
    rows: int

    @property
    def kind(self) -> str:
        return self.inner.kind

    @property
    def chosen(self) -> Params:
        """What fitting decided, for a later refit."""
        return self.inner.chosen

    def predict(self, features: Matrix) -> Floats:
        """(n,) values for regression, (n, classes) probabilities otherwise; every class has a column."""
        prediction = self.inner.predict(features)
        if self.task == "regression" or len(self.present) == self.classes:
            return prediction
        absent = self.classes - len(self.present)
        little = 1.0 / (self.rows + self.classes)
        out = np.full((prediction.shape[0], self.classes), little)
        out[:, list(self.present)] = prediction * (1.0 - absent * little)
        return out

    def thinned(self, parts: int) -> "Model":
        """What to keep of it when it is one of `parts` models of one candidate that are averaged."""
        return replace(self, inner=self.inner.thinned(parts))

    def save(self, folder: Path) -> None:
        """Write the weights and `weights.json` into an existing folder."""
        self.inner.save(folder)
        record = {"kind": self.kind, "task": self.task, "classes": self.classes}
        write_json(folder / "weights.json", record | {"present": list(self.present), "rows": self.rows})


def fit_model(kind: str, features: Matrix, y: Target, params: Params, setting: Setting) -> Model:
    """Fit a kind on float32 features (n, width) and codes or values y (n,). `setting.classes` counts all classes.

    Raises:
        BadChoice: not a kind.
        NoTimeError: stopped before anything was usable.
    """
    rows = int(features.shape[0])
    if setting.regression:
        return Model(_family(kind).fit(features, y, params, setting), setting.task, 0, (), rows)
    present = np.unique(y.astype(np.int64))
    inside = _only_present(setting, present)
    codes = np.searchsorted(present, y)
    fit = dummy.fit if len(present) == 1 else _family(kind).fit
    return Model(
        fit(features, codes, params, inside), setting.task, setting.classes, tuple(present.tolist()), rows
    )  # fmt: skip


def load_model(folder: Path) -> Model:
    """Read what `Model.save` wrote."""
    record = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
    inner = _family(record["kind"]).load(folder)
    return Model(inner, check_task(record["task"]), record["classes"], tuple(record["present"]), record["rows"])


def warm_up(kind: str) -> None:
    """Load a kind's libraries, which is no part of a fit: those of the networks take seconds."""
    if kind in NETWORKS:
        import_module(_MODULES[kind]).warm_up()


def _only_present(setting: Setting, present: NDArray[np.int64]) -> Setting:
    """The setting with classes renumbered to those present; validation rows of other classes cannot be scored."""
    valid = setting.valid
    if valid is not None:
        known = np.isin(valid[1], present)
        rows = np.flatnonzero(known)
        valid = (valid[0][rows], np.searchsorted(present, valid[1][rows])) if len(rows) else None
    return replace(setting, classes=len(present), valid=valid, teacher=_shares(setting.teacher, present))


def _shares(teacher: Floats | None, present: NDArray[np.int64]) -> Floats | None:
    """A teacher's probabilities over the classes present, summing to one again."""
    if teacher is None or teacher.shape[1] == len(present):
        return teacher
    kept = np.maximum(teacher[:, present], np.finfo(np.float64).tiny)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True), dtype=np.float64)


def _family(kind: str) -> Any:  # noqa: ANN401
    """What has `fit` and `load` of a kind: its module, or one of the networks of a module."""
    if kind not in _MODULES:
        raise BadChoice("model", kind, FAMILIES)
    module = import_module(_MODULES[kind])
    return module.NETWORKS[kind] if kind in NETWORKS else module
