"""Making the variants of a model one by one, each in a folder of its own, each compared with the original.

A variant that cannot be made, or that gives nothing, stands in the table with the reason; nothing is left out.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from engine.errors import BadCalibration, DiskFull, HomeNotWritable, MillwrightError
from engine.files import atomic_folder
from engine.metrics import METRICS
from engine.models.base import Floats
from engine.optimise.compose import Composed, compose, write_onnx
from engine.optimise.core import Core
from engine.optimise.errors import VariantRefused
from engine.optimise.export_core import core_of
from engine.optimise.guard import Guard, explain_drop, guard_of, passes
from engine.optimise.parity import check_parity, measure_difference, require_parity
from engine.optimise.rows import Rows
from engine.optimise.source import Source
from engine.optimise.spec import EAGER, VARIANTS, Drop, Goal, Parity, Variant
from engine.package_info import PackageInfo
from engine.progress import Control
from engine.serving.runtime import Runtime, load_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec

AT_ONCE = 256
MB = 1e6
ONLY_NETWORKS = "It has no network, and there is nothing in trees and linear models to be had this way."


class NotNeeded(VariantRefused):
    """A way that another one made needless."""

    code = "variant_not_needed"


COMPARED_UNSEEN = "compared with answers out of fold: by models of the original's kind that had not seen the row"
NOBODY = Control()
"""Nobody listens, and nobody cancels."""


@dataclass(frozen=True)
class Means:
    """What a maker may use: seconds for a training (None: a fixed amount of work), threads, a seed."""

    seed: int = 0
    threads: int = 1
    seconds: float | None = 30.0
    control: Control = NOBODY


@dataclass(frozen=True)
class Made:
    """What a way of making gives: a graph to be written, or a folder written already."""

    composed: Composed | None = None
    members: MembersRuntimeSpec | None = None
    notes: tuple[str, ...] = ()
    packed: bool = False
    exact: bool = False
    """Whether it must answer as the original does, to within rounding."""


Way = Callable[["Maker"], Made]


@dataclass
class Maker:
    """Makes variants of `source` below `folder`. `calibration` are the rows that ranges are taken from.

    What several variants need (features, answers, exported cores) is computed once.
    """

    folder: Path
    source: Source
    rows: Rows
    goal: Goal
    calibration: pd.DataFrame
    means: Means
    ways: Mapping[str, Way]
    memory: dict[str, Any] = field(default_factory=dict)
    """What one way made and another goes on from, by name."""
    _cores: dict[int, Core] = field(default_factory=dict)

    def make(self, name: str) -> Variant:
        """One variant; errors of the making become its status.

        Raises:
            DiskFull, HomeNotWritable: nothing can be kept.
            KeyError: not a name of VARIANTS.
        """
        began = time.monotonic()
        way = self.ways[name]
        threads = torch.get_num_threads()
        try:
            why = self.pointless(name)
            if why is not None:
                return self._without(name, "not applicable", why, began)
            return self._finished(name, way(self), began)
        except NotNeeded as error:
            return self._without(name, "skipped", str(error), began)
        except (VariantRefused, BadCalibration) as error:
            return self._without(name, "refused", str(error), began)
        except (DiskFull, HomeNotWritable):
            raise
        except Exception as error:  # one variant's failure must not take the others with it
            if name in ALWAYS:
                raise
            said = str(error) if isinstance(error, MillwrightError) else f"{type(error).__name__}: {error}"
            return self._without(name, "failed", said[:500], began)
        finally:
            torch.set_num_threads(threads)  # a variant that torch runs sets its own

    def pointless(self, name: str) -> str | None:
        """Why a variant cannot be made of this model or on this machine at all; None when it can be tried."""
        if name not in ALWAYS and not self.source.networks and name not in WITHOUT_NETWORKS:
            return ONLY_NETWORKS
        if name.startswith("cuda") and not torch.cuda.is_available():
            return "There is no GPU here."
        return None

    def place(self, name: str) -> Path:
        """The folder of a variant."""
        return self.folder / name

    def drop(self, answers: Floats, *, new: bool = False) -> Drop:
        """How much worse answers to the guard rows are than the original's; `new` ones are a model's that was never
        fitted on them, not even in parts, and are compared with answers of the original's kind of which that is true.
        """
        guard = self.guard_of_new if new else self.guard
        more = {"unseen": guard is not self.guard, "against": guard.value}
        return guard.drop(answers).model_copy(update=more)

    def holds(self, answers: Floats, *, new: bool = False) -> bool:
        """Whether answers to the guard rows are within the guard; what answers no number is not."""
        try:
            return passes(self.drop(answers, new=new), self.goal)
        except VariantRefused:
            return False

    def core(self, place: int) -> Core:
        """The member at `place` as it was trained, as a graph."""
        if place not in self._cores:
            member = self.source.members[place]
            self._cores[place] = core_of(member.model, member.plan)
        return self._cores[place]

    def composed(self, changed: Mapping[int, Core]) -> Composed:
        """All members in one graph, those in `changed` with another core."""
        cores = [changed.get(place) or self.core(place) for place in range(len(self.source.members))]
        parts = [
            (member.plan, core, weight)
            for member, core, weight in zip(self.source.members, cores, self.source.weights, strict=True)
        ]
        return compose(parts, regression=self.source.regression)

    @cached_property
    def parts(self) -> list[Floats]:
        """Each member's answers to the guard rows."""
        return [member.predict(self.rows.guard) for member in self.source.members]

    @cached_property
    def original(self) -> Floats:
        """The model's answers to the guard rows."""
        return self.source.mixed(self.parts)

    @cached_property
    def teaching(self) -> Floats:
        """The model's answers to the rows that variants are made from: out of fold where there are any, since a model
        of trees knows the rows that it was fitted on by heart and has nothing to teach on them.
        """
        unseen = self.rows.unseen_train
        if unseen is None:
            return answers_of(self.source.runtime, self.rows.train)
        known = np.flatnonzero(np.isfinite(unseen.reshape(len(unseen), -1)).all(axis=1))
        if len(known) == len(unseen):
            return unseen
        answers = answers_of(self.source.runtime, self.rows.train)
        answers[known] = unseen[known]
        return answers

    @cached_property
    def guard(self) -> Guard:
        """The guard rows, resampled once for all variants."""
        return self._guard(self.original)

    @cached_property
    def guard_of_new(self) -> Guard:
        """As `guard`, with the answers of models that had not seen the rows, where the training has left them."""
        unseen = self.rows.unseen_guard
        return self.guard if unseen is None or not np.isfinite(unseen).all() else self._guard(unseen)

    def _guard(self, original: Floats) -> Guard:
        return guard_of(
            METRICS[self.goal.metric], self.rows.y_guard, original, task=self.source.info.task,
            threshold=self.source.info.threshold, seed=self.means.seed,
        )  # fmt: skip

    @property
    def scale(self) -> float:
        """The deviation of the target, or 1 for classes."""
        return (float(np.std(self.rows.y_train)) or 1.0) if self.source.regression else 1.0

    def _finished(self, name: str, made: Made, began: float) -> Variant:
        folder = self._written(name, made)
        runtime = load_runtime(folder)
        answers = self.original if name == EAGER else answers_of(runtime, self.rows.guard)
        drop = self.drop(answers, new=name in WITHOUT_NETWORKS)
        kept = name == EAGER or passes(drop, self.goal)
        why = "; ".join((*made.notes, *([COMPARED_UNSEEN] if drop.unseen else []))) or VARIANTS[name]
        return Variant(
            name=name,
            status="ok" if kept else "refused",
            why=why if kept else f"{explain_drop(drop, self.goal)} {why}",
            drop=drop,
            parity=self._parity(runtime, made),
            size_mb=size_mb(folder),
            folder=name,
            seconds=round(time.monotonic() - began, 2),
            notes=made.notes,
        )

    def _written(self, name: str, made: Made) -> Path:
        """The variant's folder. An exported model that does not answer as its original does is not written."""
        from engine.optimise.bench.folders import write_members

        target, source = self.place(name), self.source
        shutil.rmtree(target, ignore_errors=True)
        with atomic_folder(target) as aside:
            if made.members is not None:
                write_members(aside, source.folders, source.weights, made.members, regression=source.regression)
            else:
                assert made.composed is not None
                write_onnx(
                    aside, made.composed, regression=source.regression, weights=source.weights,
                    classes=source.info.classes, packed=made.packed, metadata=threshold_of(source.info),
                )  # fmt: skip
                if made.exact:
                    require_parity(self._checked(load_runtime(aside)))
        return target

    def _parity(self, runtime: Runtime, made: Made) -> Parity | None:
        if made.composed is None:
            return None
        return self._checked(runtime) if made.exact else self._difference(runtime)

    def _checked(self, runtime: Runtime) -> Parity:
        return check_parity(
            runtime, self.source.runtime, self.rows.guard, regression=self.source.regression, scale=self.scale
        )  # fmt: skip

    def _difference(self, runtime: Runtime) -> Parity:
        return measure_difference(
            runtime, self.source.runtime, self.rows.guard, regression=self.source.regression, scale=self.scale
        )  # fmt: skip

    def _without(self, name: str, status: str, why: str, began: float) -> Variant:
        return Variant.model_validate(
            {"name": name, "status": status, "why": why, "seconds": round(time.monotonic() - began, 2)}
        )


ALWAYS = (EAGER, "onnx")
"""Made whatever is asked for: what all others are compared with, and what most are made from."""
WITHOUT_NETWORKS = ("student", "student-int8")
"""Of the others, those that a model without a network can have."""


def threshold_of(info: PackageInfo) -> dict[str, str]:
    """What an ONNX file says of when the second of two classes is the answer; nothing where the likelier one is."""
    if info.task != "binary" or info.threshold == 0.5:
        return {}
    return {"threshold": f"{info.classes[1]!r} is the answer where its probability is at least {info.threshold!r}"}


def answers_of(runtime: Runtime, rows: pd.DataFrame) -> Floats:
    """A runtime's answers, some rows at a time."""
    parts: Sequence[Floats] = [
        runtime.answer(rows.iloc[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)
    ]
    return np.concatenate(parts)


def size_mb(folder: Path) -> float:
    """Megabytes (10^6 bytes) of all files of a folder."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB, 4)
