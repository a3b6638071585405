"""Settings become a chat model, and what goes wrong at an endpoint becomes a typed error."""

import subprocess
import sys

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.tools import tool
from pydantic import SecretStr, ValidationError

from agents.provider import LlmSettings, chat_model
from agents.scripted import call, say, serve
from agents.strict import StrictChat
from engine.errors import BadChoice, BadSettings, ProviderFailed


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def endpoint(base_url: str, **changes: object) -> BaseChatModel:
    values = {"provider": "openai", "model": "m", "base_url": base_url, "max_retries": 0, **changes}
    return chat_model(LlmSettings.model_validate(values))


def streamed(model: BaseChatModel, text: str = "x") -> AIMessageChunk:
    chunks = list(model.bind_tools([add]).stream(text))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert isinstance(whole, AIMessageChunk)
    return whole


def test_the_default_is_the_offline_planner() -> None:
    assert chat_model(LlmSettings())._llm_type == "millwright-offline"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "gpt"}, "llm.model is set but llm.provider is 'offline'.*MILLWRIGHT_LLM__PROVIDER"),
        ({"provider": "openai"}, "llm.model is not set.*MILLWRIGHT_LLM__MODEL"),
        ({"provider": "openai", "model": "m"}, "neither a key nor an endpoint.*MILLWRIGHT_LLM__API_KEY"),
        ({"provider": "openai", "model": "m", "base_url": "localhost:80"}, "not an http.*BASE_URL"),
        ({"provider": "openai", "model": "m", "base_url": "http://h:abc/v1"}, "not an http.*BASE_URL"),
        ({"provider": "init", "model": "gpt"}, "names no provider.*provider:model"),
        ({"provider": "init", "model": "nosuch:thing"}, "cannot be used.*nosuch"),
        ({"provider": "init", "model": "anthropic:thing"}, "not installed.*langchain-anthropic"),
    ],
)
def test_settings_that_do_not_fit_name_the_setting_to_change(values: dict[str, object], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        chat_model(LlmSettings.model_validate(values))


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        LlmSettings.model_validate({"modell": "x"})


def test_the_key_is_not_shown() -> None:
    assert "hunter2" not in repr(LlmSettings(provider="openai", model="m", api_key=SecretStr("hunter2")))


def test_importing_the_settings_loads_no_langchain() -> None:
    code = "import sys, agents.provider; print([m for m in sys.modules if m.startswith(('langchain', 'openai'))])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_a_keyless_endpoint_gets_no_key_of_the_environment() -> None:
    with serve([say("hello there")]) as server:
        assert endpoint(server.base_url).invoke("x").content == "hello there"
    assert server.keys == [None]
    assert server.used_up


def test_the_key_is_sent_where_one_is_set() -> None:
    with serve([say("ok")]) as server:
        endpoint(server.base_url, api_key="k1").invoke("x")
    assert server.keys == ["Bearer k1"]


def test_calls_and_usage_arrive_plain_and_streamed() -> None:
    with serve([call("add", a=1, b=2), call("add", a=3, b=4)]) as server:
        model = endpoint(server.base_url)
        plain = model.bind_tools([add]).invoke("x")
        flowing = streamed(model)
    assert [plain.tool_calls[0]["args"], flowing.tool_calls[0]["args"]] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert flowing.usage_metadata is not None
    assert server.requests[0]["tools"][0]["function"]["name"] == "add"
    assert server.requests[1]["stream_options"] == {"include_usage": True}


def test_init_reaches_the_same_endpoint_by_provider_and_model() -> None:
    with serve([say("by init")]) as server:
        settings = LlmSettings(
            provider="init", model="openai:m", base_url=server.base_url, api_key=SecretStr("k"), max_retries=0
        )
        assert chat_model(settings).invoke("x").content == "by init"


def test_a_stream_that_is_cut_is_an_error_and_no_call_comes_of_it() -> None:
    with (
        serve([call("add", a=1, b=2)], mode="cut_stream") as server,
        pytest.raises(ProviderFailed, match="broke off"),
    ):
        streamed(endpoint(server.base_url))


def test_text_that_is_cut_is_an_error_after_what_arrived() -> None:
    arrived = []
    with serve([say("one two three four five six")], mode="cut_stream") as server:
        stream = endpoint(server.base_url).stream("x")
        with pytest.raises(ProviderFailed, match="broke off"):
            arrived.extend(str(chunk.content) for chunk in stream)


@pytest.mark.parametrize("flowing", [False, True], ids=["plain", "streamed"])
def test_a_call_with_broken_json_is_invalid_and_never_repaired(flowing: bool) -> None:
    with serve([call("add", a=1, b=2)], mode="bad_tool_json") as server:
        model = endpoint(server.base_url)
        message = streamed(model) if flowing else model.bind_tools([add]).invoke("x")
    assert message.tool_calls == []
    assert [item["name"] for item in message.invalid_tool_calls] == ["add"]


def test_without_the_strict_wrapper_the_same_stream_would_have_called_with_half_the_arguments() -> None:
    with serve([call("add", a=1, b=2)], mode="bad_tool_json") as server:
        model = endpoint(server.base_url)
        assert isinstance(model, StrictChat)
        assert streamed(model.inner).tool_calls[0]["args"] == {"a": 1}


def test_async_streams_are_strict_too() -> None:
    import asyncio

    async def talk(base_url: str) -> str:
        return "".join([str(chunk.content) async for chunk in endpoint(base_url).astream("x")])

    with serve([say("one two three"), say("one two three")], mode="cut_stream", times=1) as server:
        with pytest.raises(ProviderFailed, match="broke off"):
            asyncio.run(talk(server.base_url))
        assert asyncio.run(talk(server.base_url)) == "one two three"


def test_a_server_error_is_retried_within_the_limit_and_then_told() -> None:
    with serve([say("ok")], mode="http_500") as server:
        with pytest.raises(ProviderFailed, match=r"server error.*again in a while"):
            endpoint(server.base_url).invoke("x")
        assert len(server.requests) == 1
    with serve([say("ok")], mode="http_500", times=1) as server:
        assert endpoint(server.base_url, max_retries=1).invoke("x").content == "ok"


def test_no_server_at_all_names_the_setting() -> None:
    with pytest.raises(ProviderFailed, match=r"could not be reached.*MILLWRIGHT_LLM__BASE_URL"):
        endpoint("http://127.0.0.1:9/v1").invoke("x")


def test_a_wrong_path_names_the_setting() -> None:
    with serve([]) as server, pytest.raises(ProviderFailed, match=r"does not know.*usually ends in /v1"):
        endpoint(server.base_url.removesuffix("/v1")).invoke("x")


def test_a_script_that_is_too_short_is_refused_by_the_server() -> None:
    with serve([]) as server, pytest.raises(ProviderFailed, match="refused the request"):
        endpoint(server.base_url).invoke("x")


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(BadChoice, match="cut_stream"), serve([], mode="slow"):  # type: ignore[arg-type]
        pass
