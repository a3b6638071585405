import re
import shlex
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest

from engine.drift.found import (
    ColumnDrift,
    DriftReport,
    Finding,
    ImportanceDrift,
    MultivariateDrift,
    PerformanceDrift,
    StreamAlarm,
)
from engine.drift.levels import Level
from engine.drift.policy import ActionName, MetricThresholds, Policy, RetrainRule
from engine.report import drift_words
from engine.report.drift import Advice, CheckPoint, DriftSubject, NextAction, PastAlert, render_drift_report
from engine.report.drift_steps import steps
from tests.engine.report.drift_example import (
    HOSTILE,
    NOON,
    Page,
    categories,
    compared,
    everything,
    numbers,
    watched,
    windows,
)

SECTIONS = [
    "What to do",
    "What changed",
    "Then and now, column by column",
    "Drift over time",
    "How well the model does",
    "What the model relies on, then and now",
    "All columns together",
    "What happened before",
    "How it was judged",
]


@pytest.fixture(scope="module")
def full() -> str:
    report = everything(numbers(), categories(), numbers("calm", Level.GREEN, findings=()))
    return render_drift_report(watched(report), windows(9))


@pytest.fixture(scope="module")
def wide() -> str:
    columns = [numbers(f"red {place}.") for place in range(20)]
    columns += [categories(f"calm {place}.", Level.GREEN) for place in range(180)]
    return render_drift_report(watched(everything(*columns)), windows(200, tuple(column.name for column in columns)))


@pytest.fixture(scope="module")
def hostile() -> str:
    drawn = [categories(HOSTILE[0], labels=tuple(HOSTILE)), numbers(HOSTILE[1])]
    columns = [*drawn, *(numbers(name, overlay=None) for name in HOSTILE[2:])]
    return render_drift_report(watched(everything(*columns, name=HOSTILE[0]), HOSTILE[0]), windows(4, tuple(HOSTILE)))


def once(report: DriftReport, **more: object) -> DriftSubject:
    return DriftSubject.model_validate({"at": NOON, "report": report, **more})


def test_a_page_stands_alone(full: str) -> None:
    page = Page(full)
    assert not set(page.tags) & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
    assert all(address.startswith("#") for address in page.addresses)
    assert not page.handlers
    assert not re.search(r"url\((?!#)|@import|src=", full)


def test_the_sections_follow_what_a_reader_asks(full: str) -> None:
    assert Page(full).headings == SECTIONS


