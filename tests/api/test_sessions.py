"""A conversation over HTTP: events with numbers, resumed where the client left."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.scripted import call, say
from engine.errors import ProviderFailed
from tests.api.home import Open, Trained


def events(response: Any) -> list[dict[str, Any]]:
    """The events of an SSE answer; each one's id, name and data must agree."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.text
    found = []
    for block in response.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            data = json.loads(fields["data"])
            assert (fields["id"], fields["event"]) == (str(data["sequence"]), data["kind"])
            found.append(data)
    return found


def new_session(client: TestClient) -> str:
    return str(client.post("/v1/sessions", json={}).json()["id"])


def test_a_message_is_answered_with_numbered_events(home: Path, open_client: Open) -> None:
    with open_client(home, (call("list_datasets"), say("There are none."))) as client:
        session = new_session(client)
        heard = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "what is there?"}))
        assert [event["sequence"] for event in heard] == list(range(1, len(heard) + 1))
        assert [event["kind"] for event in heard if event["kind"] != "text"] == [
            "tool_started",
            "tool_finished",
            "finished",
        ]
        assert "".join(event["text"] for event in heard if event["kind"] == "text") == "There are none."
        said = client.get(f"/v1/sessions/{session}/messages").json()
        assert [(each["role"], each["text"]) for each in said if each["role"] != "tool"] == [
            ("user", "what is there?"),
            ("assistant", "There are none."),
        ]


def test_a_client_that_comes_back_gets_what_it_missed(home: Path, open_client: Open) -> None:
    with open_client(home, (say("All is well."),)) as client:
        session = new_session(client)
        heard = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "count"}))
        missed = client.get(f"/v1/sessions/{session}/events", headers={"Last-Event-ID": "2"})
        assert events(missed) == heard[2:]
        assert events(client.get(f"/v1/sessions/{session}/events", params={"after": 0})) == heard


def test_a_risky_call_waits_for_approval_and_then_runs(trained: Trained, open_client: Open) -> None:
    script = (call("promote_model", model=trained.model, alias="champion"), say("Promoted."))
    with open_client(trained.home, script) as client:
        session = new_session(client)
        asked = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "promote it"}))[-1]
        assert (asked["kind"], asked["tool"]) == ("approval", "promote_model")
        answer = f"/v1/sessions/{session}/approvals/{asked['approval']}"
        assert events(client.post(answer, json={"approve": True}))[-1]["kind"] == "finished"
        assert client.get(f"/v1/models/{trained.model}").json()["summary"]["aliases"] == ["champion"]
        again = client.post(answer, json={"approve": True})
        assert (again.status_code, again.json()["code"]) == (404, "approval_not_found")


def test_a_failing_model_ends_the_turn_with_its_error(home: Path, open_client: Open) -> None:
    with open_client(home, (ProviderFailed("The endpoint is away."),)) as client:
        session = new_session(client)
        last = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "hello"}))[-1]
        assert (last["kind"], last["code"]) == ("failed", "provider_failed")
        assert client.get(f"/v1/sessions/{session}").json()["state"] == "failed"


def test_the_assistant_cannot_be_talked_into_reading_a_file_of_the_server(home: Path, open_client: Open) -> None:
    with open_client(home, (call("import_dataset", source="/etc/passwd"), say("I may not."))) as client:
        session = new_session(client)
        heard = events(client.post(f"/v1/sessions/{session}/messages", json={"text": "import /etc/passwd"}))
        refused = next(event for event in heard if event["kind"] == "tool_finished")
        assert "over HTTP a source is" in refused["error"]


def test_sessions_are_listed_newest_first(client: TestClient) -> None:
    client.post("/v1/sessions", json={"title": "one"})
    client.post("/v1/sessions", json={"title": "two"})
    assert [each["title"] for each in client.get("/v1/sessions").json()] == ["two", "one"]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x", "more": 1}, {"text": "x" * 50_001}])
def test_a_message_of_another_shape_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post(f"/v1/sessions/{new_session(client)}/messages", json=body).status_code == 422


@pytest.mark.parametrize("session", ["ses_x", "..%2f..%2fmodels"])
def test_an_unknown_session_is_not_found_on_every_route(client: TestClient, session: str) -> None:
    place = f"/v1/sessions/{session}"
    for response in (
        client.get(place),
        client.get(f"{place}/messages"),
        client.get(f"{place}/events"),
        client.post(f"{place}/messages", json={"text": "x"}),
        client.post(f"{place}/resume"),
        client.post(f"{place}/approvals/a", json={"approve": True}),
    ):
        assert response.status_code == 404, response.request.url
