"""kill -9 at every place of a run, then `resume`: the same end, every fit once, one model."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.forked import run_module
from tests.graphs.smallshop import effects

PLACES = [
    *("tool_finished import_dataset", "profile", "estimate", "plan", "propose_models"),
    *("before linear", "after forest", "tool_finished round-1", "metric", "propose_round"),
    *("before lightgbm-t3", "after lightgbm-t8", "tool_finished round-2"),
    *("before finish", "after finish", "tool_finished report", "finished"),
]
EVERY_TIME = frozenset({"plan", "after forest", "propose_round", "after finish"})
"""One for each kind of place; the others belong in the nightly run."""


def run(home: Path, data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_module("tests.graphs.crashing", str(home), str(data), "run_1", *more)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], list[str], int]:
    """The summary, the effects and the tokens of a run that nobody killed."""
    from tests.graphs.smallshop import write_rows

    folder = tmp_path_factory.mktemp("unbroken")
    home = folder / "home"
    home.mkdir()
    done = run(home, write_rows(folder / "rows.csv"))
    assert done.returncode == 0, done.stderr
    return _same_everywhere(done.stdout), effects(home), _tokens(done.stdout)


def _same_everywhere(summary: str) -> dict[str, object]:
    """The summary without what may differ from one home and hour to the next."""
    differs = {"seconds", "package", "report", "tokens"}
    return {name: value for name, value in json.loads(summary).items() if name not in differs}


def _tokens(summary: str) -> int:
    """Read and written: prompts and reasons tell measured seconds, and 9.8 and 10.2 are not of one length."""
    told = json.loads(summary)["tokens"]
    return int(told["prompt"] + told["completion"])


@pytest.mark.parametrize(
    "place", [pytest.param(place, marks=() if place in EVERY_TIME else pytest.mark.slow) for place in PLACES]
)
def test_a_run_killed_here_ends_as_if_it_had_not_been(
    home: Path, rows: Path, place: str, unbroken: tuple[dict[str, object], list[str], int]
) -> None:
    (home / "kill").write_text(place)
    killed = run(home, rows)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (home / "kill").exists()
    done = run(home, rows, "resume")
    assert done.returncode == 0, done.stderr
    assert (_same_everywhere(done.stdout), effects(home)) == unbroken[:2]
    assert _tokens(done.stdout) == pytest.approx(unbroken[2], rel=0.02)


@pytest.fixture(scope="module")
def unbroken_steps(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], list[str]]:
    """The steps and the effects of a run with steps that nobody killed."""
    from tests.graphs.smallshop import write_rows

    folder = tmp_path_factory.mktemp("unbroken-steps")
    home = folder / "home"
    home.mkdir()
    waits, done = run(home, write_rows(folder / "rows.csv"), "steps"), run(home, folder / "rows.csv", "answer")
    assert (waits.returncode, done.returncode) == (3, 0), waits.stderr + done.stderr
    return _steps(done.stdout), effects(home)


def _steps(summary: str) -> list[object]:
    return [(step["step"], step["state"], step["reason"]) for step in json.loads(summary)["steps"]]


@pytest.mark.parametrize(
    "place",
    [
        *(pytest.param(place, marks=pytest.mark.slow) for place in ("before optimise", "before promote")),
        "tool_finished step-promote",
    ],
)
def test_a_run_killed_after_its_training_does_each_step_once(
    home: Path, rows: Path, place: str, unbroken_steps: tuple[list[object], list[str]]
) -> None:
    """The approval is given in another process than the one that asked, and outlives the one that it was given in."""
    (home / "kill").write_text(place)
    first = run(home, rows, "steps")
    if first.returncode == -signal.SIGKILL:
        first = run(home, rows, "go-on")
    assert first.returncode == 3, first.stderr
    second = run(home, rows, "answer")
    if second.returncode == -signal.SIGKILL:
        # the yes is in the checkpoint: nobody is asked again
        second = run(home, rows, "go-on")
    assert second.returncode == 0, second.stderr
    assert not (home / "kill").exists()
    assert (_steps(second.stdout), effects(home)) == unbroken_steps


def test_of_eight_processes_that_approve_at_once_one_carries_the_step_out(home: Path, rows: Path) -> None:
    assert run(home, rows, "steps").returncode == 3
    done = run(home, rows, "eight")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0, *[4] * 7]
    assert sum(effect.startswith("promote") for effect in effects(home)) == 1
