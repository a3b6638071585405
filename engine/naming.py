"""Names in sentences: the nearest of those that there are, and a list that does not grow long."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """'Did you mean X?' for the nearest choice (case ignored), or ''."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[near[0]]!r}?" if near else ""


def shortened(names: Sequence[str], most: int = 8) -> str:
    """The first names, comma-separated, and how many more there are."""
    head = ", ".join(names[:most])
    return f"{head} and {len(names) - most} more" if len(names) > most else head
