"""The light half of the registry: which model lies where, who is champion, how often a test set was looked at.

A few small tables beside MLflow, so that `predict` and `models list` answer without importing it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from engine.database import Database

_TABLES = sa.MetaData()
_MODELS = sa.Table(
    "millwright_models",
    _TABLES,
    sa.Column("model_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(250), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("package", sa.Text, nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.UniqueConstraint("name", "version"),
)
_ALIASES = sa.Table(
    "millwright_aliases",
    _TABLES,
    sa.Column("name", sa.String(250), primary_key=True),
    sa.Column("alias", sa.String(64), primary_key=True),
    sa.Column("model_id", sa.String(64), nullable=False),
)
_PROMOTIONS = sa.Table(
    "millwright_promotions",
    _TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(250), nullable=False, index=True),
    sa.Column("alias", sa.String(64), nullable=False),
    sa.Column("model_id", sa.String(64), nullable=False),
    sa.Column("back", sa.Boolean, nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)
_LOOKS = sa.Table(
    "millwright_looks",
    _TABLES,
    sa.Column("dataset", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(200), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
)


@dataclass(frozen=True)
class IndexRow:
    """One registered model; `package` is relative to the home when it lies inside."""

    model_id: str
    name: str
    version: int
    run_id: str
    package: str
    created: datetime
    aliases: tuple[str, ...] = ()


class Index:
    """The tables, on SQLite or PostgreSQL."""

    def __init__(self, url: str, home: Path) -> None:
        self._database = Database(url, home, _TABLES)

    def add(self, row: IndexRow) -> None:
        """Insert a model; one that is there already is left as it is."""
        values = {
            "model_id": row.model_id,
            "name": row.name,
            "version": row.version,
            "run_id": row.run_id,
            "package": row.package,
            "created": row.created.astimezone(UTC).isoformat(),
        }
        self._database.insert_once(_MODELS, values, _MODELS.c.model_id == row.model_id)

    def find(self, model_id: str) -> IndexRow | None:
        return self._first(_MODELS.c.model_id == model_id)

    def newest(self, name: str) -> IndexRow | None:
        return self._first(_MODELS.c.name == name)

    def at_version(self, name: str, version: int) -> IndexRow | None:
        return self._first((_MODELS.c.name == name) & (_MODELS.c.version == version))

    def aliased(self, name: str, alias: str) -> IndexRow | None:
        model = (
            sa.select(_ALIASES.c.model_id).where(_ALIASES.c.name == name, _ALIASES.c.alias == alias).scalar_subquery()
        )
        return self._first(_MODELS.c.model_id == model)

    def all(self) -> list[IndexRow]:
        """Newest first."""
        return self._rows(sa.true())

    def set_alias(self, name: str, alias: str, model_id: str, *, back: bool = False) -> None:
        """Move `alias` of `name` to `model_id`; `back` where that takes back the promotion before."""
        moved = {"name": name, "alias": alias, "model_id": model_id}
        with self._database.begin() as connection:
            connection.execute(sa.delete(_ALIASES).where(_ALIASES.c.name == name, _ALIASES.c.alias == alias))
            connection.execute(sa.insert(_ALIASES).values(moved))
            told = moved | {"back": back, "at": datetime.now(UTC).isoformat()}
            connection.execute(sa.insert(_PROMOTIONS).values(told))

    def before(self, name: str, alias: str) -> IndexRow | None:
        """The model that had the alias before the one that has it; promotions that were taken back do not count."""
        mine = (_PROMOTIONS.c.name == name) & (_PROMOTIONS.c.alias == alias)
        with self._database.begin() as connection:
            rows = connection.execute(sa.select(_PROMOTIONS).where(mine).order_by(_PROMOTIONS.c.number)).all()
        held: list[str] = []
        for row in rows:
            if row.back:
                held.pop()
            elif not held or held[-1] != row.model_id:
                held.append(row.model_id)
        return self.find(held[-2]) if len(held) > 1 else None

    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        """Count a look at a sealed test set; the same triple counts once. Returns the dataset's total."""
        same = (_LOOKS.c.dataset == dataset) & (_LOOKS.c.model == model) & (_LOOKS.c.purpose == purpose)
        at = datetime.now(UTC).isoformat()
        self._database.insert_once(_LOOKS, {"dataset": dataset, "model": model, "purpose": purpose, "at": at}, same)
        return self.looks(dataset)

    def looks(self, dataset: str) -> int:
        with self._database.begin() as connection:
            count = sa.select(sa.func.count()).select_from(_LOOKS).where(_LOOKS.c.dataset == dataset)
            return int(connection.execute(count).scalar_one())

    def _first(self, where: sa.ColumnElement[bool]) -> IndexRow | None:
        rows = self._rows(where)
        return rows[0] if rows else None

    def _rows(self, where: sa.ColumnElement[bool]) -> list[IndexRow]:
        newest_first = (_MODELS.c.created.desc(), _MODELS.c.version.desc())
        with self._database.begin() as connection:
            models = connection.execute(sa.select(_MODELS).where(where).order_by(*newest_first)).all()
            aliases = connection.execute(sa.select(_ALIASES).order_by(_ALIASES.c.alias)).all()
        return [
            IndexRow(
                *(row.model_id, row.name, row.version, row.run_id, row.package),
                created=datetime.fromisoformat(row.created),
                aliases=tuple(alias.alias for alias in aliases if alias.model_id == row.model_id),
            )
            for row in models
        ]
