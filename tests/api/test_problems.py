"""Every error becomes a problem document with a status that says whose fault it is."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import problems
from engine.errors import (
    ApprovalNeeded,
    BadBudget,
    Busy,
    ColumnNotFound,
    DiskFull,
    HomeBusy,
    MillwrightError,
    NotFound,
    PackageDamaged,
    ProviderFailed,
    SourceNotFound,
    TooLarge,
    Unauthorised,
    UnsupportedFormat,
    WorkerLost,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("model", "m"), 404),
        (NotFound("approval", "a"), 404),
        (ColumnNotFound("x", ["y"]), 422),
        (SourceNotFound("f.csv"), 422),
        (BadBudget(0), 422),
        (Unauthorised(), 401),
        (ApprovalNeeded("No."), 403),
        (HomeBusy(Path("h"), None), 409),
        (Busy("session", "s"), 409),
        (TooLarge("Too large."), 413),
        (UnsupportedFormat("No."), 415),
        (ProviderFailed("No."), 502),
        (WorkerLost("No."), 503),
        (DiskFull(Path("h")), 507),
        (PackageDamaged(Path("p"), "x"), 500),
    ],
    ids=lambda value: value.code if isinstance(value, MillwrightError) else str(value),
)
def test_an_error_has_its_status(error: MillwrightError, status: int) -> None:
    assert problems.status_of(error) == status


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/ours")
    def ours() -> None:
        raise NotFound("model", "chrun", ["churn"])

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError("password is hunter2")

    @app.get("/number")
    def number(n: int) -> int:
        return n

    return TestClient(app, raise_server_exceptions=False)


def test_our_error_says_what_is_wrong_and_what_to_do(client: TestClient) -> None:
    response = client.get("/ours")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:millwright:error:model_not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no model 'chrun'.",
        "code": "model_not_found",
        "hint": "Known: churn. Did you mean 'churn'?",
    }


def test_an_unexpected_error_tells_nothing_of_the_inside(client: TestClient) -> None:
    response = client.get("/bug")
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert response.json()["code"] == "internal_error"


def test_a_bad_value_names_its_field(client: TestClient) -> None:
    body = client.get("/number", params={"n": "x"}).json()
    assert (body["status"], body["code"], body["errors"][0]["field"]) == (422, "bad_arguments", "n")


def test_an_unknown_path_and_a_wrong_method_are_problems_too(client: TestClient) -> None:
    assert client.get("/nothing").json()["code"] == "not_found"
    assert client.post("/ours").json()["code"] == "method_not_allowed"
