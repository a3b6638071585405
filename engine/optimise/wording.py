"""Figures of an optimisation in words: as short as can be, and never rounded to what they are not."""

from engine.figures import DIGITS, figure
from engine.metrics import METRICS
from engine.optimise.spec import Drop

_MOST_DIGITS = 9


def amount(value: float, digits: int = 3, unlike: float | None = None) -> str:
    """A number with `digits` that count, or as many more as it takes to tell it from `unlike`: 5.002, not 5."""
    for more in range(digits, _MOST_DIGITS):
        text = _with(value, more)
        if unlike is None or value == unlike or text != _with(unlike, more):
            return text
    return repr(value)


def _with(value: float, digits: int) -> str:
    # the digits before the point all count
    rounded = float(f"{value:.{digits}g}") if abs(value) < 10**digits else float(round(value))
    return figure(rounded) if digits <= DIGITS or rounded.is_integer() else f"{rounded:,.{digits}g}"


def is_absolute(metric: str) -> bool:
    """Whether drops of a metric are in its own units; those of errors and losses are shares of the original's value."""
    return METRICS[metric].greater_is_better


def change(drop: Drop, metric: str, limit: float | None = None) -> str:
    """'f1 falls by 0.023', 'rmse rises by 0.02 of its value', 'f1 stays the same', 'f1 rises by 0.001'.

    The figure is told apart from `limit`.
    """
    if drop.value == 0:
        return f"{metric} stays the same"
    falls = (drop.value > 0) == is_absolute(metric)
    unit = "" if is_absolute(metric) else " of its value"
    return f"{metric} {'falls' if falls else 'rises'} by {amount(abs(drop.value), 2, limit)}{unit}"


def loss(drop: Drop, metric: str, limit: float | None = None) -> str:
    """'loses 0.002 of f1', 'adds 0.02 to rmse (as a share of it)', 'loses no f1'; told apart from `limit`."""
    size = amount(abs(drop.value), 2, limit)
    if is_absolute(metric):
        return f"{'gains' if drop.value < 0 else 'loses'} {size if drop.value else 'nothing'} of {metric}"
    if drop.value == 0:
        return f"adds nothing to {metric}"
    return f"{'adds' if drop.value > 0 else 'takes'} {size} of its value {'to' if drop.value > 0 else 'off'} {metric}"
