"""Scenes with a crew over the small workshop, played one after the other in a crew's process."""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from pydantic import SecretStr
from sitecustomize import REFUSED

from agents.marked import unmarked
from agents.provider import LlmSettings, chat_model
from agents.scripted import ScriptedModel, call, say
from crews.brief import Demands
from crews.events import Json, Tell
from crews.manager import DELEGATE, manage
from crews.rule import Move, RuleModel
from engine.errors import MillwrightError
from tests.crews.crewshop import brief, crew_shop
from tests.graphs.smallshop import effects

DATA = {"dataset": "ds_small", "target": "y"}
TRAIN = {**DATA, "models": ["linear"], "budget_seconds": None, "max_models": 1}


def play(arguments: Json, tell: Tell) -> Json:
    """All scenes; each has a home of its own."""
    root = Path(str(arguments["root"]))
    played: Json = {name: _played(scene, root / name, tell) for name, scene in SCENES.items()}
    played["over http"] = _played(_over_http(str(arguments["base_url"])), root / "over http", tell)
    files = [path for path in root.rglob("*") if path.is_file() and "crews/storage" in str(path)]
    return {**played, "home": os.environ["HOME"], "storage": [str(path) for path in files], "network": _network()}


def _network() -> list[str]:
    """What sitecustomize refused so far, after one probe that shows that it does."""
    before = list(REFUSED)
    with socket.socket() as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))
    return [*before, f"a probe: {REFUSED[-1]}"]


def _played(scene: Callable[[Path, Tell], Json], home: Path, tell: Tell) -> Json:
    home.mkdir(exist_ok=True)
    try:
        found = scene(home, tell)
    except MillwrightError as error:
        found = {"code": error.code, "sentence": error.sentence, "hint": error.hint}
    return {**found, "effects": effects(home)}


def developed(home: Path, tell: Tell, chat: BaseChatModel | None, **choices: Any) -> Json:
    """A crew run; its pages by file name."""
    from crews.development.run import develop

    folder = home / "crews" / "crew_1"
    report = develop(crew_shop(home), chat, brief(**choices), folder, tell)
    pages = {path.name: path.read_text() for path in sorted(folder.glob("*.md"))}
    return {"report": report.model_dump(mode="json"), "pages": pages}


def sequential(home: Path, tell: Tell) -> Json:
    """And once more in the same folder, where nothing is left to be done."""
    demands = Demands(max_latency_ms=0.1)
    first = developed(home, tell, None, demands=demands)
    done = len(effects(home))
    again = developed(home, tell, None, demands=demands)
    return {**first, "again": again, "more": effects(home)[done:]}


def killed(home: Path, tell: Tell) -> Json:
    """Go on with what another process was killed in."""
    return {"before": effects(home), **developed(home, tell, None)}


def hierarchical(home: Path, tell: Tell) -> Json:
    return developed(home, tell, None, process="hierarchical", budget_seconds=None, max_models=2)


def scripted(home: Path, tell: Tell) -> Json:
    """A language model that forgets a tool, mends a refused call, and makes up a figure and an id."""
    model_id = "mdl_" + "0" * 12
    script = [
        call("profile_dataset", **DATA),
        say("There are 40 training rows."),
        call("estimate_training", **DATA),
        say("There are 40 training rows and the pilot expects 0.04 s."),
        call("train_model", **TRAIN, trials=-1),
        call("train_model", **TRAIN),
        _explains,
        say(f"Its accuracy is 0.9999 and it is {model_id}; it was trained on 40 rows."),
        _tests,
        say("1 check passed, <b>all</b> of them."),
        _plans,
        say("Served from 0.5 MB."),
    ]
    with ScriptedModel(script=script) as model:
        found = developed(home, tell, model)
    shown, rules = ([str(messages[place].text) for messages in model.seen] for place in (-1, 0))
    return {**found, "shown": shown, "rules": rules}


