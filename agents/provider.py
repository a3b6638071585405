"""Which chat model answers: the offline planner, an OpenAI-compatible endpoint, or any provider LangChain knows.

Importing this module is cheap: LangChain is imported when a model is made.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from engine.errors import BadSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agents.retrying import Patience
    from agents.strict import StrictChat
    from agents.strict_dialect import Dialect

Provider = Literal["offline", "openai", "init"]
OPENAI_URL = "https://api.openai.com/v1"


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
    max_retries: int = Field(2, ge=0, le=10, description="Repeats of a request that failed on the way.")
    deadline_s: float = Field(300.0, gt=0, description="Seconds for one answer, all repeats and waits together.")
    backoff_s: float = Field(0.5, ge=0, description="Longest wait before the first repeat; it doubles, up to 8 s.")
    retry_after_s: float = Field(30.0, ge=0, description="Longest wait that an endpoint may ask for (Retry-After).")
    fallback_model: str | None = Field(None, description="Model that answers when the first one has failed for good.")
    fallback_base_url: str | None = Field(None, description="Its endpoint; that of the first model by default.")
    fallback_api_key: SecretStr | None = Field(None, description="Its key; the first one's only at the same endpoint.")
    prompt_price: float | None = Field(None, ge=0, description="Price of a million tokens sent; no costs without both.")
    completion_price: float | None = Field(None, ge=0, description="Price of a million tokens answered.")
    encodings: Path | None = Field(None, description="Folder of tiktoken's encodings, for exact counts of tokens.")
    stream_usage: bool = Field(True, description="Ask for token counts in streams; false where that is refused.")


def chat_model(settings: LlmSettings) -> "BaseChatModel":
    """The chat model that `settings` describe.

    Raises BadSettings, naming the setting to change, when they do not fit together.
    """
    return _MAKERS[settings.provider](settings)


def secrets_of(settings: LlmSettings) -> tuple[SecretStr, ...]:
    """The keys that must stand in no text."""
    keys = (settings.api_key, settings.fallback_api_key)
    return tuple(key for key in keys if key is not None and key.get_secret_value())


def _offline(settings: LlmSettings) -> "BaseChatModel":
    names = ("model", "base_url", "api_key", "fallback_model", "fallback_base_url", "fallback_api_key")
    given = [name for name in names if getattr(settings, name) is not None]
    if given:
        raise BadSettings(
            f"llm.{given[0]} is set but llm.provider is 'offline', so it would be ignored.",
            "Set MILLWRIGHT_LLM__PROVIDER=openai (or init), or remove it.",
        )
    from agents.offline import OfflinePlanner

    return OfflinePlanner()


def _openai(settings: LlmSettings) -> "BaseChatModel":
    model = _model_name(settings, "for example MILLWRIGHT_LLM__MODEL=gpt-4.1-mini")
    if settings.base_url is None and settings.api_key is None:
        raise BadSettings(
            "llm.provider is 'openai' but neither a key nor an endpoint is set.",
            "Set MILLWRIGHT_LLM__API_KEY, or MILLWRIGHT_LLM__BASE_URL for a server that needs none.",
        )
    first = _endpoint(settings, model, _checked_url("base_url", settings.base_url), settings.api_key)
    return _with_fallback(settings, first, model)


def _endpoint(settings: LlmSettings, model: str, url: str | None, key: SecretStr | None) -> "StrictChat":
    import httpx

    from agents.strict import StrictChat
    from agents.strict_openai import DialectChat
    from agents.strict_wire import trust, wire_client, wire_timeout

    inner = DialectChat(
        model=model,
        # what is left out here, the client would take from the environment
        base_url=url or OPENAI_URL,
        api_key=key or SecretStr("none"),
        openai_proxy=None,
        http_client=wire_client(settings.timeout_s, key),
        # never used, asynchronous answers go through a thread; one that is not given is made at some cost
        http_async_client=httpx.AsyncClient(verify=trust()),
        http_socket_options=(),
        timeout=wire_timeout(settings.timeout_s),
        temperature=settings.temperature,
        max_retries=0,
        stream_usage=settings.stream_usage,
        use_responses_api=False,
        dialect=dialect_of(url),
    )
    return StrictChat(inner=inner, patience=_patience(settings), dialect=inner.dialect, secrets=secrets_of(settings))


def dialect_of(url: str | None) -> "Dialect":
    """What is known beforehand of the endpoint at `url` (None is OpenAI's own)."""
    from agents.strict_dialect import LIMIT, Dialect

    return Dialect(schemas=True, refused={LIMIT} if url in (None, OPENAI_URL) else set())


def _with_fallback(settings: LlmSettings, first: "StrictChat", model: str) -> "BaseChatModel":
    second = settings.fallback_model
    if second is None:
        for name in ("fallback_base_url", "fallback_api_key"):
            if getattr(settings, name) is not None:
                raise BadSettings(
                    f"llm.{name} is set but llm.fallback_model is not, so it would be ignored.",
                    "Set MILLWRIGHT_LLM__FALLBACK_MODEL, or remove it.",
                )
        return first
    from agents.fallback import FallbackChat

    given = _checked_url("fallback_base_url", settings.fallback_base_url)
    url, key = given, settings.fallback_api_key
    if given is None or given == settings.base_url:
        # a key goes to no other endpoint than the one it is set for
        url, key = settings.base_url, key or settings.api_key
    names = (_named(model, settings.base_url), _named(second, url))
    return FallbackChat(first=first, second=_endpoint(settings, second, url, key), names=names)


def _named(model: str, url: str | None) -> str:
    return f"{model} at {urlsplit(url).hostname}" if url else model


def _patience(settings: LlmSettings) -> "Patience":
    from agents.retrying import Patience

    return Patience(settings.max_retries, settings.deadline_s, settings.backoff_s, settings.retry_after_s)


def _init(settings: LlmSettings) -> "BaseChatModel":
    model = _model_name(settings, "for example MILLWRIGHT_LLM__MODEL=anthropic:claude-sonnet-4-5")
    url = _checked_url("base_url", settings.base_url)
    if ":" not in model:
        raise BadSettings(f"llm.model {model!r} names no provider.", "Write it as 'provider:model'.")
    from langchain.chat_models import init_chat_model

    from agents.strict import StrictChat

    options: dict[str, object] = {
        "temperature": settings.temperature,
        "timeout": settings.timeout_s,
        "max_retries": 0,
        "base_url": url,
        "api_key": _init_key(settings),
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
    first = StrictChat(inner=inner, patience=_patience(settings), secrets=secrets_of(settings))
    if settings.fallback_model is not None and settings.fallback_base_url is None:
        raise BadSettings(
            "llm.fallback_model needs an endpoint where llm.provider is 'init'.",
            f"Set MILLWRIGHT_LLM__FALLBACK_BASE_URL, for example {OPENAI_URL}.",
        )
    return _with_fallback(settings, first, model)


def _init_key(settings: LlmSettings) -> str | None:
    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    # a provider's own service takes its usual key from the environment; a server named here gets none
    return "none" if settings.base_url else None


_MAKERS = {"offline": _offline, "openai": _openai, "init": _init}


def _model_name(settings: LlmSettings, example: str) -> str:
    if settings.model:
        return settings.model
    raise BadSettings(f"llm.provider is {settings.provider!r} but llm.model is not set.", f"Set it, {example}.")


def _checked_url(setting: str, url: str | None) -> str | None:
    """The address of an endpoint; one that may hold a password is not repeated in what is told of it."""
    name = f"MILLWRIGHT_LLM__{setting.upper()}"
    if url is None:
        return None
    if not _is_web_address(url):
        shown = "" if "@" in url else f" {url!r}"
        raise BadSettings(f"llm.{setting}{shown} is not an http(s) address.", f"Write it in full: {name}={_EXAMPLE}.")
    if "@" in urlsplit(url).netloc:
        raise BadSettings(
            f"llm.{setting} holds a name or password.",
            f"Give the address alone ({name}={_EXAMPLE}) and a key beside it.",
        )
    return url


_EXAMPLE = "http://localhost:8000/v1"


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # asking for the port reads it, and raises where it is no number
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
