"""Whether the server can do its work: each part is tried, none is assumed."""

import tempfile
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from engine.errors import MillwrightError
from tools.workshop import Workshop


class Check(BaseModel):
    """One part that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    ready: bool
    problem: str = ""


class Readiness(BaseModel):
    """All parts; `ready` when each is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ready: bool
    checks: tuple[Check, ...]


def readiness(workshop: Workshop) -> Readiness:
    """Try the home, the datasets, the registry and the jobs."""
    parts: dict[str, Callable[[], object]] = {
        "home": lambda: _write(workshop),
        "datasets": workshop.datasets.list,
        "registry": workshop.registry.list,
        "jobs": lambda: workshop.jobs.list(1),
    }
    checks = tuple(_check(name, attempt) for name, attempt in parts.items())
    return Readiness(ready=all(check.ready for check in checks), checks=checks)


def _write(workshop: Workshop) -> None:
    with tempfile.TemporaryFile(dir=workshop.home) as file:
        file.write(b"ready")
        file.flush()


def _check(name: str, attempt: Callable[[], object]) -> Check:
    try:
        attempt()
    except MillwrightError as error:
        return Check(name=name, ready=False, problem=error.sentence)
    except Exception as error:  # the border: any failure of a part means that it is not ready
        return Check(name=name, ready=False, problem=type(error).__name__)
    return Check(name=name, ready=True)
