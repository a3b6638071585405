"""What a step is expected to cost: seconds and memory from the tools' own estimates, tokens from the prompts."""

import json
import math
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agents.offline import OfflinePlanner
from agents.plan import ASKS, Step, StepEstimate
from agents.plan_references import references_in, replaced
from agents.plan_words import MONITOR
from engine.errors import MillwrightError
from graphs.decisions import CHOOSE_MODELS, NEXT_ROUND, model_facts
from graphs.pace import MAX_ROUNDS, Pace
from graphs.proposals import Facts, Question
from graphs.run_plan import TRAIN, TUNE, Outlook
from graphs.run_types import RunRequest
from tools.arguments import parse_request
from tools.data import DatasetProfile
from tools.spec import Estimate, ToolSpec
from tools.workshop import Workshop

CHARACTERS_PER_TOKEN = 3.2
"""Fewer than English text has (about 4), so that the count is rather too high than too low."""
ANSWER_TOKENS = 150
"""Of one proposal: a call with a few names and a sentence."""
MEASURED = {MONITOR: 1.0}
"""Seconds of tools that change something and whose own estimate is nothing: reading the reference, writing the plan of
checks."""
LIMITS = ("budget_seconds", "seconds")
"""Arguments by which a tool is told how long it may take."""


@dataclass(frozen=True)
class Costs:
    """The estimates of one plan."""

    workshop: Workshop
    model: BaseChatModel
    request: RunRequest
    profile: DatasetProfile
    outlook: Outlook

    def of_training(self, step: Step) -> Step:
        """The step with tokens and money; a round asks the model once, and rounds of variants are counted in full."""
        facts = model_facts(self.request, self.profile, self.outlook, self.request.budget_seconds)
        tokens = 0
        if step.id == TRAIN:
            tokens = self._tokens(CHOOSE_MODELS, facts)
        elif step.id == TUNE and Pace(self.request.budget_seconds).budget is not None:
            # what is told after a round is about as long as what is told before the first, with the leaderboard
            tokens = (MAX_ROUNDS - 1) * self._tokens(NEXT_ROUND, facts)
        return _with(step, tokens=tokens, money=self._money(tokens))

    def of_later(self, step: Step) -> Step:
        """The step with all estimates: no language model is asked for it."""
        spec = self.workshop.tools.get(step.tool)
        expected = None if spec is None else self._estimate(spec, step)
        if expected is not None:
            step = _with(step, seconds=expected.seconds, memory_mb=expected.memory_mb)
        elif spec is not None and (limit := _limit(spec, step)) is not None:
            step = _with(step, seconds=limit)
        return _with(step, tokens=0, money=0.0)

    def _estimate(self, spec: ToolSpec, step: Step) -> Estimate | None:
        """The tool's own estimate; None where it needs what only an earlier step will make."""
        try:
            arguments = {name: replaced(value, str) for name, value in step.arguments.items()}
            found = spec.estimate(self.workshop, parse_request(spec, arguments))
        except MillwrightError:
            return None
        if spec.effect in ASKS and found.seconds == 0:
            # that says only that nothing is worth a measurement in advance, and not that it takes no time
            seconds = MEASURED.get(spec.name)
            return None if seconds is None else Estimate(seconds=seconds, memory_mb=found.memory_mb)
        usable = math.isfinite(found.seconds) and math.isfinite(found.memory_mb)
        # a zero for a model that is not there yet is the truth of tools that cost nothing, and of no others
        return found if usable and (spec.effect != "compute" or not list(references_in(step.arguments))) else None

    def _tokens(self, question: Question, facts: Facts) -> int:  # type: ignore[type-arg]  # any proposal will do
        if isinstance(self.model, OfflinePlanner):
            return 0
        text = question.prompt() + json.dumps(question.definition()) + json.dumps(facts, default=str)
        return math.ceil(len(text) / CHARACTERS_PER_TOKEN) + ANSWER_TOKENS

    def _money(self, tokens: int) -> float | None:
        price = self.request.price_per_million_tokens
        if tokens == 0:
            return 0.0
        return None if price is None else tokens * price / 1e6


def _limit(spec: ToolSpec, step: Step) -> float | None:
    """The seconds that the tool is told to keep to."""
    for name in LIMITS:
        if name in spec.request.model_fields:
            value = step.arguments.get(name, spec.request.model_fields[name].default)
            return float(value) if isinstance(value, int | float) else None
    return None


def _with(step: Step, **known: float | None) -> Step:
    estimate = StepEstimate.model_validate({**step.estimate.model_dump(), **known})
    return step.model_copy(update={"estimate": estimate})
