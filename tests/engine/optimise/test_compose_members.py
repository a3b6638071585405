"""Real members of several kinds in one ONNX file answer as they do by their own libraries."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.automl.members import Member
from engine.data.schema import Column, Kind, Schema
from engine.features import FeaturePlan
from engine.models.base import Deadline, Setting
from engine.models.model import FLAVOURS, fit_model
from engine.optimise.compose import Composed, compose, write_onnx
from engine.optimise.export_core import core_of
from engine.optimise.parity import check_parity, require_parity
from engine.progress import Control
from engine.serving.runtime import MembersRuntime, load_runtime
from engine.tasks import Task

KINDS: dict[str, Kind] = {
    "size": "number", "count": "integer", "flag": "boolean", "town": "category", "when": "datetime", "note": "text",
}  # fmt: skip
SCHEMA = Schema(columns=tuple(Column(name=name, kind=kind) for name, kind in KINDS.items()))
PARAMS: dict[str, dict[str, float | int | str | bool]] = {"lightgbm": {"rounds": 30}, "lstm": {"epochs": 1}}
CLASSES = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}


def table(rows: int = 240) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    words = [" ".join(draw.choice(["good", "bad", "slow", "fast"], draw.integers(1, 6))) for _ in range(rows)]
    frame = pd.DataFrame({
        "size": draw.normal(5, 3, rows),
        "count": pd.array(draw.integers(0, 9, rows), dtype="Int64"),
        "flag": pd.array(draw.random(rows) < 0.5, dtype="boolean"),
        "town": pd.Series(draw.choice(["north", "south", "east"], rows), dtype="str"),
        "when": (pd.Timestamp("2023-11-01") + pd.to_timedelta(draw.integers(0, 10**8, rows), unit="s")).astype(
            "datetime64[us]"
        ),
        "note": pd.Series(words, dtype="str"),
    })  # fmt: skip
    return pd.DataFrame({name: frame[name].mask(draw.random(rows) < 0.05) for name in frame})


FRAME = table()
SCORE = (
    np.nan_to_num(FRAME["size"].to_numpy()) + 4.0 * (FRAME["town"] == "north") + FRAME["count"].fillna(0).astype(float)
)


def members(task: Task, kinds: tuple[str, ...]) -> tuple[Member, ...]:
    """One of each kind, each fitted on other rows, so that their plans differ."""
    classes = len(CLASSES[task])
    y = SCORE.to_numpy() if task == "regression" else np.digitize(SCORE, [8, 12][: classes - 1]).astype(np.int64)
    found = []
    for place, kind in enumerate(kinds):
        rows = slice(20 * place, 200 + 20 * place)
        plan = FeaturePlan.fit(FRAME.iloc[rows], SCHEMA, list(KINDS), FLAVOURS[kind])
        setting = Setting(
            task, classes, Deadline(Control()), layout=plan.layout, categorical=plan.categorical, device="cpu"
        )  # fmt: skip
        model = fit_model(kind, plan.transform(FRAME.iloc[rows]), y[rows], PARAMS.get(kind, {}), setting)
        found.append(Member(plan, model, task, CLASSES[task], {}))
    return tuple(found)


def composed_of(parts: tuple[Member, ...], weights: tuple[float, ...]) -> Composed:
    cores = [core_of(member.model, member.plan) for member in parts]
    return compose(
        [(member.plan, core, weight) for member, core, weight in zip(parts, cores, weights, strict=True)],
        regression=parts[0].task == "regression",
    )


@pytest.mark.parametrize(
    ("task", "kinds"),
    [
        ("binary", ("linear", "lightgbm", "lstm")),
        ("multiclass", ("lightgbm", "forest", "linear")),
        ("regression", ("linear", "lightgbm", "dummy")),
    ],
)
def test_an_ensemble_in_one_file_answers_as_its_members_do(task: Task, kinds: tuple[str, ...], tmp_path: Path) -> None:
    parts, weights = members(task, kinds), (0.5, 0.2, 0.3)
    original = MembersRuntime(parts, weights)
    write_onnx(tmp_path, composed_of(parts, weights), regression=task == "regression", weights=weights)
    regression, scale = task == "regression", float(SCORE.std())
    parity = require_parity(check_parity(tmp_path, original, FRAME, regression=regression, scale=scale))
    assert bool(parity.lengths) == ("lstm" in kinds)
    one = FRAME.tail(1)
    np.testing.assert_allclose(load_runtime(tmp_path).answer(one), original.answer(one), rtol=1e-5, atol=1e-6)


def test_a_constant_model_on_the_plan_of_a_network(tmp_path: Path) -> None:
    plan = FeaturePlan.fit(FRAME, SCHEMA, list(KINDS), "network")
    setting = Setting("binary", 2, Deadline(Control()), layout=plan.layout)
    model = fit_model("lstm", plan.transform(FRAME), np.zeros(len(FRAME), dtype=np.int64), {}, setting)
    member = Member(plan, model, "binary", CLASSES["binary"], {})
    assert model.kind == "dummy"
    write_onnx(tmp_path, composed_of((member,), (1.0,)), regression=False, weights=(1.0,))
    original = MembersRuntime((member,), (1.0,))
    require_parity(check_parity(tmp_path, original, FRAME.head(40), regression=False, scale=1.0))
