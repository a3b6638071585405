"""Editing a plan: by fields, or by words that the offline readers understand.

An edit gives other steps, and so another hash; whoever edits has the result estimated and checked again. Arguments
that all calls of the training share are one choice: changing it in one step changes it in all of them.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.offline.reading import read_slots
from agents.offline.slots import PLACEHOLDER, Slots
from agents.plan import Plan, Step, StepEstimate
from agents.plan_check import PlanFacts
from agents.plan_columns import column_named, columns_kept, not_understood
from agents.plan_left_out import after_an_edit
from agents.plan_references import Reference, reference, replaced
from agents.plan_words import TUNE, Wishes, wishes_of
from engine.errors import BadArguments, BadChoice
from engine.naming import shortened
from tools.spec import ToolSpec

TRAINING = "train_model"
OWN = frozenset({"finish", "trials"})
"""Arguments that tell the calls of one training apart."""
FIXED = frozenset({"dataset", "run", "task", *OWN})
"""Arguments of a training that no edit changes."""


class FieldEdit(BaseModel):
    """One change of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["set", "remove", "move", "add"] = Field("set", description="What to do with the step.")
    step: str = Field(description="Id or number of the step; of a new one the id that it gets.")
    argument: str | None = Field(None, description="set: the argument to change; null value takes it out.")
    value: object = Field(None, description="set: its value; add: the new step's arguments as an object.")
    tool: str | None = Field(None, description="add: the tool that the new step calls.")
    to: int | None = Field(None, ge=1, description="move and add: the place, counted from 1; the end by default.")


@dataclass(frozen=True)
class Edited:
    """The new plan and what was changed, in words; nothing changed where there are none."""

    plan: Plan
    changes: tuple[str, ...]


Later = Callable[[Plan, Wishes], Sequence[Step]]
"""The steps for what is wished after the training, given the plan that they are added to."""


def by_fields(plan: Plan, edits: Sequence[FieldEdit], tools: Mapping[str, ToolSpec]) -> Edited:
    """The plan with these changes, one after the other.

    Raises:
        BadChoice: no such step or tool.
        BadArguments: a change that cannot be made, or one that changes nothing.
    """
    changes = []
    for edit in edits:
        before = plan
        plan, said = _EDITS[edit.action](plan, edit, tools)
        if plan.hash == before.hash:
            raise BadArguments(
                f"The edit of step {edit.step!r} changes nothing.", f"It is so already: {said}. Leave the edit out."
            )
        changes.append(said)
    return Edited(plan, tuple(changes))


def by_words(plan: Plan, words: str, facts: PlanFacts, later: Later, tools: Collection[str] = ()) -> Edited:
    """The plan as `words` want it: 'use recall instead', 'drop gender', 'without tuning', 'don't promote'.

    What they ask for and no step of it does, of the `tools` that there are, is left out of it and told.

    Raises:
        BadArguments: nothing in the words is a change of this plan; says what can be said.
    """
    wishes = wishes_of(words)
    slots = read_slots(_STEP.sub("", wishes.rest), frozenset(column.lower() for column in facts.columns))
    steps, changes, passed = _of_training(plan, slots, facts, more=_MORE.search(words) is not None)
    _, read = columns_kept(slots, _texts(_training_of(plan).get("drop")))
    lost = not_understood(slots, read)
    passed += [f"Not understood: {shortened(lost)}."] if lost else []
    edited = plan.edited(steps=steps)
    steps, more = _removed(edited, wishes, words)
    edited = edited.edited(steps=steps)
    new = [step for step in later(edited, wishes) if step not in edited.steps]
    if new:
        edited = edited.edited(steps=_with_new(edited.steps, new))
        more += [f"{'changed' if plan.has(step.id) else 'added'} step {step.id}" for step in new]
    left = after_an_edit(edited, wishes, tools)
    if edited.hash == plan.hash:
        passed += [one.sentence for one in left if one not in plan.left_out]
        raise BadArguments(
            f"{words!r} changes nothing in this plan. {' '.join(passed)}".strip(),
            "Say for example 'use recall instead', 'drop COLUMN', 'without tuning', 'give it 2 minutes', "
            "'also optimise it for 5 ms', 'don't promote', 'add monitoring' or 'remove step 3'.",
        )
    return Edited(edited.edited(left_out=left), (*changes, *more, *passed))


