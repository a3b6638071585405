"""Which variants no other beats in everything at once."""

from collections.abc import Sequence

import numpy as np

from engine.optimise.spec import EAGER, Variant

ONE_ROW = "1"
"""The key of timings for one row at a time."""


def frontier(variants: Sequence[Variant]) -> tuple[str, ...]:
    """Names of the usable variants that none dominates, in their order.

    Compared are the drop of the metric, latency for one row, rows a second, size and peak memory. A variant dominates
    another when it is nowhere worse and somewhere better; of equals all stay. What was not measured counts as worst.
    """
    usable = [variant for variant in variants if variant.status == "ok"]
    if not usable:
        return ()
    costs = np.array([costs_of(variant) for variant in usable])
    nowhere_worse = (costs[:, None, :] <= costs[None, :, :]).all(axis=2)
    somewhere_better = (costs[:, None, :] < costs[None, :, :]).any(axis=2)
    dominated = np.any(nowhere_worse & somewhere_better, axis=0).tolist()
    return tuple(variant.name for variant, beaten in zip(usable, dominated, strict=True) if not beaten)


def costs_of(variant: Variant) -> tuple[float, float, float, float, float]:
    """Drop, milliseconds for one row, seconds a row in batches, megabytes, megabytes of memory: less is better in each.

    Infinite where it was not measured; the original loses nothing, measured or not.
    """
    drop, timing, none = variant.drop, variant.timing, float("inf")
    unknown = 0.0 if variant.name == EAGER else none
    return (
        unknown if drop is None else drop.value,
        none if timing is None else timing.latency_ms.get(ONE_ROW, none),
        1 / timing.rows_per_second if timing is not None and timing.rows_per_second > 0 else none,
        none if variant.size_mb is None else variant.size_mb,
        none if timing is None else timing.peak_mb,
    )
