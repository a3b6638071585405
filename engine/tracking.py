"""The MLflow half of the registry: runs, metrics, artifacts, versions, aliases. `mlflow ui` shows all of it.

Only the client API with an explicit address is used: MLflow's own globals (active run, tracking address) stay
untouched. No MLflow flavour is used either, so nothing here is ever unpickled.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.database import driver_url

if TYPE_CHECKING:
    from mlflow.entities import Run

EXPERIMENT = "millwright"
RUN_TAG, MODEL_TAG, DATASET_TAG = "millwright.run_id", "millwright.model_id", "millwright.dataset"
_BATCH = 100
_LONGEST_VALUE = 5_000


def mlflow_name(name: str) -> str:
    """A registered-model name that MLflow, URLs and our 'name@alias' all accept.

    >>> mlflow_name("Telco churn: 2024/05")
    'Telco-churn-2024-05'
    """
    cleaned = re.sub(r"[^\w.]+", "-", name).strip("-.")[:200]
    # an id of ours as a name would shadow the model that has it
    return f"model-{cleaned}" if not cleaned or cleaned.startswith("mdl_") else cleaned


class Tracking:
    """One MLflow store.

    Args:
        uri: SQLAlchemy URL of the database, or the address of an MLflow server.
        artifacts: folder that receives the files of runs.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        uri = driver_url(uri)
        with _quiet():
            from mlflow import MlflowClient

            # set after the import, which sets its own
            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            self._client: MlflowClient = MlflowClient(tracking_uri=uri, registry_uri=uri)
            self._experiment = self._open_experiment(artifacts)

    def log_run(
        self, run_id: str, params: Mapping[str, object], metrics: Mapping[str, float], tags: Mapping[str, str]
    ) -> str:
        """Record a run; what is recorded already is not written twice. Returns MLflow's id of the run."""
        from mlflow.entities import Metric, Param, RunTag

        run = self._run(run_id)
        at = int(datetime.now(UTC).timestamp() * 1000)
        known = run.data
        new_params = [Param(_key(k), _text(v)) for k, v in params.items() if _key(k) not in known.params]
        new_metrics = [Metric(_key(k), v, at, 0) for k, v in metrics.items() if known.metrics.get(_key(k)) != v]
        new_tags = [RunTag(_key(k), _text(v)) for k, v in tags.items() if known.tags.get(_key(k)) != v]
        client, key = self._client, run.info.run_id
        for start in range(0, max(len(new_params), len(new_metrics), len(new_tags)), _BATCH):
            part = slice(start, start + _BATCH)
            client.log_batch(key, metrics=new_metrics[part], params=new_params[part], tags=new_tags[part])
        client.set_terminated(key)
        return str(key)

    def version_of(self, model_id: str) -> tuple[str, int] | None:
        """Name and version that carry `model_id`, if it was registered."""
        found = self._client.search_model_versions(f"tags.`{MODEL_TAG}` = '{model_id}'", max_results=1)
        return (found[0].name, int(found[0].version)) if found else None

    def add_version(self, package: Path, *, name: str, run_id: str, model_id: str) -> int:
        """Copy `package` to the run as 'package' and register it under `name`; returns the new version."""
        from mlflow.exceptions import MlflowException

        info = self._run(run_id).info
        self._client.log_artifacts(info.run_id, str(package), "package")
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name,
            source=f"{info.artifact_uri}/package",
            run_id=info.run_id,
            tags={MODEL_TAG: model_id, RUN_TAG: run_id},
        )
        return int(version.version)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        self._client.set_registered_model_alias(name, alias, str(version))

    def _run(self, run_id: str) -> "Run":
        found: Sequence[Run] = self._client.search_runs(
            [self._experiment], f"tags.`{RUN_TAG}` = '{run_id}'", max_results=1
        )
        return found[0] if found else self._client.create_run(self._experiment, tags={RUN_TAG: run_id}, run_name=run_id)

    def _open_experiment(self, artifacts: Path) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=artifacts.resolve().as_uri()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's set-up off the terminal: log lines of every migration and deprecations inside its own code."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger in loggers:
                logger.disabled = False


def _key(name: str) -> str:
    return re.sub(r"[^\w\-. /:]", "_", name)[:250]


def _text(value: object) -> str:
    return str(value)[:_LONGEST_VALUE]
