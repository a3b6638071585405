"""distil_model: a student of a registered model, trained, judged, packaged, registered and compared."""

from pathlib import Path

import pytest

from engine.errors import BadBudget, BadChoice, DeviceMissing, JobFailed, NotFound
from engine.package import read_info
from engine.progress import FitFinished, Progress
from millwright.compose import inline_workshop
from millwright.settings import JobSettings, Settings
from tools.catalogue import invoke
from tools.jobs import CANCELLED_CODE, job_id
from tools.training import Distillation, TrainingResult
from tools.workshop import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One home for the module: a teacher takes seconds to train."""
    return inline_workshop(Settings(home=tmp_path_factory.mktemp("distil"), jobs=JobSettings(threads=2)))


@pytest.fixture(scope="module")
def teacher(workshop: Workshop) -> str:
    dataset = workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"]
    result = workshop.call("train_model", dataset=dataset, models=("linear",), max_models=1, budget_seconds=None)
    assert isinstance(result, TrainingResult)
    assert result.model is not None
    return result.model


def test_a_student_is_registered_and_set_beside_its_teacher(workshop: Workshop, teacher: str) -> None:
    looks = workshop.registry.looks(read_info(workshop.registry.get(teacher).package).lineage.dataset)
    found = workshop.call("distil_model", model=teacher, width=16, budget_seconds=25)
    assert isinstance(found, Distillation)
    assert found.student.kind == "network"
    assert found.teacher.metric.name == found.student.metric.name
    assert found.student.metric.value > 0.9
    assert found.agreement > 0.85
    assert found.faster == pytest.approx(found.teacher.one_row_ms / found.student.one_row_ms, rel=0.01)
    assert found.smaller == pytest.approx(found.teacher.size_mb / found.student.size_mb, rel=0.01)
    info = read_info(Path(found.package))
    assert info.model_id == found.student.model
    assert info.lineage.spec["student"]["teacher"] == teacher  # type: ignore[index]
    assert len(info.members) == 1
    assert workshop.registry.get(found.student.model).name.endswith("-student")
    # the student's own test is the only new look at the sealed rows
    assert workshop.registry.looks(info.lineage.dataset) == looks + 1
    assert workshop.call("predict", model=found.student.model, data=info.lineage.dataset).model_dump()["rows"] > 100


def test_what_cannot_be_distilled_is_refused_before_a_job_begins(workshop: Workshop, teacher: str) -> None:
    before = len(workshop.jobs.list())
    refused: list[tuple[type[Exception], str, dict[str, object]]] = [
        (NotFound, "no model 'mdl_none'", {"model": "mdl_none"}),
        (BadChoice, "'forest' is not a known student", {"student": "forest"}),
        (BadChoice, "without a column of kind text", {"student": "lstm"}),
        (BadBudget, "cannot train", {"budget_seconds": 0.0}),
        (BadChoice, "'tpu' is not a known device", {"device": "tpu"}),
    ]
    for error, words, arguments in refused:
        with pytest.raises(error, match=words):
            workshop.call("distil_model", **{"model": teacher, **arguments})
    assert len(workshop.jobs.list()) == before


def test_cuda_that_is_absent_is_refused_at_once(workshop: Workshop, teacher: str) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceMissing):
        workshop.call("distil_model", model=teacher, device="cuda")


def test_a_student_that_came_to_nothing_is_an_error_and_registers_nothing(workshop: Workshop, teacher: str) -> None:
    before = len(workshop.registry.list())

    def stop_after_the_baseline(progress: Progress) -> None:
        if isinstance(progress, FitFinished) and progress.model == "dummy":
            workshop.jobs.cancel(job_id("call-1"))

    with pytest.raises(JobFailed, match="cancelled before there was a student") as caught:
        invoke(workshop, "distil_model", {"model": teacher}, call_id="call-1", watch=stop_after_the_baseline)
    assert caught.value.code == CANCELLED_CODE
    assert workshop.jobs.status(job_id("call-1")).state == "cancelled"
    assert len(workshop.registry.list()) == before
