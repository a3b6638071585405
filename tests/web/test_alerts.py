"""Alerts in the workbench: taken on with a click, there and on the page that their links lead to."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI
from fastapi.testclient import TestClient
from nicegui import ui
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals
from nicegui.testing.user_simulation import user_simulation

from engine.alerts.settings import AlertSettings
from engine.drift.levels import Level
from graphs.sessions import Sessions
from tests.web.small import a_monitor, checked, raised
from tools.monitoring import Monitoring
from tools.workshop import Workshop
from web.alerts import alert_page, open_alerts
from web.pages import mount, workbench

HERE = "http://127.0.0.1:8000"
OFTEN_S = 0.05
RETRIES = 50
"""Looks at a page, 0.1 s apart, before a text is missing."""
Act = Callable[[User], Awaitable[None]]


def on_a_page(root: Callable[[], Awaitable[None]], act: Act) -> None:
    async def visit() -> None:
        async with user_simulation(root) as user:
            await user.open("/")
            await act(user)

    asyncio.run(visit())


@contextmanager
def served(workshop: Workshop, sessions: Sessions) -> Iterator[TestClient]:
    app = FastAPI()
    with nicegui_reset_globals():
        mount(app, workshop, sessions)
        with TestClient(app, base_url=HERE) as client:
            yield client


def titles(user: User) -> list[str]:
    """Of the alerts, from top to bottom."""
    cards = next(iter(user.find(ui.card).elements)).parent_slot.children
    return [part.text for card in cards for part in card.descendants() if isinstance(part, ui.link)]


def test_an_alert_is_acknowledged_in_the_workbench_with_a_note(workshop: Workshop) -> None:
    alert = raised(workshop, a_monitor(workshop).id)

    async def act(user: User) -> None:
        await user.should_see(alert.title)
        user.find("Note").type("I look after it.")
        user.find("Acknowledge").click()
        await user.should_see("UTC, acknowledged", retries=RETRIES)
        await user.should_not_see(kind=ui.button, content="Acknowledge")

    on_a_page(lambda: open_alerts(workshop, OFTEN_S), act)
    taken = workshop.monitoring.alerts.get(alert.id).acknowledgement
    assert (taken and taken.note, workshop.monitoring.alerts.silences()) == ("I look after it.", ())


def test_a_click_silences_the_monitor_below_red_for_four_hours(workshop: Workshop) -> None:
    monitor = a_monitor(workshop)
    raised(workshop, monitor.id)
    before = datetime.now(UTC)

    async def act(user: User) -> None:
        user.find("Silence 4 h").click()
        await user.should_see("UTC, acknowledged", retries=RETRIES)

    on_a_page(lambda: open_alerts(workshop, OFTEN_S), act)
    (silence,) = workshop.monitoring.alerts.silences()
    assert (silence.about, silence.highest) == (monitor.id, Level.ORANGE)
    assert timedelta(0) <= silence.until - before - timedelta(hours=4) < timedelta(minutes=1)


def test_alerts_come_and_go_by_themselves_and_a_note_that_is_written_stays(workshop: Workshop) -> None:
    first, other = a_monitor(workshop).id, a_monitor(workshop).id
    raised(workshop, first, title="the first")

    async def act(user: User) -> None:
        user.find("Note").type("half a no")
        raised(workshop, other, title="the second")
        await user.should_see("the second", retries=RETRIES)
        assert "half a no" in {box.value for box in user.find(ui.input).elements}
        assert titles(user) == ["the second", "the first"]
        workshop.monitoring.alerts.resolve(f"drift:{first}")
        await user.should_not_see("the first", retries=RETRIES)
        workshop.monitoring.alerts.resolve(f"drift:{other}")
        await user.should_see("No alert is open.", retries=RETRIES)

    on_a_page(lambda: open_alerts(workshop, OFTEN_S), act)


def test_the_page_of_an_alert_tells_all_and_takes_it_on(workshop: Workshop) -> None:
    monitor = a_monitor(workshop)
    alert = raised(
        workshop, monitor.id, sentences=("Column 'age' moved.",), action="watch_closer", figures={"rows": 20}
    )

    async def act(user: User) -> None:
        for said in ("Column 'age' moved.", "What to do: watch closer.", "rows 20", f"Monitor {monitor.name} of model"):
            await user.should_see(said)
        (deliveries,) = user.find(ui.table).elements
        assert {(row["channel"], row["state"]) for row in deliveries.rows} >= {("slack", "not configured")}
        user.find("Note").type("on it")
        user.find("Acknowledge").click()
        await user.should_see("Acknowledged by user", retries=RETRIES)

    on_a_page(lambda: alert_page(workshop, alert.id), act)


def test_a_silence_keeps_the_note_and_an_alert_that_is_over_has_no_buttons(workshop: Workshop) -> None:
    alert = raised(workshop, a_monitor(workshop).id)
    workshop.call("acknowledge_alert", alert=alert.id, note="on it")

    async def act(user: User) -> None:
        user.find("Silence 4 h").click()
        await user.should_see("Silenced up to ORANGE until", retries=RETRIES)
        await user.should_see("UTC: on it")

    async def look(user: User) -> None:
        await user.should_see("UTC: It is over.")
        await user.should_not_see(ui.button)

    on_a_page(lambda: alert_page(workshop, alert.id), act)
    workshop.monitoring.alerts.resolve(alert.key, "It is over.")
    on_a_page(lambda: alert_page(workshop, alert.id), look)


def test_a_click_that_cannot_be_kept_says_so(workshop: Workshop) -> None:
    alert = raised(workshop, a_monitor(workshop).id)
    only_read = f"sqlite:///file:{workshop.home}/monitoring.db?mode=ro&uri=true"
    locked_out = replace(workshop, monitoring=Monitoring(workshop.home, workshop.now, only_read))

    async def act(user: User) -> None:
        user.find("Acknowledge").click()
        await user.should_see("cannot be written", retries=RETRIES)
        await user.should_see(kind=ui.button, content="Acknowledge")

    on_a_page(lambda: alert_page(locked_out, alert.id), act)
    assert workshop.monitoring.alerts.get(alert.id).acknowledgement is None


def test_the_link_in_an_alert_leads_to_its_page_and_what_came_from_data_is_text(
    workshop: Workshop, sessions: Sessions
) -> None:
    alert = raised(workshop, a_monitor(workshop).id, title="<img src=x onerror=alert(1)>")
    links = AlertSettings(public_url=f"{HERE}/ui").links(alert.id)
    with served(workshop, sessions) as client:
        page = client.get(links["Acknowledge"])
        unknown = client.get("/ui/alerts/alr_000000000000")
    assert (page.status_code, "onerror" in page.text, "<img src=x" in page.text) == (200, True, False)
    assert not [link for link in re.findall(r"""(?:src|href)=["']([^"']+)""", page.text) if "//" in link]
    assert (unknown.status_code, "There is no alert" in unknown.text) == (404, True)


def test_the_report_lies_beside_the_pages_and_runs_nothing(workshop: Workshop, sessions: Sessions) -> None:
    seen, unseen = a_monitor(workshop), a_monitor(workshop)
    checked(workshop, seen.id, 1, Level.RED, "age")
    with served(workshop, sessions) as client:
        page = client.get(f"/ui/monitors/{seen.id}/report")
        none = client.get(f"/ui/monitors/{unseen.id}/report")
    assert (page.status_code, "age" in page.text, "<script" in page.text) == (200, True, False)
    assert page.headers["content-security-policy"] == "sandbox"
    assert """http-equiv="Content-Security-Policy" content="default-src 'none';""" in page.text
    assert (none.status_code, "No window was checked yet" in none.text) == (404, True)


def test_looking_at_a_workbench_without_monitors_makes_no_database(workshop: Workshop, sessions: Sessions) -> None:
    async def act(user: User) -> None:
        await user.should_see("No alert is open.")

    on_a_page(lambda: workbench(workshop, sessions), act)
    assert not workshop.monitoring.in_use
