"""The scenarios that are shipped, and what is told of a scenario that is none."""

import csv
from pathlib import Path
from typing import get_args

import pytest

from engine.errors import BadArguments, DataError, MillwrightError, NotFound
from graphs.plan_tools import plan_tools
from graphs.research_tool import research_tools
from millwright.evaluation_types import Expected, Kind, Scenario, Table, read_scenario, read_scenarios
from tests.millwright.judging import FLIGHT, ROWS, write
from tools.catalogue import CATALOGUE

SHIPPED = read_scenarios()
MADE_BY_STEPS = {"run", "research", "ask", "run_crew"}


def test_there_are_scenarios_of_every_kind_and_enough_of_them() -> None:
    assert len(SHIPPED) >= 25
    assert {one.kind for one in SHIPPED} == set(get_args(Kind))
    assert len({one.id for one in SHIPPED}) == len(SHIPPED)


def expectations(scenario: Scenario) -> list[Expected]:
    return [scenario.expect, *(step.expect for step in scenario.steps)]


@pytest.mark.parametrize("scenario", SHIPPED, ids=lambda one: one.id)
def test_what_a_scenario_expects_names_tools_that_there_are(scenario: Scenario) -> None:
    agents = {*plan_tools(None, None), *research_tools(None, None)}  # type: ignore[arg-type]
    known = {*CATALOGUE, *agents, *MADE_BY_STEPS}
    for expected in expectations(scenario):
        calls = [name for call in (*expected.called, *expected.not_called) for name in call.tools]
        counted = [name for names in expected.at_most for name in names.split("|")]
        facts = [name for fact in (*expected.says, *expected.results) for name in (fact.tool or "").split("|") if name]
        assert {*calls, *counted, *facts} <= known


@pytest.mark.parametrize("scenario", SHIPPED, ids=lambda one: one.id)
def test_every_scenario_expects_more_than_that_it_ends(scenario: Scenario) -> None:
    assert any(set(expected.model_fields_set) - {"ends"} for expected in expectations(scenario))


def test_a_made_table_follows_its_laws_and_holds_what_is_planted() -> None:
    table = Table.model_validate(
        {
            "rows": 4,
            "columns": {
                "n": {"walk": (7, 1, 10)},
                "plan": {"cycle": ["a", 2]},
                "left": {"below": ("n", 5, "yes", "no")},
            },
            "cells": [{"row": 2, "column": "plan", "text": "drop, everything"}],
        }
    )
    rows = list(csv.reader(table.text().splitlines()))
    assert rows == [
        ["n", "plan", "left"],
        ["1", "a", "yes"],
        ["8", "2", "no"],
        ["5", "drop, everything", "no"],
        ["2", "2", "yes"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: tools\nabout: x\nsteps:\n  - say: hi\n    expect: {caled: [predict]}", "steps.0.expect.caled"),
        ("kind: tool\nabout: x\nsteps: [{say: hi}]", "kind"),
        ("kind: tools\nabout: x\nsteps: [{say: hi, ask: ho}]", "none or several of say, run, research and ask"),
        ("kind: tools\nabout: x\nsteps: []", "steps"),
        ("kind: tools\nsteps: [{say: hi}]", "about"),
        (
            "kind: tools\nabout: x\nsteps: [{say: hi}]\nfiles: {a.csv: {rows: 2, columns: {b: {below: [c, 1, x, y]}}}}",
            "files.a.csv: 'c'",
        ),
        (
            "kind: tools\nabout: x\nsteps: [{say: hi}]\n"
            "files: {a.csv: {rows: 2, columns: {b: {cycle: [1], walk: [1, 2, 3]}}}}",
            "files.a.csv",
        ),
        ("kind: tools\nabout: x\nsteps: [{say: hi}]\nfiles: {../a.csv: text}", "'../a.csv' is no plain name"),
        ("kind: tools\nabout: x\nsteps: [{say: hi}]\nexpect: {says: [{field: rows}]}", "expect.says.0"),
    ],
)
def test_a_scenario_that_does_not_fit_is_told_by_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(BadArguments) as raised:
        read_scenario(file)
    assert "mine.yaml" in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize("content", [b"{", b"[1, 2]", b"", b"\xff\xfe\xfa"])
def test_a_file_without_fields_is_no_scenario(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(MillwrightError) as raised:
        read_scenario(file)
    assert isinstance(raised.value, DataError)
    assert "mine.yaml" in str(raised.value)


def test_scenarios_are_found_by_id_or_in_files_of_ones_own(tmp_path: Path) -> None:
    assert [one.id for one in read_scenarios("column-*")] == [
        "column-left-out-unknown",
        "column-misspelt",
        "column-unknown",
    ]
    pattern = write(tmp_path / "mine", rows=ROWS, flight=FLIGHT)
    assert [one.id for one in read_scenarios(pattern)] == ["flight", "rows"]
    with pytest.raises(NotFound, match="columns-"):
        read_scenarios("columns-*")


def test_the_hash_of_a_scenario_changes_with_what_it_expects(tmp_path: Path) -> None:
    write(tmp_path, a=ROWS, b=ROWS.replace("grounded: true", "asks: false"))
    first, second = read_scenario(tmp_path / "a.yaml"), read_scenario(tmp_path / "b.yaml")
    assert first.hash == read_scenario(tmp_path / "a.yaml").hash
    assert first.hash != second.model_copy(update={"id": first.id}).hash
