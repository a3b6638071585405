"""retrain_model: a challenger from old and fresh rows, and its contest with the champion on new rows."""

from typing import TYPE_CHECKING

from engine.errors import TooFewRows
from tools.drift import Retrained, RetrainModelRequest
from tools.packages import find_package
from tools.spec import Estimate, ToolSpec

if TYPE_CHECKING:
    from engine.monitoring.records import Monitor
    from tools.workshop import Workshop

LEAST_CONTEST = 100
LEAST_FRESH = 50


def retrain_model(workshop: "Workshop", request: RetrainModelRequest) -> Retrained:
    """Train challengers and let the better one compete. The champion stays whatever comes out.

    The sealed rows of the champion's dataset are not looked at; the contest is on logged rows that nobody trained on.

    Raises:
        NotFound: no such monitor, or no champion whose dataset is still there.
        TooFewRows: too few labels have come.
        Busy: `retraining_busy`, one is under way; one that won and waits for approval is declined by asking anew.
        JobFailed: cancelled before there was a challenger.
    """
    # here, not above: the command line reads the catalogue and must not load the training code for it
    from tools.retrain_job import RetrainJob

    check_retraining(workshop, request)
    return RetrainJob(workshop, request).work()


def check_retraining(workshop: "Workshop", request: RetrainModelRequest) -> None:
    """Refuse at once what cannot be retrained."""
    monitor = workshop.monitoring.monitors.get(request.monitor)
    _, info = find_package(workshop, champion_of(workshop, monitor))
    workshop.datasets.get(info.lineage.dataset)
    needed = LEAST_CONTEST + LEAST_FRESH
    labelled = workshop.monitoring.monitors.windows.recent_labelled(monitor.id, needed)
    if len(labelled) < needed:
        raise too_few(f"{len(labelled)} logged rows of {monitor.name!r} have labels")


def too_few(sentence: str) -> TooFewRows:
    """The error that says how many there are, how many are needed and where more come from."""
    return TooFewRows(
        f"{sentence}; {LEAST_CONTEST + LEAST_FRESH} are needed, of which {LEAST_CONTEST} are for the contest.",
        "Tell the true values of more predictions with log_labels.",
    )


def champion_of(workshop: "Workshop", monitor: "Monitor") -> str:
    """Id of the version in use: the champion where one was promoted, else the one that the monitor was made for."""
    records = [record for record in workshop.registry.list() if record.name == monitor.model]
    promoted = next((record for record in records if "champion" in record.aliases), None)
    return promoted.model_id if promoted else monitor.reference


def estimate_of_retraining(workshop: "Workshop", request: RetrainModelRequest) -> Estimate:
    """The budget is the time; memory from the old training rows."""
    monitor = workshop.monitoring.monitors.get(request.monitor)
    _, info = find_package(workshop, champion_of(workshop, monitor))
    frame = workshop.datasets.training_frame(info.lineage.dataset)
    return Estimate(
        seconds=request.budget_seconds + 5, memory_mb=round(6 * float(frame.memory_usage(deep=True).sum()) / 1e6, 1)
    )


TOOLS = (
    ToolSpec(
        name="retrain_model",
        description="Train challengers for a monitored model, on old and fresh labelled rows and, where there are "
        "enough, on the fresh ones alone, and let the better one compete with the champion on the newest labelled "
        "rows, which nobody was trained on (paired test; the sealed test set stays closed). Says who won with both "
        "metrics, the interval of the difference and p. Nothing is promoted: promote_model does that, after the user "
        "agrees. One at a time for each monitor.",
        request=RetrainModelRequest,
        result=Retrained,
        function=retrain_model,
        effect="compute",
        estimate=estimate_of_retraining,
        job=True,
        check=check_retraining,
    ),
)
