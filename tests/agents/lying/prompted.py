"""Replies of a language model that was given the assistant's prompt, about real sessions, with what it had calculated.

Each set was first checked when the rules were made better with those before it; the fourth was checked only then.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.grounding import Claim
from agents.proof import Ground
from graphs.proving import vocabulary
from tests.agents.lying.replies import WRITTEN
from tools.calculating import value_of
from tools.catalogue import CATALOGUE

FILE = Path(__file__).parent / "prompted.jsonl"
SETS = ("first", "second", "third", "fourth")


@dataclass(frozen=True)
class Answer:
    """A question about a session, the answer, and the results that it is checked against in a conversation."""

    question: str
    text: str
    results: Sequence[Mapping[str, object]]


def answers(name: str) -> Iterator[Answer]:
    """Those of a set."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        kept = json.loads(line)
        if kept["set"] == name:
            yield Answer(kept["question"], kept["text"], [*_session(kept["file"], kept["session"]), *_asked(kept)])


def claims(answer: Answer) -> list[Claim]:
    """The claims of an answer, as the assistant judges them."""
    return Ground([vocabulary(tuple(CATALOGUE.values())), *answer.results]).check(answer.text)


@cache
def _session(file: str, session: str) -> Sequence[Mapping[str, object]]:
    kept = json.loads((WRITTEN / f"{file}.json").read_text(encoding="utf-8"))
    found = {name.replace(" ", "_"): results for name, results in kept["results"].items()}
    return tuple(found[session])


def _asked(kept: Mapping[str, list[Mapping[str, str]]]) -> Iterator[Mapping[str, object]]:
    yield {"id": "said:asked", "said": kept["question"]}
    wanted = kept["calculations"]
    if wanted:
        made = [{**one, "calculated": value_of(one["expression"])} for one in wanted]
        yield {
            "id": "worked-out",
            "tool": "calculate",
            "arguments": {"wanted": wanted},
            "result": {"calculations": made},
        }
