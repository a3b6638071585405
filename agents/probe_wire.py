"""Raw requests of the OpenAI dialect, for the probe: what an endpoint sends is seen as it is, before any client."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import SecretStr

from agents.provider import OPENAI_URL, LlmSettings, chat_model, dialect_of, secrets_of
from agents.strict_dialect import NEW_LIMIT, STREAM, Dialect
from agents.strict_errors import EndpointFailed, not_an_answer, provider_errors
from agents.strict_wire import WireClient, answered_by, wire_client
from engine.errors import BadSettings

EACH_S = 20.0
"""Seconds to wait for the next bytes of one answer, where the settings do not say less."""
MOST_TOKENS = 400
"""Tokens of one answer: enough for a model that thinks a little first."""
Answer = TypeVar("Answer")


class _Status(Exception):
    """An answer with an HTTP error, in the shape in which the typed errors read it."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response, self.status_code = response, response.status_code
        try:
            self.body: object = response.json()
        except ValueError:
            self.body = None


@dataclass
class Stream:
    """What came in a stream: `calls` in the OpenAI shape, and whether all their pieces were `indexed`."""

    first_s: float | None = None
    reason: str | None = None
    usage: bool = False
    indexed: bool = True
    calls: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Asker:
    """Asks one endpoint until a time, and counts what that takes. Every failure is a ProviderFailed."""

    url: str
    model: str
    client: WireClient
    key: SecretStr | None
    temperature: float | None
    dialect: Dialect
    secrets: tuple[SecretStr, ...]
    until: float
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refused: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, settings: LlmSettings, until: float) -> Self:
        """For the first endpoint of the settings. Raises BadSettings unless it speaks the OpenAI dialect."""
        if settings.provider != "openai":
            raise BadSettings(
                f"llm.provider is {settings.provider!r}; only endpoints of the OpenAI dialect can be probed.",
                "Set MILLWRIGHT_LLM__PROVIDER=openai and MILLWRIGHT_LLM__BASE_URL.",
            )
        chat_model(settings)  # raises what does not fit together
        return cls(
            url=(settings.base_url or OPENAI_URL).rstrip("/"),
            model=str(settings.model),
            client=wire_client(min(settings.timeout_s, EACH_S), settings.api_key),
            key=settings.api_key,
            temperature=settings.temperature,
            dialect=dialect_of(settings.base_url),
            secrets=secrets_of(settings),
            until=until,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.until

    def models(self) -> list[dict[str, Any]]:
        """The entries of the endpoint's list of models."""
        with provider_errors(self.secrets), answered_by(self.until):
            self.requests += 1
            body = self._checked(self.client.get(f"{self.url}/models", headers=self._headers())).json()
            entries = body.get("data") if isinstance(body, dict) else None
            return [entry for entry in entries or () if isinstance(entry, dict)]

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """The first choice of an answer in one piece; it has a `message`."""
        answer = self._leaving_out(body, self._post)
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not (isinstance(choice, dict) and isinstance(choice.get("message"), dict)):
            raise not_an_answer()
        return dict(choice)

    def stream(self, body: dict[str, Any], usage: bool) -> Stream:
        """What comes in a stream; in one piece from an endpoint that refuses to stream."""
        more: dict[str, Any] = {"stream_options": {"include_usage": True}} if usage else {}
        return self._leaving_out({**body, STREAM: True, **more}, self._read)

    def _leaving_out(self, body: dict[str, Any], send: Callable[[dict[str, Any]], Answer]) -> Answer:
        """Send the body; what a refusal names is left out from then on, and the rest is sent again."""
        whole = {"model": self.model, NEW_LIMIT: MOST_TOKENS, **body}
        if self.temperature is not None:
            whole["temperature"] = self.temperature
        while True:
            try:
                return send(self.dialect.spoken(whole))
            except EndpointFailed as error:
                named = self.dialect.named_in(error)
                if not named:
                    raise
            self.dialect.refused |= named
            self.refused |= named

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        with provider_errors(self.secrets), answered_by(self.until):
            self.requests += 1
            answer = self._checked(self.client.post(self._chat, json=body, headers=self._headers())).json()
            if not isinstance(answer, dict):
                raise not_an_answer()
            self._count(answer.get("usage"))
            return answer

    def _read(self, body: dict[str, Any]) -> Stream:
        found, began = Stream(), time.monotonic()
        if STREAM not in body:
            self._post(body)
            return found
        with provider_errors(self.secrets), answered_by(self.until):
            self.requests += 1
            with self.client.stream("POST", self._chat, json=body, headers=self._headers()) as response:
                if response.is_error:
                    response.read()
                for event in _events(self._checked(response)):
                    self._take(found, event, began)
        return found

    def _take(self, found: Stream, event: dict[str, Any], began: float) -> None:
        found.usage = found.usage or bool(event.get("usage"))
        self._count(event.get("usage"))
        for choice in event.get("choices") or ():
            found.reason = choice.get("finish_reason") or found.reason
            delta = choice.get("delta") or {}
            if found.first_s is None and delta.get("content"):
                found.first_s = time.monotonic() - began
            for piece in delta.get("tool_calls") or ():
                _add(found, piece)

    @property
    def _chat(self) -> str:
        return f"{self.url}/chat/completions"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key.get_secret_value()}"} if self.key is not None else {}

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            raise _Status(response)
        return response

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict):
            self.prompt_tokens += int(usage.get("prompt_tokens") or 0)
            self.completion_tokens += int(usage.get("completion_tokens") or 0)


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            continue
        event = json.loads(data)
        if not isinstance(event, dict) or event.get("error"):
            raise not_an_answer()
        yield event


def _add(found: Stream, piece: dict[str, Any]) -> None:
    """Put a piece of a call to its call: by index, or to the last one where it has none."""
    function = piece.get("function") or {}
    place = piece.get("index")
    found.indexed = found.indexed and isinstance(place, int)
    known = next((call for call in found.calls if isinstance(place, int) and call["index"] == place), None)
    if known is None and not function.get("name") and found.calls:
        known = found.calls[-1]
    if known is None:
        known = {"index": place, "function": {"name": "", "arguments": ""}}
        found.calls.append(known)
    known["function"]["name"] = known["function"]["name"] or function.get("name") or ""
    known["function"]["arguments"] += function.get("arguments") or ""
