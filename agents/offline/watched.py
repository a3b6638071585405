"""What the conversation knows of monitors: which was spoken of last, what was found, trained and told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
"""Arguments or a result as they came over the wire."""


def rows_of(row: object, name: str) -> list[Row]:
    """The rows listed under `name`; [] when there are none."""
    listed = row.get(name) if isinstance(row, Mapping) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list | tuple) else []


@dataclass
class Watched:
    """`check` and `retrained` hold the arguments of the last such call beside its result, `alerts` the ids of the open
    ones, in the order in which they were listed."""

    monitors: dict[str, Row] = field(default_factory=dict)
    monitor: str | None = None
    listed: tuple[str, ...] = ()
    check: Row | None = None
    advice: Row | None = None
    retrained: Row | None = None
    alerts: tuple[str, ...] = ()

    def learn(self, tool: str, arguments: Row, result: Row) -> None:
        """Take in the result of one call."""
        reader = _READERS.get(tool)
        if reader is not None:
            reader(self, arguments, result)

    def speak_of(self, monitor: object) -> None:
        """From now on this monitor, by id or name, is the one meant."""
        if monitor is None:
            return
        named = [identity for identity, row in self.monitors.items() if row.get("name") == monitor]
        self.monitor = named[0] if named else str(monitor)

    @property
    def model(self) -> str | None:
        """Registered name of the model that the last monitor watches, when it is known."""
        row = self.monitors.get(self.monitor or "") or self.advice or {}
        return str(row["model"]) if row.get("model") else None

    @property
    def challenger(self) -> str | None:
        """A challenger that won and waits for a yes."""
        if self.retrained is not None:
            return str(self.retrained["challenger"]) if self.retrained.get("passed") else None
        begun = (self.advice or {}).get("retraining") or {}
        return str(begun["challenger"]) if begun.get("state") == "won" and begun.get("challenger") else None

    def following(self, about: str | None) -> str | None:
        """The kind of request that 'go ahead' stands for when `about` was spoken of last; None where it is none."""
        if about in ("advise", "retrain_model") and self.challenger is not None:
            return "promote"
        advice = self.advice or {}
        asks = about == "advise" and advice.get("retrain") and not advice.get("retraining")
        return "retrain_model" if asks else None

    @property
    def drifted(self) -> tuple[str, ...]:
        """Columns that the last comparison or the last advice named."""
        found = rows_of((self.check or {}).get("found"), "columns")
        return tuple(str(row.get("column")) for row in (*found, *rows_of(self.advice, "features")))


def _made(watched: Watched, arguments: Row, result: Row) -> None:
    watched.monitors[str(result.get("monitor"))] = result
    watched.monitor = str(result.get("monitor"))


def _standing(watched: Watched, arguments: Row, result: Row) -> None:
    rows = rows_of(result, "monitors")
    watched.monitors.update({str(row.get("monitor")): row for row in rows})
    watched.listed = tuple(str(row.get("monitor")) for row in rows)
    if len(rows) == 1:
        watched.monitor = watched.listed[0]
    watched.alerts = tuple(
        str(alert.get("alert")) for row in rows for alert in rows_of(row, "alerts") if alert.get("state") == "open"
    )


def _checked(watched: Watched, arguments: Row, result: Row) -> None:
    watched.check = {**arguments, **result}
    watched.advice = None
    if result.get("monitor"):
        watched.speak_of(result["monitor"])


def _advised(watched: Watched, arguments: Row, result: Row) -> None:
    watched.advice = result
    watched.speak_of(result.get("monitor"))


def _retrained(watched: Watched, arguments: Row, result: Row) -> None:
    watched.retrained = {**arguments, **result}
    watched.speak_of(result.get("monitor"))


def _acknowledged(watched: Watched, arguments: Row, result: Row) -> None:
    alert = result.get("alert") or {}
    watched.alerts = tuple(name for name in watched.alerts if name != alert.get("alert"))
    watched.speak_of(alert.get("monitor"))


def _spoken_of(watched: Watched, arguments: Row, result: Row) -> None:
    watched.speak_of(result.get("monitor"))


def _another_champion(watched: Watched, arguments: Row, result: Row) -> None:
    watched.retrained = watched.advice = None


_READERS: Mapping[str, Callable[[Watched, Row, Row], None]] = {
    "create_monitor": _made,
    "monitor_status": _standing,
    "check_drift": _checked,
    "evaluate_actions": _advised,
    "retrain_model": _retrained,
    "acknowledge_alert": _acknowledged,
    "drift_report": _spoken_of,
    "log_labels": _spoken_of,
    "promote_model": _another_champion,
    "roll_back_model": _another_champion,
}
