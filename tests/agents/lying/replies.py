"""Replies about real tool results: those of the offline planner as it gave them, those written by hand as a language
model would put the same results, and those that a language model wrote itself."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SESSIONS = FOLDER / "sessions"
KEPT = FOLDER.parents[1] / "conversations" / "kept"
BY_HAND = tuple(FOLDER / f"replies_{name}.jsonl" for name in ("first", "second", "third", "fourth", "fifth"))
"""In the order in which they were written: the second and the third after the rules for those before were done."""
WRITTEN = FOLDER / "written"
"""Replies of a language model that knew none of the rules, of which each was made to check its figures by a program:
about results of other platforms (platform, production), of sessions with our tools (telco, california), and short ones
about both, written after the rules were done (everyday)."""
GENERAL = ("I can:", "find in the documents")
"""What stands in an answer that tells what one may say: the figures in it are examples."""

Json = Mapping[str, object]


@dataclass(frozen=True)
class Reply:
    """A text, and the results that it is about."""

    source: str
    text: str
    results: Sequence[Json]


def every() -> list[Reply]:
    """The replies of the sessions, and all by hand."""
    return [*of_planner(SESSIONS), *(reply for path in BY_HAND for reply in by_hand(path))]


def of_planner(folder: Path) -> list[Reply]:
    """What the planner answered, each about all that was said and returned up to then."""
    replies = [reply for path in sorted(folder.glob("*.json")) for reply in _of_session(path)]
    return [reply for reply in replies if not any(mark in reply.text for mark in GENERAL)]


def by_hand(path: Path) -> list[Reply]:
    """Replies written by hand, each about a whole session."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Reply(f"{path.stem}:{line['session']}", line["text"], whole(line["session"])) for line in lines]


def written(name: str) -> list[Reply]:
    """Replies of a language model, each about all results of its session."""
    kept = json.loads((WRITTEN / f"{name}.json").read_text(encoding="utf-8"))
    return [Reply(f"{name}:{one['session']}", one["text"], kept["results"][one["session"]]) for one in kept["replies"]]


@cache
def whole(session: str) -> Sequence[Json]:
    """All that was said and returned in a session."""
    *_, last = _results(SESSIONS / f"{session}.json")
    return last[1]


def _of_session(path: Path) -> Iterator[Reply]:
    for text, results in _results(path):
        if any(letter.isdigit() for letter in text):
            yield Reply(path.stem, text, results)


def _results(path: Path) -> Iterator[tuple[str, Sequence[Json]]]:
    results: list[Json] = []
    for turn in json.loads(path.read_text(encoding="utf-8")):
        results.append({"id": f"said:{len(results)}", "said": turn["you"]})
        for call in turn["calls"]:
            told = {"result": call["result"]} if call["result"] is not None else {"error": call["error"]}
            results.append({"id": f"r{len(results)}", "tool": call["tool"], "arguments": call["arguments"], **told})
        yield turn["text"], tuple(results)
