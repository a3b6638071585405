"""What an endpoint can do, found out by asking it: a few short requests of fixed words, bounded in time and tokens."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agents.probe_wire import Asker
from agents.provider import LlmSettings
from agents.strict_calls import is_whole, require_whole, strict_object
from agents.strict_dialect import STREAM
from agents.strict_errors import EndpointFailed
from engine.errors import ProviderFailed

State = Literal["ok", "missing", "broken", "not asked"]
TOTAL_S = 60.0
"""Seconds for all requests together."""
_WORD, _SUM = "Answer with the one word: ready", "Call the tool add with a = 2 and b = 3."
_SUMS = "Call the tool add twice at once: with a = 2 and b = 3, and with a = 4 and b = 5."
_JSON = "Give the sum of 2 and 3 as JSON: an object with the whole number total."
_WINDOWS = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "n_ctx_train")
"""Where lists of models say how many tokens a model reads: vLLM, routers, LM Studio, llama.cpp (in `meta`)."""
_ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two whole numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}
_TOTAL = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "total", "schema": {**_TOTAL, "additionalProperties": False}}}


class Finding(BaseModel):
    """One thing that an endpoint may be able to do; `without` is what Millwright does where it cannot."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    detail: str
    without: str = ""


class Capabilities(BaseModel):
    """What was found, and what finding it took. `cost` is in the currency of the prices in the settings."""

    model_config = ConfigDict(frozen=True)

    model: str
    endpoint: str
    findings: tuple[Finding, ...]
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float

    @property
    def usable(self) -> bool:
        """Whether the endpoint answers at all, and says when an answer is at its end."""
        needed = [finding.state for finding in self.findings if finding.name in ("plain chat", "finish reason")]
        return needed == ["ok", "ok"]


def probe(settings: LlmSettings, total_s: float = TOTAL_S) -> Capabilities:
    """Ask the endpoint of `settings` what it can do, for `total_s` seconds at most (and one wait for bytes).

    Raises:
        BadSettings: the settings name no endpoint of the OpenAI dialect.
    """
    began = time.monotonic()
    with Asker.of(settings, began + total_s) as asker:
        findings = tuple(_findings(asker))
        asked, told = asker.prompt_tokens, asker.completion_tokens
        priced = settings.prompt_price is not None or settings.completion_price is not None
        cost = (asked * (settings.prompt_price or 0) + told * (settings.completion_price or 0)) / 1e6
        return Capabilities(
            model=asker.model,
            endpoint=asker.url,
            findings=findings,
            requests=asker.requests,
            prompt_tokens=asked,
            completion_tokens=told,
            cost=round(cost, 6) if priced else None,
            seconds=round(time.monotonic() - began, 2),
        )


def _findings(asker: Asker) -> Iterator[Finding]:
    """Every finding, in the order in which one builds on another. With no plain answer, nothing else is asked."""
    yield from _models(asker)
    plain = _Look("plain chat", "nothing works without it: set MILLWRIGHT_LLM__PROVIDER=offline")
    answer = plain.at(lambda: _chat(asker))
    yield plain.finding
    yield _finish(answer)
    for look, ask in _CHECKS:
        once = _Look(look.name, look.without)
        if answer is None:
            once.found("not asked", "no plain answer came")
        elif asker.late:
            once.found("not asked", "the time for the probe was up")
        else:
            once.at(partial(ask, asker, once))
        yield once.finding
    yield _parameters(asker)


