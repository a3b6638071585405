import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from engine.evaluate import Evaluation
from engine.package import read_info
from engine.package_info import PackageInfo
from engine.report import words
from engine.report.render import markdown, render_card, render_report


class Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


def report_of(packaged: Any) -> str:
    return (packaged.folder / "report.html").read_text(encoding="utf-8")


def parts(packaged: Any) -> tuple[PackageInfo, Evaluation, Any]:
    from engine.data.profile import FrameProfile

    folder = packaged.folder
    evaluation = Evaluation.model_validate_json((folder / "evaluation.json").read_text())
    return read_info(folder), evaluation, FrameProfile.model_validate_json((folder / "profile.json").read_text())


def test_a_report_stands_alone(packaged: Any) -> None:
    page = Page(report_of(packaged))
    assert not set(page.tags) & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
    assert all(address.startswith("#") for address in page.addresses)
    assert not page.handlers
    assert not re.search(r"url\((?!#)", report_of(packaged))


@pytest.mark.parametrize(
    ("task", "figures"),
    [
        ("binary", ["ROC", "Precision and recall", "predicted probability", "ROC AUC lost"]),
        ("multiclass", ["predicted", "true", "log loss added"]),
        ("regression", ["Predicted and true", "Residuals", "RMSE added"]),
    ],
)
def test_a_report_shows_the_plots_of_its_task(packages: Any, task: str, figures: list[str]) -> None:
    page = Page(report_of(packages[task]))
    for figure in figures:
        assert figure in page.words


def test_a_report_says_how_good_against_what_and_on_which_rows(packaged: Any) -> None:
    info = read_info(packaged.folder)
    page = Page(report_of(packaged))
    assert f"On {info.metric.rows} sealed test rows" in page.words
    assert words.number(info.metric.value) in page.words
    assert words.number(info.baseline.value if info.baseline else None) in page.words
    assert info.lineage.content_hash in page.words
    assert f"millwright predict --model {info.model_id}" in page.words
    assert all(row.model in page.words for row in info.leaderboard)


def test_a_column_called_script_is_shown_and_does_nothing(churn: Any) -> None:
    page = Page(report_of(churn))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.words
    assert "| a *b* `c` $d$" in page.words


def test_text_from_everywhere_is_escaped(churn: Any) -> None:
    info, evaluation, profile = parts(churn)
    evil = '"><img src=x onerror=alert(1)>'
    info = info.model_copy(
        update={
            "target": evil, "kind": evil, "notes": (evil,), "dropped": {evil: evil}, "classes": (evil, evil + "2"),
            "lineage": info.lineage.model_copy(update={"source": evil, "dataset_name": evil, "split_notes": (evil,)}),
            "leaderboard": tuple(row.model_copy(update={"model": evil, "detail": evil}) for row in info.leaderboard),
        }
    )  # fmt: skip
    profile = profile.model_copy(update={"warnings": (evil,), "class_shares": {evil: 1.0}})
    page = Page(render_report(info, evaluation, profile, churn.folder / evil))
    assert "img" not in page.tags
    assert not page.handlers
    card = render_card(info, profile)
    assert "<img" not in card
    assert "\n" not in markdown("two\nlines")


def test_many_classes_get_a_list_of_errors_instead_of_a_matrix(packages: Any) -> None:
    info, evaluation, profile = parts(packages["multiclass"])
    classes = tuple(f"class {number}" for number in range(20))
    matrix = tuple(
        tuple(9 if row == column else 3 * (row == 7 and column == 4) for column in range(20)) for row in range(20)
    )
    evaluation = evaluation.model_copy(update={"confusion": matrix, "classes": classes})
    page = Page(render_report(info.model_copy(update={"classes": classes}), evaluation, profile, Path("folder")))
    assert re.search(r"Most frequent errors\s+true\s*predicted\s*test rows\s+class 7\s*class 4\s*3", page.words)


def test_a_failed_candidate_is_listed_with_its_reason(churn: Any) -> None:
    info, evaluation, profile = parts(churn)
    failed = info.leaderboard[-1].model_copy(
        update={"model": "forest-t9", "status": "failed", "validation": None, "detail": "out of memory"}
    )
    page = Page(
        render_report(
            info.model_copy(update={"leaderboard": (*info.leaderboard, failed)}), evaluation, profile, churn.folder
        )
    )
    assert "Not on the board" in page.words
    assert re.search(r"forest-t9\s+failed: out of memory", page.words)


def test_a_report_is_made_quickly_and_always_the_same(packaged: Any) -> None:
    info, evaluation, profile = parts(packaged)
    first = render_report(info, evaluation, profile, packaged.folder)
    began = time.perf_counter()
    again = render_report(info, evaluation, profile, packaged.folder)
    assert time.perf_counter() - began < 3
    assert again == first


def test_a_metric_without_a_value_is_a_dash(churn: Any) -> None:
    info, evaluation, profile = parts(churn)
    metric = info.metric.model_copy(update={"value": None, "ci": (None, None)})
    page = Page(render_report(info.model_copy(update={"metric": metric}), evaluation, profile, churn.folder))
    assert "reaches ROC AUC –." in page.words


def test_a_card_has_the_sections_a_reader_looks_for(packaged: Any) -> None:
    card = (packaged.folder / "card.md").read_text(encoding="utf-8")
    for heading in ("# Model card", "## Intended use", "## Data", "## How good it is", "## Limits", "## How to load"):
        assert heading in card
    assert "95 % interval" in card
    assert "pickle" not in card


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", r"a\|b"), ("<b>", "&lt;b&gt;"), ("a\nb", "a b"), ("`x`", r"\`x\`"), ("# h", r"\# h")],
)
def test_text_from_data_is_plain_in_markdown(text: str, expected: str) -> None:
    assert markdown(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.86543, "0.8654"),
        (12345.6, "12,346"),
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (-0.00001234, "-1.234e-05"),
    ],
)
def test_numbers_are_short(value: float | None, expected: str) -> None:
    assert words.number(value) == expected


def test_the_evaluation_is_kept_as_strict_json(packaged: Any) -> None:
    def refuse(name: str) -> float:
        raise ValueError(name)

    for name in ("model.json", "evaluation.json", "profile.json"):
        json.loads((packaged.folder / name).read_text(encoding="utf-8"), parse_constant=refuse)


def test_a_metric_that_stood_in_on_the_test_rows_is_not_taken_for_that_of_validation(churn: Any) -> None:
    info, evaluation, profile = parts(churn)
    other = info.metric.model_copy(update={"name": "log_loss", "greater_is_better": False})
    info = info.model_copy(update={"metric": other})
    page = Page(render_report(info, evaluation, profile, churn.folder))
    assert "reaches log loss" in page.words
    assert "In validation it reaches ROC AUC" in page.words
    assert "baseline ROC AUC" in page.words
    assert "ROC AUC lost" in page.words
