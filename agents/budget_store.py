"""What accounts have used and what calls under way hold, in one small database that threads and processes share.

An amount is held before a call and settled after it, so calls side by side cannot pass a limit together. What a
process that was killed still held is given back when it stands in somebody's way; what was settled stays. A process
shows that it lives by a locked file, which the system lets go however the process ends.
"""

import fcntl
import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from agents.budget import SLACK, Account, BudgetSpent, Spent
from engine.database import Database, tried_lock
from engine.files import typed_disk_errors

FOLDER, FILE = "budgets", "budgets.db"
FOREIGN_S = 3600.0
"""A hold of another machine, whose processes cannot be looked at from here, is given back after this time."""
FIELDS = tuple(Spent.model_fields)
_WHOLE = {name for name, field in Spent.model_fields.items() if field.annotation is int}

_METADATA = sa.MetaData()


def _amounts() -> list[sa.Column[float]]:
    kinds = {name: sa.BigInteger() if name in _WHOLE else sa.Double() for name in FIELDS}
    return [sa.Column(name, kinds[name], nullable=False, server_default="0") for name in FIELDS]  # type: ignore[arg-type]


_ACCOUNTS = sa.Table(
    "millwright_accounts", _METADATA, sa.Column("account", sa.String(200), primary_key=True), *_amounts()
)
_HOLDS = sa.Table(
    "millwright_holds",
    _METADATA,
    sa.Column("hold", sa.String(32), primary_key=True),
    sa.Column("account", sa.String(200), primary_key=True, index=True),
    sa.Column("machine", sa.String(200), nullable=False),
    sa.Column("process", sa.String(32), nullable=False),
    sa.Column("began", sa.Double(), nullable=False),
    *_amounts(),
)
_JOBS = sa.Table(
    "millwright_paid_jobs",
    _METADATA,
    sa.Column("account", sa.String(200), primary_key=True),
    sa.Column("job", sa.String(64), primary_key=True),
)
_PAID = sa.text("INSERT INTO millwright_paid_jobs (account, job) VALUES (:account, :job) ON CONFLICT DO NOTHING")
_OPEN = sa.text("INSERT INTO millwright_accounts (account) VALUES (:account) ON CONFLICT DO NOTHING")


class Meter:
    """The accounts of a home. Nothing is written before the first amount is."""

    def __init__(self, home: Path, database_url: str | None = None) -> None:
        self._folder = home / FOLDER
        self._database = Database(database_url or f"sqlite:///{home / FILE}", home, _METADATA)
        self._file = home / FILE if database_url is None else None
        self._ahead = False

    def hold(self, accounts: Sequence[Account], least: Spent, most: Spent | None = None) -> tuple[str, Spent]:
        """Hold what all `accounts` have left between `least` and `most`; its name, and how much it is.

        Raises:
            BudgetSpent: an account has less left than `least`; nothing is held.
            DiskFull, HomeNotWritable, DatabaseFailed: the database cannot be written.
        """
        process = _Process.of(self._folder)
        with self._begin() as connection:
            _lock(connection, accounts)
            shares = [self._share(connection, each, least, most or least) for each in accounts]
            held = least.with_part(most or least, min(shares, default=1.0))
            name = secrets.token_hex(8)
            mine = {"machine": process.machine, "process": process.name, "began": time.time(), **dict(held)}
            connection.execute(sa.insert(_HOLDS), [{"hold": name, "account": each.name, **mine} for each in accounts])
        return name, held

    def settle(self, accounts: Sequence[Account], holds: Sequence[str], spent: Spent, job: str | None = None) -> None:
        """Write down what was really used, and let go of what was held for it.

        The seconds that `job` has trained are charged to an account once, however often its result is asked for.
        """
        with self._begin() as connection:
            _lock(connection, accounts)
            for each in accounts:
                paid = job is not None and not connection.execute(_PAID, {"account": each.name, "job": job}).rowcount
                now = spent.model_copy(update={"training_seconds": 0.0}) if paid else spent
                added = {name: _ACCOUNTS.c[name] + getattr(now, name) for name in FIELDS}
                connection.execute(sa.update(_ACCOUNTS).where(_ACCOUNTS.c.account == each.name).values(**added))
            if holds:
                connection.execute(sa.delete(_HOLDS).where(_HOLDS.c.hold.in_(holds)))

    def spent(self, account: str) -> Spent:
        """What an account has used."""
        with self._begin() as connection:
            return _used(connection, account)

    def held(self, account: str) -> Spent:
        """What the calls under way of an account hold."""
        with self._begin() as connection:
            _lock(connection, [Account(name=account)])
            self._give_back(connection, account)
            return _sum(_holds(connection, account))

    def reset(self, account: str) -> Spent:
        """Count from nothing again; what had been used. What is under way goes on and is counted."""
        with self._begin() as connection:
            _lock(connection, [Account(name=account)])
            before = _used(connection, account)
            nothing = dict.fromkeys(FIELDS, 0)
            connection.execute(sa.update(_ACCOUNTS).where(_ACCOUNTS.c.account == account).values(**nothing))
        return before

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        """A transaction that outlasts a kill at any moment; the last ones before a power cut may be lost."""
        with self._database.begin() as connection:
            if self._file is not None:
                self._write_ahead(connection, self._file)
            yield connection

    def _write_ahead(self, connection: sa.Connection, file: Path) -> None:
        """Spare the wait for the disk: with a log beside it the file is whole also where the newest lines are lost."""
        if not self._ahead:
            # another process may hold the file at this moment; the next transaction sets the mode then
            with suppress(OperationalError):
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                self._ahead = True
                # whoever closes the file last has to copy the log into it, and waits for that: here nobody is the last
                weakref.finalize(self, _opened(file).close)
        connection.exec_driver_sql("PRAGMA synchronous=NORMAL")

    def _share(self, connection: sa.Connection, each: Account, least: Spent, most: Spent) -> float:
        """How much of the way from `least` to `most` the account can go, from 0 to 1."""
        if not each.limits.any:
            return 1.0
        try:
            return _share(connection, each, least, most)
        except BudgetSpent:
            # only now is it worth asking who of those that hold something is still alive
            if not self._give_back(connection, each.name):
                raise
            return _share(connection, each, least, most)

    def _give_back(self, connection: sa.Connection, account: str) -> int:
        """Take away what processes hold that have ended; how many holds."""
        here = _Process.of(self._folder)
        gone = 0
        for row in _holds(connection, account):
            near = row.machine == here.machine
            if here.has_ended(row.process) if near else time.time() - row.began > FOREIGN_S:
                # on every account: the call that held it is over
                gone += connection.execute(sa.delete(_HOLDS).where(_HOLDS.c.hold == row.hold)).rowcount
        return gone


