"""How long a training would take: each candidate is fitted for a moment on a sample, and the time is scaled up."""

import time
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from engine.automl.fitting import Features, Part, Table
from engine.automl.portfolio import family_of, params_of
from engine.automl.spec import Preparation, TrainSpec
from engine.automl.validation import Validation
from engine.families import NETWORKS
from engine.features import Matrix
from engine.models.base import Deadline, Hearing, NoTimeError, Params
from engine.models.linear import STRENGTHS
from engine.models.model import fit_model, warm_up
from engine.models.network_params import EPOCHS
from engine.progress import Control

PILOT_ROWS = 2_000
SLOW_PILOT_ROWS = 400
"""The same where a row is a text or an image, which takes a hundred times as long to turn into features."""
PILOT_SECONDS = 2.0
NETWORK_SECONDS = 0.7
"""Every step of a network takes as long as the next, so a few of them tell."""
PILOT_SHARE = 0.125
FEW_ROWS = 64


class Units(NamedTuple):
    """A parameter that counts units of equal cost: how many a fit usually takes, and how many the pilot takes."""

    key: str
    usual: int
    pilot: int


USUAL = {
    "lightgbm": Units("rounds", 250, 12),
    "forest": Units("trees", 200, 12),
    **{kind: Units("epochs", epochs, 1) for kind, epochs in EPOCHS.items()},
}
BYTES_PER_MB = 1e6
FOREST_BYTES_PER_ROW = 12_000


def estimate(
    table: Table, preparation: Preparation, spec: TrainSpec, control: Control
) -> tuple[list[tuple[str, float | None]], float]:
    """(candidate, seconds) in order, and peak memory in MB of the whole process.

    Feature building and the cost of one tree or round grow with the rows; a linear fit is timed as it is. A pilot
    takes an eighth of the budget at most: the candidates that it does not come to have None.
    """
    end = time.monotonic() + (
        np.inf if spec.fixed or spec.budget_seconds is None else PILOT_SHARE * spec.budget_seconds
    )
    pilot = _sampled(table, spec.seed)
    features = Features(pilot, spec.seed)
    scale = len(table.y) / len(pilot.y)
    found: list[tuple[str, float | None]] = []
    width = 0
    for name in preparation.candidates:
        if control.cancelled():
            break
        if time.monotonic() > end:
            found.append((name, None))
            continue
        began = time.monotonic()
        warm_up(family_of(name))
        part = features.whole(family_of(name))
        width = max(width, _width(part.train[0]))
        reading = (time.monotonic() - began) * scale
        fitting = _timed(name, features, preparation, spec, control) * scale
        side_by_side = 1 if family_of(name) in NETWORKS else min(spec.threads, preparation.folds)
        found.append((name, round((reading + fitting) * preparation.folds / side_by_side, 3)))
    return found, round(_memory(table, width, preparation), 1)


def _timed(name: str, features: Features, preparation: Preparation, spec: TrainSpec, control: Control) -> float:
    """Seconds of one full fit on the pilot rows."""
    family = family_of(name)
    params: Params = params_of(name, preparation.chosen_metric, preparation.task, spec.seed)
    factor = float(len(STRENGTHS)) if family == "linear" else 1.0
    threads = spec.threads if family in NETWORKS else 1
    if family in USUAL:
        units = USUAL[family]
        factor = float(params.get(units.key, units.usual)) / units.pilot
        params = params | {units.key: units.pilot}
    part = features.whole(family)
    with threadpool_limits(limits=1, user_api="blas"):
        # the first fit of a kind loads its library, which is no part of the work
        few = part.head(FEW_ROWS)
        once = params | {USUAL[family].key: 1} if family in USUAL else params
        if family not in NETWORKS:
            _pilot_fit(family, few, once, features.table, Deadline(control, PILOT_SECONDS), spec.seed, threads)
        limit = NETWORK_SECONDS if family in NETWORKS else PILOT_SECONDS
        return factor * _pilot_fit(family, part, params, features.table, Deadline(control, limit), spec.seed, threads)


def _pilot_fit(
    family: str, part: Part, params: Params, table: Table, deadline: Deadline, seed: int, threads: int
) -> float:
    """Seconds of one fit, scaled up by what was not done of it when the deadline cut it short."""
    done = [1.0]

    def tick(through: int, total: int) -> None:
        done[0] = max(through, 1) / max(total, 1)

    began = time.monotonic()
    # a machine too busy to fit even the pilot in time: what passed is then the least that it takes
    with suppress(NoTimeError):
        fit_model(family, *part.train, params, part.setting(table, deadline, seed, threads, Hearing(tick)))
    taken = time.monotonic() - began
    return taken / done[0]


def _width(features: Matrix) -> int:
    """Stored numbers a row; a sparse one needs a column index beside each."""
    if isinstance(features, np.ndarray):
        return int(features.shape[1])
    return int(2 * features.nnz / max(1, features.shape[0]))


def _sampled(table: Table, seed: int) -> Table:
    slow = bool(set(table.schema.of_kind("text", "image")) & set(table.columns))
    most = SLOW_PILOT_ROWS if slow else PILOT_ROWS
    rows = np.sort(np.random.default_rng([seed, 4]).permutation(len(table.y))[:most])
    validation = Validation("pilot", np.full(len(rows), -1, dtype=np.int8))
    teacher = None if table.teacher is None else table.teacher[rows]
    # a pilot is over before several processes would have found each other
    return replace(
        table, processes=1, frame=table.frame.iloc[rows], y=table.y[rows], validation=validation, teacher=teacher
    )


def _memory(table: Table, width: int, preparation: Preparation) -> float:
    """What the process holds now, the features of all folds, and a forest's trees."""
    held = float(psutil.Process().memory_info().rss) / BYTES_PER_MB
    matrices = len(table.y) * width * 4 * (preparation.folds + 1) / BYTES_PER_MB
    trees = min(len(table.y), 30_000) * FOREST_BYTES_PER_ROW / BYTES_PER_MB if "forest" in preparation.candidates else 0
    return held + matrices * 2 + trees
