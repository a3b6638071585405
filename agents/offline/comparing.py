"""Comparing rows with others: a file with a file, with a model's training rows, or the windows of a monitor."""

import re

from agents.offline import monitoring_wording as wording
from agents.offline.conversation import Json
from agents.offline.finding import model_for
from agents.offline.monitor_finding import monitor_for, said_name
from agents.offline.playing import Play, Request, Told
from agents.offline.reading import read_slots

NO_REFERENCE = (
    "There is no model yet whose training rows I could compare with. Name a second file, for example 'compare new.csv "
    "with old.csv', or train a model first."
)

_OLD_FIRST = re.compile(r"\b(?:from|between|since)\b(?:\s+\w+){0,3}?\s+(?:_source_|_dataset_)", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\b(?:reference|baseline|old|original)\b\W+(?:\w+\W+){0,3}?(?:_source_|_dataset_)"
    r"|(?:_source_|_dataset_)\W+(?:\w+\W+){0,3}?\b(?:reference|baseline)\b",
    re.IGNORECASE,
)


def check_drift(play: Play, request: Request) -> str:
    """A named table against another, or against a model's training rows; without a table the windows of a monitor."""
    current, reference = _named_tables(request)
    current = current or _just_loaded(play)
    if current is None:
        return _checked(play, monitor=monitor_for(play, request))
    if reference is not None:
        return _checked(play, reference=reference, data=current)
    return _checked(play, model=_reference_model(play, request), data=current)


def last_comparison(play: Play) -> Json | None:
    """The last comparison, where it was one without a monitor and is what was spoken of last."""
    known = play.known
    check = known.watched.check
    if check is None or check.get("monitor") or not check.get("found"):
        return None
    spoken_of = known.watched.monitor is None or known.about in ("check_drift", "advise", "drift_report")
    return check if spoken_of else None


def _checked(play: Play, **arguments: str) -> str:
    return wording.checked({**arguments, **play.use_mended("check_drift", **arguments)})


def _named_tables(request: Request) -> tuple[str | None, str | None]:
    """The current rows and the reference that the words name. Of two tables the first is the current one ('compare
    new.csv with old.csv'), unless it is said to be the older ('between old.csv and new.csv')."""
    slots = request.slots
    # 'compare new.csv to old.csv' reads like an order to write old.csv
    second = (slots.out or read_slots(slots.rest).source) if slots.source is not None else None
    named = [*filter(None, (slots.source, second)), *slots.datasets]
    if len(named) < 2:
        return (named[0] if named else None), None
    if _OLD_FIRST.search(slots.rest) or _REFERENCE.search(slots.rest):
        return named[1], named[0]
    return named[0], named[1]


def _just_loaded(play: Play) -> str | None:
    """The table that was spoken of last, when it is not the one that the last model was trained on."""
    known = play.known
    trained_on = (known.training or {}).get("dataset")
    return known.dataset if known.about in ("import", "profile") and known.dataset != trained_on else None


def _reference_model(play: Play, request: Request) -> str:
    """The model whose training rows are the reference: named, spoken of last, or the one that is watched."""
    known = play.known
    named = said_name(request)
    if named is not None or request.slots.models or known.model is not None:
        return named or model_for(play, request)
    if known.watched.model is not None:
        return known.watched.model
    if not play.use("list_models").get("models"):
        raise Told(NO_REFERENCE)
    return model_for(play, request)
