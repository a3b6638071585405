"""What a comparison with a saved reference costs: seconds and memory, against what one would write by hand.

One run, one machine: a profile of 20 columns of numbers and 5 of categories is fitted, saved and loaded, and a tenth as
many current rows are compared with it. By hand means scipy's ks_2samp, a PSI in numpy and scipy's chi2_contingency for
each column, on the reference's rows as they are; once more with scipy's wasserstein_distance, which ours includes. With
--evidently PYTHON, an interpreter that has evidently 0.7, psutil and pandas below 3, its DataDriftPreset is timed as
well, once, on the same rows.

Memory is taken in a process of its own that has read profile and rows from files: its resident set at the peak, looked
at every two milliseconds, above what it was before.

    python benchmarks/drift.py [--rows 1000000] [--rounds 5] [--evidently PYTHON]
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from engine.drift import Profile, compare, fit_profile

ROOT = Path(__file__).resolve().parents[1]
NUMBERS, CATEGORIES = 20, (2, 5, 10, 50, 200)
ALONE = """
import json, sys, threading, time
import pandas as pd, psutil
{prepare}
own, peak, done = psutil.Process(), [0], threading.Event()
def watch():
    while not done.wait(0.002):
        peak[0] = max(peak[0], own.memory_info().rss)
before = peak[0] = own.memory_info().rss
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
done.set()
print(json.dumps([seconds, (max(peak[0], own.memory_info().rss) - before) / 1e6]))
"""
OURS = ALONE.format(
    prepare="""
from engine.drift import Profile, compare
profile, current = Profile.load(sys.argv[1]), pd.read_parquet(sys.argv[2])
compare(profile, current.head(20))  # what is loaded at its first use is no cost of a comparison
""",
    work="compare(profile, current)",
)
EVIDENTLY = ALONE.format(
    prepare="""
from evidently import Report
from evidently.presets import DataDriftPreset
reference, current = pd.read_parquet(sys.argv[1]), pd.read_parquet(sys.argv[2])
""",
    work="Report([DataDriftPreset()]).run(current, reference)",
)


@dataclass(frozen=True)
class Cost:
    seconds: float
    megabytes: float = math.nan


def table(rows: int, seed: int) -> pd.DataFrame:
    """Normal, skewed, rounded and counted numbers; categories of 2 to 200 names. The current rows are drawn alike."""
    rng = np.random.default_rng(seed)
    draws: list[Callable[[], np.ndarray]] = [
        lambda: rng.normal(size=rows),
        lambda: rng.lognormal(size=rows),
        lambda: rng.normal(50, 20, rows).round(2),
        lambda: rng.poisson(400, rows).astype(np.float64),
    ]
    columns: dict[str, object] = {f"number_{at}": draws[at % len(draws)]() for at in range(NUMBERS)}
    for at, count in enumerate(CATEGORIES):
        names = pd.Index([f"name {number}" for number in range(count)])
        columns[f"category_{at}"] = names.take(rng.integers(0, count, rows))
    return pd.DataFrame(columns)


def by_hand(reference: pd.DataFrame, current: pd.DataFrame, wasserstein: bool) -> int:
    """How many columns have a p-value below 0.05."""
    drifted = 0
    for name in reference.columns:
        if name.startswith("category"):
            counts = pd.concat([side[name].value_counts() for side in (reference, current)], axis=1).fillna(0)
            drifted += stats.chi2_contingency(counts.to_numpy().T, correction=False).pvalue < 0.05
            continue
        first, second = (side[name].to_numpy() for side in (reference, current))
        drifted += stats.ks_2samp(first, second).pvalue < 0.05
        psi(first, second)
        if wasserstein:
            stats.wasserstein_distance(first, second)
    return int(drifted)


def psi(first: np.ndarray, second: np.ndarray) -> float:
    edges = np.unique(np.quantile(first, np.arange(1, 10) / 10))
    shares = [
        np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) / len(side) for side in (first, second)
    ]
    p, q = (np.maximum(share, 1e-4) for share in shares)
    return float(np.sum((p - q) * np.log(p / q)))


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alone(python: str, script: str, *paths: Path) -> Cost:
    """What a script costs in a process of its own."""
    done = subprocess.run(
        [python, "-c", script, *map(str, paths)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{python} failed:\n{done.stderr[-2000:]}")
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def kept(reference: pd.DataFrame, path: Path) -> Profile:
    """The profile as it comes back from a file; says what that costs."""
    start = time.perf_counter()
    profile = fit_profile(reference)
    fitted = time.perf_counter()
    profile.save(path)
    saved = time.perf_counter()
    loaded = Profile.load(path)
    ends = time.perf_counter()
    print(line("fit", Cost(fitted - start)))
    print(line(f"save ({path.stat().st_size / 1e6:,.0f} MB)", Cost(saved - fitted)))
    print(line("load", Cost(ends - saved)), flush=True)
    return loaded


def line(name: str, cost: Cost, ratio: float | None = None) -> str:
    """A line of the table; `ratio` is how many times ours it takes."""
    memory = "" if math.isnan(cost.megabytes) else f"{cost.megabytes:8,.0f} MB"
    return f"{name:30}{cost.seconds:9.3f} s{memory:>11}{f'   1/{ratio:.1f}' if ratio else ''}".rstrip()


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work, once a round, so that a machine that grows busy slows all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            seconds[name].append(seconds_of(work))
    return seconds


def compared(folder: Path, rows: int, rounds: int, python: str | None) -> None:
    reference, current = table(rows, 0), table(max(rows // 10, 10), 1)
    print(f"{len(reference):,} x {reference.shape[1]} against {len(current):,} rows; load {os.getloadavg()[0]:.1f}\n")
    profile = kept(reference, folder / "drift.profile")
    reference.to_parquet(folder / "reference.parquet")
    current.to_parquet(folder / "current.parquet")
    seconds = in_turn(
        {
            "ours": lambda: compare(profile, current),
            "by hand": lambda: by_hand(reference, current, wasserstein=False),
            "by hand, with Wasserstein": lambda: by_hand(reference, current, wasserstein=True),
        },
        rounds,
    )
    ours = statistics.median(seconds["ours"])
    memory = alone(sys.executable, OURS, folder / "drift.profile", folder / "current.parquet").megabytes
    print(line("ours", Cost(ours, memory)))
    for name in ("by hand", "by hand, with Wasserstein"):
        # within a round, for the same load on both
        ratio = statistics.median(one / own for one, own in zip(seconds[name], seconds["ours"], strict=True))
        print(line(name, Cost(statistics.median(seconds[name])), ratio), flush=True)
    if python is not None:
        cost = alone(python, EVIDENTLY, folder / "reference.parquet", folder / "current.parquet")
        print(line("evidently: DataDriftPreset", cost, cost.seconds / ours))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the reference; a tenth of it is compared")
    parser.add_argument("--rounds", type=int, default=5, help="of ours and by hand, in turn; the medians are told")
    parser.add_argument("--evidently", metavar="PYTHON", help="an interpreter with evidently 0.7 and pandas below 3")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compared(Path(folder), asked.rows, asked.rounds, asked.evidently)


if __name__ == "__main__":
    main()
