"""What a provider's client raises, as typed errors: what went wrong, the next step, and whether to ask again."""

import logging
import math
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx
from langchain_core.exceptions import ContextOverflowError
from pydantic import SecretStr

from engine.errors import MillwrightError, ProviderFailed
from engine.redaction import without

Repeat = Literal["never", "once", "often"]
"""Whether asking again may help: never, one time at most, or as often as the settings allow."""
log = logging.getLogger("millwright.provider")
_OVERFLOW_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"})
"""What endpoints call a conversation that is too long: the OpenAI dialect, llama.cpp, and one message too long."""
_SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""A 429 that no waiting mends."""
QUOTED = 200
"""Characters of an endpoint's own words that are shown."""


class ContextOverflow(ProviderFailed):
    """The conversation is longer than the model can read: shown less, it can go on."""

    code = "context_length_exceeded"


class EndpointFailed(ProviderFailed):
    """An endpoint gave no answer that can be used.

    `status` is the HTTP status, where one came; `wait_s` the seconds it asks to wait; `elsewhere` says that another
    endpoint may well do better; `names` are the parameters that a refusal names, and `said` is its own words.
    """

    def __init__(
        self,
        sentence: str,
        hint: str,
        *,
        repeat: Repeat = "never",
        status: int | None = None,
        wait_s: float | None = None,
        elsewhere: bool = True,
        names: str = "",
        said: str = "",
    ) -> None:
        super().__init__(sentence, hint)
        self.repeat, self.status, self.wait_s = repeat, status, wait_s
        self.elsewhere, self.names, self.said = elsewhere, names, said


def not_an_answer() -> EndpointFailed:
    """For an answer that is no chat answer: HTML, no choices, pieces of another shape."""
    return EndpointFailed(
        "The language model's endpoint sent something that is not a chat answer.",
        "Check MILLWRIGHT_LLM__BASE_URL (it usually ends in /v1).",
        repeat="once",
    )


class LostCalls(EndpointFailed):
    """An answer says that it calls tools, and no call came: some endpoints lose them in a stream."""


def lost_calls() -> LostCalls:
    """For an answer that ended with calls, of which none arrived."""
    return LostCalls(
        "The language model's endpoint said that tools are called and sent no call.",
        "`millwright doctor --llm` says what the endpoint can do.",
        repeat="once",
    )


def broke_off() -> EndpointFailed:
    """For an answer that ended without saying why."""
    return EndpointFailed(
        "The language model's answer broke off before its end; it was not used.",
        "Send the message again.",
        repeat="often",
    )


def too_late() -> EndpointFailed:
    """For an answer that took too long."""
    return EndpointFailed(
        "The language model did not answer in time.",
        "Send the message again, or raise MILLWRIGHT_LLM__TIMEOUT_S and MILLWRIGHT_LLM__DEADLINE_S.",
        repeat="often",
    )


@contextmanager
def provider_errors(secrets: Sequence[SecretStr] = ()) -> Iterator[None]:
    """Turns what a client raises into ProviderFailed; our own errors pass. `secrets` are blotted out of every text."""
    try:
        yield
    except MillwrightError:
        raise
    except Exception as error:  # the border to foreign clients, each with its own error types
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s", blotted("".join(traceback.format_exception(error)), secrets))
        # the client's error may quote the key that was sent, so no traceback goes on to it
        raise provider_failed(error, secrets) from None


def provider_failed(error: Exception, secrets: Sequence[SecretStr] = ()) -> ProviderFailed:
    """The typed error for what a provider's client raised, with the next step for the user."""
    if is_overflow(error):
        return ContextOverflow(
            "The conversation is longer than the language model can read.",
            "Say it in a shorter message, or start a new session.",
        )
    ours = next((step for step in _chain(error) if isinstance(step, ProviderFailed)), None)
    if ours is not None:
        return ours
    status = getattr(error, "status_code", None)
    for cause in _CAUSES:
        if cause.matches(error, status):
            quoted = _quoted(error, secrets) if cause.quotes else ""
            return EndpointFailed(
                cause.sentence,
                f"{quoted}{cause.hint}",
                repeat=cause.repeat,
                status=status,
                wait_s=asked_wait(_headers(error), time.time()),
                elsewhere=not cause.quotes,
                names=blotted(_named(error), secrets) if cause.quotes else "",
                said=quoted.strip(),
            )
    hint = f"{_quoted(error, secrets)}Check the endpoint's log."
    # an error event inside a stream is one of these: the request itself was taken
    repeat: Repeat = "often" if status is None else "never"
    sentence = f"The language model could not answer ({type(error).__name__})."
    return EndpointFailed(sentence, hint, repeat=repeat, status=status)