def _explains(messages: Sequence[BaseMessage]) -> Any:
    return call("explain_model", model=_last_model(messages))


def _tests(messages: Sequence[BaseMessage]) -> Any:
    return call("test_model", model=_registered())


def _plans(messages: Sequence[BaseMessage]) -> Any:
    return call("plan_deployment", model=_registered())


_REGISTERED: list[str] = []


def _last_model(messages: Sequence[BaseMessage]) -> str:
    import json

    _REGISTERED.append(str(json.loads(str(unmarked(messages)[-1].text))["model"]))
    return _REGISTERED[-1]


def _registered() -> str:
    return _REGISTERED[-1]


def managed(home: Path, tell: Tell) -> Json:
    """A scripted manager who reads the ledger below an answer and sends it back; nobody trains."""
    handed = {"task": "Profile ds_small.", "context": "none", "coworker": "Data Scientist"}
    script = [
        call(DELEGATE, **handed),
        say('I did it all. <ledger>{"done": true, "missing": []}</ledger>'),
        call(DELEGATE, **{**handed, "context": "Call profile_dataset."}),
        [call("profile_dataset", **DATA), call("estimate_training", **DATA)],
        say("40 rows."),
        say("The analysis is done: 40 rows."),
        *([say("Nothing was done.")] * 3),
    ]
    model = ScriptedModel(script=script)
    try:
        found = developed(home, tell, model, process="hierarchical")
    except MillwrightError as error:
        found = {"code": error.code, "sentence": error.sentence}
    model.check()
    report = (home / "crews" / "crew_1" / "report.md").read_text()
    return {**found, "shown": [str(messages[-1].text) for messages in model.seen], "page": report}


def skipping(home: Path, tell: Tell) -> Json:
    """The manager follows its rule; a coworker answers without its tools until the manager sends the task back."""
    from crews.development.rules import RULES
    from crews.ledger import Ledger

    told = brief(process="hierarchical")
    tasks = {"Data Scientist": "analyse", "ML Engineer": "implement", "QA Engineer": "test", "MLOps Engineer": "deploy"}

    def decide(messages: Sequence[BaseMessage]) -> Move:
        text = "\n".join(str(message.text) for message in messages)
        role = next(role for role in (*tasks, "Manager") if isinstance(messages[0], SystemMessage) and _is(role, text))
        if role == "Manager":
            return manage(messages, next(role for role in tasks if f"- {role}" in text or _turn(text) == tasks[role]))
        if role == "Data Scientist" and "Sent back" not in text:
            return Move(text="It has 4711 rows, trust me.")
        return RULES[tasks[role]](told, Ledger(home / "crews" / "crew_1" / "ledger.jsonl"))

    return developed(home, tell, RuleModel(decide=decide), process="hierarchical")


def _is(role: str, text: str) -> bool:
    return text.startswith(f"You are {role}.")


def _turn(text: str) -> str:
    first = {"Profile dataset": "analyse", "Train a model": "implement", "Test the model": "test", "Plan the": "deploy"}
    return next(task for words, task in first.items() if words in text)


def stuck(home: Path, tell: Tell) -> Json:
    return developed(home, tell, RuleModel(decide=lambda messages: Move(tool="list_datasets")))


def broken(home: Path, tell: Tell) -> Json:
    """A tool fails in a way that no argument mends: the disk is full."""
    crew_shop(home)
    (home / "full").touch()
    return developed(home, tell, None, process="hierarchical")


def _over_http(base_url: str) -> Callable[[Path, Tell], Json]:
    def scene(home: Path, tell: Tell) -> Json:
        settings = LlmSettings(provider="openai", model="m", base_url=base_url, api_key=SecretStr("sk-hidden"))
        return developed(home, tell, chat_model(settings))

    return scene


SCENES: dict[str, Callable[[Path, Tell], Json]] = {
    scene.__name__: scene for scene in (sequential, hierarchical, killed, scripted, managed, skipping, stuck, broken)
}
