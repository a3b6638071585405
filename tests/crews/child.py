"""What the tests let a crew's process call; the crews package itself cannot be imported where HOME is not ours."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from agents.scripted import ScriptedModel, call, say
from engine.errors import BadChoice, NothingTrained

Json = dict[str, Any]


def echo(arguments: Json) -> Json:
    sys.stdout.write("noise that a library prints\n")
    return {"home": os.environ["HOME"], "given": arguments}


def mendable(arguments: Json) -> Json:
    raise BadChoice("metric", "f2", ["f1"])


def dies(arguments: Json) -> Json:
    os._exit(9)


def sleeps(arguments: Json) -> Json:
    if "note" in arguments:
        Path(arguments["note"]).write_text(str(os.getpid()))
    time.sleep(60)
    return {}


def adds(arguments: Json) -> Json:
    """One agent with one tool; the script calls it as `arguments` say and then answers."""
    from crewai import Agent, Crew, Task
    from crewai.tools import BaseTool

    from crews.ledger import Ledger, recorded
    from crews.llm import crew_model

    class Add(BaseTool):
        name: str = "add"
        description: str = "Adds two whole numbers."

        def _run(self, a: int, b: int) -> str:
            if a < 0:
                raise NothingTrained("The adder is broken.", "Mend it.")
            return str(a + b)

    ledger = Ledger()
    model = ScriptedModel(script=[*(call("add", **each) for each in arguments["calls"]), say("That is all.")])
    agent = Agent(
        role="Adder",
        goal="Add.",
        backstory="Adds.",
        llm=crew_model(model, ledger),
        tools=[recorded(Add(), ledger)],
        max_retry_limit=0,
        cache=False,
    )
    task = Task(description="Add the numbers.", expected_output="The sum.", agent=agent)
    output = Crew(agents=[agent], tasks=[task], cache=False, verbose=False).kickoff()
    ledger.check()
    model.check()
    return {
        "text": output.raw,
        "calls": [record.model_dump() for record in ledger.calls],
        "shown": [str(message.content) for message in model.seen[-1]],
        "files": sorted(str(path) for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()),
    }


def develops(arguments: Json) -> Json:
    """The development crew over a real workshop, led by a script."""
    from crews.development.run import DevelopmentRequest, develop
    from tests.homes import workshop_at

    workshop = workshop_at(Path(arguments["home"]))
    dataset = workshop.datasets.import_source("sample:breast_cancer", target="diagnosis").id
    train = {"dataset": dataset, "models": ["linear"], "budget_seconds": None, "max_models": 1}
    model = ScriptedModel(
        script=[
            call("profile_dataset", dataset=dataset),
            say("569 rows before the split, two classes."),
            call("train_model", **train, metric="f2"),
            call("train_model", **train),
            say("A linear model is trained."),
        ]
    )
    request = DevelopmentRequest(dataset=dataset, target="diagnosis", goal="find malignant cases", budget_seconds=30)
    report = develop(workshop, model, request)
    model.check()
    return report.model_dump(mode="json") | {"registered": [each.model_id for each in workshop.registry.list()]}


def develops_offline(arguments: Json) -> Json:
    """The development crew led by the planner that needs no key."""
    from agents.offline import OfflinePlanner
    from crews.development.run import DevelopmentRequest, develop
    from tests.homes import workshop_at

    workshop = workshop_at(Path(arguments["home"]))
    dataset = workshop.datasets.import_source("sample:diabetes", target="progression").id
    request = DevelopmentRequest(dataset=dataset, target="progression", goal="predict progression", budget_seconds=5)
    report = develop(workshop, OfflinePlanner(), request)
    return report.model_dump(mode="json")
