"""What becomes of a challenger that won its contest, once somebody has decided about it.

A challenger that won waits for as long as the champion that it beat is the champion, and no longer: it is promoted or
declined, or passed over by another promotion, or a later retraining takes its place (see `tools.retrain_job`).
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engine.monitoring.records import Retraining
    from tools.workshop import Workshop


def settle(workshop: "Workshop", name: str, champion: str, *, lost: str | None = None) -> None:
    """Bring the retrainings of a registered name in line with its champion; a second time changes nothing.

    Args:
        champion: id of the model that is the champion of `name` now.
        lost: id of the model that lost this place because it was rolled back, if one was.
    """
    if not workshop.monitoring.in_use:
        return
    monitors = workshop.monitoring.monitors
    for monitor in [one for one in monitors.list() if one.model == name]:
        for retraining in monitors.retrainings.list(monitor.id):
            outcome = _outcome(retraining, champion, lost)
            if outcome is not None:
                monitors.retrainings.finish(retraining.id, outcome, at=workshop.now())
                _nothing_waits(workshop, monitor.id)


def decline(workshop: "Workshop", retraining: str) -> None:
    """Note that the challenger of a retraining is not wanted; nothing changes where none waits.

    Raises:
        NotFound: no such retraining.
    """
    retrainings = workshop.monitoring.monitors.retrainings
    found = retrainings.get(retraining)
    if found.state == "won":
        retrainings.finish(retraining, "declined", at=workshop.now())
    _nothing_waits(workshop, found.monitor)


def _nothing_waits(workshop: "Workshop", monitor: str) -> None:
    """What was told to wait for a decision is decided, by whichever way it was."""
    workshop.monitoring.alerts.resolve(f"decision:{monitor}", tell=False)


def _outcome(
    retraining: "Retraining", champion: str, lost: str | None
) -> Literal["promoted", "declined", "rolled_back"] | None:
    if retraining.state == "promoted" and retraining.challenger == lost:
        return "rolled_back"
    if retraining.state != "won" or retraining.champion == champion:
        return None
    return "promoted" if retraining.challenger == champion else "declined"
