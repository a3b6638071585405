"""When words about plans, crews, notes and about the work itself count: not in a goal, more where a plan was shown."""

import re

from agents.offline.context import Context
from agents.offline.monitoring_intents import GOAL
from agents.offline.optimising_intents import OF_OPTIMISING
from agents.offline.slots import Slots
from agents.offline.talking_patterns import TALKING
from agents.offline.votes import compiled, votes
from agents.offline.working_patterns import PLANNED, WORKING

OF_PLANS = frozenset({"make_plan", *PLANNED})
OF_WORK = frozenset({*WORKING, *PLANNED})
OF_TALK = frozenset(TALKING)

_WORKING, _PLANNED = compiled(WORKING), compiled(PLANNED)
_PLAN_BY_NAME = re.compile(r"\bplan\b|\bapprov", re.IGNORECASE)
_BY_A_CREW = re.compile(r"\b(?:with|by|using|let|through)\b(?:\s+\w+){0,2}\s+(?:crew|team|agents)\b", re.IGNORECASE)
_CORRECTS = re.compile(
    r"^\W*(?:(?:no|nope|sorry|oops|wait|actually|hm+|ah)\b.*)?"
    r"(?:\bi (?:mean|meant)\b|\bmeant\b|\bnot _?\w+, (?:but )?)|"
    r"^\W*(?:no|sorry|actually)\b(?!.*\b(?:file|thanks?)\b)",
    re.IGNORECASE,
)
_SAME_FOR_FILE = re.compile(
    r"^\W*(?:(?:and|now|ok|okay|then|also|please|what about|how about)\W+)*(?:for|with|on)\s+(?:the )?"
    r"_source_\W*(?:please|too)?\W*$"
    r"|\b(?:same|whole thing|do (?:it|that|this)|repeat|again|all (?:of )?(?:it|that))\b.*\b(?:for|with|on|to)\s+"
    r"(?:the )?_source_",
    re.IGNORECASE,
)
_AND_FOR = re.compile(
    r"^\W*(?:(?:and|now|ok|okay|then|also|please|what about|how about|the same|same|same thing|do it|do that|repeat it|"
    r"repeat that|it)\s+)+(?:for|on|with|to)?\b(?:\s+\w+){1,4}\W*$",
    re.IGNORECASE,
)


def _in_a_goal(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'predict which plan they choose' is a training, 'make a plan to predict churn' is none."""
    goal = GOAL.search(slots.rest)
    if goal is None or "train" not in score:
        return
    before = votes(slots.rest[: goal.start() + 1], _WORKING)
    planned = votes(slots.rest[: goal.start() + 1], _PLANNED)
    by_crew = {"crew"} if _BY_A_CREW.search(slots.rest) else set()
    for intent in (OF_WORK | OF_TALK) - before.keys() - planned.keys() - by_crew:
        score.pop(intent, None)


def _of_a_plan(score: dict[str, float], slots: Slots, context: Context) -> None:
    """What is only said of a plan; elsewhere only where the plan is named."""
    if not context.planned and not _PLAN_BY_NAME.search(slots.rest):
        return
    for intent, weight in votes(slots.rest, _PLANNED).items():
        if context.planned or intent != "edit_plan":
            score[intent] = max(score.get(intent, 0.0), weight)
    just_shown = context.planned and context.about in OF_PLANS
    for usual, meant, there in (
        ("go", "run_plan", just_shown),
        ("refine", "edit_plan", just_shown or (context.planned and context.plan_last)),
    ):
        if there and usual in score:
            score[meant] = max(score.get(meant, 0.0), score.pop(usual) + 1)


def _of_variants(score: dict[str, float], slots: Slots, context: Context) -> None:
    """Right after a table of variants 'why not the pruned one?' is about the table."""
    if context.about in OF_OPTIMISING:
        score.pop("why_choice", None)


def _corrections(score: dict[str, float], slots: Slots, context: Context) -> None:
    """'no, I meant MonthlyCharges', 'and for wine?' go on from the training with another column or table."""
    if context.trained and slots.source and not slots.rows and _SAME_FOR_FILE.search(slots.rest):
        score["refine"] = max(score.get("refine", 0.0), 6.5)
        return
    if not context.trained or slots.rows or slots.source or score.keys() & {"other_data", *OF_WORK}:
        return
    corrects = context.names_column and _CORRECTS.search(slots.rest)
    goes_on = (context.names_dataset or context.names_column) and _AND_FOR.search(slots.rest)
    if corrects or goes_on:
        score["refine"] = max(score.get("refine", 0.0), 6.5)


ADJUSTMENTS = (_of_a_plan, _in_a_goal, _of_variants, _corrections)
