"""Run a function in a process of its own whose HOME lies inside the Millwright home.

CrewAI writes below HOME when it is imported and fails where it cannot; in a process made for it, that place is ours,
and the user's own HOME stays untouched. Arguments go in as JSON; events and then the result come out as lines of JSON.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from crews.events import Json, Tell, unheard
from engine.errors import BadSettings, JobFailed, MillwrightError
from engine.files import typed_disk_errors
from engine.parent import be_killed_with
from engine.redaction import without
from tools.jobs import Failure

LAST_LINES = 30
Work = Callable[[Json, Tell], Json]
"""A function that can run in a crew's process: JSON and a listener in, JSON out."""


def crew_environment(base: Mapping[str, str], home: Path) -> dict[str, str]:
    """`base` with CrewAI's files kept below `home`/crews and its telemetry off."""
    place = (home / "crews").resolve()
    return dict(base) | {
        "HOME": str(place),
        "CREWAI_STORAGE_DIR": str(place / "storage"),
        # its locks lie where temporary files do
        "TMPDIR": str(place / "tmp"),
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "CREWAI_DISABLE_VERSION_CHECK": "1",
    }


def run_in_crew_process(
    target: str,
    arguments: Json,
    *,
    home: Path,
    environment: Mapping[str, str],
    tell: Tell = unheard,
    seconds: float = 3600.0,
    secrets: Sequence[str] = (),
) -> Json:
    """Call `target` ('package.module:function') in a new process, pass on what it tells, and return its result.

    `environment` is the caller's environment; the composition root reads it. `arguments` go by a pipe, so they may
    hold keys; name those in `secrets`, and they are blacked out in what a broken process leaves behind. The process is
    killed after `seconds`, and with the caller however that ends.

    Raises:
        MillwrightError: what the function raised: a mendable error in its own class, others as JobFailed with its code.
        JobFailed: the process died or ran out of time.
    """
    settings = crew_environment(environment, home)
    with typed_disk_errors(home):
        for variable in ("CREWAI_STORAGE_DIR", "TMPDIR"):
            Path(settings[variable]).mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        [sys.executable, "-m", "crews.process", target, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=settings,
        text=True,
        encoding="utf-8",
        # Ctrl-C is for the caller, which then ends this one; without that both would be told
        start_new_session=True,
    ) as process:
        late = threading.Event()
        timer = threading.Timer(seconds, _end_late, (process, late))
        tail: deque[str] = deque(maxlen=LAST_LINES)
        # what libraries say must be read all the time: a full pipe would stop the process
        reader = threading.Thread(target=_keep, args=(process.stderr, tail), name="crew-stderr", daemon=True)
        timer.daemon = True
        timer.start()
        reader.start()
        try:
            reply = _conversation(process, arguments, tell)
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            reader.join()
    if reply is not None:
        return _result(reply)
    if late.is_set():
        raise JobFailed(f"The crew did not finish within {seconds:g} s.", "Go on with it, or give it more time.")
    raise JobFailed(f"The crew's process ended with code {process.returncode}.", without("".join(tail), secrets))


def _end_late(process: "subprocess.Popen[str]", late: threading.Event) -> None:
    late.set()
    process.kill()


def _keep(lines: IO[str], tail: "deque[str]") -> None:
    tail.extend(lines)


def _conversation(process: "subprocess.Popen[str]", arguments: Json, tell: Tell) -> Json | None:
    """Give the arguments, pass on what is told, and return the reply; None when the process ended without one."""
    assert process.stdin is not None
    assert process.stdout is not None
    # a process that ended at once has nothing to read; how it ended is said by its code
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(arguments))
    reply = _reply(process.stdout, tell)
    process.wait()
    return reply


def _reply(lines: IO[str], tell: Tell) -> Json | None:
    """Pass on events; the first line that is none is the reply. None when the process ended without one."""
    for line in lines:
        try:
            message: Json = json.loads(line)
        except json.JSONDecodeError:
            return None  # half a line: it was killed while it wrote
        event = message.get("event")
        if not isinstance(event, dict):
            return message
        tell(event)
    return None


def _result(reply: Json) -> Json:
    match reply:
        case {"result": dict() as result}:
            return result
        case {"failure": dict() as failure}:
            raise Failure.model_validate(failure).error()
        case _:
            raise JobFailed("The crew's process gave an answer that is not one.")


def main(target: str, parent: int) -> int:
    """Child side: arguments from stdin, events and at last the result or the error to stdout, one JSON a line."""
    be_killed_with(parent)
    # whatever libraries print must not mix with the answer
    answer, sys.stdout = sys.stdout, sys.stderr
    guard = threading.Lock()

    def write(message: Json) -> None:
        with guard:
            answer.write(json.dumps(message) + "\n")
            answer.flush()

    try:
        result = _function(target)(json.load(sys.stdin), lambda event: write({"event": event}))
    except MillwrightError as error:
        write({"failure": Failure.of(error).model_dump(mode="json")})
        return 1
    write({"result": result})
    return 0


def _function(target: str) -> Work:
    module, _, name = target.partition(":")
    function: Work | None = getattr(importlib.import_module(module), name, None)
    if function is None:
        raise BadSettings(f"{target!r} names no function.", "Write it as 'package.module:function'.")
    return function


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
