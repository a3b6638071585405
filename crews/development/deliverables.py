"""The pages that the crew hands over. Their figures are read from the ledger; the agents' words stand apart."""

from collections.abc import Callable, Sequence

from crews.brief import Brief, Review, TaskOutcome
from crews.development.rules import model_of, recommended, result_in, seconds_of, trainings, tuned_variants
from crews.ledger import Ledger
from crews.markdown import bullets, code, page, plain, quoted, section, table
from engine.figures import figure
from tools.data import DatasetProfile
from tools.deploying import DeploymentPlan
from tools.testing import ModelTest
from tools.training import Explanation, TrainingEstimate, TrainingResult

NOTHING = "The ledger holds no result for this."
MOST_COLUMNS = 40
ROUND = ("round", "candidates so far", "tuned variants", "best", "validation", "gain", "seconds")
Render = Callable[[Brief, Ledger], list[str]]


def analysis(brief: Brief, ledger: Ledger) -> list[str]:
    """What is in the data, and which models are worth training."""
    profile = result_in(ledger, "profile_dataset", DatasetProfile)
    if profile is None:
        return [section("Data", NOTHING)]
    estimate = result_in(ledger, "estimate_training", TrainingEstimate)
    columns = sorted(profile.columns, key=lambda column: -(column.relation or 0.0))
    rows = [
        (column.name, column.kind, column.missing, column.distinct, column.relation)
        for column in columns[:MOST_COLUMNS]
        if column.name != brief.target
    ]
    chosen = recommended(brief, profile, estimate)
    parts = [
        section(
            "Data",
            f"{profile.rows:,} training rows, {len(profile.columns)} columns; target {plain(brief.target)} "
            f"({plain(estimate.task if estimate else profile.task)}). The sealed test rows are not described.",
            table(("class", "share"), profile.class_shares.items()) if profile.class_shares else "",
        ),
        section("Warnings", bullets(profile.warnings) if profile.warnings else "None."),
        section("Columns, most related first", table(("column", "kind", "missing", "distinct", "relation"), rows)),
        section("Recommendation", f"Train {', '.join(chosen.models)}. {plain(chosen.why)}"),
    ]
    if estimate is not None:
        measured = table(("candidate", "seconds"), ((row.model, row.seconds) for row in estimate.candidates))
        what = f"Judged by {estimate.metric}, {estimate.validation}; {figure(estimate.memory_mb)} MB of memory."
        parts.append(section("Timed pilot", what, measured, bullets(estimate.notes) if estimate.notes else ""))
    return parts


def model(brief: Brief, ledger: Ledger) -> list[str]:
    """What was trained, how good it is, what tuning gained, what it relies on."""
    rounds, final = trainings(ledger), model_of(ledger, brief)
    if final is None:
        return [section("Model", NOTHING)]
    assert final.metric is not None
    low, high = final.metric.ci
    explained = result_in(ledger, "explain_model", Explanation)
    importance = explained.importance if explained is not None else final.importance
    board = ((row.model, row.status, row.validation, row.seconds) for row in final.leaderboard)
    return [
        section(
            "Model",
            f"{final.model}: {plain(final.best)}",
            f"{final.metric.name} {figure(final.metric.value)} on {final.metric.rows:,} sealed rows "
            f"(95 % interval {figure(low)} to {figure(high)}).",
            _validation(final),
        ),
        section("Rounds", table(ROUND, _rounds(rounds, tuned_variants(ledger)))),
        section("Leaderboard", table(("candidate", "status", "validation", "seconds"), board)),
        section(
            "What it relies on",
            "Loss of the metric when a column is shuffled, on rows held out from the fit.",
            table(("column", "importance", "deviation"), ((r.column, r.importance, r.deviation) for r in importance)),
        ),
        section("Files", bullets(filter(None, (final.package, final.report)))),
        section("Notes", bullets(final.notes)) if final.notes else "",
    ]


def _validation(result: TrainingResult) -> str:
    if result.validation is None or result.baseline is None:
        return ""
    value, dummy = figure(result.validation.value), figure(result.baseline.value)
    return f"Validated by {result.validation.method}: {value}; the baseline has {dummy}."


def _rounds(rounds: Sequence[TrainingResult], tuned: Sequence[int]) -> list[tuple[object, ...]]:
    """Each training with what it gained over the one before, in units of the metric; positive is better."""
    from engine.metrics import METRICS

    out: list[tuple[object, ...]] = []
    before: TrainingResult | None = None
    for number, result in enumerate(rounds, 1):
        now, gain = result.validation, None
        if before is not None and now is not None and before.validation is not None and before.run == result.run:
            gain = METRICS[now.name].improvement(now.value, before.validation.value)
        name = f"{number}, sealed rows looked at" if result.model else number
        score = now.value if now else None
        out.append((name, len(result.leaderboard), tuned[number - 1], result.best, score, gain, result.seconds))
        before = result
    return out


