"""What a command answers, and how it reaches stdout: one JSON document for programs, text for people."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from pydantic import BaseModel

if TYPE_CHECKING:
    from rich.console import Console

WITHOUT_TERMINAL = (140, 40)
"""Columns and lines where there is no terminal and COLUMNS does not say."""
Document = Mapping[str, object] | BaseModel


@dataclass(frozen=True)
class Reply:
    """The answer of one command; `show` prints it for people."""

    document: Document
    show: "Callable[[Console], None]"
    as_json: bool
    exit_code: int = 0

    def write(self, stdout: TextIO) -> None:
        """Put the answer on stdout in the form that was asked for."""
        if self.as_json:
            write_document(self.document, stdout)
            return
        self.show(console_on(stdout))


def console_on(stream: TextIO) -> "Console":
    """A console that is wide enough for tables where there is no terminal."""
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else shutil.get_terminal_size(WITHOUT_TERMINAL).columns)


def write_document(document: Document, stdout: TextIO) -> None:
    """One line of JSON. NaN and infinity are refused (ValueError): no other reader accepts them."""
    plain = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    stdout.write(json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n")
    stdout.flush()


@contextmanager
def stdout_for(as_json: bool) -> Iterator[TextIO]:
    """The stream for the answer.

    With `as_json`, file descriptor 1 points to stderr meanwhile, so that nothing a library prints (in Python or
    in C, here or in a child process) can spoil the document.
    """
    if not as_json:
        yield sys.stdout
        return
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(real), "w", encoding="utf-8") as stream:
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(real, 1)
        os.close(real)
