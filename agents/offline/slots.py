"""What a message says besides what it wants, as one value; and the two moves that every reader of it makes.

A reader takes its words out of the text and leaves a placeholder, so that what remains can be read on:
'train on a.csv within 2 minutes' becomes 'train on _source_ _budget_'.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

TargetForm = Literal["named", "goal", "loose"]
"""How a target was said: 'target Churn', 'predict churn', or just 'for churn'."""


@dataclass(frozen=True)
class Slots:
    """`rest` is the message with placeholders; a field that was not mentioned is None or empty.

    Units: budget in seconds, `factor` multiplies the last budget, latency in milliseconds, size in MB; `max_drop` is a
    share (0.01 for one percent). `target`, `drop` and `keep` (what is to be used
    again) are words, not yet columns; `drop_columns` are those of `drop` that were called columns. `strict`: the
    message holds a goal, so that settings count only in an explicit form. `language`: another one than English.
    `known` are the columns of the data, in lower case.
    """

    rest: str = ""
    strict: bool = False
    source: str | None = None
    out: str | None = None
    query: str | None = None
    datasets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    monitors: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    budget: float | None = None
    factor: float | None = None
    max_models: int | None = None
    seed: int | None = None
    fraction: float | None = None
    top: int | None = None
    device: str | None = None
    processes: int | None = None
    metric: str | None = None
    families: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unknown_family: str | None = None
    target: str | None = None
    target_form: TargetForm | None = None
    drop: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    rows: tuple[dict[str, object], ...] = ()
    alias: str | None = None
    ordinal: int | None = None
    name: str | None = None
    quoted: tuple[str, ...] = ()
    latency_ms: float | None = None
    max_drop: float | None = None
    size_mb: float | None = None
    language: str | None = None
    known: frozenset[str] = frozenset()


Reader = Callable[[Slots], Slots]
PLACEHOLDER = re.compile(r"(?<!\w)_[a-z]+(?:_[a-z]+)?\d*_(?!\w)")


def take(slots: Slots, pattern: re.Pattern[str], placeholder: str) -> tuple[re.Match[str] | None, str]:
    """The first match and the text with `placeholder` in its place; None and the text as it is without one."""
    match = pattern.search(slots.rest)
    if match is None:
        return None, slots.rest
    return match, f"{slots.rest[: match.start()]} {placeholder} {slots.rest[match.end() :]}"


def group_of(match: re.Match[str]) -> str:
    """The first group that took part."""
    return next(group for group in match.groups() if group is not None)


def unquoted(text: str, slots: Slots) -> str:
    """The text with quoted words back in their places, without the quotes."""
    return re.sub(r"_quoted(\d+)_", lambda match: slots.quoted[int(match.group(1))], text)
