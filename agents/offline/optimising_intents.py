"""When words about smaller and faster models count: not in a goal to train for, more right after an optimisation."""

import re

from agents.offline.context import Context
from agents.offline.goals import MADE_TO_PREDICT, bare_share
from agents.offline.monitoring_intents import GOAL
from agents.offline.optimising_patterns import AFTERWARDS
from agents.offline.slots import Slots
from agents.offline.variants import refused_in
from agents.offline.votes import compiled, votes

OF_OPTIMISING = frozenset({"optimise", "show_optimisation", "export", "benchmark"})

_AFTERWARDS = compiled(AFTERWARDS)
_SURE = 6.5
"""Votes from which on an optimisation is asked for by its own words, and not only something smaller."""
_TRAINS = 4.0
"""Votes of the word 'train' itself."""
_CALIBRATES = re.compile(r"\bcalibrat", re.IGNORECASE)
_MAKE_IT = re.compile(r"\b(?:make|get)\s+(?:it|(?:the|this|that) model|_model_)\s+_factor_", re.IGNORECASE)
_OF_A_MODEL = re.compile(
    r"\b(?:model|version|copy|one)\s+(?:of|from)\s+(?:it|this|that|_model_|_alias_|(?:the|my|our|this) model)(?!\w)"
    r"|_latency_|_size_|_loss_",
    re.IGNORECASE,
)
_LESS_MODEL = re.compile(
    r"\b(?:smaller|faster|tinier|lighter|slimmer|cheaper|leaner)\s+(?:model|network)\b", re.IGNORECASE
)
_PREDICTS = re.compile(r"\b(?:predict|forecast|classif|target)", re.IGNORECASE)
_TABLE = re.compile(r"\.(?:csv|tsv|parquet|jsonl?|xlsx?)$", re.IGNORECASE)


def _right_after(score: dict[str, float], slots: Slots, context: Context) -> None:
    """What is only said of a table of variants."""
    of_it = context.about in OF_OPTIMISING and (context.optimised or context.about == "optimise")
    if not of_it and not (context.about == "refine" and context.optimised):
        return
    for intent, weight in votes(slots.rest, _AFTERWARDS).items():
        score[intent] = max(score.get(intent, 0.0), weight)
    if slots.drop and refused_in(slots.drop):
        score["optimise"] = max(score.get("optimise", 0.0), 6.6)
    if bare_share(slots.rest) is not None:
        score["optimise"] = max(score.get("optimise", 0.0), 6.6)


def _quicker(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'make it quicker' is no shorter training."""
    if slots.factor is not None and slots.factor < 1 and _MAKE_IT.search(slots.rest):
        score["optimise"] = max(score.get("optimise", 0.0), 6.0)


def _not_in_a_goal(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'predict which runners get faster', 'build a model that flags slow requests' are trainings."""
    if "train" not in score or not GOAL.search(slots.rest) or MADE_TO_PREDICT.search(slots.rest):
        return
    less = _OF_A_MODEL.search(slots.rest) or _LESS_MODEL.search(slots.rest)
    if less and context.has_model and slots.source is None and not _PREDICTS.search(slots.rest):
        score["train"] = min(score["train"], score.get("optimise", 0.0) - 1)
        return
    for intent in OF_OPTIMISING:
        score.pop(intent, None)


def _needs_no_data(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'make a smaller model' beside a file is a training; a file for an optimisation holds rows to calibrate with."""
    if slots.source is None:
        return
    score.pop("benchmark", None)
    score.pop("show_optimisation", None)
    if _TABLE.search(slots.source):
        score.pop("export", None)
    if _CALIBRATES.search(slots.rest):
        return
    trains = score.get("train", 0.0) >= _TRAINS
    if trains or not context.has_model or score.get("optimise", 0.0) < _SURE:
        score.pop("optimise", None)


def _predictions_are_written(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'export the predictions to out.csv' is no export of a model."""
    if slots.out is not None and not slots.out.lower().endswith(".onnx"):
        score.pop("export", None)


ADJUSTMENTS = (_right_after, _quicker, _not_in_a_goal, _needs_no_data, _predictions_are_written)
