"""Monitors and alerts over HTTP: predictions are logged, labels joined, windows checked, alerts taken on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.predictions import predict_rows
from engine.alerts.message import Alert
from engine.data.samples import sample_frame
from engine.drift.levels import Level
from engine.drift.policy import Policy
from tests.api.home import Open, Trained
from tests.homes import workshop_at
from tools.drift import DriftCheck
from tools.monitoring import Monitoring

NOT_LOGGED = "These predictions are not logged for monitoring: home not writable."


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    frame, target = sample_frame("breast_cancer")
    return [
        {str(name): value for name, value in row.items()} for row in frame.drop(columns=[target]).to_dict("records")
    ]


@pytest.fixture
def monitor(trained: Trained) -> Iterator[str]:
    """A monitor with windows of twenty rows; taken away, so that others need not log for it."""
    workshop = workshop_at(trained.home)
    made: Any = workshop.call("create_monitor", model=trained.model, window_rows=20)
    yield made.monitor
    workshop.monitoring.monitors.delete(made.monitor)


@pytest.fixture(scope="module")
def checked(_trained: Trained, rows: list[dict[str, Any]]) -> str:
    """A monitor whose first window has drifted and was checked."""
    workshop = workshop_at(_trained.home)
    made: Any = workshop.call("create_monitor", model=_trained.model, window_rows=20, name="checked")
    predict_rows(workshop, _trained.model, [larger(row) for row in rows[:20]])
    found = workshop.call("check_drift", monitor=made.monitor)
    assert isinstance(found, DriftCheck)
    assert found.level is Level.RED
    return str(made.monitor)


@pytest.fixture
def alert(trained: Trained) -> str:
    """An open alert that nobody has taken on, of a trouble of its own."""
    now = datetime.now(UTC)
    about = {"monitor": "mon_other", "model": "churn", "key": f"drift:{now}", "title": "churn is ORANGE"}
    raised = Alert(level=Level.ORANGE, created=now, **about)
    workshop_at(trained.home).monitoring.alerts.raise_alert(raised, Policy().alerts)
    return raised.id


def larger(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value * 1.7 for name, value in row.items()}


def predict(client: TestClient, model: str, rows: list[dict[str, Any]], ids: list[str] | None = None) -> Any:
    body = {"rows": rows} if ids is None else {"rows": rows, "ids": ids}
    return client.post(f"/v1/models/{model}/predict", json=body)


def label(client: TestClient, monitor: str, labels: dict[str, Any]) -> Any:
    return client.post(f"/v1/monitors/{monitor}/labels", json={"labels": labels})


def test_predictions_of_a_watched_model_are_named_and_logged(
    trained_client: TestClient, trained: Trained, monitor: str, rows: list[dict[str, Any]]
) -> None:
    ids = predict(trained_client, trained.model, rows[:3]).json()["row_ids"]
    assert len(set(ids)) == 3
    state = trained_client.get(f"/v1/monitors/{monitor}").json()
    assert (state["logged"], state["waiting_rows"], state["labelled"]) == (3, 3, 0)


def test_an_id_of_ones_own_is_logged_once(
    trained_client: TestClient, trained: Trained, monitor: str, rows: list[dict[str, Any]]
) -> None:
    assert predict(trained_client, trained.model, rows[:2], ["a", "b"]).json()["row_ids"] == ["a", "b"]
    again = predict(trained_client, trained.model, rows[1:3], ["b", "c"]).json()
    assert again["row_ids"] == ["b", "c"]
    assert "1 row(s) were logged before" in again["notes"][-1]
    assert trained_client.get(f"/v1/monitors/{monitor}").json()["logged"] == 3


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "b", "c"], ["a", ""], ["a", "b" * 1_000], ["a", 1], "ab"])
def test_ids_that_do_not_name_each_row_are_refused(
    trained_client: TestClient, trained: Trained, monitor: str, rows: list[dict[str, Any]], ids: Any
) -> None:
    response = predict(trained_client, trained.model, rows[:2], ids)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")
    assert trained_client.get(f"/v1/monitors/{monitor}").json()["logged"] == 0


def test_where_nothing_is_watched_nothing_is_named_and_nothing_made(
    trained: Trained, home: Path, rows: list[dict[str, Any]]
) -> None:
    workshop = workshop_at(trained.home)
    unwatched = replace(workshop, monitoring=Monitoring(home, workshop.now))
    answer = predict_rows(unwatched, trained.model, rows[:1], ["a"])
    assert (len(answer.predictions), answer.row_ids, list(home.iterdir())) == (1, (), [])


def test_an_answer_stands_when_its_log_cannot_be_written(
    trained: Trained, monitor: str, rows: list[dict[str, Any]]
) -> None:
    workshop = workshop_at(trained.home)
    only_read = f"sqlite:///file:{trained.home}/monitoring.db?mode=ro&uri=true"
    locked_out = replace(workshop, monitoring=Monitoring(trained.home, workshop.now, only_read))
    answer = predict_rows(locked_out, trained.model, rows[:2])
    assert (len(answer.predictions), answer.row_ids) == (2, ())
    assert re.search(NOT_LOGGED, answer.notes[-1])
    assert workshop.monitoring.monitors.predictions.counts(monitor).logged == 0


def test_labels_come_before_or_after_their_rows_and_are_corrected(
    trained_client: TestClient, trained: Trained, monitor: str, rows: list[dict[str, Any]]
) -> None:
    early = label(trained_client, monitor, {"a": "benign"}).json()
    assert (early["joined"], early["waiting"]) == (0, 1)
    predict(trained_client, trained.model, rows[:3], ["a", "b", "c"])
    late = label(trained_client, monitor, {"a": "malignant", "b": "benign", "c": None}).json()
    assert (late["joined"], late["changed"], late["waiting"]) == (2, 1, 0)
    assert trained_client.get(f"/v1/monitors/{monitor}").json()["labelled"] == 2


@pytest.mark.parametrize("labels", [None, [], {}, {"a": []}, {"a": ""}, {"": 1}, {str(n): 1 for n in range(1_001)}])
def test_labels_of_another_shape_are_refused(trained_client: TestClient, monitor: str, labels: Any) -> None:
    response = label(trained_client, monitor, labels)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")
    assert response.headers["content-type"] == "application/problem+json"


def test_a_check_tells_what_drifted_and_raises_an_alert(
    trained_client: TestClient, trained: Trained, monitor: str, rows: list[dict[str, Any]]
) -> None:
    assert trained_client.post(f"/v1/monitors/{monitor}/check").json()["windows"] == []
    predict(trained_client, trained.model, [larger(row) for row in rows[:20]])
    found = trained_client.post(f"/v1/monitors/{monitor}/check").json()
    assert (found["level"], [window["window"] for window in found["windows"]]) == ("RED", [1])
    assert {"mean_texture", "mean_smoothness"} <= {column["column"] for column in found["found"]["columns"]}
    raised = trained_client.get("/v1/alerts", params={"monitor": monitor}).json()["alerts"]
    assert [(each["level"], each["state"]) for each in raised] == [("RED", "open")]
    assert "slack trigger: not configured" in raised[0]["deliveries"]


def test_monitors_are_listed_and_shown_by_id_and_name(trained_client: TestClient, checked: str) -> None:
    listed = {each["monitor"]: each for each in trained_client.get("/v1/monitors").json()["monitors"]}
    shown = trained_client.get("/v1/monitors/checked").json()
    assert trained_client.get(f"/v1/monitors/{checked}").json() == shown == listed[checked]
    assert (shown["level"], [check["window"] for check in shown["checks"]]) == ("RED", [1])


def test_the_page_of_a_monitor_loads_nothing_and_runs_nothing(trained_client: TestClient, checked: str) -> None:
    page = trained_client.get(f"/v1/monitors/{checked}/report")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "mean_texture" in page.text
    assert not re.search(r"<(script|iframe|link|object)\b", page.text)
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page.text)


def test_there_is_no_page_before_the_first_check(trained_client: TestClient, monitor: str) -> None:
    response = trained_client.get(f"/v1/monitors/{monitor}/report")
    assert (response.status_code, response.json()["code"]) == (404, "report_not_found")


def test_an_alert_is_taken_on_with_a_note_and_a_silence(trained_client: TestClient, alert: str) -> None:
    body = {"note": "I look after it.", "silence_hours": 4}
    taken = trained_client.post(f"/v1/alerts/{alert}/acknowledge", json=body).json()
    assert (taken["alert"]["alert"], taken["alert"]["state"]) == (alert, "acknowledged")
    assert taken["silenced_until"] is not None
    newest = trained_client.get("/v1/alerts", params={"limit": 1}).json()["alerts"]
    assert [(each["alert"], each["state"]) for each in newest] == [(alert, "acknowledged")]


@pytest.mark.parametrize("body", [None, {"note": 3}, {"silence_hours": 0}, {"silence_hours": 721}, {"who": "me"}])
def test_an_acknowledgement_of_another_shape_is_refused(trained_client: TestClient, alert: str, body: Any) -> None:
    response = trained_client.post(f"/v1/alerts/{alert}/acknowledge", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "bad_arguments")
    states = {each["alert"]: each["state"] for each in trained_client.get("/v1/alerts").json()["alerts"]}
    assert states[alert] == "open"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/v1/monitors/mon_x", None, "monitor_not_found"),
        ("GET", "/v1/monitors/..%2f..%2fetc", None, "not_found"),
        ("GET", "/v1/monitors/mon_x/report", None, "monitor_not_found"),
        ("POST", "/v1/monitors/mon_x/check", None, "monitor_not_found"),
        ("POST", "/v1/monitors/mon_x/labels", {"labels": {"a": 1}}, "monitor_not_found"),
        ("GET", "/v1/alerts?monitor=mon_x", None, "monitor_not_found"),
        ("POST", "/v1/alerts/alr_x/acknowledge", {}, "alert_not_found"),
        ("POST", "/v1/models/mdl_x/drift", {"dataset": "ds_x"}, "dataset_not_found"),
    ],
)
def test_what_is_not_there_is_not_found(
    trained_client: TestClient, method: str, path: str, body: Any, code: str
) -> None:
    response = trained_client.request(method, path, json=body)
    assert (response.status_code, response.json()["code"]) == (404, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_dataset_is_compared_with_the_rows_of_a_model(trained_client: TestClient, trained: Trained) -> None:
    place = f"/v1/models/{trained.model}/drift"
    found = trained_client.post(place, json={"dataset": trained.dataset}).json()
    assert (found["model"], found["level"], found["found"]["columns"]) == (trained.model, "GREEN", [])
    unknown = trained_client.post("/v1/models/mdl_x/drift", json={"dataset": trained.dataset})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")


def test_a_file_of_the_server_is_compared_with_nothing(trained_client: TestClient, trained: Trained) -> None:
    place = f"/v1/models/{trained.model}/drift"
    for file in ("/etc/passwd", "../rows.csv", "sample:breast_cancer", "sqlite:///x.db"):
        response = trained_client.post(place, json={"dataset": file})
        assert (response.status_code, response.json()["code"]) == (404, "dataset_not_found"), file
    assert trained_client.post(place, json={"dataset": trained.dataset, "data": "x.csv"}).status_code == 422


@pytest.mark.parametrize(
    "tool",
    ["acknowledge_alert", "check_drift", "create_monitor", "log_labels", "pause_monitor", "tell_outcome"],
)
def test_a_tool_over_live_data_that_does_more_than_read_needs_another_way(client: TestClient, tool: str) -> None:
    response = client.post(f"/v1/tools/{tool}", json={})
    assert (response.status_code, response.json()["code"]) == (403, "approval_needed")


def test_without_the_key_nothing_of_a_monitor_is_told_or_changed(
    trained: Trained, open_client: Open, checked: str, alert: str
) -> None:
    closed = [
        *(
            ("GET", f"/v1/{path}")
            for path in ("monitors", f"monitors/{checked}", f"monitors/{checked}/report", "alerts")
        ),
        *(("POST", f"/v1/monitors/{checked}/{verb}") for verb in ("labels", "check")),
        *(("POST", path) for path in (f"/v1/alerts/{alert}/acknowledge", f"/v1/models/{trained.model}/drift")),
    ]
    with open_client(trained.home, key=SecretStr("k")) as client:
        assert {client.request(method, path, json={}).status_code for method, path in closed} == {401}
        assert client.get("/v1/alerts", headers={"Authorization": "Bearer k"}).status_code == 200
