"""What a goal asks for and no step of its plan does: said with the words, and with what to say to have it after all."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from agents.plan import LeftOut, Plan
from agents.plan_words import (
    CRON,
    DEPLOYMENT,
    EXPLAIN,
    EXPORT,
    LATER,
    MONITOR,
    OPTIMISE,
    PROMOTE,
    TEST,
    UNPLANNED,
    Wishes,
    wishes_of,
)

Arguments = Mapping[str, object]


def left_out(wishes: Wishes, planned: Collection[str], tools: Collection[str]) -> tuple[LeftOut, ...]:
    """What of the wishes none of the `planned` tools does, in the order in which it makes sense."""
    asked = (tool for tool in (*LATER, *UNPLANNED) if tool in wishes.held or tool in wishes.wanted)
    return tuple(_left_out(tool, wishes, tools) for tool in asked if tool not in planned)


def of_a_given_plan(plan: Plan, tools: Collection[str]) -> tuple[LeftOut, ...]:
    """What of its goal no step does; what was asked for plainly and is not there was taken out by somebody."""
    wishes = wishes_of(plan.goal)
    asked = {tool: said for tool, said in wishes.wanted.items() if tool in UNPLANNED}
    return left_out(replace(wishes, wanted=asked), {step.tool for step in plan.steps}, tools)


def after_an_edit(plan: Plan, wishes: Wishes, tools: Collection[str]) -> tuple[LeftOut, ...]:
    """What is left out of a plan once more was wished for: what is refused now is asked for no longer."""
    new = left_out(wishes, {step.tool for step in plan.steps}, tools)
    gone = wishes.refused | {one.tool for one in new}
    return (*(one for one in plan.left_out if one.tool not in gone), *new)


def _left_out(tool: str, wishes: Wishes, tools: Collection[str]) -> LeftOut:
    held = wishes.held.get(tool)
    if tool not in tools:
        told = f"The goal asks for {tool}, which is not among the tools here: it is left out."
        return LeftOut(tool=tool, sentence=told)
    arguments = wishes.wanted.get(tool, {}) if held is None else held.arguments
    say = to_say(tool, arguments)
    if held is None:
        none = "which no step of a plan does" if tool in UNPLANNED else "and this plan has no step for it"
        told = f"The goal asks for {tool}, {none}: it is left to you. When the model is there, say '{say}'."
    elif held.conditional:
        told = (
            f"The goal asks for {tool} under a condition ('{held.said}'), which no plan can judge: it is left to you. "
            f"When the model is there and the condition holds, say '{say}'."
        )
    else:
        told = (
            f"The goal speaks of {tool} and does not plainly order it ('{held.said}'): it is left to you. "
            f"When the model is there, say '{say}' to have it."
        )
    return LeftOut(tool=tool, sentence=told, say=say, arguments=dict(arguments))


def to_say(tool: str, arguments: Arguments) -> str:
    """The sentence that asks for this step."""
    return _SENTENCES[tool](arguments)


def _optimise(arguments: Arguments) -> str:
    limits = ", ".join(words for name, told in _LIMITS if (words := told(arguments.get(name))))
    verb = "make it small" if arguments.get("prefer") == "size" else "optimise it"
    return f"{verb} {limits}".strip()


def _monitor(arguments: Arguments) -> str:
    often = next((word for word, cron in CRON.items() if cron == arguments.get("schedule") and word.endswith("ly")), "")
    return f"monitor it {often}".strip()


def _number(form: str, factor: float = 1.0) -> Callable[[object], str]:
    return lambda value: form.format(value * factor) if isinstance(value, int | float) else ""


_LIMITS: Sequence[tuple[str, Callable[[object], str]]] = (
    ("max_latency_ms", _number("for {:g} ms")),
    ("max_size_mb", _number("below {:g} MB")),
    ("max_drop", _number("losing at most {:g}%", 100.0)),
)
_SENTENCES: Mapping[str, Callable[[Arguments], str]] = {
    EXPLAIN: lambda _: "explain it",
    OPTIMISE: _optimise,
    TEST: lambda _: "test it",
    DEPLOYMENT: lambda _: "plan the deployment",
    PROMOTE: lambda said: "promote it as challenger" if said.get("alias") == "challenger" else "promote it",
    MONITOR: _monitor,
    EXPORT: lambda _: "export it",
}
