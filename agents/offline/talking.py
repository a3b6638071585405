"""Talk about the work itself: why this model, how sure, which data, what so far, undo, no the other file."""

from collections.abc import Mapping
from dataclasses import replace

from agents.offline import talking_wording as wording
from agents.offline.conversation import Known
from agents.offline.finding import NO_DATA, load, model_for
from agents.offline.playing import Asked, Play, Request, Skill, Told
from agents.offline.wording import name_of

_REPEATED = frozenset({"train", "refine", "estimate", "profile", "import"})
"""Requests that 'no, the other file' does again with the other one; what changes more is asked for by its own words."""

UNDO = (
    "I cannot take a turn back myself. In the chat, /undo goes back to before your last message. What was trained or "
    "written stays; 'roll back' gives the champion's place to the model before it."
)


def why_choice(play: Play, request: Request) -> str:
    """Why this model or metric, why not another, from the leaderboard of its training."""
    shown = play.use("show_model", model=model_for(play, request))
    slots = request.slots
    if slots.unknown_family:
        return wording.no_candidate(slots.unknown_family)
    if slots.metric is not None or "metric" in request.text.lower():
        return wording.why_metric(shown, slots.metric, play.known.training)
    asked = [*slots.without, *slots.families]
    return wording.why_model(shown, asked)


def judge(play: Play, request: Request) -> str:
    """Whether the result is good, and how sure: interval, baseline, validation beside test."""
    return wording.judged(play.use("show_model", model=model_for(play, request)))


def which_data(play: Play, request: Request) -> str:
    """Which table is spoken of, and what was predicted from it."""
    known = play.known
    if known.dataset is None:
        raise Told("We are not working on any data yet. Give me a file, or say 'load sample:churn'.")
    source = next((source for source, identity in known.sources.items() if identity == known.dataset), None)
    return wording.data_used(known.datasets.get(known.dataset, {"dataset": known.dataset}), source, known.training)


def so_far(play: Play, request: Request) -> str:
    """What was done in this conversation, in order."""
    return wording.done_so_far(play.known.worked.past)


def undo(play: Play, request: Request) -> str:
    """Turns are taken back by the session, not by words."""
    return UNDO


def other_data(skills: Mapping[str, Skill]) -> Skill:
    """'no, the other file': what was done last, with the other table; asked for where there are several or none."""

    def skill(play: Play, request: Request) -> str:
        other = load(play, request.slots) if request.slots.source else _other(play)
        about = play.known.about
        play.remarks.append(f"With {name_of(play.known.datasets.get(other, {}).get('name') or other)}.")
        # without words of its own: the settings of before are kept
        again = replace(
            request, text="", slots=replace(request.slots, source=None, datasets=(other,), target=None, ordinal=None)
        )
        if about in _REPEATED and about != "import":
            return skills["refine" if about == "train" else about](play, again)
        return skills["profile"](play, again)

    return skill


def _other(play: Play) -> str:
    known: Known = play.known
    left = [identity for identity in known.datasets if identity != known.dataset]
    if not left:
        rows = play.use("list_datasets").get("datasets") or []
        left = [str(row.get("dataset")) for row in rows if row.get("dataset") != known.dataset]
    if not left:
        raise Asked("source", f"I know only one table here. {NO_DATA}")
    if len(left) > 1:
        listing = "; ".join(f"{name_of(known.datasets.get(one, {}).get('name'))} ({one})" for one in left[:5])
        raise Asked("dataset", f"Which one do you mean? {listing}", tuple(left))
    return left[0]
