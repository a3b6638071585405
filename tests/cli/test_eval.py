"""`millwright eval` from the command line: what it prints, keeps and exits with."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.scripted import call, say, serve
from tests.cli.inside import command_in
from tests.cli.running import Millwright, command, environment, read_until
from tests.millwright.judging import FLIGHT, ROWS, write


@pytest.fixture
def inside(home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    with command_in(home, tmp_path, capfd) as run:
        yield run


def test_the_scenarios_are_listed_and_shown_without_a_model(inside: Millwright, home: Path) -> None:
    listed = inside("eval", "--list", "--json")
    assert listed.code == 0
    ids = [one["id"] for one in listed.document["scenarios"]]
    assert "goal-without-target" in ids
    assert "goal-without-target" in inside("eval", "--list").out
    assert [one["id"] for one in inside("eval", "--list", "--scenarios", "goal-*", "--json").document["scenarios"]] == [
        each for each in ids if each.startswith("goal-")
    ]
    shown = inside("eval", "--show", "goal-without-target", "--json")
    assert shown.document["steps"][0]["expect"]["asks"] is True
    assert "Train a model on the clients data." in inside("eval", "--show", "goal-without-target").out
    assert not home.exists()


def test_an_evaluation_is_printed_kept_and_shown_again(inside: Millwright, home: Path, tmp_path: Path) -> None:
    pattern = write(tmp_path / "mine", rows=ROWS, flight=FLIGHT)
    with serve([say("I cannot."), call("list_datasets"), say("40 rows.")]) as server:
        done = inside("eval", "--model", "m", "--base-url", server.base_url, "--scenarios", pattern, "--json")
    assert done.code == 0, done.err
    document = done.document
    assert document["figures"][0]["success"]["hits"] == 2
    assert json.loads((home / "evals" / f"{document['id']}.json").read_text()) == document
    assert "[2/2] rows with m: ok" in done.err
    again = inside("eval", "--show", document["id"])
    assert "(2 of 2)" in again.out
    assert inside("eval", "--show", document["id"], "--json").document == document


def test_a_gate_fails_under_its_share_alone(inside: Millwright, tmp_path: Path) -> None:
    pattern = write(tmp_path / "mine", flight=FLIGHT, other=FLIGHT.replace("Lisbon", "Rome"))
    script = [say("I cannot."), say("Booked.")]
    given = ("eval", "--model", "m", "--scenarios", pattern)
    codes = []
    for least in ((), ("--fail-under", "0.5"), ("--fail-under", "0.51")):
        with serve(script) as server:
            done = inside(*given, "--base-url", server.base_url, *least)
        codes.append(done.code)
        assert "0.50" in done.out
        assert "does not say that it cannot" in done.out
    assert codes == [0, 0, 1]


def test_two_models_are_put_side_by_side(inside: Millwright, tmp_path: Path) -> None:
    pattern = write(tmp_path / "mine", flight=FLIGHT)
    with serve([say("Booked for 99 euros.")] * 3) as server:
        done = inside(
            "eval", "--model", "offline", "--against", "m", "--base-url", server.base_url, "--scenarios", pattern
        )
    assert done.code == 0, done.err
    assert "offline less m, over 1 scenarios" in done.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("--model", "offline", "--list"), 2),
        (("--model", "offline", "--fail-under", "2"), 2),
        (("--model", "offline", "--scenarios", "no-such-*"), 1),
        (("--resume", "eval_none"), 1),
        (("--show", "no-such"), 1),
        (("--model", "m"), 1),
        (("--model", "offline", "--base-url", "http://127.0.0.1:9/v1"), 1),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_told(inside: Millwright, arguments: tuple[str, ...], code: int) -> None:
    done = inside("eval", *arguments, "--json")
    assert done.code == code
    assert done.error["hint"]


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(
    millwright: Millwright, home: Path, tmp_path: Path
) -> None:
    pattern = write(tmp_path / "mine", flight=FLIGHT, rows=ROWS, slow=ROWS)
    process = subprocess.Popen(
        command("eval", "--model", "offline", "--scenarios", pattern, "--repeats", "40"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(home) | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")},
    )
    read_until(process, "[2/120]")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume eval_" in told
    (file,) = (home / "evals").glob("eval_*.json")
    kept = json.loads(file.read_text())
    assert 2 <= len(kept["tried"]) < 120
    assert not list((home / "evals" / "homes").iterdir())
