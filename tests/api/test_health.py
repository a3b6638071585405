"""Live says that the process answers; ready says that each part was tried."""

from pathlib import Path

from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.api.home import Open


def test_an_empty_home_is_live_and_ready(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert {check["name"] for check in ready.json()["checks"]} == {"home", "datasets", "registry", "jobs"}


def test_a_broken_part_makes_it_unready_and_is_named(home: Path, open_client: Open) -> None:
    with open_client(home) as client:
        (home / "registry.db").unlink(missing_ok=True)
        (home / "registry.db").write_text("not a database, and long enough to be taken for one" * 50)
        ready = client.get("/health/ready")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"] if not check["ready"]] == ["registry"]


def test_with_a_key_everything_else_is_closed(home: Path, open_client: Open) -> None:
    with open_client(home, key=SecretStr("k")) as client:
        paths = [path for path in client.app.openapi()["paths"] if not path.startswith("/health")]  # type: ignore[attr-defined]
        assert len(paths) >= 10
        assert {client.get(path).status_code for path in [*paths, "/openapi.json", "/ui/"]} == {401}
        assert client.get("/v1/datasets", headers={"Authorization": "Bearer k"}).status_code == 200
        assert client.get("/health/live").status_code == 200
