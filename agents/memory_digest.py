"""What older turns amount to, as data: what tools established, what the user said, and the last turns in short.

It holds the newest value of each thing and is bounded: old entries lose their tables first, then they go, those of
passing interest before the rest and the oldest first.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.memory_turns import Done, Json, Turn, turns_of

TAIL = 4
"""Turns before the shown ones that are kept as turns: what was asked last is answered by what is said next."""
MOST_CHARACTERS = 40_000
"""Most characters of all that is kept, as JSON."""
MOST_FACTS = 200
MOST_PASSING = 20
WITH_TABLES = 20
"""Facts, the newest, that keep the first rows of their tables."""
MOST_ROWS = 24
MOST_COLUMNS = 400
MOST_SAID = 240
SAID_CHARACTERS = 240
WISH_CHARACTERS = 480
RAW_CHARACTERS = 8_000
"""Results of the last turns are kept as they are up to this size."""

_PASSING = re.compile(r"list_|show_|job_|cancel_|predict$|monitor_status$")
"""Tools whose answers are of passing interest: what they tell is established by others, and can be asked again."""
_MAKING = {
    "train_model": "model",
    "distil_model": "run",
    "optimise_model": "model",
    "retrain_model": "run",
}
"""Tools that make another thing each time, and what names it; of the others the same arguments mean the same thing."""
_WISH = re.compile(
    r"\b(?:always|never|prefer\w*|don'?t|do not|instead|rather|not|no|remember|note that|use|skip|ignore|"
    r"leave\b.*\bout|drop|must|should|please|only|without|important|care|want|call me|my name|from now on|"
    r"everything we do|every ?time|immer|nie|bitte|nicht)\b",
    re.IGNORECASE,
)
"""Words by which a request says how the user wants things."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Part):
    """One answered call. `result` is None where it failed; then `error` says why."""

    turn: int
    tool: str
    arguments: Json
    result: Json | None = None
    error: str | None = None

    def done(self) -> Done:
        return Done(self.tool, self.arguments, self.result, self.error)


class Said(_Part):
    """Something that the user said; `wish` when it says how the user wants things."""

    turn: int
    text: str
    wish: bool = False


class Tail(_Part):
    """One of the last turns that are no longer shown."""

    text: str
    calls: tuple[Fact, ...] = ()
    reply: str = ""


class Digest(_Part):
    """What the first `turns` turns, the first `messages` messages, amount to.

    `limit` is the size, in tokens, that an endpoint which found more too long has taken.
    """

    turns: int = 0
    messages: int = 0
    facts: tuple[Fact, ...] = ()
    said: tuple[Said, ...] = ()
    tail: tuple[Tail, ...] = ()
    prose: str = ""
    limit: int | None = Field(None, ge=1)

    def every_fact(self) -> tuple[Fact, ...]:
        """All facts, those of the last turns among them, oldest first."""
        return (*self.facts, *(fact for turn in self.tail for fact in turn.calls))

    def as_turns(self) -> list[Turn]:
        """The digest as turns of a conversation: one in which everything became known, then the last ones."""
        known = Turn("", tuple(fact.done() for fact in self.facts))
        last = [Turn(turn.text, tuple(fact.done() for fact in turn.calls), turn.reply) for turn in self.tail]
        return [known, *last] if self.turns else []


class Recollection(SystemMessage):
    """The system's words with a digest. No message that comes from outside is ever of this class."""

    digest: Digest = Field(default_factory=Digest, exclude=True)


def read_digest(stored: Mapping[str, Any] | None, messages: int) -> Digest:
    """The digest in a state of so many messages; an empty one when there is none that fits: nothing was deleted."""
    try:
        digest = Digest.model_validate(stored or {})
    except ValidationError:
        return Digest()
    return digest if digest.messages <= messages else Digest()


def fold(digest: Digest, messages: Sequence[BaseMessage]) -> Digest:
    """The digest with the next messages, whole turns, taken in. The same input gives the same digest."""
    tail = list(digest.tail)
    said = list(digest.said)
    count = digest.turns
    for turn in turns_of(messages):
        count += 1
        calls = tuple(_fact(done, count) for done in turn.calls)
        tail.append(Tail(text=turn.text[:RAW_CHARACTERS], calls=calls, reply=turn.reply[:RAW_CHARACTERS]))
        if turn.text:
            said.append(_said(turn.text, count))
    older, tail = tail[: max(0, len(tail) - TAIL)], tail[-TAIL:]
    facts = _newest([*digest.facts, *(fact for turn in older for fact in turn.calls)])
    return digest.model_copy(
        update={
            "turns": count,
            "messages": digest.messages + len(messages),
            "facts": _bounded(facts),
            "said": _bounded_said(said),
            "tail": tuple(tail),
        }
    )


# facts


def _fact(done: Done, turn: int) -> Fact:
    arguments = _as_is_or_short(done.arguments)
    result = None if done.result is None else _as_is_or_short(done.result)
    error = None if done.error is None else done.error[:RAW_CHARACTERS]
    return Fact(turn=turn, tool=done.tool, arguments=arguments, result=result, error=error)


