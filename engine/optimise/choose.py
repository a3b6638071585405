"""The choice of a variant by the user's goal."""

from collections.abc import Sequence

from engine.optimise.choose_words import nearest_words, nothing_words, reason_words
from engine.optimise.pareto import ONE_ROW, costs_of, frontier
from engine.optimise.spec import EAGER, Choice, Goal, Noise, Preference, Variant

LEAST_BAND, MOST_BAND = 0.02, 0.04
"""Variants within this share of the best count as equally good, or within the noise where that lies between."""
DROP_BAND = 0.1
"""With accuracy preferred, losses that are this share of what is allowed apart count as equal."""
_PLACES: dict[Preference, int] = {"accuracy": 0, "latency": 1, "throughput": 2, "size": 3, "memory": 4}
_INFINITE = float("inf")


def choose(variants: Sequence[Variant], goal: Goal, noise: Noise | None) -> Choice:
    """Choose among the variants that hold the guard and are within the goal's limits; the original always holds it.

    The best by `goal.prefer` wins. Those within the noise of it (2 % at least, 4 % at most) count as equally good, and
    of them the most accurate is taken, then the smallest. With latency preferred, nothing slower than the original is.
    Where nothing is within the limits, the best of those that hold the guard is chosen all the same, and `nearest`
    tells what comes nearest and what that would cost. What was not measured is not chosen, unless it is the original.

    Raises ValueError if the original is not in the table.
    """
    eager = next((variant for variant in variants if variant.name == EAGER), None)
    if eager is None:
        raise ValueError(f"{EAGER!r} is not in the table")
    usable = [variant for variant in variants if variant.status == "ok" or variant is eager]
    quick = [variant for variant in usable if not _too_slow(variant, eager, goal)]
    known = [variant for variant in quick if _cost(variant, goal.prefer) < _INFINITE] or [eager]
    meeting = [variant for variant in known if _excess(variant, goal) <= 1]
    chosen, leader = _best(meeting or known, goal, _band(goal.prefer, noise))
    reason = reason_words(chosen, leader, eager, goal)
    if meeting:
        return Choice(chosen=chosen.name, met=True, reason=reason, frontier=frontier(variants))
    nearest = min(usable, key=lambda variant: (_excess(variant, goal), _cost(variant, goal.prefer)))
    tempting = _tempting(variants, eager, goal)
    within = _excess(nearest, goal) <= 1
    return Choice(
        chosen=chosen.name,
        met=False,
        reason=f"{nothing_words(goal, tempting=tempting is not None, slow=within)} {reason}",
        nearest=nearest_words(nearest, tempting, eager, goal),
        frontier=frontier(variants),
    )


def _cost(variant: Variant, prefer: Preference) -> float:
    """What is to be small. What is gained in accuracy is taken for chance, and counts as nothing lost."""
    return max(0.0, costs_of(variant)[_PLACES[prefer]])


def _excess(variant: Variant, goal: Goal) -> float:
    """By how much the goal's limits are passed, as a factor; at most 1 within them, infinite if not measured."""
    _, latency, _, size, _ = costs_of(variant)
    limits = ((latency, goal.max_latency_ms), (size, goal.max_size_mb))
    return max((value / limit for value, limit in limits if limit is not None), default=0.0)


def _too_slow(variant: Variant, eager: Variant, goal: Goal) -> bool:
    return goal.prefer == "latency" and _cost(variant, "latency") > _cost(eager, "latency")


def _best(among: Sequence[Variant], goal: Goal, band: float) -> tuple[Variant, Variant]:
    """The one to take, and the first by the preference alone, which may be as good as the one to take."""

    def rank(variant: Variant) -> tuple[float, ...]:
        # a copy differs by rounding, which is no loss
        drop, size = round(_cost(variant, "accuracy"), 4), _cost(variant, "size")
        further = (size, _cost(variant, "latency"))
        return (*reversed(further), drop) if goal.prefer == "accuracy" else (drop, *further)

    leader = min(among, key=lambda variant: (_cost(variant, goal.prefer), *rank(variant)))
    least = _cost(leader, goal.prefer)
    most = least + DROP_BAND * goal.max_drop if goal.prefer == "accuracy" else least * (1 + band)
    return min((variant for variant in among if _cost(variant, goal.prefer) <= most), key=rank), leader


def _band(prefer: Preference, noise: Noise | None) -> float:
    """The share of the best within which variants count as equally good."""
    if noise is None or not noise.share or prefer not in ("latency", "throughput"):
        return LEAST_BAND
    size = ONE_ROW if prefer == "latency" else max(noise.share, key=int)
    return min(MOST_BAND, max(LEAST_BAND, noise.share.get(size, 0.0)))


def _tempting(variants: Sequence[Variant], eager: Variant, goal: Goal) -> Variant | None:
    """The most accurate of those that the guard refused and that would be within the limits."""
    refused = [
        variant
        for variant in variants
        if variant.status == "refused" and variant.drop is not None and variant is not eager
        and _excess(variant, goal) <= 1 and not _too_slow(variant, eager, goal)
    ]  # fmt: skip
    return min(refused, key=lambda variant: _cost(variant, "accuracy"), default=None)
