"""Crews with a hostile server, in a crew's process: through Millwright's model, and through CrewAI's own.

As in tests.hostile, every tool writes down that it was called, and that is compared with what the server sent whole.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from agents.loopback import Loopback
from agents.script import Call, Entry
from agents.scripted import call, say, serve
from crews.events import Json, Tell
from engine.errors import MillwrightError
from tests.crews.crewshop import brief, crew_shop
from tests.hostile import Talked, called, endpoint, not_asked_for, written_down
from tools.inline import InlineJobs
from tools.workshop import Workshop

DATA = {"dataset": "ds_small", "target": "y"}
LIMIT = "budget_seconds"
"""The one argument that a crew changes: no training may take more than is left."""


def written_shop(home: Path) -> Workshop:
    """The small workshop of crews, every call of which is written down; jobs too."""
    shop = crew_shop(home)
    tools = {name: written_down(spec) for name, spec in shop.tools.items()}
    return replace(shop, tools=tools, jobs=InlineJobs(home, lambda: written_shop(home)))


def on_the_model(tool: str) -> Callable[[Sequence[object]], Call]:
    """A call of `tool` for the model that was trained last, as the messages tell its id."""

    def turn(messages: Sequence[object]) -> Call:
        known = re.findall(r"mdl_\w+", json.dumps(list(messages)))
        return call(tool, model=known[-1] if known else "mdl_none")

    return turn


WHOLE: tuple[Entry, ...] = (
    [call("profile_dataset", **DATA), call("estimate_training", **DATA)],
    say("There are 40 rows."),
    call("train_model", **DATA, models=["linear"], budget_seconds=None, max_models=1),
    on_the_model("explain_model"),
    say("It was trained on 40 rows."),
    on_the_model("test_model"),
    say("It was tested."),
    on_the_model("plan_deployment"),
    say("It is planned."),
)
SCRIPTS: tuple[Sequence[Entry], ...] = (WHOLE, (), WHOLE)
TIMES = (None, 1, 3)


def play(arguments: Json, tell: Tell) -> Json:
    """The crew runs of these `numbers` in each of `hows` and `modes`; everything about each."""
    asked: Any = arguments
    one = {"millwright": crew_run, "crewai": stock_run}
    root, numbers = Path(asked["root"]), asked["numbers"]
    return {
        how: {mode: [asdict(one[how](root / how / f"{mode}-{n}", mode, n)) for n in numbers] for mode in asked["modes"]}
        for how in asked["hows"]
    }


def crew_run(home: Path, mode: str, number: int) -> Talked:
    """The development crew, led by a model at the hostile server."""
    from crews.development.run import develop

    def work(shop: Workshop, server: Loopback) -> object:
        return develop(shop, endpoint(server.base_url, {}), brief(), home / "crews" / "crew_1").tasks

    return _judged(home, mode, number, work)


def stock_run(home: Path, mode: str, number: int) -> Talked:
    """One agent with CrewAI's own model, and our tools in its hands."""
    from crewai import LLM, Agent, Crew, Task

    from crews.bench import Bench, Post
    from crews.ledger import Ledger
    from crews.toolbox import in_hands_of

    def work(shop: Workshop, server: Loopback) -> object:
        bench = Bench(shop, Ledger(home / "ledger.jsonl"), "crew_1")
        names = ("profile_dataset", "estimate_training", "train_model", "explain_model")
        tools = [in_hands_of(Post("Analyst", "analyse"), bench, name) for name in names]
        # its own retries would multiply the requests
        llm = LLM(model="openai/m", base_url=server.base_url, api_key="none", timeout=0.4, max_retries=0)
        agent = Agent(
            role="Analyst",
            goal="Know ds_small.",
            backstory="You look.",
            llm=llm,
            tools=tools,
            max_retry_limit=0,
            max_iter=8,
        )
        task = Task(description="Profile ds_small, target y.", expected_output="Its rows.", agent=agent)
        return Crew(agents=[agent], tasks=[task], cache=False).kickoff().raw

    return _judged(home, mode, number, work, stock=True)


def _judged(
    home: Path, mode: str, number: int, work: Callable[[Workshop, Loopback], object], stock: bool = False
) -> Talked:
    home.mkdir(parents=True)
    script = SCRIPTS[number % len(SCRIPTS)]
    shop, start, wrong = written_shop(home), time.monotonic(), list[str]()
    end, code, told = "answer", "", ""
    before = len(called(home))
    with serve(script, mode=mode, times=TIMES[number % len(TIMES)], retry_after_s=0.02) as server:
        try:
            if not work(shop, server):
                wrong.append("the crew came to nothing and said so to nobody")
        except MillwrightError as error:
            end, code, told = "error", error.code, str(error)
            if not error.hint:
                wrong.append(f"an error without a next step: {error.code}: {error.sentence}")
        except Exception as error:  # CrewAI's own model raises CrewAI's and its client's errors
            end, code, told = "error", type(error).__name__, str(error)
            if not stock:
                wrong.append(f"an error of no type: {code}: {error}")
        ran = called(home)[before:]
        # CrewAI's own model takes an answer for whole whatever its reason to stop is, or without one
        sent = [replace(one, whole=one.whole or stock) for one in server.sent]
        wrong += [f"{one} was run but not asked for" for one in not_asked_for(ran, sent, shop.tools, but=LIMIT)]
    return Talked(mode, end, code, time.monotonic() - start, len(server.sent), len(ran), wrong, told)
