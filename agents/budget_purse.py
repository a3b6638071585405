"""Whoever works spends from a purse: the accounts that are charged for it, all of them for every amount.

A turn spends for its session and for its owner; a run that a tool starts in that turn spends for itself as well. The
purse in force is found by `current()`, so that a tool deep in a graph charges who asked for it.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from agents.budget import NOTHING, Account, Spent
from agents.budget_store import Meter
from engine.errors import MillwrightError

log = logging.getLogger("millwright.budget")
SLICE_S = 2.0
"""Seconds of work that are held in advance; a purse with a limit on them looks as often whether there are more."""
LEAST_S = 0.02

_CURRENT: "ContextVar[Purse | None]" = ContextVar("millwright_purse", default=None)


def current() -> "Purse | None":
    """The purse that work is done from here and now."""
    return _CURRENT.get()


@dataclass
class Purse:
    """The accounts that are charged, and what was spent through it and through those opened within it.

    With no limit on any account nothing is held: what was spent is counted here and written with the next answer of a
    language model, or when the purse is closed.
    """

    meter: Meter
    accounts: tuple[Account, ...]
    parent: "Purse | None" = None
    clock: "Clock | None" = None
    spent: Spent = NOTHING
    _unwritten: Spent = NOTHING
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def limited(self) -> bool:
        """Whether any account has a limit."""
        return any(each.limits.any for each in self.accounts)

    def limits(self, name: str) -> bool:
        """Whether any account limits this amount."""
        return any(getattr(each.limits, name) is not None for each in self.accounts)

    def hold(self, least: Spent, most: Spent | None = None) -> "Hold":
        """Hold an amount between `least` and `most` (as much as is left) for a call that is about to be made.

        Raises:
            BudgetSpent: there is less left than `least`.
        """
        self.check()
        if not self.limited:
            return Hold(self, most or least)
        name, held = self.meter.hold(self.accounts, least, most)
        return Hold(self, held, [name])

    def check(self) -> None:
        """Look at the clock; this costs nothing most of the time.

        Raises:
            BudgetSpent: the seconds of work are through.
        """
        if self.clock is not None:
            self.clock.check()

    def add(self, spent: Spent, holds: Sequence[str] = (), job: str | None = None) -> None:
        """Write down what was spent; `holds` are let go, and what `job` has trained is charged once."""
        if spent == NOTHING and not holds:
            return
        self.heard(spent)
        if not self.limited:
            with self._guard:
                self._unwritten += spent
            if spent.tokens:
                self.write()  # an answer of a model is paid for, and took longer than this
            return
        self.meter.settle(self.accounts, holds, spent, job)

    def heard(self, spent: Spent) -> None:
        """Take note of what another process has spent from these accounts, and written down itself."""
        purse: Purse | None = self
        while purse is not None:
            with purse._guard:
                purse.spent += spent
            purse = purse.parent

    def write(self) -> None:
        """Write down what was only counted so far."""
        with self._guard:
            unwritten, self._unwritten = self._unwritten, NOTHING
        if unwritten == NOTHING:
            return
        try:
            self.meter.settle(self.accounts, (), unwritten)
        except MillwrightError as error:  # a count that bounds nothing is not worth the work that was counted
            log.warning("what was spent could not be written down: %s", error)

    def total(self) -> Spent:
        """All that the innermost account has used, also through other purses and before this process."""
        return self.meter.spent(self.accounts[-1].name) + self._unwritten

    def within(self, account: Account) -> "Purse":
        """A purse that charges `account` as well."""
        others = tuple(each for each in self.accounts if each.name != account.name)
        return Purse(self.meter, (*others, account), self, self.clock)


@dataclass
class Hold:
    """An amount that is held. It is settled once; a hold that never is goes with its process."""

    purse: Purse
    held: Spent
    names: list[str] = field(default_factory=list)

    def extend(self, amount: Spent) -> None:
        """Hold `amount` on top.

        Raises:
            BudgetSpent: that is not left; what is held stays so.
        """
        if self.purse.limited:
            name, held = self.purse.meter.hold(self.purse.accounts, amount)
            self.names.append(name)
            self.held += held

    def settle(self, spent: Spent = NOTHING, job: str | None = None) -> None:
        """Write down what was really used, by default nothing; `job` is the one that has trained for these seconds."""
        self.purse.add(spent, self.names, job)


class Clock:
    """The seconds of one piece of work, held some seconds in advance, so that work side by side passes no limit."""

    def __init__(self, purse: Purse) -> None:
        self._purse, self._limited = purse, purse.limits("wall_seconds")
        self._guard = threading.Lock()
        self._began = self._from = time.monotonic()
        self._until = float("inf")
        self._hold: Hold | None = None
        if self._limited:
            self._go_on()

    def check(self) -> None:
        """Hold the next seconds where those that are held are through.

        Raises:
            BudgetSpent: there are none left.
        """
        if time.monotonic() < self._until:
            return
        with self._guard:
            if time.monotonic() >= self._until:
                self._settle()
                self._go_on()

    @property
    def left(self) -> float:
        """Seconds until the next look; infinite without a limit."""
        return self._until - time.monotonic()

    def stop(self) -> None:
        """Write down the seconds since the last look."""
        with self._guard:
            self._settle()
            self._until = float("inf")

    def _go_on(self) -> None:
        name, held = self._purse.meter.hold(
            self._purse.accounts, Spent(wall_seconds=LEAST_S), Spent(wall_seconds=SLICE_S)
        )
        self._hold = Hold(self._purse, held, [name])
        self._until = self._from + held.wall_seconds

    def _settle(self) -> None:
        now = time.monotonic()
        elapsed, self._from = now - self._from, now
        hold, self._hold = self._hold or Hold(self._purse, NOTHING), None
        hold.settle(Spent(wall_seconds=elapsed))


def purse_of(meter: Meter, owner: Account, mine: Account) -> Purse:
    """A purse that charges `mine`, and all that is charged here and now: the owner, where nothing is yet."""
    return (current() or Purse(meter, (owner,))).within(mine)


@contextmanager
def spending(purse: Purse, *, timed: bool = False) -> Iterator[Purse]:
    """Have everything in the block charged to `purse`; `timed` counts its seconds, unless those of an outer one are.

    Raises:
        BudgetSpent: there are no seconds left to begin with.
    """
    before = _CURRENT.get()
    clock = Clock(purse) if timed and purse.clock is None else None
    purse.clock = purse.clock or clock
    _CURRENT.set(purse)
    try:
        yield purse
    finally:
        # not by a token: a server may end what it opened in another context
        _CURRENT.set(before)
        if clock is not None:
            clock.stop()
            purse.clock = None
        purse.write()
