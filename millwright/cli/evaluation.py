"""`millwright eval`: how good a language model is at this work, told by what it does in set scenarios."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import Console

    from millwright.evaluation import Evaluation, EvaluationRequest
    from millwright.evaluation_figures import Tried
    from millwright.evaluation_types import Scenario


def evaluate_model(
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="'offline', or a model's name at the endpoint.")
    ] = None,
    against: Annotated[str | None, typer.Option(metavar="NAME", help="Another model to compare it with.")] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Endpoint, up to and with /v1; that of the settings by default.")
    ] = None,
    scenarios: Annotated[
        str, typer.Option(metavar="GLOB", help="Which scenarios: a pattern of ids, or of YAML files of your own.")
    ] = "*",
    repeats: Annotated[int, typer.Option(metavar="K", min=1, max=100, help="How often each is played.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the intervals.")] = 0,
    resume: Annotated[str | None, typer.Option(metavar="ID", help="Go on with an evaluation that was cut off.")] = None,
    fail_under: Annotated[
        float | None, typer.Option(metavar="SHARE", min=0, max=1, help="Exit code 1 below this share of successes.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the scenarios and play none.")] = False,
    show: Annotated[
        str | None, typer.Option(metavar="ID", help="Show one scenario, or what came of an evaluation.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Play scenarios with a language model and judge it by what happened: success, grounded claims, valid calls, cost.

    Every trial is kept in evals/ID.json of the home as it ends; Ctrl-C keeps what is finished. docs/eval.md says how
    the figures are made.
    """
    if sum(map(bool, (model, resume, list_, show))) != 1:
        raise typer.BadParameter("give one of --model NAME, --resume ID, --list and --show ID.", param_hint="--model")
    if list_:
        return _list(scenarios, json)
    if show is not None:
        return _show(show, scenarios, json)
    if resume is not None:
        done = _resumed(resume)
    else:
        from millwright.evaluation import EvaluationRequest

        request = EvaluationRequest(
            model=str(model), against=against, base_url=base_url, scenarios=scenarios, repeats=repeats, seed=seed
        )
        done = _started(request)
    return Reply(done, lambda console: _report(done, console), json, int(_fails(done, fail_under)))


def _fails(done: "Evaluation", least: float | None) -> bool:
    """Whether the first model, which is the one that is judged, falls short."""
    value = done.figures[0].success.value if done.figures else None
    return least is not None and (value is None or value < least)


def _list(pattern: str, json: bool) -> Reply:
    from millwright.evaluation_types import read_scenarios

    found = read_scenarios(pattern)
    document = {"scenarios": [{"id": one.id, "kind": one.kind, "about": one.about} for one in found]}
    return Reply(document, lambda console: _scenarios(found, console), json)


def _scenarios(found: "list[Scenario]", console: "Console") -> None:
    from millwright.cli.screens import table

    console.print(table(("scenario", "kind", "what it asks for"), ((one.id, one.kind, one.about) for one in found)))


def _show(name: str, pattern: str, json: bool) -> Reply:
    if name.startswith("eval_"):
        from millwright.evaluation import read_evaluation
        from millwright.settings import Settings

        done = read_evaluation(Settings(), name)
        return Reply(done, lambda console: _report(done, console), json)
    import yaml

    from millwright.evaluation_types import read_scenarios

    own = "/" in pattern or pattern.endswith(".yaml")
    scenario = next(one for one in read_scenarios(pattern if own else name) if not own or one.id == name)
    document = scenario.model_dump(mode="json", exclude_unset=True)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return Reply(document, lambda console: console.print(text, markup=False, highlight=False), json)


def _started(request: "EvaluationRequest") -> "Evaluation":
    from millwright.evaluation import new_evaluation_id, start_evaluation
    from millwright.settings import Settings

    name = new_evaluation_id()
    with _Watched(name) as told:
        return start_evaluation(Settings(), request, name=name, told=told)


def _resumed(name: str) -> "Evaluation":
    from millwright.evaluation import resume_evaluation
    from millwright.settings import Settings

    with _Watched(name) as told:
        return resume_evaluation(Settings(), name, told=told)


class _Watched:
    """A bar on a terminal, a line for each trial elsewhere; leaving says how to go on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open = ExitStack()

    def __enter__(self) -> "_Watched":
        import sys

        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        from millwright.cli.reply import console_on

        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn())
        self._console = console_on(sys.stderr)
        self._bar = self._open.enter_context(
            Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        )
        self._task = self._bar.add_task(self._name, total=None)
        self._console.print(f"Evaluation {self._name} (go on with it: millwright eval --resume {self._name})")
        return self

    def __call__(self, tried: "Tried", done: int, whole: int) -> None:
        self._bar.update(self._task, description=tried.scenario, completed=done, total=whole)
        outcome = "ok" if tried.ok else "not ok"
        line = f"[{done}/{whole}] {tried.scenario} with {tried.model}: {outcome} in {tried.seconds:.1f} s"
        self._console.print(line, markup=False, highlight=False)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._open.close()
        if isinstance(error, KeyboardInterrupt):
            from millwright.cli.interrupt import Interrupted

            raise Interrupted(
                f"Evaluation {self._name} was left; the trials that had ended are kept.",
                f"Go on with it: millwright eval --resume {self._name}",
            ) from error


def _report(done: "Evaluation", console: "Console") -> None:
    from millwright.cli.screens_evaluation import report

    for part in report(done):
        console.print(part)
