"""Watching models: making monitors, asking how they stand, their reports, what is to be done, answering alerts."""

import re

from agents.offline import monitoring_wording as wording
from agents.offline.columns import find_column
from agents.offline.comparing import last_comparison
from agents.offline.conversation import Json
from agents.offline.finding import bare, given, model_for
from agents.offline.monitor_finding import NO_MONITOR, monitor_for, named_monitor, said_name
from agents.offline.periods import hours_of, schedule_of, window_of
from agents.offline.playing import Play, Request, Told
from agents.offline.slots import unquoted
from agents.offline.texts import HELP
from agents.offline.words import word_set

NO_RHYTHM = (
    "A check by itself can come every so many minutes, hours or days that go evenly into an hour or a day, for example "
    "'every 15 minutes', 'every hour' or 'every day at 6'."
)
NO_CHANGES = (
    "I cannot change a monitor from here; its thresholds and actions are in its policy file. Say for example 'watch it "
    "every hour with windows of 200 rows' for one more."
)
HOW_LONG = "For how long? Say for example 'silence it for 4 hours'. Alerts of level RED are told all the same."
_WATCHES = re.compile(r"\b(?:watch|monitor|observe|eye|track|tell|alert|warn|notify)", re.IGNORECASE)

# monitors


def watch(play: Play, request: Request) -> str:
    """A monitor of the model that is named, or of the one spoken of last."""
    if play.known.about == "watch" and _WATCHES.search(request.words) is None:
        raise Told(NO_CHANGES)
    choices = _choices(request)
    model = said_name(request) or model_for(play, request)
    return wording.created(play.use_mended("create_monitor", model=model, **choices))


_NEVER_RETRAIN = re.compile(r"\b(?:never|no|not|without|don['’]?t)\b[^,.;]*\bre-?train", re.IGNORECASE)


def _choices(request: Request) -> Json:
    """What the words choose of a monitor."""
    schedule, window = schedule_of(request.words), window_of(request.words)
    if schedule == "":
        raise Told(NO_RHYTHM)
    return given(
        name=request.slots.name,
        window_rows=window.rows if window else None,
        window_hours=window.hours if window else None,
        schedule=schedule,
        retrain="never" if _NEVER_RETRAIN.search(request.words) else None,
    )


def monitor_status(play: Play, request: Request) -> str:
    """Where the monitors stand; only the alerts, when those are asked for."""
    result = play.use("monitor_status", **given(monitor=named_monitor(play, request)))
    if not result.get("monitors"):
        raise Told(NO_MONITOR)
    asks_alerts = re.search(r"\balerts?\b|\balarms?\b|\bwho\b", request.slots.rest, re.IGNORECASE)
    return wording.alerts(result) if asks_alerts else wording.states(result)


# reports

_DRIFT = re.compile(r"\b(?:drift|psi)\w*\b", re.IGNORECASE)
_PERFORMANCE = re.compile(r"_metric_|\bperformance\b", re.IGNORECASE)
_FIGURES = re.compile(r"\b(?:metrics?|scores?|quality|errors?|accuracies)\b", re.IGNORECASE)
_PAGE = re.compile(r"\breport|\bpage\b", re.IGNORECASE)
_ASKS_PLOT = re.compile(
    r"\b(?:plot|chart|graph|draw|visuali[sz]|diagram|curve|picture|histogram|distribution|performance|history|then|now|"
    r"over time|before|after|window|drift|compare|look(?:s|ed)? like)|_metric_",
    re.IGNORECASE,
)
_BESIDE = word_set(
    "plot plots chart charts graph graphs draw visualise visualize diagram diagrams curve curves histogram histograms "
    "picture distribution show see display give i want to me us the a an of for my our please can you could and column "
    "feature value values how has have did over time then now compare compared versus vs against before after by per "
    "window windows developed develop change changed look looks looked like in training through today"
)
"""Words around the name of what is plotted."""


