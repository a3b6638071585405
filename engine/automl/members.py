"""A member on disk: a feature plan and fitted weights, enough to predict from raw rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from engine.features import FeaturePlan
from engine.files import atomic_folder, write_json
from engine.models.base import Floats, Params
from engine.models.model import Model, load_model
from engine.tasks import Task, check_task


@dataclass(frozen=True)
class Member:
    """A plan and a model that belong together; `classes` are names in the order of the probabilities."""

    plan: FeaturePlan
    model: Model
    task: Task
    classes: tuple[str, ...]
    params: Params

    @property
    def kind(self) -> str:
        return self.model.kind

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a frame must have."""
        return self.plan.columns

    def predict(self, frame: pd.DataFrame) -> Floats:
        """(n,) values for regression, (n, classes) probabilities otherwise, for rows coerced to the schema."""
        return self.model.predict(self.plan.transform(frame))


def save_member(
    folder: Path, plan: FeaturePlan, model: Model, *, task: Task, classes: Sequence[str], params: Params
) -> None:
    """Write member.json, plan.json and the weights; the folder appears whole or not at all.

    Raises:
        DiskFull, HomeNotWritable: as `engine.files`.
    """
    with atomic_folder(folder) as aside:
        write_json(aside / "plan.json", plan.to_json())
        model.save(aside)
        record = {"kind": model.kind, "task": task, "classes": list(classes), "params": params}
        write_json(aside / "member.json", record)


def load_member(folder: Path) -> Member:
    """Read what `save_member` wrote.

    Raises:
        OSError, ValueError, KeyError: the folder is not a whole member; who opens a package says so in words.
    """
    record = json.loads((folder / "member.json").read_text(encoding="utf-8"))
    plan = FeaturePlan.from_json(json.loads((folder / "plan.json").read_text(encoding="utf-8")))
    return Member(
        plan=plan,
        model=load_model(folder),
        task=check_task(record["task"]),
        classes=tuple(record["classes"]),
        params=record["params"],
    )


def blend(predictions: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The weighted mean of predictions of one shape; weights need not sum to one."""
    total = float(sum(weights))
    mixed = np.zeros_like(predictions[0])
    for prediction, weight in zip(predictions, weights, strict=True):
        mixed = mixed + prediction * (weight / total)
    return mixed
