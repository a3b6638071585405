"""Whether a plan can run at all, before anyone sees it: tools, arguments, references, columns, metric, effects."""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.plan import Plan, Step
from agents.plan_references import Reference, reference, references_in, replaced
from engine.errors import BadArguments, BadBudget, BadChoice
from engine.families import FAMILIES, KINDS
from engine.kinds import Task
from engine.metrics import METRICS, metric_name, metrics_of
from engine.naming import did_you_mean, shortened
from tools.arguments import bad_arguments
from tools.models import PromoteModelRequest, RollBackModelRequest
from tools.spec import ToolSpec
from tools.training import TrainingChoices

COLUMN_ARGUMENTS = frozenset({"target", "drop", "columns", "column"})
"""Arguments whose values are names of columns, in every tool that has them."""
MOST_MODELS = 200
"""Candidates of one run."""
STARTERS = frozenset(
    {"make_plan", "edit_plan", "run_plan", "approve_step", "run_crew", "research", "write_code", "run_script"}
)
"""Tools that start agents, or steer a plan: a plan is what they make, and never a step of one."""


class PlanFacts(BaseModel):
    """What is known of the data that a plan is for; empty where nothing is, and then nothing is held against it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = ()
    target: str | None = None
    task: Task | None = None


class PlanProblem(BaseModel):
    """`field` says where, e.g. 'steps[2].arguments.drop' or 'step finish, drop'; `sentence` what and what to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    sentence: str


def check_plan(plan: Plan, tools: Mapping[str, ToolSpec], facts: PlanFacts | None = None) -> tuple[PlanProblem, ...]:
    """All that keeps this plan from running; nothing when it can.

    `facts` are those of the dataset that it trains on.
    """
    known = facts or PlanFacts()
    problems = [PlanProblem(field="steps", sentence="A plan has at least one step.")] if not plan.steps else []
    seen: dict[str, ToolSpec | None] = {}
    for place, step in enumerate(plan.steps):
        checked = _Checked(step, f"steps[{place}]", seen, plan, tools)
        problems += _of_the_step(checked, known)
        seen[step.id] = tools.get(step.tool)
    return tuple(problems)


def refuse(problems: Sequence[PlanProblem]) -> None:
    """Return when there are none.

    Raises:
        BadArguments: names the first field, and says how many more there are.
    """
    if not problems:
        return
    more = f" ({len(problems) - 1} more problem(s) after it.)" if len(problems) > 1 else ""
    raise BadArguments(
        f"The plan cannot run: {problems[0].field}: {problems[0].sentence}{more}",
        "Mend this field of the plan, or ask for a new one; nothing was started.",
    )


@dataclass(frozen=True)
class _Checked:
    """A step where it stands; `seen` are the steps before it."""

    step: Step
    field: str
    seen: Mapping[str, ToolSpec | None]
    plan: Plan
    tools: Mapping[str, ToolSpec]

    def problem(self, part: str, sentence: str) -> PlanProblem:
        return PlanProblem(field=f"{self.field}.{part} (step {self.step.id!r})", sentence=sentence)


def _of_the_step(checked: _Checked, facts: PlanFacts) -> list[PlanProblem]:
    step, spec = checked.step, checked.tools.get(checked.step.tool)
    problems = _of_the_name(checked) + _of_the_estimate(checked)
    if spec is None:
        near = did_you_mean(step.tool, checked.tools) or f"Tools are: {shortened(sorted(checked.tools))}."
        return [*problems, checked.problem("tool", f"There is no tool {step.tool!r}. {near}")]
    if step.tool in STARTERS:
        told = f"{step.tool} starts or steers agents, which a step of a plan does not. Remove this step."
        return [*problems, checked.problem("tool", told)]
    if step.effect != spec.effect:
        told = f"It says {step.effect!r}, but {spec.name} has the effect {spec.effect!r}. Say {spec.effect!r}."
        problems.append(checked.problem("effect", told))
    wrong = [problem for found in references_in(step.arguments) for problem in _of_the_reference(checked, found)]
    # what a wrong reference stands for is not known, so nothing more can be said of its argument
    problems += wrong or _of_the_arguments(checked, spec) or _of_the_choices(checked, spec)
    return problems + _of_the_columns(checked, facts)


