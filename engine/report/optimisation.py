"""The report of an optimisation as one HTML page: the choice, the whole table, and how it was measured."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.optimise.pareto import ONE_ROW
from engine.optimise.spec import EAGER, Optimisation
from engine.optimise.wording import amount, is_absolute
from engine.package_info import PackageInfo
from engine.report import optimisation_plots as plots
from engine.report import optimisation_words as said
from engine.report.render import Drawing
from engine.report.words import metric_label

_HERE = Path(__file__).parent


def render_optimisation(optimisation: Optimisation, info: PackageInfo) -> str:
    """A page that stands alone: style and plots inside, no script, nothing loaded from elsewhere.

    Args:
        info: of the package that was optimised, or of the one that was made from it.
    """
    timings = [variant.timing for variant in optimisation.variants if variant.timing is not None]
    settings = [variant for variant in optimisation.variants if variant.settings is not None]
    used = [provider for variant in settings if variant.settings for provider in variant.settings.providers]
    return (
        _environment()
        .get_template("optimisation.html.jinja")
        .render(
            found=optimisation,
            info=info,
            said=said,
            allowed=amount(optimisation.goal.max_drop),
            style=Markup("\n".join((_HERE / name).read_text(encoding="utf-8") for name in _STYLES)),
            cards=_cards(optimisation),
            absolute=is_absolute(optimisation.goal.metric),
            plots={
                "trade_off": _drawn(optimisation, plots.trade_off, _TRADE_OFF),
                "latency": _drawn(optimisation, plots.latencies, _LATENCY),
                "size": _drawn(optimisation, plots.sizes, _SIZE),
            },
            rounds=min((timing.rounds for timing in timings), default=0),
            providers=optimisation.providers or tuple(dict.fromkeys(used)),
            left=said.left_to_python(optimisation, info),
            settings=settings,
        )
    )


_STYLES = ("style.css", "optimisation.css")
_TRADE_OFF = (
    "The further to the left, the faster; the lower, the more accurate. Upright lines are 95 % intervals; a variant "
    "holds the guard when it is shown to lie below the dashed line, which takes more than that its dot does."
)
_LATENCY = "Bars are medians, marks 95th percentiles. The chosen one stands out; pale ones cannot be chosen."
_SIZE = "All files of a variant together."


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    environment.filters["metric"] = metric_label
    return environment


def _drawn(optimisation: Optimisation, draw: Callable[[str, Optimisation], str | None], caption: str) -> Drawing | None:
    found = draw(draw.__name__, optimisation)
    return None if found is None else Drawing(found, caption)


def _cards(optimisation: Optimisation) -> list[tuple[str, str]]:
    """(value, label) of each figure under the headline."""
    chosen = optimisation.variant(optimisation.choice.chosen)
    cards = [(chosen.name, "chosen" if optimisation.choice.met else "chosen, though the goal is not met")]
    if chosen.timing is not None and (one_row := chosen.timing.latency_ms.get(ONE_ROW)):
        cards.append((f"{amount(one_row)} ms", "for one row, median"))
    ratio = said.faster(chosen, optimisation.variants)
    if ratio is not None and chosen.name != EAGER:
        cards.append((amount(ratio, 2), "times faster than as it was trained"))
    if chosen.size_mb is not None:
        cards.append((f"{amount(chosen.size_mb)} MB", "on disk"))
    drop = optimisation.test or chosen.drop
    if drop is not None:
        rows = "sealed test rows" if optimisation.test else "rows of the guard"
        unit = "lost" if is_absolute(optimisation.goal.metric) else "added, as a share"
        cards.append(
            (amount(drop.value, 2), f"{metric_label(optimisation.goal.metric)} {unit} on {drop.rows:,} {rows}")
        )
    return cards
