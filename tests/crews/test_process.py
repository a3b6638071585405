"""A crew's process: HOME inside the home, JSON in and out, errors with their code."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crews.process import crew_environment, run_in_crew_process
from engine.errors import BadChoice, JobFailed

Environment = dict[str, str]


def test_its_home_is_inside_ours_and_what_is_printed_does_not_matter(home: Path, environment: Environment) -> None:
    reply = run_in_crew_process("child:echo", {"a": "é"}, home=home, environment=environment)
    assert reply == {"home": str(home / "crews"), "given": {"a": "é"}}


def test_the_callers_environment_is_passed_on_and_not_changed(tmp_path: Path) -> None:
    base = {"PATH": "/bin", "HOME": "/root"}
    assert crew_environment(base, tmp_path)["PATH"] == "/bin"
    assert base == {"PATH": "/bin", "HOME": "/root"}


def test_what_it_tells_arrives_in_order_before_the_result(home: Path, environment: Environment) -> None:
    told: list[dict[str, object]] = []
    run_in_crew_process("child:echo", {}, home=home, environment=environment, tell=told.append)
    assert [event["text"] for event in told] == ["first", "second"]


def test_a_mendable_error_arrives_in_its_own_class(home: Path, environment: Environment) -> None:
    with pytest.raises(BadChoice, match="Choose from: f1"):
        run_in_crew_process("child:mendable", {}, home=home, environment=environment)


def test_another_error_arrives_with_its_code_and_hint(home: Path, environment: Environment) -> None:
    with pytest.raises(JobFailed, match="Mend it") as caught:
        run_in_crew_process("child:hopeless", {}, home=home, environment=environment)
    assert caught.value.code == "nothing_trained"


def test_a_secret_is_blacked_out_in_the_last_words_and_stands_in_no_argument_list(
    home: Path, environment: Environment
) -> None:
    key = "sk-very-secret"
    with pytest.raises(JobFailed, match=r"the key is \*\*\*") as caught:
        run_in_crew_process("child:spills", {"key": key}, home=home, environment=environment, secrets=(key,))
    assert key not in str(caught.value)


def test_a_process_that_talks_much_is_not_stopped_by_it(home: Path, environment: Environment) -> None:
    assert run_in_crew_process("child:talks", {}, home=home, environment=environment) == {"talked": True}


def test_a_listener_that_fails_ends_the_process(home: Path, environment: Environment) -> None:
    def fail(event: dict[str, object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_crew_process("child:echo", {}, home=home, environment=environment, tell=fail)


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
