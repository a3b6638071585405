"""test_model on real packages: what it finds, what it keeps, and that sealed rows stay closed."""

from pathlib import Path

import pytest

from engine.errors import BadArguments, BadChoice, NotFound
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tools.testing import ModelTest
from tools.testing_models import last_test, summary_of
from tools.workshop import Workshop


@pytest.fixture(scope="module")
def tested(trained: Workshop) -> ModelTest:
    found = trained.call(
        "test_model", model="cancer", min_score=0.7, max_size_mb=5, max_slice_drop=0.3, must_beat_baseline=True
    )
    assert isinstance(found, ModelTest)
    return found


def test_a_sound_model_passes_its_edge_cases_and_meets_its_requirements(tested: ModelTest) -> None:
    assert tested.passed, tested.summary
    assert [check.id for check in tested.requirements] == [
        "min_score", "max_size_mb", "max_slice_drop", "must_beat_baseline",
    ]  # fmt: skip
    status = {check.id: check.status for check in tested.checks}
    assert len(status) >= 20
    assert {id_ for id_, state in status.items() if state == "skipped"} == {
        "odd_dates", "odd_texts", "odd_images", "unseen_categories",
    }  # fmt: skip
    assert tested.summary.startswith("cancer v1 passed ")


def test_no_look_is_taken_at_the_sealed_rows(trained: Workshop) -> None:
    dataset = trained.datasets.get("cancer")
    before = trained.registry.looks(dataset.id)
    found = trained.call("test_model", model="cancer", metric="accuracy", min_score=0.7, seconds=1).model_dump()
    (score,) = found["requirements"]
    assert (score["status"], score["figures"]["metric"]) == ("passed", "accuracy")
    assert found["rows"] == dataset.train_rows
    assert trained.registry.looks(dataset.id) == before


def test_groups_and_calibration_are_judged_on_rows_that_the_models_had_not_seen(
    trained: Workshop, tested: ModelTest
) -> None:
    found = {check.id: check for check in tested.checks}
    assert found["calibration"].figures["rows"] == trained.datasets.get("cancer").train_rows
    groups = found["worst_slice"].figures["groups"]
    assert isinstance(groups, int)
    assert groups > 4


def test_the_newest_result_is_kept_and_read_back(trained: Workshop) -> None:
    found = ModelTest.model_validate(trained.call("test_model", model="cancer", seconds=1).model_dump())
    assert last_test(trained, found.model) == found
    assert Path(found.file).is_relative_to(trained.home)
    assert last_test(trained, "mdl_000000000000") is None


def test_requirements_that_are_not_met_fail_the_model(trained: Workshop) -> None:
    found = trained.call("test_model", model="cancer", min_score=0.9999, max_size_mb=0.0001, seconds=1).model_dump()
    assert not found["passed"]
    assert [check["status"] for check in found["requirements"]] == ["failed", "failed"]
    assert "Failed: Score: roc_auc is" in found["summary"]


def test_bad_arguments_are_refused_at_once(trained: Workshop) -> None:
    with pytest.raises(NotFound, match="no model 'cancre'"):
        trained.call("test_model", model="cancre")
    with pytest.raises(BadChoice, match="rmse"):
        trained.call("test_model", model="cancer", metric="rmse")
    for wrong in ({"max_latency_ms": 0}, {"seconds": 0}, {"max_slice_drop": -1}, {"min_score": "high"}):
        with pytest.raises(BadArguments):
            trained.call("test_model", model="cancer", **wrong)


def test_without_time_checks_are_skipped_and_an_unjudged_requirement_is_not_met() -> None:
    from engine.qa.run import run_checks
    from tests.engine.qa.small import subject

    late = run_checks(subject(), end=0.0)
    words = summary_of("churn v1", late, late[:1])
    assert words.startswith(f"churn v1 passed 0 of 0 checks ({len(late)} skipped)")
    assert "Not judged: Valid probabilities." in words


@pytest.mark.slow
def test_a_network_over_texts_is_tested_like_any_other(tmp_path: Path) -> None:
    words = {"good": "fine lovely great", "bad": "awful poor broken"}
    lines = [f"{label},it was {words[label].split()[n % 3]} number {n}" for n in range(90) for label in words]
    (tmp_path / "reviews.csv").write_text("mood,review\n" + "\n".join(lines) + "\n")
    workshop = inline_workshop(Settings(home=tmp_path / "home"))
    workshop.call("import_dataset", source=str(tmp_path / "reviews.csv"), target="mood", kinds={"review": "text"})
    workshop.call("train_model", dataset="reviews", models=["lstm"], max_models=1, budget_seconds=None, name="mood")
    found = ModelTest.model_validate(workshop.call("test_model", model="mood").model_dump())
    status = {check.id: check.status for check in found.checks}
    assert status["odd_texts"] == "passed", found.summary
    assert "failed" not in status.values(), found.summary
