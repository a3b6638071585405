"""Labelled messages: what people say, what they want by it, what they name, and where in a conversation they say it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agents.offline.conversation import Done, Known
from agents.offline.playing import Question

EXAMPLES = Path(__file__).with_name("examples.jsonl")
"""The part that ships: messages are likened to these. Another part, held back, lives with the tests."""

Situation = Literal[
    "fresh", "loaded", "estimated", "trained", "twice", "models", "optimised", "monitored", "red", "jobs", "planned"
]
"""What was said before a message."""


class Example(BaseModel):
    """`intent` holds several kinds joined by '+' where the message asks for several things in order.

    `slots` are those that the message names, by their names in Slots; a target is the column that it comes to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    intent: str
    slots: Mapping[str, Any] = {}
    context: Situation = "fresh"

    @property
    def intents(self) -> tuple[str, ...]:
        """The kinds of request, in order."""
        return tuple(self.intent.split("+"))


def read_examples(path: Path = EXAMPLES) -> tuple[Example, ...]:
    """The labelled messages of a file of JSON lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(Example.model_validate_json(line) for line in lines if line)


@cache
def _columns() -> list[dict[str, object]]:
    kinds = (
        "customerID:identifier gender:category SeniorCitizen:integer Partner:category tenure:integer Contract:category "
        "MonthlyCharges:number TotalCharges:number Churn:category"
    )
    return [dict(zip(("name", "kind"), pair.split(":"), strict=True)) for pair in kinds.split()]


def known_in(situation: Situation) -> tuple[Known, Question | None]:
    """What is known, and what was asked, where a message of this situation is said."""
    known = Known()
    for tool, arguments, result in _BEFORE[situation]:
        known.learn(Done(tool, dict(arguments), dict(result)))
    known.about = _ABOUT.get(situation)
    return known, None


_Call = tuple[str, Mapping[str, object], Mapping[str, object]]
_METRIC = {"name": "roc_auc", "value": 0.86, "ci": [0.85, 0.88], "rows": 1409}
_LOAD: _Call = (
    "import_dataset",
    {"source": "telco.csv"},
    {"dataset": "ds_telco", "name": "telco", "columns": _columns()},
)
_ESTIMATE: _Call = ("estimate_training", {"dataset": "ds_telco", "target": "Churn"}, {"dataset": "ds_telco"})
_TRAIN: _Call = (
    "train_model",
    {"dataset": "ds_telco", "target": "Churn"},
    {"dataset": "ds_telco", "target": "Churn", "model": "mdl_1", "best": "lightgbm", "metric": _METRIC},
)
_AGAIN: _Call = (_TRAIN[0], {**_TRAIN[1], "metric": "recall"}, {**_TRAIN[2], "model": "mdl_2"})
_LIST: _Call = ("list_models", {}, {"models": [{"model": "mdl_2"}, {"model": "mdl_1"}]})
_WATCH: _Call = ("create_monitor", {"model": "mdl_1"}, {"monitor": "mon_1", "model": "telco-Churn", "created": True})
_CHECK: _Call = (
    "check_drift",
    {"monitor": "mon_1"},
    {"monitor": "mon_1", "level": "red", "alert": "alr_1", "found": {}},
)
_TABLE: _Call = ("optimise_model", {"model": "mdl_1"}, {"source": "mdl_1", "model": "mdl_1", "variants": []})
_PLAN: _Call = ("make_plan", {"goal": "predict churn"}, {"plan": "pln_1", "steps": []})

_BEFORE: Mapping[Situation, tuple[_Call, ...]] = {
    "fresh": (),
    "loaded": (_LOAD,),
    "jobs": (_LOAD,),
    "estimated": (_LOAD, _ESTIMATE),
    "trained": (_LOAD, _TRAIN),
    "twice": (_LOAD, _TRAIN, _AGAIN),
    "models": (_LOAD, _TRAIN, _AGAIN, _LIST),
    "optimised": (_LOAD, _TRAIN, _TABLE),
    "monitored": (_LOAD, _TRAIN, _WATCH),
    "red": (_LOAD, _TRAIN, _WATCH, _CHECK),
    "planned": (_LOAD, _PLAN),
}
_ABOUT: Mapping[Situation, str] = {
    "loaded": "import",
    "jobs": "import",
    "estimated": "estimate",
    "trained": "train",
    "twice": "refine",
    "models": "list_models",
    "optimised": "optimise",
    "monitored": "watch",
    "red": "check_drift",
    "planned": "make_plan",
}
