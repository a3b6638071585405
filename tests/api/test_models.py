"""Models are listed, shown and predict over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.data.samples import sample_frame


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    frame, target = sample_frame("breast_cancer")
    return {str(name): value for name, value in frame.drop(columns=[target]).iloc[0].items()}


def test_models_are_listed_and_shown(trained_client: TestClient, trained: Any) -> None:
    listed = {model["model"]: model for model in trained_client.get("/v1/models").json()["models"]}
    assert trained_client.get(f"/v1/models/{trained.model}").json()["summary"] == listed[trained.model]


def test_rows_are_predicted_in_order_with_probabilities(
    trained_client: TestClient, trained: Any, row: dict[str, Any]
) -> None:
    rows = [row, {name: value * 0.4 for name, value in row.items()}]
    answer = trained_client.post(f"/v1/models/{trained.model}/predict", json={"rows": rows}).json()
    assert len(answer["predictions"]) == 2
    assert answer["predictions"][0]["prediction"] != answer["predictions"][1]["prediction"]
    shares = [value for name, value in answer["predictions"][0].items() if name.startswith("probability_")]
    assert sum(shares) == pytest.approx(1)


def test_a_missing_column_is_named(trained_client: TestClient, trained: Any, row: dict[str, Any]) -> None:
    partial = {name: value for name, value in row.items() if name != "mean_radius"}
    response = trained_client.post(f"/v1/models/{trained.model}/predict", json={"rows": [partial]})
    assert (response.status_code, response.json()["code"]) == (422, "columns_missing")
    assert "mean_radius" in response.json()["detail"]


@pytest.mark.parametrize(
    "body", [{"rows": []}, {"rows": [{"a": []}]}, {"rows": 3}, {}, {"rows": [{}], "more": 1}, {"rows": [{}] * 1_001}]
)
def test_a_body_of_another_shape_is_refused(trained_client: TestClient, trained: Any, body: Any) -> None:
    response = trained_client.post(f"/v1/models/{trained.model}/predict", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")


@pytest.mark.parametrize("content", [b"{", b"", b"[1,", b"NaN", b'{"rows": [}'])
def test_a_body_that_is_not_json_is_refused(trained_client: TestClient, trained: Any, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = trained_client.post(f"/v1/models/{trained.model}/predict", content=content, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")


@pytest.mark.parametrize("call", ["/v1/models/mdl_x", "/v1/models/..%2f..%2fetc"])
def test_an_unknown_model_is_not_found(trained_client: TestClient, call: str) -> None:
    assert trained_client.get(call).status_code == 404
    assert trained_client.post(f"{call}/predict", json={"rows": [{}]}).status_code == 404
