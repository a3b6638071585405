"""The store behind monitors: one door to the monitors of a home and to all that is kept about them."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from engine.database import Database
from engine.errors import BadArguments, NotFound
from engine.monitoring.history import History
from engine.monitoring.labels import Labels
from engine.monitoring.log import PredictionLog
from engine.monitoring.records import Monitor, MonitorChange, RetrainMode, WindowSpec
from engine.monitoring.retrainings import Retrainings
from engine.monitoring.tables import LABELS, MONITORS, PREDICTIONS, TABLES, WINDOWS, lock
from engine.monitoring.windows import Windows


class Monitors:
    """The monitors of one home, in SQLite or PostgreSQL. Safe to share between threads and processes.

    Args:
        url: SQLAlchemy's.
        home: where the lock for making the tables lies.
        scope: id of the home: several homes may share one PostgreSQL database, and each sees its own monitors alone.

    Attributes:
        predictions, labels, windows, history, retrainings: what is kept of each monitor, by its id.
    """

    def __init__(self, url: str, home: Path, scope: str) -> None:
        self._database = Database(url, home, TABLES)
        self._scope = scope
        self.predictions = PredictionLog(self._database)
        self.labels = Labels(self._database)
        self.windows = Windows(self._database)
        self.history = History(self._database)
        self.retrainings = Retrainings(self._database)

    def create(
        self,
        *,
        model: str,
        reference: str,
        window: WindowSpec,
        name: str | None = None,
        schedule: str | None = None,
        retrain: RetrainMode = "ask",
    ) -> Monitor:
        """Make a monitor of the champion of `model`. Without a name it has that of the model, with a number if taken.

        Raises:
            BadArguments: the name is taken, or a value does not fit.
        """
        while True:
            monitor = _monitor(
                id=f"mon_{secrets.token_hex(6)}",
                name=self._free_name(model) if name is None else name,
                model=model,
                reference=reference,
                window=window,
                schedule=schedule,
                created=datetime.now(UTC),
                retrain=retrain,
            )
            if self._insert(monitor):
                return monitor
            if name is not None:
                raise BadArguments(f"There is a monitor {name!r} already.", "Choose another name, or change that one.")

    def get(self, id_or_name: str) -> Monitor:
        """A monitor by id or name.

        Raises:
            NotFound: neither; names the nearest.
        """
        monitors = self.list()
        for monitor in monitors:
            if id_or_name in (monitor.id, monitor.name):
                return monitor
        raise NotFound("monitor", id_or_name, [known for one in monitors for known in (one.name, one.id)])

    def list(self) -> list[Monitor]:
        """All of the home, in the order in which they were made."""
        mine = sa.select(MONITORS.c.record).where(MONITORS.c.scope == self._scope)
        with self._database.begin() as connection:
            monitors = [Monitor.model_validate_json(record) for record in connection.execute(mine).scalars()]
        return sorted(monitors, key=lambda monitor: (monitor.created, monitor.id))

    def update(self, id_or_name: str, change: MonitorChange) -> Monitor:
        """Change what `change` gives.

        Raises:
            NotFound: no such monitor.
            BadArguments: a value does not fit.
        """
        monitor = self.get(id_or_name)
        with self._database.begin() as connection:
            lock(connection, monitor.id)
            this = MONITORS.c.id == monitor.id
            record = connection.execute(sa.select(MONITORS.c.record).where(this)).scalar_one()
            stored = Monitor.model_validate_json(record).model_dump()
            changed = _monitor(**{**stored, **change.model_dump(exclude_unset=True)})
            connection.execute(sa.update(MONITORS).where(this).values(record=changed.model_dump_json()))
        return changed

    def delete(self, id_or_name: str) -> Monitor:
        """Delete a monitor with its rows, labels and windows; its checks and retrainings stay, under its id.

        Raises:
            NotFound: no such monitor.
        """
        monitor = self.get(id_or_name)
        with self._database.begin() as connection:
            lock(connection, monitor.id)
            for table in (PREDICTIONS, LABELS, WINDOWS):
                connection.execute(sa.delete(table).where(table.c.monitor == monitor.id))
            connection.execute(sa.delete(MONITORS).where(MONITORS.c.id == monitor.id))
        return monitor

    def _free_name(self, model: str) -> str:
        taken = {monitor.name for monitor in self.list()}
        name, number = model, 1
        while name in taken:
            number += 1
            name = f"{model}-{number}"
        return name

    def _insert(self, monitor: Monitor) -> bool:
        """Whether the name was free."""
        values = {"id": monitor.id, "scope": self._scope, "name": monitor.name, "record": monitor.model_dump_json()}
        try:
            with self._database.begin() as connection:
                connection.execute(sa.insert(MONITORS).values(**values, rows=0))
        except IntegrityError:
            return False
        return True


def _monitor(**values: object) -> Monitor:
    try:
        return Monitor.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadArguments(
            f"No monitor can be made of this: {where}: {first['msg']}.", "Give another value."
        ) from error