def _of_the_name(checked: _Checked) -> list[PlanProblem]:
    name = checked.step.id
    if name in checked.seen:
        return [checked.problem("id", "Another step has this id; give it one of its own.")]
    if not (name.isidentifier() and name.isascii() and name[0].isalpha()):
        return [checked.problem("id", f"{name[:40]!r} is no id; use letters, digits and '_', a letter first.")]
    return []


def _of_the_estimate(checked: _Checked) -> list[PlanProblem]:
    return [
        checked.problem(f"estimate.{name}", f"{value} is no amount; give a number from 0 up, or null where unknown.")
        for name, value in checked.step.estimate.model_dump().items()
        if value is not None and not (math.isfinite(value) and value >= 0)
    ]


def _of_the_reference(checked: _Checked, found: Reference) -> list[PlanProblem]:
    name = _argument_of(checked.step, found)
    if found.step not in checked.seen:
        if checked.plan.has(found.step):
            told = f"{found} refers to a step that comes later (or to itself); move it up or take an earlier one."
        else:
            known = shortened(list(checked.seen)) or "none"
            near = did_you_mean(found.step, checked.seen)
            told = f"{found} refers to a step that is not there. Steps before this one: {known}. {near}".strip()
        return [checked.problem(f"arguments.{name}", told)]
    spec = checked.seen[found.step]
    if spec is None:
        return []
    try:
        _type_at(spec.result, found.path)
    except _NoField as error:
        fields = list(spec.result.model_fields)
        told = f"{spec.name} gives no {error}. {did_you_mean(found.path, fields) or f'It gives: {shortened(fields)}.'}"
        return [checked.problem(f"arguments.{name}", told)]
    return []


def _of_the_arguments(checked: _Checked, spec: ToolSpec) -> list[PlanProblem]:
    def example(found: Reference) -> object:
        before = checked.seen[found.step]
        return None if before is None else _example(_type_at(before.result, found.path))

    arguments = {name: replaced(value, example) for name, value in checked.step.arguments.items()}
    try:
        spec.request.model_validate(arguments)
    except ValidationError as error:
        location = error.errors(include_url=False)[0]["loc"]
        name = str(location[0]) if location else ""
        referred = next(references_in(checked.step.arguments.get(name)), None)
        if referred is not None:
            before = checked.seen[referred.step]
            made = before.name if before is not None else referred.step
            told = f"{referred} of {made} does not fit {name!r} of {spec.name}. Refer to a field of its type."
        else:
            told = str(bad_arguments(spec.name, spec.request, error))
        return [checked.problem(f"arguments.{name}" if name else "arguments", told)]
    return []


def _of_the_choices(checked: _Checked, spec: ToolSpec) -> list[PlanProblem]:
    """Values of the right type that the engine knows nothing of."""
    arguments = checked.step.arguments
    problems = []
    budget = arguments.get("budget_seconds")
    if isinstance(budget, int | float) and not (math.isfinite(budget) and budget >= 1):
        problems.append(checked.problem("arguments.budget_seconds", str(BadBudget(budget))))
    if issubclass(spec.request, TrainingChoices):
        problems += _of_the_training(checked, spec)
    alias = arguments.get("alias")
    if issubclass(spec.request, PromoteModelRequest | RollBackModelRequest) and isinstance(alias, str):
        from engine.registry import ALIASES

        if alias not in ALIASES and reference(alias) is None:
            problems.append(checked.problem("arguments.alias", str(BadChoice("alias", alias, ALIASES))))
    return problems


