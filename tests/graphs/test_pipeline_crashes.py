"""kill -9 at every node of a pipeline and of a branch, then resume: the same end, every effect once."""

import json
import signal
import subprocess
import sys

import pytest

from tests.graphs.pipe_crashing import BRANCH_PLACES, PLACES

Ends = dict[str, dict[str, object]]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    """How pipelines killed at each place ended; 'run' and 'branch' are those that nobody killed."""
    command = [sys.executable, "-m", "tests.graphs.pipe_crashing", str(tmp_path_factory.mktemp("killed"))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: Ends = json.loads(done.stdout)
    assert found["run"]["killed"] == found["branch"]["killed"] == 0, done.stderr
    return found


@pytest.mark.parametrize("place", [*(f"run {place}" for place in PLACES), *(f"branch {p}" for p in BRANCH_PLACES)])
def test_a_pipeline_killed_here_ends_as_if_it_had_not_been(ends: Ends, place: str) -> None:
    killed, unbroken = ends[place], ends[place.split()[0]]
    assert killed["killed"] == -signal.SIGKILL
    assert killed["resumed"] == 0
    assert killed["summary"] == unbroken["summary"]
    assert killed["effects"] == unbroken["effects"]


def test_the_unbroken_one_did_everything_once(ends: Ends) -> None:
    effects = ends["run"]["effects"]
    assert isinstance(effects, list)
    assert len(effects) == len(set(effects)) == 7
    assert sum(effect.startswith("register") for effect in effects) == 1