@dataclass
class _Look:
    """A finding in the making."""

    name: str
    without: str
    state: State = "ok"
    detail: str = ""

    def found(self, state: State, detail: str) -> None:
        self.state, self.detail = state, detail

    def at(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401  what the endpoint said, or None
        """What `ask` gives; a failure becomes the finding."""
        try:
            given = ask()
        except EndpointFailed as error:
            if error.status in (400, 404, 405, 415, 422, 501) and self.name != "plain chat":
                self.found("missing", f"refused with {error.status}. {error.said}".strip())
            else:
                self.found("broken", str(error))
            return None
        except ProviderFailed as error:
            self.found("broken", str(error))
            return None
        self.detail = self.detail or "answers"
        return given

    @property
    def finding(self) -> Finding:
        without = "" if self.state == "ok" else self.without
        return Finding(name=self.name, state=self.state, detail=self.detail, without=without)


def _models(asker: Asker) -> Iterator[Finding]:
    listed = _Look("models", "the model is asked by its name all the same")
    entries: Sequence[Any] = listed.at(asker.models) or ()
    ids = [str(entry.get("id")) for entry in entries]
    entry = next((one for one in entries if one.get("id") == asker.model), None)
    if entry is not None:
        listed.found("ok", f"{len(ids)} listed, {asker.model} among them")
    elif listed.state == "ok":
        listed.found("missing", f"{asker.model} is not among the {len(ids)} listed: {', '.join(ids[:5]) or 'none'}")
    yield listed.finding
    without = "memory keeps to its own limit; a conversation that is refused as too long is cut by half and sent again"
    window = _Look("context window", without, "missing", "the list of models does not tell it")
    tokens = _window(entry or {})
    if tokens:
        window.found("ok", f"{tokens} tokens")
    yield window.finding


def _window(entry: dict[str, Any]) -> int | None:
    meta = entry.get("meta")
    places = [entry, meta if isinstance(meta, dict) else {}]
    values = [place[name] for place in places for name in _WINDOWS if isinstance(place.get(name), int)]
    return next((value for value in values if value > 0), None)


def _chat(asker: Asker) -> dict[str, Any]:
    return asker.ask(_said(_WORD))


def _finish(answer: dict[str, Any] | None) -> Finding:
    look = _Look("finish reason", "an answer that does not say why it ended counts as broken off, and is not used")
    if answer is None:
        look.found("not asked", "no plain answer came")
        return look.finding
    reason = answer.get("finish_reason")
    look.found("ok", str(reason))
    try:
        require_whole(str(reason) if reason else None, calls=False)
    except ProviderFailed as error:
        # an answer that is cut says so: that is all that is asked for here
        look.found("ok" if reason == "length" else "broken", f"{reason}: {error.sentence}")
    return look.finding


def _streams(asker: Asker, look: _Look) -> None:
    stream = asker.stream(_said(_WORD), usage=False)
    if STREAM in asker.dialect.refused:
        look.found("missing", "refuses to stream")
    elif stream.first_s is None or not stream.reason:
        what = "no words came" if stream.first_s is None else "the end does not say why it is one"
        look.found("broken", what)
    else:
        look.found("ok", f"first words after {stream.first_s:.2f} s")


def _usage(asker: Asker, look: _Look) -> None:
    if asker.stream(_said(_WORD), usage=True).usage:
        look.found("ok", "told at the end")
    else:
        look.found("missing", "not told")


def _calls(asker: Asker, look: _Look) -> None:
    _judge(look, asker.ask(_said(_SUM, tools=[_ADD]))["message"].get("tool_calls"), 1)


def _parallel(asker: Asker, look: _Look) -> None:
    _judge(look, asker.ask(_said(_SUMS, tools=[_ADD]))["message"].get("tool_calls"), 2)


def _streamed_calls(asker: Asker, look: _Look) -> None:
    stream = asker.stream(_said(_SUM, tools=[_ADD]), usage=False)
    _judge(look, stream.calls, 1)
    if look.state == "ok" and not stream.indexed:
        look.found("ok", f"{look.detail}; its pieces have no index")
    elif look.state == "missing" and stream.reason == "tool_calls":
        look.found("broken", "a call is announced and none comes")


def _judge(look: _Look, calls: object, least: int) -> None:
    """Say whether `calls`, in the OpenAI shape, are at least `least` that can be run."""
    told = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    found = [one if isinstance(one, dict) else {} for one in told]
    whole = [one for one in found if is_whole(one.get("name"), one.get("arguments"))]
    if len(whole) < len(found):
        look.found("broken", "arguments that are no strict JSON object, or no name")
    elif len(whole) < least:
        look.found("missing", "answered in words" if not whole else "one call at a time")
    else:
        look.found("ok", ", ".join(f"{one['name']}({one['arguments']})" for one in whole)[:80])


def _schema(asker: Asker, look: _Look) -> None:
    text = asker.ask(_said(_JSON, response_format=_FORMAT))["message"].get("content")
    try:
        total = strict_object(str(text or "")).get("total")
    except ValueError:
        look.found("missing", "takes the format and does not keep to it")
        return
    state: State = "ok" if isinstance(total, int) else "missing"
    look.found(state, f"total = {total}")


def _parameters(asker: Asker) -> Finding:
    look = _Look("parameters", "they are left out after the first refusal", "ok", "every one that was sent is taken")
    if asker.refused:
        look.found("missing", f"refuses {', '.join(sorted(asker.refused))}")
    return look.finding


def _said(text: str, **more: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


_CHECKS: tuple[tuple[_Look, Callable[[Asker, _Look], None]], ...] = (
    (_Look("streaming", "answers come in one piece"), _streams),
    (_Look("usage in streams", "tokens are counted here instead of told"), _usage),
    (_Look("tool calls", "chat cannot work; typed decisions are asked for as JSON"), _calls),
    (_Look("parallel tool calls", "calls come one after another"), _parallel),
    (_Look("streamed tool calls", "an answer with a call is asked for again in one piece"), _streamed_calls),
    (_Look("json_schema", "typed decisions go by a tool call, or as JSON in plain text"), _schema),
)
