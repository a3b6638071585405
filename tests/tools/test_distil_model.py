"""distil_model: a student of a registered model, trained, judged, packaged, registered and compared."""

from pathlib import Path

import pytest

from engine.errors import BadBudget, BadChoice, DeviceMissing, NothingTrained, NotFound
from engine.package import read_info
from tools.training import Distillation, TrainingResult
from tools.workshop import Workshop


@pytest.fixture
def teacher(workshop: Workshop) -> str:
    dataset = workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"]
    result = workshop.call("train_model", dataset=dataset, models=("linear",), max_models=1, budget_seconds=None)
    assert isinstance(result, TrainingResult)
    assert result.model is not None
    return result.model


def test_a_student_is_registered_and_set_beside_its_teacher(workshop: Workshop, teacher: str) -> None:
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
    assert workshop.registry.looks(info.lineage.dataset) == 2
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
    with pytest.raises(NothingTrained, match="No student was trained"):
        workshop.call("distil_model", model=teacher, budget_seconds=1)
    assert len(workshop.registry.list()) == 1
