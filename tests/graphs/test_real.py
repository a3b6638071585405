"""The graphs with the real tools, offline: a run on a sample, its kills, and a conversation that trains."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from agents.offline import OfflinePlanner
from engine.registry import Registry
from graphs.checkpoints import open_saver
from graphs.events import Event, ToolFinished
from graphs.sessions import Sessions
from graphs.studio import studio_workshop
from tests.forked import run_module


def run(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run_module("tests.graphs.real_run", str(home), "run_1", *more)


def fits(home: Path) -> dict[str, int]:
    """When each fit was finished, in ns since the epoch."""
    return {
        path.parent.name: path.stat().st_mtime_ns for path in (home / "runs" / "run_1" / "fits").glob("*/outcome.json")
    }


def looks(home: Path, dataset: str) -> int:
    return Registry(home).looks(dataset)


@pytest.mark.parametrize(
    "place",
    [
        *(pytest.param(place, marks=pytest.mark.slow) for place in ("fit_finished linear", "tool_finished report")),
        "stage package",
    ],
)
def test_a_real_run_killed_here_repeats_no_fit_and_registers_one_model(home: Path, place: str) -> None:
    (home / "kill").write_text(place)
    killed = run(home)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = fits(home)
    done = run(home, "resume")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    after = fits(home)
    assert {"dummy", "linear"} <= set(before)
    assert {name: after[name] for name in before} == before
    assert set(after) == {"dummy", "linear", "lightgbm"}
    assert [record.model_id for record in Registry(home).list()] == [summary["model_id"]]
    assert looks(home, summary["dataset_id"]) == 1
    assert summary["run_id"] == "run_1"
    assert summary["metric"]["value"] > 0.75


def test_a_conversation_trains_and_explains_offline(home: Path) -> None:
    heard: list[Event] = []
    with open_saver(home) as saver:
        sessions = Sessions(studio_workshop(home), OfflinePlanner(), saver)
        session = sessions.create().id
        trained = sessions.send(session, "train on sample:churn with linear only, 2 models", heard.append)
        assert trained.error is None
        assert "train_model" in [event.tool for event in heard if isinstance(event, ToolFinished)]
        explained = sessions.send(session, "which columns matter most?", heard.append)
    assert explained.error is None
    assert explained.text
