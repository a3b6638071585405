"""Folders of variants that are made of members: how they are written, and what their runtime says of threads."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from engine.families import NETWORKS
from engine.optimise.errors import VariantRefused
from engine.package import copy_tree
from engine.serving.runtime import MEMBERS, RUNTIME_FILE, write_runtime
from engine.serving.runtime_spec import MembersRuntimeSpec, OnnxRuntimeSpec, RuntimeFile


def write_members(
    folder: Path, members: Sequence[Path], weights: Sequence[float], spec: MembersRuntimeSpec, *, regression: bool
) -> None:
    """Write a variant of members into an existing folder: copies of theirs, and `runtime.json`.

    The folders are numbered, since a runtime takes members by the order of their folders' names. In mode 'bf16' the
    weights of networks are kept rounded.

    Raises:
        VariantRefused: a mode for networks, and no member is one.
        ValueError: no members, or not one weight for each.
        DiskFull, HomeNotWritable: as `engine.files`.
    """
    if not members or len(members) != len(weights):
        raise ValueError(f"{len(members)} members and {len(weights)} weights do not go together")
    networks = [is_network(member) for member in members]
    if spec.mode != "eager" and not any(networks):
        raise VariantRefused(f"Mode {spec.mode!r} is for networks, and the model has none.")
    digits = len(str(len(members) - 1))
    for place, (member, network) in enumerate(zip(members, networks, strict=True)):
        target = folder / MEMBERS / f"{place:0{digits}d}-{member.name}"
        copy_tree(member, target)
        if network and spec.mode == "bf16":
            write_bf16(target)
    write_runtime(folder, RuntimeFile(regression=regression, weights=tuple(weights), runtime=spec))


def write_bf16(member: Path) -> None:
    """Round the weights of a network's folder to bfloat16, as far as they are used so: about half the size.

    The network is read from it as from any other, and computes in the precision that its runtime says.

    Raises:
        ValueError: the member is no network.
    """
    from engine.automl.members import load_member
    from engine.serving.torch_modes import network_of, rounded

    network = network_of(load_member(member))
    if network is None:
        raise ValueError(f"{member.name!r} is no network")
    rounded(network).save(member)


def is_network(member: Path) -> bool:
    """Whether a member's folder holds a network; one that was fitted on a single class does not."""
    kind = json.loads((member / "member.json").read_text(encoding="utf-8"))["kind"]
    return kind in NETWORKS


def threads_of(folder: Path) -> int:
    """How many threads a variant is to have; 1 for a folder that does not say."""
    try:
        runtime = RuntimeFile.model_validate_json((folder / RUNTIME_FILE).read_text(encoding="utf-8")).runtime
    except (OSError, ValidationError):  # a package without one; what is broken will say so when it is loaded
        return 1
    return runtime.session.threads if isinstance(runtime, OnnxRuntimeSpec) else runtime.threads
