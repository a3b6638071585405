"""A crew's process: HOME inside the home, JSON in and out, errors with their code."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crews.process import crew_environment, run_in_crew_process
from engine.errors import JobFailed

Environment = dict[str, str]


def test_its_home_is_inside_ours_and_what_is_printed_does_not_matter(home: Path, environment: Environment) -> None:
    reply = run_in_crew_process("child:echo", {"a": "é"}, home=home, environment=environment)
    assert reply == {"home": str(home / "crews"), "given": {"a": "é"}}


def test_the_callers_environment_is_passed_on_and_not_changed(tmp_path: Path) -> None:
    base = {"PATH": "/bin", "HOME": "/root"}
    assert crew_environment(base, tmp_path)["PATH"] == "/bin"
    assert base == {"PATH": "/bin", "HOME": "/root"}


def test_an_error_arrives_with_its_code_and_hint(home: Path, environment: Environment) -> None:
    with pytest.raises(JobFailed, match="Choose from: f1") as caught:
        run_in_crew_process("child:mendable", {}, home=home, environment=environment)
    assert caught.value.code == "bad_choice"


@pytest.mark.parametrize(("target", "match"), [("child:dies", "code 9"), ("child:nothing", "names no function")])
def test_a_process_that_cannot_answer_is_a_failed_job(
    home: Path, environment: Environment, target: str, match: str
) -> None:
    with pytest.raises(JobFailed, match=match):
        run_in_crew_process(target, {}, home=home, environment=environment)


def test_a_process_that_takes_too_long_is_ended(home: Path, environment: Environment) -> None:
    with pytest.raises(JobFailed, match="within 1 s"):
        run_in_crew_process("child:sleeps", {}, home=home, environment=environment, seconds=1)


PARENT = """
import json, os, sys
from pathlib import Path
from crews.process import run_in_crew_process
home = Path(sys.argv[1])
run_in_crew_process("child:sleeps", {"note": str(home / "pid")}, home=home, environment=os.environ)
"""


def test_nothing_is_left_running_when_the_parent_is_killed(home: Path, environment: Environment) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], env=environment)
    child = int(waited(lambda: (home / "pid").exists() and (home / "pid").read_text()))
    parent.kill()
    parent.wait()
    assert waited(lambda: not alive(child))


def alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def waited(condition: Callable[[], str | bool], seconds: float = 20) -> str | bool:
    """What `condition` gives once it is true; the test fails when it never is."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found