def is_overflow(error: BaseException) -> bool:
    """Whether a provider refused a conversation as too long: by the type of its error, or the code in its answer."""
    return any(
        isinstance(step, ContextOverflowError) or not _OVERFLOW_CODES.isdisjoint(_codes(step)) for step in _chain(error)
    )


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an endpoint asks to wait, by `Retry-After` (seconds or a date) or `retry-after-ms`.

    None where it does not say, or says nothing that can be read. `now` is Unix time.
    """
    exact, plain = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        wait = float(exact) / 1000 if exact else float(plain or "nan")
    except ValueError:
        try:
            wait = parsedate_to_datetime(plain or "").timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None


def blotted(text: str, secrets: Sequence[SecretStr]) -> str:
    """The text without these secrets, and without whatever else looks like one."""
    return without(text, [secret.get_secret_value() for secret in secrets])


def _headers(error: Exception) -> Mapping[str, str]:
    found = getattr(getattr(error, "response", None), "headers", None)
    return found if isinstance(found, Mapping) else {}


def _body(error: BaseException) -> object:
    """What the endpoint said, without the envelope `{"error": ...}`."""
    body = getattr(error, "body", None)
    return body.get("error", body) if isinstance(body, dict) else body


def _codes(error: BaseException) -> set[str]:
    """The codes and types that an endpoint's answer names."""
    inner = _body(error)
    told = [inner.get(name) for name in ("code", "type")] if isinstance(inner, dict) else []
    return {str(value) for value in (*told, getattr(error, "code", None)) if value is not None}


def _named(error: Exception) -> str:
    """Where a refusal names what it refuses: `param`, the places of a validation error, else the start of its words.

    Not the whole answer: some endpoints repeat the request in it.
    """
    inner = _body(error)
    if isinstance(inner, dict):
        if inner.get("param"):
            return str(inner["param"])
        details = inner.get("detail")
        if isinstance(details, list):
            return " ".join(str(one.get("loc")) for one in details if isinstance(one, dict))
        return str(inner.get("message") or details or "")[:QUOTED]
    return str(inner or "")[:QUOTED]


def _quoted(error: Exception, secrets: Sequence[SecretStr]) -> str:
    """The endpoint's own words as one short line; '' where it said none."""
    inner = _body(error)
    said = (inner.get("message") or inner.get("detail")) if isinstance(inner, dict) else inner
    words = " ".join(blotted(str(said or ""), secrets).split())
    shown = "".join(letter for letter in words if letter.isprintable())[:QUOTED]
    return f"It says: {shown!r}. " if shown else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from: clients wrap the transport's error once or twice."""
    step: BaseException | None = error
    while step is not None:
        yield step
        step = step.__cause__


Match = Callable[[Exception, int | None], bool]


def _is_timeout(error: Exception, status: int | None) -> bool:
    return any(isinstance(step, TimeoutError | httpx.TimeoutException) for step in _chain(error))


def _is_connection(error: Exception, status: int | None) -> bool:
    return any(isinstance(step, ConnectionError | httpx.TransportError) for step in _chain(error))


def _is_garbage(error: Exception, status: int | None) -> bool:
    return status is None and isinstance(error, ValueError | IndexError | KeyError | TypeError | AttributeError)


def _is_spent(error: Exception, status: int | None) -> bool:
    return status in (402, 429) and (status == 402 or not _SPENT_CODES.isdisjoint(_codes(error)))


def _has_status(*statuses: int) -> Match:
    return lambda error, status: status in statuses


def _server_error(error: Exception, status: int | None) -> bool:
    return status is not None and status >= 500


@dataclass(frozen=True)
class _Cause:
    """One kind of failure. `quotes`: the endpoint refused this very request, and its words say why."""

    matches: Match
    sentence: str
    hint: str
    repeat: Repeat
    quotes: bool = False


_GARBAGE, _LATE = not_an_answer(), too_late()
_CAUSES = (
    _Cause(
        _has_status(401, 403),
        "The language model's endpoint refused the key.",
        "Check MILLWRIGHT_LLM__API_KEY.",
        "never",
    ),
    _Cause(
        _has_status(404),
        "The language model's endpoint does not know this model or path.",
        "Check MILLWRIGHT_LLM__MODEL and MILLWRIGHT_LLM__BASE_URL (it usually ends in /v1).",
        "never",
    ),
    _Cause(
        _is_spent,
        "The account at the language model's endpoint is used up.",
        "Top it up there, or set MILLWRIGHT_LLM__FALLBACK_MODEL.",
        "never",
    ),
    _Cause(
        _has_status(429),
        "The language model's endpoint is limiting requests.",
        "Wait a little and send the message again.",
        "often",
    ),
    _Cause(
        _has_status(400, 405, 413, 415, 422, 501),
        "The language model's endpoint refused the request.",
        "Start a new session if the conversation is long; `millwright doctor --llm` says what the endpoint can do.",
        "never",
        quotes=True,
    ),
    _Cause(
        _server_error,
        "The language model's endpoint failed (a server error).",
        "Send the message again in a while.",
        "often",
    ),
    _Cause(_has_status(408, 409, 425), _LATE.sentence, _LATE.hint, _LATE.repeat),
    _Cause(_is_timeout, _LATE.sentence, _LATE.hint, _LATE.repeat),
    _Cause(
        _is_connection,
        "The language model's endpoint could not be reached.",
        "Check MILLWRIGHT_LLM__BASE_URL and that the server runs, or set MILLWRIGHT_LLM__PROVIDER=offline.",
        "often",
    ),
    _Cause(_is_garbage, _GARBAGE.sentence, _GARBAGE.hint, _GARBAGE.repeat),
)
