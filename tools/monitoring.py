"""What the tools over live data share: monitors and what they have seen, alerts, and the policy of each monitor."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.drift.policy import Policy

if TYPE_CHECKING:
    from engine.alerts.desk import Alerts
    from engine.alerts.settings import AlertSettings
    from engine.monitoring.store import Monitors

DATABASE = "monitoring.db"
PAGE = "report.html"


class Monitoring:
    """Monitors and alerts of one home. Opened when first used: most commands need neither.

    Args:
        home: folder that holds policies and pages, and the database by default.
        now: the clock.
        database_url: SQLAlchemy's, of SQLite or PostgreSQL.
        alerts: where alerts go; nowhere by default.
    """

    def __init__(
        self,
        home: Path,
        now: Callable[[], datetime],
        database_url: str | None = None,
        alerts: "AlertSettings | None" = None,
    ) -> None:
        self._home = home
        self._now = now
        self._url = database_url or f"sqlite:///{home.resolve() / DATABASE}"
        self._settings = alerts

    @property
    def in_use(self) -> bool:
        """False where nothing was ever monitored: then nothing needs to be opened to know that nobody watches."""
        return not self._url.startswith("sqlite") or (self._home / DATABASE).exists()

    @cached_property
    def monitors(self) -> "Monitors":
        """Monitors with logged predictions, labels, windows, checks and retrainings."""
        from engine.monitoring.store import Monitors
        from tools.journal import home_id

        return Monitors(self._url, self._home, home_id(self._home))

    @cached_property
    def alerts(self) -> "Alerts":
        """The alert desk.

        Raises:
            BadSettings: settings of channels that do not fit together.
        """
        from engine.alerts.channels import channels_of
        from engine.alerts.desk import Alerts
        from engine.alerts.ledger import Ledger
        from engine.alerts.settings import AlertSettings

        settings = self._settings or AlertSettings()
        return Alerts(Ledger(self._url, self._home), channels_of(settings), self._now, attempts=settings.attempts)

    def links(self, alert: str) -> dict[str, str]:
        """Where an alert can be looked at and acknowledged, by label; none without a public address."""
        return self._settings.links(alert) if self._settings is not None else {}

    def folder(self, monitor: str) -> Path:
        """Where policy, page and plots of a monitor lie, by its id."""
        return self._home / "monitors" / monitor

    def page(self, monitor: str) -> Path:
        """Where the page of a monitor (id or name) lies.

        Raises:
            NotFound: no such monitor.
        """
        return self.folder(self.monitors.get(monitor).id) / PAGE

    def policy_file(self, monitor: str) -> Path:
        """The YAML file with the policy of a monitor (id or name); written with the defaults where there is none.

        Raises:
            NotFound: no such monitor.
        """
        path = self.folder(self.monitors.get(monitor).id) / "policy.yaml"
        if not path.exists():
            Policy().save(path)
        return path

    def policy(self, monitor: str) -> Policy:
        """The policy of a monitor as it stands in its file now.

        Raises:
            NotFound: no such monitor.
            BadArguments: the file was edited into something that is no policy.
        """
        return Policy.load(self.policy_file(monitor))
