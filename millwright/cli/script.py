"""`millwright script`: a file of goals, run without a person."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from millwright.cli.options import Json
from millwright.cli.plain import plain
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import Console

    from millwright.script_types import ScriptSummary, StepOutcome

PolicyName = Literal["careful", "trusting", "all"]


def script(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A .yaml, .json or .py file of goals.")] = None,
    policy: Annotated[
        PolicyName | None,
        typer.Option(help="What may be done without asking, whatever the file says: careful, trusting or all."),
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="SCRIPT", help="Go on with a script that was cut off.")] = None,
    json: Json = False,
) -> Reply:
    """Run the goals in FILE one after another, unattended. Exit code 0 only when every step was done as expected.

    A step is a goal with data (run), a line of a conversation (say) or one call (tool). docs/scripts.md shows one.
    """
    if (file is None) == (resume is None):
        raise typer.BadParameter("give a FILE or --resume SCRIPT, one of them.", param_hint="FILE")
    if resume is not None and policy is not None:
        raise typer.BadParameter("a script goes on under the policy it began with.", param_hint="--policy")
    summary = _run(file, policy) if file is not None else _resume(str(resume))
    return Reply(summary, lambda console: _show(summary, console), json, int(not summary.ok))


def _run(file: Path, policy: PolicyName | None) -> "ScriptSummary":
    import sys

    from millwright.cli.listening import Listener, listening
    from millwright.orchestrate import open_office
    from millwright.script_types import read_script
    from millwright.scripts import new_script_id, start_script, with_policy

    script = with_policy(read_script(file), policy)
    name = new_script_id()
    print(f"Script {name} (go on with it: millwright script --resume {name})", file=sys.stderr)
    with open_office() as office:
        listener = Listener(office.workshop)
        with listening(listener):
            return start_script(office, script, str(file), name=name, emit=listener, told=_tell)


def _resume(name: str) -> "ScriptSummary":
    from millwright.cli.listening import Listener, listening
    from millwright.orchestrate import open_office
    from millwright.scripts import resume_script

    with open_office() as office:
        listener = Listener(office.workshop)
        with listening(listener):
            return resume_script(office, name, emit=listener, told=_tell)


def _tell(outcome: "StepOutcome") -> None:
    import sys

    why = _why(outcome)
    told = f"\n{outcome.number}. {outcome.what}: {outcome.state}{f' ({why})' if why else ''}"
    print(plain(told), file=sys.stderr)


def _why(outcome: "StepOutcome") -> str:
    if outcome.error is not None:
        return f"{outcome.error['message']} {outcome.error['hint']}".strip()
    return " ".join(outcome.unmet) or (outcome.text if outcome.state == "skipped" else "")


def _show(summary: "ScriptSummary", console: "Console") -> None:
    from millwright.cli.screens import sentences, table

    rows = [
        (str(step.number), step.state, f"{step.kind}: {step.what}", f"{step.seconds:.1f} s", _why(step) or step.text)
        for step in summary.steps
    ]
    console.print(table((">", "state", "step", ">time", "outcome"), rows))
    done = sum(step.state == "done" for step in summary.steps)
    console.print(sentences(f"{done} of {len(rows)} steps done in {summary.seconds:.1f} s.", ""))
