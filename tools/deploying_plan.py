"""Planning a deployment from what is recorded of a model: serving, monitoring, A/B test, rollback, risks."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from engine.drift.policy import MetricThresholds, Policy
from engine.figures import figure
from tools.deploying import (
    DeploymentPlan,
    DeploymentPlanRequest,
    MonitoringPlan,
    RollbackPlan,
    ServedFile,
    ServingPlan,
)
from tools.finding import find_dataset
from tools.packages import find_package, model_size_mb, size_mb
from tools.spec import Estimate, ToolSpec
from tools.testing_models import last_test, unseen_of
from tools.watching import WINDOW_ROWS

if TYPE_CHECKING:
    from engine.monitoring.records import Monitor
    from engine.package_info import PackageInfo
    from engine.qa.subject import Unseen
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

FOLDER = "deployments"
MOST_CHECKS_A_DAY = 24
LEAST_WINDOW = 100
DAYS_OF_A_WEEK = 7
MB = 1e6
NETWORKS = frozenset({"network", "lstm", "encoder", "resnet"})
SHOWN_THRESHOLDS = {
    "psi": "the population stability index of a column",
    "ks": "the Kolmogorov-Smirnov distance of a numeric column",
    "cramers_v": "Cramer's V of a category column",
    "missing_rate": "the share of missing cells of a column, above that of training",
    "prediction_ks": "the Kolmogorov-Smirnov distance of the predictions",
    "metric_drop": "the relative drop of the metric, once labels are there",
}


def plan_deployment(workshop: "Workshop", request: DeploymentPlanRequest) -> DeploymentPlan:
    """Work the plan out, and write it into the home as a note to read. Nothing is deployed or promoted.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole.
        DiskFull, HomeNotWritable: the note cannot be written.
    """
    from engine.files import write_atomic
    from tools.deploying_note import note_of
    from tools.deploying_risks import risks_of
    from tools.deploying_trial import trial_of

    record, info = find_package(workshop, request.model)
    unseen = _unseen(workshop, record, info)
    trial = trial_of(request, record, info, unseen)
    file = workshop.home / FOLDER / f"{record.model_id}.md"
    plan = DeploymentPlan(
        model=record.model_id,
        name=record.name,
        version=record.version,
        serving=_serving(record, info),
        monitoring=_monitoring(workshop, record, info.target, request.rows_per_day),
        trial=trial,
        rollback=_rollback(workshop, record),
        risks=risks_of(workshop, record, info, last_test(workshop, record.model_id), trial),
        summary="",
        file=str(file),
    )
    plan = plan.model_copy(update={"summary": _summary(plan)})
    write_atomic(file, note_of(plan, info, workshop.now()))
    return plan


def _unseen(workshop: "Workshop", record: "ModelRecord", info: "PackageInfo") -> "Unseen | None":
    from engine.errors import NotFound

    try:
        dataset = find_dataset(workshop, info.lineage.dataset)
    except NotFound:
        return None
    return unseen_of(workshop, record, workshop.datasets.training_frame(dataset.id), info.lineage.seed)


def _serving(record: "ModelRecord", info: "PackageInfo") -> ServingPlan:
    files = sorted(path for path in record.package.rglob("*") if path.is_file())
    model, named = shlex.quote(record.model_id), shlex.quote(f"{record.name}@champion")
    return ServingPlan(
        package=str(record.package),
        size_mb=size_mb(record.package),
        files=tuple(
            ServedFile(path=path.relative_to(record.package).as_posix(), size_mb=round(path.stat().st_size / MB, 4))
            for path in files
        ),
        needs=_needs(info, model_size_mb(record.package)),
        commands=(
            f"millwright models promote {model}",
            "millwright serve --host 127.0.0.1 --port 8000",
            f"millwright predict --model {named} --data rows.csv --out predictions.csv",
        ),
    )


def _needs(info: "PackageInfo", answering_mb: float) -> tuple[str, ...]:
    versions = info.lineage.libraries
    wanted = ["numpy", "pandas"]
    families = {member.name.partition("/")[0].partition("-t")[0] for member in info.members}
    if info.optimised is not None and info.optimised.variant.startswith(("onnx", "pruned", "student", "sparse")):
        wanted.append("onnxruntime")
    else:
        wanted += ["lightgbm"] if "lightgbm" in families else []
        wanted += ["scikit-learn", "skops"] if families & {"linear", "forest", "dummy"} else []
        wanted += ["torch"] if families & NETWORKS else []
    libraries = ", ".join(f"{name} {versions[name]}" for name in wanted if name in versions)
    return (
        f"Python {versions.get('python', '3.11')}, {libraries} (as it was trained with)",
        f"{figure(answering_mb)} MB of weights in memory for every process, beside the libraries",
        f"{len(info.columns)} columns in every row, in any order; cells may be empty: "
        + ", ".join(f"{column.name!r} ({column.kind})" for column in info.columns[:20])
        + (f" and {len(info.columns) - 20} more" if len(info.columns) > 20 else ""),
        "No GPU" if info.optimised is None or "cuda" not in info.optimised.variant else "An NVIDIA GPU",
    )


def _monitoring(workshop: "Workshop", record: "ModelRecord", target: str, rows_per_day: float) -> MonitoringPlan:
    watching = _monitor(workshop, record.name)
    policy = Policy() if watching is None else workshop.monitoring.policy(watching.id)
    rows = window_rows(rows_per_day)
    monitor = record.name if watching is None else watching.name
    if watching is not None and watching.window.rows is not None:
        rows = watching.window.rows
    named = shlex.quote(monitor)
    made = f"millwright monitor create {shlex.quote(record.name)} --rows {rows}"
    return MonitoringPlan(
        window_rows=rows,
        checks_per_day=round(rows_per_day / rows, 4),
        hours_between_checks=round(24 * rows / rows_per_day, 4),
        rules=_rules(policy),
        alarms=_alarms(policy),
        approvals=(
            "promote_model and roll_back_model change what others use: the user approves each.",
            "create_monitor keeps what is predicted and tells others: the user approves it.",
            "A retraining may begin by itself when the policy says so; its model goes into use only when the user "
            "approves it.",
        ),
        commands=(
            *(() if watching is not None else (made,)),
            f"millwright monitor check {named}",
            f"millwright monitor status {named}",
            f"millwright monitor label {named} --data truth.csv --id-column row_id "
            f"--label-column {shlex.quote(target)}",
            f"millwright monitor actions {named}",
        ),
    )


def window_rows(rows_per_day: float) -> int:
    """Rows of a window: 500, more where that would be over a check an hour, fewer where it would be over a week."""
    rows = WINDOW_ROWS
    if rows_per_day / rows > MOST_CHECKS_A_DAY:
        rows = min(1_000_000, round(rows_per_day / MOST_CHECKS_A_DAY))
    elif rows_per_day * DAYS_OF_A_WEEK < rows:
        rows = max(LEAST_WINDOW, round(rows_per_day * DAYS_OF_A_WEEK))
    return rows


def _monitor(workshop: "Workshop", name: str) -> "Monitor | None":
    """The monitor that watches the name already."""
    if not workshop.monitoring.in_use:
        return None
    return next((one for one in workshop.monitoring.monitors.list() if one.model == name), None)


def _rules(policy: Policy) -> tuple[str, ...]:
    steps: MetricThresholds = policy.thresholds
    alpha = policy.alpha
    lines = []
    for name, what in SHOWN_THRESHOLDS.items():
        limit = getattr(steps, name)
        lines.append(f"YELLOW from {limit.yellow:g}, ORANGE from {limit.orange:g}, RED from {limit.red:g}: {what}.")
    acts = policy.actions
    return (
        *lines,
        f"A level also needs a p-value, corrected for all tests, of at most {alpha.yellow:g} (YELLOW), "
        f"{alpha.orange:g} (ORANGE) or {alpha.red:g} (RED).",
        *(
            f"At {level}: {act.name.replace('_', ' ')}{_due(act.due_hours)}."
            for level, act in (("YELLOW", acts.yellow), ("ORANGE", acts.orange), ("RED", acts.red))
        ),
        f"Retraining is advised at {policy.retrain.features} columns at YELLOW or higher, or when the mean metric of "
        f"{policy.retrain.windows} windows is {policy.retrain.drop:.0%} below the baseline.",
    )


def _due(hours: float | None) -> str:
    if hours is None:
        return ""
    return ", at once" if hours == 0 else f", within {hours:g} hours"


def _alarms(policy: Policy) -> tuple[str, ...]:
    alerts = policy.alerts
    routes = (("YELLOW", alerts.yellow), ("ORANGE", alerts.orange), ("RED", alerts.red))
    return (
        *(f"{level}: {', '.join(channels) or 'nobody'}, as far as they are configured." for level, channels in routes),
        f"The same trouble is told again after {alerts.repeat_hours:g} hours, or when its level rises.",
    )


def _rollback(workshop: "Workshop", record: "ModelRecord") -> RollbackPlan:
    from engine.errors import NotFound

    try:
        champion = workshop.registry.get(f"{record.name}@champion")
    except NotFound:
        champion = None
    before = workshop.registry.previous(record.name) if champion and champion.model_id == record.model_id else champion
    name, named = shlex.quote(record.name), shlex.quote(f"{record.name}@champion")
    if before is None:
        return RollbackPlan(
            when=(
                "There is no champion before it, so there is nothing to roll back to: keep what is used today ready, "
                "and promote another version to take this one out.",
            ),
            commands=("millwright models list",),
            back_to=None,
        )
    return RollbackPlan(
        when=(
            "At a RED level, on errors, or when the A/B test shows that it is worse.",
            "It takes effect with the next request: the alias goes back, and no process is started again.",
        ),
        commands=(
            f"millwright models rollback {name}",
            f"millwright models show {named}",
            f"millwright models promote {shlex.quote(before.model_id)}",
        ),
        back_to=before.model_id,
    )


def _summary(plan: DeploymentPlan) -> str:
    trial, watch = plan.trial, plan.monitoring
    tried = "no A/B test could be worked out"
    if trial is not None:
        tried = (
            f"an A/B test of {trial.rows_a:,} + {trial.rows_b:,} rows ({figure(round(trial.days, 1))} days) sees a "
            f"difference of {figure(round(trial.detect, 4))} in the {trial.measure}"
        )
    back = f"roll back to {plan.rollback.back_to}" if plan.rollback.back_to else "nothing to roll back to yet"
    return (
        f"{plan.name} v{plan.version}: {figure(plan.serving.size_mb)} MB to serve; {figure(watch.checks_per_day)} "
        f"drift checks a day on windows of {watch.window_rows:,} rows; {tried}; {back}; {len(plan.risks)} open risk(s)."
    )


def estimate_plan(workshop: "Workshop", request: DeploymentPlanRequest) -> Estimate:
    """Reading the training rows is most of it."""
    record, info = find_package(workshop, request.model)
    return Estimate(
        seconds=round(0.5 + 1e-6 * info.lineage.rows * len(info.columns), 2), memory_mb=_memory(record, info)
    )


def _memory(record: "ModelRecord", info: "PackageInfo") -> float:
    profile = Path(record.package) / "profile.json"
    return round((profile.stat().st_size if profile.is_file() else 0) / MB + 1e-4 * info.lineage.rows, 1)


TOOLS = (
    ToolSpec(
        name="plan_deployment",
        description="Write the deployment note of a registered model: how it is served (package, files, needs), the "
        "monitoring plan (windows, levels, who is told, who approves), an A/B test with the rows and days it needs at "
        "the given traffic and its stop rules, the commands to roll back, and open risks. Nothing is deployed.",
        request=DeploymentPlanRequest,
        result=DeploymentPlan,
        function=plan_deployment,
        effect="compute",
        estimate=estimate_plan,
    ),
)
