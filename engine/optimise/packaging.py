"""The chosen variant as a model package: what it is run from, with the reference, the profile and the whole table."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from engine.data.profile import FrameProfile
from engine.evaluate import Evaluation
from engine.files import atomic_folder, write_atomic, write_json
from engine.optimise.source import Source
from engine.optimise.spec import Optimisation
from engine.package import copy_tree, file_hashes, test_metric, write_record
from engine.package_info import MemberEntry, OptimisedEntry, PackageFiles, PackageInfo
from engine.report.optimisation import render_optimisation
from engine.report.render import render_card, render_report
from engine.serving.runtime_spec import OnnxRuntimeSpec, RuntimeFile


def write_optimised_package(
    target: Path,
    *,
    source: Source,
    variant: Path,
    optimisation: Optimisation,
    evaluation: Evaluation,
    model_id: str,
    run_id: str,
    created: datetime,
) -> Path:
    """Write the package folder `target` whole or not at all; returns it.

    Args:
        variant: the folder of the variant that `optimisation` chose.
        evaluation: of that variant on the sealed test rows.

    Raises:
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    info = _info(source, variant, optimisation, evaluation, model_id, run_id, created)
    profile = FrameProfile.model_validate_json((source.folder / PackageFiles.PROFILE).read_bytes())
    with atomic_folder(target) as folder:
        copy_tree(variant, folder)
        for name in (PackageFiles.PROFILE, PackageFiles.REFERENCE):
            write_atomic(folder / name, (source.folder / name).read_bytes())
        write_record(folder / PackageFiles.EVALUATION, evaluation)
        write_record(folder / PackageFiles.OPTIMISATION, optimisation)
        write_atomic(folder / PackageFiles.OPTIMISATION_PAGE, render_optimisation(optimisation, info))
        write_atomic(folder / PackageFiles.CARD, render_card(info, profile))
        write_atomic(folder / PackageFiles.REPORT, render_report(info, evaluation, profile, target))
        whole = info.model_copy(update={"files": file_hashes(folder)})
        write_json(folder / PackageFiles.INFO, whole.model_dump(mode="json"))
    return target


def _info(
    source: Source,
    variant: Path,
    optimisation: Optimisation,
    evaluation: Evaluation,
    model_id: str,
    run_id: str,
    created: datetime,
) -> PackageInfo:
    info, name = source.info, optimisation.choice.chosen
    runtime = RuntimeFile.model_validate_json((variant / PackageFiles.RUNTIME).read_bytes()).runtime
    entry = OptimisedEntry(
        model=info.model_id,
        variant=name,
        max_drop=optimisation.goal.max_drop,
        drop=optimisation.test.value if optimisation.test else None,
        split=runtime.split if isinstance(runtime, OnnxRuntimeSpec) else "",
    )
    new = name.startswith("student")
    borrowed = (f"Leaderboard and importance are those of {info.model_id}, whose answers it learned.",) if new else ()
    made = optimisation.variant(name).notes
    notes = dict.fromkeys((*info.notes, *evaluation.notes, *made, *borrowed, *optimisation.notes))
    return info.model_copy(
        update={
            "model_id": model_id,
            "run_id": run_id,
            "created": created,
            "kind": "student" if new else info.kind,
            "validation": None if new else info.validation,
            "members": _members(source, variant, name),
            "metric": test_metric(evaluation),
            "notes": tuple(notes),
            "seconds": optimisation.seconds,
            "optimised": entry,
            "files": {},
        }
    )


def _members(source: Source, variant: Path, name: str) -> Sequence[MemberEntry]:
    """What the answer is made of: the source's members, in the folders of the variant where it has any."""
    if name.startswith("student"):
        return (MemberEntry(name="student", weight=1.0, folder=""),)
    members = source.info.members
    inside = variant / PackageFiles.MEMBERS
    folders = sorted(path.name for path in inside.iterdir()) if inside.is_dir() else [""] * len(members)
    return tuple(member.model_copy(update={"folder": folder}) for member, folder in zip(members, folders, strict=True))
