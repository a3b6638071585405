"""Trying a model on edge cases and holding it against requirements."""

import time
from typing import TYPE_CHECKING

from engine.errors import BadChoice
from engine.qa.check import Check
from tools.finding import find_dataset
from tools.home import read_json_if_there
from tools.modelling import job_of
from tools.optimise_rows import find_trained
from tools.packages import find_package, model_size_mb
from tools.spec import Estimate, ToolSpec
from tools.testing import Demands, ModelTest, ModelTestRequest

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.store import Dataset
    from engine.package_info import PackageInfo
    from engine.qa.subject import Subject, Unseen
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

FOLDER = "qa"
MOST_ROWS, MOST_HEAVY = 512, 64
"""Training rows that are tried; fewer where a row is a text or an image."""
MB = 1e6


def try_model(workshop: "Workshop", request: ModelTestRequest) -> ModelTest:
    """Make the checks, hold the model against the requirements, and keep what was found in the home.

    The sealed test rows are not read: what is said of them is what the package recorded of its one look.

    Raises:
        NotFound, PackageDamaged: no such model, its package is not whole, or its dataset is gone.
        BadChoice: a metric that its task does not have.
    """
    check_test(workshop, request)
    job = job_of(workshop)
    return ModelTest.model_validate(job.step("test", lambda: _tested(workshop, request).model_dump(mode="json")))


def check_test(workshop: "Workshop", request: ModelTestRequest) -> None:
    """Refuse at once what cannot be tested."""
    from engine.metrics import metrics_of

    _, info = find_package(workshop, request.model)
    find_dataset(workshop, info.lineage.dataset)
    known = [metric.name for metric in metrics_of(info.task)]
    if request.metric is not None and request.metric not in known:
        raise BadChoice(f"metric of a {info.task} task", request.metric, known)


def last_test(workshop: "Workshop", model_id: str) -> ModelTest | None:
    """What the newest test of a model found; None where it was never tested."""
    found = read_json_if_there(workshop.home / FOLDER / f"{model_id}.json")
    return None if found is None else ModelTest.model_validate(found)


def unseen_of(workshop: "Workshop", record: "ModelRecord", frame: "pd.DataFrame", seed: int) -> "Unseen | None":
    """Training rows with the answers of models that had not seen them; of an optimised model, by the one that it was
    made from. None where the record of the training is gone."""
    import numpy as np
    import pandas as pd

    from engine.optimise.rows import rows_of
    from engine.qa.subject import Unseen

    trained, info = find_trained(workshop, record.model_id)
    rows = rows_of(frame, info, workshop.runs / trained.run_id, seed)
    if rows.unseen_guard is None or rows.unseen_train is None:
        return None
    answers = np.concatenate([rows.unseen_guard, rows.unseen_train])
    known = np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)
    if not known.any():
        return None
    y = np.concatenate([rows.y_guard, rows.y_train])[known]
    return Unseen(pd.concat([rows.guard, rows.train])[known].reset_index(drop=True), y, answers[known])


def _tested(workshop: "Workshop", request: ModelTestRequest) -> ModelTest:
    from engine.files import write_atomic
    from engine.qa.requirements import Requirements, requirement_checks
    from engine.qa.run import run_checks

    began = time.monotonic()
    end, control = began + request.seconds, job_of(workshop).control
    record, info = find_package(workshop, request.model)
    subject = _subject(workshop, record, info, request.seed)
    asked = Requirements.model_validate(request.model_dump(include=set(Demands.model_fields)))
    # what the user asked for comes first: the time may not be enough for both
    requirements = run_checks(
        subject, requirement_checks(asked, model_size_mb(record.package)), end=end, control=control
    )
    checks = run_checks(subject, end=end, control=control)
    file = workshop.home / FOLDER / f"{record.model_id}.json"
    called = f"{record.name} v{record.version}"
    result = ModelTest(
        model=record.model_id,
        name=record.name,
        passed=_all_well(checks, requirements),
        checks=tuple(checks),
        requirements=tuple(requirements),
        rows=len(subject.rows),
        seconds=round(time.monotonic() - began, 2),
        summary=summary_of(called, checks, requirements),
        created=workshop.now().isoformat(timespec="seconds"),
        file=str(file),
    )
    write_atomic(file, result.model_dump_json(indent=2))
    return result


