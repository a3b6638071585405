"""How often, how long and when an endpoint is asked again: one bound over all, and none beneath it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from agents.strict_dialect import Dialect
from agents.strict_errors import EndpointFailed, too_late
from agents.strict_wire import answered_by
from agents.underway import rest

MOST_BACKOFF_S = 8.0
Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Patience:
    """How much is borne of an endpoint for one answer.

    Args:
        retries: requests after the first.
        deadline_s: seconds for the answer, all requests and waits together.
        backoff_s: the first wait is chance between 0 and this; the room doubles each time, up to 8 s.
        most_wait_s: the longest wait that the endpoint may ask for.
    """

    retries: int = 0
    deadline_s: float = 300.0
    backoff_s: float = 0.5
    most_wait_s: float = 30.0


@dataclass
class Attempts:
    """The requests for one answer. `next` returns when the next may be made, and raises when none may."""

    patience: Patience
    dialect: Dialect
    began: float = field(default_factory=time.monotonic)
    failed: int = 0
    bound: "Bound | None" = None
    _tried_without: set[str] = field(default_factory=set)

    @property
    def until(self) -> float:
        """When the answer has to be there, on the clock of time.monotonic."""
        return self.began + self.patience.deadline_s

    def next(self, error: EndpointFailed) -> None:
        """Make ready to ask again after `error`; raise it, or one that says how long to wait, when that is all."""
        if error.names and self._leave_out(error):
            return
        self.failed += 1
        if error.status == 500 and self.bound is not None and self.bound.another:
            # the way that is left asks the same endpoint: no other one steps in before
            error.elsewhere = False
            raise error
        allowed = {"never": 0, "once": min(1, self.patience.retries), "often": self.patience.retries}[error.repeat]
        if self.failed > allowed:
            raise error
        wait = self._wait(error)
        if time.monotonic() + wait >= self.until:
            raise error if error.wait_s is None else _told_to_wait(error, wait)
        rest(wait)

    def _leave_out(self, error: EndpointFailed) -> bool:
        """Leave out what the refusal names, for good; where that did not help, it was not the reason."""
        self.dialect.refused -= self._tried_without
        named = self.dialect.named_in(error) - self._tried_without
        self._tried_without |= named
        self.dialect.refused |= self._tried_without if named else set()
        return bool(named)

    def _wait(self, error: EndpointFailed) -> float:
        if error.wait_s is not None:
            if error.wait_s > self.patience.most_wait_s:
                raise _told_to_wait(error, error.wait_s)
            return error.wait_s
        # all who failed together would come back together, so the whole of the wait is chance
        return random.uniform(0, min(MOST_BACKOFF_S, self.patience.backoff_s * 2 ** (self.failed - 1)))


@dataclass
class Bound:
    """One bound over all the ways in which one answer is asked for: how often, and until when.

    While there is `another` way, a request that ends with status 500 is not repeated in this one.
    """

    another: bool = True
    _last: dict[int, Attempts] = field(default_factory=dict)

    def attempts(self, patience: Patience, dialect: Dialect) -> Attempts:
        """The requests of the next way, after those that an endpoint has had in the ways before."""
        made = Attempts(patience, dialect, bound=self)
        before = self._last.get(id(dialect))
        if before is not None:
            made.began, made.failed = before.began, before.failed
        self._last[id(dialect)] = made
        return made


_BOUND: ContextVar[Bound | None] = ContextVar("answer_bound", default=None)


@contextmanager
def bound_by(bound: Bound) -> Iterator[None]:
    """Answers in this block, in this thread, are ways of asking for one."""
    before = _BOUND.set(bound)
    try:
        yield
    finally:
        _BOUND.reset(before)


def _told_to_wait(error: EndpointFailed, seconds: float) -> EndpointFailed:
    return EndpointFailed(
        f"{error.sentence.rstrip('.')}, and asks to wait {seconds:.0f} s.",
        "Send the message again after that, raise MILLWRIGHT_LLM__RETRY_AFTER_S and MILLWRIGHT_LLM__DEADLINE_S, or set "
        "MILLWRIGHT_LLM__FALLBACK_MODEL.",
        status=error.status,
        wait_s=seconds,
    )


def answering(
    patience: Patience, dialect: Dialect, ask: Callable[[], Iterator[Piece]], shows: Callable[[Piece], bool]
) -> Iterator[Piece]:
    """The pieces of an answer. The endpoint is asked again as long as nothing of a failed answer was shown.

    Pieces before the first that `shows` something are held back, so that those of a failed request are never seen.

    Raises:
        ProviderFailed: no answer came, or the answer failed after a piece of it was passed on.
    """
    bound = _BOUND.get()
    attempts = Attempts(patience, dialect) if bound is None else bound.attempts(patience, dialect)
    while True:
        if time.monotonic() >= attempts.until:
            raise too_late()
        held: list[Piece] = []
        shown = False
        try:
            for piece in _in_time(ask(), attempts.until):
                if shown:
                    yield piece
                    continue
                held.append(piece)
                if shows(piece):
                    shown = True
                    yield from held
            if not shown:
                yield from held
            return
        except EndpointFailed as error:
            if shown:
                raise
            attempts.next(error)


def _in_time(pieces: Iterator[Piece], until: float) -> Iterator[Piece]:
    # the request begins with the first piece, and takes the bound along
    with answered_by(until):
        first = next(pieces, None)
    if first is None:
        return
    for piece in chain((first,), pieces):
        if time.monotonic() > until:
            raise too_late()
        yield piece
