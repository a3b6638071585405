"""Tools for strangers: a path of the server is refused wherever it could be named."""

from pathlib import Path

import pytest

from api.confine import confined
from engine.errors import BadArguments, NotFound
from engine.package_info import PackageFiles
from tests.api.home import Trained
from tests.homes import workshop_at


def test_a_source_is_a_sample_or_an_upload(home: Path) -> None:
    outside = home.parent / "secret.csv"
    outside.write_text("a,b\n" + "1,2\n" * 30)
    (home / "uploads").mkdir()
    (home / "uploads" / "link.csv").symlink_to(outside)
    workshop = confined(workshop_at(home), home / "uploads")
    for source in (
        str(outside),
        f"{home}/uploads/../../secret.csv",
        f"{home}/uploads/link.csv",
        f"{home}/uploads",
        "sqlite:///x.db",
    ):
        with pytest.raises(BadArguments, match=r"source: .*over HTTP a source is"):
            workshop.call("import_dataset", source=source)
    assert workshop.call("import_dataset", source="sample:diabetes")


@pytest.mark.parametrize("tool", ["predict", "evaluate_model", "check_drift"])
def test_data_is_a_dataset_and_never_a_file(trained: Trained, tool: str) -> None:
    workshop = confined(workshop_at(trained.home), trained.home / "uploads")
    with pytest.raises(NotFound, match="There is no dataset '/etc/passwd'"):
        workshop.call(tool, model=trained.model, data="/etc/passwd")


def test_a_reference_is_a_dataset_and_never_a_profile_or_a_package_of_the_server(trained: Trained) -> None:
    workshop = confined(workshop_at(trained.home), trained.home / "uploads")
    package = workshop.registry.get(trained.model).package
    for place in (str(package), str(package / PackageFiles.REFERENCE), "/etc/passwd", "sample:breast_cancer"):
        with pytest.raises(NotFound, match=f"There is no dataset '{place}'"):
            workshop.call("check_drift", reference=place, data=trained.dataset)


def test_labels_and_profiles_name_no_file_either(trained: Trained) -> None:
    workshop = confined(workshop_at(trained.home), trained.home / "uploads")
    with pytest.raises(NotFound, match=r"There is no dataset 'labels\.csv'"):
        workshop.call("log_labels", monitor="any", data="labels.csv")
    with pytest.raises(BadArguments, match=r"out: .*nothing is written to a file"):
        workshop.call("profile_reference", data=trained.dataset, out="reference.npz")


def test_predictions_of_a_dataset_work_and_nothing_is_written(trained: Trained) -> None:
    workshop = confined(workshop_at(trained.home), trained.home / "uploads")
    assert workshop.call("predict", model=trained.model, data=trained.dataset)
    with pytest.raises(BadArguments, match=r"out: .*nothing is written to a file"):
        workshop.call("predict", model=trained.model, data=trained.dataset, out="x.csv")


def test_the_schema_that_a_model_is_shown_stays_the_same(home: Path) -> None:
    open_, narrow = workshop_at(home), confined(workshop_at(home), home)
    for name, spec in open_.tools.items():
        assert narrow.tools[name].request.model_json_schema() == spec.request.model_json_schema()
