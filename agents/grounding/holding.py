"""Whether a figure, as it is shown, is the value of a number of a result, in the unit that the text says."""

import re

from agents.grounding.records import CALCULATED, Record, Records
from agents.grounding.text import Asked
from agents.grounding.values import shown_as, step_of
from agents.grounding.words import ERRORS, POINTS, RATE, UNITS, vocabulary

VAGUE = vocabulary(
    "value name n count number id unit result data rate share index output response call tool model row column test "
    "metric score per type kind status state"
)
_SHARES = vocabulary(
    "mape smape wape wer cer er pct percent lift growth uplift rate share fraction ratio accuracy coverage percentage "
    "confidence probability"
)
_RATIO = (1.2, 10)
"""Between them a number without a unit is a ratio: one of 1.87 is 87 % more."""
_TIMED = vocabulary("p50 p90 p95 p99 latency duration elapsed runtime")
_CLOSE = 32
_LOWERS = re.compile(
    r"\b(?:down|lowers?|lowered|reduces?|reduced|takes? off|decreas\w+|los[et]s?|minus|drops?|falls?|cuts?)\b",
    re.IGNORECASE,
)


def holding(one: Asked, records: Records, scale: float = 1) -> list[Record]:
    """The numbers that a figure shows, in the order of the results."""
    if one.figure.value.is_nan():
        return []
    shown = float(one.figure.value) / scale
    reach = 2 * max(float(step_of(one.figure, one.rough)), float(one.figure.step), _rounding(shown)) / scale
    factors = [1.0, 0.01, 100.0]
    if one.unit is not None:
        sizes = {unit.size for unit in UNITS.values() if unit.kind == one.unit.kind}
        factors += [float(one.unit.size / size) * factor for size in sizes for factor in (1.0, 0.01)]
    places = {
        place
        for factor in factors
        for sign in (1, -1)
        for place in records.between(*sorted((sign * factor * (shown - reach), sign * factor * (shown + reach))))
    }
    return [record for place in sorted(places) if fits(one, record := records.every[place], scale)]


def _rounding(shown: float) -> float:
    """Half of it is what a long number may be rounded by."""
    return 1000.0 if abs(shown) >= 1000 else 0.0


def fits(one: Asked, record: Record, scale: float = 1) -> bool:
    """Whether a figure, as it is shown, is the value of a record, in the unit that the text says."""
    value, figure = record.value * scale, one.figure
    if value < 0 and not figure.signed and ("neg" in record.words or _LOWERS.search(one.before[-_CLOSE:])):
        value = -value  # 'pulls it down by 0.05'
    if _is_count_for_measure(one, record, scale):
        return False
    if figure.percent:
        parts = _in_parts(value, record)
        if parts is None or (figure.value == 1 and not one.rough and abs(value) != 1):
            return False
        value = parts
    if one.unit is not None and record.unit is not None:
        if one.unit.kind != record.unit.kind:
            return False
        value *= float(record.unit.size / one.unit.size)
    elif one.unit is not None and one.unit != RATE and not _may_have_unit(one, record):
        return False
    return shown_as(figure, value, one.rough, rounds=not record.whole) or (
        POINTS.match(one.after) is not None and not figure.percent and shown_as(figure, 100 * value, one.rough)
    )


def _is_count_for_measure(one: Asked, record: Record, scale: float) -> bool:
    """Whether a record is a count, and the figure is not told as one: 12.0, or a percentage for a list's length."""
    if record.mark == "length" and (one.figure.step < 1 or one.figure.percent):
        return True
    measured = one.figure.percent or record.metric or record.unit or one.unit or scale != 1
    return record.whole and one.figure.step < 1 and not measured


def _in_parts(value: float, record: Record) -> float | None:
    """A value as the part that a percentage tells; None where it is none."""
    if "percent" in record.words or "pct" in record.words:
        return value / 100
    if record.whole:
        return value / 100 if record.mark == "said" else None
    shares = bool(record.words & _SHARES) or record.key == CALCULATED
    if _RATIO[0] < abs(value) < _RATIO[1] and not (record.metric or shares):
        return None
    return value / 100 if abs(value) > 1.5 and (record.metric not in {"", *ERRORS} or shares) else value


def _may_have_unit(one: Asked, record: Record) -> bool:
    """Whether a number may have the unit that the text says, though its key has none."""
    assert one.unit is not None
    if record.key == CALCULATED:
        return True
    if record.mark or record.metric:
        return False
    timed = one.unit.kind == "time" and not record.words.isdisjoint(_TIMED)
    return timed or not one.near.isdisjoint((record.words | record.path) - VAGUE)
