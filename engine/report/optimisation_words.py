"""What the report of an optimisation says in words."""

from collections.abc import Sequence

from engine.optimise.pareto import ONE_ROW
from engine.optimise.spec import BATCHES, EAGER, VARIANTS, Drop, Goal, Noise, Optimisation, Preference, Variant
from engine.optimise.wording import amount, change, is_absolute
from engine.package_info import PackageInfo
from engine.report.words import metric_label

PREFERENCES: dict[Preference, str] = {
    "latency": "the fastest answer to one row",
    "throughput": "the highest rate",
    "size": "the smallest size",
    "memory": "the least memory",
    "accuracy": "the least loss",
}
DASH = "–"


def asked(goal: Goal) -> str:
    """What was asked for, in a sentence."""
    label = metric_label(goal.metric)
    lost = f"{label} may fall by {amount(goal.max_drop)}"
    if not is_absolute(goal.metric):
        lost = f"{label} may rise by {amount(goal.max_drop)} of its value"
    limits = [lost]
    if goal.max_latency_ms is not None:
        limits.append(f"one row is to be answered within {amount(goal.max_latency_ms)} ms")
    if goal.max_size_mb is not None:
        limits.append(f"it is to be {amount(goal.max_size_mb)} MB at most")
    listed = limits[0] if len(limits) == 1 else f"{', '.join(limits[:-1])} and {limits[-1]}"
    return f"{listed}; of what is within that, {PREFERENCES[goal.prefer]} is preferred."


def tested(drop: Drop, goal: Goal) -> str:
    """What the chosen variant loses on the sealed rows."""
    low, high = (amount(end, 2) for end in drop.ci)
    doubt = "" if drop.value <= goal.max_drop else " That is more than is allowed, so look twice before you promote it."
    return (
        f"On the sealed test rows, looked at once after the choice, {change(drop, goal.metric, goal.max_drop)} (95 % "
        f"interval of the loss {low} to {high}, {drop.rows:,} rows).{doubt}"
    )


HEADINGS = (
    "lost (95 % interval)",
    "labels changed",
    "one row, ms",
    "32 rows, ms",
    "times faster",
    "rows a second",
    "size, MB",
    "peak memory, MB",
    "cold start, ms",
    "compiling, s",
    "parity",
    "made in, s",
)
"""Of the columns of `cells`, without the first, which is named by the metric."""


def cells(variant: Variant, variants: Sequence[Variant]) -> list[str]:
    """The figures of a variant's line, a dash for each that was not measured."""
    drop, timing, parity = variant.drop, variant.timing, variant.parity
    over = "" if parity is None or parity.held else f" (over {amount(parity.tolerance)})"
    return [
        _figure(drop.metric if drop else None, 4),
        DASH if drop is None else f"{amount(drop.value, 2)} ({amount(drop.ci[0], 2)} to {amount(drop.ci[1], 2)})",
        DASH if drop is None or drop.changed is None else f"{drop.changed:.2%}",
        *(_times(variant, batch) for batch in BATCHES),
        _figure(faster(variant, variants)),
        _figure(timing.rows_per_second if timing else None),
        _figure(variant.size_mb),
        _figure(timing.peak_mb if timing else None),
        _figure(timing.cold_ms if timing else None),
        _figure(timing.compile_s if timing else None),
        DASH if parity is None else f"{amount(parity.largest)}{over}",
        _figure(variant.seconds),
    ]


def _figure(value: float | None, digits: int = 3) -> str:
    return DASH if value is None else amount(value, digits)


def _times(variant: Variant, batch: int) -> str:
    """'0.21 (0.3)': the median and the 95th percentile in ms."""
    if variant.timing is None or str(batch) not in variant.timing.latency_ms:
        return DASH
    median, worst = variant.timing.latency_ms[str(batch)], variant.timing.p95_ms.get(str(batch))
    return amount(median) if worst is None else f"{amount(median)} ({amount(worst)})"


def faster(variant: Variant, variants: Sequence[Variant]) -> float | None:
    """How many times faster than the original one row is answered; None where either was not measured."""
    own, before = _one_row(variant), next((_one_row(one) for one in variants if one.name == EAGER), None)
    return before / own if own and before else None


def noise(found: Noise | None) -> str:
    """How far two measurements of the same model are apart."""
    if found is None or not found.share:
        return "How far two measurements of the same model are apart was not measured."
    parts = [
        f"{share:.1%} for {_rows(size)}" for size, share in sorted(found.share.items(), key=lambda one: int(one[0]))
    ]
    return f"The original was measured twice, as if it were two models: the medians differ by {' and '.join(parts)}."


def left_to_python(optimisation: Optimisation, info: PackageInfo) -> str:
    """What of the chosen variant is not in a compiled graph."""
    chosen = optimisation.variant(optimisation.choice.chosen)
    if info.optimised is not None and info.optimised.split:
        return info.optimised.split
    if chosen.settings is None:
        return "All of it is run by Python and the libraries that it was trained with."
    if info.optimised is not None:
        return "Nothing: the graph takes raw rows whole."
    return ""


def meaning(name: str) -> str:
    """What a variant is."""
    return VARIANTS.get(name, "")


def _rows(size: str) -> str:
    return "one row" if size == ONE_ROW else f"{size} rows"


def _one_row(variant: Variant) -> float | None:
    return variant.timing.latency_ms.get(ONE_ROW) if variant.timing else None
