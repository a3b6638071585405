"""A retraining as a job of recorded steps: rows, a training for each choice of rows, the contest with the champion."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from engine.data.split import SplitSpec
from engine.database import tried_lock
from engine.drift.gate import GateVerdict, paired_gate
from engine.errors import Busy, JobFailed, MillwrightError
from engine.metrics import METRICS
from engine.progress import Control, Note, StageStarted
from tools.drift import Retrained, RetrainModelRequest
from tools.drift_rows import watched
from tools.jobs import CANCELLED_CODE, run_id
from tools.modelling import job_of
from tools.retrain_rows import FRESH, OLD_AND_FRESH, RetrainRows
from tools.retraining import champion_of
from tools.training import TrainingResult, TrainModelRequest
from tools.workshop import JsonValue

if TYPE_CHECKING:
    import pandas as pd

    from engine.metrics import Target
    from engine.monitoring.records import Retraining
    from tools.workshop import JobContext, Workshop

ALPHA = 0.025
"""One-sided, for each of at most two challengers: together they win by chance in one contest of twenty at most, and
the interval that goes with it is of 95 %."""
PASSED_OVER = {"sentence": "Its process ended before it was through, and another retraining took its place."}


@dataclass(frozen=True)
class JobPart:
    """A part of a job that is a whole job elsewhere: its steps are on record under a name of their own, and its time
    counts from `began`."""

    whole: "JobContext"
    name: str
    began: float

    @property
    def id(self) -> str:
        return self.whole.id

    @property
    def control(self) -> Control:
        return self.whole.control

    def step(self, name: str, function: Callable[[], JsonValue]) -> JsonValue:
        return self.whole.step(f"{self.name}: {name}", function)


class _Chosen(BaseModel):
    """What is trained on and what is judged on, fixed once: labels that come while the job runs change neither.

    `datasets` are ids and `fresh` how many logged rows are in each, by what they are of; the contest is on the labelled
    rows from `contest_from` on, a row id. `strange` rows have a label that the champion does not know.
    """

    model_config = ConfigDict(frozen=True)

    datasets: dict[str, str]
    fresh: dict[str, int]
    contest_from: str
    strange: int


@dataclass(frozen=True)
class Contest:
    """A challenger, what it was trained on, and how it did."""

    challenger: str
    trained_on: str
    verdict: GateVerdict


class RetrainJob:
    """One call of retrain_model."""

    def __init__(self, workshop: "Workshop", request: RetrainModelRequest) -> None:
        self.workshop = workshop
        self.request = request
        self.job = job_of(workshop)
        self.monitors = workshop.monitoring.monitors
        self.monitor = self.monitors.get(request.monitor)

    def work(self) -> Retrained:
        """Raises: what the engine raises; Busy: another job is at it; JobFailed: cancelled or passed over."""
        # the system lets the lock go however a process ends: where it is free, nobody works on what is on record
        with tried_lock(self.workshop.monitoring.folder(self.monitor.id) / "retraining.lock") as alone:
            if not alone:
                raise Busy("retraining", self.monitor.name)
            return self._work()

    def _work(self) -> Retrained:
        begun = self.job.step("begin", self._begin)
        self._check_not_passed_over(begun["retraining"])
        try:
            # as it was when the job began: whoever promotes another one meanwhile must not change what is compared
            self.champion = watched(self.workshop, begun["champion"])
            chosen = _Chosen.model_validate(self.job.step("rows", lambda: self._chosen().model_dump(mode="json")))
            trained = self._all_trained(chosen)
            found = self.job.step("contest", lambda: self._contest(begun["retraining"], chosen, trained))
        except Exception as error:
            # whatever it is: a retraining that stayed on record as running would keep all later ones out
            self._fail(begun["retraining"], error)
            raise
        return Retrained.model_validate(found)

    def _begin(self) -> dict[str, str]:
        champion = champion_of(self.workshop, self.monitor)
        begun = self._entered(champion)
        if begun.job != self.job.id:
            self._end(begun)
            begun = self._entered(champion)
        return {"retraining": begun.id, "champion": champion}

    def _entered(self, champion: str) -> "Retraining":
        """This retraining on record, or the one in flight that keeps it out."""
        checks = self.monitors.history.history(self.monitor.id, 1)
        return self.monitors.retrainings.begin(
            self.monitor.id, checks[-1].window if checks else 0, champion=champion, at=self.workshop.now(),
            job=self.job.id,
        ).retraining  # fmt: skip

    def _end(self, flying: "Retraining") -> None:
        """Make room: nobody works on it, since the lock is ours.

        A challenger that won and waits for approval does make room: whoever asks for another one, with the rows that
        have come since, has decided against it; and one that everybody forgot must not end all retraining for ever.
        """
        if flying.state == "won":
            self.monitors.retrainings.finish(flying.id, "declined", at=self.workshop.now())
        else:
            self.monitors.retrainings.finish(flying.id, "failed", at=self.workshop.now(), verdict=PASSED_OVER)

    def _check_not_passed_over(self, retraining: str) -> None:
        """A job that comes back after its process died goes on, unless another one was asked for meanwhile."""
        if self.monitors.retrainings.get(retraining).verdict == PASSED_OVER:
            raise JobFailed(PASSED_OVER["sentence"], "Look at the retrainings of its monitor.")

    def _fail(self, retraining: str, error: Exception) -> None:
        sentence = error.sentence if isinstance(error, MillwrightError) else repr(error)
        self.monitors.retrainings.finish(retraining, "failed", at=self.workshop.now(), verdict={"sentence": sentence})

    # rows

    @cached_property
    def rows(self) -> RetrainRows:
        return RetrainRows(self.workshop, self.monitor, self.champion)

    def _chosen(self) -> _Chosen:
        self._say("rows")
        choices = self.rows.choices()
        return _Chosen(
            datasets={how: self._imported(how, fresh) for how, fresh in choices.items()},
            fresh={how: len(fresh) for how, fresh in choices.items()},
            contest_from=self.rows.contest_from,
            strange=self.rows.strange,
        )

    def _imported(self, how: str, fresh: "pd.DataFrame") -> str:
        """Rows as a dataset of the home; its own test rows are sealed, and those of the old dataset stay so."""
        import pandas as pd

        info, old = self.champion.info, self.workshop.datasets.get(self.champion.info.lineage.dataset)
        columns = [*(column.name for column in info.columns), info.target]
        parts = [fresh[columns]]
        if how == OLD_AND_FRESH:
            parts.insert(0, self.workshop.datasets.training_frame(old.id)[columns])
        folder = self.workshop.monitoring.folder(self.monitor.id) / "retraining" / self.job.id
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{how.replace(' ', '-')}.parquet"
        pd.concat(parts, ignore_index=True).to_parquet(path)
        kinds = {name: old.schema_.kind(name) for name in columns}
        ordered = old.split.method in {"time", "group"} and old.split.column in columns
        split = SplitSpec.model_validate({"method": old.split.method, "column": old.split.column}) if ordered else None
        return self.workshop.datasets.import_source(
            str(path), target=info.target, name=f"{self.monitor.name}, {how}", kinds=kinds, split=split,
            written_as=old.schema_,
        ).id  # fmt: skip

    # trainings

    def _all_trained(self, chosen: _Chosen) -> dict[str, TrainingResult]:
        """By what was trained on. Whoever cancels one training wants none after it."""
        trained: dict[str, TrainingResult] = {}
        for how, dataset in chosen.datasets.items():
            trained[how] = self._trained(how, dataset, len(chosen.datasets))
            if trained[how].cancelled:
                break
        return trained

    def _trained(self, how: str, dataset: str, choices: int) -> TrainingResult:
        from tools.train_job import TrainJob

        self._say("train", how)
        info = self.champion.info
        asked = TrainModelRequest(
            dataset=dataset,
            target=info.target,
            task=info.task,
            metric=info.metric.name,
            budget_seconds=max(1.0, self.request.budget_seconds / choices),
            seed=self.request.seed,
            name=self.monitor.model,
            run=f"{run_id(self.job.id)}-{'fresh' if how == FRESH else 'all'}",
        )
        part = JobPart(self.job, how, time.time())
        return TrainJob(self.workshop, asked, part, self.workshop.datasets.get(dataset)).work()

    # contest

    def _contest(self, retraining: str, chosen: _Chosen, trained: Mapping[str, TrainingResult]) -> dict[str, Any]:
        frame, truth = self.rows.contest(chosen.contest_from)
        self._say("contest", f"{len(frame)} rows that nobody was trained on")
        contests = [
            Contest(result.model, how, self._judged(result.model, frame, truth))
            for how, result in trained.items()
            if result.model is not None
        ]
        best = best_of(contests)
        back = None if best.verdict.passed else self._earlier_champion(frame, truth)
        notes = [f"{one.challenger} ({one.trained_on}): {one.verdict.sentence}" for one in contests if one is not best]
        if chosen.strange:
            notes.append(f"{chosen.strange:,} row(s) with a label that the champion does not know are left out.")
        cancelled = any(result.cancelled for result in trained.values())
        found = self._result(retraining, best, chosen.fresh[best.trained_on], back, cancelled, tuple(notes))
        self.monitors.retrainings.finish(
            retraining, "won" if best.verdict.passed else "lost", at=self.workshop.now(), challenger=best.challenger,
            verdict=best.verdict.model_dump(mode="json"),
        )  # fmt: skip
        return found.model_dump(mode="json")

    def _judged(self, challenger: str, frame: "pd.DataFrame", truth: "Target") -> GateVerdict:
        """A model against the champion on the same rows, both answering now."""
        other = watched(self.workshop, challenger)
        if other.info.classes != self.champion.info.classes:
            return self._incomparable(challenger, len(frame))
        self.job.control.watch(Note(text=f"{challenger} against {self.champion.record.model_id}"))
        return paired_gate(
            METRICS[self.champion.info.metric.name], truth, self.champion.raw(frame), other.raw(frame),
            champion_threshold=self.champion.info.threshold, challenger_threshold=other.info.threshold, alpha=ALPHA,
            seed=self.request.seed,
        )  # fmt: skip

    def _incomparable(self, challenger: str, rows: int) -> GateVerdict:
        sentence = f"{challenger} knows other classes than the champion, so they cannot be compared."
        return GateVerdict(
            passed=False, metric=self.champion.info.metric.name, champion=None, challenger=None, improvement=None,
            interval=None, p_value=None, rows=rows, sentence=sentence,
        )  # fmt: skip

    def _earlier_champion(self, frame: "pd.DataFrame", truth: "Target") -> str | None:
        """The champion before, if it beats the present one on the same rows."""
        previous = self.workshop.registry.previous(self.monitor.model)
        if previous is None or previous.model_id == self.champion.record.model_id:
            return None
        return previous.model_id if self._judged(previous.model_id, frame, truth).passed else None

    def _result(
        self, retraining: str, best: Contest, fresh: int, back: str | None, cancelled: bool, notes: tuple[str, ...]
    ) -> Retrained:
        verdict = best.verdict
        old = self.workshop.datasets.training_frame(self.champion.info.lineage.dataset)
        return Retrained(
            monitor=self.monitor.name,
            retraining=retraining,
            champion=self.champion.record.model_id,
            challenger=best.challenger,
            trained_on=best.trained_on,
            passed=verdict.passed,
            metric=verdict.metric,
            champion_value=verdict.champion,
            challenger_value=verdict.challenger,
            improvement=verdict.interval,
            p_value=verdict.p_value,
            gate_rows=verdict.rows,
            fresh_rows=fresh,
            old_rows=len(old) if best.trained_on == OLD_AND_FRESH else 0,
            verdict=verdict.sentence,
            roll_back_to=back,
            cancelled=cancelled,
            notes=notes,
        )

    def _say(self, stage: str, detail: str = "") -> None:
        self.job.control.watch(StageStarted(stage=stage, detail=detail))


def best_of(contests: Sequence[Contest]) -> Contest:
    """The challenger to propose.

    Raises:
        JobFailed: there is none, since every training was cancelled.
    """
    if not contests:
        raise JobFailed("The retraining was cancelled before it had a challenger.", code=CANCELLED_CODE)
    return max(contests, key=lambda one: (one.verdict.passed, _merit(one.verdict)))


def _merit(verdict: GateVerdict) -> float:
    return verdict.improvement if verdict.improvement is not None else float("-inf")
