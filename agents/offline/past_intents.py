"""When words about the past count: never in a goal, after a list by the list, and never to start work."""

import re

from agents.offline.context import Context
from agents.offline.past_patterns import ASKS_BACK, PAST
from agents.offline.slots import Slots

OF_PAST = frozenset(PAST)
STARTS_WORK = frozenset(
    {"train", "refine", "estimate", "distil", "optimise", "retrain_model", "promote", "roll_back", "crew", "go"}
    | {"run_plan", "edit_plan", "approve_step", "watch", "forget", "remember", "cancel", "export", "benchmark"}
)
"""Kinds of request that change something or take time."""
LISTS = frozenset({"list_models", "compare", "list_datasets", "list_jobs", "monitor_status"})
_GOES_ON = ("past_score", "past_settings", "past_target")
_BY_ORDINAL, _BY_DEFAULT = 6.5, 4.6
_WITH = re.compile(r"\b(?:what|how)\b.*\b(?:model|one|training|run) (?:with|including) (?!_)", re.IGNORECASE)
_REACHED = re.compile(
    r"^\W*(?:\w+\W+){0,3}?(?:what|which|how)\b.*\b(?:did|has|had)\b.*\b(?:reach\w*|get|got|score\w*|achieve\w*|do|done)\b",
    re.IGNORECASE,
)
_TOPIC = re.compile(r"\b(?:train\w*|model|budget|metric|columns?|settings?|seed)\b|_[a-z]+_", re.IGNORECASE)


def asks_back(text: str) -> bool:
    """Whether a message (with placeholders) asks about what was said or done."""
    return ASKS_BACK.search(text) is not None


def _by_the_list(score: dict[str, float], slots: Slots, context: Context) -> None:
    """Right after a list 'the second one' is that of the list; after a question about a model, of the trained ones."""
    if "_ordinal_" in slots.rest and context.about in LISTS and "ordinal" in score:
        score.pop("past_score", None)
    elif context.about in _GOES_ON and "ordinal" in score and not score.keys() & OF_PAST:
        score[str(context.about)] = max(score["ordinal"] + 1, _BY_ORDINAL)


def _with_a_column(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'how good was the model with gender?' is about one of those that were trained, not about the last one."""
    if context.names_column and "show_model" in score and _WITH.search(slots.rest):
        score["past_score"] = max(score.get("past_score", 0.0), _BY_ORDINAL)


def _was_measured(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'what score did it reach on the test rows?' is on record: another look at the sealed rows would tell no more."""
    if _REACHED.search(slots.rest) and slots.source is None and not slots.datasets:
        score.pop("evaluate", None)


def _no_work(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'did you train without gender?' is answered, not done."""
    if not asks_back(slots.rest):
        return
    asked = score.keys() & STARTS_WORK
    for intent in asked:
        del score[intent]
    if not score and (asked or _TOPIC.search(slots.rest)):
        score["past_settings"] = _BY_DEFAULT


ADJUSTMENTS = (_by_the_list, _with_a_column, _was_measured, _no_work)
