import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from engine.report import plots

HOSTILE = [
    "<script>alert(1)</script>",
    "a & \"b\" 'c'",
    "$x_1$",
    "tab\tnull\x00bell\x07",
    "日本語 العربية",
    "x" * 300,
    "",
]
CURVE = [(0.0, 0.0), (0.2, 0.7), (1.0, 1.0)]

DRAWINGS: dict[str, Callable[[], str]] = {
    "bars": lambda: plots.bars("k", HOSTILE, [0.9 - i / 10 for i in range(7)], label="x", errors=[0.01] * 7),
    "negative": lambda: plots.bars("k", ["a", "b"], [-0.5, -2.0], label="R²"),
    "one bar": lambda: plots.bars("k", ["a"], [0.0], label="x"),
    "curves": lambda: plots.roc_and_pr("k", CURVE, CURVE, 0.3),
    "confusion": lambda: plots.confusion("k", [[3] * 7 for _ in HOSTILE], HOSTILE),
    "an empty class": lambda: plots.confusion("k", [[0, 0], [0, 5]], ["a", "b"]),
    "calibration": lambda: plots.calibration("k", [(0.1, 0.2, 5), (0.8, 0.7, 50)]),
    "one bin": lambda: plots.calibration("k", [(0.5, 0.5, 1)]),
    "residuals": lambda: plots.predicted_and_residuals("k", [1.0, 2.0, 9.0], [1.5, 2.5, 7.0]),
    "one residual": lambda: plots.predicted_and_residuals("k", [1.0], [1.0]),
}


@pytest.fixture(params=DRAWINGS.values(), ids=DRAWINGS)
def draw(request: pytest.FixtureRequest) -> Callable[[], str]:
    drawing: Callable[[], str] = request.param
    return drawing


def test_a_drawing_is_well_formed_and_fetches_nothing(draw: Callable[[], str]) -> None:
    root = ElementTree.fromstring(draw())
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert root.tag.endswith("svg")
    assert not tags & {"script", "image", "foreignObject", "metadata", "a"}
    references = [v for e in root.iter() for name, v in e.attrib.items() if name.endswith("href")]
    assert all(reference.startswith("#") for reference in references)


def test_equal_numbers_give_equal_bytes(draw: Callable[[], str]) -> None:
    assert draw() == draw()


def test_names_from_the_data_are_text_and_never_markup() -> None:
    drawing = plots.bars("k", HOSTILE, [1.0] * 7, label="x")
    words = "".join(ElementTree.fromstring(drawing).itertext())
    assert "<script" not in drawing
    assert "<script>alert(1)</script>" in words
    assert "$x_1$" in words
    assert "日本語" in words


def test_two_drawings_on_a_page_share_no_id() -> None:
    first, second = (plots.roc_and_pr(key, CURVE, CURVE, 0.3) for key in ("a", "b"))
    ids = [set(re.findall(r'\sid="([^"]+)"', drawing)) for drawing in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_colours_are_variables_of_the_page() -> None:
    drawing = plots.roc_and_pr("k", CURVE, CURVE, 0.3)
    assert "var(--main)" in drawing
    assert "#0102" not in drawing


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    plots.bars("k", ["a"], [1.0], label="x")
    assert dict(mpl.rcParams) == before


def test_the_learning_curves_of_several_networks_stand_side_by_side() -> None:
    drawn = plots.learning_curves("k", [("resnet", [(2.3, 2.1), (1.0, 1.2)]), ("lstm-t1", [(0.7, None), (0.5, None)])])
    assert "resnet" in drawn
    assert "lstm-t1" in drawn
    assert drawn.count("passes over the rows") == 2
    assert drawn.count("held out") == 1
