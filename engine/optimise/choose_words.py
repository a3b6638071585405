"""Why a variant was chosen and what comes nearest to a goal, in sentences with figures."""

from collections.abc import Sequence

from engine.optimise.pareto import costs_of
from engine.optimise.spec import EAGER, Goal, Preference, Variant
from engine.optimise.wording import amount, loss

_ORIGINAL = "the model as it was trained"
_BETTER: dict[Preference, str] = {
    "latency": "answers faster",
    "throughput": "answers more rows a second",
    "size": "is smaller",
    "memory": "takes less memory",
    "accuracy": "is as accurate and faster",
}
_SAME = 0.005
_INFINITE = float("inf")


def reason_words(chosen: Variant, leader: Variant, eager: Variant, goal: Goal) -> str:
    """Why `chosen`: what it does better than the original and what it loses. `leader` is first by the preference."""
    if chosen is eager:
        limited = goal.max_latency_ms is not None or goal.max_size_mb is not None
        return (
            f"{_capital(_ORIGINAL)} is kept: no variant that holds the guard{' and the limits' if limited else ''} "
            f"{_BETTER[goal.prefer]}{_by_more(leader, eager, goal)}."
        )
    reason = f"{chosen.name} {_listed(_gains(chosen, eager, goal))}."
    return reason if leader is chosen else f"{reason} {_passed_over(leader, chosen, goal)}"


def nothing_words(goal: Goal, *, tempting: bool, slow: bool) -> str:
    """'Nothing that holds the guard answers one row within 0.05 ms.'

    `tempting` says that something would if the guard allowed it, `slow` that something slower than the original does.
    """
    wanted = []
    if goal.max_latency_ms is not None:
        wanted.append(f"answers one row within {amount(goal.max_latency_ms)} ms")
    if goal.max_size_mb is not None:
        wanted.append(f"is at most {amount(goal.max_size_mb)} MB")
    if not wanted:
        return "Nothing could be measured."
    but = f" without being slower than {_ORIGINAL}" if slow else ""
    return f"Nothing{' that holds the guard' if tempting else ''} {_listed(wanted)}{but}."


def nearest_words(nearest: Variant, tempting: Variant | None, eager: Variant, goal: Goal) -> str:
    """What comes nearest of what holds the guard, and what the guard refused but would be within the limits."""
    sentences = [_nearest(nearest, eager, goal)]
    if tempting is not None:
        sentences.append(_tempted(tempting, goal))
    return " ".join(sentences)


def _nearest(nearest: Variant, eager: Variant, goal: Goal) -> str:
    _, latency, _, size, _ = costs_of(nearest)
    limits = (
        (latency, goal.max_latency_ms, "ms", "slow"),
        (size, goal.max_size_mb, "MB", "large"),
    )
    if any(value == _INFINITE for value, limit, *_ in limits if limit is not None):
        return "What comes nearest is not known, since nothing was measured."
    over = [
        f"{amount(value / limit, 2, 1.0)} times too {much} at {amount(value, 2, limit)} {unit}"
        for value, limit, unit, much in limits
        if limit is not None and value > limit
    ]
    name = _name(nearest)
    if not over:
        return f"{name} is within the limits but slower: {_speed(nearest, eager)}."
    lost = nearest.drop is not None and nearest.drop.value > 0 and f", and it {loss(nearest.drop, goal.metric)}"
    return f"{name} is {_listed(over)}{lost or ''}."


def _tempted(variant: Variant, goal: Goal) -> str:
    _, latency, _, size, _ = costs_of(variant)
    would = []
    if goal.max_latency_ms is not None:
        would.append(f"answer in time ({amount(latency, 2)} ms)")
    if goal.max_size_mb is not None:
        would.append(f"be small enough ({amount(size, 2)} MB)")
    assert variant.drop is not None
    drop, allowed = variant.drop, amount(goal.max_drop)
    lost = loss(drop, goal.metric, goal.max_drop)
    if drop.value <= goal.max_drop:
        bound = amount(drop.upper, 2, goal.max_drop)
        lost = f"is not shown to lose less than {allowed} of {goal.metric}: it {lost}, and the 95 % bound is {bound}"
        return f"{variant.name} would {_listed(would)} but {lost}."
    return f"{variant.name} would {_listed(would)} but {lost}, where {allowed} is allowed."


