"""What the tables of the workbench show, read from the workshop."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from engine.alerts.records import Delivery
from engine.monitoring.records import Check, Monitor
from engine.naming import shortened
from engine.package_info import PackageFiles
from tools.schedules import next_check
from tools.workshop import Workshop
from web.wording import level_classes

Row = dict[str, object]

MOST_DRIFTED = 4
LEVEL_CELL = '<q-td :props="props"><span :class="props.row.colour">{{ props.value }}</span></q-td>'
LINK_CELL = '<q-td :props="props"><a v-if="props.value" :href="props.value" target="_blank">open</a></q-td>'


@dataclass(frozen=True)
class Table:
    """A title, its columns in NiceGUI's form, its rows and what is said when there are none.

    `cells` are Vue templates by column, for those that show more than text.
    """

    title: str
    columns: list[dict[str, str]]
    rows: list[Row]
    empty: str
    cells: dict[str, str] = field(default_factory=dict)


def monitor_table(workshop: Workshop) -> Table:
    """The monitors, in the order in which they were made."""
    # looking must not make the database: with it, every prediction would ask who watches
    monitors = workshop.monitoring.monitors.list() if workshop.monitoring.in_use else []
    rows = [_monitor_row(workshop, monitor) for monitor in monitors]
    columns = _columns("name", "model", "level", "window", "drifted", "next check", "report")
    return Table("Monitors", columns, rows, "No monitor yet.", {"level": LEVEL_CELL, "report": LINK_CELL})


def delivery_table(deliveries: Sequence[Delivery]) -> Table:
    """What was told of an alert to which channel, or why not."""
    rows: list[Row] = [
        {
            "channel": each.channel,
            "event": each.event,
            "attempt": each.attempt,
            "state": each.state.replace("_", " "),
            "at": f"{each.at:%Y-%m-%d %H:%M}",
            "why": each.why,
        }
        for each in deliveries
    ]
    columns = _columns("channel", "event", "attempt", "state", "at", "why")
    return Table("Deliveries", columns, rows, "Nobody was told.")


def model_table(workshop: Workshop) -> Table:
    """The registered models, newest first."""
    rows: list[Row] = [
        {
            "id": each.model_id,
            "name": each.name,
            "version": each.version,
            "aliases": ", ".join(each.aliases),
            "created": f"{each.created:%Y-%m-%d %H:%M}",
            "optimisation": _optimisation_link(each.package, each.model_id),
        }
        for each in workshop.registry.list()
    ]
    columns = _columns("id", "name", "version", "aliases", "created", "optimisation")
    return Table("Models", columns, rows, "No model yet.", {"optimisation": LINK_CELL})


def _optimisation_link(package: Path, model: str) -> str:
    return f"models/{model}/optimisation" if (package / PackageFiles.OPTIMISATION_PAGE).is_file() else ""


def job_table(workshop: Workshop) -> Table:
    """The newest jobs."""
    rows: list[Row] = [
        {"id": each.job, "tool": each.tool, "state": each.state, "started": f"{each.created:%Y-%m-%d %H:%M}"}
        for each in workshop.jobs.list(20)
    ]
    return Table("Jobs", _columns("id", "tool", "state", "started"), rows, "No job yet.")


def dataset_table(workshop: Workshop) -> Table:
    """The imported datasets, newest first."""
    rows: list[Row] = [
        {"id": each.id, "name": each.name, "rows": each.rows, "target": each.target or "", "source": each.source}
        for each in workshop.datasets.list()
    ]
    return Table("Datasets", _columns("id", "name", "rows", "target", "source"), rows, "No dataset yet.")


def _monitor_row(workshop: Workshop, monitor: Monitor) -> Row:
    newest = workshop.monitoring.monitors.history.history(monitor.id, 1)
    row: Row = {"id": monitor.id, "name": monitor.name, "model": monitor.model}
    return row | _planned(workshop, monitor) | (_seen(newest[0]) if newest else _nothing_seen())


def _planned(workshop: Workshop, monitor: Monitor) -> Row:
    if monitor.paused:
        return {"next check": "paused"}
    moment = next_check(monitor.schedule, workshop.now())
    return {"next check": f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}" if moment else "when asked"}


def _seen(check: Check) -> Row:
    """The newest window; its page lies beside the workbench, where the browser has the key."""
    return {
        "level": check.level.value,
        "colour": level_classes(check.level),
        "window": f"{check.window}: {check.report.rows:,} rows, {check.revised or check.at:%Y-%m-%d %H:%M}",
        "drifted": shortened(check.report.drifted, MOST_DRIFTED),
        "report": f"monitors/{check.monitor}/report",
    }


def _nothing_seen() -> Row:
    return {"level": "", "colour": "", "window": "none yet", "drifted": "", "report": ""}


def _columns(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "label": name.capitalize(), "field": name, "align": "left"} for name in names]
