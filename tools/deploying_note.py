"""A deployment plan as a Markdown note. What comes from data is escaped."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from engine.figures import figure
from tools.deploying import DeploymentPlan, TrialPlan

if TYPE_CHECKING:
    from engine.package_info import PackageInfo


def note_of(plan: DeploymentPlan, info: "PackageInfo", now: datetime) -> str:
    """The note, ready to be kept."""
    from engine.report.render import markdown

    serving, watch, back = plan.serving, plan.monitoring, plan.rollback
    score = "no value" if info.metric.value is None else figure(info.metric.value)
    parts = [
        f"# Deployment of {markdown(plan.name)} v{plan.version}",
        f"{plan.model}, {markdown(info.kind)} for {markdown(info.target)}: {info.metric.name} {score} on "
        f"{info.metric.rows:,} sealed rows. Planned {now:%Y-%m-%d %H:%M} UTC. Nothing was deployed by this.",
        "## Serve",
        f"The package is {_code(serving.package)} ({figure(serving.size_mb)} MB, {len(serving.files)} files).",
        _list(map(markdown, serving.needs)),
        _block(serving.commands),
        "## Watch",
        f"Windows of {watch.window_rows:,} rows: {figure(watch.checks_per_day)} checks a day, one every "
        f"{figure(round(watch.hours_between_checks, 2))} hours.",
        _list(map(markdown, (*watch.rules, *watch.alarms, *watch.approvals))),
        _block(watch.commands),
        "## Try out",
        *_trial(plan.trial),
        "## Take back",
        _list(map(markdown, back.when)),
        _block(back.commands),
        "## Open risks",
        _list(map(markdown, plan.risks)) if plan.risks else "None is on record.",
    ]
    return "\n\n".join(parts) + "\n"


def _trial(trial: TrialPlan | None) -> list[str]:
    from engine.report.render import markdown

    if trial is None:
        return ["No A/B test could be worked out."]
    spread = "" if trial.deviation is None else f", standard deviation {figure(trial.deviation)}"
    return [
        f"{trial.measure.capitalize()}: {figure(trial.expected)} expected{spread}; a difference of "
        f"{figure(trial.detect)} is to be seen. {trial.rows_a:,} rows of the model in use and {trial.rows_b:,} of the "
        f"new one, which gets {trial.share:.0%} of the traffic: {figure(round(trial.days, 2))} days. "
        f"{markdown(trial.method[:1].upper() + trial.method[1:])}.",
        _list(map(markdown, trial.stop_rules)),
        _block(trial.commands),
        markdown(trial.note),
    ]


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _block(commands: Iterable[str]) -> str:
    # a name cannot end the block: it would have to begin a line
    return "\n".join(("```", *(" ".join(command.splitlines()) for command in commands), "```"))


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
