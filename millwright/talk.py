"""A run and a conversation from Python, each in one call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millwright.compose import open_workshop
from millwright.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from graphs.events import ApprovalWanted
    from graphs.run_types import RunSummary
    from graphs.sessions import Turn
    from tools.workshop import Workshop


@dataclass(frozen=True)
class Answer:
    """What the assistant said, and the session to go on in: `chat("and with F1?", session=answer.session)`.

    `turn.approval` is the call that waits for a yes, when `chat` was not told how to answer it.
    """

    text: str
    session: str
    turn: "Turn"

    def __str__(self) -> str:
        return self.text


def run(goal: str, data: str, *, settings: Settings | None = None, **choices: Any) -> "RunSummary":  # noqa: ANN401
    """From a goal in words and a file to a trained, explained, registered model.

    Args:
        data: a file, 'sample:NAME', a database URL with `query`, or a dataset id.
        choices: what `graphs.run_types.RunRequest` takes, e.g. target='Churn', budget_seconds=30; the budget of the
            settings by default.

    Raises:
        BadArguments, BadBudget: a choice that does not fit; nothing was written.
        MillwrightError: what stopped the run.
    """
    from graphs.run_types import RunRequest
    from graphs.runs import start_run

    settings = settings or Settings()
    limit = {} if choices.get("max_models") is not None else {"budget_seconds": settings.budget_seconds}
    request = RunRequest.of(**{"approve_all": True, **limit, **choices, "goal": goal, "data": data})
    with _opened(settings) as (workshop, model, saver):
        return start_run(workshop, model, saver, request)


def chat(
    text: str,
    *,
    session: str | None = None,
    approve: "Callable[[ApprovalWanted], bool] | None" = None,
    settings: Settings | None = None,
) -> Answer:
    """Say something to the assistant and get its answer; give `session` to go on with a conversation.

    Args:
        approve: asked for a yes or no to each call that changes what others use, e.g. `lambda wanted: True`. Without
            it such a call is left waiting, and the next message cancels it.

    Raises:
        NotFound: no such session.
        MillwrightError: what ended the turn; the conversation can go on.
    """
    from graphs.assistant import Decision
    from graphs.sessions import Sessions

    with _opened(settings) as (workshop, model, saver):
        sessions = Sessions(workshop, model, saver)
        chosen = session or sessions.create(text[:60]).id
        turn = sessions.send(chosen, text)
        while turn.approval is not None and approve is not None:
            decision = Decision(approve=approve(turn.approval))
            turn = sessions.approve(chosen, turn.approval.approval, decision)
        if turn.cause is not None:
            raise turn.cause
        return Answer(turn.text, chosen, turn)


@contextmanager
def _opened(
    settings: Settings | None,
) -> "Iterator[tuple[Workshop, BaseChatModel, BaseCheckpointSaver[Any]]]":
    from agents.provider import chat_model
    from graphs.checkpoints import open_saver

    settings = settings or Settings()
    with open_workshop(settings) as workshop, open_saver(settings.database_url or workshop.home) as saver:
        yield workshop, chat_model(settings.llm), saver
