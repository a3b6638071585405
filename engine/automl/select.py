"""From fitted candidates to the model that is packaged: choose or blend, then fit again on all rows if time allows."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.automl.ensemble import Judge, best_single, greedy_blend
from engine.automl.fitting import Features
from engine.automl.members import blend, load_member, save_member
from engine.automl.portfolio import family_of
from engine.automl.record import Record
from engine.automl.spec import FitOutcome, MemberRef, Preparation, Selection, TrainSpec
from engine.errors import MillwrightError, NothingTrained
from engine.explain import IMPORTANCES, Importance, permutation_importance
from engine.families import NETWORKS
from engine.files import write_atomic
from engine.models.base import FIT_ERRORS, Deadline, Floats, NoTimeError, Target
from engine.models.model import fit_model
from engine.progress import Control, Note, StageStarted

REFIT_MARGIN = 1.6
"""A refit has 5/4 of the rows of a fold, and its time is a guess."""
NETWORK_MARGIN = 0.7
"""A network's passes are fewer when time is short, and its rate comes to its end all the same."""

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class HeldOut:
    """Rows (n,) with their encoded target and predictions (n,) or (n, classes) by models that have not seen them."""

    frame: pd.DataFrame
    y: Target
    prediction: Floats


@dataclass(frozen=True)
class FoldModels:
    """Models, and rows (n,) with their encoded target that these models have not seen."""

    predict: Callable[[pd.DataFrame], Floats]
    frame: pd.DataFrame
    y: Target


