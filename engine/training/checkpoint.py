"""Checkpoints on disk: a folder of steps, each written whole or not at all, the last two kept.

step-00000120/
    state.json               what the training is, how far it is, the optimiser's and scaler's settings
    model.safetensors        weights and buffers
    average.safetensors      their moving average, if there is one
    best.safetensors         the weights of the best epoch, if there is one
    optimiser.safetensors    its tensors, by number
    random.safetensors       the state of the random generators of every process
    digests.json             SHA-256 of each of the files above

There is no pickle in it: reading a checkpoint runs no code.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.torch
from pydantic import BaseModel, ConfigDict, TypeAdapter
from torch import Tensor

from engine.errors import BadArguments
from engine.files import atomic_folder, write_atomic, write_json
from engine.training.parallel import State
from engine.training.progress import Progress
from engine.training.spec import FitSpec

Weights = dict[str, Tensor]
_GROUPS = ("model", "average", "best", "optimiser", "random")
_PROGRESS = TypeAdapter(Progress)


class Identity(BaseModel):
    """What a checkpoint belongs to: the spec, the number of rows and processes, and each weight's shape and type."""

    model_config = ConfigDict(frozen=True)

    spec: FitSpec
    rows: int
    world: int
    weights: dict[str, str]

    def check_same(self, found: "Identity", folder: Path) -> None:
        """Raises BadArguments, naming a difference, when `found` in `folder` is another training."""
        here, there = self._flat(), found._flat()
        differs = [name for name in here | there if here.get(name) != there.get(name)]
        if differs:
            name = differs[0]
            raise BadArguments(
                f"The checkpoint in {str(folder)!r} is of another training: there, {name} is {there.get(name)}, "
                f"and here it is {here.get(name)}.",
                "Give the settings it was begun with, or another folder for a new training.",
            )

    def _flat(self) -> dict[str, object]:
        weights = {f"the weight {name!r}": shape for name, shape in self.weights.items()}
        return {**self.spec.model_dump(), "the number of rows": self.rows, "processes": self.world, **weights}


@dataclass(frozen=True)
class Checkpoint:
    """A training at one moment, to go on from. `random` (processes, bytes) holds a row for each process."""

    identity: Identity
    progress: Progress
    model: Weights
    optimiser: State
    random: Tensor
    scaler: State = field(default_factory=dict)
    average: Weights = field(default_factory=dict)
    best: Weights = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What lies in a folder: the newest sound checkpoint and its place, if any, and in words what is damaged."""

    checkpoint: Checkpoint | None = None
    place: Path | None = None
    damaged: tuple[str, ...] = ()


def place_of(folder: Path, step: int) -> Path:
    """Where the checkpoint after so many steps lies."""
    return folder / f"step-{step:08d}"


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; of the earlier ones, the newest stays and the others are deleted.

    Raises:
        DiskFull, HomeNotWritable: it cannot be written; the earlier ones are left as they were.
    """
    place = place_of(folder, checkpoint.progress.step)
    with atomic_folder(place) as aside:
        digests = {name: _write(aside / name, content) for name, content in _files(checkpoint).items()}
        write_json(aside / "digests.json", digests)
    _delete_others(folder, place)
    return place


def load(folder: Path) -> Found:
    """The newest checkpoint that is sound. One whose files are not what was written is passed over, and said."""
    damaged: list[str] = []
    for place in sorted(folder.glob("step-*"), reverse=True):
        damage = _damage(place)
        if damage is None:
            return Found(_read(place), place, tuple(damaged))
        damaged.append(f"The checkpoint {str(place)!r} is damaged ({damage}) and was not used.")
    return Found(damaged=tuple(damaged))


def _files(checkpoint: Checkpoint) -> dict[str, bytes]:
    optimiser: Weights = {}
    state = {
        "identity": checkpoint.identity.model_dump(mode="json"),
        "progress": _PROGRESS.dump_python(checkpoint.progress, mode="json"),
        "optimiser": _flattened(checkpoint.optimiser, optimiser),
        "scaler": _flattened(checkpoint.scaler, {}),
    }
    groups: dict[str, Weights] = {
        "model": checkpoint.model, "average": checkpoint.average, "best": checkpoint.best,
        "optimiser": optimiser, "random": {"state": checkpoint.random},
    }  # fmt: skip
    tensors = {f"{name}.safetensors": safetensors.torch.save(_plain(group)) for name, group in groups.items() if group}
    return {"state.json": json.dumps(state, indent=2, allow_nan=False).encode(), **tensors}


def _write(path: Path, content: bytes) -> str:
    write_atomic(path, content)
    return hashlib.sha256(content).hexdigest()


def _plain(group: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in group.items()}


def _delete_others(folder: Path, newest: Path) -> None:
    """All but `newest` and the one before it. Later steps are damaged ones that were passed over."""
    before = sorted(place for place in folder.glob("step-*") if place.name < newest.name)
    unfinished = folder.glob(".step-*")
    later = (place for place in folder.glob("step-*") if place.name > newest.name)
    for place in [*before[:-1], *later, *unfinished]:
        shutil.rmtree(place, ignore_errors=True)


def _damage(place: Path) -> str | None:
    """What is wrong with the files, None when they are as they were written."""
    try:
        digests = json.loads((place / "digests.json").read_text(encoding="utf-8"))
        for name, digest in digests.items():
            with (place / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return f"{name} is not what was written"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, AttributeError):
        return "digests.json cannot be read"
    return None


def _read(place: Path) -> Checkpoint:
    state = json.loads((place / "state.json").read_text(encoding="utf-8"))
    groups = {name: _tensors(place / f"{name}.safetensors") for name in _GROUPS}
    optimiser, scaler = _rebuilt(state["optimiser"], groups["optimiser"]), _rebuilt(state["scaler"], {})
    assert isinstance(optimiser, dict)
    assert isinstance(scaler, dict)
    return Checkpoint(
        identity=Identity.model_validate(state["identity"]),
        progress=_PROGRESS.validate_python(state["progress"]),
        model=groups["model"],
        optimiser=optimiser,
        random=groups["random"]["state"],
        scaler=scaler,
        average=groups["average"],
        best=groups["best"],
    )


def _tensors(path: Path) -> Weights:
    found: Weights = safetensors.torch.load_file(path) if path.exists() else {}
    return found


def _flattened(value: object, tensors: Weights) -> object:
    """`value` as JSON, with its tensors moved to `tensors`. Keys of dictionaries keep their types."""
    match value:
        case Tensor():
            name = str(len(tensors))
            tensors[name] = value
            return {"tensor": name}
        case Mapping():
            return {"map": [[key, _flattened(item, tensors)] for key, item in value.items()]}
        case tuple():
            return {"tuple": [_flattened(item, tensors) for item in value]}
        case list():
            return [_flattened(item, tensors) for item in value]
        case _:
            return value


def _rebuilt(value: object, tensors: Weights) -> object:
    """The inverse of `_flattened`."""
    match value:
        case {"tensor": str(name)}:
            return tensors[name]
        case {"map": list(items)}:
            return {key: _rebuilt(item, tensors) for key, item in items}
        case {"tuple": list(items)}:
            return tuple(_rebuilt(item, tensors) for item in items)
        case list():
            return [_rebuilt(item, tensors) for item in value]
        case _:
            return value
