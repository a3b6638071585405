import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from engine.drift.found import Overlay
from engine.drift.levels import Level
from engine.drift.policy import Thresholds
from engine.errors import BadArguments
from engine.report import drift_plots
from engine.report.drift_plots import (
    gauge,
    paired_shares,
    plot_drift_over_time,
    plot_overlay,
    plot_performance_over_time,
    standalone,
)
from engine.report.drift_subject import CheckPoint
from engine.report.drift_time_plots import drift_over_time, performance_over_time, serious_first
from tests.engine.report.drift_example import HOSTILE, NOON, categories, numbers, windows

BARE = CheckPoint(number=1, at=NOON, level=Level.GREEN)
ZONES = Thresholds(yellow=0.6, orange=0.7, red=0.8)
SHAPE = Overlay(labels=("all",), reference=(0.0,), current=(0.0,))

FILES: dict[str, Callable[[], str]] = {
    "numbers": lambda: plot_overlay(numbers()),
    "dates": lambda: plot_overlay(numbers(kind="datetime")),
    "categories": lambda: plot_overlay(categories()),
    "hostile categories": lambda: plot_overlay(categories(HOSTILE[0], labels=tuple(HOSTILE))),
    "one empty bin": lambda: plot_overlay(numbers(overlay=SHAPE)),
    "drift": lambda: plot_drift_over_time(windows(12)),
    "drift of hostile features": lambda: plot_drift_over_time(windows(9, tuple(HOSTILE))),
    "drift in one bare window": lambda: plot_drift_over_time([BARE]),
    "performance": lambda: plot_performance_over_time(windows(12)),
    "one estimate": lambda: plot_performance_over_time([BARE.model_copy(update={"estimated": 0.8})]),
    "gauge": lambda: standalone(gauge("k", 0.74, (0.71, 0.77), ZONES)),
    "gauge far below": lambda: standalone(gauge("k", 0.1, None, Thresholds(yellow=0, orange=0, red=1))),
    "pairs": lambda: standalone(paired_shares("k", HOSTILE, [0.1] * 9, [0.0] * 9)),
}


