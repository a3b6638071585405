"""Going back in a conversation over HTTP, out of it, and what is refused on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agents.scripted import call, say
from tests.api.home import Open, Trained
from tests.api.test_sessions import events, new_session


def said(client: TestClient, session: str, text: str) -> list[dict[str, Any]]:
    return events(client.post(f"/v1/sessions/{session}/messages", json={"text": text}))


def texts(client: TestClient, session: str) -> list[str]:
    return [each["text"] for each in client.get(f"/v1/sessions/{session}/messages").json()]


def test_turns_are_undone_and_branched(home: Path, open_client: Open) -> None:
    with open_client(home, (say("One."), say("Two."), say("Other."))) as client:
        session = new_session(client)
        said(client, session, "1")
        said(client, session, "2")
        branch = client.post(f"/v1/sessions/{session}/branch", json={"turn": 1, "title": "Other"})
        assert (branch.status_code, branch.json()["parent"]) == (201, {"session": session, "turn": 1})
        undone = client.post(f"/v1/sessions/{session}/undo", json={}).json()
        assert ([turn["number"] for turn in undone["turns"]], undone["lasting"]) == ([2], [])
        assert texts(client, session) == ["1", "One."]
        said(client, branch.json()["id"], "other")
        assert texts(client, branch.json()["id"]) == ["1", "One.", "other", "Other."]
        turns = client.get(f"/v1/sessions/{session}/turns").json()
        assert [(turn["number"], turn["state"]) for turn in turns] == [(1, "done"), (2, "undone")]
        mark = events(client.get(f"/v1/sessions/{session}/events"))[-1]
        assert (mark["kind"], mark["turn"]) == ("undone", 2)


def test_a_conversation_is_exported_as_json_and_as_a_notebook(home: Path, open_client: Open) -> None:
    with open_client(home, (call("list_datasets"), say("None."))) as client:
        session = new_session(client)
        said(client, session, "what is there?")
        export = client.get(f"/v1/sessions/{session}/export").json()
        assert export["messages"][1]["calls"][0]["tool"] == "list_datasets"
        notebook = client.get(f"/v1/sessions/{session}/export", params={"format": "ipynb"})
        assert notebook.headers["content-disposition"].endswith(f'{session}.ipynb"')
        assert "list_datasets" in json.dumps(notebook.json()["cells"])


def test_what_waits_is_shown_and_can_be_cancelled(trained: Trained, open_client: Open) -> None:
    script = (call("promote_model", model=trained.model, alias="challenger"),)
    with open_client(trained.home, script) as client:
        session = new_session(client)
        asked = said(client, session, "promote it")[-1]
        assert client.get(f"/v1/sessions/{session}/approval").json()["approval"] == asked["approval"]
        cancelled = client.post(f"/v1/sessions/{session}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (202, "idle")
        assert client.get(f"/v1/sessions/{session}/approval").status_code == 404
        answer = client.post(f"/v1/sessions/{session}/approvals/{asked['approval']}", json={"approve": True})
        assert (answer.status_code, answer.json()["code"]) == (404, "approval_not_found")


def test_a_conversation_is_renamed_and_told_how_to_remember(client: TestClient) -> None:
    made = client.post("/v1/sessions", json={"memory": {"kind": "window", "turns": 2}}).json()
    assert made["memory"]["kind"] == "window"
    changed = client.patch(f"/v1/sessions/{made['id']}", json={"title": "Sums", "memory": {"kind": "buffer"}}).json()
    assert (changed["title"], changed["memory"]["kind"]) == ("Sums", "buffer")


def test_a_conversation_is_deleted_only_with_a_confirmation(client: TestClient) -> None:
    place = f"/v1/sessions/{new_session(client)}"
    refused = client.delete(place)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval_needed")
    assert client.delete(place, params={"confirm": True}).status_code == 204
    assert client.get(place).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "undo", {"turn": "1"}),
        ("POST", "undo", {"turn": 1.5}),
        ("POST", "undo", {"more": 1}),
        ("POST", "branch", {"turn": [1]}),
        ("POST", "branch", {"title": "x" * 201}),
        ("POST", "approvals/x", {"approve": "yes"}),
        ("POST", "approvals/x", {"approve": True, "reason": "x" * 2_001}),
        ("POST", f"approvals/{'x' * 101}", {"approve": True}),
        ("POST", "messages", {"text": " "}),
        ("PATCH", "", {"memory": {"kind": "elephant"}}),
        ("PATCH", "", {"memory": {"kind": "window", "turns": 0}}),
        ("GET", "export?format=pickle", None),
        ("GET", "events?after=-1", None),
        ("GET", "events?after=1e99", None),
    ],
)
def test_what_does_not_fit_is_refused_with_a_problem(client: TestClient, method: str, path: str, body: Any) -> None:
    answer = client.request(method, f"/v1/sessions/{new_session(client)}/{path}".rstrip("/"), json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_arguments"


def test_an_unknown_turn_is_not_found(client: TestClient) -> None:
    place = f"/v1/sessions/{new_session(client)}"
    for path in ("undo", "branch"):
        answer = client.post(f"{place}/{path}", json={"turn": 3})
        assert (answer.status_code, answer.json()["code"]) == (404, "turn_not_found")


@pytest.mark.parametrize("session", ["ses_x", "..%2f..%2fmodels", "%00"])
def test_an_unknown_session_is_not_found_on_the_new_routes_either(client: TestClient, session: str) -> None:
    place = f"/v1/sessions/{session}"
    for response in (
        client.get(f"{place}/turns"),
        client.get(f"{place}/export"),
        client.get(f"{place}/approval"),
        client.post(f"{place}/undo", json={}),
        client.post(f"{place}/branch", json={}),
        client.post(f"{place}/cancel"),
        client.patch(place, json={"title": "x"}),
        client.delete(place, params={"confirm": True}),
    ):
        assert response.status_code == 404, response.request.url


def test_what_steers_a_terminal_is_dropped_from_a_title(client: TestClient) -> None:
    made = client.post("/v1/sessions", json={"title": "a\0b\n\x1b[31m"})
    assert (made.status_code, made.json()["title"]) == (201, "ab [31m")
