"""A crew from Python, and both ends of the process that it works in."""

import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from millwright.budgets import metered_mind, owners_purse, price_of
from millwright.compose import made_home, open_workshop
from millwright.settings import Settings, child_environment, revealed
from tools import tracing_names as names
from tools.audit import surface
from tools.tracing import carried, span, within

if TYPE_CHECKING:
    from agents.budget_purse import Purse
    from crews.brief import Brief, CrewReport, CrewRequest
    from crews.events import Json, Tell
    from engine.progress import Watch
    from graphs.events import Emit
    from tools.workshop import Workshop

TARGET = "millwright.crewing:work"
REQUEST, RESULT, CLOCK = "request.json", "result.json", "clock.json"
REPORT, TASKS = "report.md", "tasks"
DEFAULT = "development"


def crew(
    name: str = DEFAULT,
    data: str | None = None,
    target: str | None = None,
    *,
    resume: str | None = None,
    settings: Settings | None = None,
    listen: "Emit | None" = None,
    **choices: Any,  # noqa: ANN401
) -> "CrewReport":
    """Have a crew of agents analyse a dataset, train and test a model of it, and plan its deployment.

    Args:
        resume: a crew run that was cut off, to go on with as it was asked for; nothing else is given then.
        listen: called with every event as it comes.
        choices: what `crews.brief.CrewRequest` takes, e.g. goal='F1 of at least 0.6', process='hierarchical',
            budget_seconds=30; the budget of the settings by default.

    Raises:
        BadArguments, BadBudget, BadChoice: a choice that does not fit; nothing was written.
        NotFound: no such crew run, dataset or file.
        MillwrightError: what stopped the crew; what is finished is kept, to go on with.
    """
    from crews.brief import CrewRequest
    from engine.errors import BadArguments
    from graphs.events import unheard

    settings = settings or Settings()
    if resume is not None:
        if data is not None or target is not None or choices:
            raise BadArguments("A crew run goes on as it was asked for.", "Give `resume` alone.")
        return run_crew(settings, resume, asked_before(settings, resume), listen or unheard)
    limit = {} if choices.get("max_models") is not None else {"budget_seconds": settings.budget_seconds}
    given = {**limit, **choices, "crew": name, "data": data, "target": target}
    if choices.get("max_models") is not None:
        given.setdefault("budget_seconds", None)
    return run_crew(settings, new_run(), CrewRequest.of(**given), listen or unheard)


def starter(settings: Settings) -> "Callable[[CrewRequest, Watch], CrewReport]":
    """What stands behind the tool run_crew: a crew run that tells its course as progress.

    The same request as that of a crew run that was cut off goes on with it, so that a call that is made again after a
    crash does not begin from nothing.
    """

    from graphs.within import as_progress

    def start(request: "CrewRequest", watch: "Watch") -> "CrewReport":
        return run_crew(settings, _cut_off(settings, request) or new_run(), request, as_progress(watch))

    return start


def new_run() -> str:
    """A fresh id, e.g. 'crew_1b2d4e3f9a0c'."""
    return f"crew_{secrets.token_hex(6)}"


def run_crew(settings: Settings, run: str, request: "CrewRequest", emit: "Emit") -> "CrewReport":
    """Run `request` as crew run `run`, or go on with it. A finished one gives its result again.

    Raises:
        Busy: run_busy, another process works on it.
        BudgetSpent: its time is up, by the limits of whoever has asked for it.
        MillwrightError: as `crew`.
    """
    from agents.budget import CREW, Spent, account
    from agents.budget_purse import purse_of, spending
    from agents.provider import secrets_of
    from crews.brief import CrewReport
    from crews.process import run_in_crew_process
    from engine.errors import Fixable
    from engine.files import write_json
    from graphs.events import EVENT
    from graphs.lease import lease
    from tools.home import read_json_if_there

    request.check()
    _check_kept(request.data)
    folder = _folder(made_home(settings.home), run)
    owner = owners_purse(settings, made_home(settings.home))
    purse = purse_of(owner.meter, owner.accounts[0], account(CREW, run))
    with lease(folder, "run", run), spending(purse, timed=True):
        finished = read_json_if_there(folder / RESULT)
        if finished is not None:
            return CrewReport.model_validate(finished)
        write_json(folder / REQUEST, request.model_dump(mode="json"))
        start = time.monotonic()

        def hear(event: "Json") -> None:
            emit(EVENT.validate_python(event))
            purse.check()

        try:
            result = run_in_crew_process(
                TARGET,
                _told(settings, run, request, purse),
                home=settings.home.resolve(),
                environment=child_environment(settings.threads),
                tell=hear,
                secrets=tuple(key.get_secret_value() for key in secrets_of(settings.llm)),
            )
        except Fixable:
            if not (folder / TASKS).exists():
                # a wrong word is mended in a new crew run: nothing stays of this one
                shutil.rmtree(folder)
            raise
        finally:
            if folder.exists():
                spent = _spent(folder) + time.monotonic() - start
                write_json(folder / CLOCK, {"spent": spent})
        report = CrewReport.model_validate({**result, "seconds": round(spent, 3)})
        purse.heard(Spent(prompt=report.tokens.prompt, completion=report.tokens.completion))
        write_json(folder / RESULT, report.model_dump(mode="json"))
        return report


