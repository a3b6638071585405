"""`millwright run` (the agents plan and work) and `millwright train` (the training tool alone)."""

from typing import Annotated

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
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run the plan without asking.")] = False,
    json: Json = False,
) -> Reply:
    """Reach a goal in words: look at the data, plan, train, evaluate, tune while it pays, report.

    The plan and its estimate are shown first and wait for your approval. Ctrl-C stops the training and keeps the
    best so far.
    """
    if resume is not None:
        given = {
            "GOAL": goal,
            "--data": data,
            "--target": target,
            "--budget": budget,
            "--metric": metric,
            "--models": models,
            "--max-models": max_models,
            "--drop": drop,
            "--kind": kind,
            "--split": split if split != DEFAULT_SPLIT else None,
            "--seed": seed or None,
            "--device": device if device != "auto" else None,
            "--processes": processes if processes != 1 else None,
        }
        _must_stand_alone("--resume", [name for name, value in given.items() if value is not None])
        from millwright.cli import runs

        return runs.resume(resume, yes, json)
    if goal is None or data is None:
        raise typer.BadParameter("give a GOAL and --data SOURCE, or --resume RUN.", param_hint="GOAL")
    from millwright.cli import runs

    choices = Choices(data, target, budget, metric, models, max_models, drop, kind, split, seed, device, processes)
    return runs.start(choices.request(goal, approve_all=yes), json)


def _must_stand_alone(option: str, others: list[str]) -> None:
    if others:
        raise typer.BadParameter(
            f"the run goes on as it was asked for: leave out {', '.join(others)}.", param_hint=option
        )


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
    return Reply(
        summary, lambda console: screens_run.show(summary, console), json, EXIT_CODE if result.cancelled else 0
    )
