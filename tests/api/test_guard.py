"""Who is let in, and how much they may send."""

import base64
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from pydantic import SecretStr
from starlette.websockets import WebSocketDisconnect

from api.guard import BodyLimit, Guard, check_binding
from engine.errors import BadSettings

HERE = "http://127.0.0.1:8000"
KEY = SecretStr("s3cret")


def guarded(key: SecretStr | None) -> TestClient:
    app = FastAPI()

    @app.get("/health/live")
    @app.get("/ui/")
    @app.get("/secret")
    def secret() -> str:
        return "inside"

    @app.post("/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    @app.post("/stream")
    async def stream(request: Request) -> int:
        return sum([len(part) async for part in request.stream()])

    @app.websocket("/socket")
    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.close()

    app.add_middleware(BodyLimit, limit=100, streaming=frozenset({("POST", "/stream")}))
    app.add_middleware(Guard, key=key)
    return TestClient(app, base_url=HERE)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_the_key_only_the_health_checks_answer() -> None:
    client = guarded(KEY)
    assert client.get("/health/live").status_code == 200
    refused = client.get("/secret")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorised")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("key", ["", "s3cre", "s3cret!", "S3CRET"])
def test_a_wrong_key_is_refused(key: str) -> None:
    assert guarded(KEY).get("/secret", headers=bearer(key)).status_code == 401


def test_the_key_opens_as_bearer_and_as_a_browsers_password() -> None:
    client = guarded(KEY)
    basic = base64.b64encode(f"anyone:{KEY.get_secret_value()}".encode()).decode()
    assert client.get("/secret", headers=bearer(KEY.get_secret_value())).text == '"inside"'
    assert client.get("/secret", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    assert client.get("/secret", headers={"Authorization": "Basic %%%"}).status_code == 401


def test_a_key_may_have_letters_beyond_ascii() -> None:
    client = guarded(SecretStr("ключ"))
    assert client.get("/secret", headers={b"Authorization": "Bearer ключ".encode()}).status_code == 200


def test_a_browser_is_asked_for_the_key_on_the_page() -> None:
    assert guarded(KEY).get("/ui/").headers["WWW-Authenticate"].startswith("Basic")


def test_without_a_key_a_foreign_name_for_this_machine_is_refused() -> None:
    response = guarded(None).get("/secret", headers={"Host": "attacker.example:8000"})
    assert (response.status_code, response.json()["code"]) == (403, "foreign_host")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000", "localhost"])
def test_this_machines_own_names_are_answered(host: str) -> None:
    assert guarded(None).get("/secret", headers={"Host": host}).status_code == 200


def test_a_page_of_another_site_is_refused_even_with_the_key() -> None:
    headers = bearer(KEY.get_secret_value()) | {"Origin": "http://attacker.example"}
    assert guarded(KEY).get("/secret", headers=headers).json()["code"] == "foreign_origin"
    assert guarded(None).post("/body", headers={"Origin": "null"}).status_code == 403
    assert guarded(None).get("/secret", headers={"Origin": HERE}).status_code == 200


def test_a_web_socket_needs_the_key_too() -> None:
    with pytest.raises(WebSocketDisconnect), guarded(KEY).websocket_connect("/socket"):
        pass
    with guarded(KEY).websocket_connect("/socket", headers=bearer(KEY.get_secret_value())):
        pass


def test_a_body_is_bounded_whether_its_length_is_declared_or_not() -> None:
    client = guarded(None)
    assert client.post("/body", content=b"x" * 100).json() == 100
    assert client.post("/body", content=b"x" * 101).json()["code"] == "too_large"
    assert client.post("/body", content=pieces(11)).status_code == 413
    assert client.post("/body", content=pieces(10)).json() == 100


def test_a_route_that_counts_for_itself_is_left_alone() -> None:
    assert guarded(None).post("/stream", content=pieces(50)).json() == 500


def test_listening_beyond_this_machine_needs_a_key() -> None:
    check_binding("127.0.0.1", None)
    check_binding("0.0.0.0", KEY)
    with pytest.raises(BadSettings, match="MILLWRIGHT_API__KEY"):
        check_binding("0.0.0.0", None)


def pieces(count: int) -> Iterator[bytes]:
    return (b"x" * 10 for _ in range(count))
