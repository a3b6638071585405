"""The folder of a training run: every finished stage is one file or folder that appears whole or not at all.

preparation.json            decisions
rows.npz                    position and validation fold of every row used
fits/<name>/outcome.json    one candidate
fits/<name>/oof.npz         its out-of-fold predictions (NaN where a fold is missing)
fits/<name>/fold-<i>/       its members
working/<name>/             checkpoints of a long fit that is not through
refits/<name>/              a member fitted on all rows
selection.json, importance.json
"""

import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.automl.fitting import FoldFit
from engine.automl.members import save_member
from engine.automl.spec import FitOutcome, MemberRef, Preparation, Selection, TrainSpec
from engine.files import atomic_folder, write_atomic, write_json
from engine.models.base import Floats


@dataclass(frozen=True)
class Record:
    """Reads and writes the folder of one run."""

    folder: Path

    def preparation(self) -> tuple[TrainSpec, Preparation] | None:
        """What was decided, and for which request."""
        path = self.folder / "preparation.json"
        if not path.exists():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        return TrainSpec.model_validate(data["spec"]), Preparation.model_validate(data["preparation"])

    def write_preparation(self, spec: TrainSpec, preparation: Preparation) -> None:
        data = {"spec": spec.model_dump(mode="json"), "preparation": preparation.model_dump(mode="json")}
        write_json(self.folder / "preparation.json", data)

    def rows(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Positions in the training frame, and validation folds."""
        with np.load(self.folder / "rows.npz", allow_pickle=False) as data:
            return data["position"], data["fold"]

    def write_rows(self, position: NDArray[np.int64], fold: NDArray[np.int8]) -> None:
        write_atomic(self.folder / "rows.npz", _npz(position=position, fold=fold))

    def working(self, name: str) -> Path:
        """Where a candidate's fit may keep what it has so far; gone when its outcome is kept, unless it failed."""
        return self.folder / "working" / name

    def outcome(self, name: str) -> FitOutcome | None:
        """The outcome of one candidate, None before it is through."""
        path = self.folder / "fits" / name / "outcome.json"
        return FitOutcome.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None

    def outcomes(self) -> list[FitOutcome]:
        """All finished candidates, in the order in which they finished."""
        paths = sorted((self.folder / "fits").glob("[!.]*/outcome.json"), key=lambda path: path.stat().st_mtime_ns)
        return [FitOutcome.model_validate_json(path.read_text(encoding="utf-8")) for path in paths]

    def write_outcome(
        self, outcome: FitOutcome, fits: Sequence[FoldFit], prediction: Floats | None, preparation: Preparation
    ) -> None:
        """Keep an outcome with its members and out-of-fold predictions."""
        with atomic_folder(self.folder / "fits" / outcome.model) as aside:
            for fit in fits:
                save_member(
                    aside / f"fold-{fit.fold}", fit.plan, fit.model.thinned(len(fits)),
                    task=preparation.task, classes=preparation.classes, params=outcome.params,
                )  # fmt: skip
            if prediction is not None:
                write_atomic(aside / "oof.npz", _npz(prediction=prediction))
            write_atomic(aside / "outcome.json", outcome.model_dump_json(indent=2))
        if outcome.status != "failed":  # what a fit that diverged had reached is kept, as its error says
            shutil.rmtree(self.working(outcome.model), ignore_errors=True)

    def prediction(self, name: str) -> Floats:
        """Out-of-fold predictions of the rows used; NaN rows have none."""
        with np.load(self.folder / "fits" / name / "oof.npz", allow_pickle=False) as data:
            return np.asarray(data["prediction"], dtype=np.float64)

    def fold_folders(self, name: str) -> list[Path]:
        """Member folders of a candidate's folds, in fold order."""
        return sorted((self.folder / "fits" / name).glob("fold-*"))

    def selection(self) -> Selection | None:
        path = self.folder / "selection.json"
        if not path.exists():
            return None
        found = Selection.model_validate_json(path.read_text(encoding="utf-8"))
        members = tuple(_moved(member, self.folder / member.folder) for member in found.members)
        return found.model_copy(update={"members": members})

    def write_selection(self, selection: Selection) -> None:
        """Keep a selection; folders are stored relative to the run, so that the home can be moved."""
        members = tuple(_moved(member, member.folder.relative_to(self.folder)) for member in selection.members)
        (self.folder / "importance.json").unlink(missing_ok=True)  # it may be of the selection before
        stored = selection.model_copy(update={"members": members})
        write_atomic(self.folder / "selection.json", stored.model_dump_json(indent=2))


def _moved(member: MemberRef, folder: Path) -> MemberRef:
    return member.model_copy(update={"folder": folder})


def _npz(**arrays: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
