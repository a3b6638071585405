"""The audit over HTTP, and problem documents without secrets."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import problems
from engine.errors import NotFound
from tests.api.home import Open
from tests.tools.audited import telling
from tools.audit import FILE


def test_the_audit_is_read_and_checked(home: Path, open_client: Open) -> None:
    shop = telling(home)
    for number in range(3):
        shop.call("tell_all", text=f"{number} password=hunter22")
    with open_client(home) as client:
        found = client.get("/v1/audit", params={"tail": 2, "tool": "tell_all"}).json()
        assert [entry["kind"] for entry in found["entries"]] == ["begun", "ended"]
        assert found["entries"][0]["arguments"] == {"text": "2 password=***"}
        assert found["unfinished"] == []
        assert client.get("/v1/audit", params={"since": "2999-01-01T00:00:00Z"}).json()["entries"] == []
        assert client.get("/v1/audit", params={"tail": 0}).status_code == 422
        assert client.get("/v1/audit/verify").json()["intact"] is True
        lines = (home / FILE).read_text().splitlines(keepends=True)
        (home / FILE).write_text("".join([lines[0], *lines[2:]]))
        verdict = client.get("/v1/audit/verify").json()
        assert (verdict["intact"], verdict["line"]) == (False, 2)


def test_an_empty_home_has_an_empty_audit(client: TestClient) -> None:
    assert client.get("/v1/audit").json() == {"entries": [], "unfinished": []}
    assert client.get("/v1/audit/verify").json()["entries"] == 0


def test_a_problem_document_holds_no_secret() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    def fails() -> None:
        raise NotFound("dataset", "postgresql://me:hunter22@host/db", hint="Or Bearer abcdef.ghijkl-1234?")

    answer = TestClient(app).get("/")
    assert answer.status_code == 404
    assert "postgresql://me:***@host/db" in answer.json()["detail"]
    assert "hunter22" not in answer.text
    assert "ghijkl" not in answer.text
