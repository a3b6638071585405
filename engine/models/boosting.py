"""Gradient boosted trees by LightGBM, stopped after any round by a callback."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import lightgbm
import numpy as np

from engine.features import Matrix
from engine.files import write_atomic
from engine.models.base import Floats, NoTimeError, Params, Setting, Target

ROUNDS = 2000
PATIENCE = 40
DEFAULTS: Params = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
    "max_bin": 255,
}
ROWS_PER_LEAF = 20
"""A small table is allowed smaller leaves: at least one leaf for each twentieth of its rows."""
NOT_FOR_LIGHTGBM = {"rounds", "loss"}


@dataclass(frozen=True)
class Boosted:
    """`booster` predicts with its first `rounds` rounds (the best by validation)."""

    kind: ClassVar[str] = "lightgbm"
    booster: Any
    rounds: int
    binary: bool

    @property
    def chosen(self) -> Params:
        return {"rounds": self.rounds}

    def predict(self, features: Matrix) -> Floats:
        raw = np.asarray(self.booster.predict(features, num_iteration=self.rounds, num_threads=1), dtype=np.float64)
        return np.stack([1 - raw, raw], axis=1) if self.binary else raw

    def thinned(self, parts: int) -> "Boosted":
        """All of it: it is small."""
        return self

    def save(self, folder: Path) -> None:
        write_atomic(folder / "lightgbm.txt", self.booster.model_to_string(num_iteration=self.rounds))


def load(folder: Path) -> Boosted:
    """Read what `save` wrote."""
    booster = lightgbm.Booster(model_str=(folder / "lightgbm.txt").read_text(encoding="utf-8"))
    binary = str(booster.dump_model(num_iteration=1)["objective"]).startswith("binary")
    return Boosted(booster, booster.current_iteration(), binary)


def fit(features: Matrix, y: Target, params: Params, setting: Setting) -> Boosted:
    """Boost until validation stops improving, `rounds` are through, or time is up (keeping the rounds so far).

    Raises:
        NoTimeError: stopped before the first round.
    """
    rounds = int(params.get("rounds", ROUNDS))
    options = _options(params, setting, int(features.shape[0]))
    data = lightgbm.Dataset(
        features, label=y, weight=setting.weights, categorical_feature=list(setting.categorical), params=options
    )
    callbacks: list[Callable[[Any], None]] = [_stop_when_over(setting, rounds)]
    valid_sets = []
    if setting.valid is not None:
        valid_sets = [lightgbm.Dataset(setting.valid[0], label=setting.valid[1], reference=data, params=options)]
        callbacks.append(lightgbm.early_stopping(PATIENCE, verbose=False))
    if setting.deadline.over():
        raise NoTimeError("no round was through")
    booster = lightgbm.train(options, data, num_boost_round=rounds, valid_sets=valid_sets, callbacks=callbacks)
    done = booster.current_iteration()
    best = booster.best_iteration if booster.best_iteration > 0 else done
    return Boosted(booster, max(1, min(best, done)), options["objective"] == "binary")


def _options(params: Params, setting: Setting, rows: int) -> dict[str, Any]:
    options: dict[str, Any] = DEFAULTS | {k: v for k, v in params.items() if k not in NOT_FOR_LIGHTGBM}
    least = max(2, rows // ROWS_PER_LEAF)
    options["min_data_in_leaf"] = min(options["min_data_in_leaf"], least)
    options["min_data_per_group"] = min(100, least)
    if setting.regression:
        options["objective"] = "regression_l1" if params.get("loss") == "absolute" else "regression"
    elif setting.classes == 2:
        options["objective"] = "binary"
    else:
        options |= {"objective": "multiclass", "num_class": setting.classes}
    return options | {
        "seed": setting.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": setting.threads,
        "verbosity": -1,
    }


def _stop_when_over(setting: Setting, rounds: int) -> Callable[[Any], None]:
    def after(env: Any) -> None:  # noqa: ANN401
        done = env.iteration + 1
        if done % 10 == 0:
            setting.hearing.tick(done, rounds)
        if setting.deadline.over():
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    return after
