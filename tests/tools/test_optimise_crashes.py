"""kill -9 in the middle of an optimisation: it goes on where it was, looks at the sealed rows and registers once."""

import signal
from pathlib import Path

import pytest

from engine.package import read_package
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tests.cli.running import environment
from tests.forked import run_module
from tools.optimise import OptimisedModel

SOME = ["eager", "evaluate", "finish"]
ALL = ["prepare", "eager", "onnx", "measure", "evaluate", "package", "register", "finish"]


def ended(home: Path, model: str, place: str) -> int:
    """Run the optimisation as far as `place`; the status of its process."""
    command = ("tests.tools.optimise_child", str(home), model, place)
    return run_module(*command, env=environment(home), timeout=170).returncode


@pytest.mark.parametrize(
    "places",
    [pytest.param(places, marks=pytest.mark.slow) for places in (SOME, ALL)],
    ids=["some places", "every place"],
)
def test_a_killed_optimisation_goes_on_and_registers_one_model_after_one_look(home: Path, places: list[str]) -> None:
    workshop = inline_workshop(Settings(home=home))
    dataset = workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"]
    model = workshop.call(
        "train_model", dataset=dataset, models=("linear",), max_models=1, budget_seconds=None
    ).model_dump()["model"]
    looks = workshop.registry.looks(dataset)
    # by its name, which means its newest version: another one as soon as the optimised model is registered
    model = workshop.registry.get(model).name
    for place in places:
        assert ended(home, model, place) == -signal.SIGKILL, place
    assert ended(home, model, "") == 0
    found = OptimisedModel.model_validate_json((home / "found.json").read_bytes())
    registered = inline_workshop(Settings(home=home)).registry
    assert [record.version for record in registered.list()] == [2, 1]
    assert registered.looks(dataset) == looks + 1
    assert found.chosen == "onnx"
    assert read_package(Path(found.package)).model_id == found.model
    (variants,) = (home / "runs").glob("run_*/variants")
    assert sorted(path.name for path in variants.iterdir()) == ["eager", "onnx"]
