"""`millwright pipeline`: load, preprocess, train, validate, again while it fails; and branches from any checkpoint."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.choices import Choices, kinds_from, models_from
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
    Seed,
    Split,
    Target,
)
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from graphs.pipeline_types import PipelineRequest, PipelineSummary
    from graphs.pipelines import Mind

app = typer.Typer(
    help="Load, preprocess, train and validate, again while validation fails; branch from any checkpoint.",
    no_args_is_help=True,
)

Attempts = Annotated[int | None, typer.Option(metavar="N", min=1, max=10, help="Attempts at most; 3 by default.")]
MinScore = Annotated[
    float | None,
    typer.Option(metavar="SCORE", help="Least validation score, in the metric's units; the most if lower is better."),
]
Keep = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column to learn from whatever is found; may be repeated.")
]
AllowLeaks = Annotated[bool, typer.Option("--allow-leaks", help="Do not demand that no leak is left.")]
AnyScore = Annotated[bool, typer.Option("--any-score", help="Do not demand to beat the baseline.")]
KeepBest = Annotated[bool, typer.Option("--keep-best", help="Package the best attempt even when none passes.")]
Raw = Annotated[bool, typer.Option("--raw", help="Leave out no column unless it is named or a check fails.")]
TaskName = Annotated[
    str | None, typer.Option("--task", help="binary, multiclass or regression; found from the target by default.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Begin without asking.")]


@app.command("run")
def run(
    data: Data,
    goal: Annotated[str, typer.Argument(metavar="[GOAL]", help="What you want, in words.")] = "",
    target: Target = None,
    budget: Budget = None,
    metric: Metric = None,
    models: Models = None,
    max_models: MaxModels = None,
    drop: Drop = None,
    keep: Keep = None,
    kind: Kinds = None,
    split: Split = "auto",
    seed: Seed = 0,
    device: Device = "auto",
    attempts: Attempts = None,
    min_score: MinScore = None,
    allow_leaks: AllowLeaks = False,
    any_score: AnyScore = False,
    keep_best: KeepBest = False,
    raw: Raw = False,
    task: TaskName = None,
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Load, preprocess, train and validate; change something and try again while validation fails; then package.

    The sealed test rows are looked at once, after validation has passed. Exit code 1 when no attempt passes.
    """
    from graphs.pipeline_types import PipelineRequest

    choices = Choices(data, target, budget, metric, models, max_models, drop, kind, split, seed, device)
    asked = changes_from(
        attempts=attempts, min_score=min_score, keep=keep, allow_leaks=allow_leaks, any_score=any_score,
        keep_best=keep_best, raw=raw,
    )  # fmt: skip
    checks = {name: asked.pop(name) for name in ("min_score", "no_leak", "beats_baseline") if name in asked}
    everything = {**choices.training(), **choices.importing(), **asked, "checks": checks}
    request = PipelineRequest.of(
        goal=goal, data=data, approve_all=yes, defaults=choices.defaults, task=task, **everything
    )
    return start(request, json)


@app.command("checkpoints")
def checkpoints(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a pipeline.")], json: Json = False
) -> Reply:
    """List the checkpoints of a pipeline: when, what is in each, what follows."""
    return list_checkpoints(run, json)


@app.command("from")
def from_(
    place: Annotated[str, typer.Argument(metavar="RUN[:CHECKPOINT]", help="E.g. run_1b2d4e3f9a0c:validate-1.")],
    budget: Budget = None,
    metric: Metric = None,
    models: Models = None,
    max_models: MaxModels = None,
    drop: Drop = None,
    keep: Keep = None,
    kind: Kinds = None,
    attempts: Attempts = None,
    min_score: MinScore = None,
    allow_leaks: AllowLeaks = False,
    any_score: AnyScore = False,
    keep_best: KeepBest = False,
    raw: Raw = False,
    yes: Yes = False,
    json: Json = False,
) -> Reply:
    """Begin a new run at a checkpoint of another, with changes; RUN alone and no change goes on with that run.

    The other run stays as it is. What a checkpoint has decided already is refused, with where it can be changed.
    """
    changes = changes_from(
        budget=budget, metric=metric, models=models, max_models=max_models, drop=drop, keep=keep, kind=kind,
        attempts=attempts, min_score=min_score, allow_leaks=allow_leaks, any_score=any_score, keep_best=keep_best,
        raw=raw,
    )  # fmt: skip
    return from_checkpoint(place, changes, yes, json)


