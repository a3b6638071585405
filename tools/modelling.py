"""Training: what it would cost, and doing it."""

import hashlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import MillwrightError
from engine.files import typed_disk_errors
from tools.finding import find_dataset, find_target
from tools.spec import Estimate, ToolSpec
from tools.train_spec import check_choices, train_spec
from tools.training import (
    CandidateEstimate,
    EstimateTrainingRequest,
    TrainingChoices,
    TrainingEstimate,
    TrainingResult,
    TrainModelRequest,
)

if TYPE_CHECKING:
    from tools.workshop import JobContext, Workshop

MB = 1e6


class NotAJob(MillwrightError):
    """A job tool's function was called outside a job."""

    code = "not_a_job"


def train_model(workshop: "Workshop", request: TrainModelRequest) -> TrainingResult:
    """Train candidates within the budget; with `finish`, judge, package and register the best.

    Raises:
        Fixable: the dataset, target, metric, model or budget cannot be used.
        NothingTrained: no candidate has a model.
        JobFailed: cancelled before there was a model.
    """
    # here, not above: the command line reads the catalogue and must not load the training code for it
    from tools.train_job import TrainJob

    check_choices(workshop, request)
    return TrainJob(workshop, request, job_of(workshop), find_dataset(workshop, request.dataset)).work()


def estimate_training(workshop: "Workshop", request: EstimateTrainingRequest) -> TrainingEstimate:
    """Time a pilot of every candidate on a sample of the training rows and scale it up."""
    check_choices(workshop, request)
    return TrainingEstimate.model_validate(
        job_of(workshop).step("pilot", lambda: _pilot(workshop, request).model_dump(mode="json"))
    )


def _pilot(workshop: "Workshop", request: EstimateTrainingRequest) -> TrainingEstimate:
    from engine.automl.run import TrainingRun

    dataset = find_dataset(workshop, request.dataset)
    spec = train_spec(request, dataset, workshop.threads)
    frame = workshop.datasets.training_frame(dataset.id)
    with typed_disk_errors(workshop.home):
        aside = tempfile.TemporaryDirectory(dir=workshop.home, prefix=".pilot-")
    with aside as folder:
        run = TrainingRun(Path(folder), frame, dataset.schema_, spec)
        preparation = run.prepare()
        candidates, memory = run.estimate(job_of(workshop).control)
    total = sum(seconds for _, seconds in candidates if seconds is not None)
    unknown = any(seconds is None for _, seconds in candidates)
    limit = None if spec.fixed else spec.budget_seconds
    notes = preparation.notes
    if limit is not None and total > limit:
        notes += (f"All candidates would take {total:.0f} s; the budget of {limit:g} s cuts or skips some of them.",)
    return TrainingEstimate(
        seconds=round(total if limit is None else limit if unknown else min(total, limit), 2),
        memory_mb=memory,
        dataset=dataset.id,
        target=spec.target,
        task=preparation.task,
        metric=preparation.metric,
        validation=preparation.validation_method,
        rows=preparation.rows,
        features=len(preparation.features),
        candidates=tuple(CandidateEstimate(model=name, seconds=seconds) for name, seconds in candidates),
        notes=notes,
    )


def job_of(workshop: "Workshop") -> "JobContext":
    """The job that runs this function."""
    if workshop.job is None:
        raise NotAJob("This tool runs as a job.", "Call it by workshop.call or tools.catalogue.invoke.")
    return workshop.job


def estimate_of_training(workshop: "Workshop", request: TrainModelRequest) -> Estimate:
    """The answer of estimate_training for the same choices; timed once, then found again."""
    from tools.catalogue import invoke

    choices = request.model_dump(mode="json", include=set(TrainingChoices.model_fields))
    dataset = find_dataset(workshop, request.dataset)
    call = f"estimate:{dataset.id}:{EstimateTrainingRequest.model_validate(choices).model_dump_json()}"
    found = invoke(workshop, "estimate_training", choices, call_id=hashlib.sha256(call.encode()).hexdigest())
    assert isinstance(found, TrainingEstimate)
    return Estimate(seconds=found.seconds, memory_mb=found.memory_mb)


def estimate_of_pilot(workshop: "Workshop", request: EstimateTrainingRequest) -> Estimate:
    """The time to read the rows, measured now, and the pilot's own limit for each candidate."""
    from engine.automl.pilot import PILOT_SECONDS
    from engine.automl.portfolio import candidates
    from engine.automl.prepare import kinds_of

    dataset = find_dataset(workshop, request.dataset)
    target = find_target(dataset, request.target)
    kinds = kinds_of(dataset.schema_, dataset.schema_.features(target, request.drop))
    began = time.perf_counter()
    frame = workshop.datasets.training_frame(dataset.id)
    read = time.perf_counter() - began
    most = PILOT_SECONDS * len(candidates(request.models, request.max_models, kinds, request.budget_seconds))
    return Estimate(
        seconds=round(2 * read + most, 2), memory_mb=round(3 * float(frame.memory_usage(deep=True).sum()) / MB, 1)
    )


TOOLS = (
    ToolSpec(
        name="estimate_training",
        description="Say what train_model would cost with the same arguments, from a timed pilot on a sample of the "
        "rows: seconds for each candidate and in all, memory, task, metric and validation that would be chosen. "
        "Nothing is trained for good and the sealed test set stays closed.",
        request=EstimateTrainingRequest,
        result=TrainingEstimate,
        function=estimate_training,
        effect="compute",
        estimate=estimate_of_pilot,
        job=True,
        check=check_choices,
    ),
    ToolSpec(
        name="train_model",
        description="Train models on an imported dataset within a wall-clock budget: a dummy baseline, linear, forest "
        "and LightGBM candidates, and neural networks (a transformer or LSTM over texts, a ResNet over images, a mixed "
        "network over tables), validated on rows they were not fitted on. The best (or a blend) is judged once on "
        "the sealed test set, explained, packaged with a report and registered. Returns the leaderboard, the test "
        "metric with its 95 % interval, the most important columns and where package and report lie. With finish=false "
        "only fits and validates; go on with `run` and `trials` to add tuned variants, then finish. For reproducible "
        "work give max_models and budget_seconds=null.",
        request=TrainModelRequest,
        result=TrainingResult,
        function=train_model,
        effect="compute",
        estimate=estimate_of_training,
        job=True,
        check=check_choices,
    ),
)
