"""kill -9 at every node of a research, then resume: the same report and files, every effect once."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.forked import run_module
from tests.graphs.smallshop import effects, write_rows

PLACES = [
    *("import", "tool_finished import_dataset", "handover researcher", "propose_inquiry", "profile", "list"),
    *("after linear", "tool_finished run_1/inquiry-4", "explain", "propose_draft"),
    *("propose_code", "handover reviewer", "artifact report", "artifact notebook", "finished"),
]

FAST = ("after linear", "artifact report")


def run(home: Path, data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_module("tests.graphs.research_crashing", str(home), str(data), "run_1", *more)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "rows.csv")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[dict[str, object], list[str]]:
    """The end and the effects of a research that nobody killed."""
    home = tmp_path_factory.mktemp("unbroken") / "home"
    done = run(home, data)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), effects(home)


@pytest.mark.parametrize(
    "place",
    [pytest.param(place, marks=() if place in FAST else pytest.mark.slow)
     for place in PLACES],
)  # fmt: skip
def test_a_research_killed_here_ends_as_if_it_had_not_been(
    home: Path, data: Path, place: str, unbroken: tuple[dict[str, object], list[str]]
) -> None:
    (home / "kill").write_text(place)
    killed = run(home, data)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (home / "kill").exists()
    done = run(home, data, "resume")
    assert done.returncode == 0, done.stderr
    end, done_once = unbroken
    assert json.loads(done.stdout) == end
    # a reading call may be repeated; what trains or registers is not
    assert [effect for effect in effects(home) if not effect.startswith("explain")] == [
        effect for effect in done_once if not effect.startswith("explain")
    ]