def _opened(file: Path) -> sqlite3.Connection:
    keeper = sqlite3.connect(file, check_same_thread=False)
    keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return keeper


def _lock(connection: sa.Connection, accounts: Sequence[Account]) -> None:
    """Have these accounts alone until the transaction ends: the first write does that in SQLite, the rows in others."""
    names = sorted({each.name for each in accounts})
    for name in names:
        connection.execute(_OPEN, {"account": name})
    wanted = sa.select(_ACCOUNTS.c.account).where(_ACCOUNTS.c.account.in_(names)).order_by(_ACCOUNTS.c.account)
    connection.execute(wanted.with_for_update()).all()


def _share(connection: sa.Connection, each: Account, least: Spent, most: Spent) -> float:
    used = _used(connection, each.name) + _sum(_holds(connection, each.name))
    share = 1.0
    for name, limit in each.limits.given():
        needs, wants = getattr(least, name), getattr(most, name)
        left = limit - getattr(used, name)
        if wants == 0:
            continue  # what has passed a limit stops only what would use more of it
        if needs > 0 and needs > left + SLACK * limit:
            raise BudgetSpent(each, name, limit, getattr(used, name), needs)
        if wants > left:
            share = min(share, max(0.0, left - needs) / (wants - needs)) if wants > needs else share
    return share


def _used(connection: sa.Connection, account: str) -> Spent:
    row = connection.execute(sa.select(_ACCOUNTS).where(_ACCOUNTS.c.account == account)).first()
    return Spent() if row is None else _spent(row)


def _holds(connection: sa.Connection, account: str) -> Sequence[sa.Row[tuple[object, ...]]]:
    return connection.execute(sa.select(_HOLDS).where(_HOLDS.c.account == account)).all()


def _sum(rows: Iterable[sa.Row[tuple[object, ...]]]) -> Spent:
    total = Spent()
    for row in rows:
        total += _spent(row)
    return total


def _spent(row: sa.Row[tuple[object, ...]]) -> Spent:
    return Spent.model_construct(**{name: getattr(row, name) for name in FIELDS})


class _Process:
    """This process as the holder of amounts: a file that it keeps locked for as long as it lives."""

    def __init__(self, folder: Path) -> None:
        self.machine, self.name, self._folder = f"{os.uname().nodename}:{folder}", secrets.token_hex(8), folder
        with typed_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # locked before it has a name that others look at: a file that is there and not locked is of a dead process
            hidden = folder / f".{self.name}"
            self._handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            hidden.rename(folder / self.name)
        for other in folder.glob("[!.]*"):
            self.has_ended(other.name)

    @classmethod
    def of(cls, folder: Path) -> "_Process":
        """This process in the home of `folder`."""
        with _GUARD:
            # a forked child is another process, whatever it has inherited
            key = (os.getpid(), folder)
            known = _KNOWN.get(key)
            if known is None or not (folder / known.name).exists():
                if known is not None:
                    os.close(known._handle)
                known = _KNOWN[key] = cls(folder)
            return known

    def has_ended(self, name: str) -> bool:
        """Whether the process of that name on this machine is over; its file goes with it."""
        path = self._folder / Path(name).name
        if name == self.name:
            return False
        if not path.exists():
            return True
        with tried_lock(path) as free:
            if free:
                path.unlink(missing_ok=True)
            return free


_KNOWN: dict[tuple[int, Path], _Process] = {}
_GUARD = threading.Lock()
