"""`millwright run` (the agents plan and work) and `millwright train` (the training tool alone)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from millwright.cli.choices import Choices
from millwright.cli.interrupt import EXIT_CODE
from millwright.cli.opening import call_job, dataset_of, opened
from millwright.cli.options import (
    Budget,
    Data,
    Device,
    Drop,
    Json,
    Kinds,
    MaxModels,
    Metric,
    Models,
    Processes,
    Seed,
    Split,
    Target,
)
from millwright.cli.reply import Reply

DEFAULT_SPLIT = "auto"

Keep = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column to use although it gives the target away; may be repeated."),
]
Edit = Annotated[
    list[str] | None,
    typer.Option(metavar="WORDS", help="Change the plan before it is shown: 'without tuning'; may be repeated."),
]
PlanFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Run this plan, as --dry-run --json wrote it, instead of making one."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan with its estimates and train nothing.")]
Resume = Annotated[
    str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped or that waits for a yes.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="RUN[:CHECKPOINT]", help="Begin at a checkpoint of a pipeline; RUN alone goes on with it."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Run the plan and its steps without asking.")]


def run(
    goal: Annotated[str | None, typer.Argument(metavar="GOAL", help="What you want, in words.")] = None,
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="A file, 'sample:NAME', or a dataset imported before.")
    ] = None,
    target: Target = None,
    budget: Budget = None,
    metric: Metric = None,
    models: Models = None,
    max_models: MaxModels = None,
    drop: Drop = None,
    kind: Kinds = None,
    split: Split = DEFAULT_SPLIT,
    seed: Seed = 0,
    device: Device = "auto",
    processes: Processes = 1,
    keep: Keep = None,
    edit: Edit = None,
    plan: PlanFile = None,
    dry_run: DryRun = False,
    resume: Resume = None,
    from_: From = None,
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Reach a goal in words: look at the data, plan, train, evaluate, tune while it pays, report, and what you ask for
    after that ('... then explain it, make it answer in 5 ms, test it, promote it and watch it').

    The plan and its estimate are shown first and wait for your approval; so does each step that changes what others
    use. Ctrl-C stops the training and keeps the best so far.
    """
    given = {
        "GOAL": goal,
        "--data": data,
        "--target": target,
        "--edit": edit,
        "--plan": plan,
        "--dry-run": dry_run or None,
        "--split": split if split != DEFAULT_SPLIT else None,
        "--seed": seed or None,
        "--device": device if device != "auto" else None,
        "--processes": processes if processes != 1 else None,
    }
    changes = {
        "--budget": budget,
        "--metric": metric,
        "--models": models,
        "--max-models": max_models,
        "--drop": drop,
        "--keep": keep,
        "--kind": kind,
    }
    if from_ is not None or resume is not None:
        return _gone_on(from_, resume, given, changes, yes, json)
    choices = Choices(
        data or "", target, budget, metric, models, max_models, drop, kind, split, seed, device, processes
    )
    more = {"keep": tuple(keep or ()), "edits": tuple(edit or ()), "approve_all": yes}
    return _begin(goal, choices, plan, more, dry_run, json)


def _gone_on(
    from_: str | None,
    resume: str | None,
    given: Mapping[str, object],
    changes: Mapping[str, object],
    yes: bool,
    json: bool,
) -> Reply:
    """A run or a pipeline that goes on with what it has, or begins anew at a checkpoint."""
    if from_ is not None:
        _must_stand_alone("--from", {**given, "--resume": resume}, "only what a checkpoint leaves open can change")
        return _from_checkpoint(from_, changes, yes, json)
    assert resume is not None, "one of the two is given"
    _must_stand_alone("--resume", {**given, **changes}, "the run goes on as it was asked for")
    from millwright.cli import runs

    return runs.resume(resume, yes, json)


def _begin(
    goal: str | None, choices: Choices, plan: Path | None, more: Mapping[str, Any], dry_run: bool, json: bool
) -> Reply:
    """A new run; what it is not told stands in the plan that was made before, if one is given."""
    from millwright.cli import runs
    from millwright.cli.plans import planned_before

    before = None if plan is None else planned_before(plan, more["edits"])
    if before is not None:
        goal = goal or before.goal
        choices = replace(choices, data=choices.data or before.dataset or "", target=choices.target or before.target)
    if not goal or not choices.data:
        raise typer.BadParameter("give a GOAL and --data SOURCE, or --plan FILE, or --resume RUN.", param_hint="GOAL")
    asked = choices.request(goal).model_copy(update={**more, "plan": before.plan if before else None})
    return runs.dry_run(asked, json) if dry_run else runs.start(asked, json)


def _must_stand_alone(option: str, others: Mapping[str, object], why: str) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise typer.BadParameter(f"{why}: leave out {', '.join(given)}.", param_hint=option)


def _from_checkpoint(place: str, changes: Mapping[str, Any], yes: bool, json: bool) -> Reply:
    from millwright.cli import pipelines

    named = {option.removeprefix("--").replace("-", "_"): value for option, value in changes.items()}
    return pipelines.from_checkpoint(place, pipelines.changes_from(**named), yes, json)


def train(
    data: Data,
    target: Target = None,
    budget: Budget = None,
    metric: Metric = None,
    models: Models = None,
    max_models: MaxModels = None,
    drop: Drop = None,
    kind: Kinds = None,
    split: Split = DEFAULT_SPLIT,
    seed: Seed = 0,
    device: Device = "auto",
    processes: Processes = 1,
    json: Json = False,
) -> Reply:
    """Train candidates within a budget, look at the sealed test set once, package and register the best.

    This calls the training tool without agents; `millwright run` plans, tunes and reports around it.
    """
    from graphs.run_types import summary_of
    from millwright.cli import screens_run
    from tools.training import TrainingResult

    choices = Choices(data, target, budget, metric, models, max_models, drop, kind, split, seed, device, processes)
    limit = choices.request("train").budget_seconds  # refuses what cannot be trained before anything is imported
    with opened() as workshop:
        workshop.jobs.warm()
        dataset = dataset_of(workshop, data, **choices.importing())
        result = call_job(workshop, "train_model", TrainingResult, limit, dataset=dataset, **choices.training())
    summary = summary_of(result, result.run, result.seconds)
    # a training has no plan and nothing after it
    document = summary.model_dump(mode="json", exclude={"plan", "steps"})
    return Reply(
        document, lambda console: screens_run.show(summary, console), json, EXIT_CODE if result.cancelled else 0
    )
