"""The last screen of a run or a training: what came out, how good it is, where it lies, what to do next."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from millwright.cli.screens import importance, interval, sentences, table

if TYPE_CHECKING:
    from agents.budget import Tokens
    from agents.plan import LeftOut, Plan
    from graphs.events import Emit
    from graphs.run_types import RunSummary, StepOutcome, StepWaiting, Waiting

MOST_IMPORTANT = 3


def show(summary: "RunSummary", console: Console) -> None:
    """Print leaderboard, test metric, most important columns, paths and the next commands."""
    console.print(sentences("", f"Leaderboard ({_validation(summary)})"))
    console.print(leaderboard(summary))
    metric = interval(summary.metric.name, summary.metric.value, summary.metric.ci)
    console.print(sentences("", f"On the sealed test rows: {metric}", "", "Most important columns"))
    console.print(importance(summary.importance[:MOST_IMPORTANT]))
    console.print(
        sentences(
            "",
            f"Model    {summary.model_id} in {from_here(summary.package)}",
            f"Report   {from_here(summary.report)}",
            f"Run      {summary.run_id}, {summary.seconds:.1f} s",
            *bill(summary.tokens, summary.cost),
        )
    )
    if summary.steps:
        rows = ((outcome.step, outcome.tool, outcome.state, _told(outcome)) for outcome in summary.steps)
        console.print(sentences("", "After the training"))
        console.print(table(("step", "tool", "state", "what came of it"), rows))
    if summary.plan is not None and summary.plan.left_out:
        console.print(sentences("", *_left_out(summary.plan, summary.model_id)))
    promoted = any(outcome.tool == "promote_model" and outcome.state == "done" for outcome in summary.steps)
    console.print(
        sentences(
            "",
            "Next",
            f"  millwright predict --model {summary.model_id} --data NEW_ROWS.csv --out predictions.csv",
            f"  millwright explain --model {summary.model_id}",
            None if promoted else f"  millwright models promote {summary.model_id}",
        )
    )


def _left_out(plan: "Plan", model: str) -> list[str]:
    """What the goal asks for and no step does, each with the command that does it."""
    return [f"Left out: {one.sentence}{_in_the_shell(one, model)}" for one in plan.left_out]


def _in_the_shell(one: "LeftOut", model: str) -> str:
    command = _COMMANDS.get(one.tool)
    if not one.say:
        return ""
    if command is None:
        request = json.dumps({"model": model, **one.arguments})
        return f" In the shell: millwright tools call {one.tool} {shlex.quote(request)}"
    options = (f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in one.arguments.items())
    return " ".join((f" In the shell: millwright {command} {model}", *options))


_COMMANDS = {
    "explain_model": "explain --model",
    "optimise_model": "optimise",
    "promote_model": "models promote",
    "create_monitor": "monitor create",
    "export_model": "export",
}
"""What does in the shell what a step of a plan would have done; the others are called by their names."""


def show_plan(plan: "Plan", console: Console) -> None:
    """Print a plan: its steps, what the data warns of, what all of it is expected to cost."""
    rows = [
        (number, f"{tool}: {choices}" if choices else tool, why, estimate)
        for number, tool, choices, estimate, why in plan.to_table()
    ]
    console.print(sentences("", f"Plan: {plan.goal}"))
    console.print(table((">", "step", "why", ">estimate"), rows))
    found = [f"Found ({finding.severity}): {finding.sentence}" for finding in plan.findings]
    console.print(sentences(*found, *_left_out(plan, "MODEL")))
    console.print(sentences(totals(plan), f"Hash {plan.hash}", ""))


def totals(plan: "Plan") -> str:
    """What the whole plan is expected to cost, in words."""
    words = ["Nobody knows how long." if plan.seconds is None else f"About {plan.seconds:.0f} s in all."]
    if plan.memory_mb is not None:
        words.append(f"At most {plan.memory_mb:.0f} MB.")
    if plan.tokens is not None:
        words.append(f"{plan.tokens:,} tokens of a language model." if plan.tokens else "No language model is asked.")
    if plan.money:
        words.append(f"About {plan.money:.2g} for them.")
    return " ".join(words)


def plan_document(plan: "Plan") -> dict[str, object]:
    """A plan for programs: as it is kept, as rows, and as a Mermaid chart."""
    rows = [row.model_dump(mode="json") for row in plan.rows()]
    totals_ = {name: getattr(plan, name) for name in ("seconds", "memory_mb", "tokens", "money")}
    return {"plan": plan.model_dump(mode="json"), "steps": rows, "mermaid": plan.to_mermaid(), **totals_}


def bill(tokens: "Tokens | None", cost: float | None) -> list[str]:
    """What a language model read and wrote for a run, and what that cost; nothing where none was asked."""
    if tokens is None:
        return []
    price = "" if cost is None else f", cost {cost:.4f}"
    return [f"Tokens   {tokens.prompt:,} read, {tokens.completion:,} written{price}"]


def without_plans(listen: "Emit") -> "Emit":
    """The same listener for all but plans, which are the answer itself."""

    def listen_on(event: object) -> None:
        from graphs.events import PlanProposed

        if not isinstance(event, PlanProposed):
            listen(event)  # type: ignore[arg-type]

    return listen_on


def what_waits(waits: "Waiting") -> str:
    """What a run that is resumed waits for."""
    if waits.step is None:
        return f"Run {waits.run} waits for a yes to its plan."
    return f"Run {waits.run} waits for a yes to its step {waits.step.step}."


def step_question(step: "StepWaiting") -> str:
    """A step that changes what others use, as it is asked about."""
    choices = ", ".join(f"{name}={value}" for name, value in step.arguments.items())
    return f"{step.step}: {step.tool} {choices}\n  {step.why}"


def _told(outcome: "StepOutcome") -> str:
    """What a step gave, in a few words, or why it was not done."""
    if outcome.result is None:
        return outcome.reason
    named = {name: outcome.result[name] for name in _TELLING if isinstance(outcome.result.get(name), str)}
    return ", ".join(f"{name} {value}" for name, value in named.items())


_TELLING = ("model", "alias", "chosen", "monitor", "summary", "verdict", "report", "file")
"""Fields of results that say what came of a step."""


def from_here(path: str) -> str:
    """The path as it is shortest to type in this folder."""
    found, here = Path(path), Path.cwd()
    return str(found.relative_to(here)) if found.is_relative_to(here) else path


def leaderboard(summary: "RunSummary") -> object:
    """The candidates, best first; the baseline is the dummy that every model has to beat."""
    name = summary.validation.name if summary.validation else "validation"
    rows = (
        (row.model + (" (baseline)" if row.model == "dummy" else ""), row.validation, f"{row.seconds:.1f}")
        for row in summary.leaderboard
    )
    return table(("model", f">{name}", ">seconds"), rows)


def _validation(summary: "RunSummary") -> str:
    return f"validated by {summary.validation.method}" if summary.validation else "not validated"