# by words


def _of_training(
    plan: Plan, slots: Slots, facts: PlanFacts, more: bool
) -> tuple[tuple[Step, ...], list[str], list[str]]:
    """Steps with other choices for the training, what was changed, and what was passed over.

    With `more`, candidates are added to those there are.
    """
    before = _training_of(plan)
    if not before:
        return plan.steps, [], []
    new: dict[str, object] = {}
    for name, value in (("metric", slots.metric), ("seed", slots.seed), ("device", slots.device)):
        if value is not None:
            new[name] = value
    if slots.processes is not None:
        new["processes"] = slots.processes
    new |= _limits(slots, before)
    models = _texts(before.get("models"))
    if slots.families:
        new["models"] = list(dict.fromkeys([*models, *slots.families] if more else slots.families))
    elif slots.without and (left := [name for name in models if name not in slots.without]):
        new["models"] = left
    drop, passed = _drop(slots, _texts(before.get("drop")), facts)
    if drop is not None:
        new["drop"] = drop
    if slots.unknown_family:
        passed.append(f"There is no candidate for {slots.unknown_family}.")
    changed = {name: value for name, value in new.items() if before.get(name) != value}
    words = [f"{name}: {_shown(before.get(name))} -> {_shown(value)}" for name, value in changed.items()]
    return _in_training(plan.steps, changed), words, passed


def _training_of(plan: Plan) -> Mapping[str, object]:
    return next((step.arguments for step in plan.steps if step.tool == TRAINING), {})


_MORE = re.compile(r"\b(?:also|add|too|as well)\b", re.IGNORECASE)


def _limits(slots: Slots, before: Mapping[str, object]) -> dict[str, object]:
    now = before.get("budget_seconds")
    budget = slots.budget
    if budget is None and slots.factor is not None and isinstance(now, int | float):
        budget = now * slots.factor
    new: dict[str, object] = {} if budget is None else {"budget_seconds": budget, "max_models": None}
    if slots.max_models is not None:
        new |= {"max_models": slots.max_models, "budget_seconds": budget}
    return new


def _drop(slots: Slots, before: list[str], facts: PlanFacts) -> tuple[list[str] | None, list[str]]:
    """The columns to leave out, or None when nothing was said of them; and names that are no columns."""
    kept, _ = columns_kept(slots, before)
    # what is not named in full is asked about: another column than the one that is meant may not go silently
    found = [column_named(words, facts.columns) for words in slots.drop if not PLACEHOLDER.fullmatch(words)]
    new = [column for column, _ in found if column is not None]
    passed = [told for _, told in found if told]
    after = list(dict.fromkeys([*(name for name in before if name not in kept), *new]))
    return (after if after != before else None), passed


_STEP = re.compile(
    r"\b(?:remove|drop|delete|skip|without|leave out|no)\s+(?:the\s+)?step\s+(?:number\s+)?(\w+)|"
    r"\b(?:remove|drop|delete|skip|without)\s+the\s+(\w+)\s+step\b",
    re.IGNORECASE,
)


def _removed(plan: Plan, wishes: Wishes, words: str) -> tuple[tuple[Step, ...], list[str]]:
    """The steps without those that the words do not want."""
    gone = [step.id for step in plan.steps if step.tool in wishes.refused]
    if TUNE in wishes.refused and plan.has(TUNE):
        gone.append(TUNE)
    named = _STEP.search(words)
    if named is not None:
        gone.append(plan.step(next(group for group in named.groups() if group)).id)
    steps = plan.steps
    for name in dict.fromkeys(gone):
        steps = without(steps, name)
    return steps, [f"removed step {name}" for name in dict.fromkeys(gone)]


def _with_new(steps: Sequence[Step], new: Sequence[Step]) -> tuple[Step, ...]:
    """New steps in the place of those of the same id; others before the first that waits for a yes, which come last."""
    kept = list(steps)
    for step in new:
        places = [place for place, old in enumerate(kept) if old.id == step.id]
        if places:
            kept[places[0]] = step
            continue
        before = next((place for place, old in enumerate(kept) if old.waits), len(kept))
        kept.insert(len(kept) if step.waits else before, step)
    return tuple(kept)


