"""train_model as a job: recorded steps from the first decision to the registered model.

Every step is safe to run again: the engine keeps each finished stage of the run on disk, the look at the sealed rows
and the registration are counted once by their names, and folders appear whole or not at all.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.automl.members import blend, load_member
from engine.automl.run import TrainingRun
from engine.automl.spec import FitOutcome, StudentSpec, TrainSpec
from engine.data.profile import profile_frame
from engine.drift.profile import Profile
from engine.drift.training import training_reference
from engine.errors import BadArguments, JobFailed, NothingTrained
from engine.evaluate import Evaluation, evaluate
from engine.explain import IMPORTANCES
from engine.families import NETWORKS
from engine.files import write_atomic, write_json
from engine.metrics import METRICS
from engine.package import write_package
from engine.package_info import PackageFiles
from engine.progress import FitFinished, StageStarted
from tools.clock import JobClock
from tools.home import read_json_if_there
from tools.jobs import CANCELLED_CODE, model_id, run_id
from tools.pace import LEAST_FIT_S, LEAST_NETWORK_S, NETWORK_SHARES, Pace
from tools.registrar import Enrolment, enrol
from tools.train_result import RoundFacts, finished_result, round_result
from tools.train_spec import train_spec
from tools.training import TrainingResult, TrainModelRequest, family_of

MOST_PROFILED = 200
"""Columns described in a package: more take longer than a short budget, and nobody reads them."""

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.store import Dataset
    from engine.metrics import Floats
    from tools.workshop import JobContext, Workshop


@dataclass(frozen=True)
class Lesson:
    """What students learn beside the labels: `answers` gives the teacher's for rows of the training frame."""

    spec: StudentSpec
    answers: "Callable[[pd.DataFrame], Floats]"


