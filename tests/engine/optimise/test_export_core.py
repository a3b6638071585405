"""One door for all kinds: plans with every sort of cell in front, every class in the answer behind."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import onnx
import pandas as pd
import pytest

from engine.data.schema import Column, Schema, coerce
from engine.features import FeaturePlan, Matrix
from engine.models.base import Floats, Params
from engine.models.model import FLAVOURS, Model, fit_model
from engine.optimise.core import ANSWER, FEATURES, OPSET, TREES_OPSET
from engine.optimise.errors import ExportFailed
from engine.optimise.export_core import core_of
from tests.engine.optimise.cores import Running, cut, largest_difference, plain_plan, setting, train_features

KINDS: dict[str, Params] = {"dummy": {}, "linear": {}, "lightgbm": {"rounds": 25}, "forest": {"trees": 10}}
SCHEMA = Schema(
    columns=tuple(
        Column.model_validate({"name": name, "kind": kind})
        for name, kind in {"amount": "number", "town": "category", "plan": "category", "since": "datetime"}.items()
    )
)


def table(rows: int, seed: int, towns: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows) * 1e6
    amount[::7], amount[1::50], amount[2::50] = np.nan, np.inf, -np.inf
    frame = pd.DataFrame(
        {
            "amount": amount,
            "town": [f"town {number}" if number else None for number in rng.integers(0, towns, rows)],
            "plan": rng.choice(["a", "b", None], rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90_000, rows), unit="h"),
        }
    )
    return coerce(frame, SCHEMA)


TRAIN, FRESH = table(400, 0, 40), table(150, 1, 60)
AMOUNT = np.nan_to_num(TRAIN["amount"].to_numpy(dtype=float), posinf=0, neginf=0)
SIGNAL = AMOUNT / 1e6 + (TRAIN["plan"] == "a").to_numpy()


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_core_answers_as_its_model_on_real_columns(kind: str, classes: int) -> None:
    plan = FeaturePlan.fit(TRAIN, SCHEMA, SCHEMA.names, FLAVOURS[kind])
    y = cut(SIGNAL, classes) if classes else SIGNAL
    task = ("regression", "", "binary", "multiclass")[classes]
    model = fit_model(kind, plan.transform(TRAIN), y, KINDS[kind], setting(task, classes, plan.categorical))  # type: ignore[arg-type]
    core = core_of(model, plan)
    assert [entry.name for entry in core.model.graph.input] == [FEATURES]
    assert [entry.name for entry in core.model.graph.output] == [ANSWER]
    assert {entry.domain: entry.version for entry in core.model.opset_import} == {"": OPSET, "ai.onnx.ml": TREES_OPSET}
    assert largest_difference(Running(core), model, plan.transform(FRESH)) < 1e-6


@pytest.mark.parametrize("present", [(1,), (0, 3), (1, 2, 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_classes_absent_from_the_fit_have_their_column(kind: str, present: tuple[int, ...]) -> None:
    features = np.nan_to_num(train_features())
    y = np.array(present)[cut(features[:, 3], len(present))]
    model = fit_model(kind, features, y, KINDS[kind], setting("multiclass", 5))
    core = core_of(model, plain_plan())
    onnx.checker.check_model(core.model, full_check=True)
    running = Running(core)
    assert largest_difference(running, model, features) < 1e-6
    answer = running.answer(features)
    assert answer.sum(axis=1) == pytest.approx(np.ones(len(features)), abs=1e-6)
    # by hand: one row more would have given an absent class one in 505
    absent = [code for code in range(5) if code not in present]
    assert answer[:, absent] == pytest.approx(np.full((len(features), len(absent)), 1 / 505), abs=1e-12)


def test_a_network_keeps_the_classes_that_were_absent_too() -> None:
    columns = ["amount", "plan"]
    plan = FeaturePlan.fit(TRAIN, SCHEMA, columns, "network")
    features = plan.transform(TRAIN)
    inside = replace(setting("multiclass", 4, ()), layout=plan.layout, device="cpu")
    model = fit_model("network", features, 2 * cut(SIGNAL, 2), {"epochs": 2, "width": 8}, inside)
    running = Running(core_of(model, plan), plan.layout)
    assert largest_difference(running, model, plan.transform(FRESH)) < 1e-5
    assert running.answer(features)[:, [1, 3]] == pytest.approx(np.full((len(features), 2), 1 / 404), abs=1e-12)


@dataclass(frozen=True)
class Oracle:
    """A kind of model that no exporter knows."""

    kind: ClassVar[str] = "oracle"

    @property
    def chosen(self) -> Params:
        return {}

    def predict(self, features: Matrix) -> Floats:
        return np.zeros(features.shape[0])

    def thinned(self, parts: int) -> "Oracle":
        return self

    def save(self, folder: object) -> None:
        raise NotImplementedError


def test_a_kind_that_nobody_can_export_is_refused_by_name() -> None:
    with pytest.raises(ExportFailed, match="'oracle' cannot be exported"):
        core_of(Model(Oracle(), "regression", 0, (), 10), plain_plan())
