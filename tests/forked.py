"""Python modules as commands, each in a process of its own that need not import everything anew.

Importing what a command needs takes seconds; here a server process imports it once and each command is forked from it.
A command gets the environment, folder, arguments and streams that it would have as `python -m MODULE`, runs the exit
handlers, and may be killed. What a first import does (its time, what it loads) is not tested this way.
"""

import atexit
import io
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from engine.environment import set_library_defaults

PRELOADED = (
    "millwright.cli.main",
    "millwright.orchestrate",
    "graphs.runs",
    "graphs.pipelines",
    "graphs.researches",
    "graphs.sessions",
    "crews.process",
    "engine.training.fit",
)


def run_module(
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    timeout: float = 240,
) -> "subprocess.CompletedProcess[str]":
    """`python -m MODULE ARGUMENTS`, to its end; a negative return code is the signal that ended it.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    return _ended(_Command(module, None, arguments), env, cwd, stdin, timeout)


def run_code(code: str, *arguments: str, timeout: float = 240) -> "subprocess.CompletedProcess[str]":
    """`python -c CODE ARGUMENTS`, to its end, in this environment and folder; as `run_module`."""
    return _ended(_Command("-c", code, arguments), None, None, "", timeout)


@dataclass(frozen=True)
class _Command:
    """What is run: a module by its name, or a code."""

    name: str
    code: str | None
    arguments: Sequence[str]


def _ended(
    command: _Command, env: Mapping[str, str] | None, cwd: Path | None, stdin: str, timeout: float
) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory() as folder:
        streams = [str(Path(folder) / name) for name in ("in", "out", "err")]
        Path(streams[0]).write_text(stdin)
        environment = dict(os.environ if env is None else env)
        process = _server().Process(target=_run, args=(command, environment, str(cwd or Path.cwd()), streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([command.name, *command.arguments], timeout)
        out, err = (Path(stream).read_text(errors="replace") for stream in streams[1:])
        return subprocess.CompletedProcess([command.name, *command.arguments], process.exitcode, out, err)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def _run(command: _Command, env: Mapping[str, str], cwd: str, streams: Sequence[str]) -> None:
    """The command, in the process that was forked for it."""
    for number, name in enumerate(streams):
        # appended to, as children share the file
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False))
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    set_library_defaults()  # as the import of the engine does
    sys.argv = [command.name, *command.arguments]
    os._exit(_code(command))


def _code(command: _Command) -> int:
    code: object = 0
    try:
        if command.code is None:
            runpy.run_module(command.name, run_name="__main__", alter_sys=True)
        else:
            exec(command.code, {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter does before it ends
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, str):
        os.write(2, f"{code}\n".encode())
        return 1
    return 0 if code is None else int(str(code))
