"""What a message wants: patterns and words vote, then the conversation has its say."""

import re

from agents.offline import monitoring_intents, optimising_intents, past_intents, working_intents
from agents.offline.context import Context
from agents.offline.everyday_patterns import EVERYDAY
from agents.offline.monitoring_patterns import MONITORING
from agents.offline.optimising_patterns import OPTIMISING
from agents.offline.past_patterns import PAST
from agents.offline.patterns import PATTERNS
from agents.offline.places import IMAGE_ENDINGS
from agents.offline.short_messages import WORDS
from agents.offline.slots import Slots
from agents.offline.talking_patterns import TALKING
from agents.offline.votes import compiled, votes
from agents.offline.working_patterns import WORKING

ENOUGH = 2.0
"""Votes from which on a message is understood."""


_TABLE = compiled({**EVERYDAY, **PATTERNS, **MONITORING, **OPTIMISING, **WORKING, **TALKING, **PAST})
_TOKEN = re.compile(r"[\w']+")
_AGAIN = re.compile(r"\b(?:again|instead|this time|once more|redo|re-?run|re-?train|repeat|same)\b", re.IGNORECASE)

_ONLY_SETTINGS = re.compile(r"_max_models_|_nofamily_|_device_|_processes_")
_BY_NAME = 7.0
_UNSEEN = re.compile(
    r"\b(?:classify|label|tag|sort|predict|score)\s+(?:all\s+)?(?:of\s+)?"
    r"(?:these|those|my new|the new|new|unseen|more|everything)\b.*_source_",
    re.IGNORECASE,
)
_TRAINS = re.compile(r"\b[Tt]rain|_(?:metric|family|nofamily|budget|seed|drop|max_models|device|processes)_")
_NEW_GOAL = re.compile(r"\b(?:predict|forecast|classify|target|label|new model|from scratch)\b", re.IGNORECASE)


def classify(slots: Slots, context: Context) -> str:
    """The name of what is wanted by rules alone, or 'unknown'."""
    score = votes_for(slots, context)
    best = max(score, key=lambda name: score[name], default="unknown")
    return best if score.get(best, 0.0) >= ENOUGH else "unknown"


def votes_for(slots: Slots, context: Context) -> dict[str, float]:
    """Votes of the rules for each kind of request."""
    score = _votes(slots.rest)
    for adjust in ADJUSTMENTS:
        adjust(score, slots, context)
    return score


def _votes(text: str) -> dict[str, float]:
    score = votes(text, _TABLE)
    said = frozenset(_TOKEN.findall(text.lower()))
    for intent, (weight, core, beside) in WORDS.items():
        if said & core and said <= core | beside:
            score[intent] = max(score.get(intent, 0.0), weight)
    return score


def _training_words_with_rows(score: dict[str, float], slots: Slots, context: Context) -> None:
    """Rows are for predicting; so is a file after 'predict' when a model is there and no other goal is named."""
    if slots.models and "predict" in score:
        score["predict"] += 1
    if slots.rows and "train" in score:
        score["train"] = min(score["train"], 3.5)
    if re.search(r"^\W*(?:please )?predict (?!_)", slots.rest, re.IGNORECASE) and "train" in score:
        score.pop("distil", None)
    applies = re.search(r"\bpredict\b.*\bfor\b\s+(?:\w+\s+){0,3}_source_", slots.rest, re.IGNORECASE)
    if applies and context.has_model and not re.search(r"\btrain|build|fit\b", slots.rest, re.IGNORECASE):
        score["predict"] = max(score.get("predict", 0.0), 5)


