"""`millwright drift`: a reference profile, a comparison with it, and its page."""

import json as json_
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.drift.levels import Level
from millwright.cli.opening import call, opened
from millwright.cli.options import Json, Target
from millwright.cli.reply import Reply

app = typer.Typer(help="Compare data with what a model was trained on.", no_args_is_help=True)
DRIFTED = 3
"""The exit code when --fail-on is reached."""

Model = Annotated[str | None, typer.Option(metavar="MODEL", help="Model whose training rows are the reference.")]
Reference = Annotated[
    str | None, typer.Option(metavar="FILE", help="Instead of a model: a saved profile, or data to profile now.")
]
Current = Annotated[str, typer.Option(metavar="SOURCE", help="The current rows: a file or a dataset.")]


class FailOn(StrEnum):
    """The levels that a script may fail on."""

    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


@app.command("profile")
def profile(
    data: Annotated[str, typer.Argument(metavar="SOURCE", help="A file or a dataset: the reference rows.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the profile.")],
    target: Target = None,
    sketch: Annotated[bool, typer.Option(help="A small sketch that merges, instead of exact distributions.")] = False,
    json: Json = False,
) -> Reply:
    """Keep what a later comparison needs of a table, without its rows."""
    from millwright.cli import screens_drift
    from tools.drift import ReferenceProfile

    arguments = {"data": data, "out": str(out), "target": target, "sketch": sketch}
    with opened() as workshop:
        found = call(workshop, "profile_reference", ReferenceProfile, **arguments)
    return Reply(found, lambda console: console.print(screens_drift.reference(found)), json)


@app.command("check")
def check(
    current: Current,
    model: Model = None,
    reference: Reference = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with 3 from this level on, for scripts.")] = None,
    json: Json = False,
) -> Reply:
    """Say whether current rows differ from the reference, column by column; --json prints the whole report."""
    from millwright.cli import screens_drift
    from tools.drift import DriftCheck

    with opened() as workshop:
        found = call(workshop, "check_drift", DriftCheck, model=model, reference=reference, data=current)
    assert found.found is not None
    whole = json_.loads(Path(found.found.full).read_text(encoding="utf-8"))
    code = DRIFTED if fail_on is not None and found.level >= Level[fail_on.name] else 0
    return Reply(whole, lambda console: console.print(screens_drift.check(found)), json, code)


@app.command("report")
def report(
    current: Current,
    model: Model = None,
    reference: Reference = None,
    json: Json = False,
) -> Reply:
    """Compare, and say where the page to read lies: overlays of every column, findings, what to do."""
    from tools.drift import DriftCheck

    with opened() as workshop:
        found = call(workshop, "check_drift", DriftCheck, model=model, reference=reference, data=current)
    assert found.found is not None
    page = found.found.report
    return Reply({"level": found.level, "report": page}, lambda console: console.print(page, soft_wrap=True), json)
