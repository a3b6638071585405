"""Which monitor a request means, and which registered name: by its words, by the conversation, by one look."""

import re
from collections.abc import Mapping
from typing import Any

from agents.offline.finding import model_for
from agents.offline.playing import Asked, Play, Request, Told
from agents.offline.reading import read_slots
from agents.offline.wording import name_of
from agents.offline.words import parts

NO_MONITOR = (
    "No model is watched yet. Say 'watch it' after training one or 'monitor NAME' with a model's name; or name a file, "
    "as in 'check new.csv for drift', to compare it with the rows that the last model was trained on."
)
_NAME = re.compile(
    r"\b(?:monitors?|watch|observe|check|eye on|track of|models?|of|for|on|back|retrain|is|are|how's|does|to|about)\s+"
    r"(?:the )?(?:model |monitor )?(?:called |named )?[\"'`]?([A-Za-z][\w.]*(?:-[A-Za-z_][\w.]*)+)"
    r"(?:@\w+)?[\"'`]?(?![\w/])",
    re.IGNORECASE,
)
_ORDINARY = re.compile(
    r"(?:re|non|pre|un|long|short|real|data|drift|time|up|in|well|so|half|one|two|three|six|twelve|on|off|day|end|check|"
    r"roll|follow|look|year|old|state|out|all)-",
    re.IGNORECASE,
)


def said_name(request: Request) -> str | None:
    """A name of the registry or of a monitor in the words ('churn-Churn'), known or not; no file, and no ordinary
    word with a hyphen."""
    found = [match.group(1) for match in _NAME.finditer(request.words)]
    return next((name for name in found if not _ORDINARY.match(name) and read_slots(name).source is None), None)


def named_monitor(play: Play, request: Request) -> str | None:
    """Id or name of the monitor that the words name, by its place in the last list too; None when they name none."""
    known = play.known.watched
    if request.slots.monitors:
        return request.slots.monitors[0]
    place = request.slots.ordinal
    if place is not None and -len(known.listed) <= place < len(known.listed):
        return known.listed[place]
    return _named(request.words, known.monitors) or said_name(request)


def monitor_for(play: Play, request: Request) -> str:
    """Id or name of the monitor: named, the last one spoken of, or the only one.

    Raises:
        Told: there is none.
        Asked: there are several.
    """
    return named_monitor(play, request) or play.known.watched.monitor or _only(play, request)


def _only(play: Play, request: Request) -> str:
    known = play.known.watched
    if not known.monitors:
        play.use("monitor_status")
    rows = known.monitors
    if not rows:
        raise Told(NO_MONITOR)
    found = _named(request.words, rows) or (next(iter(rows)) if len(rows) == 1 else None)
    if found is not None:
        return found
    listing = "; ".join(f"{name_of(row.get('name'))} ({identity})" for identity, row in list(rows.items())[:5])
    raise Asked("monitor", f"Which monitor do you mean? {listing}", tuple(rows))


def _named(text: str, rows: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The one monitor whose name, or whose model's name, stands in the text (case ignored)."""
    said = f" {' '.join(parts(text))} "
    found = {
        identity
        for identity, row in rows.items()
        for place in ("name", "model")
        if (name := " ".join(parts(str(row.get(place) or "")))) and f" {name} " in said
    }
    return found.pop() if len(found) == 1 else None


def registered_name(play: Play, request: Request) -> str:
    """The name in the registry whose versions are meant: named, of a monitor spoken of, or of the last model."""
    named = next(iter(request.slots.models), None)
    if named is not None and not named.startswith("mdl_"):
        return named.partition("@")[0]
    said = said_name(request)
    if said is not None or (named is None and play.known.watched.model is not None):
        return said or str(play.known.watched.model)
    model = model_for(play, request)
    row = play.known.models.get(model, {})
    return str(row.get("name") or play.use("show_model", model=model).get("summary", {}).get("name"))
