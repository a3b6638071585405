"""Jobs are started, followed and stopped over HTTP."""

import time
from typing import Any

from fastapi.testclient import TestClient


def finished(client: TestClient, job: str) -> Any:
    for _ in range(600):
        status = client.get(f"/v1/jobs/{job}").json()
        if status["state"] in {"done", "cancelled", "failed"}:
            return status
        time.sleep(0.1)
    raise AssertionError(status)


def start(client: TestClient, dataset: str, key: str) -> Any:
    arguments = {"dataset": dataset, "models": ["linear"], "budget_seconds": None, "max_models": 1}
    body = {"tool": "train_model", "arguments": arguments}
    return client.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})


def test_a_started_job_is_found_again_and_ends_with_its_result(trained_client: TestClient, trained: Any) -> None:
    first, again = (start(trained_client, trained.dataset, "k1") for _ in range(2))
    assert (first.status_code, first.json()["job"]) == (202, again.json()["job"])
    assert finished(trained_client, first.json()["job"])["result"]["dataset"] == trained.dataset
    listed = [each["job"] for each in trained_client.get("/v1/jobs").json()["jobs"]]
    assert listed.count(first.json()["job"]) == 1


def test_a_tool_that_is_no_job_or_has_bad_arguments_is_refused(client: TestClient) -> None:
    for body in ({"tool": "train_model", "arguments": {}}, {"tool": "train_model"}):
        assert client.post("/v1/jobs", json=body).status_code == 422
    for tool in ("trian", "list_datasets"):
        assert client.post("/v1/jobs", json={"tool": tool, "arguments": {}}).status_code == 404


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    for response in (client.get("/v1/jobs/job_x"), client.post("/v1/jobs/job_x/cancel")):
        assert (response.status_code, response.json()["code"]) == (404, "job_not_found")
    assert client.get("/v1/jobs", params={"limit": 0}).status_code == 422