def _all_well(checks: "list[Check]", requirements: "list[Check]") -> bool:
    """A requirement that could not be judged is not met."""
    failed = any(check.status == "failed" for check in (*checks, *requirements))
    return not failed and not any(check.status == "skipped" for check in requirements)


def _subject(workshop: "Workshop", record: "ModelRecord", info: "PackageInfo", seed: int) -> "Subject":
    import pandas as pd

    from engine.qa.subject import Subject
    from engine.serving.predictor import load

    dataset: Dataset = find_dataset(workshop, info.lineage.dataset)
    frame = workshop.datasets.training_frame(dataset.id)
    heavy = any(column.kind in {"text", "image"} for column in info.columns)
    most = MOST_HEAVY if heavy else MOST_ROWS
    rows: pd.DataFrame = (frame if len(frame) <= most else frame.sample(most, random_state=seed)).reset_index(drop=True)
    identifiers = [name for name in dataset.schema_.of_kind("identifier") if name != info.target]
    return Subject(
        info=info,
        predict=load(record.package).predict,
        rows=rows[[column.name for column in info.columns]],
        target=rows[info.target],
        identifiers=rows[identifiers],
        unseen=unseen_of(workshop, record, frame, seed),
        seed=seed,
    )


def summary_of(called: str, checks: "list[Check]", requirements: "list[Check]") -> str:
    """'cancer v1 passed 21 of 22 checks made (2 skipped) and all 3 requirements. To look at: ...'."""
    made = [check for check in checks if check.status != "skipped"]
    good = sum(check.status == "passed" for check in made)
    left = len(checks) - len(made)
    parts = [f"{called} passed {good} of {len(made)} checks{f' ({left} skipped)' if left else ''}"]
    if requirements:
        kept = sum(check.status == "passed" for check in requirements)
        parts.append(f"and {kept} of {len(requirements)} requirements")
    words = [" ".join(parts) + "."]
    for status, head in (("failed", "Failed"), ("warned", "To look at")):
        named = [f"{check.name}: {check.detail}" for check in (*requirements, *checks) if check.status == status]
        words += [f"{head}: {' '.join(named)}"] if named else []
    skipped = [check.name for check in requirements if check.status == "skipped"]
    words += [f"Not judged: {', '.join(skipped)}."] if skipped else []
    return " ".join(words)


def estimate_test(workshop: "Workshop", request: ModelTestRequest) -> Estimate:
    """The limit is the time; memory from the training rows and the model."""
    record, info = find_package(workshop, request.model)
    frame = workshop.datasets.training_frame(find_dataset(workshop, info.lineage.dataset).id)
    memory = 3 * float(frame.memory_usage(deep=True).sum()) / MB + 2 * model_size_mb(record.package)
    return Estimate(seconds=request.seconds, memory_mb=round(memory, 1))


TOOLS = (
    ToolSpec(
        name="test_model",
        description="Quality assurance of a registered model: edge cases on real training rows (missing values, unseen "
        "categories, extreme numbers, wrong types, order of rows and columns, duplicates, no rows, large batches), "
        "valid and calibrated probabilities, leaks, the worst group of rows, latency; and requirements (min_score, "
        "max_latency_ms, max_size_mb, max_slice_drop, must_beat_baseline). The sealed test rows are not looked at. Use "
        "it before a model is promoted or deployed.",
        request=ModelTestRequest,
        result=ModelTest,
        function=try_model,
        effect="compute",
        estimate=estimate_test,
        job=True,
        check=check_test,
    ),
)
