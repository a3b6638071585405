"""Retraining a watched model, and what follows: promoting its challenger, or going back to the champion before."""

import re

from agents.offline import retraining_wording as wording
from agents.offline.finding import budget_for, by_alias, given
from agents.offline.monitor_finding import monitor_for, registered_name
from agents.offline.playing import Offered, Play, Request, Told
from agents.offline.slots import Slots

_THE_CHALLENGER = re.compile(
    r"\b(?:promote|deploy|ship|crown|use|release|accept|take|go live with|switch to|put|make|turn|let)\s+"
    r"(?:the |our |my |new )*challenger\b",
    re.IGNORECASE,
)


def retrain(play: Play, request: Request) -> str:
    """A challenger for the watched model; when it wins, its promotion is offered."""
    monitor = monitor_for(play, request)
    budget = budget_for(request.slots, play.known.watched.retrained or {})
    result = play.use_mended("retrain_model", **given(monitor=monitor, budget_seconds=budget, seed=request.slots.seed))
    text = wording.retrained(result)
    if not result.get("passed"):
        return text
    challenger = str(result.get("challenger"))
    raise Offered(text, "Promote it?", "model", challenger, Request("promote", Slots(), f"promote {challenger}"))


def goes_on(play: Play, request: Request) -> bool:
    """Whether 'again, with 2 minutes' after a retraining is about it."""
    slots = request.slots
    of_a_training = (slots.metric, slots.families, slots.without, slots.drop, slots.source, slots.device)
    return play.known.about == "retrain_model" and not any(of_a_training)


def challenger_for(play: Play, request: Request) -> str | None:
    """The challenger that is to be promoted: the one that waits for a yes, or the one of that alias.

    None when the request is about another model.

    Raises:
        Told: the challenger did not win; it is promoted by its id only.
    """
    known, slots = play.known, request.slots
    by_its_name = _THE_CHALLENGER.search(request.words) is not None
    if slots.models or slots.ordinal is not None or (slots.alias == "challenger" and not by_its_name):
        return None
    last = known.watched.retrained
    if last is not None and not last.get("passed") and (by_its_name or known.about == "retrain_model"):
        raise Told(wording.not_passed(last))
    if by_its_name:
        return by_alias(play, "challenger")
    return known.watched.challenger if known.about in ("retrain_model", "advise") else None


def roll_back(play: Play, request: Request) -> str:
    """The champion before is the champion again; a version that is named by its id is promoted."""
    named = next((model for model in request.slots.models if model.startswith("mdl_")), None)
    if named is not None and re.search(r"\bto\b", request.slots.rest, re.IGNORECASE):
        return wording.rolled_back(play.use("promote_model", model=named, alias="champion"))
    alias = "challenger" if request.slots.alias == "challenger" else None
    name = registered_name(play, request)
    return wording.rolled_back(play.use_mended("roll_back_model", **given(name=name, alias=alias)))
