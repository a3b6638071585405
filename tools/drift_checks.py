"""check_drift: a table against a reference once, or the complete windows of a monitor; and reference profiles."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.load import safe_path
from engine.drift.policy import Policy
from engine.errors import BadArguments, NotATable, NotFound, PackageDamaged
from engine.package_info import PackageFiles
from tools import drift_pages
from tools.drift import CheckDriftRequest, DriftCheck, ReferenceProfile, ReferenceProfileRequest
from tools.drift_found import in_short, kept
from tools.finding import is_source
from tools.packages import column_kinds
from tools.spec import Estimate, ToolSpec

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.schema import Schema
    from engine.drift.found import DriftReport
    from engine.drift.profile import Profile
    from engine.registry import ModelRecord
    from tools.drift_rows import Watched
    from tools.workshop import Workshop

ZIP = b"PK\x03\x04"
OTHER_ZIPS = frozenset({".xlsx", ".xlsm", ".npz"})
MB = 1e6
ROWS_A_SECOND = 50_000
"""What reading and comparing a table of some twenty columns was measured at, with room."""


def check_drift(workshop: "Workshop", request: CheckDriftRequest) -> DriftCheck:
    """Compare current rows with a reference, or check what a monitor has logged.

    Raises:
        BadArguments: not exactly one way of asking.
        NotFound, DataError, PackageDamaged: monitor, model, reference or data cannot be had.
    """
    if request.monitor is not None:
        if (request.model, request.reference, request.data) != (None, None, None):
            raise BadArguments("A monitor is checked against its own model.", "Give `monitor` and nothing else.")
        from tools.window_checks import check_windows

        return check_windows(workshop, request.monitor)
    if request.data is None or (request.model is None) == (request.reference is None):
        raise BadArguments(
            "A comparison needs `data` and one of `model` and `reference`.",
            "Give the current rows and a model, or a saved profile or other rows as the reference.",
        )
    return _compared(workshop, request, request.data)


def _compared(workshop: "Workshop", request: CheckDriftRequest, data: str) -> DriftCheck:
    report, model, notes = (
        _of_model(workshop, request.model, data)
        if request.model is not None
        else (_of_reference(workshop, str(request.reference), data), None, ())
    )
    folder = workshop.home / "drift" / f"chk_{secrets.token_hex(6)}"
    full = kept(report, folder / "report.json")
    page = drift_pages.write_page(folder / drift_pages.PAGE, drift_pages.once(report, Policy(), workshop.now(), model))
    found = in_short(report, full, page)
    return DriftCheck(model=model.model_id if model else None, level=report.level, found=found, notes=notes)


def _of_model(workshop: "Workshop", model: str, data: str) -> "tuple[DriftReport, ModelRecord, tuple[str, ...]]":
    """Against a model's training rows; with its predictions, and its performance where the labels came along."""
    from engine.drift.checking import check_rows
    from engine.drift.compare import compare
    from tools.drift_rows import from_table, watched

    subject = watched(workshop, model)
    frame, notes = _without_known_labels(workshop, subject, _rows(workshop, data, subject.record))
    answered = from_table(subject, frame)
    if answered is not None:
        return check_rows(subject.profile, answered, Policy(), predict=subject.raw), subject.record, notes
    features = frame.drop(columns=subject.info.target, errors="ignore")
    return compare(subject.profile, features, multivariate=True), subject.record, notes


def _without_known_labels(
    workshop: "Workshop", model: "Watched", frame: "pd.DataFrame"
) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """The rows without the labels of those that the model was trained on, which prove nothing, or that lie in its
    sealed test set, at which this is no look; and what to say of them."""
    from engine.data.overlap import overlap

    target = model.info.target
    try:
        dataset = workshop.datasets.get(model.info.lineage.dataset)
    except NotFound:
        return frame, ()
    if target not in frame.columns or frame.empty:
        return frame, ()
    found = overlap(dataset, frame)
    known = found.trained | found.sealed
    if not found.telling or not known.any():
        return frame, ()
    note = f"{int(known.sum()):,} row(s) are of the model's own dataset: their labels are left out."
    return frame.assign(**{target: frame[target].mask(known)}), (note,)


def _of_reference(workshop: "Workshop", reference: str, data: str) -> "DriftReport":
    from engine.drift.compare import compare

    return compare(_reference(workshop, reference), _rows(workshop, data), multivariate=True)


def _reference(workshop: "Workshop", reference: str) -> "Profile":
    """A saved profile, or the profile of rows.

    Raises:
        SourceNotFound, DataError: neither is there.
        PackageDamaged: the package of a model, whose profile is not whole.
    """
    from engine.drift.profile import Profile, fit_profile

    path = safe_path(reference)
    if (path / PackageFiles.REFERENCE).is_file():
        return Profile.load(path / PackageFiles.REFERENCE)
    saved = _saved_profile(path) if path.is_file() else None
    return saved or fit_profile(*_reference_rows(workshop, reference))