def changes_from(
    *,
    budget: float | None = None,
    metric: str | None = None,
    models: str | None = None,
    max_models: int | None = None,
    drop: list[str] | None = None,
    keep: list[str] | None = None,
    kind: list[str] | None = None,
    attempts: int | None = None,
    min_score: float | None = None,
    allow_leaks: bool = False,
    any_score: bool = False,
    keep_best: bool = False,
    raw: bool = False,
) -> dict[str, object]:
    """The options that were given, as fields of a pipeline's request and of its checks."""
    given: dict[str, object] = {
        "budget_seconds": budget, "metric": metric, "models": models_from(models), "max_models": max_models,
        "drop": drop or None, "keep": keep or None, "kinds": kinds_from(kind) or None, "attempts": attempts,
        "min_score": min_score, "no_leak": False if allow_leaks else None,
        "beats_baseline": False if any_score else None, "keep_best": keep_best or None,
        "clean": False if raw else None,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def start(request: "PipelineRequest", json: bool) -> Reply:
    """Run a new pipeline to its end.

    Raises:
        ApprovalNeeded: nobody said yes.
        MillwrightError: whatever stops it.
    """
    from graphs.pipelines import new_pipeline_id, start_pipeline
    from millwright.cli.asking import approved

    limit = f"{request.max_models} models each" if request.budget_seconds is None else f"{request.budget_seconds:g} s"
    approved(f"Run a pipeline on {request.data}, up to {request.attempts} attempt(s), {limit}?", request.approve_all)
    run = new_pipeline_id()
    print(f"Run {run}", file=sys.stderr)
    return _carried_out(run, json, request.budget_seconds, lambda mind: start_pipeline(mind, request, run))


def from_checkpoint(place: str, changes: Mapping[str, object], yes: bool, json: bool) -> Reply:
    """Branch from `RUN:NAME`; from `RUN`, at the latest checkpoint that allows the changes, or without any resume it.

    Raises:
        NotFound: no such pipeline or checkpoint.
        BadArguments: a change comes too late there; says from where it can be made.
        ApprovalNeeded: nobody said yes.
        MillwrightError: whatever stops it.
    """
    from graphs.pipelines import branch, new_pipeline_id, resume_pipeline
    from millwright.cli.asking import approved

    run, _, name = place.partition(":")
    if not name and not changes:
        return _carried_out(run, json, None, lambda mind: resume_pipeline(mind, run))
    changed = ", ".join(f"{field} {value}" for field, value in changes.items()) or "no change"
    approved(f"Begin a new run at {place} with {changed}?", yes)
    new = new_pipeline_id()
    print(f"Run {new}", file=sys.stderr)
    return _carried_out(new, json, None, lambda mind: branch(mind, run, name or None, changes, new))


def list_checkpoints(run: str, json: bool) -> Reply:
    """The checkpoints of a pipeline.

    Raises:
        NotFound: no such pipeline.
    """
    from graphs.pipelines import checkpoints
    from millwright.cli import screens_pipeline
    from millwright.cli.opening import opened, opened_mind

    with opened() as workshop, opened_mind(workshop) as (_, saver):
        found = checkpoints(workshop, saver, run)
    return Reply(found, lambda console: screens_pipeline.show_checkpoints(found, console), json)


def _carried_out(run: str, json: bool, budget: float | None, work: "Callable[[Mind], PipelineSummary]") -> Reply:
    """The answer of a pipeline: exit code 1 when no attempt passed, that of Ctrl-C when the user stopped it early."""
    from graphs.pipelines import Mind
    from millwright.cli import screens_pipeline
    from millwright.cli.listening import Listener, carried_out
    from millwright.cli.opening import opened, opened_mind

    with opened() as workshop:
        listener = Listener(workshop, budget)
        with opened_mind(workshop) as (model, saver):
            mind = Mind(workshop, model, saver, listener)
            summary, exit_code = carried_out(
                run, f"Go on with it: millwright pipeline from {run}", listener, lambda: work(mind)
            )
    exit_code = exit_code or (1 if summary.state == "failed" else 0)
    return Reply(summary, lambda console: screens_pipeline.show(summary, console), json, exit_code)
