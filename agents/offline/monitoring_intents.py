"""When words about drift and monitors count: beside a goal they do not, after a monitor was spoken of they do more."""

import re

from agents.offline.context import Context
from agents.offline.monitoring_patterns import AFTER_RETRAINING, AFTERWARDS, MONITORED, MONITORING
from agents.offline.slots import Slots
from agents.offline.votes import compiled, votes

OF_MONITORING = frozenset(MONITORING) - {"roll_back"}
"""Requests after which a bare 'why?' is about the monitor; after a roll-back 'it' is the model again."""

_MONITORED, _AFTERWARDS, _AFTER_RETRAINING = compiled(MONITORED), compiled(AFTERWARDS), compiled(AFTER_RETRAINING)
GOAL = re.compile(
    r"(?:^|[,;:.]|\b(?:to|and|please|you|i|we|that|can|could|want|would|let's|me|now|then|model (?:for|of))\b)\s*"
    r"(?:predict|forecast|classify|estimate|regress|train|fit|build|develop|guess|model)\b(?!\w)"
    r"(?!\s+(?:(?:a|the|an|new|another|better|fresh)\s+)*(?:data|set|rows|split|file|challenger|monitor\w*|one|"
    r"replacement|_alias_)(?!\w)|\.\w)"
    r"|\b(?:build|train|make|create|need|want|develop|design|fit)\b(?:\s+\w+){0,4}\s+"
    r"(?:model|classifier|regressor|network)\s+(?:to|that|which|for|of)\b"
    r"|\b(?:who|which \w+) (?:\w+ )?(?:will|would|might|(?:is|are) (?:likely|going))\b|\btarget\b",
    re.IGNORECASE,
)
"""Where a goal to train for begins: it may hold any word."""
_LABELS = re.compile(r"labels?|truth|outcome|actuals", re.IGNORECASE)
_ASKED_FOR = 3.0
"""Votes from which on a load is asked for, and not only a file named."""
_SETTINGS = re.compile(r"\b(?:every|each|hourly|daily|weekly|nightly|windows?|once a|cron|schedule)\b", re.IGNORECASE)
_OF_A_TRAINING = re.compile(
    r"_(?:metric|family|nofamily|drop|max_models|device|processes|source|dataset)_|\btarget\b", re.IGNORECASE
)


def _of_the_conversation(score: dict[str, float], slots: Slots, context: Context) -> None:
    """What is only said of a monitor, or right after something was said of one."""
    for there, table in (
        (context.monitored or context.compared, _MONITORED),
        (context.about in OF_MONITORING, _AFTERWARDS),
        (context.about == "retrain_model", _AFTER_RETRAINING),
    ):
        for intent, weight in (votes(slots.rest, table) if there else {}).items():
            score[intent] = max(score.get(intent, 0.0), weight)


def _not_in_a_goal(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'predict who will drift away', 'build a model that monitors pumps' are trainings."""
    if "train" in score and GOAL.search(slots.rest):
        for intent in MONITORING:
            score.pop(intent, None)


def _retraining_of_the_watched(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'retrain it' is about the watched model; with settings, or with only a training before it, about the training."""
    if "retrain_model" not in score:
        return
    before = (context.trained or context.has_dataset) and not context.monitored
    if before or _OF_A_TRAINING.search(slots.rest):
        score.pop("retrain_model")


def _files_are_compared(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'monitor june.csv' asks for a look at the file: only models are watched."""
    if slots.source is not None and score.pop("watch", 0.0):
        score["check_drift"] = max(score.get("check_drift", 0.0), 6.0)


def _files_of_labels(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'load labels.csv' beside a monitor brings labels, by the file's own name; a folder holds examples to train on."""
    if slots.source is None:
        return
    called_so, loads = _LABELS.search(slots.source), score.get("import", 0.0) >= _ASKED_FOR
    if "." not in slots.source.rsplit("/", 1)[-1] or (loads and not called_so and not context.monitored):
        score.pop("log_labels", None)
    elif context.monitored and called_so and "import" in score:
        score["log_labels"] = max(score.get("log_labels", 0.0), 5.0)


def _goes_on_watching(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'every hour, with windows of 200 rows' after 'watch it' is about the same monitor."""
    if context.about == "watch" and _SETTINGS.search(slots.rest):
        score["watch"] = max(score.get("watch", 0.0), 6.0)


def _goes_ahead(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'go ahead' after advice to retrain, or after a challenger has won."""
    if "go" in score and context.following is not None:
        score[context.following] = score.pop("go") + 1


ADJUSTMENTS = (
    _of_the_conversation,
    _not_in_a_goal,
    _retraining_of_the_watched,
    _files_are_compared,
    _files_of_labels,
    _goes_on_watching,
    _goes_ahead,
)