def test_the_drawings_of_a_page_are_well_formed_and_share_no_id(full: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", full, flags=re.DOTALL)
    ids = [e.attrib["id"] for drawing in drawings for e in ElementTree.fromstring(drawing).iter() if "id" in e.attrib]
    assert len(drawings) == 8
    assert len(ids) == len(set(ids))


def test_a_page_says_how_bad_what_to_do_and_until_when(full: str) -> None:
    line = Page(full).line
    assert (
        "RED A severe change: 2 of 3 features changed enough to matter; ROC AUC, measured on labels, is 0.8123 " in line
    )
    assert "where 0.8934 was expected; 1,200 new rows compared with 9,000 reference rows." in line
    assert "Roll back, then retrain, by 2026-03-01 16:00 UTC." in line
    assert "millwright models rollback churn-watch" in line
    assert "millwright monitor retrain churn-watch" in line


def test_the_table_has_the_figures_of_a_column_and_the_serious_one_is_first(full: str) -> None:
    line = Page(full).line
    assert "age RED number KS 0.31 0.28 0.22 < 0.0001 12 % (2 %)" in line
    assert line.index("age RED number") < line.index("plan YELLOW category") < line.index("calm GREEN number")


def test_performance_streams_slices_importance_and_history_are_told(full: str) -> None:
    line = Page(full).line
    for told in (
        "0.79 to 0.83 0.8934 9.08 %",
        "ADWIN rang at row 813 of 1,200, 2026-03-01 12:00 UTC",
        "DDM silent in 1,200 rows",
        "churn-watch 120 10 % 0.41 0.18",
        "23 % moved from some columns to others",
        "ROC AUC of 0.74 (95 % interval 0.71 to 0.77)",
    ):
        assert told in line


def test_the_policy_that_judged_is_shown() -> None:
    own = Policy(
        thresholds=MetricThresholds.model_validate({"psi": {"yellow": 0.111, "orange": 0.222, "red": 0.333}}),
        retrain=RetrainRule(features=1, windows=1, drop=0.07),
    )
    line = Page(render_drift_report(once(compared(), policy=own))).line
    assert "PSI 0.111 0.222 0.333" in line
    assert "alpha: adjusted p, at most 0.05 0.005 0.001" in line
    assert "RED Roll back, then retrain at once slack, webhook, email, pagerduty" in line
    assert "ORANGE Prepare a retraining within 48 hours" in line
    assert "one feature is at YELLOW or higher, or when the metric of the last window is 7 % worse" in line


def test_every_threshold_and_action_of_a_policy_has_its_words() -> None:
    assert set(drift_words.THRESHOLDS) == set(MetricThresholds.model_fields)
    assert set(drift_words.ACTIONS) == {getattr(Policy().actions, level.lower()).name for level in Level}


@pytest.mark.parametrize("level", list(Level))
def test_a_level_is_a_word_and_never_only_a_colour(level: Level) -> None:
    html = render_drift_report(once(compared(numbers(level=level, overlay=None))))
    badges = re.findall(r'<span class="level (\w+)">(\w+)</span>', html)
    assert (level.lower(), level.value) in badges
    assert all(colour == word.lower() for colour, word in badges)
    assert f"{level} {drift_words.LEVELS[level]}:" in Page(html).line


def test_names_from_the_data_are_shown_and_do_nothing(hostile: str) -> None:
    page = Page(hostile)
    assert not set(page.tags) & {"script", "img"}
    assert not page.handlers
    assert "<script>alert(1)</script>" in page.words
    assert "$x_1$ {{ 7 * 7 }}" in page.words
    assert "49 }}" not in page.words


def test_a_page_can_be_stored_whatever_the_names_hold(hostile: str) -> None:
    assert not re.search("[\x00\x07\u202e]", hostile)
    assert len(hostile.encode()) > 10_000
    assert "x" * 301 not in hostile


def test_equal_findings_give_equal_bytes(full: str) -> None:
    report = everything(numbers(), categories(), numbers("calm", Level.GREEN, findings=()))
    assert render_drift_report(watched(report), windows(9)) == full


def test_two_hundred_columns_and_windows_stay_a_small_page(wide: str) -> None:
    line = Page(wide).line
    assert len(wide.encode()) < 1_500_000
    assert all(f"calm {place}. GREEN" in line for place in range(180))
    assert wide.count('class="small"') == 12 + 24
    assert "24 more columns (164 less changed ones are not drawn)" in line
    assert "160 more columns" in line
    assert "The 170 least changed features are not shown." in line
    assert "and 140 older ones." in line


def test_two_tables_compared_once_have_no_past_and_no_task() -> None:
    page = Page(render_drift_report(once(compared(numbers("age"), categories("plan")))))
    assert page.headings == ["What changed", "Then and now, column by column", "How it was judged"]
    assert "millwright" not in page.words
    assert "New rows and reference rows" in page.words


def test_the_first_window_of_a_monitor_has_no_course_over_time() -> None:
    page = Page(render_drift_report(watched(compared(numbers())), windows(1)))
    assert "Drift over time" not in page.headings


def test_a_page_of_nothing_known_is_a_page_without_none_or_nan() -> None:
    bare = DriftReport(
        level=Level.GREEN, rows=0, reference_rows=0, columns={"a": ColumnDrift(name="a", kind="embedding")},
        findings=(Finding(code="no_rows", level=Level.GREEN, sentence="No rows came."),),
        multivariate=MultivariateDrift(
            auc=None, interval=None, p_value=None, reconstruction=None, reconstruction_p_value=None, rows=0,
            reference_rows=0, level=Level.GREEN,
        ),
        performance=(
            PerformanceDrift(
                source="labels", metric="rmse", value=None, interval=None, baseline=None, drop=None, drop_interval=None,
                p_value=None, rows=0, level=Level.GREEN,
            ),
        ),
        streams=(StreamAlarm(detector="DDM", first=None, rows=1),),
        importance=ImportanceDrift(change=None, p_value=None),
    )  # fmt: skip
    subject = once(bare, alerts=[PastAlert(at=NOON, level=Level.RED, sentence="")], action=NextAction(name="go_on"))
    checks = [CheckPoint(number=number, at=NOON, level=Level.GREEN) for number in (1, 2)]
    page = Page(render_drift_report(subject, checks))
    assert not re.search(r"\b(None|nan|NaN|inf)\b", page.words)
    assert "As expected: none of 1 features changed enough to matter; 0 new rows compared with 0" in page.line
    assert "nobody yet" in page.words
    assert "<svg" in render_drift_report(subject, checks)


def test_a_page_of_no_columns_at_all_is_a_page() -> None:
    empty = DriftReport(level=Level.GREEN, rows=0, reference_rows=1, columns={})
    assert "As expected: 0 new rows compared with 1 reference row." in Page(render_drift_report(once(empty))).line


def test_a_calm_report_opens_a_few_plots_and_folds_the_others() -> None:
    columns = [numbers(f"f{place}", Level.GREEN, findings=()) for place in range(6)]
    html = render_drift_report(once(compared(*columns)))
    assert html.index("2 more columns") > html.index('id="column-3-')
    assert html.index("2 more columns") < html.index('id="column-4-')


def test_an_estimate_stands_in_where_nothing_was_measured() -> None:
    report = everything(numbers())
    unmeasured = report.performance[0].model_copy(update={"value": None})
    report = report.model_copy(update={"performance": (unmeasured, report.performance[1])})
    assert "ROC AUC, estimated without labels, is 0.84 where" in drift_words.verdict(report)


@pytest.mark.parametrize(
    ("action", "commands"),
    [
        ("go_on", ["monitor check"]),
        ("watch_closer", ["monitor check"]),
        ("prepare_retraining", ["monitor retrain", "models compare", "models promote"]),
        ("roll_back_and_retrain", ["models rollback", "monitor retrain", "models compare", "models promote"]),
    ],
)
def test_each_action_names_the_commands_that_do_it(action: ActionName, commands: list[str]) -> None:
    subject = watched(compared(numbers())).model_copy(update={"action": NextAction(name=action)})
    named = [" ".join(shlex.split(step.command)[1:3]) for step in steps(subject) if step.command]
    assert named == commands
    alone = once(compared(numbers()), action=NextAction(name=action))
    assert steps(alone)
    assert not any(name in step.command for step in steps(alone) for name in ("NAME", "None"))


def test_a_name_is_one_word_of_a_command() -> None:
    subject = watched(compared(numbers()), "a b; rm -rf $HOME")
    words = [shlex.split(step.command) for step in steps(subject)]
    assert ["millwright", "models", "rollback", "a b; rm -rf $HOME"] in words


def test_a_time_without_a_zone_is_taken_for_utc_and_a_due_date_that_is_past_is_now() -> None:
    naive = datetime(2026, 3, 1, 12)
    subject = once(compared(), at=naive, action=NextAction(name="watch_closer", due=NOON))
    assert drift_words.due(subject) == "now"
    later = subject.model_copy(update={"action": NextAction(name="watch_closer", due=naive + timedelta(hours=1))})
    assert drift_words.due(later) == "by 2026-03-01 13:00 UTC"


def test_advice_against_a_retraining_is_told_too() -> None:
    html = render_drift_report(once(compared(), advice=Advice(retrain=False, reasons=("1 of 3 features.",))))
    assert "The policy asks for no retraining yet: 1 of 3 features." in Page(html).line


@pytest.mark.parametrize(
    ("value", "expected"), [(None, ""), (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.1234, "12.3 %"), (1.0, "100 %")]
)
def test_shares_are_short(value: float | None, expected: str) -> None:
    assert drift_words.share(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, "–"), (1e-200, "< 0.0001"), (0.0, "< 0.0001"), (0.04, "0.04")])
def test_p_values_are_short(value: float | None, expected: str) -> None:
    assert drift_words.p_value(value) == expected


def test_a_metric_that_got_better_is_not_told_as_a_loss() -> None:
    assert drift_words.worse(-0.02) == "better by 2 %"
    assert drift_words.worse(0.02) == "2 %"
    assert drift_words.worse(None) == "–"
