"""Measuring the variants of a model: first the settings of each session, then all of them side by side."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from engine.optimise.bench.timing import measure
from engine.optimise.spec import EAGER, Noise, Timing, Variant
from engine.optimise.tune_session import set_threads, tune_session, tune_threads
from engine.progress import Control
from engine.serving.session_settings import SessionSettings

if TYPE_CHECKING:
    import pandas as pd

LEAST_S = 10.0
TUNING_SHARE = 0.05
"""Of the time for measuring, for the settings of one variant."""
LEAST_TUNING_S = 1.0
"""With less time for each, the simplest settings stand: one thread, all optimisations."""
TORCHES = frozenset({EAGER, "compile", "bf16", "cuda", "cuda-bf16", "cuda-compile"})
"""Variants that are run from members."""


class Measurements(BaseModel):
    """What was measured, by variant; `failed` says of which it could not be, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timings: dict[str, Timing]
    settings: dict[str, SessionSettings]
    noise: Noise | None
    failed: dict[str, str]

    def of(self, variant: Variant) -> Variant:
        """The variant with its times; one that could not be measured has failed."""
        name = variant.name
        found = {"timing": self.timings.get(name), "settings": self.settings.get(name)}
        if name in self.failed:
            return variant.model_copy(update={**found, "status": "failed", "why": self.failed[name]})
        return variant.model_copy(update=found)


def measured(
    folders: Mapping[str, Path],
    rows: "pd.DataFrame",
    *,
    networks: bool,
    threads: int,
    seconds: float,
    control: Control,
) -> Measurements:
    """Tune and time the variants in `folders` on rows in the schema's kinds, within about `seconds`.

    Variants that torch runs share a number of threads, the best for the model as it was trained, so that they differ
    in what they are named for alone.

    Args:
        networks: whether any of them is run by torch.
        threads: the most that a variant may use.
    """
    left = max(LEAST_S, seconds)
    _sweep(next(iter(folders.values())).parent)
    settings: dict[str, SessionSettings] = {}
    tuned = left * TUNING_SHARE >= LEAST_TUNING_S
    if networks and tuned and not control.cancelled():
        count = tune_threads(
            folders[EAGER], rows, threads=threads, seconds=left * TUNING_SHARE, control=control
        )  # fmt: skip
        for name in TORCHES & folders.keys():
            set_threads(folders[name], count)
            settings[name] = SessionSettings(threads=count)
    for name, folder in folders.items():
        if name not in TORCHES and tuned and not control.cancelled():
            settings[name] = tune_session(
                folder, rows, threads=threads, seconds=left * TUNING_SHARE, control=control
            )  # fmt: skip
    spent = TUNING_SHARE * (len(folders) + 1) if tuned else 0.0
    found = measure(folders, rows, seconds=max(LEAST_S, left * (1 - spent)), repeat=EAGER, control=control)
    return Measurements(timings=found.timings, settings=settings, noise=found.noise, failed=found.failed)


def _sweep(folder: Path) -> None:
    """Take away what a killed measuring has left."""
    for stale in (*folder.glob(".bench-*"), *folder.glob(".tune-*")):
        shutil.rmtree(stale, ignore_errors=True)
