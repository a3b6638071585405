"""A home with two small versions of one model, made once a session and copied; rows for it, as usual and shifted."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.alerts.settings import AlertSettings
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tools.monitoring import Monitoring
from tools.workshop import Workshop

MODEL = "stream"
SHIFT = 1.5
"""In standard deviations: RED in a window of 60 rows."""
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def pass_hours(self, hours: float) -> None:
        self.at += timedelta(hours=hours)


def table(rows: int, seed: int, shift: float = 0.0, flip: bool = False) -> pd.DataFrame:
    """Rows with the target 'y'; `flip` turns round what 'size' says of it."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(shift, 1, rows), rng.normal(size=rows)
    plan = rng.choice(["basic", "plus", "free"], rows, p=[0.5, 0.3, 0.2])
    score = (-1.5 if flip else 1.5) * size + weight - 0.5 * (plan == "free")
    answer = np.where(rng.random(rows) < 1 / (1 + np.exp(-2 * score)), "yes", "no")
    return pd.DataFrame({"size": size, "weight": weight, "plan": plan, "y": answer})


def trained_home(base: Path) -> Path:
    """The home in the folder of the session; the first version is the champion. Tests work on copies of it."""
    home = base / "watched" / "home"
    if home.exists():
        return home
    making = base / "watched" / "making"
    workshop = inline_workshop(Settings(home=making))
    table(400, 0).to_csv(making.parent / "train.csv", index=False)
    workshop.call("import_dataset", source=str(making.parent / "train.csv"), target="y", name="rows")
    fixed = {"models": ("linear",), "max_models": 1, "budget_seconds": None, "name": MODEL}
    for seed in (0, 1):
        workshop.call("train_model", dataset="rows", seed=seed, **fixed)
    workshop.call("promote_model", model=f"{MODEL}@1")
    making.rename(home)
    return home


@dataclass(frozen=True)
class Watched:
    """A monitor of windows of 60 rows, and what a user does with it."""

    workshop: Workshop
    clock: Clock
    folder: Path

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.workshop.call(tool, **arguments)

    def predict(self, name: str, frame: pd.DataFrame, model: str = f"{MODEL}@champion") -> Any:
        """Predict the rows without their labels, from a file, under the ids 'NAME-0', 'NAME-1', ..."""
        path = self.folder / f"{name}.csv"
        with_ids(frame, name).drop(columns="y").to_csv(path, index=False)
        return self.call("predict", model=model, data=str(path), id_column="id")

    def label(self, name: str, frame: pd.DataFrame) -> Any:
        rows = with_ids(frame, name)[["id", "y"]].to_dict("records")
        return self.call("log_labels", monitor=MODEL, rows=rows, id_column="id")

    def check(self) -> Any:
        return self.call("check_drift", monitor=MODEL)

    def levels(self) -> list[str]:
        """Of all windows that were checked, the oldest first."""
        monitors = self.workshop.monitoring.monitors
        return [str(check.level) for check in monitors.history.history(monitors.get(MODEL).id)]


def with_ids(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.assign(id=[f"{name}-{row}" for row in range(len(frame))])


def at(home: Path, clock: Clock, alerts: AlertSettings | None = None) -> Workshop:
    """The workshop of a home by a clock, with channels for alerts."""
    return replace(inline_workshop(Settings(home=home)), now=clock, monitoring=Monitoring(home, clock, None, alerts))


def copied_home(base: Path, folder: Path) -> Path:
    return Path(shutil.copytree(trained_home(base), folder / "home"))


def watched(home: Path, folder: Path, alerts: AlertSettings | None = None) -> Watched:
    """The model of a home with a monitor."""
    clock = Clock()
    found = Watched(at(home, clock, alerts), clock, folder)
    found.call("create_monitor", model=MODEL, window_rows=60)
    return found
