"""When a monitor looks by itself: cron expressions, kept with the jobs and run by the worker."""

from datetime import datetime
from typing import TYPE_CHECKING

from engine.errors import BadArguments

if TYPE_CHECKING:
    from engine.monitoring.records import Monitor
    from tools.workshop import Workshop

EVERY_HOUR = "0 * * * *"
FIELDS = (5, 6)
"""Minute, hour, day, month, weekday; of six the first is the second."""


def checked_cron(expression: str) -> str:
    """The expression with one blank between its fields.

    Raises:
        BadArguments: no cron expression, or one that never comes.
    """
    from croniter import croniter
    from croniter.croniter import CroniterError

    fields = expression.split()
    try:
        if len(fields) not in FIELDS:
            raise ValueError(f"it has {len(fields)} fields")
        croniter(expression, second_at_beginning=True).get_next(datetime)
    except (CroniterError, ValueError, KeyError) as error:
        raise BadArguments(
            f"{expression!r} is no cron expression ({error}).",
            f"Give five fields: minute, hour, day, month, weekday, in UTC; {EVERY_HOUR!r} is every hour.",
        ) from error
    return " ".join(fields)


def next_check(expression: str | None, now: datetime) -> str | None:
    """When the expression comes next, as ISO; None without one."""
    if expression is None:
        return None
    from croniter import croniter

    found: datetime = croniter(expression, now, second_at_beginning=True).get_next(datetime)
    return found.isoformat(timespec="minutes")


def set_schedule(workshop: "Workshop", monitor: "Monitor") -> None:
    """Make, change or (of a paused monitor) end the schedule; one without a schedule never had any.

    Raises:
        BadArguments: jobs run in this process, where nothing looks at the clock.
    """
    if monitor.schedule is not None:
        cron = None if monitor.paused else monitor.schedule
        workshop.jobs.schedule(f"monitor-{monitor.id}", cron, {"monitor": monitor.id})
