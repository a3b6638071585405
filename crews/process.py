"""Run a function in a process of its own whose HOME lies inside the Millwright home.

CrewAI writes below HOME when it is imported and fails where it cannot; in a process made for it, that place is ours,
and the user's own HOME stays untouched. Arguments and result travel as JSON over pipes.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import BadSettings, JobFailed, MillwrightError

Json = dict[str, object]
LAST_WORDS = 2_000


def crew_environment(base: Mapping[str, str], home: Path) -> dict[str, str]:
    """`base` with CrewAI's files kept below `home`/crews and its telemetry off."""
    place = (home / "crews").resolve()
    return dict(base) | {
        "HOME": str(place),
        "CREWAI_STORAGE_DIR": str(place / "storage"),
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "CREWAI_DISABLE_VERSION_CHECK": "1",
    }


def run_in_crew_process(
    target: str, arguments: Json, *, home: Path, environment: Mapping[str, str], seconds: float = 3600.0
) -> Json:
    """Call `target` ('package.module:function', JSON in, JSON out) in a new process and return its result.

    `environment` is the caller's environment; the composition root reads it. The process is killed after `seconds`.

    Raises:
        JobFailed: the function raised, with the code of its error; or the process died or ran out of time.
    """
    settings = crew_environment(environment, home)
    Path(settings["CREWAI_STORAGE_DIR"]).mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "crews.process", target, str(os.getpid())],
            input=json.dumps(arguments),
            env=settings,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise JobFailed(f"The crew did not finish within {seconds:g} s.", "Give it more time.") from error
    lines = done.stdout.splitlines()
    if done.returncode not in (0, 1) or not lines:
        raise JobFailed(f"The crew's process ended with code {done.returncode}.", done.stderr[-LAST_WORDS:])
    reply: Json = json.loads(lines[-1])
    return _result(reply)


def _result(reply: Json) -> Json:
    match reply:
        case {"result": dict() as result}:
            return result
        case {"code": str() as code, "sentence": str() as sentence, "hint": str() as hint}:
            raise JobFailed(sentence, hint, code)
        case _:
            raise JobFailed("The crew's process gave an answer that is not one.")


def main(target: str, parent: int) -> int:
    """Child side: arguments from stdin; the last line of stdout is the result or the error, as JSON."""
    _end_with(parent)
    # whatever libraries print must not mix with the answer
    answer, sys.stdout = sys.stdout, sys.stderr
    try:
        reply: Json = {"result": _function(target)(json.load(sys.stdin))}
    except MillwrightError as error:
        reply = {"code": error.code, "sentence": error.sentence, "hint": error.hint}
    answer.write(json.dumps(reply) + "\n")
    answer.flush()
    return 0 if "result" in reply else 1


def _function(target: str) -> Callable[[Json], Json]:
    module, _, name = target.partition(":")
    function: Callable[[Json], Json] | None = getattr(importlib.import_module(module), name, None)
    if function is None:
        raise BadSettings(f"{target!r} names no function.", "Write it as 'package.module:function'.")
    return function


def _end_with(parent: int) -> None:
    """Be killed by the kernel when the parent ends, however it ends; it waits for us in the thread that started us."""
    set_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
