"""kill -9 at every place of a run, then `resume`: the same end, every fit once, one model."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.graphs.smallshop import effects

PLACES = [
    *("tool_finished import_dataset", "profile", "estimate", "plan", "propose_models"),
    *("before linear", "after forest", "tool_finished round-1", "metric", "propose_round"),
    *("before lightgbm-t3", "after lightgbm-t8", "tool_finished round-2"),
    *("before finish", "after finish", "tool_finished report", "finished"),
]


def run(home: Path, data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.graphs.crashing", str(home), str(data), "run_1", *more]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], list[str]]:
    """The summary and the effects of a run that nobody killed."""
    from tests.graphs.smallshop import write_rows

    folder = tmp_path_factory.mktemp("unbroken")
    home = folder / "home"
    home.mkdir()
    done = run(home, write_rows(folder / "rows.csv"))
    assert done.returncode == 0, done.stderr
    return _same_everywhere(done.stdout), effects(home)


def _same_everywhere(summary: str) -> dict[str, object]:
    """The summary without what may differ from one home and hour to the next."""
    return {name: value for name, value in json.loads(summary).items() if name not in {"seconds", "package", "report"}}


@pytest.mark.parametrize("place", PLACES)
def test_a_run_killed_here_ends_as_if_it_had_not_been(
    home: Path, rows: Path, place: str, unbroken: tuple[dict[str, object], list[str]]
) -> None:
    (home / "kill").write_text(place)
    killed = run(home, rows)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (home / "kill").exists()
    done = run(home, rows, "resume")
    assert done.returncode == 0, done.stderr
    assert (_same_everywhere(done.stdout), effects(home)) == unbroken
