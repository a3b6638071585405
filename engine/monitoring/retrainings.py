"""Retrainings by monitor: one in flight at most, which the database itself sees to."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.exc import IntegrityError

from engine.database import Database
from engine.errors import BadArguments, NotFound
from engine.monitoring.records import Begun, Retraining
from engine.monitoring.tables import IN_FLIGHT, RETRAININGS, utc

Outcome = Literal["won", "lost", "failed", "promoted", "declined", "rolled_back"]
COMES_FROM: dict[Outcome, tuple[str, ...]] = {
    "won": ("running",),
    "lost": ("running",),
    "failed": ("running", "won"),
    "promoted": ("won",),
    "declined": ("won",),
    "rolled_back": ("promoted",),
}
"""The states from which each outcome can be reached."""


class Retrainings:
    """Retrainings of all monitors; kept under the monitor's id when the monitor is deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, monitor: str, window: int, *, champion: str, at: datetime, job: str | None = None) -> Begun:
        """Begin a retraining, unless one of this monitor runs or waits for approval: then that one is returned.

        Of two processes that begin at once both are told of the same one, and only one of them that it is new.
        """
        new = Retraining(
            id=f"ret_{secrets.token_hex(6)}",
            monitor=monitor,
            window=window,
            state="running",
            champion=champion,
            begun=utc(at),
            job=job,
        )
        while not self._insert(new):
            # none is found when the one that stood in the way has ended in this moment
            if found := self._select((RETRAININGS.c.monitor == monitor) & IN_FLIGHT):
                return Begun(retraining=found[0], new=False)
        return Begun(retraining=new, new=True)

    def assign(self, retraining: str, job: str) -> Retraining:
        """Note which job does the work.

        Raises:
            NotFound: no such retraining.
        """
        with self._database.begin() as connection:
            connection.execute(sa.update(RETRAININGS).where(RETRAININGS.c.id == retraining).values(job=job))
        return self.get(retraining)

    def finish(
        self,
        retraining: str,
        outcome: Outcome,
        *,
        at: datetime,
        challenger: str | None = None,
        verdict: Mapping[str, JsonValue] | None = None,
    ) -> Retraining:
        """Bring a retraining to its next state; a second time changes nothing.

        Raises:
            NotFound: no such retraining.
            BadArguments: it is in a state from which this one is not reached, e.g. one that lost cannot be promoted.
        """
        values: dict[str, object] = {"state": outcome, "ended": None if outcome == "won" else at}
        if challenger is not None:
            values["challenger"] = challenger
        if verdict is not None:
            values["verdict"] = json.dumps(dict(verdict), allow_nan=False)
        this = (RETRAININGS.c.id == retraining) & RETRAININGS.c.state.in_(COMES_FROM[outcome])
        with self._database.begin() as connection:
            moved = connection.execute(sa.update(RETRAININGS).where(this).values(**values)).rowcount
        found = self.get(retraining)
        if not moved and found.state != outcome:
            raise BadArguments(
                f"Retraining {retraining!r} is {found.state!r} and cannot become {outcome!r}.",
                f"It becomes so from {' or '.join(COMES_FROM[outcome])}.",
            )
        return found

    def get(self, retraining: str) -> Retraining:
        """One retraining.

        Raises:
            NotFound: no such retraining.
        """
        found = self._select(RETRAININGS.c.id == retraining)
        if not found:
            raise NotFound("retraining", retraining, hint="Look at the retrainings of its monitor.")
        return found[0]

    def list(self, monitor: str) -> tuple[Retraining, ...]:
        """All of a monitor, the newest at the end."""
        return self._select(RETRAININGS.c.monitor == monitor)

    def _insert(self, new: Retraining) -> bool:
        """Whether there was room for it: the index lets one in flight in for each monitor."""
        try:
            with self._database.begin() as connection:
                connection.execute(sa.insert(RETRAININGS).values(**new.model_dump(exclude_none=True)))
        except IntegrityError:
            return False
        return True

    def _select(self, which: sa.ColumnElement[bool]) -> tuple[Retraining, ...]:
        in_order = sa.select(RETRAININGS).where(which).order_by(RETRAININGS.c.begun, RETRAININGS.c.id)
        with self._database.begin() as connection:
            rows = connection.execute(in_order).all()
        return tuple(
            Retraining(**{**row._mapping, "verdict": json.loads(row.verdict) if row.verdict else None}) for row in rows
        )
