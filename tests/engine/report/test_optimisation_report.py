"""The report of an optimisation: it stands alone, holds the whole table, and escapes what it is given."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from engine.optimise.spec import Choice, Goal, Noise, Optimisation, Variant
from engine.package_info import PackageInfo
from engine.report import optimisation_words as said
from engine.report.optimisation import render_optimisation
from engine.report.optimisation_plots import latencies, optimisation_plots, sizes, trade_off
from tests.engine.optimise.choose_example import EAGER, GOAL, ONNX, variant
from tests.engine.report.drift_example import HOSTILE, Page
from tests.engine.report.optimisation_example import LOST, TABLE, optimisation, optimised_info, package_info

KEPT = optimisation(EAGER, noise=None, test=None, machine="", providers=())
HOPELESS = optimisation(goal=GOAL.model_copy(update={"max_latency_ms": 0.05}))


@pytest.fixture(scope="module")
def html() -> str:
    return render_optimisation(optimisation(), package_info())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_a_page_stands_alone(html: str, page: Page) -> None:
    assert not set(page.tags) & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
    assert all(address.startswith("#") for address in page.addresses)
    assert not page.handlers
    assert not re.search(r"url\((?!#)", html)
    assert "default-src 'none'" in html


def test_the_sentence_of_the_choice_comes_first(page: Page) -> None:
    reason = optimisation().choice.reason
    assert reason in page.line
    assert page.line.index(reason) < page.line.index("All variants")


def test_the_table_has_every_figure_of_a_variant(page: Page) -> None:
    cells = said.cells(TABLE[3], TABLE)
    assert cells == [
        "0.8", "0 (-0.005 to 0.005)", "1.00%", "0.5 (0.65)", "10 (12)", "2.8", "3,200", "3.3", "200", "300", "–",
        "3.1e-07", "0",
    ]  # fmt: skip
    assert " ".join(cells) in page.line
    assert " ".join(["F1", *said.HEADINGS]) in page.line


def test_every_variant_stands_in_the_table_with_what_became_of_it(page: Page) -> None:
    for one in TABLE:
        assert page.line.count(one.name) >= 2
        assert said.meaning(one.name) in page.line
        assert one.why in page.line
    assert "bf16 failed – – –" in page.line
    assert "onnx-int8-qat not applicable" in page.line
    assert "exported by dynamo" in page.line


def test_it_says_how_it_was_measured(page: Page) -> None:
    for words in (
        "the medians differ by 3.1% for one row and 1.2% for 32 rows", "x86_64 Linux, 2 cores", "CPUExecutionProvider",
        "on 1,127 rows of validation", "15 rounds", "93.2 s", "onnx 2 extended yes no", "mdl_1",
    ):  # fmt: skip
        assert words in page.line


def test_it_says_what_was_asked_for_and_what_the_sealed_rows_say(page: Page) -> None:
    assert "F1 may fall by 0.01; of what is within that, the fastest answer to one row is preferred." in page.line
    assert "f1 falls by 0.003 (95 % interval of the loss -0.001 to 0.007, 900 rows)." in page.line
    assert "look twice" not in page.line


def test_sealed_rows_that_contradict_the_guard_are_pointed_at() -> None:
    bad = LOST.model_copy(update={"value": 0.02})
    assert "That is more than is allowed, so look twice before you promote it." in said.tested(bad, GOAL)


def test_a_goal_that_is_not_met_is_said_with_what_comes_nearest() -> None:
    page = Page(render_optimisation(HOPELESS, package_info()))
    assert "The goal is not met" in page.line
    assert "pruned would answer in time (0.04 ms) but loses 0.034 of f1, where 0.01 is allowed." in page.line
    assert "chosen, though the goal is not met" in page.line


def test_a_bare_table_of_the_original_alone_is_a_page_too() -> None:
    page = Page(render_optimisation(KEPT, package_info()))
    assert "The model as it was trained is kept" in page.line
    assert "How far two measurements of the same model are apart was not measured." in page.line
    assert "All of it is run by Python" in page.line
    assert "times faster than as it was trained" not in page.line


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (optimised_info("'joined' is read as a date"), "'joined' is read as a date"),
        (optimised_info(""), "Nothing: the graph takes raw rows whole."),
    ],
)
def test_what_is_left_to_python_is_told(info: PackageInfo, words: str) -> None:
    assert words in Page(render_optimisation(optimisation(), info)).line


def test_drops_of_an_error_are_told_as_shares() -> None:
    found = optimisation(goal=Goal(metric="rmse", max_drop=0.02, max_latency_ms=3, max_size_mb=5, prefer="size"))
    page = Page(render_optimisation(found, package_info(task="regression", classes=())))
    assert (
        "RMSE may rise by 0.02 of its value, one row is to be answered within 3 ms and it is to be 5 MB at most; of "
        "what is within that, the smallest size is preferred." in page.line
    )
    assert "as a share of the original's RMSE" in page.line
    assert "as a share of the target's deviation" in page.line


def hostile() -> tuple[Optimisation, PackageInfo]:
    """A table in which text that tries to be markup stands wherever text can."""
    evil = HOSTILE[0]
    named = [ONNX.model_copy(update={"name": text, "why": text, "notes": (text,)}) for text in HOSTILE]
    choice = Choice(chosen=evil, met=False, reason=evil, nearest=evil, frontier=tuple(HOSTILE))
    found = optimisation(EAGER).model_copy(
        update={
            "variants": (EAGER, *named), "choice": choice, "guard_rows": evil, "machine": evil, "providers": (evil,),
            "notes": tuple(HOSTILE), "model_id": evil,
        }
    )  # fmt: skip
    info = optimised_info(evil)
    return found, info.model_copy(
        update={"target": evil, "lineage": info.lineage.model_copy(update={"dataset_name": evil})}
    )


def test_text_from_everywhere_is_escaped() -> None:
    found, info = hostile()
    page = Page(render_optimisation(found, info))
    assert not set(page.tags) & {"script", "img"}
    assert not page.handlers
    assert page.words.count(HOSTILE[0]) >= 12
    for drawn in optimisation_plots(found).values():
        assert "<script" not in drawn
        ElementTree.fromstring(drawn.encode())


FILES = {
    "all": optimisation(),
    "one": KEPT,
    "far": optimisation(*TABLE, variant("pruned-int8", 0.03, 0.6, 0.2, "refused")),
    "nothing allowed": optimisation(goal=GOAL.model_copy(update={"max_drop": 0.0})),
    "crowd": optimisation(EAGER, *(variant(f"v{place}", 0.2 + place / 1e4, 0.001) for place in range(12))),
}


@pytest.mark.parametrize("name", FILES)
def test_the_plots_are_files_of_their_own(name: str) -> None:
    found = optimisation_plots(FILES[name])
    assert list(found) == ["trade-off", "latency", "size"]
    for drawn in found.values():
        root = ElementTree.fromstring(drawn.encode())
        assert int(root.attrib["width"]) > 300
        assert not any("var(" in value for element in root.iter() for value in element.attrib.values())


def test_equal_tables_give_equal_bytes() -> None:
    assert optimisation_plots(KEPT) == optimisation_plots(KEPT)


def words_of(drawn: str | None) -> str:
    assert drawn is not None
    return " ".join("".join(text.itertext()) for text in ElementTree.fromstring(drawn).findall(".//{*}text"))


def test_axes_and_lines_are_labelled_and_every_point_is_named() -> None:
    shown = words_of(trade_off("k", HOPELESS))
    for words in (
        "milliseconds for one row (median)", "F1 lost", "allowed: 0.01", "asked for: 0.05 ms", "on the frontier",
        "chosen", "refused", "holds the guard", "eager", "compile", "onnx-int8-static", "pruned",
    ):  # fmt: skip
        assert words in shown
    assert "bf16" not in shown
    assert "megabytes on disk" in words_of(sizes("k", HOPELESS))
    assert all(words in words_of(latencies("k", HOPELESS)) for words in ("one row", "32 rows at once", "milliseconds"))


def test_what_was_not_measured_is_not_drawn() -> None:
    bare = Variant(name="eager", status="failed", why="it stopped")
    found = Optimisation(
        model_id="m", goal=GOAL, variants=(bare,), choice=Choice(chosen="eager", met=False, reason="."),
        noise=Noise(share={}), guard_rows="",
    )  # fmt: skip
    assert optimisation_plots(found) == {}
    assert "Time and size" not in render_optimisation(found, package_info())


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    optimisation_plots(KEPT)
    assert dict(mpl.rcParams) == before