def _as_is_or_short(value: Json) -> Json:
    if len(json.dumps(value)) <= RAW_CHARACTERS:
        return value
    short = shortened(value)
    assert isinstance(short, dict)
    return short


def _newest(facts: Iterable[Fact]) -> list[Fact]:
    """Of facts about the same thing the newest, in the order in which they were established."""
    by_thing: dict[str, Fact] = {}
    for fact in facts:
        thing = _thing(fact)
        by_thing.pop(thing, None)
        by_thing[thing] = fact
    return list(by_thing.values())


def _thing(fact: Fact) -> str:
    made = (fact.result or {}).get(_MAKING.get(fact.tool, ""))
    return f"{fact.tool} {json.dumps(fact.arguments, sort_keys=True)} {made or ''}"


def _bounded(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    passing = [fact for fact in facts if is_passing(fact)]
    gone = {id(fact) for fact in passing[: max(0, len(passing) - MOST_PASSING)]}
    left = [fact for fact in facts if id(fact) not in gone][-MOST_FACTS:]
    old = max(0, len(left) - WITH_TABLES)
    short = [brief(fact) for fact in left[:old]] + [_without_long(fact) for fact in left[old:]]
    sizes = [len(fact.model_dump_json()) for fact in short]
    total = sum(sizes)
    # the oldest of passing interest first, then the oldest of all
    order = sorted(range(len(short)), key=lambda place: (not is_passing(short[place]), place))
    dropped: set[int] = set()
    for place in order:
        if total <= MOST_CHARACTERS:
            break
        dropped.add(place)
        total -= sizes[place]
    return tuple(fact for place, fact in enumerate(short) if place not in dropped)


def is_passing(fact: Fact) -> bool:
    """Whether the fact is of passing interest: a list that was looked at, a prediction, or something that failed."""
    return fact.error is not None or _PASSING.match(fact.tool) is not None


def _without_long(fact: Fact) -> Fact:
    error = None if fact.error is None else _cut(fact.error, SAID_CHARACTERS)
    result = None if fact.result is None else shortened(fact.result)
    return fact.model_copy(update={"arguments": shortened(fact.arguments), "result": result, "error": error})


def brief(fact: Fact) -> Fact:
    """The fact without tables: single values, small groups of them, and the columns of a dataset or model."""
    short = _without_long(fact)
    result = None if short.result is None else _without_tables(short.result)
    return short.model_copy(update={"result": result})


def _without_tables(result: Json) -> Json:
    return {
        name: value
        for name, value in result.items()
        if name == "columns" or not isinstance(value, list) or not any(isinstance(item, dict) for item in value)
    }


def shortened(
    value: Any,  # noqa: ANN401  any JSON
    rows: int = MOST_ROWS,
    characters: int = SAID_CHARACTERS,
    columns: int = MOST_COLUMNS,
) -> Any:  # noqa: ANN401  any JSON
    """The same JSON with long lists and texts cut; what was cut says so. Of columns names and kinds are kept."""
    if isinstance(value, dict):
        short = {
            name: _columns(item, columns) if name == "columns" else shortened(item, rows, characters, columns)
            for name, item in list(value.items())[:columns]
        }
        return {**short, "…": f"and {len(value) - columns} more"} if len(value) > columns else short
    if isinstance(value, list | tuple):
        kept = [shortened(item, rows, characters, columns) for item in value[:rows]]
        return [*kept, f"and {len(value) - rows} more"] if len(value) > rows else kept
    return _cut(value, characters) if isinstance(value, str) else value


def _columns(columns: Any, most: int) -> Any:  # noqa: ANN401  any JSON
    if isinstance(columns, dict):
        return dict(list(columns.items())[:most])
    if not isinstance(columns, list | tuple):
        return shortened(columns)
    rows = [_column(item) for item in columns[:most]]
    return [*rows, f"and {len(columns) - most} more"] if len(columns) > most else rows


def _column(item: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(item, dict) and "name" in item:
        return {name: item[name] for name in ("name", "kind") if name in item}
    return shortened(item)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


# what the user said


def _said(text: str, turn: int) -> Said:
    wish = _WISH.search(text[:RAW_CHARACTERS]) is not None
    words = " ".join(text[:RAW_CHARACTERS].split())
    return Said(turn=turn, text=_cut(words, WISH_CHARACTERS if wish else SAID_CHARACTERS), wish=wish)


def _bounded_said(said: Sequence[Said]) -> tuple[Said, ...]:
    """Of the same words the last time; over the bound the oldest go, requests before wishes."""
    newest: dict[str, Said] = {}
    for one in said:
        newest.pop(one.text.lower(), None)
        newest[one.text.lower()] = one
    kept = list(newest.values())
    over = max(0, len(kept) - MOST_SAID)
    gone = {id(one) for one in sorted(kept, key=lambda one: (one.wish, one.turn))[:over]}
    return tuple(one for one in kept if id(one) not in gone)