@dataclass(frozen=True)
class Selector:
    """Reads the record of a run's fits and makes its selection."""

    record: Record
    preparation: Preparation
    features: Features
    judge: Callable[[Rows], Judge]
    spec: TrainSpec

    def select(self, seconds: float | None, control: Control) -> Selection:
        """Raises: NothingTrained: no candidate has a model."""
        end = None if seconds is None else time.monotonic() + seconds
        # by name, so that equals are told apart the same way in every run
        usable = {row.model: row for row in sorted(self.record.outcomes(), key=_name) if row.covered > 0}
        weights = self._weights(usable, control)
        rows, mixed = self._mixed(weights)
        judge = self.judge(rows)
        members: list[MemberRef] = []
        notes = []
        for name, weight in sorted(weights.items(), key=lambda item: -item[1]):
            made, note = self._members(usable[name], weight, end, control)
            members += made
            notes += [note] if note else []
        return Selection(
            name=next(iter(weights)) if len(weights) == 1 else "ensemble",
            members=tuple(members),
            metric=self.preparation.metric,
            validation=judge.value(mixed),
            baseline=usable["dummy"].validation if "dummy" in usable else None,
            threshold=judge.threshold(mixed),
            notes=(*_words(weights), *notes, *(note for name in weights for note in usable[name].notes)),
            considered=tuple(sorted(row.model for row in self.record.outcomes())),
        )

    def out_of_fold(self, selection: Selection) -> HeldOut:
        """The rows that have one, with true values and blended out-of-fold predictions of a selection."""
        rows, mixed = self._mixed(_by_candidate(selection))
        return HeldOut(self.features.table.frame[rows], self.features.table.y[rows], mixed)

    def held_out(self, selection: Selection) -> FoldModels:
        """The models of one fold, blended as the selection is, with that fold's rows."""
        table = self.features.table
        weights = _by_candidate(selection)
        shared = set.intersection(*({path.name for path in self.record.fold_folders(name)} for name in weights))
        fold = min(shared)
        rows = table.validation.fold == int(fold.removeprefix("fold-"))
        folders = [self.record.folder / "fits" / name / fold for name in weights]
        return FoldModels(_predictor(folders, list(weights.values())), table.frame[rows], table.y[rows])

    def importance(self, selection: Selection, seconds: float | None, control: Control) -> list[Importance]:
        """Importance by the models of one fold on that fold's rows, which those models have not seen."""
        path = self.record.folder / "importance.json"
        if path.exists():
            return IMPORTANCES.validate_json(path.read_text(encoding="utf-8"))
        held_out = self.held_out(selection)
        found = permutation_importance(
            held_out.predict, held_out.frame, held_out.y, self.features.table.columns,
            self.preparation.chosen_metric, self.preparation.task, self.preparation.classes, self.spec.seed,
            seconds, control, threshold=selection.threshold,
        )  # fmt: skip
        write_atomic(path, IMPORTANCES.dump_json(found, indent=2))
        return found

    def _weights(self, usable: Mapping[str, FitOutcome], control: Control) -> dict[str, float]:
        """Weight by candidate. A blend is made of candidates that have a prediction for every validation row."""
        if not usable:
            raise NothingTrained("No model was trained.", "Give more time or look at the failures in the leaderboard.")
        control.watch(StageStarted(stage="select", detail=f"{len(usable)} candidate(s)"))
        whole = [name for name, row in usable.items() if row.covered >= 1.0]
        pool = {name: self.record.prediction(name) for name in whole}
        rows = self._covered(*pool.values()) if pool else np.zeros(0, dtype=np.bool_)
        judge = self.judge(rows) if pool else None
        weights: dict[str, float] = {}
        if judge is not None:
            inside = {name: prediction[rows] for name, prediction in pool.items()}
            winner, _ = best_single(judge, inside)
            models = {name: prediction for name, prediction in inside.items() if name != "dummy"}
            weights = {winner: 1.0} if winner == "dummy" else greedy_blend(judge, models, self.spec.seed)
        for name in sorted(usable.keys() - set(whole)):
            if self._beats(name, weights):
                weights = {name: 1.0}
        return weights

    def _beats(self, partial: str, weights: Mapping[str, float]) -> bool:
        """Whether a candidate with some folds is better than the choice so far, on the rows that both have."""
        if not weights:
            return True
        _, rows_mixed = self._mixed(weights, whole=True)
        prediction = self.record.prediction(partial)
        rows = self._covered(prediction)
        judge = self.judge(rows)
        return judge.merit(prediction[rows]) > judge.merit(rows_mixed[rows])

    def _mixed(self, weights: Mapping[str, float], whole: bool = False) -> tuple[Rows, Floats]:
        """Rows with a prediction and the blend over them (over all rows, NaN included, when `whole`)."""
        predictions = [self.record.prediction(name) for name in weights]
        rows = self._covered(*predictions)
        mixed = blend(predictions, list(weights.values()))
        return rows, mixed if whole else mixed[rows]

    def _covered(self, *predictions: Floats) -> Rows:
        covered = [np.isfinite(values.reshape(len(values), -1)[:, 0]) for values in predictions]
        return np.asarray(np.logical_and.reduce(covered), dtype=np.bool_)

    def _members(
        self, outcome: FitOutcome, weight: float, end: float | None, control: Control
    ) -> tuple[list[MemberRef], str]:
        """A refit on all rows, or the models of the folds when that cannot be had, and why in words."""
        name = outcome.model
        folder = self.record.folder / "refits" / name
        why = "" if folder.exists() else self._refit(outcome, folder, end, control)
        if not why:
            return [MemberRef(name=name, weight=weight, folder=folder)], ""
        folds = self.record.fold_folders(name)
        note = f"{name}: {why}; the mean of {len(folds)} fold model(s) is used."
        control.watch(Note(text=note))
        share = weight / len(folds)
        return [MemberRef(name=f"{name}/{path.name}", weight=share, folder=path) for path in folds], note

    def _refit(self, outcome: FitOutcome, folder: Path, end: float | None, control: Control) -> str:
        """Fit on all rows into `folder`; why there is no such model, or ''."""
        cheap = family_of(outcome.model) == "dummy"
        left = None if end is None or cheap else end - time.monotonic()
        usual = max(outcome.fold_seconds, default=0.0)
        margin = NETWORK_MARGIN if family_of(outcome.model) in NETWORKS else REFIT_MARGIN
        if control.cancelled() or (left is not None and left < usual * margin):
            return "cancelled" if control.cancelled() else "no time to fit it on all rows"
        try:
            return self._refit_now(outcome, folder, Deadline(control, left))
        except FIT_ERRORS as error:
            return f"fitting it on all rows failed ({error.sentence})"
        except MillwrightError:
            raise
        except Exception as error:  # the folds' models are there: a failure here must not take the run with it
            return f"fitting it on all rows failed ({type(error).__name__}: {error})"

    def _refit_now(self, outcome: FitOutcome, folder: Path, deadline: Deadline) -> str:
        table, kind, params = self.features.table, family_of(outcome.model), outcome.params
        try:
            part = self.features.whole(kind, deadline.check)
            working = self.record.working(f"refit-{outcome.model}")
            setting = part.setting(table, deadline, self.spec.seed, self.spec.threads, checkpoints=working)
            with threadpool_limits(limits=1, user_api="blas"):
                model = fit_model(kind, *part.train, params, setting)
        except NoTimeError:
            return "no time to fit it on all rows"
        if deadline.reached:
            return "no time to finish its fit on all rows"
        save_member(folder, part.plan, model, task=table.task, classes=self.preparation.classes, params=params)
        shutil.rmtree(working, ignore_errors=True)
        return ""


def _name(outcome: FitOutcome) -> str:
    return outcome.model


def _by_candidate(selection: Selection) -> dict[str, float]:
    """Weight by candidate: fold models of one candidate count together."""
    weights: dict[str, float] = {}
    for member in selection.members:
        name = member.name.split("/")[0]
        weights[name] = weights.get(name, 0.0) + member.weight
    return weights


def _words(weights: Mapping[str, float]) -> list[str]:
    if "dummy" in weights:
        return ["No candidate validates better than the baseline, so the baseline is the model."]
    if len(weights) == 1:
        return []
    parts = ", ".join(f"{weight:.0%} {name}" for name, weight in sorted(weights.items(), key=lambda item: -item[1]))
    return [f"A blend validates better than any single model: {parts}."]


def _predictor(folders: list[Path], weights: list[float]) -> Callable[[pd.DataFrame], Floats]:
    members = [load_member(folder) for folder in folders]
    return lambda frame: blend([member.predict(frame) for member in members], weights)
