"""Tables of patterns made ready, and how many votes each kind of request gets from them."""

import re
from collections.abc import Mapping, Sequence

from agents.offline.monitoring_patterns import FRAGMENTS as OF_MONITORING
from agents.offline.optimising_patterns import FRAGMENTS as OF_OPTIMISING
from agents.offline.patterns import FRAGMENTS

Table = Mapping[str, Sequence[tuple[float, re.Pattern[str]]]]
"""For each kind of request the patterns it is known by, each with its votes."""


def compiled(patterns: Mapping[str, Sequence[tuple[float, str]]]) -> Table:
    """The table with its patterns compiled, fragments put in."""
    return {intent: [(weight, _pattern(text)) for weight, text in rows] for intent, rows in patterns.items()}


def _pattern(text: str) -> re.Pattern[str]:
    for name, fragment in {**OF_OPTIMISING, **FRAGMENTS, **OF_MONITORING}.items():
        text = text.replace(name, fragment)
    return re.compile(text, re.IGNORECASE)


def votes(text: str, table: Table) -> dict[str, float]:
    """Of each kind's patterns that match, the votes of the strongest."""
    found = {intent: [weight for weight, pattern in rows if pattern.search(text)] for intent, rows in table.items()}
    return {intent: max(won) for intent, won in found.items() if won}
