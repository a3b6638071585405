"""optimise_model as a job: a recorded step for every variant, one for the measuring, and those of the end.

Every step is safe to run again: a variant's folder appears whole or not at all, the look at the sealed rows and the
registration are counted once by their names.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.errors import JobFailed, TargetUnusable
from engine.evaluate import Evaluation, evaluate
from engine.files import write_atomic, write_json
from engine.metrics import METRICS, Floats
from engine.optimise.choose import choose
from engine.optimise.errors import VariantRefused
from engine.optimise.guard import measure_drop
from engine.optimise.making import ALWAYS, Maker, Means, answers_of
from engine.optimise.packaging import write_optimised_package
from engine.optimise.rows import Rows, rows_of
from engine.optimise.source import Source, open_source
from engine.optimise.spec import EAGER, VARIANTS, Choice, Goal, Optimisation, Variant
from engine.optimise.ways import WAYS
from engine.package_info import PackageFiles
from engine.progress import FitFinished, FitStarted, Note, StageStarted
from engine.serving.runtime import load_runtime
from engine.serving.session import best_providers
from engine.tasks import encode_target
from tools.clock import JobClock
from tools.finding import find_dataset
from tools.home import read_json_if_there
from tools.jobs import CANCELLED_CODE, model_id, run_id
from tools.modelling import job_of
from tools.optimise import OptimisedModel, OptimiseModelRequest
from tools.optimise_measuring import Measurements, measured
from tools.optimise_result import LATEST, machine_of, metrics_of, optimised, write_plots
from tools.optimise_rows import calibration_of, find_trained
from tools.registrar import Enrolment, enrol

if TYPE_CHECKING:
    import pandas as pd

    from tools.workshop import Workshop

CALIBRATION_ROWS = 512
TIMED_ROWS = 256
MAKING_SHARE = 0.65
"""Of the time, for making variants; the rest is for measuring them."""
TRAINING_SHARE = 0.12
LEAST_LEFT_S = {
    "compile": 30.0,
    "student": 5.0,
    "student-int8": 5.0,
    "pruned": 8.0,
    "pruned-int8": 8.0,
    "onnx-int8-qat": 5.0,
    "sparse": 5.0,
}
"""Of the time for making; others begin while there is any."""
LEAST_TRAINING_S, MOST_TRAINING_S = 3.0, 60.0
ORDER = (
    *(EAGER, "onnx", "onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-weights"),
    *(
        "bf16",
        "student",
        "student-int8",
        "pruned",
        "pruned-int8",
        "onnx-int8-qat",
        "sparse",
        "cuda",
        "cuda-bf16",
        "compile",
        "cuda-compile",
    ),
)
"""In which variants are made: those first that take little time and give much."""


class OptimiseJob:
    """One call of optimise_model."""

    def __init__(self, workshop: "Workshop", request: OptimiseModelRequest) -> None:
        self.workshop = workshop
        self.request = request
        self.job = job_of(workshop)
        self.run_id = run_id(self.job.id)
        self.folder = workshop.runs / self.run_id
        # a name means its newest version, which may be another one when a killed job is gone on with
        begun = read_json_if_there(self.folder / "begun.json")
        self.record, self.info = find_trained(workshop, begun["model"] if begun else request.model)
        if begun is None:
            write_json(self.folder / "begun.json", {"model": self.record.model_id})
        self.dataset = find_dataset(workshop, self.info.lineage.dataset)
        self.model_id = model_id(self.run_id)
        self.goal = Goal(
            metric=request.metric or self.info.metric.name,
            max_drop=request.max_drop,
            max_latency_ms=request.max_latency_ms,
            max_size_mb=request.max_size_mb,
            prefer=request.prefer,
        )
        self.clock = JobClock(self.folder / f"clock-{self.job.id}.json", self.job.began)

    def work(self) -> OptimisedModel:
        """Raises: what the engine raises; JobFailed: cancelled before there was a choice."""
        finished = read_json_if_there(self.folder / "finished.json")
        if finished is not None:
            return OptimisedModel.model_validate(finished)
        with self.clock.ticking():
            names = self.job.step("prepare", self._prepare)
            made: list[Variant] = []
            for place, name in enumerate(names, start=1):
                made.append(self._made(name, place, len(names), {one.name: one for one in made}))
            self._check_cancelled()
            found = Measurements.model_validate(self.job.step("measure", lambda: self._measure(made)))
            self._check_cancelled()
            self.job.step("choose", lambda: self._choose(made, found))
            self.job.step("evaluate", self._evaluate)
            self.job.step("package", self._package)
            self.job.step("register", self._register)
            return OptimisedModel.model_validate(self.job.step("finish", self._finish))

    def _prepare(self) -> list[str]:
        """Names of the variants to make. Rows that a model must not be quantised by are refused here."""
        self._say("prepare", f"{self.record.name} and its rows")
        if self.request.calibration is not None:
            len(self.calibration)
        asked = set(self.request.variants) or set(VARIANTS)
        return [name for name in ORDER if name in asked or name in ALWAYS]

    def _made(self, name: str, place: int, total: int, before: Mapping[str, Variant]) -> Variant:
        return Variant.model_validate(self.job.step(f"variant:{name}", lambda: self._make(name, place, total, before)))

    def _make(self, name: str, place: int, total: int, before: Mapping[str, Variant]) -> dict[str, Any]:
        control = self.job.control
        if control.cancelled():
            return Variant(name=name, status="skipped", why="cancelled").model_dump(mode="json")
        left = MAKING_SHARE * self.request.budget_seconds - self.clock.spent()
        floats = before.get(name.removesuffix("-int8")) if name.endswith("-int8") else None
        if floats is not None and floats.status not in ("ok", "not applicable"):
            why = f"{floats.name} is {floats.status}, and 8 bits make it no better"
            return Variant(name=name, status="skipped", why=why).model_dump(mode="json")
        too_late = name not in ALWAYS and left < LEAST_LEFT_S.get(name, 0.0)
        if too_late and self.maker.pointless(name) is None:
            return Variant(name=name, status="skipped", why="no time left; give it more").model_dump(mode="json")
        control.watch(FitStarted(model=name, index=place, total=total))
        share = TRAINING_SHARE * self.request.budget_seconds
        seconds = max(LEAST_TRAINING_S, min(MOST_TRAINING_S, share, left))
        self.maker.means = replace(self.maker.means, seconds=seconds)
        made = self.maker.make(name)
        control.watch(
            FitFinished(
                model=name,
                status={"ok": "done", "refused": "stopped", "failed": "failed"}.get(made.status, "skipped"),
                metric=f"drop of {self.goal.metric}",
                validation=made.drop.value if made.drop else None,
                seconds=made.seconds,
                detail=made.why,
            )
        )
        return made.model_dump(mode="json")

    def _measure(self, made: list[Variant]) -> dict[str, Any]:
        self._say("measure", "each in a process of its own, turn and turn about")
        folders = {variant.name: self.maker.place(variant.name) for variant in made if variant.folder}
        return measured(
            folders, self.timed, networks=bool(self.source.networks), threads=self.workshop.threads,
            seconds=self.request.budget_seconds - self.clock.spent(), control=self.job.control,
        ).model_dump(mode="json")  # fmt: skip

    def _choose(self, made: list[Variant], found: Measurements) -> str:
        variants = [found.of(variant) for variant in sorted(made, key=lambda one: list(VARIANTS).index(one.name))]
        choice: Choice = choose(variants, self.goal, found.noise)
        self.job.control.watch(Note(text=choice.reason))
        optimisation = Optimisation(
            model_id=self.info.model_id,
            goal=self.goal,
            variants=tuple(variants),
            choice=choice,
            noise=found.noise,
            guard_rows=self.rows.words,
            machine=machine_of(self.workshop.threads),
            providers=best_providers(),
        )
        self._keep(optimisation)
        return choice.chosen

    def _evaluate(self) -> float | None:
        """The one look at the sealed rows: what the chosen variant loses there."""
        table = self.table()
        if table.choice.chosen == EAGER:
            return None
        self._say("evaluate", "the one look at the sealed test rows")
        info = self.info
        frame = self.workshop.datasets.open_sealed(
            self.dataset.id, self.workshop.registry, model=self.model_id, purpose="final test"
        )
        answers = answers_of(load_runtime(self.maker.place(table.choice.chosen)), frame)
        evaluation = evaluate(
            answers, frame[info.target], info.task, METRICS[info.metric.name], info.classes, self.request.seed,
            info.threshold,
        )  # fmt: skip
        write_atomic(self.folder / "evaluation.json", evaluation.model_dump_json(indent=2))
        self._keep(self._tested(table, frame, answers))
        return evaluation.value

    def _tested(self, table: Optimisation, frame: "pd.DataFrame", answers: Floats) -> Optimisation:
        """The table with what the chosen variant loses on the sealed rows."""
        info = self.info
        truth = encode_target(frame[info.target], info.task, info.classes)
        original = answers_of(self.source.runtime, frame)
        try:
            drop = measure_drop(
                METRICS[self.goal.metric], truth, original, answers, task=info.task, threshold=info.threshold,
                seed=self.request.seed,
            )  # fmt: skip
        except (TargetUnusable, VariantRefused) as error:
            return table.model_copy(update={"notes": (*table.notes, f"On the sealed test rows: {error}")})
        notes = (*table.notes, *_doubts(drop.value, self.goal))
        return table.model_copy(update={"test": drop, "notes": notes})

    def _package(self) -> str:
        table = self.table().model_copy(update={"seconds": round(self.clock.spent(), 2)})
        self._keep(table)
        if table.choice.chosen == EAGER:
            return str(self.record.package)
        self._say("package")
        return str(
            write_optimised_package(
                self.workshop.home / "models" / self.model_id,
                source=self.source,
                variant=self.maker.place(table.choice.chosen),
                optimisation=table,
                evaluation=Evaluation.model_validate_json((self.folder / "evaluation.json").read_bytes()),
                model_id=self.model_id,
                run_id=self.run_id,
                created=self.workshop.now(),
            )
        )

    def _register(self) -> str:
        """The run with the whole table; the chosen variant as a new version, unless it is the model as it was."""
        self._say("register")
        table = self.table()
        params: dict[str, object] = {"optimised": self.info.model_id, "chosen": table.choice.chosen}
        params |= {f"goal/{name}": value for name, value in self.goal.model_dump(mode="json").items()}
        params |= {f"status/{variant.name}": variant.status for variant in table.variants}
        if table.choice.chosen == EAGER:
            self.workshop.registry.log_run(
                self.run_id, dataset=self.dataset.id, params=params, metrics=metrics_of(table)
            )
            return self.info.model_id
        enrolment = Enrolment(
            run_id=self.run_id,
            model_id=self.model_id,
            name=self.request.name or self.record.name,
            dataset=self.dataset.id,
            package=str(self.workshop.home / "models" / self.model_id),
            params=params,
            metrics=metrics_of(table),
        )
        if self.workshop.registrar is not None:
            self.workshop.registrar.enrol(enrolment)
        else:
            enrol(self.workshop.registry, enrolment)
        return self.model_id

    def _finish(self) -> dict[str, Any]:
        from engine.report.optimisation import render_optimisation

        self._say("finish")
        table = self.table()
        kept = table.choice.chosen == EAGER
        package = self.record.package if kept else self.workshop.home / "models" / self.model_id
        page = self.folder / PackageFiles.OPTIMISATION_PAGE
        if kept:
            write_atomic(page, render_optimisation(table, self.info))
        record = self.workshop.registry.get(self.info.model_id if kept else self.model_id)
        write_plots(table, self.folder)
        found = optimised(
            table, record, report=page if kept else package / PackageFiles.OPTIMISATION_PAGE, run=self.folder
        ).model_dump(mode="json")  # fmt: skip
        write_json(self.workshop.home / LATEST / f"{self.info.model_id}.json", {"run": self.run_id})
        write_json(self.folder / "finished.json", found)
        return found

    def table(self) -> Optimisation:
        """The table as far as it is decided."""
        return Optimisation.model_validate_json((self.folder / PackageFiles.OPTIMISATION).read_bytes())

    def _keep(self, table: Optimisation) -> None:
        write_atomic(self.folder / PackageFiles.OPTIMISATION, table.model_dump_json(indent=2))

    def _check_cancelled(self) -> None:
        if self.job.control.cancelled():
            raise JobFailed("The optimisation was cancelled before there was a choice.", code=CANCELLED_CODE)

    def _say(self, stage: str, detail: str = "") -> None:
        self.job.control.watch(StageStarted(stage=stage, detail=detail))

    # read when a step first needs them: a replay whose steps are all recorded touches no data

    @cached_property
    def source(self) -> Source:
        return open_source(self.record.package)

    @cached_property
    def rows(self) -> Rows:
        frame = self.workshop.datasets.training_frame(self.dataset.id)
        return rows_of(frame, self.info, self.workshop.runs / self.info.run_id, self.request.seed)

    @cached_property
    def timed(self) -> "pd.DataFrame":
        return self.rows.guard[list(self.source.schema.names)].head(TIMED_ROWS).reset_index(drop=True)

    @cached_property
    def calibration(self) -> "pd.DataFrame":
        return calibration_of(
            self.workshop, self.request.calibration, dataset=self.dataset, record=self.record,
            schema=self.source.schema, rows=self.rows, most=CALIBRATION_ROWS, seed=self.request.seed,
        )  # fmt: skip

    @cached_property
    def maker(self) -> Maker:
        means = Means(seed=self.request.seed, threads=self.workshop.threads, control=self.job.control)
        return Maker(
            folder=self.folder / "variants", source=self.source, rows=self.rows, goal=self.goal,
            calibration=self.calibration, means=means, ways=WAYS,
        )  # fmt: skip


def _doubts(drop: float, goal: Goal) -> tuple[str, ...]:
    if drop <= goal.max_drop:
        return ()
    return (
        f"On the sealed test rows it loses {drop:.3g} of {goal.metric}, more than the {goal.max_drop:g} allowed: look "
        "at the interval before you promote it.",
    )
