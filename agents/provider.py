"""Which chat model answers: the offline planner, an OpenAI-compatible endpoint, or any provider LangChain knows.

Importing this module is cheap: LangChain is imported when a model is made.
"""

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.errors import BadSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Provider = Literal["offline", "openai", "init"]
CONNECT_SECONDS = 5.0


class LlmSettings(BaseModel):
    """How to reach the language model. The default needs no key and no network: the offline planner.

    `openai` is any endpoint that speaks the OpenAI chat dialect; `init` takes `model` as 'provider:model'
    for LangChain's init_chat_model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    provider: Provider = Field("offline", description="offline, openai (any compatible endpoint) or init.")
    model: str | None = Field(None, description="Model name; 'provider:model' when the provider is init.")
    base_url: str | None = Field(None, description="Endpoint of an OpenAI-compatible server, up to and with /v1.")
    api_key: SecretStr | None = Field(None, description="Key of the endpoint; leave out where none is needed.")
    timeout_s: float = Field(60.0, gt=0, description="Seconds to wait for the next bytes of an answer.")
    temperature: float | None = Field(0.0, ge=0, description="Sampling temperature; null for models that refuse one.")
    max_retries: int = Field(1, ge=0, le=10, description="Repeats of a request that failed on the way.")
    stream_usage: bool = Field(True, description="Ask for token counts in streams; false where that is refused.")


def chat_model(settings: LlmSettings) -> "BaseChatModel":
    """The chat model that `settings` describe.

    Raises BadSettings, naming the setting to change, when they do not fit together.
    """
    return _MAKERS[settings.provider](settings)


def _offline(settings: LlmSettings) -> "BaseChatModel":
    given = [name for name in ("model", "base_url", "api_key") if getattr(settings, name) is not None]
    if given:
        raise BadSettings(
            f"llm.{given[0]} is set but llm.provider is 'offline', so it would be ignored.",
            "Set MILLWRIGHT_LLM__PROVIDER=openai (or init), or remove it.",
        )
    from agents.offline import OfflinePlanner

    return OfflinePlanner()


def _openai(settings: LlmSettings) -> "BaseChatModel":
    model = _model_name(settings, "for example MILLWRIGHT_LLM__MODEL=gpt-4.1-mini")
    if settings.base_url is not None:
        _check_url(settings.base_url)
    elif settings.api_key is None:
        raise BadSettings(
            "llm.provider is 'openai' but neither a key nor an endpoint is set.",
            "Set MILLWRIGHT_LLM__API_KEY, or MILLWRIGHT_LLM__BASE_URL for a server that needs none.",
        )
    import httpx
    from langchain_openai import ChatOpenAI

    from agents.strict import StrictChat

    return StrictChat(
        inner=ChatOpenAI(
            model=model,
            base_url=settings.base_url,
            # without a key the client would pick up one from the environment and send it to a strange server
            api_key=settings.api_key or SecretStr("none"),
            timeout=httpx.Timeout(settings.timeout_s, connect=CONNECT_SECONDS),
            temperature=settings.temperature,
            max_retries=settings.max_retries,
            stream_usage=settings.stream_usage,
        )
    )


def _init(settings: LlmSettings) -> "BaseChatModel":
    model = _model_name(settings, "for example MILLWRIGHT_LLM__MODEL=anthropic:claude-sonnet-4-5")
    if settings.base_url is not None:
        _check_url(settings.base_url)
    if ":" not in model:
        raise BadSettings(f"llm.model {model!r} names no provider.", "Write it as 'provider:model'.")
    from langchain.chat_models import init_chat_model

    from agents.strict import StrictChat

    options: dict[str, object] = {
        "temperature": settings.temperature,
        "timeout": settings.timeout_s,
        "max_retries": settings.max_retries,
        "base_url": settings.base_url,
        "api_key": settings.api_key.get_secret_value() if settings.api_key else None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    try:
        inner = init_chat_model(model, **given)  # type: ignore[call-overload]
    except ImportError as error:
        raise BadSettings(
            f"The package for llm.model {model!r} is not installed.", f"{error}".splitlines()[0]
        ) from error
    except (ValueError, TypeError) as error:
        raise BadSettings(f"llm.model {model!r} cannot be used: {error}", "Check MILLWRIGHT_LLM__MODEL.") from error
    return StrictChat(inner=inner)


_MAKERS = {"offline": _offline, "openai": _openai, "init": _init}


def _model_name(settings: LlmSettings, example: str) -> str:
    if settings.model:
        return settings.model
    raise BadSettings(f"llm.provider is {settings.provider!r} but llm.model is not set.", f"Set it, {example}.")


def _check_url(url: str) -> None:
    if not _is_web_address(url):
        raise BadSettings(
            f"llm.base_url {url!r} is not an http(s) address.",
            "Write it in full, for example MILLWRIGHT_LLM__BASE_URL=http://localhost:8000/v1.",
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # asking for the port reads it, and raises where it is no number
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
