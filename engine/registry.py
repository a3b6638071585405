"""The registry: names, versions and aliases of models, and the count of looks at sealed test sets.

MLflow is the public store and is written first; a small index beside it answers lookups without importing MLflow.
A crash between the two is mended by the next call, which finds the version in MLflow by its tag.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from engine.database import file_lock, unsynced
from engine.errors import BadChoice, NotFound
from engine.registry_index import Index, IndexRow

if TYPE_CHECKING:
    from engine.tracking import Tracking

ALIASES = ("champion", "challenger")


class ModelRecord(BaseModel):
    """One registered version, e.g. model_id='mdl_3f9a0c1b2d4e', name='churn-Churn', version=2."""

    model_config = ConfigDict(frozen=True)

    model_id: str
    name: str
    version: int
    aliases: tuple[str, ...]
    run_id: str
    package: Path
    created: datetime


class Registry:
    """Models of one home.

    Args:
        home: folder that holds models, artifacts and, by default, both databases.
        tracking_uri: MLflow's database or server; `home/mlflow.db` by default.
        index: the light tables; `home/registry.db` by default.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None, *, index: Index | str | None = None) -> None:
        self._home = home.resolve()
        self._tracking_uri = tracking_uri
        url = index or f"sqlite:///{self._home / 'registry.db'}"
        self._index = url if isinstance(url, Index) else Index(url, self._home)
        self._tracking: Tracking | None = None
        self._guard = threading.RLock()

    def open(self) -> None:
        """Load MLflow and make its database now (3 to 7 s the first time) rather than at the first write."""
        self._store()

    def log_run(
        self,
        run_id: str,
        *,
        dataset: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Record a training run in MLflow; calling again adds only what is new. Returns MLflow's run id."""
        from engine.tracking import DATASET_TAG

        return self._store().log_run(run_id, params, metrics, {**(tags or {}), DATASET_TAG: dataset})

    def register(self, package: Path, *, name: str, run_id: str, model_id: str) -> ModelRecord:
        """Register a package folder as the next version of `name`; one version however often it is called.

        No alias is set: a model becomes champion only by `promote`.
        """
        found = self._index.find(model_id)
        if found is None:
            tracking = self._store()
            with file_lock(self._home / "registry.lock"):
                found = self._index.find(model_id) or self._add(tracking, package, name, run_id, model_id)
        return self._record(found)

    def get(self, model: str) -> ModelRecord:
        """A model by id, 'name' (its newest version), 'name@alias' or 'name@version'.

        Raises:
            NotFound: no such model, alias or version.
        """
        row = self._index.find(model) or self._named(model)
        if row is None:
            raise self._not_found(model)
        return self._record(row)

    def list(self) -> list[ModelRecord]:
        """All registered versions, newest first."""
        return [self._record(row) for row in self._index.all()]

    def promote(self, model: str, alias: str) -> tuple[ModelRecord, str | None]:
        """Give a version an alias; returns it and the id of the model that lost the alias, if another had it.

        Raises:
            NotFound: no such model.
            BadChoice: not an alias we use.
        """
        if alias not in ALIASES:
            raise BadChoice("alias", alias, ALIASES)
        record = self.get(model)
        before = self._index.aliased(record.name, alias)
        self._store().set_alias(record.name, alias, record.version)
        self._index.set_alias(record.name, alias, record.model_id)
        lost = before.model_id if before and before.model_id != record.model_id else None
        return self.get(record.model_id), lost

    def previous(self, name: str, alias: str = "champion") -> ModelRecord | None:
        """The version that `roll_back` would give the alias to; None when there is none."""
        row = self._index.before(name, alias)
        return None if row is None else self._record(row)

    def roll_back(self, name: str, alias: str = "champion") -> tuple[ModelRecord, str]:
        """Give the alias back to the version that had it before; returns it and the id of the one that lost it.

        Raises:
            NotFound: no version had the alias before.
        """
        now, row = self._index.aliased(name, alias), self._index.before(name, alias)
        if now is None or row is None:
            hint = "Only what was promoted over another version can be rolled back; `models list` shows the aliases."
            raise NotFound("model", f"{name}@{alias} before this one", hint=hint)
        self._store().set_alias(name, alias, row.version)
        self._index.set_alias(name, alias, row.model_id, back=True)
        return self.get(row.model_id), now.model_id

    def record_look(self, dataset: str, model: str, purpose: str) -> int:
        """Count a look at the dataset's sealed test rows (the same model and purpose once); returns the total."""
        return self._index.record_look(dataset, model, purpose)

    def looks(self, dataset: str) -> int:
        """How often the dataset's sealed test rows were looked at."""
        return self._index.looks(dataset)

    def _add(self, tracking: "Tracking", package: Path, name: str, run_id: str, model_id: str) -> IndexRow:
        from engine.tracking import mlflow_name

        known = tracking.version_of(model_id)
        if known is None:
            cleaned = mlflow_name(name)
            version = tracking.add_version(package, name=cleaned, run_id=run_id, model_id=model_id)
            known = (cleaned, version)
        row = IndexRow(model_id, known[0], known[1], run_id, self._short(package), datetime.now(UTC))
        self._index.add(row)
        return row

    def _named(self, model: str) -> IndexRow | None:
        name, separator, which = model.rpartition("@")
        if not separator:
            return self._index.newest(model)
        return self._index.at_version(name, int(which)) if which.isdecimal() else self._index.aliased(name, which)

    def _not_found(self, model: str) -> NotFound:
        rows = self._index.all()
        name, _, which = model.rpartition("@")
        versions = [row for row in rows if row.name == name]
        if versions:
            marks = [alias for row in versions for alias in row.aliases]
            marks += [str(row.version) for row in versions]
            return NotFound("model", model, hint=f"{name!r} has: {', '.join(marks)}; {which!r} is none of them.")
        return NotFound(
            "model", model, list(dict.fromkeys([row.name for row in rows] + [row.model_id for row in rows]))
        )

    def _record(self, row: IndexRow) -> ModelRecord:
        return ModelRecord(
            model_id=row.model_id,
            name=row.name,
            version=row.version,
            aliases=row.aliases,
            run_id=row.run_id,
            package=self._home / row.package,
            created=row.created,
        )

    def _short(self, package: Path) -> str:
        """Relative inside the home, so that a home can be moved."""
        full = package.resolve()
        return str(full.relative_to(self._home) if full.is_relative_to(self._home) else full)

    def _store(self) -> "Tracking":
        with self._guard:
            if self._tracking is None:
                # one process at a time, since MLflow's migrations do not expect company
                with file_lock(self._home / "mlflow.lock"):
                    self._tracking = self._open_store()
            return self._tracking

    def _open_store(self) -> "Tracking":
        from engine.tracking import Tracking

        artifacts = self._home / "artifacts"
        if self._tracking_uri:
            return Tracking(self._tracking_uri, artifacts)
        database = self._home / "mlflow.db"
        if not database.exists():
            # MLflow makes its tables one by one and cannot go on from half of them, should we be killed
            aside = self._home / ".mlflow.db.new"
            for leftover in (aside, Path(f"{aside}-journal")):
                leftover.unlink(missing_ok=True)
            with unsynced(aside):
                Tracking(f"sqlite:///{aside}", artifacts)
            aside.replace(database)
        return Tracking(f"sqlite:///{database}", artifacts)
