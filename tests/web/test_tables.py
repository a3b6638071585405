"""The tables hold what the workshop holds."""

import re

import pytest

from engine.drift.levels import Level
from engine.monitoring.records import MonitorChange
from tests.web.small import a_monitor, checked
from tools.workshop import Workshop
from web.pages import optimisation_report
from web.tables import dataset_table, job_table, model_table, monitor_table
from web.wording import level_classes


def test_an_empty_home_gives_empty_tables_that_say_so(workshop: Workshop) -> None:
    tables = [read(workshop) for read in (monitor_table, model_table, job_table, dataset_table)]
    assert [table.rows for table in tables] == [[], [], [], []]
    said = ["No monitor yet.", "No model yet.", "No job yet.", "No dataset yet."]
    assert [table.empty for table in tables] == said


def test_a_dataset_is_a_row_with_a_value_for_every_column(workshop: Workshop) -> None:
    dataset = workshop.datasets.import_source("sample:diabetes")
    table = dataset_table(workshop)
    assert [row["id"] for row in table.rows] == [dataset.id]
    assert set(table.rows[0]) == {column["field"] for column in table.columns}


def test_a_monitor_shows_its_newest_window_and_links_to_its_page(workshop: Workshop) -> None:
    monitor = a_monitor(workshop)
    checked(workshop, monitor.id, 1, Level.RED, "z")
    checked(workshop, monitor.id, 2, Level.YELLOW, "a", "b", "c", "d", "e")
    (row,) = monitor_table(workshop).rows
    assert row == {
        "id": monitor.id, "name": "churn", "model": "churn", "level": "YELLOW", "colour": level_classes(Level.YELLOW),
        "window": "2: 20 rows, 2026-01-01 12:00", "drifted": "a, b, c, d and 1 more", "next check": "when asked",
        "report": f"monitors/{monitor.id}/report",
    }  # fmt: skip


def test_a_monitor_that_saw_nothing_yet_has_no_level_and_no_page(workshop: Workshop) -> None:
    a_monitor(workshop)
    table = monitor_table(workshop)
    (row,) = table.rows
    assert (row["level"], row["window"], row["report"]) == ("", "none yet", "")
    assert {column["field"] for column in table.columns} <= set(row)


def test_a_monitor_says_when_it_looks_next_or_that_it_is_paused(workshop: Workshop) -> None:
    monitor = a_monitor(workshop, "0 3 1 1 *")
    assert re.fullmatch(r"\d{4}-01-01 03:00", str(monitor_table(workshop).rows[0]["next check"]))
    workshop.monitoring.monitors.update(monitor.id, MonitorChange(paused=True))
    assert monitor_table(workshop).rows[0]["next check"] == "paused"


@pytest.mark.parametrize("level", list(Level))
def test_each_level_has_a_colour_of_its_own(level: Level) -> None:
    others = {level_classes(other) for other in Level if other != level}
    assert level_classes(level) not in others


@pytest.mark.slow
def test_an_optimised_model_links_to_the_page_of_what_was_tried(workshop: Workshop) -> None:
    dataset = workshop.datasets.import_source("sample:breast_cancer", target="diagnosis").id
    model = workshop.call(
        "train_model", dataset=dataset, models=("linear",), budget_seconds=None, max_models=1
    ).model_dump()["model"]
    found = workshop.call(
        "optimise_model", model=model, variants=("onnx",), max_drop=0.2, budget_seconds=20
    ).model_dump()
    links = {row["id"]: row["optimisation"] for row in model_table(workshop).rows}
    assert links == {model: "", found["model"]: f"models/{found['model']}/optimisation"}
    response = optimisation_report(workshop, str(found["model"]))
    assert (response.status_code, response.headers["content-security-policy"]) == (200, "sandbox")
    assert optimisation_report(workshop, "mdl_none").status_code == 404
