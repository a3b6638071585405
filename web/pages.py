"""The workbench: a page with alerts, monitors, models, jobs, datasets and a conversation, and a page for each alert.

Everything on them is read when it is shown.
"""

# NiceGUI is skipped by the type checker, so its decorators have no types here
# mypy: disable-error-code="untyped-decorator"

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from nicegui import app as pages
from nicegui import run, ui

from engine.errors import MillwrightError, NotFound
from graphs.assistant_types import Decision
from graphs.events import ApprovalWanted, Emit, Event
from graphs.sessions import Sessions
from tools.optimise import OptimisedModel
from tools.workshop import Workshop
from web.alerts import alert_page, open_alerts
from web.tables import Table, dataset_table, job_table, model_table, monitor_table
from web.wording import MARKDOWN, Wording

PATH = "/ui"
REFRESH_S = 5.0
SANDBOX = {"Content-Security-Policy": "sandbox"}
"""A report forbids itself to load or run anything; here it is kept from the pages that hold the key, too."""

Turn = Callable[[Emit], object]
Item = Event | MillwrightError | None
"""What a turn's thread tells the page; None at the end."""


def mount(app: FastAPI, workshop: Workshop, sessions: Sessions) -> None:
    """Show the workbench under /ui of `app`. Once per process: NiceGUI keeps its pages in the module."""

    @ui.page("/")
    async def page() -> None:
        await workbench(workshop, sessions)

    @ui.page("/alerts/{alert}")
    async def one_alert(alert: str) -> None:
        await alert_page(workshop, alert)

    # also here, and not only below /v1: a browser that was asked for the key sends it along for /ui alone
    @pages.get("/monitors/{monitor}/report")
    def report(monitor: str) -> Response:
        return monitor_report(workshop, monitor)

    @pages.get("/models/{model}/optimisation")
    def optimised(model: str) -> Response:
        return optimisation_report(workshop, model)

    ui.run_with(app, mount_path=PATH, title="Millwright", show_welcome_message=False)


async def workbench(workshop: Workshop, sessions: Sessions) -> None:
    """The page's content."""
    ui.label("Millwright").classes("text-h5 q-pa-md")
    with ui.row().classes("w-full no-wrap items-start q-px-md"):
        with ui.column().classes("w-1/2"):
            _conversation(sessions)
        with ui.column().classes("w-1/2"):
            await open_alerts(workshop, REFRESH_S)
            for read in (monitor_table, model_table, job_table, dataset_table):
                await _table(workshop, read)


def monitor_report(workshop: Workshop, monitor: str) -> Response:
    """The page of what a monitor has seen."""
    try:
        workshop.call("drift_report", monitor=monitor)
    except NotFound as error:
        return PlainTextResponse(str(error), status_code=404)
    return HTMLResponse(workshop.monitoring.page(monitor).read_text(encoding="utf-8"), headers=SANDBOX)


def optimisation_report(workshop: Workshop, model: str) -> Response:
    """The page of everything that was tried to make a model smaller and faster."""
    try:
        found = workshop.call("show_optimisation", model=model)
    except NotFound as error:
        return PlainTextResponse(str(error), status_code=404)
    assert isinstance(found, OptimisedModel)
    return HTMLResponse(Path(found.report).read_text(encoding="utf-8"), headers=SANDBOX)


async def _table(workshop: Workshop, read: Callable[[Workshop], Table]) -> None:
    """One table that is read again every few seconds, off the thread that serves all pages."""
    first = await run.io_bound(read, workshop)
    ui.label(first.title).classes("text-h6")
    table = ui.table(columns=first.columns, rows=first.rows, row_key="id").classes("w-full").props("wrap-cells")
    table.add_slot("no-data", first.empty)
    for column, template in first.cells.items():
        table.add_slot(f"body-cell-{column}", template)

    async def refresh() -> None:
        table.rows = (await run.io_bound(read, workshop)).rows

    ui.timer(REFRESH_S, refresh, immediate=False)


def _conversation(sessions: Sessions) -> None:
    """A chat box over one session, opened by the first message."""
    ui.label("Conversation").classes("text-h6")
    log = ui.column().classes("w-full")
    session: list[str] = []

    async def send() -> None:
        text = box.value.strip()
        if not text:
            return
        box.value = ""
        if not session:
            session.append((await run.io_bound(sessions.create)).id)
        with log:
            ui.chat_message(text, name="You", sent=True)
        await show(lambda emit: sessions.send(session[0], text, emit))

    async def show(turn: Turn) -> None:
        """Run one turn and show what it says; a call that waits for approval gets two buttons."""
        box.disable()
        with log:
            waiting = await _shown(turn, ui.markdown("", extras=MARKDOWN))
            if waiting:
                _approval(waiting, decide)
        box.enable()

    async def decide(approval: str, approve: bool) -> None:
        await show(lambda emit: sessions.approve(session[0], approval, Decision(approve=approve), emit))

    box = ui.input(placeholder="What do you want from your data?").classes("w-full").on("keydown.enter", send)
    ui.button("Send", on_click=send)


def _approval(waiting: ApprovalWanted, decide: Callable[[str, bool], Awaitable[None]]) -> None:
    with ui.row() as row:

        async def answer(approve: bool) -> None:
            row.set_visibility(False)
            await decide(waiting.approval, approve)

        ui.button("Approve", on_click=lambda: answer(True))
        ui.button("Decline", on_click=lambda: answer(False))


async def _shown(turn: Turn, answer: ui.markdown) -> ApprovalWanted | None:
    """Run a turn on a thread of its own, write its events into `answer`, and return the question it ends with."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[Item]()

    def tell(item: Item) -> None:
        # the page may be closed before the turn is over; the turn goes on and is in the session's history
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def work() -> None:
        try:
            turn(tell)
        except MillwrightError as error:
            tell(error)
        finally:
            tell(None)

    threading.Thread(target=work, name="turn", daemon=True).start()
    said, waiting = Wording(), None
    while (item := await queue.get()) is not None:
        if isinstance(item, MillwrightError):
            said.say(str(item))
        else:
            said.add(item)
        answer.content = said.markdown
        waiting = item if isinstance(item, ApprovalWanted) else None
    return waiting
