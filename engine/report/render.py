"""The report as one HTML page, and the model card. Everything taken from data is escaped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from engine.data.profile import FrameProfile
from engine.evaluate import Evaluation
from engine.package_info import PackageInfo
from engine.report import plots, words

_HERE = Path(__file__).parent
_MOST_BARS = 20
_MOST_COLUMNS = 60
_MOST_CLASSES = 12
_MOST_SMALL = 4


class BoardLine(NamedTuple):
    """A line of the leaderboard; an ensemble has no fit of its own to time."""

    model: str
    status: str
    validation: float | None
    seconds: float | None
    detail: str


class Drawing(NamedTuple):
    """A plot and what it says; small ones stand side by side."""

    svg: str
    caption: str
    small: bool = False


def render_report(info: PackageInfo, evaluation: Evaluation, profile: FrameProfile, folder: Path) -> str:
    """A page that stands alone: style and plots inside, no script, nothing loaded from elsewhere.

    Args:
        info: the package's contents.
        evaluation: curves and counts on the sealed test rows.
        profile: the training rows, for the table of columns and the warnings.
        folder: where the package will lie, as shown in the example of use.
    """
    environment = _environment(autoescape=True)
    drawings = _plots(info, evaluation)
    label = words.metric_label(info.metric.name)
    return environment.get_template("report.html.jinja").render(
        info=info,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        plots=drawings,
        figure=lambda drawing: _figure(drawing) if drawing else "",
        verdict=words.verdict(info),
        chosen=words.chosen(info),
        split=words.split(info),
        metric_label=label,
        validated=words.validated_metric(info),
        validation_method=info.validation.method if info.validation else "none",
        cards=_cards(info, label),
        not_trained=[row for row in info.leaderboard if row.status in {"failed", "skipped"}],
        warnings=profile.warnings,
        notes=[note for note in info.notes if note not in profile.warnings],
        classes=_class_shares(profile),
        confusions=_confusions(info, evaluation),
        columns=_columns(info, profile),
        more_columns=max(0, len(info.columns) - _MOST_COLUMNS),
        spec=json.dumps({k: v for k, v in info.lineage.spec.items() if v is not None}, ensure_ascii=False),
        folder=repr(str(folder)),
        board=_board(info),
    )


def render_card(info: PackageInfo, profile: FrameProfile) -> str:
    """The model card in Markdown: intended use, data, metrics, limits, how to load."""
    environment = _environment(autoescape=False)
    return environment.get_template("card.md.jinja").render(
        info=info,
        verdict=words.verdict(info),
        chosen=words.chosen(info),
        split=words.split(info),
        metric_label=words.metric_label(info.metric.name),
        warnings=profile.warnings,
        notes=[note for note in info.notes if note not in profile.warnings],
        classes=_class_shares(profile),
    )


def markdown(text: object) -> str:
    """Text from data as plain text in Markdown, also inside a table row: no markup, no HTML, one line."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_[]|#!~$" else character for character in line)


def _environment(autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=not autoescape,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": words.number,
        "count": words.count,
        "metric": words.metric_label,
        "md": markdown,
    }
    return environment


def _figure(drawing: Drawing) -> Markup:
    page = Markup('<figure class="{}">{}<figcaption>{}</figcaption></figure>')
    return page.format("small" if drawing.small else "", Markup(drawing.svg), drawing.caption)


def _cards(info: PackageInfo, label: str) -> list[dict[str, str]]:
    metric = info.metric
    cards = [
        {"value": words.number(metric.value), "label": f"{label} on the test rows"},
        {"value": f"{words.number(metric.ci[0])} – {words.number(metric.ci[1])}", "label": "95 % interval"},
    ]
    if info.baseline:
        cards.append(
            {"value": words.number(info.baseline.value), "label": f"baseline {words.metric_label(info.baseline.name)}"}
        )
    return [
        *cards,
        {"value": info.kind, "label": "chosen model"},
        {"value": words.count(info.lineage.rows), "label": f"rows, {len(info.columns)} columns used"},
    ]


def _plots(info: PackageInfo, evaluation: Evaluation) -> dict[str, Drawing | None]:
    drawings: dict[str, Drawing | None] = dict.fromkeys(
        ("leaderboard", "learning", "curves", "confusion", "residuals", "calibration", "importance")
    )
    drawings["learning"] = _learning(info)
    drawings["leaderboard"] = _leaderboard(info)
    drawings["importance"] = _importance(info)
    return drawings | (_value_plots(evaluation) if info.task == "regression" else _class_plots(info, evaluation))


def _leaderboard(info: PackageInfo) -> Drawing | None:
    scored = [(row.model, value) for row in _board(info) if (value := row.validation) is not None][:_MOST_BARS]
    if not scored:
        return None
    names, values = zip(*scored, strict=True)
    label = f"{words.metric_label(words.validated_metric(info).name)}, validation"
    return Drawing(plots.bars("board", names, values, label=label), "The best is on top.")