# by fields


def _set(plan: Plan, edit: FieldEdit, _: Mapping[str, ToolSpec]) -> tuple[Plan, str]:
    step = plan.step(edit.step)
    if edit.argument is None:
        raise BadArguments(f"Which argument of step {step.id!r}?", "Give `argument` and `value`.")
    if step.tool == TRAINING and edit.argument in FIXED:
        raise BadArguments(
            f"{edit.argument!r} of a training cannot be edited in a plan.", "Make a new plan for other data or rounds."
        )
    said = f"{step.id}.{edit.argument}: {_shown(step.arguments.get(edit.argument))} -> {_shown(edit.value)}"
    change = {edit.argument: edit.value}
    if step.tool == TRAINING:
        return plan.edited(steps=_in_training(plan.steps, change)), said
    changed = _changed(step, change)
    return plan.edited(steps=[changed if old.id == step.id else old for old in plan.steps]), said


def _remove(plan: Plan, edit: FieldEdit, _: Mapping[str, ToolSpec]) -> tuple[Plan, str]:
    step = plan.step(edit.step)
    return plan.edited(steps=without(plan.steps, step.id)), f"removed step {step.id}"


def _move(plan: Plan, edit: FieldEdit, _: Mapping[str, ToolSpec]) -> tuple[Plan, str]:
    step = plan.step(edit.step)
    others = [old for old in plan.steps if old.id != step.id]
    place = len(others) if edit.to is None else min(edit.to - 1, len(others))
    return plan.edited(steps=[*others[:place], step, *others[place:]]), f"moved step {step.id} to {place + 1}"


def _add(plan: Plan, edit: FieldEdit, tools: Mapping[str, ToolSpec]) -> tuple[Plan, str]:
    spec = tools.get(edit.tool or "")
    if spec is None:
        raise BadChoice("tool", str(edit.tool), sorted(tools))
    if not isinstance(edit.value, Mapping):
        raise BadArguments(f"The new step {edit.step!r} has no arguments.", "Give them as an object in `value`.")
    step = Step(id=edit.step, tool=spec.name, arguments=dict(edit.value), why="Added by hand.", effect=spec.effect)
    place = len(plan.steps) if edit.to is None else edit.to - 1
    return plan.edited(steps=[*plan.steps[:place], step, *plan.steps[place:]]), f"added step {step.id}"


_EDITS: Mapping[str, Callable[[Plan, FieldEdit, Mapping[str, ToolSpec]], tuple[Plan, str]]] = {
    "set": _set,
    "remove": _remove,
    "move": _move,
    "add": _add,
}


# both


def without(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """The steps but one. Who referred to it refers to what it worked on, where that is a result as well.

    'promote $optimise.model' becomes 'promote $finish.model' when the step `optimise` goes, which made its model from
    that.
    """
    gone = next(step for step in steps if step.id == name)

    def instead(found: Reference) -> object:
        source = reference(gone.arguments.get(found.path)) if found.step == name else None
        return str(source or found)

    kept = [step for step in steps if step.id != name]
    return tuple(_rewired(step, instead) for step in kept)


def _rewired(step: Step, instead: Callable[[Reference], object]) -> Step:
    arguments = {argument: replaced(value, instead) for argument, value in step.arguments.items()}
    return step if arguments == step.arguments else step.model_copy(update={"arguments": arguments})


def _in_training(steps: Sequence[Step], changes: Mapping[str, object]) -> tuple[Step, ...]:
    if not changes:
        return tuple(steps)
    return tuple(_changed(step, changes) if step.tool == TRAINING else step for step in steps)


def _changed(step: Step, changes: Mapping[str, object]) -> Step:
    """The step with other arguments. What it was expected to cost is no longer known."""
    arguments = {name: value for name, value in {**step.arguments, **changes}.items() if value is not None}
    if arguments == {name: value for name, value in step.arguments.items() if value is not None}:
        return step
    return step.model_copy(update={"arguments": arguments, "estimate": StepEstimate()})


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value)
