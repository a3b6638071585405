"""What a message wants, from the votes of the rules and, where those are not sure, from what the message is like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.offline import harmless
from agents.offline.context import Context
from agents.offline.intents import ENOUGH, votes_for
from agents.offline.meaning import Meaning
from agents.offline.past_intents import STARTS_WORK, asks_back
from agents.offline.slots import Slots
from agents.offline.standing import only_stands
from agents.offline.word_meanings import asks_column, asks_meaning
from agents.offline.working_intents import OF_PLANS

SURE, AHEAD = 4.5, 0.5
"""Votes from which on the rules decide alone, where the next kind has so many votes less."""
VOTE = 0.12
"""Likeness that one vote is worth."""
LIKE = 0.45
"""Likeness, votes included, from which on a message is understood."""
NEAR = 0.4
"""Likeness from which on something else is offered in its place."""

_NO_OFFER = frozenset(
    {"out_of_scope", "help", "greeting", "thanks", "go", "ordinal", "refine", "identity", "undo", "so_far"}
    # nothing that cannot be taken back is offered for something else
    | {"cancel", "forget", "promote", "roll_back", "retrain_model", "run_plan", "approve_step", "acknowledge"}
)
_NO = re.compile(
    r"^\W*(?:no|n|nope|nah|no thanks?|no thank you|not now|not yet|not really|don['’]?t)\W*$", re.IGNORECASE
)
_PROMOTION = re.compile(r"\bpromot|_alias_|\bdeploy|\bin use\b|\broll(?:ed)? back", re.IGNORECASE)
_COST = re.compile(
    r"\b(?:long\w*|time|costs?|minutes?|seconds?|hours?|memory|ram|takes?|ages|forever|expensive|costly|duration|"
    r"estimat\w*|dry|finish\w*|done|ready|complete|needed?|much)\b|_budget_",
    re.IGNORECASE,
)
_PROMOTES = re.compile(r"\bpromot", re.IGNORECASE)
_LATER_STEP = re.compile(r"\b(?:promot|watch|monitor|optimi[sz])\w*", re.IGNORECASE)
_GOOD = re.compile(r"\b(?:any good|good|bad|reliable|trust\w*|well|ok(?:ay)?)\b", re.IGNORECASE)
_PLAN = re.compile(r"\bplan\b|\bsteps?\b|\brun it\b", re.IGNORECASE)


@dataclass(frozen=True)
class Decision:
    """The kind of request; for an unknown one, the nearest example that could be done ('' without one)."""

    intent: str
    near: str = ""


def decide(slots: Slots, context: Context, meaning: Meaning | None) -> Decision:
    """What the message wants. A refusal starts no work, and a question none that was not asked for."""
    text = slots.rest
    if _NO.match(text):
        return Decision("declined")
    if asks_meaning(text):
        return Decision("word_meant")
    if slots.drop and only_stands(text):
        return Decision("standing")
    decision = _decided(slots, context, meaning)
    if harmless.refuses(text):
        return _refused(decision, text, context)
    if decision.intent == "explain" and _PROMOTES.search(text) and harmless.only_asks(text):
        return Decision("promotion_asked")
    no_cost = decision.intent == "estimate" and not _COST.search(text)
    if (decision.intent not in harmless.WORK | {"unknown"} and not no_cost) or not harmless.only_asks(text):
        return decision
    if decision.intent != "unknown" and harmless.is_asked_for(decision.intent, text):
        return decision
    answer = _answering(votes_for(slots, context), text, context)
    return decision if answer == decision.intent else Decision(answer)


def _refused(decision: Decision, text: str, context: Context) -> Decision:
    """'don't promote' of a plan that was just shown changes the plan."""
    if not (context.planned and (context.about in OF_PLANS or context.plan_last)):
        return Decision("never_mind")
    if decision.intent in ("edit_plan", "approve_step"):
        return decision
    return Decision("edit_plan" if _LATER_STEP.search(text) else "never_mind")