@pytest.fixture(scope="module", params=FILES)
def named(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The name of a drawing, and the drawing made once."""
    return request.param, FILES[request.param]()


def words(drawing: str) -> str:
    return " ".join("".join(text.itertext()) for text in ElementTree.fromstring(drawing).findall(".//{*}text"))


def test_a_file_is_well_formed_utf8_and_fetches_nothing(named: tuple[str, str]) -> None:
    root = ElementTree.fromstring(named[1].encode())
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert root.tag.endswith("svg")
    assert not tags & {"script", "image", "foreignObject", "metadata", "a"}
    references = [v for e in root.iter() for name, v in e.attrib.items() if name.endswith("href")]
    assert all(reference.startswith("#") for reference in references)


def test_a_file_has_its_own_ground_size_and_colours(named: tuple[str, str]) -> None:
    root = ElementTree.fromstring(named[1].encode())
    assert root[0].tag.endswith("rect")
    assert root[0].get("fill") == "#ffffff"
    assert int(root.attrib["width"]) > 100
    assert int(root.attrib["height"]) > 40
    assert not any("var(" in value for element in root.iter() for value in element.attrib.values())


def test_equal_findings_give_equal_bytes(named: tuple[str, str]) -> None:
    name, drawn = named
    assert FILES[name]() == drawn


def test_names_from_the_data_are_text_and_a_name_like_a_colour_stays_as_it_is() -> None:
    drawn = plot_drift_over_time(windows(9, tuple(HOSTILE)))
    assert "<img" not in drawn
    assert "<script" not in drawn
    for name in ("<script>alert(1)</script>", "$x_1$ {{ 7 * 7 }}", "#010203 var(--ink)", "日本語"):
        assert name in words(drawn)
    assert "x" * 40 not in drawn


@pytest.mark.parametrize("level", list(Level))
def test_an_overlay_says_its_level_as_a_word_and_names_both_sides(level: Level) -> None:
    assert {"age", level.value, "reference", "now"} <= set(words(plot_overlay(numbers(level=level))).split())


def test_the_ends_of_numeric_bins_stand_below_the_steps() -> None:
    assert {"20", "40", "60"} <= set(words(plot_overlay(numbers())).split())


def test_ends_of_date_bins_are_days_or_hours() -> None:
    shape = numbers().overlay
    assert shape is not None
    days = shape.model_copy(update={"edges": (0.0, 86_400.0, 10 * 86_400.0)})
    assert "1970-01-02" in words(plot_overlay(numbers(kind="datetime", overlay=days)))
    hours = shape.model_copy(update={"edges": (0.0, 3_600.0, 7_200.0)})
    assert "01-01 01:00" in words(plot_overlay(numbers(kind="datetime", overlay=hours)))


def test_many_categories_are_the_largest_and_one_bar_for_the_others() -> None:
    shown = words(plot_overlay(categories(labels=(*(f"c{place}." for place in range(199)), "other"))))
    # shares rise with the place and are mirrored now, so both ends of the list are the largest
    assert "c198." in shown
    assert "c1." in shown
    assert "c100." not in shown
    assert shown.count("other") == 1


def test_a_number_with_few_bins_is_shown_with_their_names() -> None:
    constant = Overlay(labels=("< 5", "5", "> 5"), reference=(0, 1, 0), current=(0.2, 0.5, 0.3), edges=(4.9, 5.0))
    assert "< 5 5 > 5" in words(plot_overlay(numbers(overlay=constant)))


def test_windows_and_features_too_many_to_read_are_left_out() -> None:
    names = tuple(f"f{place}." for place in range(200))
    drawn = plot_drift_over_time(windows(300, names))
    assert len(drawn) < 400_000
    assert "f0." in words(drawn)
    assert "f199." not in words(drawn)
    assert "300" in words(drawn)
    assert "250" not in words(drawn)


def test_levels_over_time_have_a_letter_each_and_gaps_a_dash() -> None:
    letters = re.compile(r'<path id="drift-m\w+" d=')
    assert len(letters.findall(plot_drift_over_time(windows(12)))) == 3
    gap = windows(2)[0].model_copy(update={"levels": {}})
    assert len(letters.findall(plot_drift_over_time([gap, *windows(2)]))) == 1
    assert len(letters.findall(plot_drift_over_time(windows(2)))) == 0


def test_features_are_ranked_by_level_then_by_how_often_then_by_effect() -> None:
    yellow, green = Level.YELLOW, Level.GREEN
    levels = {"small": yellow, "large": yellow, "often": yellow, "red": Level.RED, "calm": green}
    effects = {"small": 0.1, "large": 0.2, "often": None, "calm": 0.9}
    first = CheckPoint(number=1, at=NOON, level=Level.RED, levels=levels, effects=effects)
    second = CheckPoint(number=2, at=NOON, level=yellow, levels={"often": yellow, "red": green})
    assert serious_first([first, second]) == ["red", "often", "large", "small", "calm"]


def test_performance_names_what_there_is_and_nothing_else() -> None:
    full = words(plot_performance_over_time(windows(12)))
    for name in ("measured", "estimated", "expected", "ADWIN", "DDM", "ROC AUC"):
        assert name in full
    assert "Page-Hinkley" not in full
    bare = words(plot_performance_over_time([BARE.model_copy(update={"estimated": 0.8})]))
    assert "estimated" in bare
    assert "measured" not in bare


@pytest.mark.parametrize(
    ("draw_nothing", "sentence"),
    [
        (lambda: plot_overlay(numbers(overlay=None)), "Column 'age' has no distribution to draw"),
        (lambda: plot_overlay(numbers(overlay=Overlay(labels=(), reference=(), current=()))), "no distribution"),
        (lambda: plot_drift_over_time([]), "No window was checked yet"),
        (lambda: plot_performance_over_time([BARE]), "No window has a measured or estimated metric"),
    ],
)
def test_nothing_to_draw_is_said(draw_nothing: Callable[[], str], sentence: str) -> None:
    with pytest.raises(BadArguments, match=sentence):
        draw_nothing()


def test_inside_a_page_colours_are_variables_and_ids_are_kept_apart() -> None:
    first, second = (drift_over_time(key, windows(9)) for key in ("a", "b"))
    assert "var(--red)" in first
    assert "#0102" not in first
    ids = [set(re.findall(r'\sid="([^"]+)"', drawn)) for drawn in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    performance_over_time("k", windows(3))
    drift_plots.plot_overlay(numbers())
    assert dict(mpl.rcParams) == before
