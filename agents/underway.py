"""While an answer is made: who counts what comes of it, and who may stop it between two of its pieces.

A model that counts stands around those that ask again, so it is told here of every request and of every raw piece,
those of failed answers and of calls that are held back among them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult

from agents.budget_purse import current

SLICE_S = 0.1
"""Seconds between two looks while an endpoint is left alone."""
Piece = TypeVar("Piece")


class Counting(Protocol):
    """Counts an answer, over all requests that are made for it."""

    def begin(self, options: dict[str, Any]) -> dict[str, Any]:
        """A request is about to be made; its `options` as they are to be sent. May raise BudgetSpent."""

    def take(self, message: BaseMessage) -> None:
        """A piece of an answer came. May raise BudgetSpent."""

    def take_whole(self, result: ChatResult) -> None:
        """An answer came in one piece. May raise BudgetSpent."""


_COUNTING: ContextVar[Counting | None] = ContextVar("millwright_counting", default=None)
_LOOK: ContextVar[Callable[[], None] | None] = ContextVar("millwright_look", default=None)


@contextmanager
def counted_by(counting: Counting) -> Iterator[None]:
    """Requests in this block are counted by `counting`."""
    before = _COUNTING.set(counting)
    try:
        yield
    finally:
        _COUNTING.reset(before)


def counted(counting: Counting, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces, made under `counted_by`; whoever takes them is not."""
    while True:
        with counted_by(counting):
            try:
                piece = next(pieces)
            except StopIteration:
                return
        yield piece


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Answers and waits in this block call `look` often; what it raises stops them."""
    before = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(before)


def look() -> None:
    """Look whether to go on: somebody wants it to stop, or the seconds of the purse in force are through."""
    wanted = _LOOK.get()
    if wanted is not None:
        wanted()
    purse = current()
    if purse is not None:
        purse.check()


def rest(seconds: float) -> None:
    """Wait, looking whether to go on all the while."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        look()
        time.sleep(min(SLICE_S, left))
    look()


def begin(options: dict[str, Any]) -> dict[str, Any]:
    """Tell who counts that a request is about to be made; its options as they are to be sent."""
    counting = _COUNTING.get()
    return options if counting is None else counting.begin(options)


def take(message: BaseMessage) -> None:
    """Tell who counts of a raw piece, and look whether to go on."""
    counting = _COUNTING.get()
    if counting is not None:
        counting.take(message)
    look()


def take_whole(result: ChatResult) -> None:
    """Tell who counts of an answer that came in one piece, before it is judged."""
    counting = _COUNTING.get()
    if counting is not None:
        counting.take_whole(result)
