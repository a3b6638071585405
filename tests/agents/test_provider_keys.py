"""No key where none belongs, and a key in no text."""

import logging
import os
import subprocess
import sys
import traceback
from typing import Any

import pytest

from agents.probe import probe
from agents.provider import LlmSettings, chat_model
from engine.errors import BadSettings, ProviderFailed
from tests.agents.raw_endpoint import Reply, chat, either, raw, refusal

KEY = "hunter2-hunter2"
FROM_OUTSIDE = {
    "OPENAI_API_KEY": "sk-of-the-environment",
    "OPENAI_ADMIN_KEY": "sk-of-the-administrator",
    "OPENAI_ORG_ID": "org-of-the-environment",
    "OPENAI_PROJECT_ID": "proj-of-the-environment",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/of-the-environment",
    "OPENAI_API_BASE": "http://127.0.0.1:9/of-the-environment",
    "OPENAI_PROXY": "http://127.0.0.1:9",
    "OPENAI_CUSTOM_HEADERS": "X-Secret: header-of-the-environment",
}
ASK = """
import os, sys
from agents.provider import LlmSettings, chat_model
for provider, model in (("openai", "m"), ("init", "openai:m")):
    model = chat_model(LlmSettings(provider=provider, model=model, base_url=sys.argv[1], max_retries=0))
    print(model.invoke("x").content, [chunk.content for chunk in model.stream("x")][0])
    # by init the client is LangChain's own, and the rest of the environment is its business
    for name in sys.argv[2:]:
        os.environ.pop(name, None)
"""


def test_an_endpoint_without_a_key_gets_none_of_the_environment() -> None:
    others = [name for name in FROM_OUTSIDE if name != "OPENAI_API_KEY"]
    with raw(either) as server:
        command = [sys.executable, "-c", ASK, server.base_url, *others]
        around = {**os.environ, **FROM_OUTSIDE}
        done = subprocess.run(command, env=around, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split() == ["fine"] * 4, done.stderr
    assert "environment" not in str(server.headers)
    assert "administrator" not in str(server.headers)
    assert "authorization" not in str(server.headers[:2])


def repeated(headers: dict[str, str]) -> str:
    return headers.get("authorization", "no key")


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 422, 429, 500])
def test_a_key_that_an_endpoint_repeats_stands_in_no_error_and_no_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with raw(either) as server:

        def answer(_: dict[str, Any]) -> Reply:
            said = f"Wrong key: {repeated(server.headers[-1])}"
            return Reply(body=said) if status == 200 else refusal(status, said, param=said, code=said)

        server.answer = answer
        model = chat(server, api_key=KEY, max_retries=1)
        texts = []
        for ask in (lambda: model.invoke("x"), lambda: list(model.stream("x"))):
            with pytest.raises(ProviderFailed) as caught:
                ask()
            texts += ["".join(traceback.format_exception(caught.value)), repr(caught.value), str(vars(caught.value))]
        found = probe(settings(server.base_url))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert caplog.records
    for text in (*texts, caplog.text, str([vars(record) for record in caplog.records]), found.model_dump_json()):
        assert KEY not in text


def settings(url: str) -> LlmSettings:
    given = {"provider": "openai", "model": "m", "base_url": url, "api_key": KEY, "fallback_model": "n"}
    return LlmSettings.model_validate({**given, "fallback_api_key": KEY[::-1]})


def test_a_key_stands_in_no_repr_and_no_dump() -> None:
    given = settings("http://127.0.0.1:9/v1")
    model = chat_model(given)
    dumps = [repr(given), str(given), str(given.model_dump()), given.model_dump_json()]
    for text in (*dumps, repr(model), str(model), str(model.model_dump(mode="python", exclude={"first", "second"}))):
        assert KEY not in text
        assert KEY[::-1] not in text


@pytest.mark.parametrize("url", [f"http://me:{KEY}@h/v1", f"ftp://me:{KEY}@h/v1", f"http://{KEY}@h:abc/v1"])
def test_an_address_that_holds_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadSettings) as caught:
        chat_model(LlmSettings(provider="openai", model="m", base_url=url))
    assert KEY not in str(caught.value)
    assert "MILLWRIGHT_LLM__BASE_URL" in str(caught.value)


def test_a_redirect_to_another_host_takes_no_key_along() -> None:
    with raw(either) as there:
        elsewhere = there.base_url.replace("127.0.0.1", "localhost") + "/chat/completions"
        with raw(Reply(status=307, headers={"Location": elsewhere}, body={})) as server:
            chat(server, api_key=KEY, max_retries=0).invoke("x")
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(there.headers)
