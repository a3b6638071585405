"""A training run: a folder of stages, each done once. Calling a stage again returns its record.

The caller decides the order and the time of each stage; this class decides nothing about the budget but to keep the
seconds it is given.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from engine.automl.ensemble import Judge
from engine.automl.fitting import Features, FoldFit, FoldRun, Table
from engine.automl.pilot import estimate
from engine.automl.portfolio import class_power, family_of, more_trials, params_of
from engine.automl.prepare import prepare
from engine.automl.record import Record
from engine.automl.select import FoldModels, HeldOut, Selector
from engine.automl.spec import FitOutcome, Preparation, Selection, TrainSpec
from engine.automl.validation import Validation
from engine.data.schema import Schema
from engine.errors import BadArguments, MillwrightError
from engine.explain import Importance
from engine.families import FAMILIES
from engine.models.base import FIT_ERRORS, Floats, Params
from engine.progress import Control, FitFinished, FitStarted
from engine.tasks import encode_target


class TrainingRun:
    """Train candidates on `frame` (training rows, coerced to `schema`) and keep everything under `folder`.

    `teacher` are another model's answers for all rows of `frame`, (n,) or (n, classes), for students to learn from.
    """

    def __init__(
        self, folder: Path, frame: pd.DataFrame, schema: Schema, spec: TrainSpec, teacher: Floats | None = None
    ) -> None:
        self.folder = folder
        self.teacher = teacher
        self.frame = frame
        self.schema = schema
        self.spec = spec
        self.record = Record(folder)

    def prepare(self) -> Preparation:
        """Decide task, metric, columns, validation and candidates.

        Raises:
            BadArguments: the folder holds a run for another target, metric, seed or set of columns.
            What `engine.automl.prepare.prepare` raises.
        """
        found = self.record.preparation()
        if found is not None:
            _check_same(found[0], self.spec)
            self.spec = self.spec.model_copy(
                update={name: getattr(found[0], name) for name in ("models", "max_models")}
            )
            return found[1]
        prepared = prepare(self.frame, self.schema, self.spec)
        self.record.write_rows(prepared.position, prepared.validation.fold)
        self.record.write_preparation(self.spec, prepared.preparation)
        return prepared.preparation

    def fit(self, name: str, seconds: float | None = None, control: Control | None = None) -> FitOutcome:
        """Fit and validate one candidate within `seconds` (ignored in fixed-count mode and for the dummy).

        An error inside the fit becomes the outcome 'failed'; running out of time or a cancel leaves 'stopped' with
        what was reached, or 'skipped'.

        Raises:
            BadChoice: not a candidate's name.
            DiskFull, HomeNotWritable: nothing can be kept.
        """
        control = control or Control()
        family_of(name)
        done = self.record.outcome(name)
        if done is not None:
            return done
        known = self.preparation.candidates
        index = known.index(name) + 1 if name in known else len(self.outcomes()) + 1
        control.watch(FitStarted(model=name, index=index, total=max(index, len(known))))
        outcome = self._fit(name, seconds, control)
        finished = FitFinished(
            model=name,
            status=outcome.status,
            metric=self.preparation.metric,
            validation=outcome.validation,
            seconds=outcome.seconds,
            detail=outcome.detail,
        )
        control.watch(finished)
        return outcome

    def outcomes(self) -> list[FitOutcome]:
        """All finished candidates, in the order they finished."""
        return self.record.outcomes()

    def leaderboard(self) -> list[FitOutcome]:
        """All finished candidates, best validation first; those without one last."""
        greater = self.preparation.chosen_metric.greater_is_better

        def place(outcome: FitOutcome) -> tuple[bool, float]:
            value = outcome.validation
            return value is None, 0.0 if value is None else (-value if greater else value)

        return sorted(self.outcomes(), key=place)

    def trial_names(self, count: int) -> list[str]:
        """The next tuned variants to try, of the best family so far.

        A linear model has little to tune, so when it leads the variants are of LightGBM, if that may be used.
        """
        candidates = self.preparation.candidates  # and with it, the choices that the run was begun with
        taken_up = {family_of(name) for name in candidates}
        allowed = [family for family in FAMILIES if family in taken_up]
        leaders = [family_of(row.model) for row in self.leaderboard() if row.validation is not None]
        best = next((family for family in leaders if family in allowed), allowed[-1] if allowed else None)
        if best is None:
            return []
        family = "lightgbm" if best == "linear" and "lightgbm" in allowed else best
        taken = {*candidates, *(outcome.model for outcome in self.outcomes())}
        return more_trials(family, count, taken)

    def select(self, seconds: float | None = None, control: Control | None = None) -> Selection:
        """The best single candidate, or a blend when it validates better; fitted on all rows while time is left.

        Without time for that, the mean of the models of the folds is taken.

        Raises:
            NothingTrained: no candidate has a model.
        """
        done = self.record.selection()
        if done is not None and set(done.considered) == {outcome.model for outcome in self.outcomes()}:
            return done
        limit = None if self.spec.fixed else seconds
        selection = self._selector.select(limit, control or Control())
        self.record.write_selection(selection)
        return selection

    def importance(self, seconds: float | None, control: Control | None = None) -> list[Importance]:
        """Permutation importance of the selected model by column, on rows held out from the fits it is judged by.

        `seconds` are ignored in fixed-count mode, where the work is bounded instead.
        """
        return self._selector.importance(self.select(), None if self.spec.fixed else seconds, control or Control())

    def validated(self) -> HeldOut:
        """The rows that have one, with their true values and the selection's out-of-fold predictions."""
        return self._selector.out_of_fold(self.select())

    def held_out(self) -> FoldModels:
        """The selection's models of one fold, with that fold's rows, which they have not seen."""
        return self._selector.held_out(self.select())

    def estimate(self, control: Control | None = None) -> tuple[list[tuple[str, float | None]], float]:
        """Seconds each candidate would take, and peak memory in MB, from a timed pilot on a sample.

        None for a candidate that the pilot's time was not enough for.
        """
        return estimate(self.table, self.preparation, self.spec, control or Control())

    @property
    def _selector(self) -> Selector:
        return Selector(self.record, self.preparation, self.features, self.judge, self.spec)

    @cached_property
    def preparation(self) -> Preparation:
        return self.prepare()

    @cached_property
    def table(self) -> Table:
        """The rows in use."""
        preparation = self.preparation
        position, fold = self.record.rows()
        frame = self.frame.iloc[position]
        y = encode_target(frame[self.spec.target], preparation.task, preparation.classes)
        return Table(
            frame=frame,
            schema=self.schema,
            columns=preparation.features,
            y=y,
            task=preparation.task,
            classes=len(preparation.classes),
            validation=Validation(preparation.validation_method, fold),
            power=class_power(preparation.task, preparation.chosen_metric),
            device=self.spec.device,
            processes=self.spec.processes,
            teacher=self.teacher if self.teacher is None else self.teacher[position],
        )

    @cached_property
    def features(self) -> Features:
        return Features(self.table, self.spec.seed)

    def judge(self, rows: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Judge:
        """A judge over some of the rows in use."""
        return Judge(self.preparation.task, self.preparation.chosen_metric, self.table.y[rows])

    def _fit(self, name: str, seconds: float | None, control: Control) -> FitOutcome:
        began = time.monotonic()
        params = self._params(name)
        always = family_of(name) == "dummy"
        work = FoldRun(
            name=name, kind=family_of(name), params=params, features=self.features, seed=self.spec.seed,
            threads=self.spec.threads, control=Control(watch=control.watch) if always else control,
            seconds=None if always or self.spec.fixed else seconds, checkpoints=self.record.working(name),
        )  # fmt: skip
        try:
            fits = work.run()
            prediction = self._gathered(fits)
            outcome = self._judged(name, params, fits, prediction, work.cancelled)
            whole = {"seconds": _since(began), "notes": tuple(work.notes), "curve": tuple(work.curves.get(0, ()))}
            return self._keep(outcome.model_copy(update=whole), fits, prediction)
        except FIT_ERRORS as error:
            return self._keep(_failed(name, params, error, began), [], None)
        except MillwrightError:
            raise
        except Exception as error:  # one candidate's failure must not take the run with it
            return self._keep(_failed(name, params, error, began), [], None)

    def _params(self, name: str) -> Params:
        params = params_of(name, self.preparation.chosen_metric, self.preparation.task, self.spec.seed)
        return params if self.spec.student is None else self.spec.student.params | params

    def _keep(self, outcome: FitOutcome, fits: Sequence[FoldFit], prediction: Floats | None) -> FitOutcome:
        self.record.write_outcome(outcome, fits, prediction, self.preparation)
        return outcome

    def _gathered(self, fits: Sequence[FoldFit]) -> Floats | None:
        """Out-of-fold predictions (rows,) or (rows, classes), NaN where no fold was fitted.

        The baseline's are the same for all rows: its folds differ by a rounding of the class shares, which would rank
        the rows of small tables by their fold.
        """
        if not fits:
            return None
        fold = self.table.validation.fold
        out = np.full((len(fold), *fits[0].prediction.shape[1:]), np.nan)
        for fit in fits:
            out[fold == fit.fold] = fit.prediction
        if fits[0].model.kind == "dummy":
            out[fold >= 0] = np.mean([fit.prediction[0] for fit in fits], axis=0)
        return out

    def _judged(
        self, name: str, params: Params, fits: Sequence[FoldFit], prediction: Floats | None, cancelled: bool
    ) -> FitOutcome:
        why = "cancelled" if cancelled else "no time left"
        if prediction is None:
            return FitOutcome(
                model=name, status="skipped", validation=None, seconds=0.0, params=params,
                detail=f"{why} before a first model was fitted",
            )  # fmt: skip
        rows = np.isfinite(prediction.reshape(len(prediction), -1)[:, 0])
        whole, cut = self.preparation.folds, sum(fit.cut for fit in fits)
        stopped = cut > 0 or len(fits) < whole
        return FitOutcome(
            model=name,
            status="stopped" if stopped else "done",
            validation=self.judge(rows).value(prediction[rows]),
            seconds=0.0,
            detail=f"{why}: {len(fits)} of {whole} fold(s) fitted, {cut} cut short" if stopped else "",
            params=params | _chosen(fits),
            fold_seconds=tuple(round(fit.seconds, 4) for fit in fits),
            covered=float(rows.sum() / (self.table.validation.fold >= 0).sum()),
        )


def _failed(name: str, params: Params, error: Exception, began: float) -> FitOutcome:
    return FitOutcome(
        model=name, status="failed", validation=None, seconds=_since(began), params=params,
        detail=(str(error) if isinstance(error, MillwrightError) else f"{type(error).__name__}: {error}")[:500],
    )  # fmt: skip


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _chosen(fits: Sequence[FoldFit]) -> Params:
    """What the folds chose, in the middle: the mean of whole numbers, the geometric mean of others."""
    found: Params = {}
    for key in dict.fromkeys(key for fit in fits for key in fit.model.chosen):
        # a fold with one class only has a dummy inside, which chose nothing
        chosen = [fit.model.chosen[key] for fit in fits if key in fit.model.chosen]
        values = np.array([float(value) for value in chosen])
        whole = all(isinstance(value, int) for value in chosen)
        found[key] = max(1, round(float(values.mean()))) if whole else float(np.exp(np.log(values).mean()))
    return found


def _check_same(recorded: TrainSpec, asked: TrainSpec) -> None:
    """A run may go on with more trials or time, not with another question or other candidates."""
    fields = ("target", "task", "metric", "drop", "seed", "order_column", "group_column")
    before: Mapping[str, object] = recorded.model_dump()
    after: Mapping[str, object] = asked.model_dump()
    changed = [name for name in fields if before[name] != after[name]]
    # what is not said again stays as it was
    changed += [name for name in ("models", "max_models") if after[name] not in (None, before[name])]
    if changed:
        raise BadArguments(
            f"This run was prepared with {changed[0]}={before[changed[0]]!r}, not {after[changed[0]]!r}.",
            "Start a new run for that.",
        )
