"""Made-up comparisons for the tests of the drift report; every figure is a function of the arguments."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from engine.drift.found import (
    ColumnDrift,
    DriftReport,
    Finding,
    ImportanceDrift,
    MultivariateDrift,
    Overlay,
    PerformanceDrift,
    StreamAlarm,
)
from engine.drift.levels import Level, highest
from engine.report.drift_subject import (
    Advice,
    CheckPoint,
    DriftSubject,
    NextAction,
    PastAlert,
    PastRetraining,
    WorstSlice,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = [
    '"><img src=x onerror=alert(1)>',
    "<script>alert(1)</script>",
    "a & \"b\" 'c'",
    "$x_1$ {{ 7 * 7 }}",
    "tab\tnull\x00bell\x07\u202eturned\ud800",
    "#010203 var(--ink)",
    "日本語 العربية",
    "x" * 400,
    "",
]


class Page(HTMLParser):
    """Collects what a browser would act on, what is open and never closed, and the words."""

    _EMPTY = frozenset({"meta", "br", "hr", "img", "input", "link"})
    _APART = frozenset({"td", "th", "dt", "dd", "li"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.headings: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        if tag not in self._EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        # cells stand apart in the browser
        self.words += " " if tag in self._APART else ""

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)

    @property
    def line(self) -> str:
        """The words with every run of blanks as one."""
        return re.sub(r"\s+", " ", self.words)


def numbers(name: str = "age", level: Level = Level.RED, **more: object) -> ColumnDrift:
    shape = Overlay(
        labels=("< 20", "20 to 40", "40 to 60", ">= 60"),
        reference=(0.25, 0.25, 0.25, 0.25),
        current=(0.1, 0.2, 0.3, 0.4),
        edges=(20.0, 40.0, 60.0),
    )
    found = Finding(code="drift", level=level, sentence=f"The values of {name!r} moved up.", column=name)
    fields: dict[str, object] = {
        "name": name, "kind": "number", "test": "ks", "statistic": 0.31, "p_value": 1e-9, "p_adjusted": 3e-9,
        "effect": 0.28, "psi": 0.22, "level": level, "rows": 1200, "reference_rows": 9000, "overlay": shape,
        "metrics": {"missing_rate": 0.12, "reference_missing_rate": 0.02}, "findings": (found,),
    }  # fmt: skip
    return ColumnDrift.model_validate(fields | more)


def categories(name: str = "plan", level: Level = Level.YELLOW, labels: tuple[str, ...] = ("a", "b")) -> ColumnDrift:
    shares = tuple(2.0 * (place + 1) / (len(labels) * (len(labels) + 1)) for place in range(len(labels)))
    shape = Overlay(labels=labels, reference=shares, current=shares[::-1])
    return numbers(name, level, kind="category", test="chi2", overlay=shape, metrics={"unseen_rate": 0.01})


def compared(*columns: ColumnDrift, **more: object) -> DriftReport:
    found = tuple(finding for column in columns for finding in column.findings)
    fields: dict[str, object] = {
        "level": highest(column.level for column in columns), "rows": 1200, "reference_rows": 9000,
        "columns": {column.name: column for column in columns}, "findings": found,
    }  # fmt: skip
    return DriftReport.model_validate(fields | more)


def everything(*columns: ColumnDrift, name: str = "feature") -> DriftReport:
    """A report in which no part is left out; `name` is wherever a name or a sentence of others comes in."""
    measured = PerformanceDrift(
        source="labels", metric="roc_auc", value=0.8123, interval=(0.79, 0.83), baseline=0.8934, drop=0.0908,
        drop_interval=(0.06, 0.12), p_value=1e-6, rows=400, level=Level.ORANGE, method=name, notes=(name,),
    )  # fmt: skip
    return compared(
        *columns,
        performance=(measured, measured.model_copy(update={"source": "estimated", "value": 0.84})),
        multivariate=MultivariateDrift(
            auc=0.74, interval=(0.71, 0.77), p_value=1e-9, reconstruction=0.13, reconstruction_p_value=0.002,
            rows=1200, reference_rows=9000, level=Level.ORANGE, columns=((name, 0.6), ("other", 0.4)),
        ),
        streams=(
            StreamAlarm(detector="ADWIN", first=812, rows=1200, at=NOON),
            StreamAlarm(detector="DDM", first=None, rows=1200),
        ),
        importance=ImportanceDrift(
            change=0.23, p_value=0.004, reference={name: 0.7, "b": 0.3}, current={name: 0.4, "b": 0.6}, rows=400
        ),
    )  # fmt: skip


def watched(report: DriftReport, name: str = "churn-watch") -> DriftSubject:
    """A monitored model of which everything is known."""
    return DriftSubject(
        at=NOON, report=report, monitor=name, model_id=f"id of {name}", model_name=name,
        action=NextAction(name="roll_back_and_retrain", due=NOON + timedelta(hours=4)),
        advice=Advice(retrain=True, reasons=(name,)),
        slices=(WorstSlice(where=name, rows=120, share=0.1, error=0.41, error_elsewhere=0.18),),
        retrainings=(PastRetraining(at=NOON - timedelta(days=9), state=name, sentence=name),),
        alerts=(PastAlert(at=NOON, level=Level.RED, sentence=name, acknowledged_by=name),),
    )  # fmt: skip


def windows(size: int, features: tuple[str, ...] = ("age", "plan", "town")) -> list[CheckPoint]:
    """Features go from GREEN to RED one after the other while the metric falls; some windows have no labels."""
    return [_window(number, features) for number in range(1, size + 1)]


def _window(number: int, features: tuple[str, ...]) -> CheckPoint:
    order = list(Level)
    levels = {name: order[min(3, max(0, number - 2 * place) // 3)] for place, name in enumerate(features)}
    value = None if number % 3 == 0 else 0.9 - 0.004 * number
    return CheckPoint(
        number=number, at=NOON + timedelta(hours=6 * number), level=highest(levels.values()), metric="roc_auc",
        value=value, interval=None if value is None else (value - 0.02, value + 0.02), estimated=0.9 - 0.003 * number,
        baseline=0.9, levels=levels, effects={name: 0.1 * level.rank for name, level in levels.items()},
        alarms=("ADWIN", "DDM") if number == 5 else (),
    )  # fmt: skip
