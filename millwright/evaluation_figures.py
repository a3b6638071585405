"""The figures of an evaluation, each with a 95 % interval: shares, means, and paired differences of two models.

What is drawn anew for an interval are whole scenarios: claims of one conversation, and repeats of one scenario, are
alike, and counting each for itself would promise more than is known.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from millwright.evaluation_types import Kind

LEVEL = 0.95
Z = 1.959963984540054
"""The normal quantile of that level."""
DRAWS = 2_000
Floats = npt.NDArray[np.float64]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tried(_Part):
    """What came of playing one scenario once with one model. `seconds` without the preparation.

    Attributes:
        unmet: what did not hold, in sentences.
        claims, grounded: figures and names that the model stated (those it had to take back included), and those that
            something held.
        calls, valid: calls that the model made, and those that were answered with a result.
        cost: None where nobody has said what a token costs.
        heard: each step with its text and calls, to see why.
    """

    model: str
    scenario: str
    kind: Kind
    repeat: int
    ok: bool
    unmet: tuple[str, ...]
    claims: int
    grounded: int
    calls: int
    valid: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    seconds: float
    provider_failed: bool = False
    heard: tuple[dict[str, object], ...] = ()

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Share(_Part):
    """How many of how many; `value` is None where there are none."""

    hits: int
    of: int
    value: float | None
    ci: tuple[float, float] | None


class Mean(_Part):
    """The mean for one scenario played once."""

    value: float
    ci: tuple[float, float]


class Difference(_Part):
    """The first model less the second, over the same scenarios. `clear` when the interval leaves 0 out."""

    value: float
    ci: tuple[float, float]

    @property
    def clear(self) -> bool:
        return self.ci[0] > 0 or self.ci[1] < 0


class Figures(_Part):
    """One model over all scenarios that were played, and its successes by kind and by scenario."""

    model: str
    tried: int
    success: Share
    grounded: Share
    valid_calls: Share
    tokens: Mean
    cost: Mean | None
    seconds: Mean
    kinds: dict[str, Share]
    scenarios: dict[str, Share]


class Comparison(_Part):
    """Two models on the scenarios that both played. A share that one of them lacks has no difference."""

    models: tuple[str, str]
    scenarios: int
    success: Difference
    grounded: Difference | None
    valid_calls: Difference | None
    tokens: Difference
    cost: Difference | None
    seconds: Difference


Parts = Callable[[Tried], tuple[float, float]]
"""Of one trial: what is counted, and out of how much."""


def _success(tried: Tried) -> tuple[float, float]:
    return float(tried.ok), 1.0


def _grounded(tried: Tried) -> tuple[float, float]:
    return float(tried.grounded), float(tried.claims)


def _valid(tried: Tried) -> tuple[float, float]:
    return float(tried.valid), float(tried.calls)


def _tokens(tried: Tried) -> tuple[float, float]:
    return float(tried.tokens), 1.0


def _cost(tried: Tried) -> tuple[float, float]:
    return tried.cost or 0.0, 1.0


def _seconds(tried: Tried) -> tuple[float, float]:
    return tried.seconds, 1.0


def figures_of(model: str, tried: Sequence[Tried], seed: int = 0) -> Figures:
    """The figures of `model` among `tried`, of which it has at least one."""
    own = [one for one in tried if one.model == model]
    return Figures(
        model=model,
        tried=len(own),
        success=share(own, _success, seed),
        grounded=share(own, _grounded, seed),
        valid_calls=share(own, _valid, seed),
        tokens=mean(own, _tokens, seed),
        cost=mean(own, _cost, seed) if _priced(own) else None,
        seconds=mean(own, _seconds, seed),
        kinds={kind: share(part, _success, seed) for kind, part in _grouped(own, lambda one: one.kind).items()},
        scenarios={name: share(part, _success, seed) for name, part in _grouped(own, lambda one: one.scenario).items()},
    )


def share(tried: Sequence[Tried], parts: Parts, seed: int = 0) -> Share:
    """A share with Wilson's interval, or that over scenarios drawn anew where it reaches further."""
    counts = [parts(one) for one in tried]
    hits, of = int(sum(count[0] for count in counts)), int(sum(count[1] for count in counts))
    if of == 0:
        return Share(hits=0, of=0, value=None, ci=None)
    low, high = wilson(hits, of)
    drawn = _drawn(*_sums(tried, parts), seed)
    return Share(hits=hits, of=of, value=hits / of, ci=(min(low, drawn[0]), max(high, drawn[1])))


