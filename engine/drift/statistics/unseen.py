"""How many rows of categories that the reference does not name are to be expected when nothing changed.

The chance that the next row is of a category that is in r rows so far is about the share of rows in categories with
r + 1 rows: for r = 0, of a new category, the share of those that occur once (I. J. Good, "The population frequencies of
species and the estimation of population parameters", 1953, equation 2).
"""

from collections.abc import Mapping

from engine.drift.statistics.rates import rate_test
from engine.drift.statistics.tested import Tested


def well_named(counts: Mapping[str, int], rest: int, least: int = 0) -> dict[str, int]:
    """Categories of which all with as many rows or more are named, and that have at least `least` rows.

    All of them when no rows are left out; otherwise not those as rare as the rarest, which are named in part.
    """
    if not rest:
        return dict(counts)
    rarest = min(counts.values())
    return {name: rows for name, rows in counts.items() if rows > rarest and rows >= least}


def unseen_test(named: Mapping[str, int], rest: int, n: int, unseen: int, m: int) -> tuple[int, Tested]:
    """Are `unseen` of m rows in other categories than the `named` ones more, or fewer, than were to be expected?

    Also gives how many of n rows were to be expected: `n` is the reference's own number, `rest` of it unnamed rows.
    """
    rarest = min(named.values(), default=0) if rest else 1
    expected = n - sum(rows for rows in named.values() if rows > rarest)
    weight = _weight(named, rarest, expected, n) if expected else 1.0
    return expected, rate_test(round(weight * expected), round(weight * n), unseen, m)


def _weight(named: Mapping[str, int], rarest: int, expected: int, n: int) -> float:
    """How much less than a count of rows the estimate tells, as a share of its n rows.

    With f_r categories in r rows, the estimate of new categories varies by (f_1 + 2 f_2) / n^2, a count of as many rows
    by f_1 / n^2. Where rarer ones than r are not named, what is named varies by about r^2 f_r more than a count would.
    """
    if rarest == 1:
        return expected / (expected + 2 * sum(rows == 2 for rows in named.values()))
    kept = n - expected
    bordering = rarest**2 * sum(rows == rarest for rows in named.values())
    return kept * expected / n / (kept + bordering) if kept else 1.0
