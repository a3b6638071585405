"""What a drift report says in words: how bad it is, and what each figure is called."""

from collections.abc import Sequence
from datetime import datetime

from engine.drift.found import DriftReport, MultivariateDrift, PerformanceDrift, StreamAlarm
from engine.drift.levels import Level
from engine.drift.policy import ActionName, RetrainRule
from engine.report.drift_subject import DriftSubject, in_utc
from engine.report.words import count, metric_label, number

LEVELS = {
    Level.GREEN: "As expected",
    Level.YELLOW: "A slight change",
    Level.ORANGE: "A clear change",
    Level.RED: "A severe change",
}
ACTIONS: dict[ActionName, str] = {
    "go_on": "Go on as before",
    "watch_closer": "Watch it closer",
    "prepare_retraining": "Prepare a retraining",
    "roll_back_and_retrain": "Roll back, then retrain",
}
TESTS = {
    "ks": "KS",
    "chi2": "chi-squared",
    "domain_classifier": "classifier",
    "mmd": "MMD",
    "rates": "missing values",
    "none": "–",
}
THRESHOLDS = {
    "psi": "PSI",
    "ks": "effect, numbers (KS)",
    "cramers_v": "effect, categories (Cramér's V)",
    "missing_rate": "rows without a value, more or fewer than before",
    "infinite_rate": "infinite values, more or fewer than before",
    "unseen_rate": "values that the reference does not have",
    "domain_auc": "all columns together (ROC AUC)",
    "reconstruction": "all columns together (reconstruction)",
    "prediction_ks": "effect, predictions",
    "metric_drop": "loss of the metric, as a share of what was expected",
    "importance_change": "change of what the model relies on",
}
_LEAST_P = 0.0001


def verdict(report: DriftReport) -> str:
    """The one sentence: how bad, in what, and compared with what."""
    against = f"{_rows(report.rows, 'new')} compared with {_rows(report.reference_rows, 'reference')}"
    parts = [_features(report), _performance(report), against]
    return f"{LEVELS[report.level]}: {'; '.join(part for part in parts if part)}."


def best_known(performance: Sequence[PerformanceDrift]) -> PerformanceDrift | None:
    """The metric as measured on labels, or else as estimated; None where neither has a value."""
    valued = [found for found in performance if found.value is not None]
    return min(valued, key=lambda found: found.source != "labels", default=None)


def due(subject: DriftSubject) -> str:
    """Until when the action is to be done; '' for no date."""
    if subject.action is None or subject.action.due is None:
        return ""
    return "now" if subject.action.due <= subject.at else f"by {moment(subject.action.due)}"


def within(hours: float | None) -> str:
    """How soon an action is to be done; '' for no date."""
    if hours is None:
        return ""
    return f"within {number(hours)} {'hour' if hours == 1 else 'hours'}" if hours else "at once"


def moment(at: datetime) -> str:
    """To the minute, in UTC."""
    return f"{in_utc(at):%Y-%m-%d %H:%M} UTC"


def share(value: float | None) -> str:
    """A share in per cent; '' for one that is not known."""
    if value is None:
        return ""
    return "< 0.1 %" if 0 < value < 0.001 else f"{100 * value:.3g} %"


def p_value(value: float | None) -> str:
    """A p-value; far below any alpha its size says nothing."""
    return f"< {_LEAST_P}" if value is not None and value < _LEAST_P else number(value)


def interval(ends: tuple[float, float] | None) -> str:
    """' (95 % interval 0.71 to 0.77)', or ''."""
    return f" (95 % interval {number(ends[0])} to {number(ends[1])})" if ends else ""


def all_columns(found: MultivariateDrift) -> list[str]:
    """What a classifier and the principal components say about all columns together."""
    sentences = []
    if found.auc is not None:
        sentences.append(
            f"A classifier tells {_rows(found.rows, 'new')} from {_rows(found.reference_rows, 'reference')} with a ROC "
            f"AUC of {number(found.auc)}{interval(found.interval)}; 0.5 is guessing, 1 is never wrong."
        )
    if found.reconstruction is not None:
        sentences.append(
            "Reduced to the main directions of the reference and built up again, new rows come out differently from "
            f"reference rows by {number(found.reconstruction)}, where 0 is not at all and 1 is entirely "
            f"(p {p_value(found.reconstruction_p_value)})."
        )
    return sentences


def source(found: PerformanceDrift) -> str:
    """Where a metric comes from."""
    return "measured on labels" if found.source == "labels" else "estimated without labels"


def worse(drop: float | None) -> str:
    """How much worse the metric is than expected; a dash for what is not known."""
    if drop is None:
        return number(None)
    return share(drop) if drop >= 0 else f"better by {share(-drop)}"


def stream(alarm: StreamAlarm) -> str:
    """Whether a detector rang, and where."""
    if alarm.first is None:
        return f"silent in {_rows(alarm.rows)}"
    when = f", {moment(alarm.at)}" if alarm.at else ""
    return f"rang at row {count(alarm.first + 1)} of {count(alarm.rows)}{when}"


def retrain_rule(rule: RetrainRule) -> str:
    """When the policy asks for a retraining."""
    features = "one feature is" if rule.features == 1 else f"{rule.features} features are"
    windows = "last window is" if rule.windows == 1 else f"last {rule.windows} windows is, on average,"
    return (
        f"A retraining is asked for when {features} at YELLOW or higher, or when the metric of the {windows} "
        f"{share(rule.drop)} worse than expected."
    )


def more(number_of: int, thing: str) -> str:
    """'1 more column', '12 more columns'."""
    return f"{count(number_of)} more {thing}{'' if number_of == 1 else 's'}"


def _features(report: DriftReport) -> str:
    features = sum(column.role == "feature" for column in report.columns.values())
    if not features:
        return ""
    return f"{len(report.drifted) or 'none'} of {count(features)} features changed enough to matter"


def _performance(report: DriftReport) -> str:
    found = best_known(report.performance)
    if found is None:
        return ""
    expected = f" where {number(found.baseline)} was expected" if found.baseline is not None else ""
    return f"{metric_label(found.metric)}, {source(found)}, is {number(found.value)}{expected}"


def _rows(rows: int, which: str = "") -> str:
    return " ".join(word for word in (count(rows), which, "row" if rows == 1 else "rows") if word)
