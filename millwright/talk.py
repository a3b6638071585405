"""A run and a conversation from Python, each in one call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millwright.compose import open_workshop
from millwright.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from graphs.events import Event
    from graphs.run_types import RunSummary
    from graphs.sessions import Turn
    from tools.workshop import Workshop


@dataclass(frozen=True)
class Answer:
    """What the assistant said, and the session to go on in: `chat("and with F1?", session=answer.session)`."""

    text: str
    session: str
    turn: "Turn"

    def __str__(self) -> str:
        return self.text


def run(goal: str, data: str, *, settings: Settings | None = None, **choices: Any) -> "RunSummary":  # noqa: ANN401
    """From a goal in words and a file to a trained, explained, registered model.

    Args:
        data: a file, 'sample:NAME', a database URL with `query`, or a dataset id.
        choices: what `graphs.run_types.RunRequest` takes, e.g. target='Churn', budget_seconds=30.

    Raises:
        MillwrightError: what stopped the run.
    """
    from graphs.run_types import RunRequest
    from graphs.runs import start_run

    request = RunRequest.model_validate({"approve_all": True, **choices, "goal": goal, "data": data})
    with _opened(settings) as (workshop, model, saver):
        return start_run(workshop, model, saver, request)


def chat(text: str, *, session: str | None = None, settings: Settings | None = None) -> Answer:
    """Say something to the assistant and get its answer; give `session` to go on with a conversation.

    Raises:
        NotFound: no such session.
    """
    from graphs.sessions import Sessions

    with _opened(settings) as (workshop, model, saver):
        sessions = Sessions(workshop, model, saver)
        chosen = session or sessions.create(text[:60]).id
        turn = sessions.send(chosen, text, _unheard)
        return Answer(turn.text, chosen, turn)


def _unheard(_: "Event") -> None:
    """The events of a conversation that nobody watches."""


@contextmanager
def _opened(
    settings: Settings | None,
) -> "Iterator[tuple[Workshop, BaseChatModel, BaseCheckpointSaver[Any]]]":
    from agents.provider import chat_model
    from graphs.checkpoints import open_saver

    settings = settings or Settings()
    with open_workshop(settings) as workshop, open_saver(settings.database_url or workshop.home) as saver:
        yield workshop, chat_model(settings.llm), saver
