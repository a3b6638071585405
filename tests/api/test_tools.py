"""Tools over HTTP: reading ones are called, and none reaches a file of the server."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tools.catalogue import CATALOGUE


def test_every_tool_is_listed_with_the_schema_of_its_arguments(client: TestClient) -> None:
    listed = client.get("/v1/tools").json()
    assert [tool["name"] for tool in listed] == list(CATALOGUE)
    assert all(tool["arguments"]["type"] == "object" for tool in listed)


def test_a_reading_tool_is_called(trained_client: TestClient, trained: Any) -> None:
    answer = trained_client.post("/v1/tools/profile_dataset", json={"dataset": trained.dataset})
    assert answer.json()["rows"] > 0


@pytest.mark.parametrize("tool", ["train_model", "promote_model", "import_dataset"])
def test_a_tool_that_does_more_needs_another_way(client: TestClient, tool: str) -> None:
    response = client.post(f"/v1/tools/{tool}", json={})
    assert (response.status_code, response.json()["code"]) == (403, "approval_needed")


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        ({}, "bad_arguments", 422),
        ({"dataset": "ds_x", "more": 1}, "bad_arguments", 422),
        ({"dataset": "ds_x"}, "dataset_not_found", 404),
    ],
)
def test_bad_arguments_are_told(client: TestClient, arguments: dict[str, Any], code: str, status: int) -> None:
    response = client.post("/v1/tools/profile_dataset", json=arguments)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", ["[]", "3", "{"])
def test_arguments_that_are_not_an_object_are_refused(client: TestClient, body: str) -> None:
    response = client.post("/v1/tools/list_datasets", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422


def test_an_unknown_tool_is_not_found(client: TestClient) -> None:
    response = client.post("/v1/tools/profile_datset", json={})
    assert (response.status_code, response.json()["code"]) == (404, "tool_not_found")
    assert "profile_dataset" in response.json()["hint"]
