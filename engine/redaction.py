"""Passwords, keys and addresses that are keys, blotted out of whatever is written down or told: the one home for it.

It goes by the usual forms of secrets, and by the exact secrets that this process was started with (`keep_out`). A
password that looks like a word, and that nothing calls a password, is not recognised.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.secret_forms import FIELD, FORMS, SIGN, unfinished

if TYPE_CHECKING:
    from sqlalchemy import URL

HIDDEN = "***"
LEAST_EXACT = 8
"""Characters that an exact secret has at least: a shorter one would blot out words."""
_AHEAD = 64
"""Characters before a piece of streamed text that are looked at together with it."""
_BEGUN = 4
"""So many characters of an exact secret at the end of a piece, and the piece waits for the next."""
_LONGEST_WAIT = 8_000
"""Characters that wait for the end of a secret; when there are more, they are taken for a part of it."""
_HEAD = 256
"""Characters that a secret begins with, by which what follows is known as a part of it."""


_exact: tuple[str, ...] = ()
"""The secrets of this process, the longest first. A process has one set of settings, and logs belong to all of it."""


def keep_out(secrets: Iterable[str]) -> None:
    """From now on blot out these exact texts wherever they appear; those of less than 8 characters are left alone."""
    global _exact
    known = {*_exact, *(form for secret in secrets if len(secret) >= LEAST_EXACT for form in _as_written(secret))}
    _exact = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))


def _as_written(secret: str) -> set[str]:
    """A secret as it stands in a text, in JSON, and in JSON that is a text in JSON."""
    forms = {secret}
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=ascii_)[1:-1] for form in forms for ascii_ in (True, False)}
    return forms


def redacted(value: Any) -> Any:  # noqa: ANN401  JSON
    """A JSON-like value, or a text, without its secrets. Equal to what was given where it held none."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return {
            redacted(key): _blank(item) if isinstance(key, str) and FIELD.fullmatch(key) else redacted(item)
            for key, item in value.items()
        }
    return [redacted(item) for item in value] if isinstance(value, list | tuple) else value


def redacted_text(text: str) -> str:
    """The text without its secrets."""
    spans = _spans(text) if may_hold_secret(text) else []
    return _part(text, spans, 0, len(text)) if spans else text


def kind_of_secret(text: str) -> str | None:
    """What a text looks as if it held, e.g. 'an API key'; None where it looks harmless."""
    if any(secret in text for secret in _exact):
        return "a secret of the settings"
    return next((form.what for form in FORMS if form.pattern.search(text)), None)


def may_hold_secret(text: str) -> bool:
    """Whether a text has to be looked at. Cheap; JSON may be asked as it stands."""
    return SIGN.search(text) is not None or (bool(_exact) and any(secret in text for secret in _exact))


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with these exact secrets blotted out, whatever their length, and any that have a usual form."""
    for secret in filter(None, secrets):
        text = text.replace(secret, HIDDEN)
    return redacted_text(text)


def url_without_secrets(url: "URL") -> str:
    """A database's URL without password and parameters, both of which may hold secrets."""
    return url.set(query={}).render_as_string(hide_password=True)


def without_secrets(source: str) -> str:
    """A source of data as it may be shown and kept: a URL without its password and parameters."""
    if "://" not in source or source.startswith("file://"):
        return source
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    scheme = source.partition("://")[0]
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):
        return f"{scheme}://{HIDDEN}"
    # a password with an unquoted '/' in it is read as part of the database's name
    return f"{scheme}://{HIDDEN}" if "@" in (url.database or "") else url_without_secrets(url)


