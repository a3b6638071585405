"""Where the fits of an attempt lie, and which fits of an earlier attempt or run are taken over instead of made again.

Each attempt has a folder of its own (`runs/<run>-<attempt>`), so that nothing that comes later, in this run or in a
branch, changes what a checkpoint stands for.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.files import atomic_folder, write_json
from graphs.pipeline_types import PipelineRequest, Prepared
from tools.home import read_json_if_there
from tools.workshop import Workshop

INDEX = "fits.json"
TAKEN = ("preparation.json", "rows.npz", "request.json", "fits")
"""What the fits of a training consist of; selection, test and package are made anew."""


def folder_of(workshop: Workshop, run: str, attempt: int) -> Path:
    """The training folder of an attempt."""
    return workshop.runs / f"{run}-{attempt}"


def record_folder(workshop: Workshop, run: str) -> Path:
    """What the pipeline itself keeps of a run."""
    # an id is a name, never a path
    return workshop.runs / Path(run).name / "pipeline"


def inputs(request: PipelineRequest, prepared: Prepared, target: str, trials: int) -> str:
    """A name for everything that decides about the fits; the same inputs give the same fits."""
    asked = request.model_dump(
        mode="json", include={"task", "metric", "max_models", "seed", "device", "processes", "budget_seconds"}
    )
    setup = prepared.setup
    known: dict[str, object] = {
        **asked, "dataset": prepared.dataset, "target": target, "drop": sorted(prepared.drop),
        "models": models_of(request, prepared), "longer": setup.longer, "trials": trials,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def models_of(request: PipelineRequest, prepared: Prepared) -> list[str] | None:
    """The families to train; None leaves them to the engine."""
    models = prepared.setup.models or request.models
    return None if models is None else list(models)


def note(workshop: Workshop, run: str, key: str, attempt: int) -> None:
    """Keep that the fits of these inputs are finished."""
    path = record_folder(workshop, run) / INDEX
    found = read_json_if_there(path) or {}
    write_json(path, {**found, key: folder_of(workshop, run, attempt).name})


def find(workshop: Workshop, lineage: Sequence[str], key: str) -> Path | None:
    """The finished fits of these inputs, of this run or of one it branches from; None when there are none."""
    for run in lineage:
        index: Mapping[str, Any] = read_json_if_there(record_folder(workshop, run) / INDEX) or {}
        if key in index and (workshop.runs / str(index[key])).is_dir():
            return workshop.runs / str(index[key])
    return None


def take_over(source: Path, target: Path) -> None:
    """Begin `target` with the fits of `source`. Nothing happens when it is there already."""
    if target.exists() or source == target:
        return
    with atomic_folder(target) as aside:
        for name in TAKEN:
            part = source / name
            if part.is_dir():
                shutil.copytree(part, aside / name, copy_function=_linked)
            elif part.exists():
                _linked(str(part), str(aside / name))


def count(folder: Path) -> int:
    """Finished fits in a folder."""
    return len(list((folder / "fits").glob("[!.]*")))


def _linked(source: str, target: str) -> None:
    """The same file under a second name: files of a training are replaced, never written in place."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
