"""Crews with hostile servers: through Millwright's model over the real ChatOpenAI, and through CrewAI's own model."""

from pathlib import Path
from typing import Any

import pytest

from agents.loopback_modes import MODES, NORMAL
from crews.events import Json
from crews.process import run_in_crew_process

HOSTILE = [mode for mode in MODES if mode != NORMAL]
QUICK = ["cut_stream", "bad_tool_json", "truncated_tool_json", "wrong_tools", "wrong_columns"]
HOWS = ["millwright", "crewai"]
MANY = 100
Runs = dict[str, dict[str, list[dict[str, Any]]]]


def played(root: Path, environment: dict[str, str], hows: list[str], modes: list[str], numbers: range) -> Runs:
    """Crew runs in every way and mode, in one crew's process: loading CrewAI takes seconds."""
    given: Json = {"root": str(root), "hows": hows, "modes": modes, "numbers": list(numbers)}
    found: Any = run_in_crew_process("tests.hostile_crew:play", given, home=root, environment=environment, seconds=3000)
    assert {how: list(runs) for how, runs in found.items()} == dict.fromkeys(hows, modes)
    runs: Runs = found
    return runs


def wrongs(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Everything that went wrong in these crew runs."""
    numbered = [(mode, number, run) for mode, runs in found.items() for number, run in enumerate(runs)]
    return [f"{mode} {number}: {wrong}" for mode, number, run in numbered for wrong in run["wrong"]]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Runs:
    return played(tmp_path_factory.mktemp("crews"), environment, HOWS, [NORMAL, *QUICK], range(2))


@pytest.mark.parametrize("how", HOWS)
def test_a_few_crew_runs_in_several_modes_end_well(few: Runs, how: str) -> None:
    assert wrongs(few[how]) == []
    assert few[how][NORMAL][0]["end"] == "answer"
    assert few[how][NORMAL][0]["ran"] > 0


@pytest.mark.parametrize("how", HOWS)
def test_no_call_whose_arguments_broke_off_is_run(few: Runs, how: str) -> None:
    # nothing else is ever sent in the first of these runs
    assert few[how]["truncated_tool_json"][0]["ran"] == 0
    assert few[how]["bad_tool_json"][0]["ran"] == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("mode", HOSTILE)
def test_a_hundred_crew_runs_in_every_mode_end_well(
    tmp_path: Path, environment: dict[str, str], how: str, mode: str
) -> None:
    assert wrongs(played(tmp_path, environment, [how], [mode], range(MANY))[how]) == []