def _refine_needs_a_training(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'now with F1' goes on from a training; without one it is a wish for a training."""
    if "refine" not in score:
        return
    if context.trained:
        goes_on = _AGAIN.search(slots.rest) or (_ONLY_SETTINGS.search(slots.rest) and not _NEW_GOAL.search(slots.rest))
        if goes_on and not slots.source and "train" in score:
            score["refine"] = score["train"] + 0.5
    elif not context.plan_last:  # of a plan that was just made the plan is changed
        wish = score.pop("refine")
        if context.has_dataset or slots.source or wish >= 3:
            score["train"] = max(score.get("train", 0.0), wish)


def _words_of_the_goal(score: dict[str, float], slots: Slots, context: Context) -> None:
    """A goal to train for may hold any word ('predict the status of a job'): what follows 'predict' is no request."""
    if not re.search(r"\b(?:train|build|fit)\b.*\bmodel\b|^\W*(?:please )?predict (?!_)", slots.rest, re.IGNORECASE):
        return
    for intent in ("job_status", "show_model", "profile", "greeting", "list_datasets", "out_of_scope", "ordinal"):
        if "train" in score and intent in score:
            score[intent] = min(score[intent], score["train"] - 1)


def _it_is_the_data(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'describe it' means what was spoken of last."""
    if context.about_data and re.search(r"\b(?:describe|about|inspect|open) it\b", slots.rest, re.IGNORECASE):
        score["profile"] = 6.0


def _bare_predict(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'predict' and nothing else: with a model it asks for rows, without one for a training."""
    if context.has_model and re.fullmatch(r"\W*predict\W*", slots.rest, re.IGNORECASE):
        score["predict"] = 5.0


def _short_replies(score: dict[str, float], slots: Slots, context: Context) -> None:
    if "go" in score and "thanks" in score and not re.search(r"\byes|go|do\b", slots.rest, re.IGNORECASE):
        score["go"] = 0.0


def _report_after_training(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'how is it going' is about a job, 'how good is it' about a model; 'explain the data' is a profile."""
    if re.search(
        r"\bexplain\b.*\b(?:the|my|this) (?:data(?:set)?|table|file)\b(?!.*\bmodel\b)", slots.rest, re.IGNORECASE
    ):
        score["profile"] = 6.0
    if score.get("estimate") and "train" in score:
        score["train"] = min(score["train"], score["estimate"] - 1)


def _distil_needs_no_data(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'make a smaller model' beside a file is a training; a distillation is told by its name."""
    if slots.source is not None and score.get("distil", 0.0) < _BY_NAME:
        score.pop("distil", None)


def _one_image(score: dict[str, float], slots: Slots, context: Context) -> None:
    """A single image can only be answered about: 'what is in cat.png?'."""
    if slots.source is None or not slots.source.lower().endswith(IMAGE_ENDINGS):
        return
    if not re.search(r"\b(?:load|import|upload|evaluat\w+)\b", slots.rest, re.IGNORECASE):
        score["predict"] = 8.0


def _one_text(score: dict[str, float], slots: Slots, context: Context) -> None:
    """Quoted words, where a model reads texts, are a text to answer about: "is 'you won' spam?"."""
    quoted = [text for text in slots.quoted if " " in text.strip()]
    if quoted and context.has_model and context.reads_text and slots.source is None:
        score["predict"] = max(score.get("predict", 0.0), 6.0)


def _examples_by_name(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'classify these images: ./new' is a training without a model, and a prediction with one, unless settings of a
    training stand beside it."""
    if context.has_model and _UNSEEN.search(slots.rest) and not _TRAINS.search(slots.rest):
        score["predict"] = max(score.get("predict", 0.0), 5.0)


ADJUSTMENTS = (
    _training_words_with_rows,
    _refine_needs_a_training,
    _words_of_the_goal,
    _bare_predict,
    _it_is_the_data,
    _short_replies,
    _report_after_training,
    _distil_needs_no_data,
    _one_image,
    _one_text,
    _examples_by_name,
    *monitoring_intents.ADJUSTMENTS,
    *optimising_intents.ADJUSTMENTS,
    *working_intents.ADJUSTMENTS,
    *past_intents.ADJUSTMENTS,
)