def _answering(votes: Mapping[str, float], text: str, context: Context) -> str:
    """What answers a question from facts, without any work; 'unknown' where nothing does."""
    if context.planned and _PLAN.search(text):
        return "show_plan"
    if context.names_column and asks_column(text):
        return "column_asked"
    if "_alias_" in text and _GOOD.search(text):
        return "judge"
    if _PROMOTION.search(text):
        return "promotion_asked"
    if context.has_model and "_family_" in text:
        return "why_choice"
    facts = {name: value for name, value in votes.items() if name not in harmless.WORK and name not in _COSTS}
    best = max(facts, key=lambda name: facts[name], default="unknown")
    return best if facts.get(best, 0.0) >= ENOUGH else "unknown"


_COSTS = frozenset({"evaluate", "benchmark", "test_model", "check_drift", "estimate", "predict", "ordinal"})
"""Kinds of request that calculate: no answer to something else."""


def _decided(slots: Slots, context: Context, meaning: Meaning | None) -> Decision:
    """Rules where they are sure; else votes and likeness together; 'unknown' where both are low."""
    votes = votes_for(slots, context)
    ranked = sorted(votes.values(), reverse=True)
    best = max(votes, key=lambda name: votes[name], default="unknown")
    sure = bool(ranked) and ranked[0] >= SURE and (len(ranked) == 1 or ranked[0] - ranked[1] >= AHEAD)
    if meaning is None or sure:
        return Decision(best if votes.get(best, 0.0) >= ENOUGH else "unknown")
    likeness = meaning.likeness(slots.rest)
    if asks_back(slots.rest):
        likeness = {name: value for name, value in likeness.items() if name not in STARTS_WORK}
    return _weighed(votes, likeness, slots, context, meaning)


def _weighed(
    votes: Mapping[str, float], likeness: Mapping[str, float], slots: Slots, context: Context, meaning: Meaning
) -> Decision:
    both = combined(votes, likeness, context)
    best = max(both, key=lambda name: both[name])
    if both[best] >= LIKE and best != "out_of_scope":
        return Decision(best)
    by_rule = max(votes, key=lambda name: votes[name], default="unknown")
    if votes.get(by_rule, 0.0) >= ENOUGH and likeness.get("out_of_scope", 0.0) < LIKE:
        return Decision(by_rule)  # nothing is like it, and a rule knows it
    near = {name: value for name, value in likeness.items() if name not in _NO_OFFER and possible(name, context)}
    nearest = max(near, key=lambda name: near[name], default="")
    if not nearest or near[nearest] < NEAR:
        return Decision("unknown")
    return Decision("unknown", meaning.nearest(slots.rest, frozenset({nearest})).text)


def combined(votes: Mapping[str, float], likeness: Mapping[str, float], context: Context) -> dict[str, float]:
    """Votes and likeness on one scale, of the kinds that can be meant at this point."""
    kinds = votes.keys() | {name for name in likeness if possible(name, context)}
    return {name: VOTE * votes.get(name, 0.0) + likeness.get(name, 0.0) for name in sorted(kinds)}


def possible(intent: str, context: Context) -> bool:
    """Whether a kind of request can be meant here by its likeness alone: 'approve step 3' only where a plan is."""
    if intent == "go" and (context.following is not None or (context.planned and context.about in OF_PLANS)):
        return False  # a bare 'go ahead' stands for that then
    needs = _NEEDS.get(intent)
    return needs is None or bool(getattr(context, needs))


_NEEDS: Mapping[str, str] = {
    "refine": "trained",
    "edit_plan": "planned",
    "run_plan": "planned",
    "approve_step": "planned",
    "show_optimisation": "optimised",
    "acknowledge": "monitored",
    "log_labels": "monitored",
    "monitor_status": "monitored",
    "advise": "monitored",
    "judge": "has_model",
    "why_choice": "has_model",
}
