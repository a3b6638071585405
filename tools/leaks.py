"""Columns that give a model's target away and that it learned from all the same, as its package says."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from engine.errors import ApprovalNeeded, PackageDamaged
from engine.naming import shortened
from engine.package_info import PackageFiles
from tools.packages import find_package

if TYPE_CHECKING:
    from engine.data.profiled import Leak
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop


def learned_leaks(record: "ModelRecord", info: "PackageInfo") -> "tuple[Leak, ...]":
    """The leaks in the profile of the rows it was trained on whose columns it needs. An optimised model has the
    profile and the columns of the one that it was made from; a package without a profile has none that are known.
    """
    from engine.data.profiled import FrameProfile

    path = record.package / PackageFiles.PROFILE
    if not path.is_file():
        return ()
    used = {column.name for column in info.columns}
    leaks = FrameProfile.model_validate_json(path.read_bytes()).leaks
    return tuple(leak for leak in leaks if leak.column in used)


def leaks_of(workshop: "Workshop", model: str) -> list[str]:
    """The columns of the leaks that a model learned from; none where its package cannot be read."""
    try:
        return [leak.column for leak in learned_leaks(*find_package(workshop, model))]
    except PackageDamaged:
        return []


def refuse_leaks(record: "ModelRecord", info: "PackageInfo", accepted: Collection[str]) -> None:
    """Return when the model learned from no leak but those that are accepted by name.

    Raises:
        ApprovalNeeded: names the columns and what to do.
    """
    columns = dict.fromkeys(leak.column for leak in learned_leaks(record, info) if leak.column not in accepted)
    if not columns:
        return
    named = list(columns)
    raise ApprovalNeeded(
        f"Model {record.model_id!r} is not promoted: it learned from {len(named)} column(s) that give {info.target!r} "
        f"away: {shortened(named)}.",
        "Train again with these columns in `drop`. Only where the user knows that their values are there before the "
        f"target is, name them: despite_leaks={named} (millwright models promote: --despite-leak COLUMN for each).",
    )