class TrainJob:
    """One call of train_model: a round of fits in a run, and the run's end if the request says so.

    With a `lesson`, the candidates are students of another model.
    """

    def __init__(
        self,
        workshop: "Workshop",
        request: TrainModelRequest,
        job: "JobContext",
        dataset: "Dataset",
        lesson: "Lesson | None" = None,
    ) -> None:
        self.workshop = workshop
        self.request = request
        self.job = job
        self.dataset = dataset
        self.run_id = request.run or run_id(job.id)
        self.model_id = model_id(self.run_id)
        self.folder = workshop.runs / self.run_id
        self.lesson = lesson
        spec = train_spec(request, dataset, workshop.threads)
        self.spec: TrainSpec = spec if lesson is None else spec.model_copy(update={"student": lesson.spec})
        self.clock = JobClock(self.folder / f"clock-{job.id}.json", job.began)
        self._skipped: list[FitOutcome] = []

    def work(self) -> TrainingResult:
        """Raises: what the engine raises; JobFailed: cancelled before there was a model."""
        finished = self._finished()
        if finished is not None:
            return finished
        with self.clock.ticking():
            self._fits()
            if self.job.control.cancelled() and not self._any_model():
                raise JobFailed("The training was cancelled before its first model was through.", code=CANCELLED_CODE)
            if self.lesson is not None:
                self._check_student()
            return self._end() if self.request.finish else self._round()

    def _finished(self) -> TrainingResult | None:
        """The result of a run that is over already. The job that ended it may come back: killed before its own end
        was on record, it is run again."""
        found = read_json_if_there(self.folder / "finished.json")
        if found is None:
            return None
        if found.pop("job", None) != self.job.id and self.request.trials:
            raise BadArguments(
                f"Run {self.run_id} is over: it registered {self.model_id}.", "Leave `run` out to start a new one."
            )
        return TrainingResult.model_validate(found)

    def _fits(self) -> None:
        prepared = self.job.step("prepare", self._prepare)
        networks = any(map(_is_network, prepared["candidates"]))
        self.pace = Pace(None if self.spec.fixed else self.spec.budget_seconds, prepared["seconds"], networks)
        if networks:
            # torch takes seconds to load: it does so while the first, cheap candidates are fitted
            threading.Thread(target=_load_networks, name="load-torch", daemon=True).start()
        self._fit_all(prepared["candidates"])
        if self.request.trials and not self.job.control.cancelled():
            self._fit_all(self.job.step("trials", lambda: self.run.trial_names(self.request.trials)))

    def _prepare(self) -> dict[str, Any]:
        self._say("prepare")
        self._check_continued()
        return {"candidates": list(self.run.prepare().candidates), "seconds": self.clock.spent()}

    def _check_continued(self) -> None:
        """A run goes on with the dataset that it began with; the engine checks the rest."""
        path = self.folder / "request.json"
        found = read_json_if_there(path)
        if found is None:
            write_json(path, {"dataset": self.dataset.id, "job": self.job.id, **self._fixed_choices()})
        elif found["dataset"] != self.dataset.id:
            raise BadArguments(
                f"Run {self.run_id} was begun on dataset {found['dataset']}, not {self.dataset.id}.",
                "Start a new run for another dataset.",
            )

    def _fixed_choices(self) -> dict[str, Any]:
        return self.request.model_dump(mode="json", exclude={"dataset", "run", "trials", "finish"})

    def _fit_all(self, names: list[str]) -> None:
        for position, name in enumerate(names):
            waiting = sum(map(_shares, names[position:])) / _shares(name)
            done = FitOutcome.model_validate(self.job.step(f"fit:{name}", self._fitting(name, waiting)))
            if done.status == "skipped":
                self._skipped.append(done)

    def _fitting(self, name: str, waiting: float) -> Callable[[], dict[str, Any]]:
        return lambda: self._fit(name, waiting).model_dump(mode="json")

    def _fit(self, name: str, waiting: float) -> FitOutcome:
        """Fit one candidate in its share of the time. The decision to skip it is part of the recorded step."""
        control = self.job.control
        kept = {outcome.model: outcome for outcome in self.run.outcomes()}
        if name in kept:
            return kept[name]
        tried = [outcome for model, outcome in kept.items() if model != "dummy"]
        any_model = any(outcome.covered > 0 for outcome in tried)
        least = LEAST_NETWORK_S if _is_network(name) else LEAST_FIT_S
        seconds = self.pace.for_fit(self.clock.spent(), waiting, any_model, len(tried), least)
        if control.cancelled() and kept:
            return self._skip(name, "cancelled")
        if seconds == 0.0 and name != "dummy":
            return self._skip(name, "no time left")
        return self.run.fit(name, seconds, control)

    def _skip(self, name: str, why: str) -> FitOutcome:
        metric = self.run.preparation.metric
        self.job.control.watch(
            FitFinished(model=name, status="skipped", metric=metric, validation=None, seconds=0.0, detail=why)
        )
        return FitOutcome(model=name, status="skipped", validation=None, seconds=0.0, detail=why)

    def _check_student(self) -> None:
        """Raises: JobFailed: cancelled before there was a student. NothingTrained: none is better than the baseline."""
        board = [*self.run.leaderboard(), *self._skipped_for_good()]
        if board[0].model != "dummy":
            return
        if self.job.control.cancelled():
            raise JobFailed("The distillation was cancelled before there was a student.", code=CANCELLED_CODE)
        why = "; ".join(f"{row.model}: {row.detail or 'it is no better than the baseline'}" for row in board[1:])
        raise NothingTrained(f"No student was trained ({why}).", "Give it more time, or another student.")

    def _any_model(self) -> bool:
        return any(outcome.covered > 0 for outcome in self.run.outcomes())

    def _round(self) -> TrainingResult:
        found = self.job.step("round", lambda: round_result(self._facts()).model_dump(mode="json"))
        return TrainingResult.model_validate(found)

    def _end(self) -> TrainingResult:
        """Choose, judge on the sealed rows, explain, package, register."""
        step = self.job.step
        step("select", self._select)
        step("evaluate", self._evaluate)
        step("explain", self._explain)
        step("reference", self._reference)
        step("package", self._package)
        step("register", self._register)
        return TrainingResult.model_validate(step("finish", self._finish))

    def _select(self) -> str:
        self._say("select")
        control = self.job.control
        return self.run.select(self.pace.for_select(self.clock.spent(), control.cancelled()), control).name

    def _evaluate(self) -> float:
        self._say("evaluate", "the one look at the sealed test rows")
        frame = self.workshop.datasets.open_sealed(
            self.dataset.id, self.workshop.registry, model=self.model_id, purpose="final test"
        )
        selection, preparation = self.run.select(), self.run.preparation
        members = [load_member(member.folder) for member in selection.members]
        prediction = blend(
            [member.predict(frame) for member in members], [member.weight for member in selection.members]
        )
        evaluation = evaluate(
            prediction, frame[self.spec.target], preparation.task, METRICS[preparation.metric], preparation.classes,
            self.spec.seed, selection.threshold,
        )  # fmt: skip
        write_atomic(self.folder / "evaluation.json", evaluation.model_dump_json(indent=2))
        return evaluation.value

    def _explain(self) -> int:
        self._say("explain")
        control = self.job.control
        seconds = self.pace.for_explain(self.clock.spent(), control.cancelled())
        found = self.run.importance(seconds, control)
        write_atomic(self.folder / "explained.json", IMPORTANCES.dump_json(found))
        return len(found)

    def _reference(self) -> int:
        """What live rows will be compared with, from rows that the model has not seen where it matters."""
        control = self.job.control
        seconds = self.pace.for_reference(self.clock.spent(), control.cancelled())
        importance = IMPORTANCES.validate_json((self.folder / "explained.json").read_bytes())
        profile = training_reference(self.run, self._evaluation(), importance, seconds)
        profile.save(self.folder / PackageFiles.REFERENCE)
        return profile.rows

    def _package(self) -> str:
        self._say("package")
        run = self.run
        profile = profile_frame(run.frame, self.dataset.schema_, self.spec.target, MOST_PROFILED)
        folder = write_package(
            self.workshop.home / "models" / self.model_id,
            model_id=self.model_id,
            run_id=self.run_id,
            dataset=self.dataset,
            spec=self.spec,
            preparation=run.preparation,
            selection=run.select(),
            leaderboard=self._facts().leaderboard,
            evaluation=self._evaluation(),
            importance=IMPORTANCES.validate_json((self.folder / "explained.json").read_bytes()),
            profile=profile,
            reference=Profile.load(self.folder / PackageFiles.REFERENCE),
            notes=(*_cautions(self.dataset), *run.preparation.notes, *run.select().notes),
            created=self.workshop.now(),
            seconds=round(self.clock.spent(), 2),
        )
        return str(folder)

    def _register(self) -> str:
        self._say("register")
        evaluation, selection = self._evaluation(), self.run.select()
        metrics = {f"test_{evaluation.metric}": evaluation.value} | {
            f"test_{other}": value for other, value in evaluation.others.items()
        }
        metrics |= _named("validation", self.run.leaderboard())
        if selection.validation is not None:
            metrics[f"validation_{selection.metric}"] = selection.validation
        enrolment = Enrolment(
            run_id=self.run_id,
            model_id=self.model_id,
            name=self.request.name or f"{self.dataset.name}-{self.spec.target}",
            dataset=self.dataset.id,
            package=str(self.workshop.home / "models" / self.model_id),
            params=self.spec.model_dump(mode="json"),
            metrics=metrics,
        )
        if self.workshop.registrar is not None:
            self.workshop.registrar.enrol(enrolment)
        else:
            enrol(self.workshop.registry, enrolment)
        return self.model_id

    def _finish(self) -> dict[str, Any]:
        result = finished_result(
            self._facts(),
            self.run.select(),
            self._evaluation(),
            IMPORTANCES.validate_json((self.folder / "explained.json").read_bytes()),
            self.workshop.registry.get(self.model_id),
        ).model_dump(mode="json")
        write_json(self.folder / "finished.json", {"job": self.job.id, **result})
        return result

    def _facts(self) -> RoundFacts:
        return RoundFacts(
            run=self.run_id,
            dataset=self.dataset.id,
            preparation=self.run.preparation,
            leaderboard=[*self.run.leaderboard(), *self._skipped_for_good()],
            seconds=round(self.clock.spent(), 2),
            cancelled=self.job.control.cancelled(),
        )

    def _skipped_for_good(self) -> list[FitOutcome]:
        known = {outcome.model for outcome in self.run.outcomes()}
        return [outcome for outcome in self._skipped if outcome.model not in known]

    def _evaluation(self) -> Evaluation:
        return Evaluation.model_validate_json((self.folder / "evaluation.json").read_bytes())

    def _say(self, stage: str, detail: str = "") -> None:
        self.job.control.watch(StageStarted(stage=stage, detail=detail))

    @cached_property
    def run(self) -> TrainingRun:
        """Read when a step first needs it: a replay whose steps are all recorded touches no data."""
        frame = self.workshop.datasets.training_frame(self.dataset.id)
        teacher = None if self.lesson is None else self.lesson.answers(frame)
        return TrainingRun(self.folder, frame, self.dataset.schema_, self.spec, teacher)


def _is_network(name: str) -> bool:
    return family_of(name) in NETWORKS


def _shares(name: str) -> float:
    return NETWORK_SHARES if _is_network(name) else 1.0


def _load_networks() -> None:
    from engine.models.network import warm_up

    warm_up()


def _cautions(dataset: "Dataset") -> list[str]:
    """What was said at import, but for the split, which the package tells of by itself."""
    return [note for note in dataset.notes if note not in dataset.split.notes]


def _named(prefix: str, outcomes: list[FitOutcome]) -> dict[str, float]:
    return {f"{prefix}/{row.model}": row.validation for row in outcomes if row.validation is not None}
