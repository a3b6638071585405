"""distil_model: a small network that answers as a registered model does, and what is kept of it."""

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.errors import BadArguments, BadBudget, BadChoice
from engine.families import NETWORKS, check_needs
from engine.figures import figure
from engine.pixels import kinds_with_pixels
from tools.finding import find_dataset
from tools.modelling import job_of
from tools.packages import find_package, metric_of, model_size_mb
from tools.spec import Estimate, ToolSpec
from tools.train_spec import check_device
from tools.training import Distillation, DistilModelRequest, MeasuredModel, TrainingResult, TrainModelRequest

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.store import Dataset
    from engine.metrics import Floats
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from engine.serving.predictor import Predictor
    from engine.serving.speed import Speed
    from tools.workshop import Workshop

TIMED_ROWS = 256


def distil_model(workshop: "Workshop", request: DistilModelRequest) -> Distillation:
    """Train a student on the teacher's dataset, its labels and the teacher's answers; package, register and compare it.

    Raises:
        NotFound, PackageDamaged: no such teacher, or the dataset that it was trained on is gone.
        BadChoice: a student that is no network, or has nothing to look at in these columns.
        BadBudget, DeviceMissing: as train_model.
        JobFailed: cancelled before there was a student.
    """
    check_distillation(workshop, request)
    return _Distilling(workshop, request).work()


def check_distillation(workshop: "Workshop", request: DistilModelRequest) -> None:
    """Refuse at once what cannot be distilled."""
    _, info = find_package(workshop, request.model)
    find_dataset(workshop, info.lineage.dataset)
    if not (math.isfinite(request.budget_seconds) and request.budget_seconds >= 1):
        raise BadBudget(request.budget_seconds)
    if request.student is not None:
        if request.student not in NETWORKS:
            raise BadChoice("student", request.student, NETWORKS)
        check_needs([request.student], _kinds(info))
    check_device(request.device)


class _Distilling:
    """One distillation: the teacher, the training of its student, and the two side by side."""

    def __init__(self, workshop: "Workshop", request: DistilModelRequest) -> None:
        self.workshop = workshop
        self.request = request
        self.job = job_of(workshop)
        self.record, self.info = find_package(workshop, request.model)
        self.dataset: Dataset = find_dataset(workshop, self.info.lineage.dataset)

    def work(self) -> Distillation:
        from engine.automl.spec import StudentSpec
        from tools.train_job import Lesson, TrainJob

        asked = self.request
        spec = StudentSpec(teacher=self.record.model_id, width=asked.width, alpha=asked.alpha, softness=asked.softness)
        job = TrainJob(self.workshop, self._training(), self.job, self.dataset, Lesson(spec, self._answers))
        result = job.work()
        return Distillation.model_validate(self.job.step("compare", lambda: self._compared(result)))

    def _training(self) -> TrainModelRequest:
        info, asked = self.info, self.request
        spec = info.lineage.spec
        drop = spec.get("drop")
        return TrainModelRequest(
            dataset=self.dataset.id,
            target=info.target,
            task=info.task,
            metric=info.metric.name,
            models=(asked.student or _usual_student(info),),
            budget_seconds=asked.budget_seconds,
            drop=tuple(drop) if isinstance(drop, list | tuple) else (),
            seed=asked.seed,
            device=asked.device,
            name=asked.name or f"{self.record.name}-student",
        )

    def _answers(self, frame: "pd.DataFrame") -> "Floats":
        """The teacher's probabilities (n, classes) or values (n,) for rows of its own dataset.

        Raises:
            BadArguments: its classes are not those of the dataset any more.
        """
        from engine.tasks import class_names

        expected = class_names(frame[self.info.target], self.info.task)
        if tuple(self.info.classes) != expected:
            raise BadArguments(
                f"The teacher {self.record.model_id} knows other classes than its dataset has.",
                "Train it again on the dataset, then distil that model.",
            )
        return self.teacher.raw(frame)

    @cached_property
    def teacher(self) -> "Predictor":
        from engine.serving.predictor import load

        return load(self.record.package)

    def _compared(self, result: TrainingResult) -> dict[str, Any]:
        from engine.serving.predictor import load
        from engine.serving.speed import speeds

        assert result.model is not None
        record, info = find_package(self.workshop, result.model)
        student = load(record.package)
        rows = self.workshop.datasets.training_frame(self.dataset.id).head(TIMED_ROWS)
        fast_teacher, fast_student = speeds([self.teacher.predict, student.predict], rows)
        teacher = _measured(self.record, self.info, fast_teacher)
        small = _measured(record, info, fast_student)
        sealed = self.workshop.datasets.open_sealed(
            self.dataset.id, self.workshop.registry, model=record.model_id, purpose="final test"
        )
        kept = _kept(self.info, info, self._baseline(sealed))
        return Distillation(
            run=result.run,
            teacher=teacher,
            student=small,
            kept=kept,
            agreement=_agreement(self.teacher, student, sealed),
            smaller=round(teacher.size_mb / max(small.size_mb, 1e-6), 3),
            faster=round(teacher.one_row_ms / max(small.one_row_ms, 1e-6), 3),
            verdict=_verdict(teacher, small, kept),
            package=result.package or "",
            report=result.report or "",
            notes=result.notes,
        ).model_dump(mode="json")

    def _baseline(self, sealed: "pd.DataFrame") -> float | None:
        """The metric, on the sealed rows, of always answering with the training rows' shares or mean (or median)."""
        import numpy as np

        from engine.metrics import METRICS, score
        from engine.tasks import encode_target

        info, metric = self.info, METRICS[self.info.metric.name]
        known = encode_target(
            self.workshop.datasets.training_frame(self.dataset.id)[info.target], info.task, info.classes
        )
        truth = encode_target(sealed[info.target], info.task, info.classes)
        if info.task == "regression":
            truth = truth[np.isfinite(truth)]
            middle = np.nanmedian(known) if metric.name == "mae" else np.nanmean(known)
            value = score(metric, truth, np.full(len(truth), middle))
        else:
            truth = truth[truth >= 0]
            shares = np.bincount(known[known >= 0].astype(np.int64), minlength=len(info.classes)) / (known >= 0).sum()
            value = score(metric, truth, np.tile(shares, (len(truth), 1)), info.threshold)
        return float(value) if np.isfinite(value) else None