def drift_report(play: Play, request: Request) -> str:
    """The page of a monitor, or one plot of it; of a comparison without a monitor, where its page lies."""
    plot, check = _plot(play, request), last_comparison(play)
    if plot is None and check is not None:
        return wording.page(check)
    monitor = monitor_for(play, request)
    return wording.reported(play.use_mended("drift_report", **given(monitor=monitor, plot=plot)))


def _plot(play: Play, request: Request) -> str | None:
    """What is to be plotted: 'drift', 'performance', a column, or None for the page."""
    text = unquoted(request.slots.rest, request.slots)
    if not _ASKS_PLOT.search(text) or _PAGE.search(text):
        return None
    said = [word.strip(",:;?!") for word in bare(text).split()]
    words = " ".join(word for word in said if word.lower() not in _BESIDE)
    column = find_column(words, _columns(play)).column if words else None
    if column is not None:
        return column
    if _DRIFT.search(text) and not _PERFORMANCE.search(text):
        return "drift"
    if _FIGURES.search(text) or _PERFORMANCE.search(text):
        return "performance"
    return words or "drift"


def _columns(play: Play) -> list[str]:
    """Every column that the conversation has seen of the data or the models."""
    known = play.known
    taken = [name for columns in known.model_columns.values() for name in columns]
    return list(dict.fromkeys([*known.watched.drifted, *taken, *known.column_names(known.dataset)]))


# deciding


def advise(play: Play, request: Request) -> str:
    """What the policy of a monitor asks for; after a comparison without a monitor, what it found."""
    check = last_comparison(play)
    if check is not None:
        return wording.checked(check)
    if play.known.watched.monitor is None and _WHAT_TO_DO.search(request.words) and not _any_monitor(play):
        raise Told(HELP)
    return wording.advised(play.use_mended("evaluate_actions", monitor=monitor_for(play, request)))


_WHAT_TO_DO = re.compile(r"\bwhat (?:should|shall|must) (?:i|we) do\b", re.IGNORECASE)


def _any_monitor(play: Play) -> bool:
    """Whether there is one that the conversation has not spoken of yet."""
    return "monitor_status" in play.offered and bool(play.use("monitor_status").get("monitors"))


# answering

_SILENCES = re.compile(
    r"\b(?:silence|mute|snooze|quiet|hush|pause|stop|no more|quit|leave me)|\back\w*\b.*\bfor\b", re.IGNORECASE
)
_ONLY_SILENCES = re.compile(r"\W*(?:(?:please|can you|ok|and|now)\W+)*(?:silence|mute|snooze|hush)\b", re.IGNORECASE)
_NOTE = re.compile(r"(?:\bnote\b:?|\bbecause\b|:\s|\s[-–]\s)\s*(.{3,})", re.IGNORECASE)


def acknowledge(play: Play, request: Request) -> str:
    """Somebody looks after an alert: the one named, the only one that is open, or the newest."""
    slots, open_ones = request.slots, play.known.watched.alerts
    alert = next(iter(slots.alerts), None)
    if alert is None and slots.ordinal is not None and -len(open_ones) <= slots.ordinal < len(open_ones):
        alert = open_ones[slots.ordinal]
    if alert is None:
        alert = open_ones[0] if len(open_ones) == 1 else "latest"
    hours = hours_of(request.words) if _SILENCES.search(request.words) else None
    if hours is None and _ONLY_SILENCES.match(request.words):
        raise Told(HOW_LONG)
    wanted = given(alert=alert, note=_note(request), silence_hours=hours)
    return wording.acknowledged(play.use_mended("acknowledge_alert", **wanted))


def _note(request: Request) -> str | None:
    """What is being done about it: quoted words, or what follows a colon or 'because'."""
    if request.slots.quoted:
        return request.slots.quoted[0]
    said = _NOTE.search(request.words)
    return said.group(1).strip(" .!") if said else None
