"""A workshop made by hand over a home, with the real tools and its jobs in this process."""

from datetime import UTC, datetime
from pathlib import Path

from engine.data.store import Datasets
from engine.registry import Registry
from tools.catalogue import CATALOGUE
from tools.inline import InlineJobs
from tools.monitoring import Monitoring
from tools.workshop import Workshop


def workshop_at(home: Path) -> Workshop:
    def make() -> Workshop:
        return Workshop(
            home=home,
            datasets=Datasets(home / "datasets"),
            registry=Registry(home),
            tools=CATALOGUE,
            jobs=InlineJobs(home, make),
            now=lambda: datetime.now(UTC),
            monitoring=Monitoring(home, lambda: datetime.now(UTC)),
        )

    return make()