def _of_the_training(checked: _Checked, spec: ToolSpec) -> list[PlanProblem]:
    arguments, problems = checked.step.arguments, []
    models = arguments.get("models")
    if models is not None and not _texts(models):
        problems.append(checked.problem("arguments.models", f"Name at least one of: {', '.join(FAMILIES)}."))
    problems += [
        checked.problem("arguments.models", str(BadChoice("model", name, FAMILIES)))
        for name in _texts(models)
        if name not in KINDS
    ]
    limits = [arguments.get(name, spec.request.model_fields[name].default) for name in ("budget_seconds", "max_models")]
    if limits == [None, None]:
        told = "The training has no limit. Give budget_seconds, or max_models for a fixed amount of work."
        problems.append(checked.problem("arguments.budget_seconds", told))
    most = arguments.get("max_models")
    if isinstance(most, int) and most > MOST_MODELS:
        problems.append(checked.problem("arguments.max_models", f"{most} is too many; {MOST_MODELS} is the most."))
    return problems


def _of_the_columns(checked: _Checked, facts: PlanFacts) -> list[PlanProblem]:
    arguments, problems = checked.step.arguments, []
    for name in sorted(COLUMN_ARGUMENTS & arguments.keys()) if facts.columns else ():
        for column in _texts(arguments[name]):
            if column not in facts.columns:
                near = did_you_mean(column, facts.columns)
                told = f"There is no column {column!r}. {near or f'Columns are: {shortened(facts.columns)}.'}"
                problems.append(checked.problem(f"arguments.{name}", told))
    target = arguments.get("target", facts.target)
    if target is not None and target in _texts(arguments.get("drop")):
        told = f"{target!r} is the target and cannot be left out. Take it out of drop."
        problems.append(checked.problem("arguments.drop", told))
    metric = arguments.get("metric")
    if isinstance(metric, str) and reference(metric) is None:
        problems += _of_the_metric(checked, metric, facts)
    return problems


def _of_the_metric(checked: _Checked, metric: str, facts: PlanFacts) -> list[PlanProblem]:
    known = METRICS.get(metric_name(metric))
    names = [fitting.name for fitting in (metrics_of(facts.task) if facts.task else METRICS.values())]
    if known is not None and (facts.task is None or facts.task in known.tasks):
        return []
    said = f"There is no metric {metric!r}." if known is None else f"{metric!r} does not fit a {facts.task} task."
    told = f"{said} Choose from: {', '.join(names)}. {did_you_mean(metric, names)}".strip()
    return [checked.problem("arguments.metric", told)]


def _texts(value: object) -> list[str]:
    """Names that were given, without references."""
    values = value if isinstance(value, list | tuple) else [value]
    return [text for text in values if isinstance(text, str) and reference(text) is None]


def _argument_of(step: Step, found: Reference) -> str:
    return next(name for name, value in step.arguments.items() if found in references_in(value))


# types of results


class _NoField(Exception):
    """The path leads nowhere."""


def _type_at(result: object, path: str) -> object:
    """The type of what stands at `path` in results of the type `result`; Any below what is not described."""
    for name in path.split("."):
        result = _field_type(_bare(result), name, path)
    return result


def _field_type(kind: object, name: str, path: str) -> object:
    if kind is Any or kind is object:
        return Any
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if name not in kind.model_fields:
            raise _NoField(repr(path))
        return kind.model_fields[name].annotation
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) in (tuple, list) and name.isdigit():
        inner = get_args(kind)
        return inner[0] if get_origin(kind) is list or Ellipsis in inner else inner[min(int(name), len(inner) - 1)]
    raise _NoField(repr(path))


def _bare(kind: object) -> object:
    """`X` of `X | None`."""
    if get_origin(kind) in (Union, types.UnionType):
        inner = [part for part in get_args(kind) if part is not type(None)]
        return inner[0] if inner else kind
    return kind


_EXAMPLES: Mapping[object, object] = {str: "text", float: 1.5, int: 1, bool: True}


def _example(kind: object) -> object:
    """A value of a type, to see whether it fits where it is referred to."""
    kind = _bare(kind)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) in (tuple, list):
        return [_example(get_args(kind)[0])]
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return _EXAMPLES.get(kind, "text")
