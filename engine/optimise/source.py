"""The model to be optimised: its package, its members as they were trained, and its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.automl.members import Member, blend
from engine.data.schema import Schema
from engine.errors import BadArguments
from engine.families import NETWORKS
from engine.models.base import Floats
from engine.package_info import PackageFiles, PackageInfo
from engine.serving.predictor import load
from engine.serving.runtime import MembersRuntime


@dataclass(frozen=True)
class Source:
    """A package with its members; `folders` are theirs."""

    folder: Path
    info: PackageInfo
    schema: Schema
    runtime: MembersRuntime
    folders: tuple[Path, ...]

    @property
    def members(self) -> Sequence[Member]:
        return self.runtime.members

    @property
    def weights(self) -> tuple[float, ...]:
        return self.runtime.weights

    @property
    def regression(self) -> bool:
        return self.info.task == "regression"

    @cached_property
    def networks(self) -> tuple[int, ...]:
        """Places of the members that are networks."""
        return tuple(place for place, member in enumerate(self.members) if member.kind in NETWORKS)

    def mixed(self, parts: Sequence[Floats]) -> Floats:
        """The members' answers as one."""
        return blend(parts, self.weights)


def open_source(folder: Path) -> Source:
    """Read a package.

    Raises:
        PackageDamaged: not a whole package.
        BadArguments: it is optimised already, so what it was made from should be named.
    """
    predictor = load(folder)
    info = predictor.info
    if info.optimised is not None:
        raise BadArguments(
            f"Model {info.model_id} is optimised already: it is {info.optimised.variant!r} of {info.optimised.model}.",
            f"Optimise {info.optimised.model} with another goal instead.",
        )
    assert isinstance(predictor.runtime, MembersRuntime)
    folders = tuple(folder / PackageFiles.MEMBERS / member.folder for member in info.members)
    return Source(folder, info, predictor.schema, predictor.runtime, folders)
