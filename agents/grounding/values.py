"""Whether a figure, as it is shown, is a value of a result: rounding, units, 'about', 'over', 'nearly'."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

from agents.claims import Figure, shows
from agents.grounding.facts import Fact, Index
from agents.grounding.words import OVER, UNDER, Unit, vocabulary

LOSSES = vocabulary("drop importance lost loss cost fall")
GAINS = vocabulary("improvement gain change difference delta increase")
EXACT = 15
"""Digits that a number of a result has at most."""
GAINED = frozenset({"up", "better", "faster"})
LOST = frozenset({"down", "worse", "slower"})


def matched(index: Index, figure: Figure, scope: int, unit: Unit | None, rough: str, senses: frozenset[str]) -> int:
    """The facts of `scope` that a figure shows, of `unit` where the text says one, after a `rough` word or ''."""
    if not scope:
        return 0
    reach = step_of(figure, rough) * (2 if rough else 1)
    if unit is not None and index.units[unit.kind] & scope:
        return _of_unit(index, figure, scope, unit, rough, reach)
    if figure.step < 1 and not figure.percent:
        scope &= ~index.marks["whole"]  # 54.0 is not how many there are
    found = 0
    for value in {figure.value, -figure.value}:
        for place in index.near(float(value - reach), float(value + reach)):
            if scope >> place & 1 and _shows(figure, index.facts[place], rough, senses):
                found |= 1 << place
    return found


def _of_unit(index: Index, figure: Figure, scope: int, unit: Unit, rough: str, reach: Decimal) -> int:
    found = 0
    low, high = (float((figure.value + by) * unit.size) for by in (-reach, reach))
    for place in index.near(low, high, unit.kind):
        if scope >> place & 1 and _shows_unit(figure, index.facts[place], unit, rough):
            found |= 1 << place
    return found


def fits(figure: Figure, value: Decimal, rough: str = "") -> bool:
    """Whether `figure` shows `value`; after a `rough` word such as 'about', 'over' or 'nearly' what it allows too."""
    if figure.value.is_nan() or value.is_nan():
        return False
    if shows(figure, value):
        return True
    if not rough:
        return False
    if (value < 0 and not figure.signed) or figure.value in (0, 1, -1):
        return False
    if figure.percent and value.as_tuple().exponent == 0:
        return False
    step = step_of(figure, rough)
    try:
        if OVER.search(rough):
            return figure.value > 0 and value.quantize(step, rounding=ROUND_FLOOR) == figure.value
        if UNDER.search(rough):
            return value.quantize(step, rounding=ROUND_CEILING) == figure.value
        return step > figure.step and round(value / step) == round(figure.value / step)
    except InvalidOperation:  # more digits than a decimal holds
        return False


def step_of(figure: Figure, rough: str) -> Decimal:
    """One unit of the last digit that counts: after 'about', 7,000 is a round number."""
    if not rough or figure.step < 1 or figure.percent or figure.value.is_nan() or figure.value == 0:
        return figure.step
    exponent = figure.value.normalize().as_tuple().exponent
    return max(figure.step, Decimal(1).scaleb(exponent)) if isinstance(exponent, int) else figure.step


def is_whole(figure: Figure) -> bool:
    """Whether a figure is a whole number, also one shown as 12.0."""
    return not figure.value.is_nan() and figure.value == figure.value.to_integral_value()


def _shows(figure: Figure, fact: Fact, rough: str, senses: frozenset[str]) -> bool:
    if fits(figure, fact.value, rough):
        return True
    # a loss of -0.002 is a gain of 0.002
    turned = (fact.words & LOSSES and senses & GAINED) or (fact.words & GAINS and senses & LOST)
    return bool(turned) and fact.value < 0 and not figure.signed and fits(figure, -fact.value, rough)


def _shows_unit(figure: Figure, fact: Fact, unit: Unit, rough: str) -> bool:
    if fact.unit is None:
        return False
    value = fact.value if fact.unit.size == unit.size else fact.value * fact.unit.size / unit.size
    if unit.kind == "time" and (figure.value == 1 or (figure.value == 0 and figure.step < 1)):
        return value.quantize(figure.step) == figure.value  # 0.0 s is a time that is shown to tenths
    return fits(figure, value, rough)


def shown_as(figure: Figure, value: float, rough: str, *, rounds: bool = False) -> bool:
    """Whether a figure shows a value, rounded to its digits; zeros at the end of a long one may be rounding."""
    shown, step = float(figure.value), float(figure.step)
    if len(figure.value.as_tuple().digits) > EXACT or not math.isfinite(shown):
        return False  # more digits than a number of a result has
    if value < 0 and shown > 0 and not figure.signed:
        return False
    if rough:
        step = max(step, float(step_of(figure, rough)))
        if OVER.search(rough):
            return shown <= value < shown + step
        if UNDER.search(rough):
            return shown - step < value <= shown
    if rounds and step >= 1 and abs(shown) >= (1000 if rough else 10_000) and shown % 100 == 0:
        step = max(step, 1000.0 if rough and shown % 1000 == 0 and abs(shown) > 10_000 else 100.0)
    if shown == 0 and figure.signed:
        return False
    if shown == 0:
        return value == 0 or (step < 1 and abs(value) <= step / 2)
    if abs(shown) == 1 and value != shown:
        return False
    return abs(shown - value) <= step / 2 * (1 + 1e-9)
