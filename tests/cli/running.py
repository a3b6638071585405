"""The command as a user runs it: in a process of its own, with a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forked import run_module

PATIENCE_S = 240
Millwright = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything more there makes this fail."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The document of a failed command: code, message and hint."""
        error = self.document["error"]
        assert set(error) == {"code", "message", "hint"}
        return error


def environment(home: Path) -> dict[str, str]:
    """The caller's, without its Millwright settings and without a terminal's width or colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")}
    return {**kept, "MILLWRIGHT_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "100"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "millwright.cli", *arguments]


def runner(home: Path, folder: Path, **variables: str) -> Millwright:
    """The command in `folder`; `variables` are set besides."""

    def run(*arguments: str, stdin: str = "") -> Done:
        done = run_module(
            "millwright.cli",
            *arguments,
            stdin=stdin,
            cwd=folder,
            env=environment(home) | variables,
            timeout=PATIENCE_S,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """What the process says on stderr up to the line with `word`."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if word in line:
            return said
    raise AssertionError(f"{word!r} was never said: {said}")


@dataclass(frozen=True)
class Trained:
    """A home with one model in it, shared by the tests that only read."""

    millwright: Millwright
    home: Path
    table: Path
    summary: dict[str, Any]


def table_text(rows: int = 240) -> str:
    """A table with a law that any model finds: 'left' follows months and plan; 'note' is noise."""
    lines = ["client,months,plan,note,left"]
    for row in range(rows):
        months, plan = (row * 37) % 60, "ABC"[row % 3]
        left = "yes" if months + 15 * (plan == "A") < 28 else "no"
        lines.append(f"c{row:05d},{months},{plan},{(row * 7919) % 11},{left}")
    return "\n".join(lines) + "\n"
