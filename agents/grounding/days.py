"""Days in words against moments as results write them: '27 June 2024' and 2024-06-27T10:00:00Z."""

import re
from collections.abc import Iterator, Mapping

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(r"[A-Za-z]{3,}")
_NUMBER = re.compile(r"\d+")


def days_in(name: str) -> list[str]:
    """What a day, a range of days or a month in words has in common with such a moment; none where it is no day."""
    month = next((n for word in _MONTH.findall(name) for n, m in enumerate(_MONTHS, 1) if word.casefold()[:3] == m), 0)
    numbers = [int(number) for number in _NUMBER.findall(name)]
    if not month or not numbers:
        return []
    year = next((f"{number:04}" for number in numbers if number > 31), "")
    days = [number for number in numbers if number <= 31]
    return [f"{year}-{month:02}-{day:02}" for day in days] if days else [f"{year}-{month:02}-"]


def all_in(days: list[str], texts: Mapping[str, str]) -> Iterator[str]:
    """The result that has the first of some days, if each of them stands in some result."""
    results = [next((result for text, result in texts.items() if day in text), None) for day in days]
    first = results[0]
    if first is not None and all(results):
        yield first
