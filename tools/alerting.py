"""Alerts of monitors: listed, acknowledged, and told how the trouble ended."""

from typing import TYPE_CHECKING

from engine.errors import NotFound
from tools.drift import (
    AcknowledgeAlertRequest,
    Acknowledged,
    AlertLine,
    AlertList,
    ListAlertsRequest,
    OutcomeTold,
    TellOutcomeRequest,
)
from tools.spec import ToolSpec, costs_nothing
from tools.telling import state_of, tell_outcome_of

if TYPE_CHECKING:
    from engine.alerts.records import AlertRecord
    from tools.workshop import Workshop

LATEST = "latest"
USER = "user"
"""Who acknowledges, where nobody has logged in."""


def acknowledge_alert(workshop: "Workshop", request: AcknowledgeAlertRequest) -> Acknowledged:
    """Take an alert on.

    Raises:
        NotFound: no such alert, or none is open.
    """
    desk = workshop.monitoring.alerts
    alert = _latest(workshop) if request.alert == LATEST else request.alert
    desk.acknowledge(alert, USER, request.note)
    record, until = desk.get(alert), None
    if request.silence_hours is not None:
        until = desk.silence(record.alert.monitor, request.silence_hours, USER).until
    return Acknowledged(
        alert=alert_line(workshop, record), silenced_until=until.isoformat(timespec="minutes") if until else None
    )


def _latest(workshop: "Workshop") -> str:
    found = [one for one in workshop.monitoring.alerts.list(open_only=True) if one.acknowledgement is None]
    if not found:
        raise NotFound("alert", LATEST, hint="No alert is open.")
    # the newest comes first, and of those the most serious counts: what waits beside it is told of it anyway
    return max(found, key=lambda one: one.alert.level.rank).alert.id


def list_alerts(workshop: "Workshop", request: ListAlertsRequest) -> AlertList:
    """Raises: NotFound: no such monitor."""
    if request.monitor is None and not workshop.monitoring.in_use:
        return AlertList(alerts=())
    monitor = workshop.monitoring.monitors.get(request.monitor).id if request.monitor else None
    found = workshop.monitoring.alerts.list(monitor, request.open_only, request.limit)
    return AlertList(alerts=tuple(alert_line(workshop, record) for record in found))


def tell_outcome(workshop: "Workshop", request: TellOutcomeRequest) -> OutcomeTold:
    """Tell how a monitor's trouble ended.

    Raises:
        NotFound: no such monitor.
    """
    monitor = workshop.monitoring.monitors.get(request.monitor)
    policy = workshop.monitoring.policy(monitor.id)
    told = tell_outcome_of(workshop, monitor, policy, request.sentence, resolved=request.resolved, about=request.about)
    return OutcomeTold(monitor=monitor.name, told=told)


def alert_line(workshop: "Workshop", record: "AlertRecord") -> AlertLine:
    """An alert in a row."""
    deliveries = workshop.monitoring.alerts.deliveries(record.alert.id)
    said = [f"{each.channel} {each.event}: {each.state.replace('_', ' ')} {each.why}".strip() for each in deliveries]
    return AlertLine(
        alert=record.alert.id,
        monitor=record.alert.monitor,
        level=record.alert.level,
        title=record.alert.title,
        created=record.alert.created.isoformat(timespec="seconds"),
        state=state_of(record),
        deliveries=tuple(said),
    )


TOOLS = (
    ToolSpec(
        name="list_alerts",
        description="List alerts about monitored models, newest first, with their state (open, acknowledged, resolved) "
        "and what was delivered to which channel.",
        request=ListAlertsRequest,
        result=AlertList,
        function=list_alerts,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="acknowledge_alert",
        description="Say that the user looks after an alert, so that it is not repeated at the same level; with "
        "silence_hours the monitor's alerts below RED stay quiet for so long. Changes what others are told, so it "
        "needs the user's approval.",
        request=AcknowledgeAlertRequest,
        result=Acknowledged,
        function=acknowledge_alert,
        effect="write",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="tell_outcome",
        description="Tell the alert channels of a monitor how its trouble ended or what waits for a decision. Reaches "
        "people outside this machine, so it needs the user's approval.",
        request=TellOutcomeRequest,
        result=OutcomeTold,
        function=tell_outcome,
        effect="external",
        estimate=costs_nothing,
    ),
)
