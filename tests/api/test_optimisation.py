"""An optimisation over HTTP: its table, its page, and the model as an ONNX file."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from fastapi.testclient import TestClient

from api.confine import confined
from engine.errors import BadArguments, NotFound
from engine.serving.predictor import load
from tests.api.home import Open, Trained
from tests.homes import workshop_at


def test_a_model_that_was_never_optimised_has_no_table_and_no_page(
    trained_client: TestClient, trained: Trained
) -> None:
    for call in ("optimisation", "optimisation/report"):
        response = trained_client.get(f"/v1/models/{trained.model}/{call}")
        assert (response.status_code, response.json()["code"]) == (404, "optimisation_not_found")
    assert trained_client.get("/v1/models/mdl_none/onnx").status_code == 404


def test_the_onnx_file_of_any_model_is_made_checked_and_sent(
    trained_client: TestClient, trained: Trained, tmp_path: Path
) -> None:
    response = trained_client.get(f"/v1/models/{trained.model}/onnx")
    assert response.status_code == 200
    (tmp_path / "model.onnx").write_bytes(response.content)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    workshop = workshop_at(trained.home)
    predictor = load(workshop.registry.get(trained.model).package)
    rows = workshop.datasets.training_frame(trained.dataset).head(20)
    (entry,) = session.get_inputs()
    answer = session.run(None, {entry.name: rows[list(predictor.schema.names)].to_numpy(dtype=np.float64)})[0]
    assert np.abs(answer - predictor.raw(rows)).max() < 1e-5


def test_the_table_and_the_page_of_an_optimised_model_are_sent(home: Path, open_client: Open) -> None:
    workshop = workshop_at(home)
    dataset = workshop.datasets.import_source("sample:breast_cancer", target="diagnosis").id
    model = workshop.call(
        "train_model", dataset=dataset, models=("linear",), budget_seconds=None, max_models=1
    ).model_dump()["model"]
    found = workshop.call("optimise_model", model=model, variants=("onnx",), max_drop=0.2, budget_seconds=20)
    with open_client(home) as client:
        table = client.get(f"/v1/models/{model}/optimisation").json()
        assert table["chosen"] == found.model_dump()["chosen"]
        assert [row["name"] for row in table["variants"]] == ["eager", "onnx"]
        page = client.get(f"/v1/models/{table['model']}/optimisation/report")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "onnx" in page.text


def test_nothing_of_the_server_is_read_or_written_for_it(trained: Trained) -> None:
    workshop = confined(workshop_at(trained.home), trained.home / "uploads")
    with pytest.raises(NotFound, match="There is no dataset '/etc/passwd'"):
        workshop.call("optimise_model", model=trained.model, calibration="/etc/passwd")
    with pytest.raises(BadArguments, match="over HTTP nothing is written to a file"):
        workshop.call("export_model", model=trained.model, out="/tmp/x.onnx")
