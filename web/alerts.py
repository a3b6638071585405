"""Alerts in the workbench: those that are open, and a page for each, where somebody takes it on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from nicegui import run, ui

from engine.alerts.message import Alert
from engine.alerts.records import AlertRecord, Delivery, Silence
from engine.alerts.render import figures_line, what_to_do
from engine.drift.levels import Level
from engine.errors import MillwrightError, NotFound
from tools.drift import Acknowledged
from tools.telling import state_of
from tools.workshop import Workshop
from web.tables import delivery_table
from web.wording import level_classes

SILENCE_HOURS = 4.0
MOST_OPEN = 50
LONGEST_NOTE = 1_000

Redraw = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class AlertSeen:
    """An alert with what its page shows of it. `monitor` is the name, or the id of one that is gone."""

    record: AlertRecord
    monitor: str
    deliveries: Sequence[Delivery]
    silence: Silence | None


async def open_alerts(workshop: Workshop, every: float) -> None:
    """The alerts whose trouble is not over, each with its two buttons; read again every so many seconds."""
    ui.label("Open alerts").classes("text-h6")
    board = _Board(workshop)
    await board.refresh()
    ui.timer(every, board.refresh, immediate=False)


async def alert_page(workshop: Workshop, alert: str) -> None:
    """The page that the links in alerts lead to."""
    ui.link("Millwright", "/").classes("text-h5 q-pa-md")
    place = ui.column().classes("w-full q-px-md")

    async def show() -> None:
        try:
            seen = await run.io_bound(read_alert, workshop, alert)
        except NotFound as error:
            ui.context.client.status_code = 404
            ui.label(str(error)).classes("q-px-md")
            return
        place.clear()
        with place:
            _draw(workshop, seen, show)

    await show()


def read_open(workshop: Workshop) -> Sequence[AlertRecord]:
    """The alerts whose trouble is not over, newest first."""
    # looking must not make the database: with it, every prediction would ask who watches
    return workshop.monitoring.alerts.list(open_only=True, limit=MOST_OPEN) if workshop.monitoring.in_use else ()


def read_alert(workshop: Workshop, alert: str) -> AlertSeen:
    """One alert and what became of it.

    Raises:
        NotFound: `alert_not_found`.
    """
    if not workshop.monitoring.in_use:
        raise NotFound("alert", alert)
    desk = workshop.monitoring.alerts
    record = desk.get(alert)
    about = (record.alert.monitor, record.alert.key)
    names = {monitor.id: monitor.name for monitor in workshop.monitoring.monitors.list()}
    return AlertSeen(
        record=record,
        monitor=names.get(record.alert.monitor, record.alert.monitor),
        deliveries=desk.deliveries(alert),
        silence=next((each for each in reversed(desk.silences()) if each.about in about), None),
    )


class _Board:
    """Open alerts. Each is drawn anew only when its state changes, so that a note that is being written stays."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._shown: dict[str, tuple[str, ui.card]] = {}
        self._column = ui.column().classes("w-full")
        self._nothing = ui.label("No alert is open.")

    async def refresh(self) -> None:
        records = await run.io_bound(read_open, self._workshop)
        for gone in self._shown.keys() - {record.alert.id for record in records}:
            self._drop(gone)
        for place, record in enumerate(records):
            self._show(record, place)
        self._nothing.set_visibility(not records)

    def _show(self, record: AlertRecord, place: int) -> None:
        alert, state = record.alert, state_of(record)
        known = self._shown.get(alert.id)
        if known is not None and known[0] == state:
            return
        if known is not None:
            self._drop(alert.id)
        with self._column, ui.card().classes("w-full") as card:
            with ui.row().classes("items-center"):
                _level(alert.level)
                ui.link(alert.title, f"/alerts/{alert.id}")
                ui.label(f"{_moment(alert.created)}, {state}")
            _answers(self._workshop, record, self.refresh)
        card.move(target_index=place)
        self._shown[alert.id] = (state, card)

    def _drop(self, alert: str) -> None:
        self._shown.pop(alert)[1].delete()


def _draw(workshop: Workshop, seen: AlertSeen, redraw: Redraw) -> None:
    alert = seen.record.alert
    with ui.row().classes("items-center"):
        _level(alert.level)
        ui.label(alert.title).classes("text-h6")
    with ui.row():
        ui.label(f"Monitor {seen.monitor} of model {alert.model}, {_moment(alert.created)}.")
        ui.link("Report", f"/monitors/{alert.monitor}/report", new_tab=True)
    for sentence in (*alert.sentences, *_small(alert), *_became(seen)):
        ui.label(sentence)
    _answers(workshop, seen.record, redraw)
    _deliveries(seen.deliveries)


def _small(alert: Alert) -> Sequence[str]:
    return tuple(filter(None, (what_to_do(alert), figures_line(alert))))


def _became(seen: AlertSeen) -> Sequence[str]:
    """What happened to it, in sentences."""
    record, taken, silence = seen.record, seen.record.acknowledgement, seen.silence
    said = []
    if record.repeats:
        said.append(f"Raised again {record.repeats:,} time(s), last {_moment(record.last_raised)}.")
    if taken is not None:
        said.append(_with(f"Acknowledged by {taken.who}, {_moment(taken.at)}", taken.note))
    if silence is not None:
        said.append(f"Silenced up to {silence.highest} until {_moment(silence.until)}.")
    if record.resolved is not None:
        said.append(_with(f"Over since {_moment(record.resolved)}", record.ending))
    return said


def _with(said: str, detail: str | None) -> str:
    return f"{said}: {detail}" if detail else f"{said}."


def _answers(workshop: Workshop, record: AlertRecord, redraw: Redraw) -> None:
    """A note and the buttons that still make sense; both call the tool acknowledge_alert."""
    state, taken, page = state_of(record), record.acknowledgement, ui.context.client
    if state == "resolved":
        return

    async def answer(silence_hours: float | None) -> None:
        box.set_visibility(False)
        try:
            found = await run.io_bound(_take_on, workshop, record.alert.id, note.value, silence_hours)
        except MillwrightError as error:
            said, mood = str(error), "negative"
        else:
            said, mood = _taken(found), "positive"
        box.set_visibility(True)
        # the row may have been drawn anew meanwhile; the page is still there
        with page:
            ui.notify(said, type=mood)
        await redraw()

    with ui.row().classes("items-center") as box:
        note = ui.input("Note", value=taken.note if taken else "").props(f"dense maxlength={LONGEST_NOTE}")
        if state == "open":
            ui.button("Acknowledge", on_click=lambda: answer(None))
        ui.button(f"Silence {SILENCE_HOURS:g} h", on_click=lambda: answer(SILENCE_HOURS))


def _take_on(workshop: Workshop, alert: str, note: str, silence_hours: float | None) -> Acknowledged:
    found = workshop.call("acknowledge_alert", alert=alert, note=note, silence_hours=silence_hours)
    assert isinstance(found, Acknowledged)
    return found


def _taken(found: Acknowledged) -> str:
    if found.silenced_until is None:
        return "Acknowledged."
    return f"Acknowledged; silenced until {_moment(datetime.fromisoformat(found.silenced_until))}."


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _level(level: Level) -> None:
    ui.label(level.value).classes(level_classes(level))


def _deliveries(deliveries: Sequence[Delivery]) -> None:
    found = delivery_table(deliveries)
    ui.label(found.title).classes("text-subtitle1")
    ui.table(columns=found.columns, rows=found.rows).classes("w-full").add_slot("no-data", found.empty)
