"""The command's own `main` in this process, for the many calls that need no process of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from millwright.cli.main import main
from tests.cli.running import Done, Millwright


@contextmanager
def command_in(home: Path, folder: Path, capture: pytest.CaptureFixture[str]) -> Iterator[Millwright]:
    """`millwright("monitor", "status", "--json")` over a home, in a folder, with no terminal to ask."""
    environment, here = dict(os.environ), Path.cwd()
    os.environ |= {"MILLWRIGHT_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}
    os.chdir(folder)

    def run(*arguments: str) -> Done:
        capture.readouterr()
        code = main(arguments)
        out, err = capture.readouterr()
        return Done(code, out, err)

    try:
        yield run
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
