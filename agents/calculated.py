"""Which results of `calculate` may hold a figure: those made of numbers that other results have.

Whoever calls a tool chooses what it adds up. A sum of invented numbers proves nothing, and what a user only wished for
is no measurement.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from agents.grounding.facts import Result
from agents.grounding.holding import holding
from agents.grounding.records import Records
from agents.grounding.text import asked_in
from agents.grounding.walking import records_of

_NUMBER = re.compile(r"(?<![\w.])\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|(?<![\w.])\.\d+")
_CONSTANTS = frozenset(
    {0, 1, 2, 7, 10, 12, 24, 30, 52, 60, 100, 365, 1000, 1024, 3600, 10_000, 86_400, 100_000, 1_000_000}
)
"""Numbers that are no measurement: of units, percentages and calendars."""


def without_unfounded(results: Sequence[Result]) -> list[Result]:
    """The results, those of `calculate` without what is made of numbers that nothing before it holds."""
    if not any(map(_made, results)):
        return list(results)
    kept: list[Result] = []
    for result in results:
        made = _made(result)
        if made:
            records = records_of([one for one in kept if "said" not in one])
            asked = {number for one in kept for number in _asked_by_the_user(one)}
            founded = [one for one in made if _is_founded(one, records, asked)]
            inner = result.get("result")
            if isinstance(inner, Mapping):
                result = {**result, "result": {**inner, "calculations": founded}}
            else:
                result = {**result, "calculations": founded}
        kept.append(result)
    return kept


def _made(result: Result) -> Sequence[object]:
    """What a result of `calculate` has worked out, which may stand under `result`; known by its shape."""
    inner = result.get("result")
    made = (inner if isinstance(inner, Mapping) else result).get("calculations")
    return made if isinstance(made, list | tuple) else ()


def _asked_by_the_user(result: Result) -> Iterator[float]:
    """The numbers of a user's words: how many rows there will be, how long it may take."""
    said = result.get("said")
    if isinstance(said, str) and str(result["id"]).startswith("said:"):
        yield from (float(one.figure.value) for one in asked_in(said, {}) if not one.figure.value.is_nan())


def _is_founded(one: object, records: Records, asked: Collection[float]) -> bool:
    """Whether what is not of the user, and there must be something, stands in results."""
    expression = one.get("expression") if isinstance(one, Mapping) else None
    numbers = _NUMBER.findall(expression) if isinstance(expression, str) else []
    measured = [number for number in numbers if float(number) not in _CONSTANTS and float(number) not in asked]
    return bool(measured) and all(_is_held(number, records) for number in measured)


def _is_held(number: str, records: Records) -> bool:
    """Whether a number of the results is written so: rounded to its digits, also a share as a percentage."""
    asked = asked_in(number.replace("_", ""), {})
    if len(asked) != 1:
        return any(record.value == float(number) for record in records.every)
    held = [*holding(asked[0], records), *holding(asked[0], records, 100)]
    return any(record.mark not in ("sum", "mean", "wanted") for record in held)