def _gains(chosen: Variant, eager: Variant, goal: Goal) -> list[str]:
    """What the variant does, what is preferred first, and what it loses last."""
    phrases = {
        "latency": _speed(chosen, eager),
        "throughput": _rate(chosen, eager) if goal.prefer == "throughput" else "",
        "size": _size(chosen, eager),
        "memory": _memory(chosen, eager) if goal.prefer == "memory" else "",
    }
    first = phrases.pop(goal.prefer, "")
    return [phrase for phrase in (first, *phrases.values(), _lost(chosen, goal)) if phrase]


def _speed(variant: Variant, eager: Variant) -> str:
    new, old = costs_of(variant)[1], costs_of(eager)[1]
    if new == _INFINITE:
        return ""
    if old == _INFINITE:
        return f"answers in {amount(new, 2)} ms"
    return f"answers in {amount(new, 2, old)} ms instead of {amount(old, 2, new)} ms{_times(old / new)}"


def _times(ratio: float) -> str:
    if abs(ratio - 1) < _SAME:
        return ""
    return f" ({amount(ratio, 2, 1.0)} times faster)" if ratio > 1 else f" ({amount(1 / ratio, 2, 1.0)} times slower)"


def _rate(variant: Variant, eager: Variant) -> str:
    if variant.timing is None:
        return ""
    new = variant.timing.rows_per_second
    if eager.timing is None:
        return f"answers {amount(new)} rows a second"
    old = eager.timing.rows_per_second
    return f"answers {amount(new)} rows a second instead of {amount(old, unlike=new)}"


def _size(variant: Variant, eager: Variant) -> str:
    if variant.size_mb is None:
        return ""
    if eager.size_mb is None:
        return f"is {amount(variant.size_mb, 2)} MB"
    new, old = variant.size_mb, eager.size_mb
    return f"is {amount(new, 2, old)} MB instead of {amount(old, 2, new)} MB"


def _memory(variant: Variant, eager: Variant) -> str:
    if variant.timing is None:
        return ""
    new = variant.timing.peak_mb
    if eager.timing is None:
        return f"takes {amount(new)} MB of memory"
    old = eager.timing.peak_mb
    return f"takes {amount(new, unlike=old)} MB of memory instead of {amount(old, unlike=new)} MB"


def _lost(variant: Variant, goal: Goal) -> str:
    drop = variant.drop
    if drop is None:
        return ""
    against = ", both on rows new to them" if drop.unseen else ""
    return f"{loss(drop, goal.metric)} (95 % bound {amount(drop.upper, 2)}) on {drop.rows:,} rows{against}"


def _by_more(leader: Variant, eager: Variant, goal: Goal) -> str:
    """' by more than counts' where something is better by a trifle."""
    return "" if leader is eager or goal.prefer == "accuracy" else f" by more than the noise ({leader.name} is nearest)"


def _passed_over(leader: Variant, chosen: Variant, goal: Goal) -> str:
    """Why not the first by the preference alone."""
    if goal.prefer == "accuracy":
        return f"{_name(leader)} loses hardly less."
    if leader.drop is not None and chosen.drop is not None and leader.drop.value > max(chosen.drop.value, 0.0):
        return f"{_name(leader)} is better at that by no more than the noise, and {loss(leader.drop, goal.metric)}."
    return f"{_name(leader)} is better at that by no more than the noise."


def _name(variant: Variant) -> str:
    return _capital(_ORIGINAL) if variant.name == EAGER else variant.name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(parts: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
