"""What came of an evaluation, as tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from engine.figures import figure
from millwright.cli.plain import plain
from millwright.cli.screens import sentences, table
from millwright.evaluation_figures import Comparison, Difference, Figures, Mean, Share

if TYPE_CHECKING:
    from millwright.evaluation import Evaluation

MOST_UNMET = 3
"""Sentences that are shown of a trial that was not right; the file has all."""


def report(done: "Evaluation") -> Iterator[RenderableType]:
    """The figures of each model, the kinds, the difference of two, and what was not right."""
    names = [each.model for each in done.figures]
    yield table(("", *(f">{name}" for name in names)), _figures(done.figures))
    yield sentences("")
    kinds = sorted({kind for each in done.figures for kind in each.kinds})
    yield table(
        ("kind", *(f">{name}" for name in names)),
        ((kind, *(_share(each.kinds.get(kind)) for each in done.figures)) for kind in kinds),
    )
    if done.comparison is not None:
        yield sentences("")
        yield _comparison(done.comparison)
    wrong = [one for one in done.tried if not one.ok]
    if wrong:
        yield sentences("")
        rows = ((one.scenario, one.model, plain(" ".join(one.unmet[:MOST_UNMET]))) for one in wrong)
        yield table(("not right", "model", "why"), rows)
    left = "" if done.finished else f" It is not finished: millwright eval --resume {done.id}"
    yield sentences("", f"{done.id}: {len(done.tried)} trials; intervals are at 95 %.{left}")


def _figures(found: tuple[Figures, ...]) -> Iterator[tuple[str, ...]]:
    yield ("success", *(_share(each.success) for each in found))
    yield ("claims that a result holds", *(_share(each.grounded) for each in found))
    yield ("calls answered with a result", *(_share(each.valid_calls) for each in found))
    yield ("tokens a scenario", *(_mean(each.tokens) for each in found))
    yield ("cost a scenario", *(_mean(each.cost) for each in found))
    yield ("seconds a scenario", *(_mean(each.seconds) for each in found))


def _share(share: Share | None) -> str:
    if share is None or share.value is None or share.ci is None:
        return "-"
    return f"{share.value:.2f} [{share.ci[0]:.2f}, {share.ci[1]:.2f}] ({share.hits} of {share.of})"


def _mean(mean: Mean | None) -> str:
    return "-" if mean is None else f"{figure(mean.value)} [{figure(mean.ci[0])}, {figure(mean.ci[1])}]"


def _comparison(found: Comparison) -> RenderableType:
    differences: dict[str, Difference | None] = {
        "success": found.success,
        "claims that a result holds": found.grounded,
        "calls answered with a result": found.valid_calls,
        "tokens a scenario": found.tokens,
        "cost a scenario": found.cost,
        "seconds a scenario": found.seconds,
    }
    rows = (
        (name, figure(each.value), f"{figure(each.ci[0])} to {figure(each.ci[1])}", "yes" if each.clear else "no")
        for name, each in differences.items()
        if each is not None
    )
    title = f"{found.models[0]} less {found.models[1]}, over {found.scenarios} scenarios"
    return table(("difference", ">", ">95 % interval", "clear"), rows, title=title)
