"""How fast models answer, measured side by side so that what else the machine does falls on all of them alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

MANY = 256
ROUNDS = 15
WARM_UP = 3

Answer = Callable[[pd.DataFrame], object]


@dataclass(frozen=True)
class Speed:
    """Median milliseconds of an answer for one row, and rows a second in batches of 256."""

    one_row_ms: float
    many_rows_per_second: float


def speeds(models: Sequence[Answer], rows: pd.DataFrame) -> list[Speed]:
    """Time each model's whole way from raw rows to an answer, turn and turn about, after a few answers to warm up."""
    many = pd.concat([rows] * -(-MANY // len(rows)), ignore_index=True).head(MANY)
    one = _medians(models, [rows.iloc[[place % len(rows)]] for place in range(ROUNDS)])
    batch = _medians(models, [many] * ROUNDS)
    return [Speed(single * 1e3, MANY / whole) for single, whole in zip(one, batch, strict=True)]


def _medians(models: Sequence[Answer], inputs: Sequence[pd.DataFrame]) -> list[float]:
    taken: list[list[float]] = [[] for _ in models]
    for turn, rows in enumerate([inputs[0]] * WARM_UP + list(inputs)):
        for model, times in zip(models, taken, strict=True):
            began = time.perf_counter()
            model(rows)
            if turn >= WARM_UP:
                times.append(time.perf_counter() - began)
    return [median(times) for times in taken]