class Pieces:
    """Text that comes in pieces, without the secrets that are spread over several of them.

    A piece that may be the beginning of a secret waits until that is whole or turns out to be none, and so do those
    that follow it; all others pass at once. What waits is looked at again when it is a little longer, so that the time
    grows with the length of the text and not with its square.
    """

    def __init__(self) -> None:
        self._before = ""
        self._waiting: list[str] = []
        self._length = self._look_at = 0

    @property
    def waits(self) -> bool:
        """Whether the newest piece waits."""
        return bool(self._waiting)

    def add(self, piece: str) -> list[str]:
        """Take a piece, and give those that may be told now, in order: each of those that were added comes out once."""
        if not self._waiting:
            context = self._before + piece
            if not SIGN.search(context) and not (_exact and _begins_exact(context)):
                self._before = context[-_AHEAD:]
                return [piece]
        self._waiting.append(piece)
        self._length += len(piece)
        if self._length < self._look_at:
            return []
        context = "".join([self._before, *self._waiting])
        start = _unfinished(context)
        if start is not None and len(context) - start > _LONGEST_WAIT:
            told = self._told(context, len(context), [(start, len(context))])
            self._before = context[max(0, start - _AHEAD) : start + _HEAD] + context[-_AHEAD:]
            return told
        return self._told(context, len(context) if start is None else start)

    def end(self) -> list[str]:
        """The pieces that still wait, when no more are to come."""
        context = "".join([self._before, *self._waiting])
        told = self._told(context, len(context))
        self._before = ""
        return told

    def _told(self, context: str, until: int, secret: Sequence[tuple[int, int]] = ()) -> list[str]:
        """The pieces that end before the place `until`, without what is `secret` in them, by itself or by its form."""
        place = len(self._before)
        spans = _spans(context, secret) if self._waiting and place + len(self._waiting[0]) <= until else []
        out = []
        for piece in self._waiting:
            if place + len(piece) > until:
                break
            out.append(_part(context, spans, place, place + len(piece)))
            place += len(piece)
        del self._waiting[: len(out)]
        self._before = context[max(0, place - _AHEAD) : place] if out else self._before
        self._length = len(context) - place
        self._look_at = self._length + self._length // 8 if self._length > _HEAD else 0
        return out


def guard_logs() -> None:
    """Have every log record of this process, whoever writes it and wherever it goes, made without secrets."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401  as logging's own
        record = make(*args, **kwargs)
        _clean(record)
        return record

    made.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(made)


def print_clean() -> None:
    """Have what ends this process, or a thread of it, unexpectedly printed without secrets: it goes to a log."""
    sys.excepthook = lambda kind, error, trace: sys.stderr.write(trace_of(error))
    threading.excepthook = lambda given: given.exc_value and sys.stderr.write(trace_of(given.exc_value))


def scrub(error: BaseException) -> None:
    """Take the secrets out of an error's own words."""
    if not may_hold_secret(str(error)):
        return
    error.args = tuple(redacted(part) for part in error.args)
    for name in ("sentence", "hint"):
        words = getattr(error, name, None)
        if isinstance(words, str):
            setattr(error, name, redacted_text(words))


def trace_of(error: BaseException) -> str:
    """The traceback of an error as text, without secrets."""
    return redacted_text("".join(traceback.format_exception(error)))


def _clean(record: logging.LogRecord) -> None:
    if isinstance(record.args, Mapping):
        record.args = redacted(record.args)  # a name in it may say that a value is secret
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        return  # a message that does not fit its arguments: logging itself says so
    clean = redacted_text(message)
    if clean != message:
        # some formatters read the arguments one by one, so these stay where that is enough
        if isinstance(record.args, tuple):
            record.args = tuple(redacted_text(part) if isinstance(part, str) else part for part in record.args)
        if record.getMessage() != clean:
            record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[1] is not None:
        # what a formatter finds here it does not make itself
        record.exc_text = trace_of(record.exc_info[1]).rstrip("\n")


def _blank(value: object) -> object:
    """What stands under a name that says it is secret."""
    if isinstance(value, str):
        return HIDDEN if value else value
    if isinstance(value, list | tuple):
        return [_blank(item) for item in value]
    return redacted(value)


def _spans(text: str, known: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """The places of the secrets in a text, with those `known` already, in order and apart."""
    found = list(known)
    for form in FORMS:
        if form.sign.search(text):
            found += [match.span(match.lastindex or 0) for match in form.pattern.finditer(text)]
    for secret in _exact:
        place = text.find(secret)
        while place >= 0:
            found.append((place, place + len(secret)))
            place = text.find(secret, place + len(secret))
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _part(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> str:
    """`text[start:end]` with the secrets blotted out; one that began before `start` has been shown as one there."""
    out, place = [], start
    for begin, stop in spans:
        if stop <= start or begin >= end:
            continue
        out.append(text[place : max(begin, start)])
        out.append(HIDDEN if begin >= start else "")
        place = min(stop, end)
    return "".join([*out, text[place:end]])


def _unfinished(text: str) -> int | None:
    """Where the end of a text begins that may be the beginning of a secret."""
    start = unfinished(text)
    starts = [] if start is None else [start]
    starts += [len(text) - length for secret in _exact if (length := _overlap(text, secret))]
    return min(starts, default=None)


def _begins_exact(text: str) -> bool:
    return any(secret[:_BEGUN] in text for secret in _exact)


def _overlap(text: str, secret: str) -> int:
    """How many characters at the end of `text` begin `secret`; 0 where they are too few to tell."""
    return next((n for n in range(min(len(text), len(secret) - 1), _BEGUN - 1, -1) if text.endswith(secret[:n])), 0)
