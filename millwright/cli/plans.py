"""A plan from a file: as `millwright run --dry-run --json` wrote it, edited by hand or not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine.errors import BadArguments, SourceNotFound

if TYPE_CHECKING:
    from agents.plan import Plan


@dataclass(frozen=True)
class PlannedBefore:
    """A plan, and what its training says of goal, data and target."""

    plan: "Plan"
    goal: str
    dataset: str | None
    target: str | None


def planned_before(file: Path, edits: Sequence[str] | None) -> PlannedBefore:
    """The plan in `file`.

    Raises:
        SourceNotFound: there is no such file.
        BadArguments: it holds no plan, or one that was changed and still has the hash of the one before.
    """
    if edits:
        raise typer.BadParameter("edit the file, or make a new plan with these words.", param_hint="--edit")
    from pydantic import ValidationError

    from agents.plan import Plan

    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceNotFound(str(file)) from error
    except ValueError as error:
        raise BadArguments(f"{str(file)!r} is no JSON: {error}.", _HINT) from error
    if isinstance(found, dict) and isinstance(found.get("plan"), dict):
        found = found["plan"]
    try:
        plan = Plan.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise BadArguments(f"{str(file)!r} holds no plan that can be run: {where}: {first['msg']}.", _HINT) from error
    training = next((step.arguments for step in plan.steps if step.tool == "train_model"), {})
    dataset, target = training.get("dataset"), training.get("target")
    return PlannedBefore(
        plan=plan,
        goal=plan.goal,
        dataset=dataset if isinstance(dataset, str) else None,
        target=target if isinstance(target, str) else None,
    )


_HINT = (
    "Write one with: millwright run GOAL --data SOURCE --dry-run --json > plan.json. After changing it by hand, take "
    "the field 'hash' out: it belongs to what was there before."
)
