"""From what was measured, round by round, to the figures of the table."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.optimise.bench.protocol import Times
from engine.optimise.spec import Noise, Timing

Rounds = Mapping[int, Sequence[Times]]
"""By batch size, what each round's burst of answers took."""


def timing_of(rounds: Rounds, cold_ms: float) -> Timing:
    """The figures of one variant.

    A round counts by the median of its burst, and the latency is the median of the rounds, so that a moment in which
    the machine was busy with something else weighs as one round; the 95th percentile is over all answers.

    Raises ValueError without a round.
    """
    whole = {size: [_whole(times) for times in found] for size, found in rounds.items()}
    alone = {size: [np.asarray(times.compute_ms) for times in found] for size, found in rounds.items()}
    if not whole or not all(whole.values()):
        raise ValueError("nothing was measured")
    latency = {size: _median(found) for size, found in whole.items()}
    largest, every = max(latency), [times for found in rounds.values() for times in found]
    compiling = [times.compile_s for times in every if times.compile_s is not None]
    return Timing(
        latency_ms={str(size): round(value, 5) for size, value in latency.items()},
        p95_ms={str(size): round(float(np.percentile(np.concatenate(found), 95)), 5) for size, found in whole.items()},
        compute_ms={str(size): round(_median(found), 5) for size, found in alone.items()},
        rows_per_second=round(1_000 * largest / latency[largest], 2),
        cold_ms=round(cold_ms, 2),
        compile_s=round(max(compiling), 2) if compiling else None,
        peak_mb=round(max(times.peak_mb for times in every), 2),
        rounds=min(len(found) for found in whole.values()),
    )


def noise_of(one: Timing, other: Timing) -> Noise:
    """How far two measurements of the same variant are apart: the slower median over the faster, less 1."""
    return Noise(share={size: round(apart(value, other.latency_ms[size]), 5) for size, value in one.latency_ms.items()})


def apart(one: float, other: float) -> float:
    """The larger over the smaller, less 1."""
    return max(one, other) / min(one, other) - 1


def _whole(times: Times) -> NDArray[np.float64]:
    return np.add(times.prepare_ms, times.compute_ms, dtype=np.float64)


def _median(bursts: Sequence[NDArray[np.float64]]) -> float:
    return float(np.median([np.median(burst) for burst in bursts]))