def _learning(info: PackageInfo) -> Drawing | None:
    curves = [(row.model, row.curve) for row in info.leaderboard if len(row.curve) > 1][:_MOST_SMALL]
    if not curves:
        return None
    caption = (
        "Where the two lines part, a network begins to learn its rows by heart; the pass with the best held-out score "
        "is the one that is kept."
    )
    return Drawing(plots.learning_curves("learning", curves), caption)


def _board(info: PackageInfo) -> list[BoardLine]:
    """The leaderboard; an ensemble, which is no candidate of its own, comes first."""
    lines = [BoardLine(row.model, row.status, row.validation, row.seconds, row.detail) for row in info.leaderboard]
    if info.validation is None or any(line.model == info.kind for line in lines):
        return lines
    return [BoardLine(info.kind, "done", info.validation.value, None, words.shares(info)), *lines]


def _importance(info: PackageInfo) -> Drawing | None:
    rows = info.importance[:_MOST_BARS]
    if not rows:
        return None
    metric = words.validated_metric(info)
    drawing = plots.bars(
        "importance",
        [row.column for row in rows],
        [row.importance for row in rows],
        errors=[row.deviation for row in rows],
        label=f"{words.metric_label(metric.name)} {'lost' if metric.greater_is_better else 'added'}",
        first=False,
    )
    more = f" The {len(info.importance) - len(rows)} least important columns are not shown."
    more = more if len(info.importance) > len(rows) else ""
    return Drawing(drawing, f"The thin line is one standard deviation over repeats.{more}")


def _value_plots(evaluation: Evaluation) -> dict[str, Drawing | None]:
    if not evaluation.residuals:
        return {}
    predicted, true = zip(*evaluation.residuals, strict=True)
    caption = (
        f"{len(true):,} test rows. On the left, good predictions lie on the dashed line; on the right, a bend or a "
        "funnel says that the model misses something."
    )
    return {"residuals": Drawing(plots.predicted_and_residuals("residuals", true, predicted), caption)}


def _class_plots(info: PackageInfo, evaluation: Evaluation) -> dict[str, Drawing | None]:
    drawings: dict[str, Drawing | None] = {}
    if evaluation.roc and evaluation.pr:
        drawing = plots.roc_and_pr("curves", evaluation.roc, evaluation.pr, _positive_share(evaluation))
        caption = f"For the class {info.classes[1]!r}. The dashed lines are what guessing gives."
        drawings["curves"] = Drawing(drawing, caption)
    if evaluation.confusion and len(info.classes) <= _MOST_CLASSES:
        drawing = plots.confusion("confusion", evaluation.confusion, info.classes)
        cut = f" A row counts as {info.classes[1]!r} from a probability of {info.threshold:.3g} on."
        caption = (
            "Test rows by true and predicted class; the stronger the colour, the larger its share of the true class."
        )
        small = len(info.classes) <= _MOST_SMALL
        drawings["confusion"] = Drawing(drawing, caption + (cut if info.task == "binary" else ""), small)
    if evaluation.calibration:
        drawing = plots.calibration("calibration", [(b.predicted, b.observed, b.rows) for b in evaluation.calibration])
        caption = (
            "Calibration: where the line follows the dashed one, a predicted probability can be taken at its word."
        )
        drawings["calibration"] = Drawing(drawing, caption, small=True)
    return drawings


def _confusions(info: PackageInfo, evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """(true class, predicted class, rows) of the most frequent errors, where a matrix would be too large to read."""
    if len(info.classes) <= _MOST_CLASSES:
        return []
    errors = [
        (info.classes[true], info.classes[predicted], rows)
        for true, line in enumerate(evaluation.confusion)
        for predicted, rows in enumerate(line)
        if true != predicted and rows
    ]
    return sorted(errors, key=lambda error: -error[2])[:_MOST_CLASSES]


def _positive_share(evaluation: Evaluation) -> float:
    rows: list[int] = [sum(row) for row in evaluation.confusion]
    return rows[1] / sum(rows)


def _class_shares(profile: FrameProfile) -> str:
    shares = sorted(profile.class_shares.items(), key=lambda pair: -pair[1])
    more = f" and {len(shares) - _MOST_CLASSES} more" if len(shares) > _MOST_CLASSES else ""
    return ", ".join(f"{name} {share:.1%}" for name, share in shares[:_MOST_CLASSES]) + more


def _columns(info: PackageInfo, profile: FrameProfile) -> Sequence[dict[str, str]]:
    by_name = {column.name: column for column in profile.columns}
    rows = []
    for column in info.columns[:_MOST_COLUMNS]:
        found = by_name.get(column.name)
        if found is None:  # a wide table is not profiled whole
            continue
        rows.append(
            {
                "name": column.name,
                "kind": column.kind,
                "missing": f"{found.missing_share:.1%}" if found.missing else "",
                "distinct": words.count(found.distinct),
                "relation": words.number(found.relation),
            }
        )
    return rows
