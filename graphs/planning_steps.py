"""The steps after the training: by the words of the goal, or as a language model proposes them, checked either way."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agents.plan import ASKS, Plan, ProposedStep, Step, StepsProposal
from agents.plan_check import PlanFacts, check_plan
from agents.plan_words import DEPLOYMENT, EXPLAIN, LATER, MONITOR, OPTIMISE, PROMOTE, TEST, Wishes
from graphs.events import Emit
from graphs.proposals import Facts, Question, propose
from graphs.run_plan import FINISH
from graphs.run_types import RunRequest
from tools.spec import ToolSpec

IDS: Mapping[str, str] = {
    EXPLAIN: "explain",
    OPTIMISE: "optimise",
    TEST: "test",
    DEPLOYMENT: "deployment",
    PROMOTE: "promote",
    MONITOR: "monitor",
}
TRAINED, OPTIMISED = f"${FINISH}.model", f"${IDS[OPTIMISE]}.model"
WHY: Mapping[str, str] = {
    EXPLAIN: "Say which columns the model relies on.",
    OPTIMISE: "Make it as small or fast as the goal asks, within the loss that is allowed.",
    TEST: "Try it on edge cases and against what is required.",
    DEPLOYMENT: "Write down how it is served, watched, compared and taken back.",
    PROMOTE: "Make it the version that others use.",
    MONITOR: "Watch its predictions for drift.",
}
MOST_OPTIMISING = 240.0
_MORE = re.compile(
    r"\b(?:then|after(?:wards)?|finally|production|ready|hand ?over|serve|served|live|operations|deploy\w*|once)\b",
    re.IGNORECASE,
)
"""Words of a goal that may ask for something after the training, for which a language model is worth a question."""


def later_steps(plan: Plan, wishes: Wishes, tools: Mapping[str, ToolSpec], request: RunRequest) -> tuple[Step, ...]:
    """The steps that are wished for, and those of `plan` that then work on another model, in the order to run in."""
    wanted = [tool for tool in LATER if tool in wishes.wanted and tool in tools]
    optimised = OPTIMISE in wanted or plan.has(IDS[OPTIMISE])
    made = []
    for tool in LATER:
        old = next((step for step in plan.steps if step.id == IDS[tool]), None)
        if tool in wanted:
            made.append(_step(tool, dict(wishes.wanted[tool]), tools[tool], optimised, request, wishes, old))
        elif old is not None and optimised and tool in (TEST, DEPLOYMENT, PROMOTE, MONITOR):
            arguments = dict(old.arguments)
            if arguments.get("model") == TRAINED:
                made.append(old.model_copy(update={"arguments": {**arguments, "model": OPTIMISED}}))
    return tuple(made)


def _step(
    tool: str,
    said: dict[str, object],
    spec: ToolSpec,
    optimised: bool,
    request: RunRequest,
    wishes: Wishes,
    old: Step | None,
) -> Step:
    arguments: dict[str, object] = {"model": OPTIMISED if optimised and tool not in (OPTIMISE, EXPLAIN) else TRAINED}
    if tool == OPTIMISE:
        arguments["budget_seconds"] = min(MOST_OPTIMISING, request.budget_seconds or MOST_OPTIMISING)
    if tool == TEST:
        limits = wishes.wanted.get(OPTIMISE, {})
        arguments |= {name: limits[name] for name in ("max_latency_ms", "max_size_mb") if name in limits}
    known = {name: value for name, value in {**arguments, **said}.items() if name in spec.request.model_fields}
    if old is not None:
        known = {**known, **old.arguments, **{name: value for name, value in said.items() if name in known}}
    return Step(id=IDS[tool], tool=tool, arguments=known, why=WHY[tool], effect=spec.effect)


def propose_later(
    model: BaseChatModel,
    plan: Plan,
    wishes: Wishes,
    tools: Mapping[str, ToolSpec],
    facts: PlanFacts,
    request: RunRequest,
    emit: Emit,
) -> tuple[Step, ...]:
    """The steps after the training. The model is asked where the goal says more than what to predict."""
    by_rule = later_steps(plan, wishes, tools, request)
    if not by_rule and not _MORE.search(request.goal):
        return by_rule
    question = _Later(plan, wishes, tools, facts, by_rule, request.approve_all)
    told = {
        "goal": request.goal,
        "steps": [step.model_dump(mode="json", include={"id", "tool"}) for step in plan.steps],
        "tools": {name: _described(spec) for name, spec in question.offered.items()},
        "refused": sorted(wishes.refused),
        "by_rule": [step.model_dump(mode="json", include={"tool", "arguments"}) for step in by_rule],
    }
    asked = Question("propose_steps", StepsProposal, question.check, question.rule)
    return question.as_steps(propose(model, asked, told, emit))


@dataclass(frozen=True)
class _Later:
    """The question for the steps after the training."""

    plan: Plan
    wishes: Wishes
    tools: Mapping[str, ToolSpec]
    facts: PlanFacts
    by_rule: Sequence[Step]
    approve_all: bool

    @property
    def offered(self) -> dict[str, ToolSpec]:
        return {tool: self.tools[tool] for tool in LATER if tool in self.tools}

    def check(self, proposal: StepsProposal, _: Facts) -> str | None:
        in_words = {step.tool for step in self.by_rule}
        for step in proposal.steps:
            spec = self.offered.get(step.tool)
            if spec is None:
                return f"tool: {step.tool!r} is not offered. Choose from: {', '.join(self.offered)}."
            if step.tool in self.wishes.refused:
                return f"tool: the user does not want {step.tool}."
            if self.approve_all and spec.effect in ASKS and step.tool not in in_words:
                return f"tool: the goal does not ask for {step.tool} in plain words, and nobody is asked about it."
        whole = self.plan.edited(steps=[*self.plan.steps, *self.as_steps(proposal)])
        problems = check_plan(whole, self.tools, self.facts)
        return f"{problems[0].field}: {problems[0].sentence}" if problems else None

    def rule(self, _: Facts) -> StepsProposal:
        steps = [ProposedStep(tool=step.tool, arguments=step.arguments, why=step.why) for step in self.by_rule]
        return StepsProposal(steps=tuple(steps))

    def as_steps(self, proposal: StepsProposal) -> tuple[Step, ...]:
        """With ids and effects; a second call of a tool gets a number."""
        made: list[Step] = []
        for proposed in proposal.steps:
            twins = sum(step.tool == proposed.tool for step in made)
            name = IDS[proposed.tool] + (str(twins + 1) if twins else "")
            effect = self.offered[proposed.tool].effect
            made.append(Step(id=name, effect=effect, **proposed.model_dump()))
        return tuple(made)


def _described(spec: ToolSpec) -> dict[str, object]:
    fields = {name: field.description or "" for name, field in spec.request.model_fields.items()}
    return {"effect": spec.effect, "what": spec.description, "arguments": fields}
