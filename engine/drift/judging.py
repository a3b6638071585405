"""From figures to levels: what was tested of a column, held against the policy."""

import math
from collections.abc import Iterator, Mapping

from engine.drift.found import ColumnDrift, Finding, FindingCode, Overlay, Role
from engine.drift.levels import Level, highest
from engine.drift.notes import notes_on
from engine.drift.policy import MetricThresholds, Policy, Thresholds
from engine.drift.shape import Compared, Rate, Shape
from engine.drift.statistics.tested import Tested
from engine.drift.wording import of_rows, share, subject
from engine.figures import figure

_CODES: Mapping[Role, FindingCode] = {
    "feature": "drift",
    "target": "target_drift",
    "prediction": "prediction_drift",
}


def level_of(effect: float, p_adjusted: float, thresholds: Thresholds, policy: Policy) -> Level:
    """The highest level that both the size of an effect and its corrected p-value support."""
    return min(thresholds.level(effect), policy.alpha.level(p_adjusted))


def judged(found: Compared, p_adjusted: Mapping[str, float], policy: Policy) -> ColumnDrift:
    """A column as it is reported. `p_adjusted` are the corrected p-values of `found.tests`, by name."""
    reference, current, shape = found.reference, found.current, found.shape
    findings = (*_findings(found, p_adjusted, policy), *notes_on(found))
    tested = shape.tested
    return ColumnDrift(
        name=reference.name,
        kind=reference.kind,
        role=reference.role,
        test=shape.test,
        statistic=tested.statistic if tested else None,
        p_value=tested.p_value if tested else None,
        p_adjusted=p_adjusted["shape"] if tested else None,
        effect=tested.effect if tested else None,
        psi=shape.psi.statistic if shape.psi else None,
        level=highest(finding.level for finding in findings),
        rows=current.rows,
        reference_rows=reference.rows,
        metrics=_metrics(found),
        findings=findings,
        overlay=shape.overlay,
    )


def _metrics(found: Compared) -> dict[str, float | None]:
    """All figures by name; None for what no double holds."""
    reference, current = found.reference, found.current
    rates: dict[str, float | None] = {
        "missing_rate": current.missing / max(current.rows, 1),
        "reference_missing_rate": reference.missing / max(reference.rows, 1),
    }
    if reference.steps is not None:
        rates["infinite_rate"] = current.infinite / max(current.rows, 1)
    if reference.counts is not None:
        rates["unseen_rate"] = 0.0
    rates |= {rate.name: rate.now / rate.now_of for rate in found.rates}
    figures = {**found.shape.metrics, **rates}
    return {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}


def _findings(found: Compared, p_adjusted: Mapping[str, float], policy: Policy) -> Iterator[Finding]:
    if found.shape.tested is not None:
        level = _shape_level(found, found.shape.tested, p_adjusted["shape"], policy)
        if level > Level.GREEN:
            yield _shape_finding(found, found.shape.tested, p_adjusted["shape"], level)
    for rate in found.rates:
        finding = _rate_finding(found, rate, p_adjusted[rate.name], policy)
        # a category that was never there is worth a word however few rows have it
        if finding.level > Level.GREEN or (rate.name == "unseen_rate" and rate.now):
            yield finding


def _shape_level(found: Compared, tested: Tested, p: float, policy: Policy) -> Level:
    shape = found.shape
    level = level_of(tested.effect, p, _of_test(shape, found.reference.role, policy.thresholds), policy)
    if shape.psi is None:
        return level
    return highest([level, level_of(shape.psi.effect, p, policy.thresholds.psi, policy)])


def _of_test(shape: Shape, role: Role, thresholds: MetricThresholds) -> Thresholds:
    if shape.test == "ks":
        return thresholds.prediction_ks if role == "prediction" else thresholds.ks
    return thresholds.cramers_v if shape.test == "chi2" else thresholds.domain_auc


def _shape_finding(found: Compared, tested: Tested, p: float, level: Level) -> Finding:
    figures: dict[str, float | None] = {"statistic": tested.statistic, "effect": tested.effect, "p_adjusted": p}
    if found.shape.psi is not None:
        figures["psi"] = found.shape.psi.statistic
    return Finding(
        code=_CODES[found.reference.role],
        level=level,
        sentence=f"{subject(found.reference)} {_change(found.shape, tested)}, adjusted p {p:.2g}.",
        column=found.reference.name,
        figures=figures,
    )


def _change(shape: Shape, tested: Tested) -> str:
    if shape.test == "ks":
        now, before = (figure(shape.metrics[name] or 0.0) for name in ("median", "reference_median"))
        return f"is distributed differently: its median is {now}, it was {before}; KS distance {tested.statistic:.3f}"
    if shape.test == "chi2":
        most = f" {_most_changed(shape.overlay)};" if shape.overlay else ""
        return f"has other shares:{most} Cramer's V {tested.effect:.3f}"
    auc = shape.metrics["domain_auc"] or 0.0
    return f"looks different: a classifier tells its rows from the reference's with an AUC of {auc:.3f}"


def _most_changed(overlay: Overlay) -> str:
    place = max(range(len(overlay.labels)), key=lambda at: abs(overlay.current[at] - overlay.reference[at]))
    return f"{overlay.labels[place]!r} has {share(overlay.current[place])}, it had {share(overlay.reference[place])}"


def _rate_finding(found: Compared, rate: Rate, p: float, policy: Policy) -> Finding:
    codes: Mapping[str, FindingCode] = {
        "missing_rate": "missing_rate",
        "infinite_rate": "infinite_rate",
        "unseen_rate": "unseen_categories",
    }
    thresholds = getattr(policy.thresholds, rate.name)
    fewer = rate.name == "unseen_rate" and rate.tested.statistic < 0
    return Finding(
        code=codes[rate.name],
        level=Level.GREEN if fewer else level_of(rate.tested.effect, p, thresholds, policy),
        sentence=f"{subject(found.reference)} {_rate_change(rate)}; adjusted p {p:.2g}.",
        column=found.reference.name,
        figures={
            "rate": rate.now / rate.now_of,
            "reference_rate": rate.before / max(rate.before_of, 1),
            "effect": rate.tested.effect,
            "p_adjusted": p,
        },
    )


def _rate_change(rate: Rate) -> str:
    now, before = of_rows(rate.now, rate.now_of), of_rows(rate.before, rate.before_of)
    if rate.name == "unseen_rate":
        expected = share(rate.before / max(rate.before_of, 1))
        return f"has categories that are not in the reference in {now}, where {expected} were to be expected"
    what = "missing" if rate.name == "missing_rate" else "infinite"
    return f"is {what} in {now}; in the reference it was in {before}"