def _saved_profile(path: Path) -> "Profile | None":
    """The profile in a file; None where the file is of another form.

    Raises:
        NotATable: it looks like a profile and is not whole.
    """
    from engine.drift.profile import Profile

    if not _is_zip(path):
        return None
    try:
        return Profile.load(path)
    except PackageDamaged as error:
        if path.suffix.lower() in OTHER_ZIPS:
            return None
        raise NotATable(
            f"{path.name!r} is not a whole drift profile.",
            "Make it again: profile_reference (millwright drift profile).",
        ) from error


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(ZIP)) == ZIP
    except OSError:
        return False  # the reader of tables says why


def _reference_rows(workshop: "Workshop", data: str) -> "tuple[pd.DataFrame, Schema | None]":
    try:
        dataset = workshop.datasets.get(data)
    except NotFound:
        return workshop.datasets.read_rows(data), None
    return workshop.datasets.training_frame(dataset.id), dataset.schema_


def _rows(workshop: "Workshop", data: str, model: "ModelRecord | None" = None) -> "pd.DataFrame":
    """Rows of a source, or the training rows of a dataset: sealed rows are not for looking."""
    if not is_source(data):
        try:
            return workshop.datasets.training_frame(workshop.datasets.get(data).id)
        except NotFound:
            if not Path(data).suffix:
                raise
    return workshop.datasets.read_rows(data, kinds=column_kinds(model) if model else None)


def profile_reference(workshop: "Workshop", request: ReferenceProfileRequest) -> ReferenceProfile:
    """Keep a profile of rows in a file.

    Raises:
        NotFound, DataError, ColumnNotFound: the rows or the target cannot be had.
        BadArguments: nothing can be written there.
    """
    from engine.drift.profile import fit_profile
    from tools.answers_file import checked_place

    path = checked_place(workshop, request.out, "drift.profile", (request.data,))
    if path.exists() and not _is_profile(path):
        raise BadArguments(f"{request.out!r} is there already and is no profile.", "Give another file.")
    frame, schema = _reference_rows(workshop, request.data)
    profile = fit_profile(frame, schema, request.target, form="sketch" if request.sketch else "exact")
    profile.save(path)
    kinds: dict[str, int] = {}
    for column in profile.columns.values():
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    return ReferenceProfile(
        path=str(path),
        rows=profile.rows,
        columns=len(profile.columns),
        kinds=kinds,
        size_mb=round(path.stat().st_size / MB, 3),
    )


def _is_profile(path: Path) -> bool:
    from engine.drift.profile import Profile

    try:
        Profile.load(path)
    except PackageDamaged:
        return False
    return True


def estimate_check(workshop: "Workshop", request: CheckDriftRequest) -> Estimate:
    """From the size of what is compared."""
    if request.monitor is not None:
        from tools.window_checks import GRACE

        monitor = workshop.monitoring.monitors.get(request.monitor)
        # which cuts windows: as a check would, lest rows that come a little late fall into the next one
        due = workshop.monitoring.monitors.windows.due(monitor, workshop.now(), GRACE)
        rows = sum(window.rows for window in due)
        return Estimate(seconds=round(0.5 + 3.0 * len(due) + rows / ROWS_A_SECOND, 1), memory_mb=round(rows * 0.002, 1))
    frame = _rows(workshop, request.data) if request.data else None
    rows = 0 if frame is None else len(frame)
    memory = 0.0 if frame is None else float(frame.memory_usage(deep=True).sum()) / MB
    return Estimate(seconds=round(4.0 + rows / ROWS_A_SECOND, 1), memory_mb=round(3 * memory, 1))


def estimate_profile(workshop: "Workshop", request: ReferenceProfileRequest) -> Estimate:
    """From the rows, which are read for it."""
    frame, _ = _reference_rows(workshop, request.data)
    memory = float(frame.memory_usage(deep=True).sum()) / MB
    return Estimate(seconds=round(0.5 + len(frame) / (5 * ROWS_A_SECOND), 1), memory_mb=round(3 * memory, 1))


TOOLS = (
    ToolSpec(
        name="check_drift",
        description="Compare current rows with what a model was trained on (`model` and `data`), with other rows or a "
        "saved profile (`reference` and `data`), or check the complete windows of a monitor (`monitor`), which also "
        "raises alerts by its policy. Says the level (GREEN, YELLOW, ORANGE, RED), which columns drifted by how much, "
        "and, where labels came along, how well the model still does. Every test is corrected for their number and "
        "needs an effect that matters.",
        request=CheckDriftRequest,
        result=DriftCheck,
        function=check_drift,
        effect="compute",
        estimate=estimate_check,
    ),
    ToolSpec(
        name="profile_reference",
        description="Write a reference profile of a file or dataset to a file: all that check_drift needs of these "
        "rows, without the rows themselves. Models have one in their package already.",
        request=ReferenceProfileRequest,
        result=ReferenceProfile,
        function=profile_reference,
        effect="compute",
        estimate=estimate_profile,
    ),
)