def mean(tried: Sequence[Tried], parts: Parts, seed: int = 0) -> Mean:
    """A mean with the interval over scenarios drawn anew."""
    hits, of = _sums(tried, parts)
    return Mean(value=float(hits.sum() / of.sum()), ci=_drawn(hits, of, seed))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share of `of` > 0 trials: sensible for few trials, and for all or none."""
    p, z2 = hits / of, Z * Z
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, centre - half), min(1.0, centre + half)


def compared(first: str, second: str, tried: Sequence[Tried], seed: int = 0) -> Comparison | None:
    """The paired differences of two models; None where they share no scenario."""
    one, other = ([each for each in tried if each.model == name] for name in (first, second))
    both = {each.scenario for each in one} & {each.scenario for each in other}
    if not both:
        return None
    one, other = ([each for each in part if each.scenario in both] for part in (one, other))

    def of(parts: Parts) -> Difference | None:
        return difference(_sums(one, parts), _sums(other, parts), seed)

    success, tokens, seconds = of(_success), of(_tokens), of(_seconds)
    assert success is not None, "every trial counts"
    assert tokens is not None, "every trial counts"
    assert seconds is not None, "every trial counts"
    return Comparison(
        models=(first, second),
        scenarios=len(both),
        success=success,
        grounded=of(_grounded),
        valid_calls=of(_valid),
        tokens=tokens,
        cost=of(_cost) if _priced([*one, *other]) else None,
        seconds=seconds,
    )


def difference(first: tuple[Floats, Floats], second: tuple[Floats, Floats], seed: int = 0) -> Difference | None:
    """The difference of two ratios over the same scenarios in the same order; None where one has nothing below it."""
    if first[1].sum() == 0 or second[1].sum() == 0:
        return None
    draws = np.random.default_rng(seed).integers(len(first[0]), size=(DRAWS, len(first[0])))
    drawn = _ratios(*first, draws) - _ratios(*second, draws)
    value = first[0].sum() / first[1].sum() - second[0].sum() / second[1].sum()
    return Difference(value=float(value), ci=_middle(drawn))


def _sums(tried: Sequence[Tried], parts: Parts) -> tuple[Floats, Floats]:
    """What is counted and out of how much, summed for each scenario, in the order of their names."""
    by_scenario = _grouped(tried, lambda one: one.scenario)
    sums = [
        [sum(values) for values in zip(*(parts(one) for one in by_scenario[name]), strict=True)]
        for name in sorted(by_scenario)
    ]
    whole = np.asarray(sums, dtype=np.float64)
    return whole[:, 0], whole[:, 1]


def _drawn(hits: Floats, of: Floats, seed: int) -> tuple[float, float]:
    draws = np.random.default_rng(seed).integers(len(hits), size=(DRAWS, len(hits)))
    return _middle(_ratios(hits, of, draws))


def _ratios(hits: Floats, of: Floats, draws: npt.NDArray[np.int64]) -> Floats:
    below = of[draws].sum(axis=1)
    # a draw of scenarios that state nothing has no share; it is left out
    ratios: Floats = np.divide(hits[draws].sum(axis=1), below, out=np.full(len(draws), np.nan), where=below > 0)
    return ratios


def _middle(drawn: Floats) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _grouped(tried: Iterable[Tried], key: Callable[[Tried], str]) -> Mapping[str, list[Tried]]:
    groups: dict[str, list[Tried]] = {}
    for one in tried:
        groups.setdefault(key(one), []).append(one)
    return groups


def _priced(tried: Sequence[Tried]) -> bool:
    return bool(tried) and all(one.cost is not None for one in tried)