def asked_before(settings: Settings, run: str) -> "CrewRequest":
    """The request of a crew run.

    Raises:
        NotFound: run_not_found.
    """
    from crews.brief import CrewRequest
    from engine.errors import NotFound
    from tools.home import read_json_if_there

    folder = _folder(settings.home.resolve(), run)
    found = read_json_if_there(folder / REQUEST)
    if found is None:
        raise NotFound("run", run, sorted(path.parent.name for path in folder.parent.glob(f"crew_*/{REQUEST}")))
    return CrewRequest.model_validate(found)


def work(arguments: "Json", tell: "Tell") -> "Json":
    """The crew's own process: settings and request as JSON in, the report out."""
    from agents.budget import Account, Tokens
    from agents.budget_purse import Purse
    from crews.brief import CrewRequest

    given: Any = arguments["settings"]
    accounts: Any = arguments.get("accounts")
    settings = Settings.model_validate(given)
    logging.basicConfig(level=settings.log_level)
    request, run = CrewRequest.model_validate(arguments["request"]), str(arguments["run"])
    purse = owners_purse(settings, settings.home)
    if accounts is not None:
        purse = Purse(purse.meter, tuple(Account.model_validate(each) for each in accounts))
    surface.set("crew")
    with (
        open_workshop(settings) as workshop,
        within(str(arguments.get("trace", ""))),
        span("crew", {names.RUN: run}),
        metered_mind(settings, purse) as model,
    ):
        # the worker boots while the data is read
        workshop.jobs.warm()
        brief = _brief(workshop, request, run, tell)
        # not before here: a wrong word is told at once, without the seconds that loading CrewAI takes
        from crews.development.run import develop

        # with no language model the agents follow their rules
        mind = None if settings.llm.provider == "offline" else model
        report = develop(workshop, mind, brief, _folder(workshop.home, run), tell)
        price, used = price_of(settings), Tokens(prompt=report.tokens.prompt, completion=report.tokens.completion)
        cost = None if price is None else price.of(used)
        return report.model_copy(update={"cost": cost}).model_dump(mode="json")


def _brief(workshop: "Workshop", request: "CrewRequest", run: str, tell: "Tell") -> "Brief":
    """What the agents get: the data imported, the target there, the goal's requirements read."""
    from crews.brief import Brief
    from crews.demands import demands_in, merged
    from crews.events import said
    from graphs.calls import use_once
    from tools.finding import find_dataset, find_target
    from tools.sources import known_dataset

    dataset = known_dataset(workshop, request.data)
    if dataset is None:
        asked = {"source": request.data, "target": request.target, "seed": request.seed}
        dataset = str(use_once(workshop, "import_dataset", asked).model_dump()["dataset"])
    target = find_target(find_dataset(workshop, dataset), request.target)
    demands = merged(request.demands, demands_in(request.goal))
    named = ", ".join(f"{name} {value}" for name, value in demands.given.items())
    tell(said(f"Crew run {run} on {dataset}; required: {named or 'nothing'}.\n"))
    shared = request.model_dump(exclude={"crew", "data", "demands", "target"})
    return Brief.model_validate({**shared, "run": run, "dataset": dataset, "target": target, "demands": demands})


def _told(settings: Settings, run: str, request: "CrewRequest", purse: "Purse") -> dict[str, Any]:
    """What the crew's process is given. The keys of the settings are readable: it goes by a pipe."""
    return {
        "settings": settings.for_worker() | {"llm": revealed(settings.llm)},
        "run": run,
        "request": request.model_dump(mode="json"),
        "accounts": [each.model_dump(mode="json") for each in purse.accounts],
        "trace": carried(),
    }


def _folder(home: Path, run: str) -> Path:
    # an id is a name, never a path
    return home / "crews" / Path(run).name


def _spent(folder: Path) -> float:
    from tools.home import read_json_if_there

    return float((read_json_if_there(folder / CLOCK) or {}).get("spent", 0.0))


def _check_kept(data: str) -> None:
    """A crew run keeps its request on disk to go on after a crash, so nothing secret may stand in it.

    Raises:
        BadArguments: `data` is a database URL with a password or parameters.
    """
    from engine.errors import BadArguments
    from tools.finding import without_secrets

    shown = without_secrets(data)
    if shown != data:
        raise BadArguments(
            f"A crew run keeps its request on disk, and {shown!r} was given with a password or parameters.",
            "Import it first, which keeps neither: millwright data import URL --query SQL --target COLUMN.",
        )


def _cut_off(settings: Settings, request: "CrewRequest") -> str | None:
    """The newest crew run with this request that was not brought to its end and that no process works on."""
    from engine.database import tried_lock

    asked = request.model_dump(mode="json")
    found = sorted((settings.home / "crews").glob(f"crew_*/{REQUEST}"), key=os.path.getmtime, reverse=True)
    for path in found:
        # the report is written last, also by one that ended without a model
        if (path.parent / REPORT).exists() or json.loads(path.read_text()) != asked:
            continue
        with tried_lock(path.parent / "lease") as free:
            if free:
                return path.parent.name
    return None