def _agreement(teacher: "Predictor", student: "Predictor", rows: "pd.DataFrame") -> float | None:
    """The share of rows with the same label; for numbers the correlation, None where one of them never changes."""
    import numpy as np

    one, other = teacher.predict(rows).labels, student.predict(rows).labels
    if teacher.info.task != "regression":
        return round(float(np.mean(one == other)), 4)
    steady = min(float(np.std(one)), float(np.std(other))) == 0.0
    return None if steady else round(float(np.corrcoef(one.astype(float), other.astype(float))[0, 1]), 4)


def _kinds(info: "PackageInfo") -> set[str]:
    return kinds_with_pixels({column.name: column.kind for column in info.columns})


def _usual_student(info: "PackageInfo") -> str:
    """Over images a ResNet; over all else the mixed network, whose bag of tokens is the fastest reader of texts."""
    return "resnet" if "image" in _kinds(info) else "network"


def _measured(record: "ModelRecord", info: "PackageInfo", speed: "Speed") -> MeasuredModel:
    return MeasuredModel(
        model=record.model_id,
        kind=info.kind,
        metric=metric_of(info),
        size_mb=model_size_mb(record.package),
        one_row_ms=round(speed.one_row_ms, 3),
        many_rows_per_second=round(speed.many_rows_per_second, 1),
    )


def _kept(teacher: "PackageInfo", student: "PackageInfo", baseline: float | None) -> float | None:
    """The student's gain over the baseline as a share of the teacher's, all three on the sealed rows."""
    from engine.metrics import METRICS

    one, other = teacher.metric, student.metric
    if baseline is None or one.value is None or other.value is None or other.name != one.name:
        return None
    metric = METRICS[one.name]
    gain = metric.improvement(one.value, baseline)
    return None if gain <= 0 else round(metric.improvement(other.value, baseline) / gain, 4)


def _verdict(teacher: MeasuredModel, student: MeasuredModel, kept: float | None) -> str:
    share = "" if kept is None else f" and keeps {kept:.1%} of the gain over the baseline"
    return (
        f"{student.kind} ({student.model}) has {student.metric.name} {figure(student.metric.value)}, its teacher "
        f"{teacher.kind} ({teacher.model}) {figure(teacher.metric.value)}{share}. It takes {student.size_mb:.3g} MB "
        f"instead of {teacher.size_mb:.3g} MB, and {student.one_row_ms:.3g} ms for one row instead of "
        f"{teacher.one_row_ms:.3g} ms."
    )


def estimate_of_distillation(workshop: "Workshop", request: DistilModelRequest) -> Estimate:
    """The budget is the time; memory from the training rows."""
    _, info = find_package(workshop, request.model)
    frame = workshop.datasets.training_frame(find_dataset(workshop, info.lineage.dataset).id)
    return Estimate(
        seconds=request.budget_seconds, memory_mb=round(6 * float(frame.memory_usage(deep=True).sum()) / 1e6, 1)
    )


TOOLS = (
    ToolSpec(
        name="distil_model",
        description="Train a small neural network, the student, to answer as a registered model or ensemble does "
        "(knowledge distillation), on the labels and the teacher's answers of the training rows. The student is judged "
        "on the sealed test set, packaged and registered; says how much smaller and faster it is and how much of the "
        "teacher's quality it keeps, all measured.",
        request=DistilModelRequest,
        result=Distillation,
        function=distil_model,
        effect="compute",
        estimate=estimate_of_distillation,
        job=True,
        check=check_distillation,
    ),
)