def qa(brief: Brief, ledger: Ledger) -> list[str]:
    """Edge cases and requirements."""
    found = result_in(ledger, "test_model", ModelTest)
    if found is None:
        return [section("Verdict", NOTHING)]
    checks = ((check.name, check.status, check.detail) for check in found.checks)
    required = ((check.name, check.status, check.detail) for check in found.requirements)
    return [
        section("Verdict", f"{'Passed' if found.passed else 'Not passed'}. {plain(found.summary)}"),
        section("Requirements", _asked(brief), table(("requirement", "status", "detail"), required)),
        section(
            "Edge cases",
            f"Made on {found.rows:,} training rows; the sealed test rows are not read.",
            table(("check", "status", "detail"), checks),
        ),
        section("Files", bullets([found.file])),
    ]


def _asked(brief: Brief) -> str:
    given = brief.demands.given
    return "Asked for: " + "; ".join(f"{plain(k)} {plain(v)}" for k, v in given.items()) if given else "None was given."


def deployment(brief: Brief, ledger: Ledger) -> list[str]:
    """Serving, monitoring, the A/B test and the way back."""
    plan = result_in(ledger, "plan_deployment", DeploymentPlan)
    if plan is None:
        return [section("Plan", NOTHING)]
    served, watched, back = plan.serving, plan.monitoring, plan.rollback
    return [
        section("Plan", plain(plan.summary), f"Model {plan.model}, version {plan.version} of {plain(plan.name)}."),
        section("Serving", f"{figure(served.size_mb)} MB.", bullets(served.needs), code(served.commands)),
        section(
            "Monitoring",
            f"A check waits for {watched.window_rows:,} rows, which is {figure(watched.checks_per_day)} a day.",
            bullets((*watched.rules, *watched.alarms, *watched.approvals)),
            code(watched.commands),
        ),
        section("A/B test", *_trial(plan)),
        section("Rollback", bullets(back.when), f"Back to: {plain(back.back_to)}.", code(back.commands)),
        section("Risks", bullets(plan.risks)),
        section("Files", bullets([plan.file])),
    ]


def _trial(plan: DeploymentPlan) -> list[str]:
    trial = plan.trial
    if trial is None:
        return ["It cannot be worked out; the risks say why."]
    sizes = (
        f"Measure: {trial.measure}. {trial.rows_a:,} rows by the model in use and {trial.rows_b:,} by the new one, "
        f"{figure(trial.days)} days, see a difference of {figure(trial.detect)}."
    )
    return [sizes, plain(trial.method), bullets(trial.stop_rules), plain(trial.note)]


PAGES: dict[str, tuple[str, str, Render]] = {
    "analyse": ("analysis", "Analysis", analysis),
    "implement": ("model", "Model", model),
    "test": ("qa", "QA report", qa),
    "deploy": ("deployment", "Deployment note", deployment),
}
"""By task: the name of its file, its title, and what it says."""


def deliverable(task: str, brief: Brief, ledger: Ledger, outcome: TaskOutcome, missing: Sequence[str]) -> str:
    """The page of a task."""
    _, title, render = PAGES[task]
    return page(
        f"{title}: {plain(brief.target)}",
        f"Crew run {brief.run}, dataset {brief.dataset}. Figures are those of tool results; only the last section "
        "holds the agent's own words.",
        section("Not done", bullets(missing)) if missing else "",
        *render(brief, ledger),
        section(f"In the words of the {outcome.agent}", quoted(outcome.output)),
    )


def report(
    brief: Brief,
    ledger: Ledger,
    outcomes: Sequence[TaskOutcome],
    reviews: Sequence[Review],
    missing: Sequence[str],
    struck: Sequence[str],
) -> str:
    """The page over all tasks."""
    final, tested = model_of(ledger, brief), result_in(ledger, "test_model", ModelTest)
    calls = ((one.task, one.agent, one.tool, "yes" if one.ok else one.result, seconds_of(one)) for one in ledger.calls)
    return page(
        f"Crew run {brief.run}",
        section(
            "Result",
            f"Goal: {plain(brief.goal)}",
            f"Dataset {brief.dataset}, target {plain(brief.target)}, {brief.process}.",
            _headline(final),
            f"QA: {plain(tested.summary)}" if tested else "QA: no result.",
        ),
        section("Not done", bullets(missing)) if missing else "",
        section("Tasks", table(("task", "agent", "file"), ((o.name, o.agent, o.artifacts[0]) for o in outcomes))),
        section("The manager", table(("task", "verdict", "why"), ((r.task, r.verdict, r.why) for r in reviews)))
        if reviews
        else "",
        section("Figures without a source", bullets(struck)) if struck else "",
        section("Tool calls", table(("task", "agent", "tool", "succeeded", "seconds"), calls)),
    )


def _headline(final: TrainingResult | None) -> str:
    if final is None or final.metric is None:
        return "No model."
    low, high = final.metric.ci
    return (
        f"Model {final.model}: {final.metric.name} {figure(final.metric.value)} on {final.metric.rows:,} sealed rows "
        f"(95 % interval {figure(low)} to {figure(high)})."
    )
