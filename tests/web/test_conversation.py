"""The chat box talks to the same sessions as every other surface."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import ui
from nicegui.testing import User
from nicegui.testing.user_simulation import user_simulation

from agents.scripted import ScriptedModel, call, say
from engine.errors import ProviderFailed
from graphs.checkpoints import open_saver
from graphs.sessions import Sessions
from tools.workshop import Workshop
from web.pages import workbench


def on_the_page(workshop: Workshop, sessions: Sessions, act: Callable[[User], Awaitable[None]]) -> None:
    async def visit() -> None:
        async with user_simulation(lambda: workbench(workshop, sessions)) as user:
            await user.open("/")
            await act(user)

    asyncio.run(visit())


async def says(user: User, text: str) -> None:
    (box,) = user.find(ui.input).elements
    while not box.enabled:  # the turn before goes on for a moment after its words are there
        await asyncio.sleep(0.01)
    user.find(ui.input).type(text)
    user.find("Send").click()


def test_an_answer_is_shown_and_kept_in_the_session(workshop: Workshop, home: Path) -> None:
    async def act(user: User) -> None:
        await says(user, "hello <b>you</b>")
        await user.should_see("Nothing is here yet.")
        await says(user, "and now?")
        await user.should_see("Still nothing.")

    script = [say("Nothing is here yet."), say("Still nothing.")]
    with open_saver(home) as saver, ScriptedModel(script=script) as model:
        sessions = Sessions(workshop, model, saver)
        on_the_page(workshop, sessions, act)
        said = [(each.role, each.text) for each in sessions.history(sessions.list()[0].id)]
    assert said == [
        ("user", "hello <b>you</b>"),
        ("assistant", "Nothing is here yet."),
        ("user", "and now?"),
        ("assistant", "Still nothing."),
    ]


def test_an_error_is_shown_in_words(workshop: Workshop, home: Path) -> None:
    async def act(user: User) -> None:
        await says(user, "hello")
        await user.should_see("The endpoint is away. Try later.")

    with open_saver(home) as saver:
        model = ScriptedModel(script=[ProviderFailed("The endpoint is away.", "Try later.")])
        on_the_page(workshop, Sessions(workshop, model, saver), act)


def test_a_risky_call_runs_only_when_a_person_approves(workshop: Workshop, home: Path) -> None:
    async def act(user: User) -> None:
        await says(user, "promote it")
        await user.should_see("waits for approval")
        user.find("Approve").click()
        await user.should_see("There is no model 'mdl_x'.")
        await user.should_see("I could not.")

    script = [call("promote_model", model="mdl_x", alias="champion"), say("I could not.")]
    with open_saver(home) as saver, ScriptedModel(script=script) as model:
        on_the_page(workshop, Sessions(workshop, model, saver), act)
